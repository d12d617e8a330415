"""The registered domain that a CA counts a name under: one label more than a public suffix.

The list of public suffixes (https://publicsuffix.org) is read where the system has it (Debian's package
publicsuffix). Without it, a second level such as co.uk or com.au is recognised by its customary labels;
a mistake costs a refusal (rateLimited) at worst, which is obeyed.
"""

from __future__ import annotations

from functools import cache

from ....regular_file import read_regular

LIST = "/usr/share/publicsuffix/public_suffix_list.dat"
LARGEST_LIST = 4 << 20  # octets
SECOND_LEVELS = frozenset(
    [
        "ac",
        "co",
        "com",
        "edu",
        "gob",
        "gov",
        "gouv",
        "id",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "nom",
        "or",
        "org",
        "plc",
        "sch",
    ]
)


@cache
def registered_domain(name: str, path: str = LIST) -> str:
    """The name's registered domain; the name itself, where it is a public suffix."""
    labels = name.removeprefix("*.").split(".")
    suffix = _suffix_length(labels, _rules(path))
    return ".".join(labels[-(suffix + 1) :])


def _suffix_length(labels: list[str], rules: frozenset[str]) -> int:
    """How many labels the public suffix has (the algorithm of https://publicsuffix.org/list/)."""
    if not rules:
        customary = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
        return 2 if customary else 1
    for start in range(len(labels)):
        rest = ".".join(labels[start:])
        above = ".".join(labels[start + 1 :])
        if f"!{rest}" in rules:
            return len(labels) - start - 1
        if rest in rules or (above and f"*.{above}" in rules):
            return len(labels) - start
    return 1


@cache
def _rules(path: str) -> frozenset[str]:
    try:
        lines = read_regular(path, LARGEST_LIST).decode().splitlines()
    except (OSError, ValueError):
        return frozenset()
    rules = (line.split()[0].lower() for line in lines if line.strip() and not line.startswith("//"))
    return frozenset(rule.encode("idna").decode() if not rule.isascii() else rule for rule in rules)
