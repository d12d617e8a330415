"""Certificates of any lifetime, in a folder as an ACME client leaves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Trust"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Example CA"),
    ]
)


def write_chain(path: Path, *, left: float) -> None:
    """The certificate of the CA that ``lasting`` has issued with, with ``left`` days left."""
    end = datetime.now(UTC) + timedelta(days=left, seconds=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(CA_NAME)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Root")]))
        .public_key(CA_KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=3650))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    )
    with path.open("ab") as file:
        file.write(certificate.public_bytes(Encoding.PEM))


def lasting(folder: Path, *names: str, left: float, of: float = 90) -> Path:
    """A certificate with ``left`` days left of the ``of`` days that it was issued for. Gives the
    path of its cert.pem; its key, whose file nobody may read, is beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = datetime.now(UTC) + timedelta(days=left, seconds=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(CA_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=of))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .sign(CA_KEY, SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cert.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    private = folder / "privkey.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0)
    return path
