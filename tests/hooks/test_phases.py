"""Whole calls of the hook, as processes: what is not a readiness case."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from calls import NAME, PRIMARY, Stage
from contract import validation

from dns01 import Challenge, published
from dns01.errors import NotReady

A, B = validation("a"), validation("b")
APEX = ("example.org", "token-a", A)


def test_a_record_is_published_waited_for_and_taken_back(stage: Stage) -> None:
    client = stage.client()

    said = client("deploy_challenge", *APEX)
    assert (said.code, said.stdout) == (0, "")
    assert stage.bind.txt(NAME) == {A}
    assert [entry["value"] for entry in stage.journal()] == [A]

    said = client("clean_challenge", *APEX)
    assert (said.code, said.stdout) == (0, "")
    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []


def test_an_earlier_dehydrated_s_clean_up_by_nothing_but_the_token(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", *APEX)

    assert client("clean_challenge", "", "token-a", "token-a.thumbprint").code == 0

    assert stage.bind.txt(NAME) == set()


def test_a_zone_that_names_its_servers_needs_no_resolver(stage: Stage) -> None:
    client = stage.client(DNS01_NAMESERVERS=PRIMARY, DNS01_RESOLVERS="127.9.9.9")

    said = client("deploy_challenge", *APEX)

    assert said.code == 0
    assert f" {PRIMARY}\n" in said.stderr
    assert "127.9.9.9" not in said.stderr
    assert stage.bind.txt(NAME) == {A}


def test_when_one_zone_of_a_call_fails_what_was_published_in_the_others_is_taken_back(tmp_path: Path) -> None:
    with Stage(tmp_path, zones={"example.net": ""}) as stage:
        (stage.bind.folder / "example.net.zone.jnl").mkdir()  # where BIND wants to write what changes
        client = stage.client(DNS01_NAMESERVERS=PRIMARY)

        said = client("deploy_challenge", *APEX, "example.net", "token", B)

        assert said.code == 5
        assert "SERVFAIL" in said.stderr
        assert NAME in [row["name"] for row in stage.trail()[-1]["retracted"]]
        assert stage.bind.txt(NAME) == set()
        assert stage.journal() == []


# Stopped in the middle


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_hook_that_is_asked_to_end_takes_its_record_back(pair: Stage, number: signal.Signals) -> None:
    pair.hold()
    call = pair.client().start("deploy_challenge", *APEX)
    call.says("waiting for")

    call.send(number)

    said = call.end()
    assert said.code == 128 + number
    assert f"dns01: stopped by {number.name}\n" in said.stderr
    assert pair.bind.txt(NAME) == set()
    assert pair.journal() == []
    assert pair.trail()[-1]["error"] == f"Stopped: {number.name}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_hook_that_everybody_asks_to_end_takes_its_record_back(pair: Stage, number: signal.Signals) -> None:
    """As of a machine that goes down, or of a terminal that is closed."""
    pair.hold()
    call = pair.client().start("deploy_challenge", *APEX)
    call.says("waiting for")

    while not call.has_ended:
        with suppress(ProcessLookupError):
            call.send(number)
        time.sleep(0.01)

    assert call.end().code == 128 + number
    assert pair.bind.txt(NAME) == set()
    assert pair.journal() == []


def test_a_hook_that_nohup_started_outlives_a_hangup(pair: Stage) -> None:
    pair.hold()
    client = pair.client()
    client.run("trap '' HUP")
    call = client.start("deploy_challenge", *APEX)
    call.says("waiting for")

    call.send(signal.SIGHUP)
    pair.hold(False)

    assert call.end().code == 0


# The Python API


def test_published_publishes_and_takes_back(stage: Stage) -> None:
    with published([Challenge("example.org", "", A), Challenge("*.example.org", "", B)], stage.environ):
        assert stage.bind.txt(NAME) == {A, B}
        assert {entry["client"]["name"] for entry in stage.journal()} == {"api"}

    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []
    assert [(record["client"], record["phase"]) for record in stage.trail()] == [
        ("api", "publish"),
        ("api", "retract"),
    ]


def test_published_takes_back_whatever_is_raised_within(stage: Stage) -> None:
    with pytest.raises(KeyboardInterrupt), published([Challenge("example.org", "", A)], stage.environ):
        raise KeyboardInterrupt

    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []


def test_published_raises_when_it_is_not_ready_in_time_and_leaves_nothing(pair: Stage) -> None:
    pair.hold()

    with (
        pytest.raises(NotReady, match=NAME),
        published([Challenge("example.org", "", A)], {**pair.environ, "DNS01_TIMEOUT": "0.5"}),
    ):
        pytest.fail("the body must not run")

    assert pair.bind.txt(NAME) == set()


def test_published_takes_values_that_are_none_of_dns_01_s_with_a_warning(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    with published([Challenge("example.org", "", "of another kind")], stage.environ):
        assert stage.bind.txt(NAME) == {"of another kind"}

    assert " ! example.org: 'of another kind' " in capfd.readouterr().err
