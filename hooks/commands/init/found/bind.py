"""TSIG keys of a BIND on this machine: clauses of its configuration, key files, and K*.private."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from . import Found, files, text_of

FILES = (
    "/etc/bind/*.key", "/etc/bind/*.conf", "/etc/bind/named.conf*", "/etc/bind/K*.private", "/etc/bind/*/*",
    "/etc/named.conf", "/etc/named/*.key", "/etc/named/*.conf", "/etc/named/K*.private",
)  # fmt: skip
FOLDERS = ("/etc/bind", "/etc/named")
CONTROL = {"rndc-key", "rndc"}  # the channel of rndc: no zone takes updates with it
DEBIAN_CONTROL = "rndc.key"
LOOPBACK = "127.0.0.1"
HERE = "the BIND of this machine"
ALGORITHMS = {
    "157": "hmac-md5", "161": "hmac-sha1", "162": "hmac-sha224", "163": "hmac-sha256", "164": "hmac-sha384",
    "165": "hmac-sha512",
}  # fmt: skip

_COMMENT = re.compile(r"/\*.*?\*/|(?://|#)[^\n]*", re.DOTALL)
_KEY = re.compile(r'\bkey\s+"?([\w.-]+)"?\s*\{([^}]*)\}')
_PRIVATE_NAME = re.compile(r"K(.+?)\.?\+(\d+)\+\d+\.private")
_PRIVATE_KEY = re.compile(r"^Key:\s*(\S+)", re.MULTILINE)
_GRANT = re.compile(r'\bgrant\s+"?([\w.-]+?)\.?"?\s|\bkey\s+"?([\w.-]+?)\.?"?\s*;')
_LISTEN = re.compile(r"\blisten-on\s*(?:port\s+\d+\s*)?\{([^}]*)\}")


def accounts() -> Iterator[Found]:
    """An account for each TSIG key; of several keys, those alone that a zone takes updates with, if any."""
    texts = _texts()
    plain = [_COMMENT.sub("", text) for text in texts.values()]
    granted = _granted(plain)
    address = _address(plain) if plain else ""
    every = [found for path, text in texts.items() for found in keys_in(text, path)]
    distinct = list({tuple(sorted(found.values.items())): found for found in every}.values())
    for found in [each for each in distinct if each.values["tsig_key"] in granted] or distinct:
        values = {"nameserver": address, **found.values}
        yield found._replace(values=values, origins={"nameserver": HERE})


def accounts_of(text: str, path: str) -> Iterator[Found]:
    """The accounts that one file has keys for; where it is one of BIND's own, the server is this machine."""
    for found in keys_in(text, path):
        if os.path.dirname(path) in FOLDERS:
            values = {"nameserver": address_here(), **found.values}
            yield found._replace(values=values, origins={"nameserver": HERE})
        else:
            yield found


def address_here() -> str:
    """The IPv4 address that the BIND of this machine listens on."""
    return _address(_COMMENT.sub("", text) for text in _texts().values())


def granted() -> set[str]:
    """The names of the TSIG keys that a zone of this BIND takes updates with."""
    return _granted(_COMMENT.sub("", text) for text in _texts().values())


def _texts() -> dict[str, str]:
    paths = [path for path in files(FILES) if os.path.basename(path) != DEBIAN_CONTROL]
    return {path: text for path in paths if (text := text_of(path))}


def _granted(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for match in _GRANT.findall(text) for word in match if word}


def keys_in(text: str, path: str) -> Iterator[Found]:
    """The keys in one file of BIND's."""
    if private := _PRIVATE_NAME.fullmatch(os.path.basename(path)):
        if (secret := _PRIVATE_KEY.search(text)) and private[2] in ALGORITHMS:
            yield _found(private[1], ALGORITHMS[private[2]], secret[1], path)
        return
    for name, body in _KEY.findall(_COMMENT.sub("", text)):
        words = re.findall(r'[^\s;"]+', body)
        clauses = dict(zip(words[::2], words[1::2], strict=False))
        if name not in CONTROL and clauses.get("secret"):
            yield _found(name, clauses.get("algorithm", "hmac-sha256"), clauses["secret"], path)


def _found(name: str, algorithm: str, secret: str, path: str) -> Found:
    values = {"tsig_key": name.removesuffix("."), "tsig_algorithm": algorithm.lower(), "tsig_secret": secret}
    return Found("rfc2136", values, path)


def _address(texts: Iterable[str]) -> str:
    """Where the server of this machine listens: the loopback address, unless it says another."""
    for text in texts:
        for listed in _LISTEN.findall(text):
            words = re.findall(r"[^\s;]+", listed)
            if not {"any", "localhost", LOOPBACK}.intersection(words):
                for word in words:
                    with suppress(ValueError):
                        return str(ipaddress.IPv4Address(word))
    return LOOPBACK
