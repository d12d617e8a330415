"""easyDNS: the contract, and what it does unlike others."""

from __future__ import annotations

import pytest
from contract import publish
from contract_http import AgreesWithLego, Api, HttpCase, Lego, SeesDuplicates, ShowsNameServers, WorksOverHttp
from fakes import Text
from fakes.easydns import TOKEN, USER, EasyDns

from dns01.errors import AuthRejected, ZoneNotFound
from dns01.providers.base import TxtRecord


class TestEasyDns(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLego):
    API = Api("easydns", EasyDns, token=TOKEN, key=EasyDns.token, user=USER)
    LEGO = Lego("easydns", EASYDNS_TOKEN=TOKEN, EASYDNS_KEY=EasyDns.token, EASYDNS_SEQUENCE_INTERVAL="0")
    AT_ONCE = 1

    @pytest.mark.parametrize("status", [200, 420])
    def test_what_is_over_the_limit_is_tried_again(
        self, case: HttpCase, record: TxtRecord, status: int
    ) -> None:
        text = '{"error": {"code": 420, "message": "Enhance Your Calm. Rate limit exceeded"}}'
        case.fake.fail(Text(status, text))
        publish(case, record)
        assert case.pauses
        assert case.world_sees(record.name) == {record.value}

    def test_without_a_user_zones_are_found_but_not_listed(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["user"] = ""
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.example.org"))
        assert isinstance(error, ZoneNotFound)
        assert "EASYDNS_USER" in error.hint
        case.fake.token = "another-token"
        assert isinstance(case.error_of(lambda: publish(case, record)), AuthRejected)
