"""What the doctor says of the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY
from examined import examine
from testbed import Bind, World

from dns01.hooks.commands.doctor.checks.clock import check
from dns01.hooks.commands.doctor.finding import Finding, Severity

HOUR = 3600.0


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world, Bind("127.1.0.1", {"example.org": ""}, [KEY]):
        world.delegate("example.org", {"ns.example.org": "127.1.0.1"})
        yield world


def found(world: World, root: Path) -> list[Finding]:
    account = {
        "DNS01_PROVIDER": "rfc2136",
        "RFC2136_NAMESERVER": "127.1.0.1",
        "RFC2136_TSIG_KEY": KEY.name,
        "RFC2136_TSIG_SECRET": KEY.secret,
    }
    return list(check(examine(world, "example.org", **account)._replace(root=str(root))))


def test_clocks_that_agree(world: World, tmp_path: Path) -> None:
    assert found(world, tmp_path) == []


def test_a_clock_that_is_an_hour_behind(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - HOUR)

    (finding,) = found(world, tmp_path)

    assert (finding.code, finding.severity, finding.subject) == ("clock-skew", Severity.ERROR, "127.1.0.1")
    assert "do not agree about the time (BADTIME)" in finding.message
    # BIND says whole seconds, and its answer takes as long as the machine is busy.
    (apart,) = re.findall(r"(\d+) s apart", finding.message)
    assert int(apart) == pytest.approx(HOUR, abs=60)
    assert "timedatectl set-ntp true" in finding.remedy


def test_other_faults_of_the_account_are_not_the_clocks(world: World, tmp_path: Path) -> None:
    examined = examine(world, "example.org", "example.net")._replace(root=str(tmp_path))
    assert list(check(examined)) == []


def test_a_clock_that_timesyncd_has_not_set(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "run/systemd/timesync"
    folder.mkdir(parents=True)

    (finding,) = found(world, tmp_path)
    assert (finding.code, finding.severity) == ("clock-unsynchronised", Severity.NOTE)

    (folder / "synchronized").touch()
    assert found(world, tmp_path) == []
