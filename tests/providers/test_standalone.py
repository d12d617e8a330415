"""The life of the embedded name server: who starts it, who shares it, when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import KeepsRecordsBetweenProcesses
from embedded import NAME, ZONE, Embedded, comes_true

from dns01.errors import ProviderError
from dns01.providers.base import Provider, TxtRecord, Zone


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Embedded]:
    embedded = Embedded(tmp_path / "standalone")
    yield embedded
    embedded.kill()


class Shared:
    """The embedded server, seen over the DNS; a foreign value is another process's."""

    outside = ""

    def __init__(self, here: Embedded) -> None:
        self.here = here

    def provider(self) -> Provider:
        return self.here.provider()

    def world_sees(self, name: str) -> set[str]:
        return self.here.texts(name)

    def ttl_of(self, name: str, value: str) -> int:
        assert value in self.here.texts(name)
        return self.here.ask(name).answer[0].ttl

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        self.here.publish(value, name=name, ttl=ttl)


class TestStandalone(KeepsRecordsBetweenProcesses):
    @pytest.fixture
    def case(self, here: Embedded) -> Shared:
        return Shared(here)


# Sharing


def test_any_name_is_a_zone(here: Embedded) -> None:
    assert here.provider().zone_for("example-org.acme.example.net") == Zone("example-org.acme.example.net")


def test_what_two_processes_publish_at_one_name_comes_from_one_server(here: Embedded) -> None:
    here.publish("apex")
    server = here.pid()
    subprocess.run(here.script("provider.publish(zone, [TxtRecord(zone.apex, 'wildcard')])"), check=True)
    assert here.texts() == {"apex", "wildcard"}
    assert here.pid() == server


def test_a_name_beneath_a_delegated_zone_is_answered_from_that_zone(here: Embedded) -> None:
    here.provider().publish(Zone("acme.example.net"), [TxtRecord("example-org.acme.example.net", "value")])
    assert here.texts("example-org.acme.example.net") == {"value"}
    assert here.ask("acme.example.net", "SOA").answer


def test_many_who_come_at_once_start_one_server(here: Embedded) -> None:
    hooks = [
        subprocess.Popen(here.script(f"provider.publish(zone, [TxtRecord(zone.apex, 'value {number}')])"))
        for number in range(6)
    ]
    assert [hook.wait(30) for hook in hooks] == [0] * 6
    assert here.pid()
    assert here.texts() == {f"value {number}" for number in range(6)}
    here.retract(*here.texts())
    assert comes_true(lambda: not here.texts())


def test_two_servers_each_have_a_folder_and_a_port(here: Embedded, tmp_path: Path) -> None:
    other = Embedded(tmp_path / "other")
    here.publish("one")
    other.publish("other")
    assert (here.texts(), other.texts()) == ({"one"}, {"other"})
    other.retract("other")
    assert other.has_ended()
    assert here.texts() == {"one"}


def test_another_port_in_a_folder_whose_server_runs_is_refused_by_name(here: Embedded) -> None:
    here.publish("value")
    other = Embedded(here.folder)
    with pytest.raises(ProviderError, match=f"port {here.port} ") as refusal:
        other.publish("other")
    assert "STANDALONE_DIR" in refusal.value.hint
    other.retract("value")  # what was published before the change can still be taken back
    assert here.has_ended()


# The end


def test_the_server_ends_at_the_last_clean_up(here: Embedded) -> None:
    here.publish("apex", "wildcard")
    here.retract("apex")
    assert here.texts() == {"wildcard"}
    here.retract("wildcard")
    assert here.has_ended()


def test_the_server_ends_an_hour_after_the_last_publish(here: Embedded) -> None:
    here.start_with("server.IDLE = 1.0")
    here.publish("never retracted")
    provider = here.provider()
    provider.start([NAME])
    assert here.has_ended()


def test_taking_back_where_no_server_runs_starts_none(here: Embedded) -> None:
    here.retract("value")
    assert not here.pids()


def test_a_server_that_was_started_for_nothing_ends_with_the_process_that_wanted_it(here: Embedded) -> None:
    lines = ("provider.start([zone.apex])", "print('started', flush=True)", "input()")
    pipe = subprocess.PIPE
    with subprocess.Popen(here.script(*lines), stdin=pipe, stdout=pipe, text=True) as hook:
        assert hook.stdout
        assert hook.stdout.readline() == "started\n"
        assert here.ask(NAME, "SOA").answer
        hook.kill()
    assert here.has_ended()


def test_whoever_is_about_to_publish_keeps_the_server_through_anothers_last_clean_up(here: Embedded) -> None:
    here.publish("done with")
    server = here.pid()
    beginner = here.provider()
    beginner.start([NAME])
    beginner.start(["_acme-challenge.www.example.org"])
    here.retract("done with")
    assert here.ask(NAME, "SOA").answer
    beginner.publish(ZONE, [TxtRecord(NAME, "new")])
    assert here.pid() == server
    here.retract("new")
    assert here.has_ended()


def test_a_killed_server_is_replaced_at_the_next_publish(here: Embedded) -> None:
    here.publish("lost")
    os.kill(here.pid(), signal.SIGKILL)
    assert here.has_ended()
    here.publish("new")
    assert here.texts() == {"new"}
