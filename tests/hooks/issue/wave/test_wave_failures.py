"""``dns01 issue`` where one certificate fails: the others do not."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calls import KEY, PRIMARY, SECONDARY, Said
from issuing import Office, account_section
from testbed import Bind, NameServer, Pebble, Zone
from testbed.acme_front import Asked, Refusal


@pytest.fixture
def limited(tmp_path: Path, ca: Pebble) -> Iterator[Office]:
    """Its key may update two names of example.org, and no others there."""
    office = Office(tmp_path, ca=ca)
    office.bind.granted = {"example.org": ("_acme-challenge.example.org", "_acme-challenge.www.example.org")}
    with office:
        yield office


def refused(said: Said, certificate: str) -> str:
    """The record for whose sake a certificate was not to be had."""
    (line,) = (line for line in said.stdout.splitlines() if line.startswith(f"{certificate}: failed: "))
    (name,) = set(re.findall(r"_acme-challenge\.[a-z.]*[a-z]", line))
    return str(name)


# One fails, the others do not


def test_a_name_that_the_ca_cannot_validate_costs_the_others_nothing(office: Office) -> None:
    """Its zone is written to a server that the CA does not ask."""
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="elsewhere", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]):
        office.more = account_section("elsewhere", SECONDARY, "example.com")

        said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: failed: the CA refuses: bad.example.com: " in said.stdout
    kept = office.order("bad")
    assert (kept["failures"], kept["order"], kept["key"]) == (1, "", "")
    assert kept["next_try"] > time.time() + 600

    said = office.issue()

    assert said.code == 10
    assert "bad: left alone until " in said.stdout
    assert len(office.front.orders) == 2


def test_a_provider_that_refuses_to_publish_costs_the_others_nothing(office: Office, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n[ $1 = cleanup ]\n")
    program.chmod(0o700)
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="broken", zone="example.com")
    office.more = (
        f'[account.broken]\nprovider = "exec"\npath = "{program}"\n'
        f'[zone."example.com"]\nnameservers = ["{PRIMARY}"]\n'
    )

    said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: failed: " in said.stdout
    assert not list(office.state.glob("open/*"))


def test_a_record_that_the_server_refuses_costs_the_others_of_its_batch_nothing(limited: Office) -> None:
    for name in ("example.org", "www.example.org", "mail.example.org", "ftp.example.org"):
        limited.want(name, name, f"*.{name}")
    limited.want("both", "example.org", "mail.example.org")

    said = limited.issue()

    assert said.code == 10
    assert limited.names_of("example.org") == {"example.org", "*.example.org"}
    assert limited.names_of("www.example.org") == {"www.example.org", "*.www.example.org"}
    assert refused(said, "mail.example.org") == "_acme-challenge.mail.example.org"
    assert refused(said, "ftp.example.org") == "_acme-challenge.ftp.example.org"
    assert refused(said, "both") == "_acme-challenge.mail.example.org"
    assert limited.texts("example.org", "www.example.org", "mail.example.org", "ftp.example.org") == set()
    assert not list(limited.state.glob("open/*"))


def test_where_every_record_is_refused_each_certificate_says_so_of_its_own(limited: Office) -> None:
    limited.want("ftp.example.org")
    limited.want("mail.example.org")

    said = limited.issue()

    assert said.code == 10
    assert refused(said, "ftp.example.org") == "_acme-challenge.ftp.example.org"
    assert refused(said, "mail.example.org") == "_acme-challenge.mail.example.org"


def test_force_tries_at_once_what_has_been_mended(office: Office) -> None:
    office.want("www.example.org")
    office.front.refuse = lambda asked: Refusal(500, "serverInternal", "down") if asked.is_new_order else None
    assert office.issue().code == 10
    office.front.refuse = lambda asked: None

    assert office.issue().code == 10
    assert office.issue("www.example.org", "--force").code == 0


def test_force_does_not_override_what_the_ca_has_said(office: Office) -> None:
    office.want("www.example.org")
    office.front.refuse = lambda asked: (
        Refusal(429, "rateLimited", "too many new orders", retry_after="7200") if asked.is_new_order else None
    )
    office.issue()
    asked = len(office.front.new_orders())

    said = office.issue("www.example.org", "--force")

    assert said.code == 10
    assert ": the CA takes no more: " in said.stdout
    assert len(office.front.new_orders()) == asked


@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_folder_where_a_certificate_is_to_be_is_seen_before_anything_is_ordered(
    office: Office, make: Callable[[Path], None]
) -> None:
    office.want("www.example.org")
    office.want("mail.example.org")
    office.certificate("www.example.org").parent.mkdir(parents=True, mode=0o700)
    make(office.certificate("www.example.org"))

    said = office.issue()

    assert said.code == 10
    assert f"www.example.org: set aside: {office.certificate('www.example.org')} is no folder" in said.stdout
    assert "(move it away: mv " in said.stdout
    assert office.names_of("mail.example.org") == {"mail.example.org"}
    assert len(office.front.orders) == 1


def test_a_name_that_is_never_ready_costs_the_others_nothing(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("late", "late.example.com", account="lagging", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]), NameServer("127.1.0.3", zones=[Zone("example.com")]):
        office.more = account_section("lagging", SECONDARY, "example.com", asks="127.1.0.3") + "timeout = 3\n"

        said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "late: failed: after " in said.stdout
    assert "_acme-challenge.late.example.com" in said.stdout
    assert office.order("late")["order"], "the order is still good"
    assert not list(office.state.glob("open/*"))


def test_the_records_of_a_certificate_that_has_failed_are_not_waited_for(limited: Office) -> None:
    """Of its two names, one may not be published, and the other would never be ready."""
    limited.want("half", "mail.example.org", "late.example.com")
    empty = NameServer("127.1.0.3", zones=[Zone("example.com")])
    with Bind(SECONDARY, {"example.com": ""}, [KEY]), empty:
        limited.more = account_section("lagging", SECONDARY, "example.com", asks="127.1.0.3")

        said = limited.issue()

    assert said.code == 10
    assert refused(said, "half") == "_acme-challenge.mail.example.org"
    assert empty.asked("_acme-challenge.late.example.com", "TXT") == []
    assert not list(limited.state.glob("open/*"))


def test_a_certificate_whose_zone_nobody_has_is_set_aside_before_anything_is_ordered(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com")

    said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: set aside: " in said.stdout
    assert len(office.front.orders) == 1


def test_when_the_ca_allows_no_more_orders_those_in_flight_go_on_and_the_rest_waits(office: Office) -> None:
    for number in range(4):
        office.want(f"c{number}", f"c{number}.example.org")
    office.front.refuse = lambda asked: (
        Refusal(429, "rateLimited", "too many new orders", retry_after="7200")
        if asked.is_new_order and len(office.front.new_orders()) > 2
        else None
    )

    said = office.issue()

    assert said.code == 10
    issued = [each["name"] for each in office.trail()[-1]["certificates"] if each["stage"] == "issued"]
    assert len(issued) == 2
    assert said.stdout.count(": deferred: ") == 2

    asked = len(office.front.new_orders())
    office.front.refuse = lambda asked: None
    said = office.issue()

    assert said.stdout.count(": left alone until ") == 2
    assert len(office.front.new_orders()) == asked


def test_a_ca_that_limits_all_requests_is_obeyed_and_the_order_goes_on(office: Office) -> None:
    """As ZeroSSL does, with a few names in one certificate."""
    office.want("many", *(f"n{number}.example.org" for number in range(4)))
    refused: list[str] = []

    def refuse(asked: Asked) -> Refusal | None:
        """Every kind of request about an order that is open, once."""
        kind = asked.path.split("/")[1]
        if asked.method != "POST" or kind in refused or asked.is_new_order or "me-up" in kind:
            return None
        refused.append(kind)
        return Refusal(429, "rateLimited", retry_after="1")

    office.front.refuse = refuse

    assert office.issue().code == 0
    assert set(refused) == {"authZ", "chalZ", "my-order", "finalize-order", "certZ"}
    assert len(office.front.orders) == 1


def test_an_answer_that_is_lost_on_the_way_is_no_failure(office: Office) -> None:
    """The CA is at the challenge by then, and refuses to hear of it once more."""
    office.want("www.example.org")
    lost: list[str] = []

    def lose(asked: Asked) -> None:
        if asked.is_answer and not lost:
            lost.append(asked.path)
            raise ConnectionAbortedError("lost by the test")

    office.front.after = lose

    assert office.issue().code == 0
    assert lost
    assert len(office.front.orders) == 1


def test_nonces_that_the_ca_refuses_are_no_failure(tmp_path: Path) -> None:
    with Office(tmp_path, environment={"PEBBLE_WFE_NONCEREJECT": "25"}) as office:
        office.want("www.example.org")
        office.want("www.example.net")

        assert office.issue().code == 0


def test_an_authorization_that_the_ca_holds_already_needs_no_record(tmp_path: Path) -> None:
    with Office(tmp_path, environment={"PEBBLE_AUTHZREUSE": "100"}) as office:
        office.want("www.example.org")
        office.issue()
        published = len(office.trail()[-1]["published"])

        said = office.issue("www.example.org", "--force")

        assert (said.code, published) == (0, 1)
        assert office.trail()[-1]["published"] == []
        assert not [asked for asked in office.front.asked[-8:] if asked.is_answer]
