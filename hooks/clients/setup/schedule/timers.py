"""When a timer of systemd's is due (systemd.timer(5), systemd.time(7))."""

from __future__ import annotations

import re
from datetime import date

from ..units import Unit
from .crontab import longest_gap

DAYS = {"minutely": 0, "hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365,
        "annually": 365, "semiannually": 182}  # fmt: skip
AGAIN = ("OnUnitActiveSec", "OnUnitInactiveSec")
# Days; shorter units add little to them.
SPANS = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("w", "week", "weeks"), 7.0),
    **dict.fromkeys(("M", "month", "months"), 30.0),
    **dict.fromkeys(("y", "year", "years"), 365.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1 / 24),
    **dict.fromkeys(("s", "sec", "second", "seconds", ""), 1 / 86400),
}
ONCE = ("OnActiveSec", "OnBootSec", "OnStartupSec")

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
# What is taken for a time: weekdays, a date, a time of day, a time zone.
_CALENDAR = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z,.-]*)?(?:(?:^|\s+)[\d*][\d*,/~.:-]*){0,2}(?:\s+[a-z][\w+/-]*)?",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:[a-z][a-z,.-]*\s+)?((?:\d{4}(?:,|\.\.)?)+)-([\d*,./]+)[-~]([\d*,./]+)", re.IGNORECASE)


def never_due(timer: Unit, today: date) -> str:
    """Why a timer starts nothing by itself from now on; systemd passes over a time that it cannot read."""
    if any(timer.every(f"Timer.{key}") for key in (*AGAIN, *ONCE)):
        return ""
    times = timer.every("Timer.OnCalendar")
    if not times:
        return "has no time at which it is due"
    wrong = [time for time in times if time not in DAYS and not _CALENDAR.fullmatch(time)]
    past = [time for time in times if time not in wrong and _is_past(time, today)]
    if len(wrong) + len(past) < len(times):
        return ""
    return f"was due at {past[-1]}, and is never again" if past else f"has a time that is none: {wrong[0]}"


def days_between(timer: Unit) -> float:
    """The days between two runs; of one that is due but once after the machine's start, many."""
    often = [_days_of_span(span) for key in AGAIN for span in timer.every(f"Timer.{key}")]
    often += map(_days_of_calendar, timer.every("Timer.OnCalendar"))
    once = any(timer.every(f"Timer.{key}") for key in ONCE)
    return min(often, default=DAYS["yearly"] if once else 1)


def _days_of_span(span: str) -> float:
    """Of a span of several days (systemd.time(7)); of a shorter one, a day, and of what is none as well."""
    parts = _SPAN.findall(span)
    return max(1.0, sum(float(number) * SPANS.get(unit, 0.0) for number, unit in parts))


def _is_past(time: str, today: date) -> bool:
    """Whether the last of the years that it names is over, or the only day."""
    found = _DATE.match(time)
    if not found:
        return False
    year, month, day = max(map(int, re.findall(r"\d{4}", found[1]))), found[2], found[3]
    if year != today.year or not month.isdecimal():
        return year < today.year
    last = int(day) if day.isdecimal() else 31
    return (int(month), last) < (today.month, today.day)


def _days_of_calendar(when: str) -> float:
    """The days between two times of OnCalendar."""
    if when.strip() in DAYS:
        return DAYS[when.strip()]
    form = re.match(r"(?:([A-Z][a-z.,A-Z]*)(?:\s+|$))?(?:\*-([^\s-]+)-([^\s-]+))?", when.strip())
    weekdays, month, day = form.groups() if form else (None, None, None)
    fields = [(field or "*").replace("..", "-") for field in (day, month, weekdays)]
    return longest_gap(*fields) or 1
