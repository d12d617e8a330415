"""A certificate whose renewal window has begun is CRITICAL, whichever client had it issued."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bundles import issued

from dns01.hooks.commands.status.expiry import Level, Limits
from dns01.hooks.commands.status.overview import read_overview
from dns01.hooks.commands.status.windows import overdue
from dns01.hooks.deploy.certificate.leaf import leaf_in
from dns01.hooks.issue.planning.renewal_windows import RenewalWindow

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def window(begins: float, chosen: float, ends: float, explanation: str = "") -> RenewalWindow:
    """Days from now."""
    at = NOW.timestamp()
    times = [at + days * 86400 for days in (begins, ends, chosen)]
    return RenewalWindow("aki.serial", "https://ca.example/dir", *times, explanation=explanation)


def level(path: str, seen: RenewalWindow | None, tmp_path: Path) -> Level:
    problem = overdue(path, "a.example", seen, {"DNS01_STATE_DIR": str(tmp_path), "DNS01_CONFIG": ""}, NOW)
    return problem.level if problem else Level.OK


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (None, Level.OK),
        (RenewalWindow("aki.serial", "https://ca.example/dir"), Level.OK),
        (window(1, 2, 3), Level.OK),
        (window(-1, 1, 2), Level.CRITICAL),
        (window(-3, -2, -1), Level.CRITICAL),
    ],
)
def test_a_window_that_has_begun_is_critical(
    tmp_path: Path, seen: RenewalWindow | None, expected: Level
) -> None:
    assert level("/etc/letsencrypt/live/a.example/cert.pem", seen, tmp_path) is expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (window(-1, 1, 2), Level.OK),
        (window(-2, -0.5, 1), Level.OK),
        (window(-3, -1.5, 1), Level.CRITICAL),
        (window(-3, -0.5, -0.1), Level.CRITICAL),
    ],
)
def test_our_own_client_has_a_day_from_its_instant_on_within_the_window(
    tmp_path: Path, seen: RenewalWindow, expected: Level
) -> None:
    assert level(f"{tmp_path}/certificates/a.example/cert.pem", seen, tmp_path) is expected


def test_it_says_since_when_and_why() -> None:
    seen = window(-1, 0, 1, "https://ca.example/incident")

    problem = overdue("/x/a/cert.pem", "a.example", seen, {"DNS01_CONFIG": ""}, NOW)

    assert problem
    assert problem.text == (
        "a.example: the CA wants it renewed since 2026-11-28 12:00 UTC: https://ca.example/incident"
    )


def test_what_is_kept_of_a_window_is_part_of_the_overview(tmp_path: Path) -> None:
    certificate = issued(tmp_path / "certs" / "a.example", "a.example").facts.certificate
    renewal_id = leaf_in(certificate.cert).renewal_id
    now = datetime.now(UTC)
    day = timedelta(days=1)
    row = [
        renewal_id,
        "https://ca.example/dir",
        *((now + each).timestamp() for each in (-day, day, -day / 2, day)),
        "",
    ]
    state = tmp_path / "state"
    state.mkdir()
    (state / "renewal-windows.json").write_text(json.dumps({"version": 1, "windows": [row]}))
    environ = {"DNS01_STATE_DIR": str(state), "DNS01_CONFIG": ""}

    found = read_overview([str(tmp_path / "certs")], (), Limits(), environ, now)

    assert found.level is Level.CRITICAL
    assert [problem.code for problem in found.every_problem] == ["renewal-window"]
