"""What an X.509 certificate says of itself: its names, its issuer's name, its key and what that is for."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

NIST_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}  # RFC 5480 §2.1.1.1

# RFC 5280's names, and cryptography's; of what only key agreement has, nothing is asked.
KEY_USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The subject's alternative names; the common name is no name any more (RFC 9525 §2). None where its
    extensions cannot be read."""
    try:
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = [str(address) for address in san.get_values_for_type(x509.IPAddress)]
    return (*(name.lower() for name in san.get_values_for_type(x509.DNSName)), *addresses)


def written(name: x509.Name) -> str:
    """A distinguished name as RFC 4514 writes it."""
    return name.rfc4514_string() or "(no name)"


def key_usages(certificate: x509.Certificate) -> list[str]:
    """What its key may be used for, by RFC 5280's names (§4.2.1.3); empty: nothing is said of that."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name for name, attribute in KEY_USAGES.items() if getattr(usage, attribute)]


def extended_key_usages(certificate: x509.Certificate) -> list[str]:
    """The extended key usages (RFC 5280 §4.2.1.12), as dotted object identifiers."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [identifier.dotted_string for identifier in usage]


def key_type(key: PublicKeyTypes) -> str:
    """The type and the size of a key: "EC P-384", "RSA 2048"."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {NIST_NAMES.get(key.curve.name, key.curve.name)}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").removeprefix("_")
