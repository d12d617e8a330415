"""The faults that dns01 doctor has to find, and that each has a test which plants it.

Such a test names the finding's code and looks at its remedy; ``test_doctor_healthy`` has the
set-ups without any.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from checkout import ROOT
from examined import IMPATIENT, examine, https_open
from testbed import NameServer, World
from testbed.firewall import diverting, swallowing

from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.examine import diagnose
from dns01.hooks.commands.doctor.finding import Severity

TESTS = Path(__file__).parent / "checks"
SOURCES = ROOT / "hooks" / "commands" / "doctor" / "checks"
FAULTS = {
    "CAA forbids": "caa-forbids",
    "CAA allows the wildcard only, or forbids it": "caa-wildcard",
    "CAA SERVFAIL": "caa-servfail",
    "a CNAME loop": "cname-loop",
    "a CNAME to nowhere": "cname-dangling",
    "a CNAME to a zone of no account": "cname-foreign",
    "a wildcard CNAME": "wildcard-cname",
    "a delegated challenge zone whose server is down": "challenge-zone-down",
    "a lame name server": "lame-server",
    "a silent name server": "silent-server",
    "a dead AAAA": "dead-ipv6",
    "the parent's and the zone's NS differ": "ns-mismatch",
    "a name server that is a CNAME": "ns-cname",
    "a stale secondary": "stale-secondary",
    "bogus DNSSEC": "dnssec-bogus",
    "signatures about to expire": "signature-expiring",
    "a split horizon": "split-horizon",
    "port 53 intercepted": "port-53-intercepted",
    "a token without the zone": "token-lacks-zone",
    "the wrong zone of two": "wrong-zone",
    "a secret that everybody reads": "world-readable-secret",
    "a stale TXT record left over": "stale-txt",
    "a skewed clock, with TSIG": "clock-skew",
    "HOOK that is not executable": "hook-not-executable",
    "certbot's hooks without their phase": "certbot-hook-without-phase",
}


def checked() -> Iterator[ast.FunctionDef]:
    """The tests of all checks."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node


def strings(node: ast.AST) -> set[object]:
    """The constants in it."""
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}


def mends(test: ast.FunctionDef) -> bool:
    """Whether it looks at a remedy, or at the record that one is to add."""
    words = {getattr(each, "attr", getattr(each, "id", "")) for each in ast.walk(test)}
    return bool(words & {"remedy", "record_of"})


def registered() -> set[object]:
    """What the tables of set-ups name: there, each word to look for is beside its code."""
    paths = (TESTS.parent / "worlds").glob("test_*.py")
    return set().union(*(strings(ast.parse(path.read_text())) for path in paths))


@pytest.fixture(scope="module")
def named() -> set[object]:
    """The codes that tests look for, among all that they name."""
    return registered().union(*map(strings, checked()))


@pytest.fixture(scope="module")
def mended() -> set[object]:
    """The same of tests that look at the remedy."""
    return set().union(*(strings(test) for test in checked() if mends(test)))


CODES = {
    node.args[0].value
    for path in SOURCES.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
    if node.args and isinstance(node.args[0], ast.Constant)
    if path.stem != "diagnosis"  # what is the matter with a check itself
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_planted_by_a_test_which_looks_at_the_remedy(fault: str, mended: set[object]) -> None:
    assert FAULTS[fault] in mended


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_finding_has_a_test(code: str, named: set[object]) -> None:
    assert code in named


# One fault is one finding, however many checks meet it

NAME = "_acme-challenge.example.org"
NS = {"ns1.example.org": "127.1.0.1", "ns2.example.org": "127.1.0.2"}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", NS)
        yield world


def found(
    world: World, meanwhile: AbstractContextManager[object] | None = None, **environ: str
) -> dict[str, str]:
    """What all checks together find of example.org: codes, with their severities."""
    environ = {"DNS01_CA": "letsencrypt", "DNS01_DOH": "https://127.0.0.58/dns-query", **environ}
    examined = examine(world, "*.example.org", timing=IMPATIENT, **environ)._replace(root="/nowhere")
    with meanwhile or nullcontext():
        diagnosis = diagnose(examined, CHECKS)
    every = [finding for findings in diagnosis.findings.values() for finding in findings]
    assert len(every) == len({finding.code for finding in every})
    return {finding.code: Severity(finding.severity).name for finding in every}


def test_all_servers_silent(world: World) -> None:
    for server in world.zones["example.org"].servers:
        server.silent = True
    assert found(world) == {"zone-down": "ERROR"}


def test_all_servers_refuse(world: World) -> None:
    for server in world.zones["example.org"].servers:
        server.rcode = "REFUSED"
    assert found(world) == {"zone-down": "ERROR"}


def test_resolvers_stand_where_the_name_servers_should(world: World) -> None:
    for server in world.zones["example.org"].servers:
        server.intercepted = True
    assert found(world) == {"zone-down": "ERROR"}


@pytest.mark.parametrize(("readiness", "severity"), [("public", "WARNING"), ("authoritative", "ERROR")])
def test_all_servers_intercepted(world: World, readiness: str, severity: str) -> None:
    """A wait goes by resolvers then, but for one that is to believe nobody else than the servers."""
    for server in world.servers.values():
        server.intercepted = True
    assert found(world, DNS01_READINESS=readiness) == {"port-53-intercepted": severity}


def test_port_53_is_intercepted_where_the_zones_above_were_heard_by_another_family(world: World) -> None:
    """As where IPv4 alone is diverted: the way down is known, and the same address says otherwise now."""
    examined = examine(world, "example.org", timing=IMPATIENT, DNS01_DOH="https://127.0.0.58/dns-query")
    examined.discovery.cut("org")
    for server in world.servers.values():
        server.intercepted = True
    (finding,) = diagnose(examined._replace(root="/nowhere"), CHECKS).ordered
    assert finding.code == "port-53-intercepted"
    assert "answer like resolvers, and so do its own" in finding.message


def test_a_challenge_zone_that_is_down(world: World) -> None:
    world.delegate(NAME, {f"ns.{NAME}": "127.4.0.1"})
    assert found(world) == {"challenge-zone-down": "ERROR"}


def test_a_challenge_zone_behind_a_cname_that_is_down_and_in_no_account(world: World) -> None:
    world.delegate("challenges.net", {"ns.challenges.net": "127.4.0.1"})
    world.zones["example.org"].set(NAME, "CNAME", "example.challenges.net.")
    assert found(world) == {"challenge-zone-down": "ERROR"}


def test_a_cname_to_a_zone_of_no_account(world: World) -> None:
    world.zone("challenges.net", {"ns.challenges.net": "127.4.0.1"})
    world.zones["example.org"].set(NAME, "CNAME", "example.challenges.net.")
    assert found(world) == {"cname-foreign": "ERROR"}


def test_a_loop_of_cnames(world: World) -> None:
    world.zones["example.org"].set(NAME, "CNAME", f"{NAME}.")
    assert found(world) == {"cname-loop": "ERROR"}


def test_a_domain_that_nobody_has_registered(world: World) -> None:
    world.zones["org"].remove("example.org", "NS")
    assert found(world) == {"zone-missing": "ERROR"}


def test_a_firewall_around_port_53_and_https(world: World) -> None:
    assert found(world, swallowing()) == {"port-53-blocked": "ERROR"}


def test_orders_go_through_where_only_https_gets_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        https_open(world, tmp_path, monkeypatch) as doh,
        NameServer("127.0.0.54", zones=[world.zones["."]]) as interceptor,
    ):
        interceptor.intercepted = True
        assert found(world, swallowing(), DNS01_DOH=doh.url) == {"port-53-blocked": "WARNING"}
        diverted = found(world, diverting("127.0.0.54"), DNS01_DOH=doh.url)
        assert diverted == {"port-53-intercepted": "WARNING"}
