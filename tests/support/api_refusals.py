"""What real APIs have said to people, under whatever status, and what dns01 makes of it: the kind of error,
the next step, and that nothing was changed. Each provider's test has its own::

    class TestRefusals(OverHttp, SaysTheNextStep):
        API = TestExample.API
        REFUSALS = (KnownRefusal("example/example#7", 403, {"error": "wrong IP"}, AuthRejected, ADDRESS),)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import pytest
from contract import validation
from contract_http import HttpCase
from fakes import FOREVER, Text

from dns01.errors import ProviderError
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused

# The general next steps, by words of theirs.
ADDRESS, CLOCK, PLAN = "add this machine's address", "this machine's clock", "take a plan"
API_ACCESS, EXPIRED, FACTOR = "switch API access on", "make new credentials", "second factor"
QUOTA, CNAME, ELSEWHERE = "remove records there", "beside a CNAME", "is served elsewhere"
GRANT, COPY = "grant what is lacking", "is a copy"
ACCOUNT_STATE, LOCK, TTL, LATER = "log in at", "unlock it at", "DNS01_TTL", "try again later"


class KnownRefusal(NamedTuple):
    """An answer to a writing request (``reading``: to one that reads), the kind of error, and words of its
    hint, or of the error itself where the hint is a general one. ``source``: where it was seen in public."""

    source: str
    status: int
    body: Any
    kind: type[ProviderError]
    step: str
    reading: bool = False


class SaysTheNextStep:
    """For all providers with an HTTP API: what is known of its refusals.

    The tests of a subclass are given its ``case``.
    """

    RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))
    REFUSALS: ClassVar[Sequence[KnownRefusal]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "refusal" in metafunc.fixturenames:
            metafunc.parametrize("refusal", self.REFUSALS, ids=lambda refusal: refusal.source)

    def test_a_refusal_is_of_its_kind_with_the_next_step_and_nothing_is_changed(
        self, case: HttpCase, refusal: KnownRefusal
    ) -> None:
        provider, name = case.provider(), self.RECORD.name
        case.add_foreign(name, "somebody else's", ttl=3600)
        zone = None if refusal.reading else provider.zone_for(name)
        body = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
        writing = None if refusal.reading else True
        case.fake.fail(Text(refusal.status, body, times=FOREVER, writing=writing))

        error = case.error_of(
            lambda: provider.publish(zone, [self.RECORD]) if zone else provider.zone_for(name)
        )

        assert type(error) is refusal.kind or (refusal.kind is Refused and isinstance(error, Refused))
        assert refusal.step in f"{error} {error.hint}"
        assert "{" not in error.hint
        case.fake.recover()
        assert case.world_sees(name) == {"somebody else's"}
