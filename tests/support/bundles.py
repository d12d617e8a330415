"""Certificates as a client leaves them in its folder, read as targets are given them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from trustme import KeyType

from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.bundle import read
from dns01.hooks.deploy.targets.base import CertificateFiles

AUTHORITY = trustme.CA().create_child_ca()


def issued(folder: Path, *names: str, days: int = 90, key: KeyType = KeyType.ECDSA) -> CertificateFiles:
    """A new certificate for the names (else example.org and www.example.org), its files in the folder.

    ``days``: how long it is good for."""
    names = names or ("example.org", "www.example.org")
    new = AUTHORITY.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days), key_type=key)
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
