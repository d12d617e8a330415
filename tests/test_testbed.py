"""The small DNS of the tests and the real servers do what they say, as clients see them."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.query
import dns.rcode
import dns.update
import pytest
from testbed import TIME_LIMIT, Asked, Bind, HostedZone, Key, Knot, Pebble, PowerDNS, World, own
from testbed.client import ask, values
from testbed.process import Group, Server, free_port

ADDRESS = "127.1.0.1"
CHALLENGE = "_acme-challenge.example.org"
KEY = Key("hook", "hmac-sha256", "bm90IGEgc2VjcmV0OiBmb3IgdGVzdHMgb25seQ==")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def hosted(world: World) -> HostedZone:
    """On two hosts, the second of them with an IPv6 address too."""
    hosts = {"ns1.example.org": ADDRESS, "ns2.example.org": ["127.1.0.2", "fd53::12"]}
    records = "www A 192.0.2.1\nalias CNAME www"
    return world.zone("example.org", hosts, records, negative_ttl=3600)


class Lame(Server):
    """It ends at once."""

    def prepare(self) -> list[str]:
        return ["false"]

    def is_ready(self) -> bool:
        return False


class Pair(Group):
    def __init__(self) -> None:
        self.good = Bind(ADDRESS, {"example.org": ""}, [KEY])

    def set_up(self) -> None:
        self.enter(self.good)
        self.enter(Lame())


class TestGroup:
    """Servers that belong together."""

    def test_where_one_does_not_come_up_none_stays(self) -> None:
        pair = Pair()
        with pytest.raises(RuntimeError, match="ended with 1"), pair:
            pass
        with pytest.raises(ProcessLookupError):
            os.kill(pair.good.pid, 0)

    def test_no_two_get_the_same_port(self) -> None:
        assert len({free_port("127.0.0.1") for _ in range(100)}) == 100


class TestWorld:
    """A root, top-level domains and a resolver."""

    def test_the_way_down_is_by_referral(self, world: World, hosted: HostedZone) -> None:
        from_root = ask("www.example.org", "A", "127.0.0.2")
        assert from_root.authority[0].name.to_text() == "org."
        assert from_root.additional[0][0].to_text() == "127.0.0.3"
        from_tld = ask("www.example.org", "A", "127.0.0.3")
        assert from_tld.authority[0].name.to_text() == "example.org."
        assert {rrset[0].to_text() for rrset in from_tld.additional} == {ADDRESS, "127.1.0.2", "fd53::12"}
        for server in hosted.servers:
            assert values(ask("www.example.org", "A", server.address)) == ["192.0.2.1"]

    def test_the_resolver_finds_names_through_root_and_tld(self, world: World, hosted: HostedZone) -> None:
        response = ask("alias.example.org", "A", world.resolver.address)
        assert "192.0.2.1" in values(response)
        assert not response.flags & dns.flags.AA
        assert world.resolver.questions == [Asked("alias.example.org", "A")]
        assert world.servers["127.0.0.2"].asked("alias.example.org")

    def test_the_resolver_keeps_a_no_for_the_ttl_of_the_soa(self, world: World, hosted: HostedZone) -> None:
        assert ask(CHALLENGE, "TXT", world.resolver.address).rcode() == dns.rcode.NXDOMAIN
        hosted.set(CHALLENGE, "TXT", "value")
        still = ask(CHALLENGE, "TXT", world.resolver.address)
        assert still.rcode() == dns.rcode.NXDOMAIN
        assert 3590 < still.authority[0].ttl <= 3600

    def test_a_resolver_without_cache_forgets_at_once(self) -> None:
        with World(cache=False) as world:
            world.zone("example.org", {"ns.example.net": ADDRESS}, "_acme-challenge CNAME x.example.test.")
            zone = world.zone("example.test", {"ns.example.test": "127.1.0.2"})
            seen = [ask(CHALLENGE, "TXT", world.resolver.address)]
            zone.set("x.example.test", "TXT", "old")
            seen += [ask(CHALLENGE, "TXT", world.resolver.address)]
            zone.set("x.example.test", "TXT", "new")
            seen += [ask(CHALLENGE, "TXT", world.resolver.address)]
        assert [values(each)[:-1] for each in seen] == [[], ['"old"'], ['"new"']]

    def test_a_zone_served_over_ipv6_only_is_found(self, world: World) -> None:
        world.zone("six.test", {"ns.six.test": "fd53::66"}, "www A 192.0.2.6")
        assert values(ask("www.six.test", "A", world.resolver.address)) == ["192.0.2.6"]

    def test_a_host_elsewhere_is_found_where_it_belongs(self, world: World) -> None:
        world.zone("example.org", {"ns.example.net": ADDRESS}, "www A 192.0.2.1")
        assert not ask("www.example.org", "A", "127.0.0.3").additional
        assert values(ask("ns.example.net", "A", "127.0.0.4")) == [ADDRESS]
        assert values(ask("www.example.org", "A", world.resolver.address)) == ["192.0.2.1"]

    def test_a_host_in_a_zone_made_later_is_found_there(self, world: World) -> None:
        world.zone("example.org", {"ns.example.net": ADDRESS}, "www A 192.0.2.1")
        world.zone("example.net", {"ns.example.net": ADDRESS})
        assert values(ask("ns.example.net", "A", ADDRESS)) == [ADDRESS]
        assert values(ask("www.example.org", "A", world.resolver.address)) == ["192.0.2.1"]

    def test_the_parent_may_name_other_servers_than_the_zone(self, world: World) -> None:
        mine = {"ns1.example.org": ADDRESS, "ns3.example.org": "127.1.0.3"}
        world.zone("example.org", mine, parent_ns={"ns1.example.org": ADDRESS})
        assert len(ask("x.example.org", "A", "127.0.0.3").authority[0]) == 1
        assert values(ask("example.org", "NS", ADDRESS)) == ["ns1.example.org.", "ns3.example.org."]

    def test_a_zone_without_delegation_is_not_found(self, world: World, hosted: HostedZone) -> None:
        world.zone(CHALLENGE, {"ns.example.net": "127.1.0.4"}, '@ TXT "stale"', delegated=False)
        assert values(ask(CHALLENGE, "TXT", "127.1.0.4")) == ['"stale"']
        assert ask(CHALLENGE, "TXT", world.resolver.address).rcode() == dns.rcode.NXDOMAIN

    def test_parent_and_delegated_zone_may_share_a_server(self, world: World, hosted: HostedZone) -> None:
        world.zone(CHALLENGE, {"ns1.example.org": ADDRESS}, '@ TXT "delegated"')
        assert values(ask(CHALLENGE, "TXT", ADDRESS)) == ['"delegated"']
        assert ask(CHALLENGE, "TXT", "127.1.0.2").authority[0].name.to_text() == f"{CHALLENGE}."
        assert values(ask(CHALLENGE, "TXT", world.resolver.address)) == ['"delegated"']

    def test_a_zone_that_the_test_serves_itself_is_delegated(self, world: World) -> None:
        world.delegate("example.org", {"ns.example.org": "127.1.0.5"})
        with Bind("127.1.0.5", {"example.org": "www A 192.0.2.5"}):
            assert values(ask("www.example.org", "A", world.resolver.address)) == ["192.0.2.5"]


class TestServers:
    """The real ones."""

    @pytest.mark.parametrize(("kind", "refused"), [(Bind, "REFUSED"), (Knot, "NOTAUTH")])
    @pytest.mark.parametrize("address", ["127.1.0.6", "fd53::66"])
    def test_bind_and_knot_take_an_update_that_is_signed(
        self, kind: type[Bind | Knot], refused: str, address: str
    ) -> None:
        with kind(address, {"example.org": "www A 192.0.2.1", "example.net": ""}, keys=[KEY]) as server:
            unsigned = dns.update.UpdateMessage("example.org")
            unsigned.add("_acme-challenge", 60, "TXT", "value")
            signed = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
            signed.add("_acme-challenge", 60, "TXT", "value")
            refusal = dns.query.tcp(unsigned, address, timeout=TIME_LIMIT).rcode()
            assert refusal == dns.rcode.from_text(refused)
            assert server.txt(CHALLENGE) == set()
            assert dns.query.tcp(signed, address, timeout=TIME_LIMIT).rcode() == dns.rcode.NOERROR
            assert server.txt(CHALLENGE) == {"value"}
            assert values(ask("www.example.org", "A", address)) == ["192.0.2.1"]

    def test_a_key_file_of_bind_is_good_for_nsupdate(self) -> None:
        with Bind("127.1.0.6", {"example.org": ""}, keys=[KEY]) as bind:
            assert bind.key_file("hook").stat().st_mode & 0o777 == 0o600
            script = f"server 127.1.0.6\nupdate add {CHALLENGE} 60 TXT value\nsend\n"
            subprocess.run(["nsupdate", "-k", bind.key_file("hook")], input=script, text=True, check=True)
            assert bind.txt(CHALLENGE) == {"value"}

    def test_bind_limits_its_rate_when_asked_to(self) -> None:
        limit = "rate-limit { responses-per-second 1; slip 1; };"
        with Bind("127.1.0.6", {"example.org": "www A 192.0.2.1"}, extra_options=limit):
            flags = [ask("www.example.org", "A", "127.1.0.6").flags & dns.flags.TC for _ in range(5)]
        assert dns.flags.TC in flags

    def test_powerdns_has_an_api(self) -> None:
        with PowerDNS("127.1.0.6", {"example.org": "www A 192.0.2.1"}) as pdns:
            request = urllib.request.Request(
                f"{pdns.url}/zones/example.org.", headers={"X-API-Key": pdns.api_key}
            )
            with urllib.request.urlopen(request, timeout=TIME_LIMIT) as response:
                assert json.load(response)["name"] == "example.org."
            assert values(ask("www.example.org", "A", "127.1.0.6")) == ["192.0.2.1"]

    def test_a_server_that_does_not_come_up_says_why(self) -> None:
        with (
            pytest.raises(RuntimeError, match="unknown option 'no-such-option'"),
            Bind("127.1.0.6", {}, extra_options="no-such-option yes;"),
        ):
            pass

    def test_a_server_is_gone_afterwards(self) -> None:
        with Knot("127.1.0.6", {"example.org": ""}) as knot:
            assert Path(f"/proc/{knot.pid}").exists()
        assert not Path(f"/proc/{knot.pid}").exists()
        assert not knot.folder.exists()

    def test_pebble_answers_with_a_certificate_of_ours(self) -> None:
        with Pebble() as pebble:
            trusted = ssl.create_default_context(cafile=str(pebble.ca_file))
            with urllib.request.urlopen(pebble.directory, context=trusted, timeout=TIME_LIMIT) as response:
                directory = json.load(response)
            nonce = urllib.request.Request(directory["newNonce"], method="HEAD")
            with urllib.request.urlopen(nonce, context=trusted, timeout=TIME_LIMIT) as response:
                assert response.headers["Replay-Nonce"]
            assert pebble.roots().startswith("-----BEGIN CERTIFICATE-----")


class TestNetwork:
    """The process's own."""

    def test_nothing_leaves_the_machine(self) -> None:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
            pytest.raises(OSError, match="unreach"),
        ):
            client.connect(("192.0.2.1", 53))

    def test_an_address_can_be_owned_more_than_once(self) -> None:
        for _ in range(2):
            own("fd53::abcd")
        with socket.create_server(("fd53::abcd", 53), family=socket.AF_INET6):
            pass

    def test_every_test_has_its_own_state_folder(self, state_dir: Path, tmp_path: Path) -> None:
        assert os.environ["DNS01_STATE_DIR"] == str(state_dir) == str(tmp_path / "state")
        assert not state_dir.exists()
