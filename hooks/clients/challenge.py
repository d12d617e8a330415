"""A dns-01 challenge, and whether it is fit to be published.

Only the standard library is imported, and ``idna`` once a name needs it.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ...errors import UsageError
from ...names import PREFIX, canonical, check_labels, check_length
from ...output import warning

VALUE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of SHA-256, unpadded: RFC 8555 §8.4
LDH_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")  # RFC 5890 §2.3.1


class Challenge(NamedTuple):
    """A dns-01 challenge (RFC 8555 §8.4), in the client's own words.

    ``domain`` may start with ``*.``; it is empty where the client tells nothing but the token, as
    some do after a failure. ``validation`` is the TXT value. ``owner`` is the owner name where the
    client gives it itself, which may be the target of a CNAME.
    """

    domain: str
    token: str
    validation: str
    owner: str = ""

    @property
    def name(self) -> str:
        """The owner name that the CA asks for: lower-case A-labels, no trailing dot.

        Raises UsageError if there can be none.
        """
        return _owner_as_given(self.owner) if self.owner else owner_name(self.domain)


def checked(challenges: Iterable[Challenge], wants_dns01: str | None = None) -> tuple[Challenge, ...]:
    """Give the challenges back, once every name and value among them is known to be fit to publish.

    ``wants_dns01``: how to have the client ask for dns-01 alone; without it, other values than dns-01's
    are only warned about. Raises UsageError for the first that is not fit, by its domain.
    """
    found = tuple(challenges)
    for challenge in found:
        _ = challenge.name
        _check_value(challenge, wants_dns01)
    return found


def _check_value(challenge: Challenge, wants_dns01: str | None) -> None:
    value = challenge.validation
    if VALUE.fullmatch(value):
        return
    complaint = f"{challenge.domain}: {value!r} is no dns-01 value (43 base64url characters)"
    if wants_dns01 is not None:
        raise UsageError(complaint, wants_dns01)
    if not (value.isascii() and value.isprintable() and 1 <= len(value) <= 255):  # one character-string
        raise UsageError(f"{challenge.domain}: {value!r} is not 1 to 255 printable ASCII characters")
    warning(f"{complaint}: published all the same")


def owner_name(domain: str) -> str:
    """The owner name of the challenges for ``domain``: "_acme-challenge." before it, "*."
    removed, in lower-case A-labels, without a trailing dot.

    Raises UsageError, which says what is wrong with the domain.
    """
    _check_form(domain, domain)  # of U-labels, IDNA would say less
    name = canonical(domain).removeprefix("*.")
    _check_form(name, domain)  # IDNA knows other dots as well
    if "_" in name:
        raise UsageError(
            f"{domain!r} has an underscore, which no certificate can have in a name",
            "give the domain itself: _acme-challenge is added to it",
        )
    check_labels(name, domain)
    for label in name.split("."):
        if not LDH_LABEL.fullmatch(label):
            raise UsageError(
                f"{domain!r}: {label!r} is no label of a host name",
                "letters, digits, and hyphens between them, are all that it may have",
            )
    check_length(PREFIX + name, domain)
    return PREFIX + name


def _check_form(name: str, domain: str) -> None:
    """Raises UsageError for what cannot be a domain; ``domain``: the name as it was given."""
    name = name.removesuffix(".").removeprefix("*.")
    if not name:
        raise UsageError("the domain is empty", "give the domain that the certificate is for")
    if _is_ip_address(name):
        raise UsageError(
            f"{domain!r} is an IP address: dns-01 cannot validate one (RFC 8738 §7)",
            "use http-01 or tls-alpn-01 for it",
        )
    if any(character in name for character in ",;"):
        raise UsageError(f"{domain!r} is more than one name", "give each domain as a word of its own")
    if any(character in name for character in "/:@"):
        within = _domain_within(name)
        raise UsageError(
            f"{domain!r} is more than a domain",
            f"give the name alone, without scheme, user, port or path{f': {within}' if within else ''}",
        )
    if "*" in name:
        raise UsageError(
            f"{domain!r} has a misplaced *", "a wildcard is *.example.org: one, as the first label"
        )


def _domain_within(text: str) -> str:
    """The domain of a URL or of a mail address; empty where none can be told."""
    authority = re.split(r"[/?#]", text.partition("//")[2] or text)[0].rpartition("@")[2]
    name = next((part for part in authority.split(":") if "." in part), "")
    with suppress(UsageError):
        return name if owner_name(name) else ""
    return ""


def _owner_as_given(owner: str) -> str:
    """An owner name that need not be that of a host: the target of a CNAME may have any label."""
    name = canonical(owner)
    check_labels(name, owner)
    if not name.isprintable() or " " in name:
        raise UsageError(f"{owner!r} has a space or a control character in it", "give the owner name alone")
    check_length(name, owner)
    return name


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
