"""Cloudflare: the contract, and what it does unlike others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from api_refusals import ADDRESS, CNAME, QUOTA, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    OverHttp,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes import FOREVER, NAME_SERVERS, Text, Zone
from fakes.cloudflare import Cloudflare

from dns01.errors import AuthRejected, ConfigError, ZoneNotFound
from dns01.providers import load
from dns01.providers.base import TxtRecord
from dns01.providers.base import Zone as BaseZone
from dns01.providers.rest import Refused


class TestCloudflare(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("cloudflare", Cloudflare, token=Cloudflare.token)
    # Its search for the zone asks for pages that are longer than they may be.
    LEXICON = (
        "cloudflare",
        {"LEXICON_CLOUDFLARE_TOKEN": Cloudflare.token, "LEXICON_CLOUDFLARE_ZONE_ID": "1000"},
    )

    def test_custom_name_servers_are_the_zones_own_as_well(self, case: HttpCase) -> None:
        case.fake.vanity_name_servers = ["ns1.example.com"]  # type: ignore[attr-defined]
        provider = case.provider()
        shown = provider.apex_of(provider.zone_for("example.com"))  # type: ignore[attr-defined]
        assert shown.name_servers == (*NAME_SERVERS, "ns1.example.com")

    def test_the_global_key_does_as_well(self, case: HttpCase, record: TxtRecord) -> None:
        case.options = {"key": Cloudflare.token, "email": "me@example.com", "base_url": case.fake.url}
        publish(case, record)
        retract(case, record)
        case.options["email"] = "another@example.com"
        assert isinstance(case.error_of(lambda: publish(case, record)), AuthRejected)

    def test_a_token_that_is_not_even_well_formed_is_a_rejection(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.options["token"] = "two words"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "CF_DNS_API_TOKEN" in error.hint

    def test_of_zones_with_one_name_the_active_one_is_taken(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.zones = {"moved away": Zone("example.com", "4711", []), **case.fake.zones}
        assert case.provider().zone_for(record.name).id == case.fake.zones["example.com"].id

    def test_without_credentials_there_is_no_provider(self, case: HttpCase) -> None:
        with pytest.raises(ConfigError, match="CF_DNS_API_TOKEN or CF_API_KEY"):
            load("cloudflare")({"base_url": case.fake.url})

    def test_the_global_key_without_its_owner_is_refused(self, case: HttpCase) -> None:
        with pytest.raises(ConfigError, match="CF_API_EMAIL"):
            load("cloudflare")({"key": Cloudflare.token, "base_url": case.fake.url})

    def test_a_token_for_zones_alone_is_refused(self, case: HttpCase) -> None:
        with pytest.raises(ConfigError, match="CF_DNS_API_TOKEN"):
            load("cloudflare")({"zone_token": Cloudflare.token, "base_url": case.fake.url})

    def test_a_token_of_its_own_may_find_the_zones(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["zone_token"] = "a-token-for-zones"
        case.fake.zone_token = "a-token-for-zones"
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_the_reason_beneath_a_reason_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
        errors = [{"code": 6003, "message": "Invalid request headers", "error_chain": chain}]
        case.fake.fail(
            Text(400, json.dumps({"success": False, "errors": errors, "result": None}), times=FOREVER)
        )
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "Invalid request headers, Invalid format for Authorization header" in str(error)

    @pytest.mark.parametrize("shown", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example."])
    def test_a_zone_in_u_labels_is_found_by_its_a_labels(self, case: HttpCase, shown: str) -> None:
        case.fake.zones["idn"] = Zone(shown, "4711", [])
        name = "_acme-challenge.xn--bcher-kva.example"
        assert case.provider().zone_for(name).apex == "xn--bcher-kva.example"

    @pytest.mark.parametrize("names", [["_acme-challenge"], ["_acme-challenge", "_acme-challenge.www"]])
    def test_the_id_of_another_zone_is_told_and_leaves_nothing_there(
        self, case: HttpCase, names: list[str]
    ) -> None:
        """Cloudflare puts a name that is not in the zone beneath the zone's apex."""
        case.fake.add_zones(["another.example"])
        zone = BaseZone("example.com", case.fake.zones["another.example"].id)
        records = [TxtRecord(f"{name}.example.com", validation("a")) for name in names]
        error = case.error_of(lambda: case.provider().publish(zone, records))
        assert isinstance(error, ZoneNotFound)
        assert f"the zone with the id {zone.id} is another.example, and not example.com" in str(error)
        assert error.definite
        assert case.fake.zones["another.example"].records == []

    def test_a_hundred_names_are_one_request_out_and_two_back(self, case: HttpCase) -> None:
        hundred = _records(100)
        publish(case, *hundred)
        assert _calls(case, "dns_records") == ["POST"]
        assert all(case.world_sees(record.name) == {record.value} for record in hundred)
        case.fake.requests.clear()
        retract(case, *hundred)
        assert _calls(case, "dns_records") == ["GET", "POST"]
        assert not any(case.world_sees(record.name) for record in hundred)

    def test_what_is_there_already_keeps_nothing_of_a_batch_away(self, case: HttpCase) -> None:
        records = _records(3)
        publish(case, records[1])
        publish(case, *records)
        assert all(case.world_sees(record.name) == {record.value} for record in records)

    def test_a_batch_takes_back_its_own_values_alone(self, case: HttpCase) -> None:
        records = _records(2)
        publish(case, *records)
        case.add_foreign(records[0].name, "foreign", 300)
        retract(case, *records, *_records(3))
        assert [case.world_sees(record.name) for record in records] == [{"foreign"}, set()]

    def test_more_than_one_batch_takes_arrive_all_the_same(self, case: HttpCase) -> None:
        many = _records(450)
        publish(case, *many)
        assert _calls(case, "dns_records") == ["POST"] * 3
        retract(case, *many)
        assert not any(case.world_sees(record.name) for record in many)


def _records(number: int) -> list[TxtRecord]:
    return [TxtRecord(f"_acme-challenge.n{i}.example.com", f"{i:043}", 60) for i in range(number)]


def _calls(case: HttpCase, part: str) -> list[str]:
    return [request.method for request in case.fake.requests if part in request.path]


def _body(code: int, message: str, *chain: Mapping[str, Any]) -> Mapping[str, Any]:
    error = {"code": code, "message": message, **({"error_chain": chain} if chain else {})}
    return {"success": False, "errors": [error], "messages": [], "result": None}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestCloudflare.API
    REFUSALS = (
        KnownRefusal(
            "jeessy2/ddns-go#1341",
            403,
            _body(9109, "Cannot use the access token from location: 203.0.113.9"),
            AuthRejected,
            ADDRESS,
        ),
        KnownRefusal(
            "certbot/certbot#7970, go-acme/lego#210",
            400,
            _body(
                6003, "Invalid request headers", {"code": 6111, "message": "Invalid format for Authorization"}
            ),
            AuthRejected,
            "CF_DNS_API_TOKEN nothing but the value itself",
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#3805",
            403,
            _body(
                1038,
                "You cannot use this API for domains with a .cf, .ga, .gq, .ml, or .tk TLD (top-level"
                " domain). To configure the DNS settings for this domain, use the Cloudflare Dashboard.",
            ),
            Refused,
            "be a CNAME to a zone elsewhere",
        ),
        KnownRefusal(
            "developers.cloudflare.com, 81053",
            400,
            _body(81053, "An A, AAAA, or CNAME record with that host already exists."),
            Refused,
            CNAME,
        ),
        KnownRefusal(
            "developers.cloudflare.com, 81045",
            400,
            _body(81045, "Record quota exceeded."),
            Refused,
            QUOTA,
        ),
    )
