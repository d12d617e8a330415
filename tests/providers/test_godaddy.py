"""GoDaddy: the contract, and what it does unlike others."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract import publish, retract
from contract_http import Api, HttpCase, WorksOverHttp
from fakes.godaddy import GoDaddy
from fakes.lego import issue

from dns01.errors import AuthRejected
from dns01.providers.base import TxtRecord


class TestGoDaddy(WorksOverHttp):
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
        assert "ten domains" in str(error)

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
