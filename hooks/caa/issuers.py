"""Which CA an order goes to, and from which account: what the configuration and the client say.

A client's files are read as text, never executed. What they do not say for certain is unknown.
"""

import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from ...errors import ConfigError
from ...names import is_within
from ...options import check_known, text
from ..clients.detection import client_named
from ..clients.process import ClientProcess, command_line
from ..clients.setup.dehydrated_config import Dehydrated, read_config
from ..clients.setup.text_files import read_text


class _CA(NamedTuple):
    """Short names, the domains of its ACME directories, and the issuer domain names that its
    documents say it answers to in CAA."""

    words: tuple[str, ...]
    hosts: tuple[str, ...]
    issuers: tuple[str, ...]


SECTIGO = ("sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com")
DIGICERT = (
    *("digicert.com", "www.digicert.com", "digicert.ne.jp", "cybertrust.ne.jp", "quovadisglobal.com"),
    *("thawte.com", "geotrust.com", "rapidssl.com", "symantec.com", "digitalcertvalidation.com"),
)
CAS = (
    _CA(
        ("letsencrypt", "letsencrypt-staging", "letsencrypt-test"), ("letsencrypt.org",), ("letsencrypt.org",)
    ),
    _CA(("zerossl",), ("zerossl.com",), (*SECTIGO, "zerossl.com")),
    _CA(("google", "google-test"), ("pki.goog",), ("pki.goog",)),
    _CA(("buypass", "buypass-test"), ("buypass.com", "buypass.no"), ("buypass.com", "buypass.no")),
    _CA(("ssl.com", "sslcom"), ("ssl.com",), ("ssl.com",)),
    _CA(("sectigo",), ("sectigo.com",), SECTIGO),
    _CA(("digicert",), ("digicert.com",), DIGICERT),
    _CA(("globalsign",), ("globalsign.com",), ("globalsign.com",)),
    _CA(("harica",), ("harica.gr",), ("harica.gr",)),
)

# dehydrated's own short names (0.7.2), by which it finds the folder of an account.
PRESETS = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-test": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "zerossl": "https://acme.zerossl.com/v2/DV90",
    "buypass": "https://api.buypass.com/acme/directory",
    "buypass-test": "https://api.test4.buypass.no/acme/directory",
    "google": "https://dv.acme-v02.api.pki.goog/directory",
    "google-test": "https://dv.acme-v02.test-api.pki.goog/directory",
}
OTHER_KEY = {"--privkey", "-p"}  # of dehydrated: another account than the one in its files
SOURCES = re.compile(r"^\s*(\.|source)\s", re.MULTILINE)  # a file that might say CA= as well
CONDITIONAL = re.compile(r"^[^\S\n]+(export\s+)?CA=", re.MULTILINE)


class Issuer(NamedTuple):
    """The CA that an order goes to, as far as it is known: the issuer domain names that it answers
    to, the first of them to be written into new records, and the account's URI."""

    names: tuple[str, ...] = ()
    account: str = ""


class AcmeAccount(NamedTuple):
    """Whose orders a client makes, as far as it says: the URLs of the CA's directory and of the account
    (RFC 8555 §7.1.1, §7.1.2); each empty where it does not."""

    directory: str = ""
    uri: str = ""


def ca(value: object) -> str:
    """The CA that a setting means: a short name, an issuer domain name, or the URL of an ACME
    directory. Raises ConfigError."""
    given = text(value)
    if "." not in given and not given.startswith("https://"):
        try:
            check_known("CA", [given], [word for known in CAS for word in known.words])
        except ConfigError as error:
            hint = f"{error.hint}; else its issuer domain name, or the URL of its ACME directory"
            raise ConfigError(str(error), hint) from None
    return given


def account_uri(value: object) -> str:
    """An account's URI, as CAA wants it. Raises ConfigError."""
    uri = text(value)
    if not host_of(uri) or not uri.lower().startswith(("https://", "http://")):
        raise ConfigError(f"{uri!r} is no account URI", "it is the account's URL at the CA: https://…")
    return uri


def host_of(url: str) -> str:
    """The host of a URL, in lower case; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # an IPv6 address that is none, say
        return ""


def issuer_of(ca: str, ca_account: str, account: AcmeAccount) -> Issuer:
    """The CA that is configured, else the one that the client orders from; without names if it is unknown.

    ``ca``: in one of the forms that ``ca()`` allows, or empty; ``ca_account``: an account URI, or empty.
    """
    names = issuers(ca or account.directory)
    same = names == issuers(account.directory)
    return Issuer(names, ca_account or (account.uri if same else ""))


def issuers(word: str) -> tuple[str, ...]:
    """The issuer domain names of a CA by what somebody calls it; none if that is unknown.

    A CA that nobody has heard of, by its own domain name, is taken at its word.
    """
    url = "/" in word
    host = host_of(word) if url else word.lower()
    for known in CAS:
        if host in known.words or (not url and host in known.issuers):
            return known.issuers
        if url and any(is_within(host, domain) for domain in known.hosts):
            return known.issuers
    return () if url or "." not in host else (host,)


def is_public(issuer: Issuer) -> bool:
    """Whether it is one of the CAs that are known here, which all hold by CAA."""
    return any(issuer.names == known.issuers for known in CAS)


def of_call(environ: Mapping[str, str], client: ClientProcess | None) -> AcmeAccount:
    """What the client that has called says, on its command line or in its configuration."""
    if client is None:
        return AcmeAccount()
    words = command_line(client.pid).split("\0")
    known = client_named(client.name)
    given = _option(words, known.directory_options if known else ())
    if not (known and known.has_ca_in_config):
        return AcmeAccount(given)
    config = read_config(environ)
    if config is None or config.files[0] != environ.get("CONFIG"):
        return AcmeAccount(given)
    order = of_dehydrated(config, given)
    return order._replace(uri="") if OTHER_KEY.intersection(words) else order


def of_dehydrated(config: Dehydrated, given: str = "", root: str = "/") -> AcmeAccount:
    """What its configuration says; ``given``: what stands on its command line, and goes first."""
    named = given or _configured(config, root)
    directory = PRESETS.get(named, named)
    if not directory.startswith("https://"):
        return AcmeAccount()
    # its shell's echo ends the URL with a line feed, which is encoded as well
    encoded = urlsafe_b64encode(f"{directory}\n".encode()).decode().rstrip("=")
    accounts = config.settings.get("ACCOUNTDIR") or f"{config.settings['BASEDIR']}/accounts"
    return AcmeAccount(directory, _member(read_text(f"{accounts}/{encoded}/account_id.json", root), "url"))


def of_certbot(lineage: Mapping[str, str], root: str = "/") -> AcmeAccount:
    """The CA and the account that a renewal file of certbot's names."""
    server, account = lineage.get("server", ""), lineage.get("account", "")
    folder = "/etc/letsencrypt/accounts/" + server.partition("://")[2]
    return AcmeAccount(server, certbot_account(os.path.join(folder, account), root))


def certbot_account(folder: str, root: str = "/") -> str:
    """The URI of the account that certbot keeps in the folder; empty where there is none."""
    return _member(read_text(os.path.join(folder, "regr.json"), root), "uri")


def _configured(config: Dehydrated, root: str) -> str:
    """Its CA; Let's Encrypt, if it says nothing; nothing, if only a shell could tell."""
    files = "\n".join(read_text(file, root) or "" for file in config.files)
    if CONDITIONAL.search(files):
        return ""
    return config.settings.get("CA") or ("" if SOURCES.search(files) else "letsencrypt")


def _option(words: list[str], options: tuple[str, ...]) -> str:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name in options:
            return value or following
    return ""


def _member(document: str | None, key: str) -> str:
    """A member of a JSON object, as far as there is one."""
    try:
        parsed = json.loads(document or "")
    except (ValueError, RecursionError):
        return ""
    return str(parsed.get(key) or "") if isinstance(parsed, dict) else ""
