"""Certificates as a client leaves them in its folder, read as targets are given them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from trustme import KeyType

from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.delivery.certificate_files import read
from dns01.hooks.deploy.targets.base import CertificateFiles

AUTHORITY = trustme.CA().create_child_ca()


def issued(
    folder: Path,
    *names: str,
    days: int = 90,
    key: KeyType = KeyType.ECDSA,
    authority: trustme.CA = AUTHORITY,
) -> CertificateFiles:
    """A new certificate for the names (else example.org and www.example.org), its files in the folder.

    ``days``: how long it is good for."""
    names = names or ("example.org", "www.example.org")
    new = authority.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days), key_type=key)
    leaf, *chain = [blob.bytes() for blob in new.cert_chain_pems]
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "privkey": new.private_key_pem.bytes(),
        "cert": leaf,
        "fullchain": b"".join([leaf, *chain]),
        "chain": b"".join(chain),
    }
    for name, content in contents.items():
        (folder / f"{name}.pem").write_bytes(content)
    return read(Certificate(names[0], *(f"{folder}/{name}.pem" for name in contents)))


def with_ed25519(folder: Path, *names: str) -> CertificateFiles:
    """The same with a key of a kind that few CAs issue for."""
    old = issued(folder, *names)
    leaf = x509.load_pem_x509_certificate(old.cert)
    signer = load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateBuilder(leaf.issuer, leaf.subject, key.public_key(), leaf.serial_number + 1)
    builder = builder.not_valid_before(leaf.not_valid_before_utc).not_valid_after(leaf.not_valid_after_utc)
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    cert = builder.add_extension(san.value, san.critical).sign(signer, hashes.SHA256())
    pem = cert.public_bytes(Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "fullchain.pem").write_bytes(pem + old.chain)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").write_bytes(private)
    return read(old.facts.certificate)


def resigned(
    old: CertificateFiles, extended_usages: Sequence[x509.ObjectIdentifier] = ()
) -> CertificateFiles:
    """A new certificate for the same key; ``extended_usages``: what that is for, if not the same."""
    leaf = x509.load_pem_x509_certificate(old.cert)
    signer = load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(leaf.issuer, leaf.subject, leaf.public_key(), leaf.serial_number + 1)
    builder = builder.not_valid_before(leaf.not_valid_before_utc).not_valid_after(leaf.not_valid_after_utc)
    for extension in leaf.extensions:
        value = extension.value
        if extended_usages and isinstance(value, x509.ExtendedKeyUsage):
            value = x509.ExtendedKeyUsage(extended_usages)
        builder = builder.add_extension(value, extension.critical)
    signed = builder.sign(signer, hashes.SHA256())
    cert = signed.public_bytes(Encoding.PEM)
    facts = old.facts._replace(fingerprint=signed.fingerprint(hashes.SHA256()).hex())
    return old._replace(cert=cert, fullchain=cert + old.chain, facts=facts)


def fields(bundle: CertificateFiles) -> dict[str, str]:
    """What a secret store is to hold of it, without an OCSP response or a request."""
    return {
        "private_key": bundle.key.decode(),
        "fullchain": bundle.fullchain.decode(),
        "cert": bundle.cert.decode(),
        "chain": bundle.chain.decode(),
        "csr": "",
        "not_after": f"{bundle.facts.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "fingerprint": bundle.facts.fingerprint,
    }
