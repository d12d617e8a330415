"""OVHcloud: the contract, its signatures, and what it does unlike others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from api_refusals import ACCOUNT_STATE, CLOCK, KnownRefusal, SaysTheNextStep
from contract import ZONES, publish, retract
from contract_http import (
    AgreesWithLego,
    Api,
    HttpCase,
    Lego,
    OverHttp,
    ReplacesTokens,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes import FOREVER, Hang, Refusal, Request, Status, Text
from fakes.oauth import TokenFake, form
from fakes.ovh import CONSUMER, KEY, Ovh

from dns01.errors import AuthRejected, ConfigError
from dns01.providers import load
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused

KEYS = {"application_key": KEY, "secret": Ovh.token, "consumer_key": CONSUMER}


class TestOvh(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("ovh", Ovh, **KEYS)
    LEGO = Lego(
        "ovh",
        OVH_ENDPOINT="ovh-eu",
        OVH_APPLICATION_KEY=KEY,
        OVH_APPLICATION_SECRET=Ovh.token,
        OVH_CONSUMER_KEY=CONSUMER,
    )
    ONE_PAGE = True
    EMPTY = ([],)

    def test_name_servers_know_of_what_was_done(self, case: HttpCase, record: TxtRecord) -> None:
        for verb in (publish, retract):
            verb(case, record)
            assert case.fake.stale == set()

    def test_a_refresh_that_failed_is_made_up_for(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        provider = case.provider()
        provider.create(zone, record)
        assert case.fake.stale == {zone.apex}
        publish(case, record)
        assert case.fake.stale == set()

    def test_names_that_are_alike_to_sql_are_left_alone(self, case: HttpCase, record: TxtRecord) -> None:
        alike = record.name.replace("_acme", "xacme")
        case.add_foreign(alike, record.value, ttl=1234)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        retract(case, record)
        assert case.world_sees(alike) == {record.value}
        assert case.world_sees(record.name) == set()

    def test_the_time_is_asked_for_once(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        assert len(case.fake.requests) > 2
        assert len(case.fake.asked) == 1
        assert "X-Ovh-Signature" not in case.fake.asked[0].headers

    @pytest.mark.parametrize("fault", [Hang(), Text()], ids=repr)
    def test_a_time_that_does_not_come_is_said(
        self, case: HttpCase, record: TxtRecord, fault: Hang | Text
    ) -> None:
        case.fake.trouble = fault
        if isinstance(fault, Hang):
            publish(case, record)
            assert case.pauses
        else:
            assert "/auth/time" in str(case.error_of(lambda: publish(case, record)))

    def test_a_clock_that_is_set_while_we_are_at_work_is_said(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        provider = case.provider()
        zone = provider.zone_for(record.name)
        case.fake.ahead += 3600
        error = case.error_of(lambda: provider.publish(zone, [record]))
        assert isinstance(error, AuthRejected)
        assert "Query out of time" in str(error)

    @pytest.mark.parametrize("key", ["application_key", "consumer_key"])
    def test_keys_that_are_wrong_are_said(self, case: HttpCase, record: TxtRecord, key: str) -> None:
        case.options[key] = "wrong"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "GET /domain/zone" in str(error)

    def test_an_access_rule_that_is_lacking_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(403, message="This call has not been granted", writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, AuthRejected)
        assert "This call has not been granted" in str(error)

    def test_a_key_that_may_not_list_zones_does(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.lists_zones = False
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_a_key_for_what_is_beneath_one_zone_does(self, case: HttpCase, record: TxtRecord) -> None:
        """GET, POST and DELETE /domain/zone/example.com/*, as lego's documentation has it."""
        case.fake.lists_zones, case.fake.only_beneath = False, "example.com"
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.example.org"))
        assert isinstance(error, AuthRejected)

    def test_an_endpoint_may_be_said_by_its_name(self, case: HttpCase) -> None:
        case.options["base_url"] = "ovh-mars"
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "ovh-ca" in error.hint
        assert load("ovh")({**KEYS, "base_url": "ovh-ca"})


class OvhWithTokens(TokenFake, Ovh):
    """By OAuth2: a service account's client id and secret are good for an access token."""

    def issue(self, request: Request) -> Any:
        if request.path != "/auth/oauth2/token":
            return None
        wanted = {"client_id": "EU.client", "client_secret": self.token, "scope": "all"}
        if form(request) != {"grant_type": "client_credentials", **wanted}:
            raise Refusal(400, "invalid_client: Client authentication failed")
        return self.new_token()


class TestOauth2(ReplacesTokens):
    @pytest.fixture
    def case(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with OvhWithTokens(ZONES) as fake:
            issuer = fake.url.removesuffix("/1.0") + "/auth/oauth2"
            options = {"client_id": "EU.client", "client_secret": Ovh.token, "issuer": issuer}
            yield HttpCase("ovh", fake, options)

    def test_it_does_as_well_as_keys(self, case: HttpCase) -> None:
        for verb, values in ((publish, {self.RECORD.value}), (retract, set())):
            verb(case, self.RECORD)
            assert case.world_sees(self.RECORD.name) == values

    def test_a_wrong_secret_is_said(self, case: HttpCase) -> None:
        case.options["client_secret"] = "another-secret"
        assert isinstance(case.error_of(lambda: publish(case, self.RECORD)), AuthRejected)

    def test_a_token_of_somebody_else_s_does(self, case: HttpCase) -> None:
        token = case.fake.new_token()["access_token"]  # type: ignore[attr-defined]
        case.options = {"access_token": token, "base_url": case.fake.url}
        publish(case, self.RECORD)
        assert case.world_sees(self.RECORD.name) == {self.RECORD.value}

    @pytest.mark.parametrize(
        "given", [{}, {"client_id": "x"}, {"client_secret": "x"}, {"application_key": "x", "secret": "y"}]
    )
    def test_half_of_what_is_needed_is_refused(self, case: HttpCase, given: Mapping[str, str]) -> None:
        case.options = {**given, "base_url": case.fake.url}
        assert isinstance(case.error_of(case.provider), ConfigError)


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestOvh.API
    REFUSALS = (
        KnownRefusal(
            "go-acme/lego: OVH, the clock",
            400,
            {"errorCode": "QUERY_TIME_OUT", "httpCode": "400 Bad Request", "message": "Query out of time"},
            AuthRejected,
            CLOCK,
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#5269",
            400,
            {"class": "Client::BadRequest", "message": "Invalid signature"},
            AuthRejected,
            "OVH_APPLICATION_SECRET",
        ),
        KnownRefusal(
            "Fotolia/ovh-rest#5",
            403,
            {
                "errorCode": "INVALID_CREDENTIAL",
                "httpCode": "403 Forbidden",
                "message": "This credential is not valid",
            },
            AuthRejected,
            "make a new consumer key",
        ),
        KnownRefusal(
            "api.ovh.com, Client::Forbidden::ServiceExpired",
            460,
            {"class": "Client::Forbidden::ServiceExpired", "message": "This service is expired"},
            Refused,
            ACCOUNT_STATE,
        ),
        KnownRefusal(
            "go-acme/lego#618",
            404,
            {"class": "Client::NotFound", "message": "This service does not exist"},
            Refused,
            "example.com is in this account at OVHcloud",
        ),
    )
