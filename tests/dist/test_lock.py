"""``requirements.lock``: all that the tests need, each with a hash, and nothing that setup.cfg does not allow."""

from __future__ import annotations

import re
from importlib.metadata import requires
from itertools import pairwise

import pytest
from checkout import ROOT
from packaging.markers import default_environment
from packaging.requirements import Requirement

LINES = (ROOT / "requirements.lock").read_text().splitlines()
PIN = re.compile(r"([a-z0-9-]+)==(\S+) \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def normalised(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    return {match[1]: match[2] for line in LINES if (match := PIN.fullmatch(line))}


def test_each_line_is_a_pin_or_the_hash_of_one() -> None:
    """Else pip refuses all of it, with --require-hashes."""
    lines = [line for line in LINES if not line.startswith("#")]
    assert [line for line in lines if not (PIN.fullmatch(line) or HASH.fullmatch(line))] == []
    assert [first for first, second in pairwise([*lines, ""]) if PIN.fullmatch(first) and not HASH.fullmatch(second)] == []


def wanted(package: str, extra: str) -> list[Requirement]:
    environment = {**default_environment(), "extra": extra}
    found = map(Requirement, requires(package) or ())
    return [each for each in found if not each.marker or each.marker.evaluate(environment)]


@pytest.mark.parametrize("extra", ["", "test"])
def test_what_setup_cfg_wants_is_locked_at_a_version_that_it_allows(extra: str) -> None:
    locked = pins()
    for requirement in wanted("dns01-hook", extra):
        if normalised(requirement.name) != "dns01-hook":
            assert requirement.specifier.contains(locked[normalised(requirement.name)]), requirement


def test_what_the_locked_want_themselves_is_locked_as_well() -> None:
    locked = pins()
    assert {
        f"{name} wants {requirement}"
        for name in locked
        for requirement in wanted(name, "")
        if normalised(requirement.name) not in locked
    } == set()
