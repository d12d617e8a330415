"""Gandi LiveDNS: the contract, and what it does unlike others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_refusals import KnownRefusal, SaysTheNextStep
from contract import ZONES, publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.gandi import Gandi

from dns01.errors import AuthRejected
from dns01.providers.base import TxtRecord

RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))


class TestGandi(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("gandi", Gandi, token=Gandi.token)
    LEGO = Lego("gandiv5", GANDIV5_API_KEY=Gandi.token)
    LOCKED = True

    def test_an_api_key_of_former_days_does_as_well(self, case: HttpCase, record: TxtRecord) -> None:
        case.options = {"key": Gandi.token, "base_url": case.fake.url}
        publish(case, record)
        retract(case, record)


class Rival:
    """Another machine, which has read before our write and writes over it afterwards, once."""

    def __init__(self, case: HttpCase, name: str, values: set[str]) -> None:
        self.case, self.name, self.values, self.pauses = case, name, values, 0

    def __call__(self, seconds: float) -> None:
        self.pauses += 1
        if self.pauses > 1:
            return
        zone = self.case.fake.zones["example.com"]
        zone.records[:] = [record for record in zone.records if record.name != self.name]
        for value in sorted(self.values):
            self.case.add_foreign(self.name, value, ttl=1234)


class TestOtherMachines:
    """An API that replaces RRsets and has no guard: what others write over is noticed a little later."""

    @pytest.fixture
    def case(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with Gandi(ZONES) as fake:
            yield HttpCase("gandi", fake, {"token": Gandi.token})

    @pytest.mark.parametrize("theirs", [{"theirs"}, set(), {"theirs", "another"}], ids=len)
    def test_what_they_wrote_over_is_published_again(self, case: HttpCase, theirs: set[str]) -> None:
        provider: Any = case.provider()
        rival = provider.sleep = Rival(case, RECORD.name, theirs)
        provider.publish(provider.zone_for(RECORD.name), [RECORD])
        assert case.world_sees(RECORD.name) == {RECORD.value, *theirs}
        assert rival.pauses

    @pytest.mark.parametrize("theirs", [{"theirs"}, set()], ids=len)
    def test_what_they_wrote_back_is_retracted_again(self, case: HttpCase, theirs: set[str]) -> None:
        publish(case, RECORD)
        provider: Any = case.provider()
        provider.sleep = Rival(case, RECORD.name, {RECORD.value, *theirs})
        provider.retract(provider.zone_for(RECORD.name), [RECORD])
        assert case.world_sees(RECORD.name) == theirs

    def test_where_nothing_was_written_nothing_is_looked_at_again(self, case: HttpCase) -> None:
        publish(case, RECORD)
        case.pauses.clear()
        publish(case, RECORD)
        retract(case, RECORD._replace(value="never there"))
        assert not case.pauses


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestGandi.API
    REFUSALS = (
        KnownRefusal(
            "caddy-dns/gandi#5, obynio/certbot-plugin-gandi#10",
            403,
            {
                "object": "HTTPForbidden",
                "cause": "Forbidden",
                "code": 403,
                "message": "Access was denied to this resource.",
            },
            AuthRejected,
            "has not expired and may manage example.com",
        ),
    )
