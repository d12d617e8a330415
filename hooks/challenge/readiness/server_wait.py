"""The wait for name servers: sends the queries of a ReadinessCheck until it is over."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ....errors import ClientGone, NotReady
from ...dns.timing import USUAL, Timing
from ...dns.transports.transport import Transport
from .check import ReadinessCheck, Target
from .observation import ProgressRow

BATCH_INTERVAL = 0.02  # seconds in which responses are taken in together
CLIENT_CHECK_INTERVAL = 1.0  # seconds between two looks whether the client lives


class EachName(NamedTuple):
    """What becomes of each name by itself, as soon as its own wait is over: ``ready`` gets those that are on
    all of their servers, with the TTL that these show, and ``late`` the error of those whose time is out.
    ``wanted``: whether anybody still waits for the name."""

    ready: Callable[[Mapping[str, int]], None]
    late: Callable[[NotReady], None]
    wanted: Callable[[str], bool] = lambda name: True


def wait(
    targets: Iterable[Target],
    progress: Callable[[ReadinessCheck, float], None] = lambda check, now: None,
    clock: Callable[[], float] = time.monotonic,
    *,
    each: EachName | None = None,
    republish: Callable[[Sequence[str]], None] = lambda names: None,
    client_lives: Callable[[], bool] = lambda: True,
    timing: Timing = USUAL,
) -> ReadinessCheck:
    """Ask until every server of every target has all its values, or there is nobody to ask: those names
    are still ``unready`` then. ``republish`` gets names whose values have vanished.

    Raises NotReady at the time-out of the first name, with what each server last said; with ``each``,
    the other names go on. Raises ClientGone when the client no longer lives.
    """
    check = ReadinessCheck(targets, timing)
    began = clock()
    looked = 0.0
    with Transport(timing) as transport:
        while True:
            now = check.seconds = clock() - began
            if each:
                _hand_over(check, each, now)
            if check.over(now):
                return check
            if check.overdue(now):
                raise _not_ready(check, check.unready(now), now)
            if now - looked >= CLIENT_CHECK_INTERVAL:
                looked = now
                if not client_lives():
                    raise ClientGone(f"the ACME client ended after {now:.0f} s of the wait for name servers")
            if vanished := check.vanished(now):
                republish(vanished)
            transport.send(check.due(now))
            _take_in(check, transport, lambda: clock() - began)
            progress(check, clock() - began)


def _take_in(check: ReadinessCheck, transport: Transport, clock: Callable[[], float]) -> None:
    """Wait for responses, and take in what arrives together: each look at all the names costs time."""
    responses = transport.collect(check.pause(clock()))
    until = clock() + BATCH_INTERVAL
    while responses:
        now = clock()
        for query, response in responses:
            check.saw(query, response, now)
        responses = transport.collect(until - now) if transport.busy and now < until else []


def _hand_over(check: ReadinessCheck, each: EachName, now: float) -> None:
    if unwanted := [target.name for target in check.targets if not each.wanted(target.name)]:
        check.drop(unwanted, now)
    if ready := check.names_ready(now):
        ttls = check.ttls()
        check.drop(ready, now)
        each.ready({name: ttls[name] for name in ready})
    if late := check.late(now):
        error = _not_ready(check, late, now)
        check.drop(late, now)
        each.late(error)


def _not_ready(check: ReadinessCheck, names: Sequence[str], now: float) -> NotReady:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    rows = [row for row in check.rows() if row.name in names]
    late = next((row for row in rows if not row.passed), None)
    port = f" -p {late.address.port}" if late and late.address.port != 53 else ""
    dig = f"{late.name} +norec @{late.address.ip}{port}" if late else f"{names[0]} +trace"
    return NotReady(
        f"after {now:.0f} s not every name server has {shown}",
        f"ask again: dig TXT {dig}; if it is only slow, raise timeout (DNS01_TIMEOUT)",
        report=tuple(_table(rows, now)),
        names=tuple(names),
    )


def _table(rows: Sequence[ProgressRow], now: float) -> Iterator[str]:
    """Each name, and beneath it what each address of its servers says and since when, in columns."""
    lines = [(row.server, str(row.address), row.summary) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    name = ""
    for row, line in zip(rows, lines, strict=True):
        if row.name != name:
            name = row.name
            yield name
        columns = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield f"  {'  '.join(columns)}  since {now - row.since:.0f} s"
