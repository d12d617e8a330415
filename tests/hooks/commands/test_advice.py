"""What a message advises is run just as it is written, in the state that it is about, and helps there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from calls import Client, Stage
from contract import validation

from dns01.hooks.state.atomic import iso

WRONG = {"RFC2136_TSIG_SECRET": "d3Jvbmc="}
NAMES = ["example.org", "*.example.org", "WWW.Example.org"]


def left(stage: Stage, domain: str) -> None:
    """A record whose clean-up has failed, long enough ago for everybody to speak of it."""
    client = stage.client()
    words = (domain, "token", validation("a"))
    assert client("deploy_challenge", *words).code == 0
    assert client("clean_challenge", *words, **WRONG).code == 0
    (file,) = stage.state.glob("open/*.json")
    entry = json.loads(file.read_text())
    opened = entry["opened"] - 2 * 3600
    file.write_text(json.dumps({**entry, "opened": opened, "opened_at": iso(opened)}))


def commands(text: str) -> list[list[str]]:
    """Those between the backticks of a hint."""
    return [shlex.split(each)[1:] for each in re.findall(r"`(dns01 [^`]+)`", text)]


def steps(document: Any) -> list[list[str]]:
    """Those that the doctor's steps about an open record end with."""
    found = [each for each in document["domains"][0]["findings"] if each["code"] == "open-entry"]
    return [shlex.split(re.findall(r"dns01 .+", step)[0])[1:] for step in found[0]["remedy"]]


def advice(shell: Client, by: str, domain: str, **environ: str) -> list[list[str]]:
    if by == "status":
        document = json.loads(shell("status", "--json", **environ).stdout)
        return commands(next(e["remedy"] for e in document["problems"] if e["code"] == "not-cleaned-up"))
    return steps(json.loads(shell("doctor", domain.lower(), "--json", **environ).stdout))


@pytest.mark.parametrize("domain", NAMES)
@pytest.mark.parametrize("by", ["status", "doctor"])
def test_a_record_that_is_left_is_taken_back_or_given_up(stage: Stage, by: str, domain: str) -> None:
    left(stage, domain)
    shell = stage.client("bash")
    again, give_up = advice(shell, by, domain, **WRONG)

    assert shell(*again, **WRONG).code == 1  # nothing has changed: it is still there
    assert len(stage.journal()) == 1
    assert shell(*give_up, **WRONG).code == 0
    assert stage.journal() == []

    left(stage, domain)
    again, _ = advice(shell, by, domain)
    assert shell(*again).code == 0
    assert stage.journal() == []


def test_what_the_call_itself_advises_gives_it_up(stage: Stage) -> None:
    client = stage.client()
    words = ("*.example.org", "token", validation("a"))
    client("deploy_challenge", *words)

    ((*give_up,),) = commands(client("clean_challenge", *words, **WRONG).stderr)

    assert stage.client("bash")(*give_up, **WRONG).code == 0
    assert stage.journal() == []


def elsewhere(stage: Stage, folder: Path) -> Client:
    """A person whose configuration has no such account any more."""
    config = folder / "config.toml"
    config.write_text('[account.other]\nprovider = "memory"\nzones = "example.org"\n')
    return stage.client("bash", DNS01_PROVIDER="", DNS01_TIMEOUT="", DNS01_CONFIG=str(config))


def test_a_record_of_an_account_that_is_gone_is_given_up(stage: Stage, tmp_path: Path) -> None:
    left(stage, "example.org")
    shell = elsewhere(stage, tmp_path)
    said = shell("sweep")
    assert said.code == 1

    both = commands(said.stderr)
    assert len(both) == 2
    for give_up in both:
        assert shell(*give_up).code == 0
        assert stage.journal() == []
        left(stage, "example.org")


def test_the_doctor_gives_it_up_as_well(stage: Stage, tmp_path: Path) -> None:
    left(stage, "example.org")
    shell = elsewhere(stage, tmp_path)
    first, give_up = advice(shell, "doctor", "example.org")

    assert first == ["sweep"]  # once its account is configured again
    assert stage.client("bash")(*first).code == 0
    left(stage, "example.org")
    assert shell(*give_up).code == 0
    assert stage.journal() == []
