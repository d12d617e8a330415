"""deSEC: the contract, and how it spares its counted requests."""

from __future__ import annotations

import pytest
from api_refusals import CNAME, TTL, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import Status
from fakes.desec import Desec

from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestDesec(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("desec", Desec, token=Desec.token)
    LEGO = Lego("desec", DESEC_TOKEN=Desec.token)
    LOCKED = True
    EMPTY = ([],)

    def test_a_hundred_names_are_one_write(self, case: HttpCase, name: str) -> None:
        records = [TxtRecord(f"{number}.{name}", validation(f"{number}")) for number in range(100)]
        for verb in (publish, retract):
            case.fake.requests.clear()
            verb(case, *records)
            assert [request.method for request in case.fake.requests] == ["GET", "GET", "PATCH", "GET"]

    def test_rrsets_beyond_the_first_page_are_merged(self, case: HttpCase, name: str) -> None:
        for number in range(600):
            case.add_foreign(f"{number:03}.{name}", "somebody else's", ttl=4000)
        ours = TxtRecord(f"599.{name}", validation("ours"))
        publish(case, ours)
        assert case.world_sees(ours.name) == {ours.value, "somebody else's"}
        assert case.ttl_of(ours.name, ours.value) == 4000

    @pytest.mark.parametrize("least", [60, 3600, 7200])
    def test_the_least_ttl_is_the_domain_s(self, case: HttpCase, record: TxtRecord, least: int) -> None:
        case.fake.least = least  # type: ignore[attr-defined]
        publish(case, record._replace(ttl=60))
        assert case.ttl_of(record.name, record.value) == least

    def test_a_conflict_with_another_write_passes(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(409, writing=True))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        assert case.pauses


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestDesec.API
    REFUSALS = (
        KnownRefusal(
            "desec.readthedocs.io: a CNAME beside others",
            400,
            [{"non_field_errors": ["RRset with conflicting type present: database (CNAME)."]}],
            Refused,
            CNAME,
        ),
        KnownRefusal(
            "go-acme/lego#1361, acmesh-official/acme.sh#2925",
            400,
            [{"ttl": ["Ensure this value is greater than or equal to 3600."]}],
            Refused,
            TTL,
        ),
    )
