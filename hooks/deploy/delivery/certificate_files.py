"""Read and check the files that a client names, once, as ``CertificateFiles`` for the targets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from ....errors import DeployError
from ....secret import hide_private_key
from ...clients.call import Certificate
from ..certificate.checks import inspect
from ..certificate.leaf import Reader, content
from ..section import Deployment
from ..targets.base import CertificateFiles

# What the CAs for trials call themselves, by their intermediates. (Nobody deploys Pebble's by mistake.)
STAGING = re.compile(r"\(STAGING\)|Fake LE ")

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read(
    certificate: Certificate, now: datetime | None = None, read_file: Reader = content
) -> CertificateFiles:
    """The files, once all that ``inspect`` asks of them is true. What the client gives no path
    for is made from the others. Raises DeployError.

    Each file is read once: a client that renews at this moment changes one after the other, and
    what is brought has to be what was inspected. The key is hidden from then on.
    """
    once = cache(read_file)
    facts = inspect(certificate, now, once)
    hide_private_key(once(certificate.key))
    leaf, chain = _blocks(once(certificate.cert))[:1], []
    if certificate.chain:
        chain = _blocks(once(certificate.chain))
    elif certificate.fullchain:
        chain = _blocks(once(certificate.fullchain))[1:]
    return CertificateFiles(
        name=certificate.domain,
        facts=facts,
        key=once(certificate.key),
        cert=_joined(leaf),
        chain=_joined(chain),
        fullchain=_joined([*leaf, *chain]),
        csr=once(certificate.csr) if certificate.csr else b"",
        ocsp=certificate.ocsp,
    )


def digest(bundle: CertificateFiles, deployment: Deployment) -> str:
    """Stands for all that the target gets, and for how (SHA-256 in hex): what has the same digest
    is the same. It tells nothing of the key."""
    configured = [f"{key}={value}" for key, value in sorted(deployment.options.items())]
    response = content(bundle.ocsp) if bundle.ocsp else b""
    parts = [bundle.key, bundle.fullchain, response, deployment.kind.encode()]
    parts += [line.encode(errors="surrogateescape") for line in configured]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def check_staging(bundle: CertificateFiles, deployment: Deployment) -> None:
    """Refuse the certificate of a CA for trials where nobody has asked for it."""
    if STAGING.search(bundle.facts.issuer) and not deployment.staging:
        raise DeployError(
            f"the certificate is from a staging CA ({bundle.facts.issuer}), which no browser trusts",
            "have the client issue it from the real CA (dehydrated: CA=letsencrypt, then dehydrated -c -x), "
            "or write staging = true below the target",
        )


def _blocks(pem: bytes) -> list[bytes]:
    """The certificates in a file, without what stands around them."""
    return _CERTIFICATE.findall(pem)


def _joined(blocks: Sequence[bytes]) -> bytes:
    return b"".join(block + b"\n" for block in blocks)
