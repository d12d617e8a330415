"""What the doctor says of this machine's own view of the DNS: each fault planted, and none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examined import IMPATIENT, codes, examine, https_open
from testbed import Doh, NameServer, Unbound, World, own
from testbed.client import ask
from testbed.firewall import diverting, swallowing
from testbed.world import HostedZone

from dns01.hooks.commands.doctor.checks import placement
from dns01.hooks.commands.doctor.checks.resolvers import check
from dns01.hooks.commands.doctor.finding import Examined, Finding, Severity
from dns01.hooks.dns.timing import Timing

NAME = "_acme-challenge.example.org"
INSIDE = "127.0.0.63"
BOTH = {"ns1.example.org": "127.1.0.1", "ns2.example.org": "127.1.0.2"}
NOBODY = "https://127.0.0.58/dns-query"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def zone(world: World) -> HostedZone:
    return world.zone("example.org", BOTH, "@ A 192.0.2.1\nwww A 192.0.2.1")


@pytest.fixture
def doh(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doh]:
    with https_open(world, tmp_path, monkeypatch) as doh:
        yield doh


def inside(world: World, view: str) -> Unbound:
    """The resolver of this machine, with records of its own."""
    return Unbound(INSIDE, root_hints=world.root_hints, extra_options=view)


def on_this_machine(
    world: World, root: Path, resolver: str = INSIDE, *, timing: Timing = IMPATIENT, **environ: str
) -> Examined:
    """With that resolver in its resolv.conf."""
    (root / "etc").mkdir()
    (root / "etc" / "resolv.conf").write_text(f"nameserver {resolver}\n")
    return examine(world, "example.org", timing=timing, **environ)._replace(root=str(root))


def the_finding(examined: Examined) -> Finding:
    """The one that there has to be."""
    (finding,) = check(examined)
    return finding


def test_a_resolver_that_has_the_worlds_view_is_no_finding_and_hears_of_no_name_but_the_apex(
    world: World, tmp_path: Path
) -> None:
    with inside(world, "") as resolver:
        assert codes(check(on_this_machine(world, tmp_path))) == []
        assert {(asked.name, asked.type) for asked in resolver.questions} == {
            ("example.org", type) for type in ("NS", "SOA", "A")
        }


def test_a_machine_without_a_resolver_is_no_finding(world: World, tmp_path: Path) -> None:
    assert codes(check(examine(world, "example.org")._replace(root=str(tmp_path)))) == []


@pytest.mark.parametrize("line", ["nameserver localhost", "nameserver", "nameserver \xff", "options edns0"])
def test_a_line_that_names_no_address_is_no_resolver(world: World, tmp_path: Path, line: str) -> None:
    examined = on_this_machine(world, tmp_path)
    with inside(world, 'local-zone: "example.org." static'):
        (tmp_path / "etc" / "resolv.conf").write_text(line, encoding="latin-1")
        assert codes(check(examined)) == []
        (tmp_path / "etc" / "resolv.conf").write_text(f"{line}\nnameserver {INSIDE}", encoding="latin-1")
        assert codes(check(examined)) == ["split-horizon"]


def test_a_resolver_that_does_not_answer_is_no_split_horizon(world: World, tmp_path: Path) -> None:
    with NameServer(INSIDE) as resolver:
        resolver.silent = True
        assert codes(check(on_this_machine(world, tmp_path, timing=IMPATIENT._replace(view=0.3)))) == []


@pytest.mark.parametrize(
    ("view", "words"),
    [
        pytest.param(
            'local-zone: "example.org." static',
            f"{INSIDE} knows of no zone example.org, and the world does",
            id="nothing",
        ),
        pytest.param(
            'local-zone: "example.org." static\n'
            'local-data: "example.org. SOA ad.example.org. root.example.org. 1 1 1 1 1"\n'
            'local-data: "example.org. NS ad.example.org."',
            f"{INSIDE} has ad.example.org for the name servers of example.org, "
            "the world ns1.example.org, ns2.example.org",
            id="other servers",
        ),
        pytest.param(
            'local-zone: "example.org." transparent\n'
            'local-data: "example.org. SOA ad.example.org. root.example.org. 1 1 1 1 1"',
            f"{INSIDE} has ad.example.org for the primary of example.org, the world ns1.example.org",
            id="another primary",
        ),
        pytest.param(
            'local-zone: "example.org." typetransparent\nlocal-data: "example.org. A 10.0.0.1"',
            f"{INSIDE} has 10.0.0.1 for the address of example.org, the world 192.0.2.1",
            id="an inner address",
        ),
    ],
)
def test_a_split_horizon_is_found_by_what_stands_at_the_apex(
    world: World, tmp_path: Path, view: str, words: str
) -> None:
    with inside(world, view):
        finding = the_finding(on_this_machine(world, tmp_path))

    assert (finding.code, finding.severity, finding.subject) == ("split-horizon", Severity.NOTE, INSIDE)
    assert finding.message == f"split horizon: {words}"


def test_a_split_horizon_of_a_resolver_that_orders_ask_is_worse(world: World, tmp_path: Path) -> None:
    with inside(world, 'local-zone: "example.org." static'):
        finding = the_finding(on_this_machine(world, tmp_path, DNS01_RESOLVERS=f"127.0.0.53,{INSIDE}"))

    assert (finding.code, finding.severity) == ("split-horizon", Severity.WARNING)
    assert finding.remedy[0] == (
        f"take {INSIDE} out of DNS01_RESOLVERS (`resolvers`): a CA has the world's view"
    )


def test_a_zone_whose_servers_are_named_in_the_configuration_may_have_views(
    world: World, tmp_path: Path
) -> None:
    with inside(world, 'local-zone: "example.org." static'):
        assert codes(check(on_this_machine(world, tmp_path, DNS01_NAMESERVERS="127.1.0.1"))) == []


def test_port_53_blocked_with_https_open_is_a_warning(world: World, doh: Doh) -> None:
    examined = examine(world, "example.org", timing=IMPATIENT, DNS01_DOH=doh.url)
    with swallowing():
        finding = the_finding(examined)

    assert (finding.code, finding.severity) == ("port-53-blocked", Severity.WARNING)
    assert "nothing answers" in finding.message
    assert finding.remedy[-1] == f"until then orders go through, degraded, by {doh.url}"
    assert set(doh.questions) == {"."}


def test_port_53_blocked_and_https_as_well_is_an_error(world: World) -> None:
    examined = examine(world, "example.org", timing=IMPATIENT, DNS01_DOH=NOBODY)
    with swallowing():
        finding = the_finding(examined)

    assert (finding.code, finding.severity) == ("port-53-blocked", Severity.ERROR)
    assert finding.remedy[-1] == (
        f"or let HTTPS to {NOBODY} out (HTTPS_PROXY): then orders go through, degraded"
    )


@pytest.mark.parametrize(
    ("root", "account"),
    [("198.41.0.4", "127.9.9.9"), ("127.9.9.8", "127.1.0.1")],
    ids=["the root answers", "the account's server answers"],
)
def test_a_resolver_that_is_dead_while_others_answer_is_no_blocked_port(
    world: World, root: str, account: str
) -> None:
    own(root)
    with NameServer(root, zones=[world.zones["."]]):
        finding = the_finding(
            examine(
                world,
                "example.org",
                timing=IMPATIENT,
                DNS01_RESOLVERS="127.0.0.52",
                DNS01_PROVIDER="rfc2136",
                RFC2136_NAMESERVER=account,
            )
        )

    assert (finding.code, finding.severity) == ("resolver-dead", Severity.ERROR)
    assert finding.message == "the configured resolver 127.0.0.52 is of no use: connection refused"
    assert "DNS01_RESOLVERS" in finding.remedy[0]


@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL"])
def test_resolvers_of_which_none_knows_the_root_are_named(world: World, rcode: str) -> None:
    resolvers = ("127.0.0.51", "127.0.0.52")
    with NameServer(resolvers[0]) as first, NameServer(resolvers[1]) as second:
        first.rcode = second.rcode = rcode
        examined = examine(world, "example.org", DNS01_RESOLVERS=",".join(resolvers))
        found = list(check(examined))

    assert [(each.code, each.severity) for each in found] == [("resolver-dead", Severity.ERROR)] * 2
    assert [each.message for each in found] == [
        f"the configured resolver {each} is of no use: {rcode}" for each in resolvers
    ]
    assert codes(placement.check(examined)) == []


def test_an_interceptor_of_port_53_is_found(world: World, doh: Doh) -> None:
    examined = examine(world, "example.org", timing=IMPATIENT, DNS01_DOH=doh.url)
    with NameServer("127.0.0.54", zones=[world.zones["."]]) as interceptor, diverting("127.0.0.54"):
        interceptor.intercepted = True
        finding = the_finding(examined)

    assert (finding.code, finding.severity) == ("port-53-intercepted", Severity.WARNING)
    assert finding.remedy[0] == (
        "have the redirection of port 53 taken out of the router or firewall (DNAT, `transparent` DNS)"
    )
    assert "(127.0.0." in finding.message


def test_resolvers_in_the_place_of_the_zones_servers_alone_are_the_delegations_finding(
    world: World, zone: HostedZone
) -> None:
    for server in zone.servers:
        server.intercepted = True
    assert codes(check(examine(world, "example.org", DNS01_DOH=NOBODY))) == []


def test_one_lame_server_is_no_interceptor(world: World, zone: HostedZone) -> None:
    zone.servers[0].intercepted = True
    assert codes(check(examine(world, "example.org"))) == []


def test_where_all_servers_are_silent_there_is_nothing_to_compare_with(
    world: World, zone: HostedZone, tmp_path: Path
) -> None:
    for server in zone.servers:
        server.silent = True
    with inside(world, 'local-zone: "example.org." static') as resolver:
        assert codes(check(on_this_machine(world, tmp_path))) == []
        assert resolver.questions == []


def test_all_resolvers_are_compared_with_one_look_at_the_world(
    world: World, zone: HostedZone, tmp_path: Path
) -> None:
    deaf = ",".join(f"127.0.0.{last}" for last in range(64, 69))
    codes(check(on_this_machine(world, tmp_path, DNS01_RESOLVERS=f"127.0.0.53,{deaf}")))

    assert sum(len(server.asked("example.org", "AAAA")) for server in zone.servers) == len(zone.servers)


def test_a_resolver_that_was_asked_still_says_yes_to_the_challenge_name(
    world: World, zone: HostedZone, tmp_path: Path
) -> None:
    with inside(world, "") as resolver:
        codes(check(on_this_machine(world, tmp_path)))
        zone.set(NAME, "TXT", "new")
        assert "new" in str(ask(NAME, "TXT", resolver.address))


def test_no_resolver_hears_of_a_challenge_zone(world: World, tmp_path: Path) -> None:
    world.zone(NAME, {"ns1.example.org": "127.1.0.1"})
    with inside(world, "") as resolver:
        assert codes(check(on_this_machine(world, tmp_path))) == []
        assert resolver.questions == []
