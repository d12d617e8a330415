"""Tencent Cloud DNS: the contract, its signatures, and what it does unlike others.

The second opinion is Tencent's own SDK, which dns-lexicon uses as well: Debian's lego is built without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from api_refusals import CLOCK, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import Api, HttpCase, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Status
from fakes.tencentcloud import TencentCloud
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.dnspod.v20210323.dnspod_client import DnspodClient

from dns01.errors import AuthRejected, ZoneNotFound
from dns01.providers.base import TxtRecord


class TestTencentCloud(ShowsNameServers, WorksOverHttp):
    API = Api("tencentcloud", TencentCloud, secret_id=TencentCloud.id, secret_key=TencentCloud.token)

    def test_a_record_that_is_listed_late_is_retracted_all_the_same(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record._replace(value=validation("b")))
        case.fake.late = 5  # of which three are about the zone
        publish(case, record)
        retract(case, record)
        assert case.world_sees(record.name) == {validation("b")}
        assert 10 <= sum(case.pauses) <= 31

    def test_a_record_that_is_gone_is_waited_for_no_longer_than_the_index_takes(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        retract(case, record)
        assert 30 <= sum(case.pauses) <= 40

    def test_a_record_that_is_listed_late_is_not_created_twice(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.late = 2
        publish(case, record)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    @pytest.mark.parametrize(
        "code", ["RequestLimitExceeded.IPLimitExceeded", "FailedOperation.FrequencyLimit", "InternalError"]
    )
    def test_a_code_for_what_may_pass_is_met_with_patience(
        self, case: HttpCase, record: TxtRecord, code: str
    ) -> None:
        case.fake.fail(Status(200, message=f"{code}: The API's own words.", writing=True))
        publish(case, record)
        assert case.pauses
        assert case.world_sees(record.name) == {record.value}

    @pytest.mark.parametrize(
        "code",
        [
            "AuthFailure.SignatureExpire",
            "UnauthorizedOperation",
            "OperationDenied.NoPermissionToOperateDomain",
        ],
    )
    def test_what_is_about_the_key_is_said_with_what_it_lacks(
        self, case: HttpCase, record: TxtRecord, code: str
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(200, message=f"{code}: The API's own words.", writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, AuthRejected)
        assert f"{code}: The API's own words." in str(error)

    def test_an_error_is_one_whatever_its_code(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(200, message="FailedOperation.DomainIsLocked: 锁定域名", writing=True))
        assert "FailedOperation.DomainIsLocked: 锁定域名" in str(case.error_of(lambda: publish(case, record)))

    def test_an_account_without_any_domain_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.zones.clear()
        error = case.error_of(lambda: case.provider().zone_for(record.name))
        assert isinstance(error, ZoneNotFound)
        assert "no zone at all" in str(error)

    def test_a_temporary_key_has_a_token(self, case: HttpCase, record: TxtRecord) -> None:
        fake_of(case).session_token = case.options["session_token"] = "a-s3ssion-token"
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_a_domain_that_is_called_in_u_labels_is_asked_about_by_that_name(self, case: HttpCase) -> None:
        fake = fake_of(case)
        fake.zones["xn--fiq228c.example"] = fake.zones.pop("example.co.uk")
        fake.zones["xn--fiq228c.example"].apex = "xn--fiq228c.example"
        fake.names = {"xn--fiq228c.example": "中文.example"}
        record = TxtRecord("_acme-challenge.xn--fiq228c.example", validation("a"))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        assert {request.body.get("Domain") for request in fake.requests[-2:]} == {"中文.example"}
        retract(case, record)
        assert case.world_sees(record.name) == set()

    def test_tencents_own_client_adds_two_values_beside_a_foreign_one_and_takes_one_back(
        self, case: HttpCase, name: str
    ) -> None:
        case.add_foreign(name, "somebody else's", ttl=3600)
        host = name.removesuffix(".example.com")
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=case.fake.url[7:]))
        client = DnspodClient(Credential(TencentCloud.id, TencentCloud.token), "", profile)
        for value in (validation("a"), validation("b")):
            fields = {"Domain": "example.com", "SubDomain": host, "RecordType": "TXT", "RecordLine": "默认"}
            client.call_json("CreateRecord", {**fields, "Value": value})
        listed = client.call_json("DescribeRecordList", {"Domain": "example.com", "Subdomain": host})
        ids = {each["Value"]: each["RecordId"] for each in listed["Response"]["RecordList"]}
        assert set(ids) == case.world_sees(name) == {"somebody else's", validation("a"), validation("b")}
        client.call_json("DeleteRecord", {"Domain": "example.com", "RecordId": ids[validation("a")]})
        assert case.world_sees(name) == {"somebody else's", validation("b")}
        assert case.fake.refusals == []


def fake_of(case: HttpCase) -> Any:
    return case.fake


def _body(code: str, message: str) -> Mapping[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "3c140219"}}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestTencentCloud.API
    REFUSALS = (
        KnownRefusal(
            "certimate-go/certimate#663",
            200,
            _body("AuthFailure.SignatureExpire", "Expired signature: 1746504000, server time: 1746507600."),
            AuthRejected,
            CLOCK,
        ),
    )
