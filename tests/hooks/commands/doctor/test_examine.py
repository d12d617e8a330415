"""All checks side by side: in time whatever they meet, and none of them ends the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from examined import examine
from testbed import World

from dns01.errors import HookError
from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.examine import Diagnosis, diagnose
from dns01.hooks.commands.doctor.finding import Check, Examined, Finding, Severity
from dns01.hooks.commands.doctor.report import show, verdict
from dns01.hooks.dns.inspect.response_rate import BURST

NOTE = Finding("some-note", Severity.NOTE, "example.org", "worth knowing")
ERROR = Finding("some-error", Severity.ERROR, "example.org", "an order fails", ("mend it",))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", {"ns1.example.org": "127.1.0.1"})
        yield world


def diagnosed(world: World, checks: Mapping[str, Check], deadline: float = 60) -> Diagnosis:
    return diagnose(examine(world, "example.org"), checks, deadline)


def notes(examined: Examined) -> Iterator[Finding]:
    yield NOTE


def fails(examined: Examined) -> Iterator[Finding]:
    yield ERROR


def test_findings_stand_in_the_order_of_the_checks(world: World) -> None:
    found = diagnosed(world, {"one": notes, "two": fails, "three": notes}).findings
    assert [(check, *findings) for check, findings in found.items() if findings] == [
        ("one", NOTE),
        ("two", ERROR),
        ("three", NOTE),
    ]


def test_the_worst_finding_decides(world: World) -> None:
    assert diagnosed(world, {}).worst == Severity.NOTE
    assert diagnosed(world, {"one": notes}).worst == Severity.NOTE
    assert diagnosed(world, {"one": fails, "two": notes}).worst == Severity.ERROR


def test_a_check_that_reads_files_alone_gets_more_time_of_a_busy_machine(world: World) -> None:
    begun = threading.Event()

    def reads_slowly(examined: Examined) -> Iterator[Finding]:
        assert begun.wait(60)  # until long after the deadline
        yield ERROR

    threading.Timer(0.5, begun.set).start()
    found = diagnosed(world, {"one": notes, "client": reads_slowly}, deadline=0.01)
    assert [each.code for each in found.ordered] == ["some-error", "some-note"]


def test_a_check_that_reads_files_alone_is_not_said_to_wait_for_an_answer(world: World) -> None:
    released = threading.Event()

    def hangs(examined: Examined) -> Iterator[Finding]:
        released.wait(60)
        yield NOTE

    (unfinished,) = diagnosed(world, {"client": hangs}, deadline=0.01).ordered
    released.set()
    assert "the machine is too busy (client)" in unfinished.message
    assert "its load is" in unfinished.remedy[0]


def test_a_check_that_does_not_end_in_time_is_itself_a_finding(world: World) -> None:
    released = threading.Event()

    def hangs(examined: Examined) -> Iterator[Finding]:
        yield NOTE
        released.wait(60)

    try:
        found = diagnosed(world, {"hangs": hangs, "fails": fails}, 0.2).findings
    finally:
        released.set()

    (unfinished,) = found["unfinished"]
    assert found["hangs"] == (NOTE,)
    assert (unfinished.code, unfinished.severity) == ("check-unfinished", Severity.NOTE)  # the error is why
    assert unfinished.message.endswith("(hangs)")
    assert found["fails"] == (ERROR,)


def test_while_the_caa_check_has_no_end_an_order_is_not_said_to_go_through(world: World) -> None:
    released = threading.Event()

    def hangs(examined: Examined) -> Iterator[Finding]:
        released.wait(60)
        yield NOTE

    def warns(examined: Examined) -> Iterator[Finding]:
        yield ERROR._replace(code="a-warning", severity=Severity.WARNING)

    try:
        found = diagnosed(world, {"caa": hangs, "warns": warns}, 0.2)
    finally:
        released.set()

    assert found.findings["unfinished"][0].severity == Severity.WARNING  # which that of another check is not
    assert verdict([found]) == "whether an order would go through is not known: a-warning, check-unfinished"


ANOTHER_WARNING = Finding("stale-txt", Severity.WARNING, "example.org", "something else")
OF_AN_ACCOUNT = Finding("caa-account", Severity.WARNING, "example.org", "which one orders is not known here")
OF_A_CA = Finding("caa-unknown-ca", Severity.NOTE, "example.org", "the CAA records let pki.goog issue")
UNKNOWN = "whether an order would go through is not known: "


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([OF_AN_ACCOUNT], f"{UNKNOWN}caa-account"),
        ([OF_AN_ACCOUNT, ANOTHER_WARNING], f"{UNKNOWN}caa-account, stale-txt"),
        ([OF_A_CA], f"{UNKNOWN}caa-unknown-ca"),
        ([OF_A_CA, ANOTHER_WARNING], f"{UNKNOWN}stale-txt, caa-unknown-ca"),
        ([OF_AN_ACCOUNT._replace(severity=Severity.ERROR)], "an order would fail: caa-account"),
        ([OF_AN_ACCOUNT, ERROR], f"an order would fail: {ERROR.code}"),
        ([ANOTHER_WARNING], "an order would go through, as things are: stale-txt"),
        ([NOTE], "ready to order"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_only_the_ca_or_the_client_could_tell_is_not_said_to_go_through(
    world: World, findings: list[Finding], line: str
) -> None:
    assert verdict([diagnosed(world, {"caa": lambda examined: iter(findings)})]) == line


def test_of_several_domains_the_last_line_names_those_of_which_it_is_not_known(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    doubtful = diagnosed(world, {"caa": lambda examined: iter([OF_AN_ACCOUNT])})

    show([doubtful, diagnosed(world, {})._replace(domain="www.example.org")])

    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2 domains: none would fail, as far as is known; of example.org it is not"


def test_an_error_of_a_check_is_a_finding_with_its_hint(world: World) -> None:
    def raises(examined: Examined) -> Iterator[Finding]:
        yield NOTE
        raise HookError("it went wrong", "do this")

    found = diagnosed(world, {"raises": raises, "fails": fails}).findings

    assert found["raises"][0] == NOTE
    assert found["raises"][1][:4] == ("check-failed", Severity.WARNING, "raises", "it went wrong")
    assert found["raises"][1].remedy == ("do this",)
    assert found["fails"] == (ERROR,)


def test_a_fault_of_a_check_is_a_finding_too(world: World) -> None:
    def breaks(examined: Examined) -> Iterator[Finding]:
        yield NOTE
        raise ZeroDivisionError("by zero")

    (_, fault) = diagnosed(world, {"breaks": breaks}).findings["breaks"]

    assert (fault.code, fault.severity) == ("check-failed", Severity.WARNING)
    assert fault.message == "a fault of dns01's own: ZeroDivisionError: by zero"


def test_the_way_is_drawn_as_far_as_it_goes(world: World) -> None:
    zone = world.zones["example.org"]
    zone.set("_acme-challenge.example.org", "CNAME", "a.example.org.")
    zone.set("a.example.org", "CNAME", "b.example.org.")
    zone.set("b.example.org", "CNAME", "a.example.org.")

    delegation = diagnosed(world, {}).delegation

    assert delegation.chain[1:] == ("a.example.org", "b.example.org", "a.example.org")
    assert delegation.zone == ""


def test_an_embedded_server_that_cannot_start_is_an_error(world: World) -> None:
    account = {"DNS01_PROVIDER": "standalone", "STANDALONE_ADDRESS": "127.1.0.1"}
    examined = examine(world, "example.org", **account)

    (finding,) = diagnose(examined, {}).findings["scope"]

    assert (finding.code, finding.severity) == ("server-does-not-start", Severity.ERROR)
    assert "127.1.0.1" in finding.message


def test_sixteen_domains_of_a_zone_cost_its_servers_one_look() -> None:
    hosts = {f"ns{number}.example.org": f"127.1.1.{number}" for number in range(1, 14)}
    with World() as world:
        world.zone("example.org", hosts)
        one = examine(world, "example.org", DNS01_CA="letsencrypt")
        names = [f"host{number}.example.org" for number in range(16)]
        domains = [one._replace(domain=name, name=f"_acme-challenge.{name}") for name in names]
        with ThreadPoolExecutor(16) as pool:
            found = [each.ordered for each in pool.map(lambda domain: diagnose(domain, CHECKS, 300), domains)]
        asked = Counter(
            (question.name, question.type, question.over)
            for address in hosts.values()
            for question in world.servers[address].questions
        )

    assert found == [[]] * 16
    assert asked["example.org", "SOA", "tcp"] == asked["example.org", "DNSKEY", "udp"] == 13
    assert all(asked[f"_acme-challenge.{name}", "TXT", "udp"] == 13 for name in names)
    assert all(asked[name, "CAA", "udp"] <= 15 for name in names)
    # The rest is what leads there, and a resolver's view of the zone: nothing that grows with the names.
    # On a busy machine each server is asked up to six times more, to tell the slow ones.
    assert asked["example.org", "SOA", "udp"] + asked["example.org", "NS", "udp"] < (4 + BURST + 6) * 13
    assert asked["example.org", "A", "udp"] < 13
