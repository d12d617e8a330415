"""Gcore: the contract, and what it does unlike others."""

from __future__ import annotations

from contract import publish, retract
from contract_http import (
    AgreesWithLego,
    Api,
    HttpCase,
    Lego,
    NoticesItIsOvertaken,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes.gcore import Gcore

from dns01.providers.base import TxtRecord


class TestGcore(ShowsNameServers, WorksOverHttp, NoticesItIsOvertaken, AgreesWithLego):
    API = Api("gcore", Gcore, token=Gcore.token)
    LEGO = Lego("gcore", GCORE_PERMANENT_API_TOKEN=Gcore.token)
    LOCKED = True

    def test_what_else_is_said_of_an_rrset_and_of_its_records_stays(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        foreign = case.fake.texts(record.name)[0]
        of_record = {"enabled": False, "meta": {"countries": ["BG"], "default": True}}
        of_rrset = {"filters": [{"type": "geodns"}], "meta": {"failover": {"port": 80}}}
        case.fake.about |= {foreign.id: of_record, record.name: of_rrset}  # type: ignore[attr-defined]
        for verb in (publish, retract):
            verb(case, record)
            kept = next(each for each in case.fake.texts(record.name) if each.value == "somebody else's")
            assert case.fake.about[kept.id] == of_record  # type: ignore[attr-defined]
            assert case.fake.about[record.name] == of_rrset  # type: ignore[attr-defined]
