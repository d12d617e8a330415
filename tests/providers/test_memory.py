"""The contract over the two bases, for which zones in memory stand in for an API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pytest
from contract import ZONES, Case, FindsZones, KeepsRecords, publish, retract, validation

from dns01.errors import Busy, ProviderError
from dns01.providers import load
from dns01.providers.base import Provider, TxtRecord, Zone
from dns01.providers.memory import RECORDS
from dns01.providers.rrsets import RRset, RRsetProvider

OPTIONS = {"zones": ", ".join(ZONES)}
EXAMPLE = Zone("example.com")


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    yield
    RECORDS.clear()


class InMemory:
    """The zones of the memory provider, looked at directly."""

    outside = "deep.example.com, example.co.uk, example.com"

    def provider(self) -> Provider:
        return load("memory")(OPTIONS)

    def _at(self, name: str) -> list[TxtRecord]:
        return [record for zone in RECORDS.values() for record in zone.values() if record.name == name]

    def world_sees(self, name: str) -> set[str]:
        values = [record.value for record in self._at(name)]
        assert len(values) == len(set(values)), "a record is there twice"
        return set(values)

    def ttl_of(self, name: str, value: str) -> int:
        return next(record.ttl for record in self._at(name) if record.value == value)

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        RECORDS["example.com"]["foreign"] = TxtRecord(name, value, ttl)


class TestMemory(FindsZones, KeepsRecords):
    @pytest.fixture
    def case(self) -> Case:
        load("memory")(OPTIONS)
        return InMemory()

    @pytest.mark.parametrize(
        "record",
        [
            TxtRecord("_acme-challenge.example.org", "value"),
            TxtRecord("_acme-challenge.evilexample.com", "value"),
            TxtRecord("_acme-challenge.example.com.", "value"),
            TxtRecord("_acme-challenge.Example.com", "value"),
            TxtRecord("_acme-challenge.example.com", '"value"'),
            TxtRecord("_acme-challenge.example.com", ""),
            TxtRecord("_acme-challenge.example.com", "value", ttl=0),
        ],
    )
    def test_it_refuses_what_an_api_would_refuse(self, case: Case, record: TxtRecord) -> None:
        with pytest.raises(ProviderError):
            case.provider().publish(EXAMPLE, [record])

    def test_it_refuses_a_zone_that_it_does_not_have(self, case: Case) -> None:
        with pytest.raises(ProviderError, match=r"example\.org"):
            case.provider().publish(Zone("example.org"), [TxtRecord("a.example.org", "value")])


class RRsets(RRsetProvider):
    """An API that replaces whole RRsets, and a rival from another machine who comes in between."""

    options = ()
    profile = load("memory").profile

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self.sets: dict[str, RRset] = {}
        self.rivals: list[dict[str, RRset]] = []
        self.writes = 0

    def zones(self) -> Iterable[Zone]:
        return [Zone(apex) for apex in ZONES]

    def read(self, zone: Zone, name: str) -> RRset | None:
        return self.sets.get(name)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        self.writes += 1
        assert old == self.read(zone, name)
        if new is None:
            del self.sets[name]
        else:
            assert new.values
            self.sets[name] = new
        if self.rivals:
            self.sets |= self.rivals.pop(0)


class InRRsets:
    """Its RRsets, looked at directly."""

    outside = InMemory.outside

    def __init__(self) -> None:
        self.host = RRsets()

    def provider(self) -> Provider:
        return self.host

    def world_sees(self, name: str) -> set[str]:
        return set(self.host.sets[name].values) if name in self.host.sets else set()

    def ttl_of(self, name: str, value: str) -> int:
        assert value in self.host.sets[name].values
        return self.host.sets[name].ttl

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        self.host.sets[name] = RRset((value,), ttl)


class TestRRsetHost(FindsZones, KeepsRecords):
    @pytest.fixture
    def case(self) -> InRRsets:
        return InRRsets()

    def test_nothing_is_written_when_nothing_changes(self, case: InRRsets, name: str) -> None:
        publish(case, TxtRecord(name, validation("a")))
        publish(case, TxtRecord(name, validation("a")))
        retract(case, TxtRecord(name, validation("b")))
        assert case.host.writes == 1

    def test_a_value_that_a_rival_overwrote_is_written_again(self, case: InRRsets, name: str) -> None:
        case.host.rivals = [{name: RRset(("rival",), 300)}]
        publish(case, TxtRecord(name, validation("ours")))
        assert case.world_sees(name) == {"rival", validation("ours")}
        assert case.ttl_of(name, "rival") == 300

    def test_a_value_that_a_rival_brought_back_is_retracted_again(self, case: InRRsets, name: str) -> None:
        ours = TxtRecord(name, validation("ours"))
        publish(case, ours)
        case.host.rivals = [{name: RRset(("rival", ours.value), 300)}]
        retract(case, ours)
        assert case.world_sees(name) == {"rival"}

    def test_a_rival_who_never_stops_ends_in_busy_with_the_name(self, case: InRRsets, name: str) -> None:
        case.host.rivals = [{name: RRset(("rival",), 300)}] * 100
        with pytest.raises(Busy, match=name):
            publish(case, TxtRecord(name, validation("ours")))
