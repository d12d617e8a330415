"""A certificate as it is in a file, and what it says to whoever may not read its key."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256

from ....errors import DeployError
from ....regular_file import open_regular, read_at_most
from .fields import key_type, names_of, written

LARGEST_FILE = 1 << 20  # octets: a certificate with its chain has a few thousand

Reader = Callable[[str], bytes]  # of the file at a path


class Leaf(NamedTuple):
    """What a certificate says by itself. ``fingerprint``: SHA-256 in lower-case hex, without colons;
    ``renewal_id``: as the function of that name."""

    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    key_type: str
    fingerprint: str
    renewal_id: str = ""


class IssuerCertificate(NamedTuple):
    """A CA's own certificate, with which it has issued another one. ``name``: its subject."""

    name: str
    not_after: datetime


def issuer_in(path: str, chains: Iterable[str]) -> IssuerCertificate | None:
    """What the first certificate of a PEM file was issued with, as far as that is in the file itself or in
    one of ``chains``; of several, what is valid longest. Raises DeployError."""
    leaf, *others = certificates_in(path)
    above = [*others, *(found for chain in chains for found in certificates_in(chain, may_be_empty=True))]
    found = [each for each in above if each != leaf and has_signed(each, leaf)]
    best = max(found, key=lambda each: each.not_valid_after_utc, default=None)
    return IssuerCertificate(written(best.subject), best.not_valid_after_utc) if best else None


def leaf_in(path: str) -> Leaf:
    """The first certificate of a PEM file, without any check of it. Raises DeployError."""
    return _leaf(certificates_in(path)[0])


def leaf_of(der: bytes) -> Leaf:
    """The certificate that a service shows, given as DER. Raises DeployError."""
    try:
        return _leaf(x509.load_der_x509_certificate(der))
    except ValueError as error:
        raise DeployError(f"it is no certificate: {error}", "see what serves there") from None


def content(path: str) -> bytes:
    """What is in the file, which has LARGEST_FILE octets at most. Raises DeployError."""
    try:
        with open_regular(path) as file:
            return read_at_most(file, LARGEST_FILE)
    except ValueError as error:
        raise DeployError(f"{path} cannot be used: {error}", "see what it is: ls -lL; file") from None
    except OSError as error:
        raise DeployError(
            f"{path or 'a file without a name'} cannot be read: {error.strerror}",
            "see that it is there, and that the user who runs the client may read it",
        ) from None


def names_in(path: str) -> tuple[str, ...]:
    """What the certificate in the file is for, in lower case. Raises DeployError."""
    return names_of(certificates_in(path)[0])


def certificates_in(
    path: str, read: Reader = content, *, may_be_empty: bool = False
) -> list[x509.Certificate]:
    """The certificates of a PEM file, in its order. Raises DeployError."""
    pem = read(path)
    if not pem.strip():
        if may_be_empty:
            return []
        raise empty(path)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        reason = str(error).partition(" See https://")[0]  # questions and answers for who writes programs
        raise DeployError(
            f"{path} holds no certificate in PEM form: {reason}", "have the client issue it once more"
        ) from None


def empty(path: str) -> DeployError:
    """The error for a file with nothing in it."""
    return DeployError(
        f"{path} is empty", "see that the disk is not full, and have the client issue it once more"
    )


def has_signed(upper: x509.Certificate, lower: x509.Certificate) -> bool:
    """Whether ``lower`` names ``upper`` as its issuer and has its signature."""
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def renewal_id(certificate: x509.Certificate) -> str:
    """What the CA calls the certificate in its renewal information (RFC 9773 §4.1): the authority key's
    identifier, and the serial number's DER octets. Empty where the certificate does not name that key."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    if not extension.value.key_identifier:
        return ""
    serial = certificate.serial_number
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")  # with a 0 before a first bit that is set
    return ".".join(
        urlsafe_b64encode(part).rstrip(b"=").decode() for part in (extension.value.key_identifier, octets)
    )


def _leaf(certificate: x509.Certificate) -> Leaf:
    return Leaf(
        names_of(certificate),
        written(certificate.issuer),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        key_type(certificate.public_key()),
        certificate.fingerprint(SHA256()).hex(),
        renewal_id(certificate),
    )
