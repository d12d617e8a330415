"""From the paths that a client gives to a ``Bundle`` that targets can rely on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from ..errors import DeployError
from .call import Certificate
from .certificate import inspect
from .deploy.base import Bundle
from .deployments import Deployment

# What the CAs for trials call themselves, by their intermediates. (Nobody deploys Pebble's by mistake.)
STAGING = re.compile(r"\(STAGING\)|Fake LE ")

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read(certificate: Certificate, now: datetime | None = None) -> Bundle:
    """The files, once all that ``inspect`` asks of them is true. What the client gives no path
    for is made from the others. Raises DeployError."""
    facts = inspect(certificate, now)
    leaf = _blocks(certificate.cert)[:1]
    chain = _blocks(certificate.chain) if certificate.chain else _blocks(certificate.fullchain)[1:]
    return Bundle(
        name=certificate.domain,
        facts=facts,
        key=_content(certificate.key),
        cert=_joined(leaf),
        chain=_joined(chain),
        fullchain=_joined([*leaf, *chain]),
        csr=_content(certificate.csr),
        ocsp=certificate.ocsp,
    )


def digest(bundle: Bundle, deployment: Deployment) -> str:
    """Stands for all that the target gets, and for how (SHA-256 in hex): what has the same digest
    is the same. It tells nothing of the key."""
    told = [f"{key}={value}" for key, value in sorted(deployment.options.items())]
    parts = [bundle.key, bundle.fullchain, _content(bundle.ocsp), deployment.kind.encode()]
    parts += [line.encode(errors="surrogateescape") for line in told]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def check_staging(bundle: Bundle, deployment: Deployment) -> None:
    """Refuse the certificate of a CA for trials where nobody has asked for it."""
    if STAGING.search(bundle.facts.issuer) and not deployment.staging:
        raise DeployError(
            f"the certificate is from a staging CA ({bundle.facts.issuer}), which no browser trusts",
            "have the client issue it from the real CA (dehydrated: CA=letsencrypt, then dehydrated -c -x), "
            "or write staging = true below the target",
        )


def _content(path: str) -> bytes:
    if not path:
        return b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DeployError(
            f"{path} cannot be read: {error.strerror}", "have the client make it once more"
        ) from None


def _blocks(path: str) -> list[bytes]:
    """The certificates in the file, without what stands around them."""
    return _CERTIFICATE.findall(_content(path))


def _joined(blocks: Sequence[bytes]) -> bytes:
    return b"".join(block + b"\n" for block in blocks)
