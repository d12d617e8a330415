"""JSON Web Tokens that are signed with an RSA key (RFC 7519; RFC 7518 §3.3, §3.5)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256


def signed(
    key: RSAPrivateKey,
    algorithm: Literal["RS256", "PS256"],
    header: Mapping[str, str],
    claims: Mapping[str, Any],
) -> str:
    """The token; ``header``: what it says besides the algorithm."""
    head = {"alg": algorithm, "typ": "JWT", **header}
    content = b".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
    padding = PKCS1v15() if algorithm == "RS256" else PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)
    return b".".join((content, base64url(key.sign(content, padding, SHA256())))).decode()


def base64url(data: bytes) -> bytes:
    """base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=")
