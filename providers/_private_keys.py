"""Private keys that sign requests."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SHORTEST = 1024  # bits of an RSA key: a signature with SHA-512 needs 752


def private_key(pem: bytes, password: bytes | None = None) -> PrivateKeyTypes:
    """Read a key of the user's own. Raises ValueError and TypeError.

    Whether an RSA key's numbers belong together is not checked: it takes more computing than a request does,
    and what is signed with a damaged key the API refuses.
    """
    try:
        key = load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if isinstance(key, RSAPrivateKey) and key.key_size < SHORTEST:
        raise ValueError(f"an RSA key of {key.key_size} bits signs nothing")
    return key
