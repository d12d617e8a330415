"""What every provider promises, as tests that any provider's test file can run::

    class TestExample(FindsZones, KeepsRecords):
        @pytest.fixture
        def case(self) -> Case: ...

``case`` has the zones ZONES and sees the world through another client than the provider itself.
Every verb is asked of a new instance, since the hook is a new process at each call.
"""

from __future__ import annotations

import base64
import hashlib
import multiprocessing
import re
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Protocol

import pytest
from amounts import TURNS, WRITERS
from testbed import TIME_LIMIT

from dns01.errors import ZoneNotFound
from dns01.providers.base import Provider, TxtRecord

ZONES = ("example.com", "deep.example.com", "example.co.uk")


class Case(Protocol):
    """A provider that is ready to be asked, and another view of the same zones."""

    outside: str
    """What ZoneNotFound has to name: the zones that the account has, or the server that was asked."""

    def provider(self) -> Provider:
        """A new instance of the provider, as a new process would make it."""

    def world_sees(self, name: str) -> set[str]:
        """The TXT values at the name."""

    def ttl_of(self, name: str, value: str) -> int:
        """The TTL of one of them, in seconds."""

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        """Someone else adds a TXT record."""


def validation(text: str) -> str:
    """A validation as ACME makes them (RFC 8555 §8.4): 43 characters of base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def publish(case: Case, *records: TxtRecord) -> None:
    provider = case.provider()
    provider.publish(provider.zone_for(records[0].name), records)


def retract(case: Case, *records: TxtRecord) -> None:
    provider = case.provider()
    provider.retract(provider.zone_for(records[0].name), records)


class FindsZones:
    """For providers whose names are in zones of the user's."""

    @pytest.mark.parametrize(
        ("name", "apex"),
        [
            ("_acme-challenge.example.com", "example.com"),
            ("_acme-challenge.www.example.com", "example.com"),
            ("_acme-challenge.deep.example.com", "deep.example.com"),
            ("_acme-challenge.a.b.deep.example.com", "deep.example.com"),
            ("_acme-challenge.verydeep.example.com", "example.com"),
            ("_acme-challenge.www.example.co.uk", "example.co.uk"),
            ("example.com", "example.com"),
        ],
    )
    def test_the_zone_is_the_longest_apex_that_the_name_is_within(
        self, case: Case, name: str, apex: str
    ) -> None:
        assert case.provider().zone_for(name).apex == apex

    @pytest.mark.parametrize(
        "name",
        [
            "_acme-challenge.evilexample.com",
            "_acme-challenge.example.com.evil.org",
            "_acme-challenge.other.co.uk",
            "com",
        ],
    )
    def test_a_name_in_none_of_the_zones_is_refused_with_what_there_is(self, case: Case, name: str) -> None:
        with pytest.raises(ZoneNotFound) as refusal:
            case.provider().zone_for(name)
        shown = set(re.findall(r"[\w.-]*\w", str(refusal.value)))
        assert {name, *filter(None, case.outside.split(", "))} <= shown
        assert refusal.value.hint


class KeepsAValue:
    """For all providers, even those that keep one value and no more."""

    @pytest.fixture
    def name(self, request: pytest.FixtureRequest) -> str:
        """A challenge name that no other test uses."""
        label = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
        return f"_acme-challenge.{label}.example.com"

    def test_a_published_value_is_there_until_it_is_retracted(self, case: Case, name: str) -> None:
        record = TxtRecord(name, validation("a"))
        publish(case, record)
        assert case.world_sees(name) == {record.value}
        retract(case, record)
        assert case.world_sees(name) == set()

    def test_publishing_what_is_there_is_success(self, case: Case, name: str) -> None:
        record = TxtRecord(name, validation("a"))
        publish(case, record)
        publish(case, record, record)
        assert case.world_sees(name) == {record.value}
        retract(case, record)
        assert case.world_sees(name) == set()

    def test_retracting_what_is_gone_is_success(self, case: Case, name: str) -> None:
        record = TxtRecord(name, validation("a"))
        publish(case, record)
        retract(case, record)
        retract(case, record)
        assert case.world_sees(name) == set()

    @pytest.mark.parametrize("first", "-_")
    def test_a_value_may_start_with_any_character_of_base64url(
        self, case: Case, name: str, first: str
    ) -> None:
        record = TxtRecord(name, first + validation("a")[1:])
        publish(case, record)
        assert case.world_sees(name) == {record.value}
        retract(case, record)
        assert case.world_sees(name) == set()


class KeepsRecords(KeepsAValue):
    """Publishing adds, retracting removes exactly that, and what others put there stays."""

    MANY = 100  # names in one call; fewer where each starts a process

    @pytest.fixture
    def least_ttl(self) -> int:
        """The shortest TTL that the API takes, in seconds."""
        return 0

    def test_two_values_at_one_name_are_both_there(self, case: Case, name: str) -> None:
        apex, wildcard = TxtRecord(name, validation("apex")), TxtRecord(name, validation("wildcard"))
        publish(case, apex, wildcard)
        assert case.world_sees(name) == {apex.value, wildcard.value}

    def test_a_second_call_adds_to_the_first_one(self, case: Case, name: str) -> None:
        apex, wildcard = TxtRecord(name, validation("apex")), TxtRecord(name, validation("wildcard"))
        publish(case, apex)
        publish(case, wildcard)
        assert case.world_sees(name) == {apex.value, wildcard.value}

    def test_of_two_values_only_the_retracted_one_goes(self, case: Case, name: str) -> None:
        apex, wildcard = TxtRecord(name, validation("apex")), TxtRecord(name, validation("wildcard"))
        publish(case, apex, wildcard)
        retract(case, apex)
        assert case.world_sees(name) == {wildcard.value}

    def test_a_foreign_value_stays_with_its_ttl(self, case: Case, name: str) -> None:
        case.add_foreign(name, "somebody else's", ttl=1234)
        ours = TxtRecord(name, validation("ours"), ttl=60)
        publish(case, ours)
        assert case.world_sees(name) == {ours.value, "somebody else's"}
        assert case.ttl_of(name, "somebody else's") == 1234
        retract(case, ours)
        assert case.world_sees(name) == {"somebody else's"}
        assert case.ttl_of(name, "somebody else's") == 1234

    def test_the_ttl_is_the_one_wished_for_but_for_what_the_api_takes_at_least(
        self, case: Case, name: str, least_ttl: int
    ) -> None:
        publish(case, TxtRecord(name, validation("a"), ttl=77))
        assert case.ttl_of(name, validation("a")) == max(77, least_ttl)

    def test_retracting_what_never_was_leaves_the_rest(self, case: Case, name: str) -> None:
        publish(case, TxtRecord(name, validation("a")))
        retract(case, TxtRecord(name, validation("b")), TxtRecord(f"x.{name}", validation("c")))
        assert case.world_sees(name) == {validation("a")}

    def test_values_that_differ_by_case_are_two(self, case: Case, name: str) -> None:
        lower, upper = TxtRecord(name, "a" * 43), TxtRecord(name, "A" * 43)
        publish(case, lower, upper)
        retract(case, lower)
        assert case.world_sees(name) == {upper.value}

    def test_many_names_in_one_call(self, case: Case, name: str) -> None:
        records = [TxtRecord(f"{number}.{name}", validation(f"{number}")) for number in range(self.MANY)]
        publish(case, *records)
        assert [case.world_sees(record.name) for record in records] == [{each.value} for each in records]
        retract(case, *records)
        assert not [record for record in records if case.world_sees(record.name)]


class KeepsRecordsBetweenProcesses(KeepsRecords):
    """For providers whose API or server has a guard of its own against lost updates; where it has
    none, ``LOCKED``: the processes take turns, as the hook does with its lock on the zone."""

    PROCESSES = WRITERS
    ROUNDS = TURNS
    LOCKED = False

    @pytest.mark.parametrize("foreign", [{"somebody else's"}, set()], ids=["a foreign value", "nothing else"])
    def test_many_processes_at_one_name_lose_nothing(
        self, case: Case, name: str, foreign: Iterable[str]
    ) -> None:
        """Each publishes a value and retracts the one before; half of them the other way round."""
        for value in foreign:
            case.add_foreign(name, value, ttl=1234)
        context = multiprocessing.get_context("fork")
        together = context.Barrier(self.PROCESSES + 1)
        turns = context.Lock() if self.LOCKED else nullcontext()

        def value(process: int, turn: int) -> TxtRecord:
            return TxtRecord(name, validation(f"{process} {turn}"))

        def come_and_go(process: int) -> None:
            provider = case.provider()
            zone = provider.zone_for(name)
            for turn in range(self.ROUNDS):
                together.wait(timeout=TIME_LIMIT)
                steps = [
                    (provider.publish, value(process, turn)),
                    (provider.retract, value(process, turn - 1)),
                ]
                for verb, record in steps if process % 2 else reversed(steps):
                    with turns:
                        verb(zone, [record])
                together.wait(timeout=TIME_LIMIT)

        processes = [context.Process(target=come_and_go, args=(number,)) for number in range(self.PROCESSES)]
        for process in processes:
            process.start()
        for turn in range(self.ROUNDS):
            together.wait(timeout=TIME_LIMIT)
            together.wait(timeout=TIME_LIMIT)
            ours = {value(process, turn).value for process in range(self.PROCESSES)}
            assert case.world_sees(name) == {*ours, *foreign}
        for process in processes:
            process.join(timeout=TIME_LIMIT)
        assert [process.exitcode for process in processes] == [0] * self.PROCESSES
