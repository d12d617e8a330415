"""The certificate of an application at Microsoft's identity platform, in the place of a secret.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import re
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import Certificate, load_pem_x509_certificate

from ..errors import ConfigError
from ..secret import hide, shown
from ..trusted_file import read_trusted
from ._jwt import base64url, signed
from ._private_keys import private_key

LIFETIME = 600  # seconds that an assertion is good for
HINT = "it has to hold the certificate and its RSA key, both in PEM, or a PKCS #12 archive (.pfx)"

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class ClientCertificate:
    """The first certificate in the file, and the key there, which belongs to it."""

    def __init__(self, path: str, password: str = "") -> None:
        """Raises ConfigError."""
        place = f"AZURE_CLIENT_CERTIFICATE_PATH: {shown(path)}"
        try:
            content, _ = read_trusted(path, private=True)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no path"
            raise ConfigError(f"{place} cannot be read: {why}", HINT) from None
        try:
            key, certificate = _read(content, password.encode() or None)
        except (ValueError, TypeError) as error:  # TypeError: a password too many, or none
            about = "AZURE_CLIENT_CERTIFICATE_PASSWORD is not its password, or it"
            reason = about if password or "password" in str(error).lower() else "it"
            raise ConfigError(f"{place}: {reason} is no certificate with its key", HINT) from None
        if not isinstance(key, RSAPrivateKey):
            raise ConfigError(f"{place}: its key is not an RSA key, which Azure's signatures want", HINT)
        if certificate.public_key() != key.public_key():
            raise ConfigError(f"{place}: the key in it is not that of the first certificate in it", HINT)
        self._key = key
        self._thumbprint = certificate.fingerprint(SHA256())

    def assertion(self, client_id: str, audience: str, now: int) -> str:
        """Who we are, signed, for ten minutes; ``now`` is in seconds (RFC 7523 §3)."""
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid4()),
            "nbf": now,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return signed(self._key, "PS256", {"x5t#S256": base64url(self._thumbprint).decode()}, claims)


def _read(content: bytes, password: bytes | None) -> tuple[object, Certificate]:
    """The key and its certificate. Raises ValueError, TypeError."""
    in_pem, certificates = _KEY.search(content), _CERTIFICATE.findall(content)
    if in_pem:
        hide(in_pem[0].decode())
    if certificates and in_pem:
        return private_key(in_pem[0], password), load_pem_x509_certificate(certificates[0])
    if certificates or in_pem:
        raise ValueError("one of the two is missing")
    key, certificate, _ = load_key_and_certificates(content, password)
    if key is None or certificate is None:
        raise ValueError("one of the two is missing")
    return key, certificate
