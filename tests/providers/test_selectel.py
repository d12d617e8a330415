"""Selectel: the contract, its tokens, and what it does unlike others. Debian's lego and dns-lexicon know
no more than the API before this one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract import ZONES, publish, retract, validation
from contract_http import Api, HttpCase, NoticesItIsOvertaken, ReplacesTokens, WorksOverHttp
from fakes import Zone
from fakes.selectel import ACCOUNT, PROJECT, USER, Selectel

from dns01.providers.base import TxtRecord

SERVICE_USER = {"user": USER, "password": Selectel.token, "account": ACCOUNT, "project_id": PROJECT}


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Selectel(ZONES) as fake:
        yield case_of(fake)


def case_of(fake: Selectel) -> HttpCase:
    keystone = fake.url.removesuffix(fake.prefix) + "/identity/v3"
    return HttpCase("selectel", fake, {**SERVICE_USER, "auth_url": keystone})


class TestSelectel(WorksOverHttp, NoticesItIsOvertaken):
    API = Api("selectel", Selectel)
    LOCKED = True

    @pytest.fixture
    def case(self, case: HttpCase) -> HttpCase:
        return case

    def test_what_else_is_said_of_an_rrset_and_of_its_records_stays(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        case.fake.disabled = {case.fake.texts(record.name)[0].id}  # type: ignore[attr-defined]
        case.fake.comments[record.name] = "keep"  # type: ignore[attr-defined]
        for verb in (publish, retract):
            verb(case, record)
            kept = next(each for each in case.fake.texts(record.name) if each.value == "somebody else's")
            assert kept.id in case.fake.disabled  # type: ignore[attr-defined]
            assert case.fake.comments[record.name] == "keep"  # type: ignore[attr-defined]

    def test_names_are_in_u_labels_there(self, case: HttpCase) -> None:
        case.fake.zones["xn--bcher-kva.example"] = Zone("xn--bcher-kva.example", "4711", [])
        record = TxtRecord("_acme-challenge.xn--fnf-kla.xn--bcher-kva.example", validation("a"))
        other = record._replace(value=validation("b"))
        publish(case, record)
        publish(case, other)
        assert case.world_sees(record.name) == {record.value, other.value}
        retract(case, record, other)
        assert case.world_sees(record.name) == set()

    def test_a_name_that_has_this_one_in_it_is_another(self, case: HttpCase, record: TxtRecord) -> None:
        longer = record._replace(name=f"a{record.name}")
        publish(case, longer)
        publish(case, record)
        retract(case, record)
        assert case.world_sees(longer.name) == {record.value}


class TestTokens(ReplacesTokens):
    """Of Keystone's."""
