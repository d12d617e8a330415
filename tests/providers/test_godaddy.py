"""GoDaddy: the contract, and what it does unlike others."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_refusals import ELSEWHERE, KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import Api, HttpCase, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Text
from fakes.godaddy import GoDaddy
from fakes.lego import issue

from dns01.errors import AuthRejected, ConfigError
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestGoDaddy(ShowsNameServers, WorksOverHttp):
    API = Api("godaddy", GoDaddy, key="the-key", secret=GoDaddy.token)
    LOCKED = True
    EMPTY = ([],)

    def test_lego_gets_a_certificate_and_leaves_an_empty_record_behind(self, tmp_path: Path) -> None:
        variables = {"GODADDY_API_KEY": "the-key", "GODADDY_API_SECRET": GoDaddy.token}
        done = issue(GoDaddy, "godaddy", variables, ["example.com", "*.example.com"], tmp_path)
        assert done.refused == []
        assert done.most["_acme-challenge.example.com"] == 2
        assert done.left == {""}

    def test_an_account_that_may_not_see_its_domains_can_change_their_records(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.small = True  # type: ignore[attr-defined]
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.example.org"))
        assert isinstance(error, AuthRejected)

    @pytest.mark.parametrize("given", ["key", "secret"])
    def test_half_of_a_classic_key_is_refused(self, case: HttpCase, given: str) -> None:
        del case.options[given]
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "GODADDYV3_PERSONAL_ACCESS_TOKEN" in error.hint

    def test_the_key_is_as_secret_as_its_secret(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Text(400, "the-key:the-secret is bad", times=FOREVER))
        assert "the-key" not in str(case.error_of(lambda: publish(case, record)))

    def test_the_pause_that_it_wants_stands_in_the_answer(self, case: HttpCase, record: TxtRecord) -> None:
        body = '{"code": "TOO_MANY_REQUESTS", "retryAfterSec": 30, "message": "Too many requests"}'
        case.fake.fail(Text(429, body, writing=True))
        publish(case, record)
        assert 30 <= case.pauses[0] < 32

    @pytest.mark.parametrize("also", [set(), {"somebody else's"}], ids=["alone", "beside another"])
    def test_an_empty_record_that_others_left_behind_is_none(
        self, case: HttpCase, record: TxtRecord, also: set[str]
    ) -> None:
        for value in ("", *also):
            case.add_foreign(record.name, value, ttl=600)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value, *also}
        retract(case, record)
        assert case.world_sees(record.name) == also


class TestPersonalAccessToken(ShowsNameServers, WorksOverHttp):
    """v3, where every record has an id: nothing of others is ever written."""

    API = Api("godaddy", GoDaddy, token=GoDaddy.token)

    def test_a_token_for_one_domain_does_without_the_list_of_them(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.small = True  # type: ignore[attr-defined]
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_a_token_is_preferred_to_a_classic_key(self, case: HttpCase, record: TxtRecord) -> None:
        case.options |= {"key": "the-key", "secret": "another"}
        publish(case, record)
        assert {request.path.split("/")[1] for request in case.fake.requests} == {"v3"}

    def test_an_empty_record_of_others_is_left_alone(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "", ttl=600)
        publish(case, record)
        retract(case, record)
        assert case.world_sees(record.name) == {""}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestGoDaddy.API
    REFUSALS = (
        KnownRefusal(
            "go-acme/lego#2176, acmesh-official/acme.sh#5115",
            403,
            {"code": "ACCESS_DENIED", "message": "Authenticated user is not allowed access"},
            AuthRejected,
            "does not let this account use the API for",
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#5108",
            404,
            {
                "code": "UNKNOWN_DOMAIN",
                "message": "The given domain is not registered, or does not have a zone file",
            },
            Refused,
            ELSEWHERE,
        ),
        KnownRefusal(
            "rmbolger/Posh-ACME#516, vancluever/terraform-provider-acme#119",
            422,
            {
                "code": "INVALID_BODY",
                "message": "Request body doesn't fulfill schema, see details in `fields`",
                "fields": [{"code": "MISMATCH_FORMAT", "message": "is no domain", "path": "records[0].name"}],
            },
            Refused,
            "`fields`, records[0].name: is no domain (422",
        ),
    )
