"""netcup: the contract, its sessions, and what it does unlike others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from api_refusals import LATER, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, SeesDuplicates, WorksOverHttp
from fakes import Json
from fakes.netcup import CUSTOMER, KEY, Netcup

from dns01.errors import AuthRejected, Busy, ProviderError, ZoneNotFound
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused

TOO_MANY = "Too many error messages, please check your commands."
SHUT_OUT = {
    "action": "",
    "status": "error",
    "statuscode": 4013,
    "longmessage": TOO_MANY,
}


class TestNetcup(WorksOverHttp, SeesDuplicates, AgreesWithLego):
    API = Api("netcup", Netcup, customer=CUSTOMER, key=KEY, password=Netcup.token)
    LEGO = Lego(
        "netcup", NETCUP_CUSTOMER_NUMBER=CUSTOMER, NETCUP_API_KEY=KEY, NETCUP_API_PASSWORD=Netcup.token
    )
    ONE_PAGE = True

    @pytest.mark.parametrize(
        "name", ["_acme-challenge.evilexample.com", "_acme-challenge.other.co.uk", "com"]
    )
    def test_a_name_in_none_of_the_zones_is_refused_with_what_there_is(
        self, case: HttpCase, name: str
    ) -> None:
        """Which there are, it does not tell."""
        with pytest.raises(ZoneNotFound) as refusal:
            case.provider().zone_for(name)
        words = f": it has no zone that holds {name}, and does not tell which it has"
        assert str(refusal.value).endswith(words)
        assert "CloudDNS" in refusal.value.hint

    def test_the_ttl_is_the_one_wished_for_but_for_what_the_api_takes_at_least(
        self, case: HttpCase, name: str, least_ttl: int
    ) -> None:
        """It is the zone's."""
        publish(case, TxtRecord(name, validation("a"), ttl=77))
        assert case.ttl_of(name, validation("a")) == 86400

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        assert {request.path for request in case.fake.requests} == {
            "/login",
            "/infoDnsRecords/example.com",
            "/updateDnsRecords/example.com",
        }

    def test_a_session_that_is_lost_is_begun_anew(self, case: HttpCase, record: TxtRecord) -> None:
        for verb, values in ((publish, {record.value}), (retract, set())):
            case.fake.forgets = 2  # type: ignore[attr-defined]
            verb(case, record)
            assert case.world_sees(record.name) == values
            assert case.pauses

    def test_no_more_names_are_asked_about_than_may_be_domains(self, case: HttpCase) -> None:
        case.provider().zone_for("_acme-challenge.www.example.com")
        asked = [request.path for request in case.fake.requests]
        assert asked == ["/login", "/infoDnsZone/www.example.com", "/infoDnsZone/example.com"]

    def test_who_is_shut_out_is_told_so_rather_than_that_there_is_no_zone(self, case: HttpCase) -> None:
        provider = case.provider()
        provider.zone_for("_acme-challenge.example.com")
        case.fake.fail(Json(SHUT_OUT))
        error = case.error_of(lambda: provider.zone_for("_acme-challenge.example.com"))
        assert isinstance(error, ProviderError)
        assert TOO_MANY in str(error)

    def test_a_wrong_password_is_said_with_what_is_lacking(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["password"] = "wrong"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "NETCUP_API_PASSWORD" in error.hint
        assert case.fake.errors == 1  # type: ignore[attr-defined]


def _body(action: str, message: str) -> Mapping[str, Any]:
    said = {"statuscode": 4013, "shortmessage": "Validation Error.", "longmessage": message}
    return {"status": "error", "action": action, "serverrequestid": "x", "responsedata": "", **said}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestNetcup.API
    REFUSALS = (
        KnownRefusal(
            "go-acme/lego#912: over 180 requests a minute",
            200,
            _body("updateDnsRecords", "More than 180 requests per minute. Please wait and retry later."),
            Busy,
            LATER,
        ),
        KnownRefusal(
            "go-acme/lego#912",
            200,
            _body("login", TOO_MANY),
            Refused,
            "wait an hour",
            reading=True,
        ),
    )
