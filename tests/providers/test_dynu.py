"""Dynu: the contract, and its 501, which may mean anything."""

from __future__ import annotations

import pytest
from contract import publish, retract
from contract_http import AgreesWithLego, AgreesWithLexicon, Api, HttpCase, Lego, WorksOverHttp
from fakes import FOREVER, Status
from fakes.dynu import Dynu

from dns01.errors import Transient
from dns01.providers.base import TxtRecord


class TestDynu(WorksOverHttp, AgreesWithLego, AgreesWithLexicon):
    API = Api("dynu", Dynu, token=Dynu.token)
    LEGO = Lego("dynu", DYNU_API_KEY=Dynu.token)
    LEXICON = "dynu", {"LEXICON_DYNU_AUTH_TOKEN": Dynu.token}
    ONE_PAGE = True

    def test_501_is_no_fault_that_passes(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(501, message="Too many records.", writing=True, times=FOREVER))
        error = case.error_of(lambda: publish(case, record))
        assert not isinstance(error, Transient)
        assert "Too many records." in str(error)
        assert not case.pauses

    @pytest.mark.parametrize("verb", ["publish", "retract"])
    def test_what_another_process_did_in_between_is_success(
        self, case: HttpCase, record: TxtRecord, verb: str
    ) -> None:
        if verb == "retract":
            publish(case, record)
        case.fake.overtaken = True
        {"publish": publish, "retract": retract}[verb](case, record)
        assert case.fake.refusals
        assert case.world_sees(record.name) == ({record.value} if verb == "publish" else set())

    def test_a_record_that_stays_is_an_error(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        case.fake.fail(Status(501, writing=True, times=FOREVER))
        assert "The API's own words." in str(case.error_of(lambda: retract(case, record)))
        assert case.world_sees(record.name) == {record.value}
