"""Domain names as text: in lower-case A-labels, without the trailing dot; the root is the empty string."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import UsageError

PREFIX = "_acme-challenge."  # RFC 8555 §8.4
LONGEST_NAME = 253  # RFC 1035 §3.1: 255 octets with the root's label and the first length
LONGEST_LABEL = 63  # octets (RFC 1035 §2.3.4)


def is_within(name: str, apex: str) -> bool:
    """Whether ``name`` is ``apex`` or beneath it, label by label."""
    return not apex or name == apex or name.endswith("." + apex)


def ancestors(name: str) -> Iterator[str]:
    """The name and the domains above it, the longest first: one of them is its zone's apex."""
    while name:
        yield name
        name = name.partition(".")[2]


def relative(name: str, apex: str, itself: str = "@") -> str:
    """The name within the zone; the apex ``itself`` is ``@`` to most APIs and in master files."""
    return name.removesuffix(apex).rstrip(".") or itself


def canonical(name: str) -> str:
    """The name in lower-case A-labels (UTS 46), without the trailing dot; "*." stays.

    Raises UsageError.
    """
    if name.isascii():
        return name.lower().removesuffix(".")
    import idna  # 10 ms that an ASCII name need not pay

    star = "*." if name.startswith("*.") else ""
    try:
        return star + idna.encode(name.removeprefix("*."), uts46=True).decode().removesuffix(".")
    except (idna.IDNAError, UnicodeError) as error:
        raise UsageError(f"{name!r} is no internationalised name: {error}", "check its spelling") from None


def check_labels(name: str, given: str) -> None:
    """Raises UsageError for an empty label and for one that is too long; ``given``: the name as the
    user wrote it, for the message."""
    for label in name.split("."):
        if not label:
            raise UsageError(f"{given!r} has an empty label", "take out the superfluous dot")
        if len(label) > LONGEST_LABEL:
            raise UsageError(
                f"{given!r} has a label of {len(label)} characters", f"the limit is {LONGEST_LABEL}"
            )


def check_length(name: str, given: str) -> None:
    """Raises UsageError for an owner name that is too long."""
    if len(name) > LONGEST_NAME:
        raise UsageError(
            f"{given!r} is too long: its owner name would have {len(name)} characters",
            f"{LONGEST_NAME} is the limit, {PREFIX} included",
        )


def a_labels(name: str) -> str:
    """The name in lower-case A-labels (RFC 5890 §2.3.2.1), which an API shows in U-labels perhaps."""
    if name.isascii():
        return name.lower()
    import idna  # 10 ms that an ASCII name need not pay

    labels = (
        label if label.isascii() else idna.encode(label, uts46=True).decode() for label in name.split(".")
    )
    return ".".join(labels).lower()


def u_labels(name: str) -> str:
    """The name as an API has it that knows U-labels alone. What is no valid A-label stays."""
    if "xn--" not in name:
        return name
    import idna

    def u_label(label: str) -> str:
        try:
            return idna.decode(label)
        except idna.IDNAError:
            return label

    return ".".join(u_label(label) if label.startswith("xn--") else label for label in name.split("."))
