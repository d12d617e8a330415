"""Port 53 blocked or intercepted, and resolvers with a view of their own: whole calls.

The numbers are those of the readiness cases. The memory provider of this process feeds the name
servers of example.org; behind a wall, only a DoH endpoint has the world's view of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import pytest
import trustme
from contract import validation
from testbed import TIME_LIMIT, Doh, NameServer, Unbound, World, Zone
from testbed.doh import trust
from testbed.firewall import WORLD, diverting, swallowing
from testbed.sockets import Transport

from dns01 import Challenge
from dns01.errors import DelegationError, NotReady
from dns01.hooks.clients.process import this_process
from dns01.hooks.config.load import load_settings
from dns01.hooks.dns.timing import Timing
from dns01.hooks.phases.run import published_in
from dns01.hooks.phases.session import Session
from dns01.providers.memory import RECORDS

DOMAIN = "example.org"
NAME = f"_acme-challenge.{DOMAIN}"
A = validation("a")
ONE, TWO = "127.1.0.1", "127.1.0.2"
BOTH = {"ns1.example.org": ONE, "ns2.example.org": TWO}
INTERCEPTOR = "127.0.0.54"
IMPATIENT = Timing(datagram=0.7, stream=0.7, zone_query=6, degraded_after=2.5)


class Fed(NameServer):
    """A name server of example.org that has what the memory provider has."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        zone = self.zone("example.org")
        zone.set(NAME, "TXT")
        for record in list(RECORDS.get("example.org", {}).values()):
            zone.set(record.name, "TXT", record.value)
        return super().answer(query, over)


class Interceptor(NameServer):
    """Answers in everybody's place, with what its resolver says."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        asked = dns.message.make_query(query.question[0].name, query.question[0].rdtype)
        reply = dns.query.udp(asked, "127.0.0.61", port=5353, timeout=TIME_LIMIT, source=WORLD)
        reply.id, reply.flags = query.id, (reply.flags & ~dns.flags.RD) | (query.flags & dns.flags.RD)
        return reply


@pytest.fixture
def world() -> Iterator[World]:
    zone = Zone("example.org", "", BOTH)
    with World() as world, Fed(ONE, zones=[zone]), Fed(TWO, zones=[zone]):
        world.delegate("example.org", BOTH)
        yield world


@pytest.fixture
def behind(world: World) -> Iterator[Unbound]:
    """A resolver on the world's side of every wall."""
    way_out = f"outgoing-interface: {WORLD}"
    with Unbound("127.0.0.61", 5353, root_hints=world.root_hints, extra_options=way_out) as resolver:
        yield resolver


@pytest.fixture
def doh(behind: Unbound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doh]:
    ca = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust(ca, tmp_path / "ca.pem"))
    with Doh("127.0.0.55", behind.address, ca, port=behind.port) as doh:
        yield doh


def publish(
    state: Path,
    doh: str,
    resolver: str = "127.0.0.53",
    domains: Sequence[str] = (DOMAIN,),
    *,
    timing: Timing = IMPATIENT,
    **environ: str,
) -> None:
    """One order."""
    configuration = {
        "DNS01_PROVIDER": "memory",
        "DNS01_MEMORY_ZONES": "example.org",
        "DNS01_RESOLVERS": resolver,
        "DNS01_DOH": doh,
        "DNS01_PATIENCE": "0.3",
        "DNS01_TIMEOUT": "60",
        "DNS01_STATE_DIR": str(state),
        **environ,
    }
    settings = replace(load_settings(configuration), timing=timing)
    session = Session(this_process(), configuration, settings)
    with published_in(session, [Challenge(domain, "", A) for domain in domains]):
        assert {record.value for record in RECORDS["example.org"].values()} == {A}


def outcomes(state: Path) -> list[str]:
    return [json.loads(line)["outcome"] for line in (state / "audit.jsonl").read_text().splitlines()]


def test_20_when_all_servers_of_the_zone_are_behind_a_firewall_resolvers_decide_and_that_is_degraded(
    world: World, doh: Doh, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with swallowing(f"{ONE}, {TWO}"):
        publish(state_dir, doh.url, world.resolver.address)

    said = capsys.readouterr().err
    assert f"! left out of account: ns1.example.org ({ONE}: timed out)" in said
    assert f"! degraded: too few name servers can be asked for {NAME}" in said
    assert f"+ ready, degraded: {doh.url} saw it" in said
    assert doh.questions == [NAME]
    assert outcomes(state_dir) == ["degraded", "ok"]


def test_20_nobody_is_asked_before_a_record_has_had_its_time(world: World, doh: Doh, state_dir: Path) -> None:
    began = time.monotonic()
    with swallowing(f"{ONE}, {TWO}"):
        publish(state_dir, doh.url, world.resolver.address, timing=IMPATIENT._replace(degraded_after=4))
    assert time.monotonic() - began > 4


def test_20_with_port_53_blocked_altogether_the_zone_is_the_accounts_and_https_decides(
    world: World, doh: Doh, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with swallowing():
        publish(state_dir, doh.url)

    said = capsys.readouterr().err
    assert "no name server can be asked from here: on port 53, nothing answers" in said
    assert "the zone is the account's, and a CNAME would not be noticed" in said
    assert doh.questions == [NAME]
    assert outcomes(state_dir)[0] == "degraded"


def test_20_where_nothing_but_the_own_resolver_can_be_asked_it_decides(
    world: World, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    way_out = f"outgoing-interface: {WORLD}"
    with (
        Unbound("127.0.0.62", root_hints=world.root_hints, extra_options=way_out) as resolver,
        swallowing("127.0.0.0-127.0.0.50, 127.1.0.0/16"),
    ):
        publish(state_dir, "", resolver.address)

    assert f" degraded: {resolver.address} " in capsys.readouterr().err
    assert outcomes(state_dir)[0] == "degraded"


def test_20_without_any_way_out_nothing_is_published(world: World, state_dir: Path) -> None:
    with swallowing(), pytest.raises(DelegationError, match="nothing answers") as caught:
        publish(state_dir, "")
    assert "open port 53" in caught.value.hint


def test_20_who_believes_name_servers_alone_is_told_that_they_did_not_answer(
    world: World, doh: Doh, state_dir: Path
) -> None:
    with swallowing(f"{ONE}, {TWO}"), pytest.raises(NotReady, match=NAME):
        publish(
            state_dir, doh.url, world.resolver.address, DNS01_READINESS="authoritative", DNS01_TIMEOUT="1"
        )
    assert doh.questions == []
    assert outcomes(state_dir) == ["failed"]


def test_21_an_interceptor_of_port_53_is_found_out_and_named_and_is_not_believed(
    world: World, doh: Doh, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Interceptor(INTERCEPTOR), diverting(INTERCEPTOR):
        publish(state_dir, doh.url)

    said = capsys.readouterr().err
    assert "on port 53, something intercepts it (127.0.0.2: answers like a resolver)" in said
    assert doh.questions == [NAME]
    assert outcomes(state_dir)[0] == "degraded"


def test_21_an_interceptor_in_front_of_the_zones_servers_alone_is_named_with_their_addresses(
    world: World, doh: Doh, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zone = Zone("example.org", f'_acme-challenge TXT "{A}"', {"ns3.example.org": "127.1.0.3"})
    world.delegate("example.org", {"ns3.example.org": "127.1.0.3"})
    with NameServer("127.1.0.3", zones=[zone]) as server:
        server.intercepted = True
        publish(state_dir, doh.url, world.resolver.address, DNS01_PATIENCE="0.1")

    said = capsys.readouterr().err
    assert "! 127.1.0.3 answers like a resolver: something on the way intercepts port 53" in said
    assert "degraded" in said


def test_18_a_split_horizon_resolver_is_found_out_and_named_and_the_public_view_is_used(
    world: World, state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with split_horizon(world) as inside:
        publish(state_dir, "", inside.address)

        said = capsys.readouterr().err
        assert "+ ready after" in said
        assert f" ! split horizon: {inside.address} " in said
        for server in ("ad.inside.test", "ns1.example.org", "ns2.example.org"):
            assert server in said
        assert outcomes(state_dir)[0] == "ok"


def test_18_the_views_of_a_zone_are_compared_once_for_all_its_names(world: World, state_dir: Path) -> None:
    domains = [f"{host}.example.org" for host in ("one", "two", "three")]
    with split_horizon(world) as inside:
        publish(state_dir, "", inside.address, domains)

        assert [asked.name for asked in inside.questions if asked.type == "SOA"] == ["example.org"]


def test_18_whoever_wants_every_resolver_to_have_it_is_told_of_the_split_horizon(
    world: World, state_dir: Path
) -> None:
    with split_horizon(world) as inside, pytest.raises(NotReady, match="split horizon: "):
        publish(state_dir, "", inside.address, DNS01_READINESS="strict")


def split_horizon(world: World) -> Unbound:
    """A resolver that has an example.org of its own, and otherwise the world's names."""
    own = """local-zone: "example.org." static
        local-data: "example.org. SOA ad.inside.test. hostmaster.example.org. 1 3600 600 86400 3600"
        local-data: "example.org. NS ad.inside.test."
        local-data: "example.org. A 10.0.0.1"
    """
    return Unbound("127.0.0.63", root_hints=world.root_hints, extra_options=own)
