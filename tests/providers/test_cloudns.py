"""ClouDNS: the contract, and what it does unlike others."""

from __future__ import annotations

import pytest
from api_refusals import API_ACCESS, LATER, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import (
    AgreesWithLego,
    Api,
    HttpCase,
    Lego,
    OverHttp,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes.cloudns import SUB_USER, USER, ClouDns

from dns01.errors import AuthRejected, Busy, ConfigError
from dns01.providers.base import TxtRecord


class TestClouDns(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLego):
    API = Api("cloudns", ClouDns, id=USER, password=ClouDns.token)
    EMPTY = ([],)
    LEGO = Lego("cloudns", CLOUDNS_AUTH_ID=USER, CLOUDNS_AUTH_PASSWORD=ClouDns.token)

    @pytest.fixture
    def least_ttl(self) -> int:
        """The next one of those that it takes, beyond the 77 seconds of the test."""
        return 300

    def test_a_sub_user_will_do(self, case: HttpCase, record: TxtRecord) -> None:
        case.options |= {"id": "", "sub_id": SUB_USER}
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_without_a_user_the_variables_are_named(self, case: HttpCase) -> None:
        case.options["id"] = ""
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "CLOUDNS_SUB_AUTH_ID" in str(error)

    def test_the_password_is_in_no_url(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        retract(case, record)
        assert case.fake.queried == {}  # type: ignore[attr-defined]

    @pytest.mark.parametrize(("wished", "given"), [(1, 60), (60, 60), (61, 300), (10**9, 2419200)])
    def test_the_ttl_becomes_one_of_those_that_it_takes(
        self, case: HttpCase, name: str, wished: int, given: int
    ) -> None:
        publish(case, TxtRecord(name, validation("a"), wished))
        assert case.ttl_of(name, validation("a")) == given

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.kinds = {"deep.example.com": "slave"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestClouDns.API
    REFUSALS = (
        KnownRefusal(
            "cloudns.net/wiki: authentication",
            200,
            {
                "status": "Failed",
                "statusDescription": "Invalid authentication, incorrect auth-id or auth-password.",
            },
            AuthRejected,
            "AUTH_ID",
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#6520, #6390",
            200,
            {
                "status": "Failed",
                "statusDescription": "You don't have access to the HTTP API. Check your plan.",
            },
            AuthRejected,
            API_ACCESS,
        ),
        KnownRefusal(
            "cloudns.net/wiki: API limits",
            200,
            {
                "status": "Failed",
                "statusDescription": "You have reached the API request limit. Please try again later.",
            },
            Busy,
            LATER,
        ),
    )
