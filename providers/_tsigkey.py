"""The key that signs (RFC 8945): from variables, or from a file as BIND's tsig-keygen writes it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import dns.exception
import dns.name
import dns.tsig

from ..errors import ConfigError
from ..secret import hide, read_secret

ALGORITHMS = {
    "hmac-md5": dns.tsig.HMAC_MD5,  # as BIND calls it; the wire says HMAC-MD5.SIG-ALG.REG.INT
    **{
        name.to_text(omit_final_dot=True).lower(): name
        for name in dns.tsig.mac_sizes
        if name != dns.tsig.GSS_TSIG  # needs a Kerberos context, not a secret
    },
}

KEY_FILE_HINT = 'it has to hold one  key "name" { algorithm hmac-sha256; secret "…"; };  and no more'

_COMMENT_OR_WORD = re.compile(r'/\*.*?\*/|//[^\n]*|#[^\n]*|"([^"]*)"|([{};])|([^\s{};"]+)', re.DOTALL)


def read_key(options: Mapping[str, str]) -> dns.tsig.Key | None:
    """The key that the options name, or None: then the server has to go by the address.

    Raises ConfigError.
    """
    name, secret = options.get("tsig_key", ""), options.get("tsig_secret", "")
    if path := options.get("tsig_file", ""):
        if name or secret:
            raise ConfigError(
                "RFC2136_TSIG_FILE is set, and so is RFC2136_TSIG_KEY or RFC2136_TSIG_SECRET",
                "keep the file, or the other two",
            )
        return _make_key(*_read_key_file(path), source=f"RFC2136_TSIG_FILE: {path}")
    if not name and not secret:
        return None
    if not name or not secret:
        given, lacking = ("RFC2136_TSIG_KEY", "RFC2136_TSIG_SECRET")[:: 1 if name else -1]
        raise ConfigError(f"{given} is set but {lacking} is not", "set both, or neither")
    return _make_key(name, options.get("tsig_algorithm") or "hmac-sha256", secret, source="RFC2136_TSIG_KEY")


def _make_key(name: str, algorithm: str, secret: str, *, source: str) -> dns.tsig.Key:
    hide(secret)
    known = ALGORITHMS.get(algorithm.lower().removesuffix("."))
    if known is None:
        raise ConfigError(
            f"{source}: there is no TSIG algorithm {algorithm!r}", f"it is one of {', '.join(ALGORITHMS)}"
        )
    try:
        owner = dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise ConfigError(f"{source}: {name!r} is no key's name", "it is written like a domain") from error
    try:
        octets = base64.b64decode("".join(secret.split()), validate=True)
    except ValueError:
        octets = b""
    if not octets:
        raise ConfigError(f"{source}: the secret of {name} is not base64", "copy it whole, up to the last =")
    return dns.tsig.Key(owner, octets, known)


def _read_key_file(path: str) -> tuple[str, str, str]:
    """(name, algorithm, secret) of the one key in the file."""
    words = [
        quoted or mark or bare
        for quoted, mark, bare in _COMMENT_OR_WORD.findall(read_secret(path))
        if quoted or mark or bare
    ]
    match words:
        case ["key", name, "{", *clauses, "}", ";"] | ["key", name, "{", *clauses, "}"]:
            pass
        case _:
            raise ConfigError(f"{path} is not a TSIG key file", KEY_FILE_HINT)
    settings = dict(zip(clauses[0::3], clauses[1::3], strict=False))
    if len(clauses) != 6 or clauses[2::3] != [";", ";"] or settings.keys() != {"algorithm", "secret"}:
        raise ConfigError(f"{path}: the key {name} needs an algorithm and a secret", KEY_FILE_HINT)
    return name, settings["algorithm"], settings["secret"]
