"""The .ini files of certbot's DNS plugins: ``dns_cloudflare_api_token = …``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from . import Found, files, text_of

RENEWAL = ("/etc/letsencrypt/renewal/*.conf",)
FILES = (
    "/etc/letsencrypt/*.ini", "/etc/letsencrypt/*/*.ini", "~/.secrets/*.ini", "~/.secrets/certbot/*.ini",
    "~/.certbot/*.ini", "~/*.ini",
)  # fmt: skip

# What the plugin calls our options; the plugin's provider where that has another name here.
PLUGINS: Mapping[str, Mapping[str, str]] = {
    "bunny": {"api_key": "key"},
    "cloudflare": {"api_token": "token", "api_key": "key", "email": "email"},
    "cloudns": {
        "auth_id": "id", "sub_auth_id": "sub_id", "sub_auth_user": "sub_user", "auth_password": "password",
    },
    "desec": {"token": "token"},
    "digitalocean": {"token": "token"},
    "dnsimple": {"token": "token"},
    "dnsmadeeasy": {"api_key": "key", "secret_key": "secret_key"},
    "domeneshop": {"client_token": "token", "client_secret": "secret"},
    "duckdns": {"token": "token"},
    "dynu": {"auth_token": "token"},
    "gandi": {"token": "token", "api_key": "key"},
    "godaddy": {"key": "key", "secret": "secret"},
    "hetzner_cloud": {"api_token": "token"},
    "infomaniak": {"token": "token"},
    "inwx": {"username": "user", "password": "password", "shared_secret": "shared_secret"},
    "linode": {"key": "token"},
    "loopia": {"user": "user", "password": "password"},
    "luadns": {"email": "user", "token": "token"},
    "namecheap": {"username": "user", "api_key": "key"},
    "netcup": {"customer_id": "customer", "api_key": "key", "api_password": "password"},
    "nsone": {"api_key": "key"},
    "ovh": {
        "endpoint": "base_url", "application_key": "application_key", "application_secret": "secret",
        "consumer_key": "consumer_key",
    },
    "porkbun": {"key": "key", "secret": "secret_key"},
    "powerdns": {"api_url": "base_url", "api_key": "key"},
    "rfc2136": {
        "server": "nameserver", "name": "tsig_key", "secret": "tsig_secret", "algorithm": "tsig_algorithm",
    },
    "scaleway": {"application_token": "secret_key"},
    "transip": {"username": "account", "key_file": "private_key_path"},
    "vultr": {"key": "token"},
}  # fmt: skip
PROVIDERS = {"hetzner_cloud": "hetzner", "nsone": "ns1"}

_SETTING = re.compile(r"^\s*(?:[\w-]+:)?dns_(\w+?)\s*=\s*(.*?)\s*$", re.MULTILINE)
_CREDENTIALS = re.compile(r"^dns_\w+_credentials\s*=\s*(\S+)", re.MULTILINE)


def accounts() -> Iterator[Found]:
    """The accounts in files that renewals name, and where the plugins' documentation puts them."""
    named = [path for file in files(RENEWAL) for path in _CREDENTIALS.findall(text_of(file))]
    for path in dict.fromkeys((*named, *files(FILES))):
        yield from accounts_of(text_of(path), path)


def accounts_of(text: str, path: str) -> Iterator[Found]:
    """The accounts in one .ini file."""
    settings = {name: value.strip("'\"") for name, value in _SETTING.findall(text)}
    for plugin, keys in PLUGINS.items():
        given = {ours: settings.get(f"{plugin}_{theirs}", "") for theirs, ours in keys.items()}
        if values := {key: value for key, value in given.items() if value}:
            values |= _rfc2136(values, settings) if plugin == "rfc2136" else {}
            yield Found(PROVIDERS.get(plugin, plugin), values, path)


def _rfc2136(values: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The port goes with the server; without an algorithm the plugin takes HMAC-MD5."""
    address, port = values.get("nameserver", ""), settings.get("rfc2136_port", "53")
    if address and port != "53":
        address = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    algorithm = {"tsig_algorithm": values.get("tsig_algorithm", "hmac-md5").lower()}
    return {**algorithm, **({"nameserver": address} if address else {})}
