"""Duck DNS: as much of the contract as one value allows, and the refusals of the rest."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import KeepsAValue, publish, retract, validation
from contract_http import Api, HttpCase, WithstandsFaults
from fakes import Cut, Fault, Shape, Text
from fakes.duckdns import DuckDns
from fakes.lego import issue

from dns01.errors import AuthRejected, ProviderError, ZoneNotFound
from dns01.providers.base import TxtRecord

NO_OK = "no OK"


class TestDuckDns(WithstandsFaults, KeepsAValue):
    API = Api("duckdns", DuckDns, token=DuckDns.token)
    NONSENSE = {Cut: NO_OK, Text: NO_OK, Shape: NO_OK}  # noqa: RUF012

    @pytest.fixture
    def case(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with DuckDns(["example.duckdns.org", "other.duckdns.org"]) as fake:
            yield HttpCase("duckdns", fake, self.API.options)

    @pytest.fixture
    def name(self) -> str:
        return "_acme-challenge.example.duckdns.org"

    @pytest.mark.parametrize("name", ["duckdns.org", "_acme-challenge.a.b.example.duckdns.org"])
    def test_the_zone_is_duckdns_org_whatever_the_domain(self, case: HttpCase, name: str) -> None:
        assert case.provider().zone_for(name).apex == "duckdns.org"

    def test_the_names_beneath_a_domain_share_its_value(self, case: HttpCase) -> None:
        names = ("example.duckdns.org", "_acme-challenge.a.b.example.duckdns.org")
        assert {case.provider().holder(name) for name in names} == {"example.duckdns.org"}

    def test_a_name_that_is_in_no_domain_is_refused(self, case: HttpCase) -> None:
        error = case.error_of(lambda: publish(case, TxtRecord("duckdns.org", validation("a"))))
        assert isinstance(error, ZoneNotFound)

    @pytest.mark.parametrize(
        "name", ["_acme-challenge.example.com", "org", "_acme-challenge.a.notduckdns.org"]
    )
    def test_another_name_is_refused(self, case: HttpCase, name: str) -> None:
        error = case.error_of(lambda: case.provider().zone_for(name))
        assert isinstance(error, ZoneNotFound)
        assert name in str(error)

    @pytest.mark.parametrize("second", ["", "www."], ids=["apex and wildcard", "two names"])
    def test_two_values_are_refused_with_the_reason_before_anything_is_sent(
        self, case: HttpCase, second: str
    ) -> None:
        names = "_acme-challenge.example.duckdns.org", f"_acme-challenge.{second}example.duckdns.org"
        records = [TxtRecord(name, validation(f"{number}")) for number, name in enumerate(names)]
        error = case.error_of(lambda: publish(case, *records))
        assert isinstance(error, ProviderError)
        for told in (*names, "one TXT value"):
            assert told in str(error)
        assert case.fake.requests == []

    def test_one_value_for_two_names_will_do(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record, record._replace(name="_acme-challenge.www.example.duckdns.org"))
        assert len(case.fake.requests) == 1

    def test_how_many_values_there_is_room_for_is_known_beforehand(self, case: HttpCase) -> None:
        assert case.kind.values_per_name == 1

    def test_retracting_clears_the_value_and_not_the_addresses(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record)
        retract(case, record)
        query = case.fake.requests[-1].query
        assert (query["clear"], query["txt"]) == ("true", "")

    def test_the_token_is_in_no_log_however_much_that_tells(
        self, case: HttpCase, record: TxtRecord, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It stands in the query, which urllib3 tells at the level DEBUG."""
        with caplog.at_level(logging.DEBUG):
            publish(case, record)
        assert "GET /update?… HTTP/1.1" in caplog.text
        assert DuckDns.token not in caplog.text

    def test_a_domain_of_another_account_is_said(self, case: HttpCase) -> None:
        record = TxtRecord("_acme-challenge.theirs.duckdns.org", validation("a"))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "theirs.duckdns.org" in str(error)

    @pytest.mark.parametrize("fault", [Cut(done=True), Text(), Shape(), Text(text="")], ids=repr)
    def test_an_answer_that_is_not_ok_is_said(self, case: HttpCase, record: TxtRecord, fault: Fault) -> None:
        case.fake.fail(type(fault)(**vars(fault)))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert "answer" in str(error)

    def test_lego_gets_a_certificate_for_a_domain(self, tmp_path: Path) -> None:
        environment = {"DUCKDNS_TOKEN": DuckDns.token, "DUCKDNS_SEQUENCE_INTERVAL": "0"}
        done = issue(DuckDns, "duckdns", environment, ["example.duckdns.org"], tmp_path)
        assert done.refused == []
        assert done.most == {"example.duckdns.org": 1}
        assert done.left == set()
