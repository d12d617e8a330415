"""Alibaba Cloud DNS: the contract, its signatures, and what it does unlike others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from api_refusals import CLOCK, TTL, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLexicon, Api, HttpCase, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import Status
from fakes.alidns import AliDns

from dns01.errors import AuthRejected
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestAliDns(ShowsNameServers, WorksOverHttp, AgreesWithLexicon):
    API = Api("alidns", AliDns, access_key=AliDns.key, secret_key=AliDns.token)
    LEXICON = (
        "aliyun",
        {"LEXICON_ALIYUN_AUTH_KEY_ID": AliDns.key, "LEXICON_ALIYUN_AUTH_SECRET": AliDns.token},
    )

    @pytest.mark.parametrize("code", ["LastOperationNotFinished", "Throttling.User", "Throttling"])
    def test_a_write_that_comes_too_soon_is_made_again(
        self, case: HttpCase, record: TxtRecord, code: str
    ) -> None:
        case.fake.fail(Status(400, message=f"{code}: The last operation is not finished.", writing=True))
        publish(case, record)
        assert case.pauses
        assert case.world_sees(record.name) == {record.value}

    def test_a_record_that_another_process_created_meanwhile_is_there(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(
            Status(400, message="DomainRecordDuplicate: The DNS record already exists.", writing=True)
        )
        case.provider().publish(zone, [record])
        assert case.fake.refusals

    @pytest.mark.parametrize(
        ("code", "step"),
        [
            ("SignatureDoesNotMatch", "ALICLOUD_SECRET_KEY"),
            ("IncorrectDomainUser", "ALICLOUD_SECRET_KEY"),
            ("Forbidden.RAM", "attach a policy"),
            ("InvalidTimeStamp.Expired", "clock"),
        ],
    )
    def test_what_is_about_the_key_is_said_with_what_to_do(
        self, case: HttpCase, record: TxtRecord, code: str, step: str
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(400, message=f"{code}: The API's own words.", writing=True))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, AuthRejected)
        assert f"{code}: The API's own words." in str(error)
        assert step in error.hint

    def test_a_key_that_is_not_there_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["access_key"] = "LTAI-wrong"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)

    def test_a_temporary_key_has_a_token(self, case: HttpCase, record: TxtRecord) -> None:
        fake_of(case).security_token = case.options["security_token"] = "a-security-t0ken"
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_a_domain_that_is_called_in_u_labels_is_asked_about_by_that_name(self, case: HttpCase) -> None:
        fake = fake_of(case)
        fake.zones["xn--bcher-kva.example"] = fake.zones.pop("example.co.uk")
        fake.zones["xn--bcher-kva.example"].apex = "xn--bcher-kva.example"
        fake.names = {"xn--bcher-kva.example": "bücher.example"}
        record = TxtRecord("_acme-challenge.xn--bcher-kva.example", validation("a"))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        asked = {request.query.get("DomainName") for request in fake.requests[-2:]}
        assert asked == {"bücher.example"}
        retract(case, record)
        assert case.world_sees(record.name) == set()

    def test_values_of_all_characters_are_signed_as_they_are_sent(self, case: HttpCase, name: str) -> None:
        record = TxtRecord(name, "a ~*'()+/=&%-_.!ü")
        publish(case, record)
        assert case.world_sees(name) == {record.value}


def fake_of(case: HttpCase) -> Any:
    return case.fake


def _body(code: str, message: str) -> Mapping[str, Any]:
    return {"RequestId": "6D390228", "HostId": "alidns.aliyuncs.com", "Code": code, "Message": message}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestAliDns.API
    REFUSALS = (
        KnownRefusal(
            "acmesh-official/acme.sh#1898",
            403,
            _body(
                "Forbidden.RAM",
                "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
            ),
            AuthRejected,
            "to the RAM user of ALICLOUD_ACCESS_KEY",
        ),
        KnownRefusal(
            "jeessy2/ddns-go#207",
            404,
            _body("InvalidAccessKeyId", "Specified access key is not found or invalid."),
            AuthRejected,
            "ALICLOUD_ACCESS_KEY or ALICLOUD_SECRET_KEY is right",
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#6258",
            400,
            _body("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
            AuthRejected,
            CLOCK,
        ),
        KnownRefusal(
            "jeessy2/ddns-go#207",
            400,
            _body(
                "QuotaExceeded.TTL",
                "The specified TTL is invalid. A valid TTL must be in the range of 600 to 86400.",
            ),
            Refused,
            TTL,
        ),
    )
