"""A record of the audit trail as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .... import output
from ...state.audit.record import who_and_what

NAMES_LISTED = 10  # names that a line has, or has lines of their own
LEAST_SECONDS = 0.05  # seconds: a step that took less is only in the JSON


def head(record: Mapping[str, Any]) -> str:
    """Which run it is: when, how it ended, who called, for what."""
    text = {key: record.get(key, "") for key in ("outcome", "user", "sudo_user", "host")}
    who = text["user"] + (f" (sudo by {text['sudo_user']})" if text["sudo_user"] else "")
    names = record.get("names", [])
    names = names if len(names) <= NAMES_LISTED else [f"{len(names)} names"]
    number = f" run {record['seq']}" if isinstance(record.get("seq"), int) else ""
    words = " ".join((record["time"], f"{text['outcome']:6}", who_and_what(record), *names))
    return f"{words} [{who}@{text['host']}]{number}"


def beneath(record: Mapping[str, Any]) -> Iterator[str]:
    """What is shown beneath a record, line by line: what was published, retracted and deployed, how
    long each step took, and the error."""
    for done in ("published", "retracted"):
        places = Counter(map(_where, record.get(done, ())))
        if len(places) > NAMES_LISTED:
            places = Counter(f"names{_zone(place)}" for place in record[done])
        for where, count in places.items():
            yield f"    {done} {f'{count} values at ' if count > 1 else ''}{where}"
    for row in record.get("deployed", ()):
        yield f"    {'not ' if row.get('error') else ''}deployed {row.get('name')} → {row.get('target')}"
    for row in record.get("certificates", ()):
        yield f"    {row.get('name')}: {row.get('stage')}" + (f": {row['error']}" if row.get("error") else "")
    steps = record.get("steps", {})
    if times := [f"{step} {seconds:.1f} s" for step, seconds in steps.items() if seconds >= LEAST_SECONDS]:
        yield f"    {', '.join(times)}"
    for what in ("problem", "error"):
        if record.get(what):
            yield f"    {record[what]}"


def _where(place: Mapping[str, Any]) -> str:
    return f"{place.get('target')}{_zone(place)}"


def _zone(place: Mapping[str, Any]) -> str:
    account = output.account(str(place.get("account")), str(place.get("provider")))
    return f" in {place.get('zone')}, account {account}"
