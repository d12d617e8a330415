"""What is known of CAs: those that have ended, that want an external account, and the keys that they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .....caa.issuers import PRESETS, host_of
from ...finding import Finding, Severity

# The hosts of ACME directories that issue nothing any more, and since when.
ENDED = {
    "api.buypass.com": "2025-10",
    "api.test4.buypass.no": "2025-10",
    "acme-v01.api.letsencrypt.org": "2021-06",
    "acme-staging.api.letsencrypt.org": "2021-06",
}
# CAs that take no account without external account binding (RFC 8555, section 7.3.4).
WANT_EAB = ("zerossl", "google", "pki.goog", "ssl.com", "sectigo", "digicert", "globalsign", "harica")
LETSENCRYPT = ("letsencrypt", "letsencrypt.org")
RSA_OF_LETSENCRYPT = ("2048", "3072", "4096")
DUPLICATES = 5  # certificates for the same names that Let's Encrypt issues in seven days
EVERY_RUN = (
    f"at every run: Let's Encrypt takes {DUPLICATES} orders a week for the same names, and refuses the others"
)
LEAST_RSA = 2048  # bits (CA/Browser Forum, Baseline Requirements 6.1.5)


def wants_eab(ca: str) -> bool:
    """Whether a CA, by its directory or by a short name, makes no account without EAB."""
    return any(word in ca for word in WANT_EAB)


def is_letsencrypt(ca: str) -> bool:
    """Whether it is Let's Encrypt, which clients take where nothing is said."""
    return not ca or any(word in ca for word in LETSENCRYPT)


def ended(path: str, ca: str, steps: Sequence[str]) -> Iterator[Finding]:
    """``ca``: the CA, as the file ``path`` has it."""
    if since := ENDED.get(host_of(PRESETS.get(ca, ca))):
        message = f"the CA is {ca}, which has issued nothing since {since}"
        yield Finding("ca-ended", Severity.ERROR, path, message, tuple(steps))


def refused_rsa(bits: str, ca: str) -> str:
    """What a CA has against RSA keys of so many bits; empty where it has nothing."""
    if is_letsencrypt(ca):
        of = ", ".join(RSA_OF_LETSENCRYPT)
        return "" if bits in RSA_OF_LETSENCRYPT else f"Let's Encrypt takes RSA keys of {of} bits alone"
    if bits.isdecimal() and int(bits) >= LEAST_RSA:
        return ""
    return f"no CA takes RSA keys of less than {LEAST_RSA} bits"


def refused_curve(curve: str, ca: str) -> str:
    """What a CA has against a curve; empty where it has nothing."""
    return "Let's Encrypt takes P-256 and P-384 alone" if curve == "secp521r1" and is_letsencrypt(ca) else ""
