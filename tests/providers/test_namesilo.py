"""NameSilo: the contract, and what it does unlike others.

dns-lexicon knows NameSilo as it was until 2026: it does not find what it shall remove any more.
"""

from __future__ import annotations

import pytest
from api_refusals import ADDRESS, KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import AgreesWithLexicon, Api, HttpCase, OverHttp, WorksOverHttp, nonsense_in
from fakes import Text
from fakes.namesilo import FormerNameSilo, NameSilo

from dns01.errors import AuthRejected
from dns01.providers.base import TxtRecord


class TestNameSilo(WorksOverHttp):
    API = Api("namesilo", NameSilo, key=NameSilo.token)
    NONSENSE = nonsense_in("XML")

    def test_a_host_that_looks_like_another_s_fqdn_is_left_alone(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        alike = f"example.com.{record.name}"
        case.add_foreign(alike, record.value, ttl=3600)
        retract(case, TxtRecord("example.com", record.value))
        retract(case, record)
        assert case.world_sees(alike) == {record.value}

    @pytest.mark.parametrize("code", [115, 201])
    def test_a_failure_of_its_own_may_pass(self, case: HttpCase, record: TxtRecord, code: int) -> None:
        reply = f"<namesilo><reply><code>{code}</code><detail>Try again later</detail></reply></namesilo>"
        case.fake.fail(Text(text=reply, writing=True))
        publish(case, record)
        assert case.pauses
        assert case.world_sees(record.name) == {record.value}


class TestFormerNameSilo(WorksOverHttp, AgreesWithLexicon):
    API = Api("namesilo", FormerNameSilo, key=NameSilo.token)
    LEXICON = "namesilo", {"LEXICON_NAMESILO_AUTH_TOKEN": NameSilo.token}
    NONSENSE = TestNameSilo.NONSENSE


def _body(code: int, detail: str) -> str:
    return f"<namesilo><reply><code>{code}</code><detail>{detail}</detail></reply></namesilo>"


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestNameSilo.API
    REFUSALS = (
        KnownRefusal(
            "namesilo.com/api-reference, code 113",
            200,
            _body(113, "This API account cannot be accessed from your IP"),
            AuthRejected,
            ADDRESS,
        ),
    )
