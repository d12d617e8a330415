"""TSIG (RFC 8945): the key, from variables or a file, and what a server makes of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.tsig
from dns.rdtypes.ANY.TSIG import TSIG

from .. import dns_message
from ..errors import AuthRejected, ClockSkew, ConfigError, ProviderError
from ..secret import hide, looks_secret, shown

ALGORITHMS = {
    "hmac-md5": dns.tsig.HMAC_MD5,  # as BIND calls it; the wire says HMAC-MD5.SIG-ALG.REG.INT
    **{
        name.to_text(omit_final_dot=True).lower(): name
        for name in dns.tsig.mac_sizes
        if name != dns.tsig.GSS_TSIG  # needs a Kerberos context, not a secret
    },
}

# What tells one from another: HMACSHA512 (cert-manager), hmac_sha512 and sha512 are hmac-sha512, too.
BY_LETTERS = {re.sub(r"^hmac|[^a-z0-9]", "", name): known for name, known in ALGORITHMS.items()}

# To refuse or to fail, a server needs no secret: only these does it say unsigned (RFC 8945 §5.2).
UNSIGNED_RCODES = {
    dns.rcode.FORMERR,
    dns.rcode.SERVFAIL,
    dns.rcode.NOTIMP,
    dns.rcode.REFUSED,
    dns.rcode.NOTAUTH,
}

BAD_SIGNATURES = (dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadAlgorithm, dns.tsig.BadTime)


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
        from ._rfc2136_key_files import read_key_file

        source = f"RFC2136_TSIG_FILE: {path}"
        return _make_key(*read_key_file(path), source=source, secret_source=source)
    if not name and not secret:
        return None
    if not name or not secret:
        given, lacking = ("RFC2136_TSIG_KEY", "RFC2136_TSIG_SECRET")[:: 1 if name else -1]
        raise ConfigError(f"{given} is set but {lacking} is not", "set both, or neither")
    algorithm = options.get("tsig_algorithm") or "hmac-sha256"
    return _make_key(name, algorithm, secret, source="RFC2136_TSIG_KEY", secret_source="RFC2136_TSIG_SECRET")


def _make_key(name: str, algorithm: str, secret: str, *, source: str, secret_source: str) -> dns.tsig.Key:
    hide(secret)
    known = BY_LETTERS.get(re.sub(r"^hmac|[^a-z0-9]", "", algorithm.lower().strip()))
    if known is None:
        raise ConfigError(
            f"{shown(algorithm)} is no TSIG algorithm",
            f"tsig_algorithm (RFC2136_TSIG_ALGORITHM) is one of {', '.join(ALGORITHMS)}",
        )
    if looks_secret(name) and not looks_secret(secret):
        hide(name)
        raise ConfigError(
            f"{source}: the key's name looks like its secret, and the secret like its name",
            "the name is what stands behind `key` in the server's configuration; the secret is the base64",
        )
    try:
        owner = dns.name.from_text(name)
    except dns.exception.DNSException:
        raise ConfigError(
            f"{source}: {shown(name)} is no key's name", "it is written like a domain"
        ) from None
    try:
        octets = base64.b64decode("".join(secret.split()), validate=True)
    except ValueError:
        octets = b""
    if not octets:
        raise ConfigError(
            f"{secret_source}: the secret of {shown(name)} is not base64", "copy it whole, up to the last ="
        )
    return dns.tsig.Key(owner, octets, known)


def key_name(key: dns.tsig.Key) -> str:
    """The key's name, without the trailing dot."""
    return key.name.to_text(omit_final_dot=True)


def verify(
    server: str, key: dns.tsig.Key, query: dns.message.Message, response: dns.message.Message, wire: bytes
) -> bool:
    """Check the signature of a response, whose octets are ``wire``; gives whether it has one.

    Raises AuthRejected if the server does not accept ours, and ProviderError if its own is wrong,
    late or missing.
    """
    if response.tsig is None and response.rcode() in UNSIGNED_RCODES:
        return False
    if response.tsig is not None:
        if response.tsig[0].error:
            raise _rejection(server, key, response.tsig[0])
        with suppress(*BAD_SIGNATURES):
            dns_message.parse(wire, keyring=key, request_mac=query.mac)
            return True
    raise ProviderError(
        f"{server} answers without a valid signature of the key {key_name(key)}",
        "something else may be answering in its place: nothing that it says is believed",
    )


def _rejection(server: str, key: dns.tsig.Key, tsig: TSIG) -> AuthRejected:
    """What an error in the server's TSIG record means (RFC 8945 §5.2)."""
    match tsig.error:
        case dns.rcode.BADSIG:
            return AuthRejected(
                f"{server} says that the secret of the key {key_name(key)} is wrong (BADSIG)",
                "copy the secret from the server's own key of that name",
            )
        case dns.rcode.BADKEY:
            named = f"{key_name(key)} ({tsig.algorithm.to_text(omit_final_dot=True)})"
            return AuthRejected(
                f"{server} does not know the key {named}, or does not let it do this (BADKEY)",
                "compare name and algorithm with the server's; Knot: an acl of the zone has to name it, and "
                "this machine's address, where it has any `address`",
            )
        case dns.rcode.BADTIME:
            return ClockSkew(
                f"{server} and this machine do not agree about the time (BADTIME){_clocks(tsig)}",
                "set the clock that is wrong (NTP): signatures are good for 5 minutes",
            )
        case error:
            return AuthRejected(
                f"{server} does not accept the signature of the key {key_name(key)}"
                f" ({dns.rcode.to_text(error, tsig=True)})",
                "its log says why",
            )


def _clocks(tsig: TSIG) -> str:
    """Both clocks: ours when we signed, and the server's, which it may say (RFC 8945 §5.2.3)."""
    if len(tsig.other) != 6:
        return ""
    theirs, ours = int.from_bytes(tsig.other, "big"), tsig.time_signed
    shown = [datetime.fromtimestamp(clock, UTC).strftime("%Y-%m-%d %H:%M:%S") for clock in (theirs, ours)]
    return f": it has {shown[0]}, this machine {shown[1]} UTC, {abs(theirs - ours)} s apart"
