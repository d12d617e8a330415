"""``dns01 issue`` killed at any moment, run twice at once, and run again."""

from __future__ import annotations

import signal

import pytest
from calls import KEY, PRIMARY, SECONDARY
from issuing import Office, account_section
from preloaded import Process
from testbed import Bind
from testbed.acme_front import Asked

# Killed anywhere, run again


def _is_certificate(asked: Asked) -> bool:
    return "/certZ/" in asked.path


MOMENTS = {
    "newAccount": lambda asked: isinstance(asked.payload, dict) and "termsOfServiceAgreed" in asked.payload,
    "newOrder": lambda asked: asked.is_new_order,
    "authorization": lambda asked: "/authZ/" in asked.path,
    "challenge": lambda asked: asked.is_answer,
    "finalize": lambda asked: asked.is_finalize,
    "certificate": _is_certificate,
}


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_is_gone_on_with_by_the_next(office: Office, moment: str, side: str) -> None:
    """The CA has the request, or has answered it, and the run is no more."""
    office.want("one", "one.example.org", "*.one.example.org")
    office.want("two", "two.example.org")
    killed: list[int] = []

    def kill(asked: Asked) -> None:
        if MOMENTS[moment](asked) and not killed:
            killed.append(process.pid)
            process.kill()
            process.wait()

    setattr(office.front, side, kill)
    process = office.start()
    assert office.end(process).code == -signal.SIGKILL

    said = office.issue()

    assert said.code == 0
    assert office.names_of("one") == {"one.example.org", "*.one.example.org"}
    assert office.names_of("two") == {"two.example.org"}
    assert office.texts("one.example.org", "two.example.org") == set()
    assert not list(office.state.glob("open/*"))
    issued = {asked.path for asked in office.front.asked if asked.is_finalize}
    assert len(issued) == 2, "an order was finalised that came to nothing"
    assert len(list(office.state.glob("accounts/*"))) == 1


def test_a_run_that_is_asked_to_end_takes_its_records_back(office: Office) -> None:
    office.want("www.example.org")
    process: Process

    def stop(asked: Asked) -> None:
        if asked.is_answer:
            assert office.texts("www.example.org")
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    office.front.before = stop
    process = office.start()
    said = office.end(process)

    assert said.code == 128 + signal.SIGTERM
    assert office.texts("www.example.org") == set()
    assert not list(office.state.glob("open/*"))


def test_two_runs_at_once_do_not_get_into_each_other_s_way(office: Office) -> None:
    office.want("www.example.org")
    second: list[int] = []

    def again(asked: Asked) -> None:
        if asked.is_finalize and not second:
            second.append(office.issue().code)

    office.front.before = again

    assert office.issue().code == 0
    assert second == [4]
    assert len(office.front.orders) == 1


def test_a_zone_that_two_accounts_serve_has_every_value_at_both(office: Office) -> None:
    office.want("both", "www.example.org", "*.www.example.org")
    office.want("one", "mail.example.org")
    seen: list[set[str]] = []
    with Bind(SECONDARY, {"example.org": ""}, [KEY]) as second:
        office.more = account_section("second", SECONDARY, "") + (
            '[zone."www.example.org"]\naccount = ["bind", "second"]\n'
            f'nameservers = ["{PRIMARY}", "{SECONDARY}"]\n'
        )
        office.front.before = lambda asked: (
            seen.append(second.txt("_acme-challenge.www.example.org")) if asked.is_answer else None
        )

        said = office.issue()

        assert said.code == 0
        assert office.names_of("both") == {"www.example.org", "*.www.example.org"}
        assert office.names_of("one") == {"mail.example.org"}
        assert max(map(len, seen)) == 2
        assert second.txt("_acme-challenge.www.example.org") == set()
        assert second.txt("_acme-challenge.mail.example.org") == set()
    assert office.texts("www.example.org", "mail.example.org") == set()
    assert not list(office.state.glob("open/*"))
