"""Private keys that sign requests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def private_key(pem: bytes, password: bytes | None = None) -> PrivateKeyTypes:
    """Read a key of the user's own. Raises ValueError and TypeError.

    Whether an RSA key's numbers belong together is not checked: it takes more computing than a request does,
    and what is signed with a damaged key the API refuses.
    """
    return load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
