"""When systemd's timers are due."""

from __future__ import annotations

from datetime import date

import pytest

from dns01.hooks.clients.setup.schedule.timers import never_due
from dns01.hooks.clients.setup.units import Unit

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("time", "over"),
    [
        ("2026-01-15 03:00", True),
        ("2026-11-29", True),
        ("2026-11-30 23:00", False),
        ("2026-12-01", False),
        ("2026-10-*", True),
        ("2026-11-*", False),
        ("2026-*-01", False),
        ("Mon 2025-*-*", True),
        ("2024,2025-*-*", True),
        ("2024..2026-*-*", False),
        ("*-01-15", False),
    ],
)
def test_a_day_that_is_over(time: str, over: bool) -> None:
    timer = Unit("acme.timer", (), {"Timer.OnCalendar": (time,)})
    assert bool(never_due(timer, TODAY)) == over
