"""mittwald: the contract, the objects of its names, and its events.

Nobody else has an opinion: neither Debian's lego nor dns-lexicon knows it.
"""

from __future__ import annotations

from typing import Any

from contract import publish, retract, validation
from contract_http import Api, HttpCase, WorksOverHttp
from fakes.mittwald import AUTO, Mittwald

from dns01.providers.base import TxtRecord


class TestMittwald(WorksOverHttp):
    API = Api("mittwald", Mittwald, token=Mittwald.token)
    LOCKED = True
    ONE_PAGE = True
    EMPTY = ([],)

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        assert not [request for request in case.fake.requests if request.path == "/v2/domains"]

    def test_what_was_published_without_a_sensible_answer_can_be_retracted(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record)
        retract(case, record)  # the name's object stays, so that one write is enough
        super().test_what_was_published_without_a_sensible_answer_can_be_retracted(case, record)

    def test_a_name_has_one_object_for_good(self, case: HttpCase, record: TxtRecord) -> None:
        for verb in (publish, retract, publish, retract):
            verb(case, record)
        posts = [request.body for request in case.fake.requests if request.method == "POST"]
        assert [body["name"] for body in posts] == [record.name.removesuffix(".example.com")]

    def test_what_follows_a_write_waits_for_its_event(self, case: HttpCase, record: TxtRecord) -> None:
        fake_of(case).slow = 2
        publish(case, record)
        assert fake_of(case).slow == 0
        assert case.world_sees(record.name) == {record.value}
        assert case.fake.requests[-1].headers["If-Event-Reached"] == f"event-{fake_of(case).events}"

    def test_an_object_that_was_just_made_may_not_be_ours_yet(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        fake_of(case).foreign = 1
        publish(case, record)
        assert fake_of(case).foreign == 0
        assert case.world_sees(record.name) == {record.value}

    def test_a_ttl_that_is_left_to_mittwald_stays_so(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=AUTO)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value, "somebody else's"}
        assert case.ttl_of(record.name, "somebody else's") == AUTO

    def test_a_domain_that_is_called_in_u_labels_is_found(self, case: HttpCase) -> None:
        case.fake.add_zones(["xn--bcher-kva.example"])
        fake_of(case).unicode = {"xn--bcher-kva.example": "bücher.example"}
        record = TxtRecord("_acme-challenge.xn--bcher-kva.example", validation("a"))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        retract(case, record)
        assert case.world_sees(record.name) == set()


def fake_of(case: HttpCase) -> Any:
    return case.fake
