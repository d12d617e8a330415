"""The cases of readiness, and that each has a test.

When a TXT record is ready for the CA is proved by cases (docs/readiness.rst). A test of one starts
with its number: ``pytest -k test_24_`` runs those of case 24; ``test_7_and_37_…`` is one of two cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from checkout import ROOT

CASES = {
    1: "one server lags 20 s: it is waited for, and named",
    2: "one of two servers is silent, the other has it: ready after 5 s, with a warning",
    3: "REFUSED or AA=0 from one: excused, and named",
    4: "an old value with AA=1 on one: never ready",
    5: "an anycast server alternates between old and new: not before 3 clean rounds",
    6: "only one of two values is visible: waited for",
    7: "a name server with a dead AAAA and a live A: ready",
    8: "a host with IPv6 only: works",
    9: "UDP dropped, TCP open: ready",
    10: "a truncated answer, many stale TXT records: TCP, and matched",
    11: "one TXT record in two strings: matched",
    12: "the value within another: no match",
    13: "a CNAME chain over 3 zones, in mixed case: published at its end",
    14: "a CNAME loop, or 12 hops: an immediate, clear error",
    15: "a wildcard CNAME catches the challenge name: the original name is used",
    16: "the challenge name is delegated by NS: the child zone is used",
    17: "parent and delegated zone both at the provider: the delegated one gets it",
    18: "a split-horizon resolver answers otherwise: found out and named; the public view is used",
    19: "a caching resolver, SOA minimum 3,600 s: hears nothing of the name before the servers pass",
    20: "all authoritative servers behind a firewall: degraded mode",
    21: "an interceptor answers with AA=0, RA=1: found out, and not believed",
    22: "the parent's and the zone's NS differ: the union is asked",
    23: "the hidden primary has it, the secondaries not yet: waited for",
    24: "DNSSEC is bogus: fails with the text of the Extended DNS Error",
    25: "CAA forbids, issuewild only, critical unknown tag, SERVFAIL: fail, by kind of name, fail, warn",
    26: "two processes at one name: both values survive, each removes its own",
    27: "a foreign TXT record at the name: untouched",
    28: "SIGKILL in the wait: the next sweep removes the orphan, and only that",
    29: "a time-out: the own record is gone, the exit code not 0",
    30: "cleaning what is not there: exit code 0",
    31: "429 with Retry-After: honoured",
    32: "certbot, 3 names: one wait",
    33: "HOOK_CHAIN, apex and wildcard: both are there at once",
    34: "a second order within 60 s of the first one's clean-up: settled; two values of one order: not",
    35: "a stale child zone in the account, not delegated: the delegated parent is used",
    36: "a base domain without records: found by referral; aggressive NSEC says yes at once",
    37: "an IPv6 address that swallows everything: costs nothing",
    38: "100 names at a server with response-rate limiting: ready, and no storm of queries",
    39: "a private zone, no nameservers: the account's server is asked and that is said, or an error before",
    40: "nameservers set, a CNAME or a delegation inside: followed, asked of those servers",
    41: "a wildcard's and an explicit CNAME to one target, unsigned: the explicit one is followed",
    42: "a wildcard CNAME, an account for its target's zone alone: followed; [zone] cname overrules",
    43: "a server that answers FORMERR or NOTIMP to EDNS: asked again without, and remembered",
    44: 'views: another is shown to us than to our key: named as such; readiness = "resolvers" gets through',
    45: "a value vanishes during the wait, replaced by another writer: published again, and said",
    46: "the client dies during the wait: the hook takes back and ends",
    47: "a name in no zone, under a TLD that is missing: the error of a name in no zone, nothing published",
    48: "100 names, 20 s lag: a few of each batch stand for all until they pass; ready means every pair",
}


def numbers() -> Iterator[int]:
    """The cases in the names of all tests."""
    for path in (ROOT / "tests").rglob("*.py"):
        for said in re.findall(r"^ *def test_(\d\d?(?:_and_\d\d?)*)_", path.read_text(), re.MULTILINE):
            yield from map(int, said.split("_and_"))


@pytest.fixture(scope="module")
def proved() -> set[int]:
    return set(numbers())


@pytest.mark.parametrize("number", CASES)
def test_every_case_has_a_test(number: int, proved: set[int]) -> None:
    assert number in proved


def test_the_documentation_has_every_case() -> None:
    text = (ROOT / "docs" / "readiness.rst").read_text()
    assert [f"{number:<2}  {case}" for number, case in CASES.items()] == re.findall(
        r"^\d+ +\S.*$", text, re.MULTILINE
    )


def test_no_test_is_of_a_case_that_there_is_not(proved: set[int]) -> None:
    assert set(CASES) >= proved
    assert list(CASES) == list(range(1, 49))
