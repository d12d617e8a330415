"""The second factor of an account at INWX: one-time passwords by the clock, which it calls TANs."""

from __future__ import annotations

import hmac
from base64 import b32decode

from ..errors import ConfigError

STEP = 30  # seconds that a TAN is good for


def totp(secret: str, now: float) -> str:
    """The TAN at a time, in seconds (RFC 6238): six digits, by SHA-1, a new one every 30 seconds.

    Raises ConfigError for a secret that is no base32.
    """
    text = secret.replace(" ", "").rstrip("=").upper()
    try:
        key = b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise ConfigError(
            "INWX: the secret of the second factor is no base32 (A-Z, 2-7)",
            "it is what INWX shows beside the QR code, when the second factor is set up",
        ) from None
    digest = hmac.digest(key, int(now // STEP).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
