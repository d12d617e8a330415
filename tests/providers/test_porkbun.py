"""Porkbun: the contract, and what it does unlike others."""

from __future__ import annotations

from api_refusals import API_ACCESS, KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import AgreesWithLexicon, Api, HttpCase, OverHttp, SeesDuplicates, WorksOverHttp
from fakes import FOREVER, Status, Text
from fakes.porkbun import Porkbun

from dns01.errors import AuthRejected, ProviderError
from dns01.providers.base import TxtRecord


class TestPorkbun(WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("porkbun", Porkbun, key=Porkbun.key, secret_key=Porkbun.token)
    LEXICON = "porkbun", {"LEXICON_PORKBUN_KEY": Porkbun.key, "LEXICON_PORKBUN_SECRET": Porkbun.token}

    def test_a_domain_that_the_api_has_no_access_to_is_said_with_what_is_lacking(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.closed = {"example.com"}  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "Domain is not opted in" in str(error)

    def test_the_pause_that_it_wants_stands_in_the_answer(self, case: HttpCase, record: TxtRecord) -> None:
        body = '{"status": "ERROR", "code": "RATE_LIMIT_EXCEEDED", "ttlRemaining": 42}'
        case.fake.fail(Text(429, body, writing=True))
        publish(case, record)
        assert 42 <= case.pauses[0] < 44

    def test_an_error_is_one_whatever_its_status(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(200, writing=True))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert "The API's own words." in str(error)

    def test_a_record_that_goes_while_it_is_being_retracted_is_gone(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record)
        case.fake.overtaken = True
        retract(case, record)
        assert case.fake.refusals
        assert case.world_sees(record.name) == set()

    def test_a_record_that_stays_is_an_error(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        case.fake.fail(Status(400, writing=True, times=FOREVER))
        assert "The API's own words." in str(case.error_of(lambda: retract(case, record)))
        assert case.world_sees(record.name) == {record.value}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestPorkbun.API
    REFUSALS = (
        KnownRefusal(
            "caddy-dns/porkbun#15",
            400,
            {"status": "ERROR", "message": "Domain is not opted in to API access."},
            AuthRejected,
            API_ACCESS,
        ),
        KnownRefusal(
            "go-acme/lego#2496",
            403,
            "<html>\n<head><title>403 Forbidden</title></head>\n"
            "<body>\n<center>openresty</center></body></html>",
            AuthRejected,
            "may be something in between",
        ),
    )
