"""What a new certificate lacks that clients may have relied on in the last one that was brought there.

A plain renewal says nothing. CAs change their intermediates at will beneath the same root: that is one, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ....output import printable
from .fields import extended_key_usages, key_type, names_of, written

USAGES = {
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "clientAuth",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "serverAuth",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "emailProtection",
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string: "codeSigning",
}
NAMED = 5  # names that went, before "and more"


class Traits(NamedTuple):
    """What clients may rely on. ``ca``: the organisation that has issued it. ``top``: who has issued the
    last certificate of the chain, which is the root that a client has to know. ``must_staple``: RFC 7633."""

    key_type: str
    names: tuple[str, ...]
    ca: str
    top: str
    usages: tuple[str, ...]
    must_staple: bool = False


def traits_of(pem: bytes) -> Traits:
    """The traits of a certificate that its chain follows, as PEM. Raises ValueError."""
    leaf, *chain = x509.load_pem_x509_certificates(pem)
    organisations = leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Traits(
        key_type(leaf.public_key()),
        names_of(leaf),
        str(organisations[0].value) if organisations else written(leaf.issuer),
        written([leaf, *chain][-1].issuer),
        tuple(USAGES.get(usage, usage) for usage in extended_key_usages(leaf)),
        _must_staple(leaf),
    )


def differences(old: Traits, new: Traits) -> list[str]:
    """What breaks clients of the old, a line for each thing; empty for a plain renewal."""
    lines = []
    if new.key_type != old.key_type:
        lines.append(f"the key is {new.key_type} instead of {old.key_type}: old clients may not know it")
    if new.ca != old.ca:
        lines.append(f"the CA is {new.ca} instead of {old.ca}")
    elif new.top != old.top:  # of another CA, it is no surprise
        lines.append(f"the chain ends at {new.top} instead of {old.top}, which clients have to trust")
    if lost := [usage for usage in old.usages if usage not in new.usages]:
        lines.append(f"it is no longer good for {', '.join(lost)}")
    if lost := [name for name in old.names if not _is_covered(name, new.names)]:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        lines.append(f"it is no longer for {', '.join(lost[:NAMED])}{more}")
    if new.must_staple and not old.must_staple:
        lines.append("it wants an OCSP response stapled to it (must-staple), or clients refuse it")
    return [printable(" ".join(line.split())) for line in lines]


def recorded(pem: bytes) -> Mapping[str, Any]:
    """The traits of a certificate and its chain as the ledger's JSON gives them back. Raises ValueError."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in traits_of(pem)._asdict().items()
    }


def differences_from(record: Mapping[str, Any], pem: bytes) -> tuple[str, ...]:
    """What differs between the traits that the ledger has and a certificate with its chain; nothing where
    either cannot be read, as those of before there were any."""
    try:
        return tuple(differences(_decoded(record), traits_of(pem)))
    except (LookupError, TypeError, ValueError):
        return ()


def _decoded(data: Mapping[str, Any]) -> Traits:
    return Traits(
        str(data["key_type"]),
        tuple(map(str, data["names"])),
        str(data["ca"]),
        str(data["top"]),
        tuple(map(str, data["usages"])),
        bool(data["must_staple"]),
    )


def _is_covered(name: str, names: Sequence[str]) -> bool:
    """Whether one of the names is the name, or a wildcard for it (RFC 9525 §6.3)."""
    return name in names or f"*.{name.partition('.')[2]}" in names


def _must_staple(leaf: x509.Certificate) -> bool:
    try:
        features = leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.TLSFeatureType.status_request in features
