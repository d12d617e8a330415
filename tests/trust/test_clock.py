"""A clock that is wrong, and is set: nothing waits for a time that was never to come, nothing is lost.

Each thing is written by a clock that is wrong, and read some days later by one that is right.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from issuing import Office
from machine import Machine, content, deploy_cert

from dns01.hooks.clients.process import ClientProcess, this_process
from dns01.hooks.issue.acme.client import pause_in
from dns01.hooks.issue.inventory.read import WantedCertificate
from dns01.hooks.issue.issue_run import IssueRun
from dns01.hooks.issue.order_state import OrderState, OrderStates
from dns01.hooks.issue.planning.limits import DAY, Budget, Event, Limit
from dns01.hooks.issue.planning.plan import make_plan
from dns01.hooks.issue.section import CaSection
from dns01.hooks.notify.section import Receivers
from dns01.hooks.notify.send import Message
from dns01.hooks.notify.state_changes import SubjectState, tell
from dns01.hooks.state.audit.trail import Trail
from dns01.hooks.state.audit.verify import verify
from dns01.hooks.state.journal import Entry, Journal
from dns01.hooks.state.liveness import is_due

NOW = 1_800_000_000.0
LATER = NOW + 3 * DAY
WRONG = {
    "1970": 60.0,
    "an hour back": NOW - 3600,
    "a day ahead": NOW + DAY,
    "the end of 32 bits": 2.0**31 + 60,
    "the end of 32 bits without a sign": 2.0**32 + 60,
}
wrong = pytest.mark.parametrize("then", WRONG.values(), ids=WRONG)
ELSEWHERE = ClientProcess("dehydrated", 4711, 1, "another host 1")  # whose life cannot be judged


def entry(client: ClientProcess | None) -> Entry:
    name = "_acme-challenge.example.org"
    return Entry("example.org", "t", name, name, "value", 60, "a", "memory", "example.org", "1", client)


@wrong
@pytest.mark.parametrize("client", [None, ELSEWHERE], ids=["no client", "a client elsewhere"])
def test_a_record_is_taken_back(tmp_path: Path, then: float, client: ClientProcess | None) -> None:
    (opened,) = Journal(str(tmp_path), clock=lambda: then).open([entry(client)])

    assert Journal(str(tmp_path), clock=lambda: LATER).orphans() == [opened]


@wrong
def test_a_record_whose_client_lives_is_left_to_it(tmp_path: Path, then: float) -> None:
    Journal(str(tmp_path), clock=lambda: then).open([entry(this_process("dehydrated"))])

    assert Journal(str(tmp_path), clock=lambda: LATER).orphans() == []


@wrong
def test_a_delivery_that_has_failed_is_tried_again(then: float) -> None:
    assert is_due(None, then, LATER)


@wrong
def test_a_certificate_that_has_failed_is_ordered_again(then: float) -> None:
    wanted = WantedCertificate("www", ("www.example.org",))
    kept = {"www": OrderState("www", failures=9, next_try=then + DAY, error="the CA refuses")}

    (planned,) = make_plan([wanted], {}, kept, {}, CaSection("https://ca.example/"), Budget((), ()), LATER)

    assert planned.verdict == "order"


@wrong
def test_what_the_ca_has_counted_is_not_counted_for_ever(tmp_path: Path, then: float) -> None:
    states = OrderStates(str(tmp_path))
    states.count("account", Event("order", then, ("www.example.org",)))

    budget = Budget(
        [Limit("one a week", "order", "account", 1, 7 * DAY)], states.events("account", NOW + 9 * DAY)
    )

    assert budget.fit(("www.example.org",), NOW + 9 * DAY).at == NOW + 9 * DAY


def test_a_ca_is_believed_a_pause_of_a_week() -> None:
    refusal = "too many certificates already issued, retry after 2106-02-07 06:28:16 UTC"

    assert pause_in(refusal, NOW) == 7 * DAY


def configured(folder: Path, text: str) -> dict[str, str]:
    """The variables of a call with that configuration."""
    config = folder / "config.toml"
    config.touch(0o600)
    config.write_text(text)
    return {"DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(folder / "state")}


@wrong
def test_a_receiver_that_has_failed_is_told_again(tmp_path: Path, then: float) -> None:
    environ = configured(tmp_path, '[notify]\ncommand = ["true"]\n')
    told: list[str] = []

    def refuse(to: Receivers, messages: dict[str, Message], _: object) -> dict[str, str]:
        return dict.fromkeys(messages, "it is away")

    def take(to: Receivers, messages: dict[str, Message], _: object) -> dict[str, str]:
        told.extend(messages)
        return {}

    ill = SubjectState("a thing", "the thing", "failed", "it broke", "do")
    tell([ill], environ, lambda: then, refuse)  # type: ignore[arg-type]
    tell([ill], environ, lambda: LATER, take)  # type: ignore[arg-type]

    assert told


@wrong
def test_the_audit_trail_goes_on_and_rotates(tmp_path: Path, then: float) -> None:
    environ = configured(tmp_path, "[audit]\nsize = 1\n")
    path = tmp_path / "state" / "audit.jsonl"
    times = itertools.cycle([NOW, then, LATER, then])
    trail = Trail(str(path), environ, clock=lambda: next(times), warn=pytest.fail)

    for number in range(30):
        trail.write({"phase": "publish", "names": [f"{number}.{'a' * 90_000}"]})

    found = verify(str(path))
    assert found.tampered == []
    assert len(found.links) == 30
    assert len(found.files) > 1


JUMPS: dict[str, Callable[[float, int], float]] = {
    "a day ahead at each look": lambda now, look: now + look * DAY,
    "an hour back at each look": lambda now, look: now - look * 3600,
    "to and fro": lambda now, look: now + (-1) ** look * DAY,
    "to 2106": lambda now, look: now if look < 4 else 2.0**32 + 60,
    "to 1970": lambda now, look: now if look < 4 else 60.0 + look,
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_certificate_is_issued_while_the_clock_jumps(
    tmp_path: Path, jump: Callable[[float, int], float]
) -> None:
    with Office(tmp_path, front=False) as office:
        office.want("www", "www.example.org")
        office.run("issue", "--dry-run")
        looks = itertools.count()

        report = IssueRun(office.environ, clock=lambda: jump(NOW, next(looks))).issue()

        assert [each.error for each in report.issuances] == [None]
        assert office.names_of("www") == {"www.example.org"}
        assert office.texts("www.example.org") == set()


@wrong
def test_a_certificate_is_brought_although_the_last_was_by_a_clock_ahead(tmp_path: Path, then: float) -> None:
    """And what said so was killed before it could write it down: its file is newer than all that was."""
    with Machine(tmp_path) as machine:
        client = machine.client()
        assert deploy_cert(client, machine.issue("a.example")).code == 0
        assert client("exit_hook").code == 0
        for file in machine.state.glob("deployed/*.json"):
            os.utime(file, (then, then))
        renewed = machine.issue("a.example")
        os.utime(renewed.cert)

        assert client("unchanged_cert", "a.example", *renewed[1:5]).code == 0
        assert client("exit_hook").code == 0

        assert machine.installed("a.example") == content(renewed)
