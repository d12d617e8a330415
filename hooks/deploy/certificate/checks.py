"""Whether a certificate is fit to be handed on, and what there is to say about it.

A key that belongs to another certificate, or a chain that leads nowhere, takes a service down at
its next restart: here it is found out while the old files are still in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ....errors import DeployError
from ....names import canonical
from ...clients.call import Certificate
from .fields import key_type, names_of, written
from .leaf import LARGEST_FILE, Reader, certificates_in, content, empty, has_signed


class Facts(NamedTuple):
    """What a certificate that has passed all checks says. ``fingerprint``: as in Leaf."""

    certificate: Certificate
    names: tuple[str, ...]
    issuer: str
    not_after: datetime
    key_type: str
    fingerprint: str


def inspect(certificate: Certificate, now: datetime | None = None, read: Reader = content) -> Facts:
    """Read the files, and see that key, certificate, chain and names belong together.

    ``now``: aware, the clock's time if not given. Raises DeployError, which names the files and
    the difference.
    """
    now = now or datetime.now(UTC)
    if not certificate.key:
        raise DeployError(
            f"there is no key beside {certificate.cert}, as for a request of one's own",
            "bring it by hand to where the key is; [deploy] brings both",
        )
    leaf = certificates_in(certificate.cert, read)[0]
    _check_key(certificate, leaf, read)
    chain = _check_chain(certificate, leaf, read)
    _check_dates(certificate.cert, leaf, now)
    _check_issuer(chain, now)
    names = names_of(leaf)
    _check_names(certificate, names)
    return Facts(
        certificate,
        names,
        written(leaf.issuer),
        leaf.not_valid_after_utc,
        key_type(leaf.public_key()),
        leaf.fingerprint(SHA256()).hex(),
    )


def check_issued(url: str, pem: str, names: Sequence[str], now: float) -> None:
    """See that what a CA has issued is for exactly these names, of use now (epoch seconds), and no larger
    than what ``inspect`` reads. ``url``: where it is from; ``pem``: the certificate first. Raises
    DeployError."""
    if len(pem) > LARGEST_FILE:
        raise DeployError(f"{url} has more than {LARGEST_FILE >> 20} MiB", "see what the CA gives there")
    leaf, *chain = certificates_in(url, lambda path: pem.encode())
    if (present := set(names_of(leaf))) != set(names):
        raise DeployError(
            f"{url} is for {', '.join(sorted(present)) or 'no name'}, and was ordered for {', '.join(names)}",
            "see which names the CA issues for, and write the same ones",
        )
    moment = datetime.fromtimestamp(now, UTC)
    _check_dates(url, leaf, moment)
    _check_issuer(chain, moment)


def lines(facts: Facts, now: datetime | None = None) -> list[str]:
    """What a person wants to see of it, a line for each thing."""
    days = (facts.not_after - (now or datetime.now(UTC))).days
    described = {
        "key": facts.certificate.key,
        "certificate": facts.certificate.cert,
        "chain": facts.certificate.chain,
        "full chain": facts.certificate.fullchain,
        "names": ", ".join(facts.names),
        "issuer": facts.issuer,
        "key type": facts.key_type,
        "expires": f"{facts.not_after:%Y-%m-%d %H:%M} UTC, in {days} day{'' if days == 1 else 's'}",
        "SHA-256": facts.fingerprint,
    }
    return [f"{thing + ':':<12} {value}" for thing, value in described.items() if value]


def _key(path: str, read: Reader) -> PrivateKeyTypes:
    pem = read(path)
    if not pem.strip():
        raise empty(path)
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        raise DeployError(
            f"{path} is encrypted, and nobody is there to give the passphrase",
            "have the client write the key without one: mode 0600 is what protects it",
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        # what is wrong is said, never a part of the key
        raise DeployError(
            f"{path} holds no private key in PEM form ({type(error).__name__})", "see what the file is"
        ) from None


def _check_key(certificate: Certificate, leaf: x509.Certificate, read: Reader) -> None:
    key = _key(certificate.key, read).public_key()
    if key != leaf.public_key():
        raise DeployError(
            f"the key {certificate.key} ({key_type(key)}) is not that of the certificate "
            f"{certificate.cert} ({key_type(leaf.public_key())})",
            "one of the two is from another issuance: have the client issue the certificate once more",
        )


def _check_chain(certificate: Certificate, leaf: x509.Certificate, read: Reader) -> list[x509.Certificate]:
    """The full chain is the certificate and then the chain (RFC 8555 §7.4.2), which is given; it may be
    empty where a root has signed the certificate itself."""
    if has_signed(leaf, leaf):
        raise DeployError(
            f"{certificate.cert} is self-signed: no CA has issued it", "see which certificate the client gave"
        )
    chain = certificates_in(certificate.chain, read, may_be_empty=True) if certificate.chain else None
    if certificate.fullchain:
        full = certificates_in(certificate.fullchain, read)
        if full[0] != leaf:
            raise DeployError(
                f"{certificate.fullchain} starts with the certificate of serial {full[0].serial_number:x}, "
                f"but {certificate.cert} is that of serial {leaf.serial_number:x}",
                "the two are from different issuances: have the client issue the certificate once more",
            )
        if chain is not None and chain != full[1:]:
            raise DeployError(
                f"{certificate.chain} ({_count(chain)}) is not what follows the certificate in "
                f"{certificate.fullchain} ({_count(full[1:])})",
                "the two are from different issuances: have the client issue the certificate once more",
            )
        chain = full[1:]
    _check_links(certificate.fullchain or certificate.chain, [leaf, *(chain or [])])
    return chain or []


def _check_links(path: str, path_up: list[x509.Certificate]) -> None:
    for lower, upper in pairwise(path_up):
        if not has_signed(upper, lower):
            raise DeployError(
                f"{path}: {written(lower.subject)} was issued by {written(lower.issuer)}, "
                f"but {written(upper.subject)} comes next and has not signed it",
                "the chain must lead up step by step: have the client fetch it once more",
            )


def _check_dates(path: str, leaf: x509.Certificate, now: datetime) -> None:
    if now > leaf.not_valid_after_utc:
        raise DeployError(
            f"{path} has expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", "have it renewed"
        )
    if now < leaf.not_valid_before_utc:
        raise DeployError(
            f"{path} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "see that the clock of this machine is right",
        )


def _check_issuer(chain: list[x509.Certificate], now: datetime) -> None:
    """Whatever has expired further up may have another way to a root; what the certificate itself was issued
    with has none."""
    if chain and now > chain[0].not_valid_after_utc:
        raise DeployError(
            f"the CA's own certificate {written(chain[0].subject)} has expired on "
            f"{chain[0].not_valid_after_utc:%Y-%m-%d %H:%M} UTC: no client takes what it has issued",
            "have the CA renew it, and then the client the certificate",
        )


def _check_names(certificate: Certificate, names: tuple[str, ...]) -> None:
    wanted = certificate.names or ((certificate.domain,) if certificate.domain else ())
    missing = [name for name in wanted if canonical(name) not in names]
    if missing:
        raise DeployError(
            f"{certificate.cert} is for {', '.join(names) or 'no name'}, not for {', '.join(missing)}",
            "see that the client gave the certificate that it meant",
        )


def _count(certificates: list[x509.Certificate]) -> str:
    return f"{len(certificates)} certificate{'' if len(certificates) == 1 else 's'}"
