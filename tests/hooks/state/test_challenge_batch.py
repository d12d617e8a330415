"""What the calls of a run leave to the last of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from contract import validation

from dns01.errors import StateError
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.process import ClientProcess, this_process
from dns01.hooks.state.certbot_batch import add_call
from dns01.hooks.state.challenge_batch import ChallengeBatch

ONE, TWO = (Challenge(name, "", validation(name)) for name in ("one.example.org", "two.example.org"))


@pytest.fixture
def certbot() -> ClientProcess:
    """This process's parent, as which ``noted`` finds it."""
    return this_process("certbot")._replace(pid=os.getppid(), start=_start(os.getppid()))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def batch(tmp_path: Path, said: list[str]) -> ChallengeBatch:
    return ChallengeBatch(str(tmp_path), warn=said.append)


def _start(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def later_call(state: Path, challenge: Challenge, *, word: str = "auth", **others: str) -> bool:
    environ = {
        "DNS01_STATE_DIR": str(state),
        "CERTBOT_DOMAIN": challenge.domain,
        "CERTBOT_VALIDATION": challenge.validation,
        "CERTBOT_REMAINING_CHALLENGES": "1",
    }
    return add_call(["certbot", word], environ | others)


def test_a_later_call_of_the_run_notes_what_the_last_one_reads(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess
) -> None:
    batch.note(certbot, "publish", [ONE])

    assert later_call(tmp_path, TWO)

    assert batch.of(certbot, "publish") == [ONE, TWO]
    assert batch.of(certbot, "retract") == []
    assert next((tmp_path / "intents").iterdir()).stat().st_mode & 0o777 == 0o600


def test_the_first_call_and_the_last_are_none_of_these(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess
) -> None:
    first = later_call(tmp_path, ONE)
    batch.note(certbot, "publish", [ONE])
    last = later_call(tmp_path, TWO, CERTBOT_REMAINING_CHALLENGES="0")
    old_certbot = later_call(tmp_path, TWO, CERTBOT_REMAINING_CHALLENGES="")

    assert (first, last, old_certbot) == (False, False, False)
    assert not later_call(tmp_path, TWO, word="cleanup")
    assert batch.of(certbot, "publish") == [ONE]


@pytest.mark.parametrize(
    "challenge",
    [
        ONE._replace(domain='x"y'),
        ONE._replace(domain="bücher.example.org"),
        ONE._replace(domain="a\nb"),
        ONE._replace(domain="a" * 300),
        ONE._replace(domain=""),
        ONE._replace(validation="short"),
        ONE._replace(validation='"' * 43),
    ],
    ids=["a quote", "no ASCII", "a line feed", "too long", "nothing", "no value of dns-01", "quotes"],
)
def test_what_is_not_plain_goes_the_full_way_which_checks_it(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess, challenge: Challenge
) -> None:
    batch.note(certbot, "publish", [ONE])

    assert not later_call(tmp_path, challenge)

    assert batch.of(certbot, "publish") == [ONE]


def test_a_line_that_was_torn_costs_itself_alone(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess, said: list[str]
) -> None:
    batch.note(certbot, "publish", [ONE])
    (file,) = (tmp_path / "intents").iterdir()
    file.write_bytes(file.read_bytes() + b'\n{"domain": "thr')

    assert later_call(tmp_path, TWO)

    assert batch.of(certbot, "publish") == [ONE, TWO]
    assert said == [f"a line of {file} is no challenge: run the client again"]


def test_a_file_of_a_newer_version_is_left_to_it(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess, said: list[str]
) -> None:
    batch.note(certbot, "publish", [ONE])
    (file,) = (tmp_path / "intents").iterdir()
    first, rest = file.read_text().split("\n", 1)
    file.write_text(f"{json.dumps(json.loads(first) | {'version': 2})}\n{rest}")

    assert batch.of(certbot, "publish") == []
    assert "a newer dns01 wrote it" in said[0]


def test_a_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess
) -> None:
    batch.note(certbot, "publish", [ONE])
    (tmp_path / "intents").chmod(0o777)

    assert not later_call(tmp_path, TWO)
    with pytest.raises(StateError, match=f"{tmp_path}/intents .* others"):
        batch.of(certbot, "publish")


def test_with_its_own_those_of_clients_that_have_ended_are_forgotten(
    tmp_path: Path, batch: ChallengeBatch, certbot: ClientProcess
) -> None:
    ended = certbot._replace(start=certbot.start - 1)
    batch.note(ended, "publish", [ONE])
    batch.note(certbot, "retract", [TWO])
    batch.note(certbot, "publish", [TWO])
    (tmp_path / "intents" / "a folder").mkdir()

    batch.done(certbot, "publish")

    assert batch.of(ended, "publish") == batch.of(certbot, "publish") == []
    assert batch.of(certbot, "retract") == [TWO]
