"""dns01 doctor --write: a real record, and what becomes of it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import BOTH, NAME, SECONDARY, Stage, until
from patients import document, found, person


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def test_write_publishes_a_real_record_waits_and_removes_it(stage: Stage) -> None:
    said = person(stage)("doctor", "example.org", "--write", "--json")

    assert said.code == 0
    ((finding,),) = [domain["findings"] for domain in document(said)["domains"]]
    assert (finding["check"], finding["code"], finding["subject"]) == ("probe", "probe-passed", NAME)
    assert re.fullmatch(
        r"a record came and went: discover \d+\.\d s, .*publish \d.*, ready \d+\.\d s, .*retract \d+\.\d s",
        finding["message"],
    )
    assert f" {NAME} in example.org" in said.stderr
    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []
    (record,) = stage.trail()
    assert (record["phase"], record["outcome"]) == ("doctor --write", "ok")
    assert len(record["published"]) == len(record["retracted"]) == 1


def test_write_twice_in_a_row_need_not_wait_for_the_cas_memory(stage: Stage) -> None:
    shell = person(stage)
    assert shell("doctor", "example.org", "--write").code == 0
    said = shell("doctor", "example.org", "--write")
    assert said.code == 0
    assert stage.trail()[-1]["steps"]["settle"] < 20  # of the 60 s that a cache keeps the first one


def test_without_write_nothing_is_written(stage: Stage) -> None:
    before = stage.bind.ask("example.org", "SOA").answer
    person(stage)("doctor", "example.org")
    assert stage.bind.ask("example.org", "SOA").answer == before
    assert not stage.state.exists()


def test_write_is_left_out_where_an_order_would_fail_anyhow(stage: Stage) -> None:
    said = person(stage, RFC2136_TSIG_SECRET="d3Jvbmc=")("doctor", "example.org", "--write", "--json")
    assert found(said) == {"auth-rejected": "error", "probe-skipped": "note"}


def test_a_record_that_never_shows_is_an_error_and_taken_back(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()
        said = person(stage, DNS01_TIMEOUT="1")("doctor", "example.org", "--write", "--json")

        assert said.code == 2
        assert found(said)["probe-not-ready"] == "error"
        assert SECONDARY in said.stdout
        assert stage.bind.txt(NAME) == set()
        assert stage.journal() == []


def test_what_each_server_says_of_a_record_that_never_shows_has_a_line_of_its_own(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()
        said = person(stage, DNS01_TIMEOUT="1")("doctor", "example.org", "--write")
    beneath = said.stdout.partition("probe-not-ready")[2].splitlines()[1:]
    assert [line for line in beneath if line.split()[:2] == ["ns2.example.org", SECONDARY]]


def test_a_kill_while_it_waits_leaves_a_journal_entry_which_a_sweep_takes_back(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()
        running = person(stage).start("doctor", "example.org", "--write")
        running.says("waiting for ns1.example.org")
        running.send(signal.SIGKILL)
        running.end()

        (entry,) = stage.journal()
        assert {entry["value"]} == stage.bind.txt(NAME)
        assert (entry["domain"], entry["token"]) == ("example.org", "doctor")

        said = person(stage)("doctor", "example.org", "--json")
        assert found(said)["open-entry"] == "warning"
        assert person(stage)("sweep").code == 0
        assert stage.bind.txt(NAME) == set()


def test_an_interrupt_while_it_waits_takes_the_record_back(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()
        running = person(stage).start("doctor", "example.org", "--write")
        running.says("waiting for ns1.example.org")
        running.send(signal.SIGTERM)

        assert running.end().code == 128 + signal.SIGTERM
        until(lambda: stage.bind.txt(NAME) == set())
        assert stage.journal() == []
