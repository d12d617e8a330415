"""Hostinger: the contract, and what it does unlike others. Neither Debian's lego nor dns-lexicon knows it."""

from __future__ import annotations

from typing import Any

from contract import publish, retract
from contract_http import Api, HttpCase, WorksOverHttp
from fakes.hostinger import Hostinger

from dns01.providers.base import TxtRecord
from dns01.providers.rrsets import RRset


class TestHostinger(WorksOverHttp):
    API = Api("hostinger", Hostinger, token=Hostinger.token)
    LOCKED = True
    ONE_PAGE = True
    EMPTY = ([],)

    def test_a_value_that_is_switched_off_stays_so(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        case.fake.disabled = {case.fake.texts(record.name)[0].id}  # type: ignore[attr-defined]
        for verb in (publish, retract):
            verb(case, record)
            kept = next(each for each in case.fake.texts(record.name) if each.value == "somebody else's")
            assert kept.id in case.fake.disabled  # type: ignore[attr-defined]

    def test_values_of_others_are_no_part_of_what_adds_one(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        publish(case, record)
        written = [request.body for request in case.fake.requests if request.method == "PUT"]
        assert [body["overwrite"] for body in written] == [False]
        assert "somebody else's" not in str(written)

    def test_a_value_that_another_machine_wrote_over_is_added_again(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        provider = case.provider()
        zone = provider.zone_for(record.name)
        pauses: list[float] = []

        def meanwhile(pause: float) -> None:
            if not pauses:
                case.fake.zones[zone.apex].records.clear()
            pauses.append(pause)

        provider.sleep = meanwhile  # type: ignore[attr-defined]
        provider.publish(zone, [record])
        assert pauses
        assert case.world_sees(record.name) == {record.value}

    def test_a_value_that_is_there_by_now_is_no_error(self, case: HttpCase, record: TxtRecord) -> None:
        provider: Any = case.provider()
        zone = provider.zone_for(record.name)
        publish(case, record)
        provider.write(zone, record.name, None, RRset((record.value,), 60))
        assert case.world_sees(record.name) == {record.value}

    def test_a_zone_that_is_registered_elsewhere_is_found(self, case: HttpCase) -> None:
        case.fake.foreign = {"example.com"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.www.example.com").apex == "example.com"
