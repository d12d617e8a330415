"""Certificate signing requests (RFC 8555 §7.4), and the private keys that they are signed with."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ....errors import ConfigError
from ....names import canonical
from ....regular_file import read_regular
from ..section import KeyType

LARGEST_CSR = 1 << 20  # octets


def new_key(kind: KeyType) -> str:
    """A new private key in PEM (PKCS #8)."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if kind.startswith("ec"):
        key = ec.generate_private_key(ec.SECP384R1() if kind == "ec384" else ec.SECP256R1())
    else:
        key = rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def new_csr(key: str, names: Sequence[str]) -> bytes:
    """A request for the names in DER, signed with the key. It has no common name, which is longer than
    64 characters for some domains, and which no client looks at (RFC 9525 §2)."""
    private = load_pem_private_key(key.encode(), password=None)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    signed = builder.add_extension(san, critical=False).sign(private, SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(Encoding.DER)


def answers(certificate: str, csr: bytes) -> bool:
    """Whether the certificate (PEM) is for the key of this request (DER)."""
    public = x509.load_der_x509_csr(csr).public_key()
    try:
        return x509.load_pem_x509_certificate(certificate.encode()).public_key() == public
    except (ValueError, UnsupportedAlgorithm):  # a key that no request of ours has
        return False


def read_csr(path: str, names: Sequence[str]) -> bytes:
    """A request of one's own in DER, which has to be for exactly these names. Raises ConfigError."""
    try:
        csr = x509.load_pem_x509_csr(read_regular(path, LARGEST_CSR))
        san = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        inside = {canonical(name) for name in san.get_values_for_type(x509.DNSName)}
        # These count for a CA, too (RFC 8555 §7.4).
        inside |= {str(other.value) for other in san if not isinstance(other, x509.DNSName)}
        inside |= {str(name.value).lower() for name in csr.subject if name.oid == x509.NameOID.COMMON_NAME}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "csr names it") from None
    except (ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError(
            f"{path} is no CSR in PEM with names ({type(error).__name__})", "make another one"
        ) from None
    if inside != set(names) or not csr.is_signature_valid:
        raise ConfigError(
            f"{path} is for {', '.join(sorted(inside)) or 'no name'}, the certificate for {', '.join(names)}",
            "write the same names for both",
        )
    return csr.public_bytes(Encoding.DER)
