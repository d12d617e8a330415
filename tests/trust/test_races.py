"""Eight writers at one name, in one state folder and in two: nobody's value is lost, none is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import dns.query
import dns.update
import pytest
from amounts import LONG, ROUNDS, figure
from contract import validation
from fakes.digitalocean import DigitalOcean
from fakes.gandi import Gandi
from testbed import TIME_LIMIT, Bind, Key, Knot, PowerDNS

from dns01.hooks.state.journal import Journal
from dns01.providers import load
from dns01.providers.base import TxtRecord

WRITERS = 8
KEY = Key("hook", "hmac-sha256", "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw==")
ZONE, NAME = "example.org", "_acme-challenge.example.org"
FOREIGN = "somebody else's"


class Ground(NamedTuple):
    """Where they race: ``options`` of the provider, ``seen``: what is there now."""

    provider: str
    options: Mapping[str, str]
    seen: Callable[[], set[str]]


def on_bind(stack: ExitStack) -> Ground:
    return _updated(stack.enter_context(Bind("127.1.71.1", {ZONE: ""}, [KEY])))


def on_knot(stack: ExitStack) -> Ground:
    return _updated(stack.enter_context(Knot("127.1.71.2", {ZONE: ""}, [KEY])))


def _updated(server: Bind | Knot) -> Ground:
    theirs = dns.update.UpdateMessage(f"{ZONE}.", keyring=KEY.tsig)
    theirs.add(f"{NAME}.", 60, "TXT", f'"{FOREIGN}"')
    dns.query.tcp(theirs, server.address, timeout=TIME_LIMIT)
    options = {"nameserver": server.address, "tsig_key": KEY.name, "tsig_secret": KEY.secret}
    return Ground("rfc2136", options, lambda: server.txt(NAME))


def on_powerdns(stack: ExitStack) -> Ground:
    """Debian's replaces whole RRsets."""
    server = stack.enter_context(PowerDNS("127.1.71.3", {ZONE: f'_acme-challenge TXT "{FOREIGN}"'}))
    base = server.url.removesuffix("/api/v1/servers/localhost")
    options = {"key": server.api_key, "server": "localhost", "base_url": base}
    return Ground("powerdns", options, lambda: server.txt(NAME))


def on_digitalocean(stack: ExitStack) -> Ground:
    fake = stack.enter_context(DigitalOcean([ZONE]))
    fake.add_foreign(NAME, FOREIGN, 1234)
    options = {"token": fake.token, "base_url": fake.url}
    return Ground("digitalocean", options, lambda: fake.values(NAME))


def on_gandi(stack: ExitStack) -> Ground:
    fake = stack.enter_context(Gandi([ZONE]))
    fake.add_foreign(NAME, FOREIGN, 1234)
    options = {"token": fake.token, "base_url": fake.url}
    return Ground("gandi", options, lambda: fake.values(NAME))


GROUNDS = {
    "BIND": on_bind,
    "Knot": on_knot,
    "PowerDNS": on_powerdns,
    "a fake, record by record": on_digitalocean,
    "a fake of RRsets": on_gandi,
}
GUARDED = ("BIND", "Knot", "a fake, record by record")  # against two machines that write at once


def race(ground: Ground, states: list[Path]) -> list[str]:
    """Each writer publishes a value and takes it back, time and again, under the lock of its state folder.
    Gives the values that were not there once they were published."""

    def write(number: int) -> list[str]:
        provider: Any = load(ground.provider)(dict(ground.options))
        if len(states) == 1:
            provider.sleep = lambda _: None  # before the second look: the lock keeps all others out here
        zone = provider.zone_for(NAME)
        journal = Journal(str(states[number % len(states)]))
        missed = []
        for turn in range(ROUNDS):
            record = TxtRecord(NAME, validation(f"{number} {turn}"), 60)
            with journal.lock(ZONE, timeout=TIME_LIMIT):
                provider.publish(zone, [record])
            if record.value not in ground.seen():
                missed.append(record.value)
            with journal.lock(ZONE, timeout=TIME_LIMIT):
                provider.retract(zone, [record])
        return missed

    with ThreadPoolExecutor(
        WRITERS
    ) as writers:  # locks are of open files: threads exclude each other as well
        return [value for missed in writers.map(write, range(WRITERS)) for value in missed]


# Two machines that replace whole RRsets: it takes a minute, and docs/reliability.rst has what comes of it.
CASES = [(name, folders) for name in GROUNDS for folders in (1, 2) if folders == 1 or name in GUARDED or LONG]


@pytest.mark.parametrize(("name", "folders"), CASES)
def test_eight_writers_lose_nothing_and_leave_nothing(
    tmp_path: Path, name: str, folders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:
        ground = GROUNDS[name](stack)
        lost = race(ground, [tmp_path / f"state{number}" for number in range(folders)])
        left = ground.seen()

    if folders == 1 or name in GUARDED:
        assert (lost, left) == ([], {FOREIGN})
    theirs = "kept" if FOREIGN in left else "LOST"
    outcome = f"{len(lost)} lost, {len(left - {FOREIGN})} left, the value of others {theirs}"
    what = f"8 writers, {folders} state folder{'s' if folders > 1 else ''}, {name}"
    figure(what, WRITERS * ROUNDS, outcome, f"TRUST_ROUNDS={ROUNDS} pytest tests/trust/test_races.py")
