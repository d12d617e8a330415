"""Whether a certificate is what was ordered."""

from __future__ import annotations

from collections.abc import Collection

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

from .clients import Issued


def verify(issued: Issued, names: Collection[str], root: str) -> x509.Certificate:
    """The leaf, whose chain leads to the root, and which is for these names and this key."""
    leaf, *intermediates = x509.load_pem_x509_certificates(issued.fullchain.read_bytes())
    store = verification.Store(x509.load_pem_x509_certificates(root.encode()))
    for name in names:
        subject = x509.DNSName(name.replace("*", "any"))
        verification.PolicyBuilder().store(store).build_server_verifier(subject).verify(leaf, intermediates)
    sans = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(sans.get_values_for_type(x509.DNSName)) == sorted(names)
    key = serialization.load_pem_private_key(issued.key.read_bytes(), None)
    assert key.public_key() == leaf.public_key()
    return leaf
