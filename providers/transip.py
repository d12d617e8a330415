"""TransIP, record by record, with a token for each process that a private key is signed for.

Facts: https://api.transip.nl/rest/docs.html and TransIP's own client. An entry has no id and is removed
by all that it says; entries of one RRset have to have one TTL, or the API refuses them. Unverified: the
least TTL, that a list of domains has one page, and what a duplicate gets. It is longer than most for the
key, which may be in a file, as lego and acme.sh have it, or be given as any other secret.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA512

from ..errors import ConfigError
from ..secret import hide, read_secret, shown
from ._name_servers import ShowsNameServers
from ._private_keys import private_key
from ._tokens import Tokens
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import base_url, listed

TOKEN_LIFETIME = 30  # minutes
# Of every zone: those that the API shows are the delegation's (https://www.transip.eu/knowledgebase/entry/26)
NAME_SERVERS = ("ns0.transip.net", "ns1.transip.nl", "ns2.transip.eu")


class Provider(Tokens, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an account's private key."""

    title = "TransIP"
    docs = "https://api.transip.nl/rest/docs.html"
    permission = (
        "a key pair of an account whose API is switched on, and this machine's address on its whitelist"
    )
    options = (
        Option("account", ("TRANSIP_ACCOUNT_NAME", "TRANSIP_Username"), "account", required=True),
        Option("private_key", ("TRANSIP_PRIVATE_KEY",), "private key, in PEM", secret=True),
        Option(
            "private_key_path",
            ("TRANSIP_PRIVATE_KEY_PATH", "TRANSIP_Key_File"),
            "instead of private_key: path of the file that holds it",
        ),
        Option(
            "global_key", ("TRANSIP_GLOBAL_KEY",), "true, for a key that needs no whitelist", default="false"
        ),
        base_url("TRANSIP_BASE_URL", "https://api.transip.nl/v6"),
    )
    least_ttl = 60

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for what is no private key of RSA's, or can be read by others."""
        if options.get("private_key_path") and not options.get("private_key"):
            options = {**options, "private_key": read_secret(options["private_key_path"])}
            hide(options["private_key"])
        super().__init__(options)
        if options["global_key"] not in ("true", "false"):
            raise ConfigError(f"TRANSIP_GLOBAL_KEY: {shown(options['global_key'])}", "it is true or false")
        self._key = _private_key(options["private_key"])

    def grant(self) -> Any:
        asked = {"login": self.given["account"], "nonce": token_hex(16), "read_only": False}
        asked |= {"expiration_time": f"{TOKEN_LIFETIME} minutes"}
        asked |= {"global_key": self.given["global_key"] == "true"}
        return {"access_token": self.post("auth", **asked)["token"], "expires_in": TOKEN_LIFETIME * 60}

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if url == f"{self._base}/auth":
            signature = self._key.sign(body.encode(), PKCS1v15(), SHA512())
            return {"Signature": b64encode(signature).decode()}
        return super().credentials(method, url, body)

    def zones(self) -> Iterable[Zone]:
        return [_zone(domain) for domain in listed(self.get("domains")["domains"])]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("domains", apex)
        return _zone(found["domain"]) if found else None

    def apex_with_id(self, id: str) -> str:
        """Its id is the domain's name as the API has it."""
        return id

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return NAME_SERVERS

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        return [(json.dumps(entry), entry["content"]) for entry in self._entries(zone, name)]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        """With the TTL of the values that are there already."""
        ttl = next((entry["expire"] for entry in self._entries(zone, record.name)), record.ttl)
        entry = {
            "name": relative(record.name, zone.apex),
            "expire": ttl,
            "type": "TXT",
            "content": record.value,
        }
        with self.unless(lambda: record.value in dict(self.texts(zone, record.name)).values()):
            self.post(*_dns(zone), dnsEntry=entry)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.request("DELETE", _dns(zone), body={"dnsEntry": json.loads(id)})

    def _entries(self, zone: Zone, name: str) -> list[dict[str, Any]]:
        wanted = ("TXT", relative(name, zone.apex))
        entries = listed(self.get(*_dns(zone))["dnsEntries"])
        return [entry for entry in entries if (entry["type"], entry["name"]) == wanted]


def _private_key(text: str) -> RSAPrivateKey:
    with suppress(ValueError, TypeError):  # TypeError: it is under a passphrase
        if isinstance(key := private_key(text.encode()), RSAPrivateKey):
            return key
    raise ConfigError(
        "TransIP: what is given is no private key (RSA, in PEM, without a passphrase)",
        "take all of what TransIP shows when a key pair is made, from -----BEGIN to the end",
    )


def _zone(domain: Mapping[str, Any]) -> Zone:
    return Zone(domain["name"], domain["name"])


def _dns(zone: Zone) -> tuple[str, ...]:
    return ("domains", zone.id, "dns")
