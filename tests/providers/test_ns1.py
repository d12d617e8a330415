"""NS1: the contract, and what it does unlike others. Debian's lego is built without NS1."""

from __future__ import annotations

from contract import publish, retract
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    NoticesItIsOvertaken,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes import Zone
from fakes.ns1 import PAGE, Ns1

from dns01.providers.base import TxtRecord


class TestNs1(ShowsNameServers, WorksOverHttp, NoticesItIsOvertaken, AgreesWithLexicon):
    API = Api("ns1", Ns1, key=Ns1.token)
    LEXICON = "nsone", {"LEXICON_NSONE_AUTH_TOKEN": Ns1.token}
    LOCKED = True
    ONE_PAGE = True  # but for accounts of more than 2,500 zones

    def test_zones_beyond_the_first_page_are_seen(self, case: HttpCase) -> None:
        more = [f"z{number:04}.example.org" for number in range(PAGE)]
        case.fake.zones |= {apex: Zone(apex, apex, []) for apex in more}
        provider = case.provider()
        assert {zone.apex for zone in provider.zones()} == set(case.fake.zones)  # type: ignore[attr-defined]
        case.fake.repeats = True
        assert "page" in str(case.error_of(lambda: list(provider.zones())))  # type: ignore[attr-defined]

    def test_an_answer_of_others_keeps_all_that_it_has(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        foreign = case.fake.texts(record.name)[0]
        about = {"id": "an-id", "meta": {"up": False}, "region": "eu", "feeds": [{"feed": "1"}]}
        case.fake.extras[foreign.id] = about  # type: ignore[attr-defined]
        for verb in (publish, retract):
            verb(case, record)
            kept = next(each for each in case.fake.texts(record.name) if each.value == "somebody else's")
            assert case.fake.extras[kept.id] == about  # type: ignore[attr-defined]

    def test_a_value_in_several_strings_is_what_they_say_together(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.add_foreign(record.name, record.value, ttl=1234)
        ours = case.fake.texts(record.name)[0]
        case.fake.extras[ours.id] = {"answer": [record.value[:20], record.value[20:]]}  # type: ignore[attr-defined]
        publish(case, record)
        assert len(case.fake.texts(record.name)) == 1
        retract(case, record)
        assert case.world_sees(record.name) == set()

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.copies = {"deep.example.com"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"
