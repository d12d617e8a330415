"""A program of one's own: the contract, by a script that uses nsupdate, and what a program may do wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import KeepsRecords, validation
from programs import NSUPDATE, SECRET, TTL, OnBind, script
from testbed import TIME_LIMIT, Bind

from dns01.errors import ConfigError, ProviderError, Unreachable
from dns01.providers import load
from dns01.providers.base import TxtRecord, Zone

ZONE = Zone("example.com")
RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

PROGRAM = f"""#!/bin/sh
{NSUPDATE}
case $1 in
  present) change add "$2" "$3" ;;
  cleanup) change delete "$2" "$3" ;;
  *) exit 64 ;;
esac
"""


@pytest.fixture(scope="module")
def bind() -> Iterator[Bind]:
    with Bind("127.1.61.1", {"example.com": ""}, [("hook", "hmac-sha256", SECRET)]) as bind:
        yield bind


class TestContract(KeepsRecords):
    """But for one promise, which is the program's own affair: nsupdate gives all records of a name
    the TTL of the newest."""

    test_a_foreign_value_stays_with_its_ttl = None  # type: ignore[assignment]
    MANY = 12

    @pytest.fixture
    def least_ttl(self) -> int:
        return TTL

    @pytest.fixture
    def case(self, bind: Bind, tmp_path: Path) -> OnBind:
        return OnBind(bind, "exec", {"path": script(tmp_path / "dns", PROGRAM)})


def failure(tmp_path: Path, body: str, time_limit: str = "20", **variables: str) -> ProviderError:
    """What is raised where the program does this; nothing of it reaches our own output."""
    path = script(tmp_path / "program", f"#!/bin/sh\n{body}\n")
    entries = {f"env.{name}": value for name, value in variables.items()}
    provider = load("exec")({"path": path, "time_limit": time_limit, **entries})
    with pytest.raises(ProviderError) as caught:
        provider.publish(ZONE, [RECORD])
    assert path in str(caught.value)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_zone_is_the_one_that_the_dns_says() -> None:
    provider = load("exec")({"path": "/bin/true", "time_limit": "300"})
    assert provider.zone_for("deep.example.com") == Zone("deep.example.com")


def test_a_program_is_given_the_verb_the_absolute_name_and_the_value(tmp_path: Path) -> None:
    path = script(tmp_path / "program", f'#!/bin/sh\necho "$# $*" >>{tmp_path}/calls\n')
    provider = load("exec")({"path": path, "time_limit": "300"})
    provider.publish(ZONE, [RECORD])
    provider.retract(ZONE, [RECORD])
    words = f"{RECORD.name}. {RECORD.value}"
    assert (tmp_path / "calls").read_text() == f"3 present {words}\n3 cleanup {words}\n"


@pytest.mark.parametrize("mode", [None, 0o644], ids=["missing", "not executable"])
def test_a_program_that_cannot_be_run_is_named_with_what_to_do(tmp_path: Path, mode: int | None) -> None:
    path = tmp_path / "program"
    if mode:
        path.touch(mode)
    with pytest.raises(ProviderError, match=f"{path} present .* cannot be run") as caught:
        load("exec")({"path": str(path), "time_limit": "300"}).publish(ZONE, [RECORD])
    assert "chmod" in caught.value.hint


def test_a_failure_is_shown_with_its_status_and_the_last_that_was_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    error = failure(tmp_path, "seq 100; printf 'the \\033[31mzone\\nis locked\\n' >&2; exit 3")
    assert "ended with 3: 95 | 96 | 97 | 98 | 99 | 100 | the \\x1b[31mzone | is locked" in str(error)
    assert capfd.readouterr() == ("", "")


def test_a_program_that_was_killed_says_by_what(tmp_path: Path) -> None:
    assert "was killed by SIGTERM: nothing" in str(failure(tmp_path, "kill $$"))


def test_the_secrets_that_it_prints_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "from-the-environment")
    error = failure(tmp_path, 'echo "$MY_API_KEY, $PASSWORD"; exit 1', PASSWORD="from-the-table")
    assert "[secret], [secret]" in str(error)


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    error = failure(tmp_path, f"echo waiting; sleep 100 & echo $! >{tmp_path}/child; wait", time_limit="2")
    assert isinstance(error, Unreachable)
    assert str(error).endswith(": waiting")
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + TIME_LIMIT
    while is_running(child):
        assert time.monotonic() < deadline


def test_what_a_program_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    path = script(tmp_path / "program", f"#!/bin/sh\nsleep 1000 & echo $! >{tmp_path}/child\n")
    before = time.monotonic()
    load("exec")({"path": path, "time_limit": "1000"}).publish(ZONE, [RECORD])
    assert time.monotonic() - before < 900
    os.kill(int((tmp_path / "child").read_text()), 9)


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "nan", "1e9"])
def test_a_time_limit_that_is_none_is_refused_with_its_variable(limit: str) -> None:
    with pytest.raises(ConfigError, match=f"'{limit}'") as caught:
        load("exec")({"path": "/bin/true", "time_limit": limit})
    assert "EXEC_TIME_LIMIT" in caught.value.hint


def is_running(process: int) -> bool:
    """One that has ended may wait for its parent to look."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
