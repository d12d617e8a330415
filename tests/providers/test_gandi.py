"""Gandi LiveDNS: the contract, and what it does unlike others."""

from __future__ import annotations

from contract import publish, retract
from contract_http import AgreesWithLego, Api, HttpCase, Lego, WorksOverHttp
from fakes.gandi import Gandi

from dns01.providers.base import TxtRecord


class TestGandi(WorksOverHttp, AgreesWithLego):
    API = Api("gandi", Gandi, token=Gandi.token)
    LEGO = Lego("gandiv5", GANDIV5_API_KEY=Gandi.token)
    LOCKED = True

    def test_an_api_key_of_former_days_does_as_well(self, case: HttpCase, record: TxtRecord) -> None:
        case.options = {"key": Gandi.token, "base_url": case.fake.url}
        publish(case, record)
        retract(case, record)
