"""Loopia: the contract, and its errors, which are values."""

from __future__ import annotations

import pytest
from api_refusals import KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import (
    AgreesWithLego,
    Api,
    HttpCase,
    Lego,
    OverHttp,
    ShowsNameServers,
    WorksOverHttp,
    nonsense_in,
)
from fakes import FOREVER, Status
from fakes.loopia import Loopia

from dns01.errors import AuthRejected, Busy
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestLoopia(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("loopia", Loopia, user=Loopia.user, password=Loopia.token)
    LEGO = Lego("loopia", LOOPIA_API_USER=Loopia.user, LOOPIA_API_PASSWORD=Loopia.token)
    NONSENSE = nonsense_in("XML")
    ONE_PAGE = True

    @pytest.mark.parametrize("message", ["RATE_LIMITED", "Too many requests."])
    def test_a_limit_is_met_with_patience_whether_a_code_says_it_or_a_fault(
        self, case: HttpCase, record: TxtRecord, message: str
    ) -> None:
        case.fake.fail(Status(200 if message.isupper() else 429, message=message, writing=True))
        publish(case, record)
        assert case.pauses
        assert case.world_sees(record.name) == {record.value}

    def test_a_code_in_a_list_is_an_error_as_well(self, case: HttpCase, record: TxtRecord) -> None:
        assert case.kind.status_of(case.provider(), 200, ["RATE_LIMITED"]) == 429
        assert case.kind.status_of(case.provider(), 200, ["AUTH_ERROR"]) == 401
        assert case.kind.status_of(case.provider(), 200, []) == 200

    def test_an_unknown_error_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(200, message="UNKNOWN_ERROR", writing=True, times=FOREVER))
        error = case.error_of(lambda: publish(case, record))
        assert not isinstance(error, Busy | AuthRejected)
        assert "UNKNOWN_ERROR" in str(error)

    def test_a_record_that_goes_while_it_is_being_retracted_is_gone(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record)
        case.fake.overtaken = True
        retract(case, record)
        assert case.fake.refusals
        assert case.world_sees(record.name) == set()

    def test_the_password_is_in_no_url_and_no_header(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        assert not [request for request in case.fake.requests if request.query]


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestLoopia.API
    REFUSALS = (
        KnownRefusal(
            "loopia.com/api: a method that the user may not use",
            200,
            "<?xml version='1.0'?><methodResponse><fault><value><struct>"
            "<member><name>faultCode</name><value><int>623</int></value></member>"
            "<member><name>faultString</name>"
            "<value><string>Access denied for this method</string></value></member>"
            "</struct></value></fault></methodResponse>",
            Refused,
            "its methods are chosen",
        ),
    )
