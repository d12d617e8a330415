"""Faults of servers whose signatures or keys cannot be had, or are not those of the others."""

from __future__ import annotations

import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest
from setups import BOTH, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from signed import SignedBind, SignedKnot
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
PAIR = f"@ SOA ns1 hostmaster 3 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A {ONE}\nns2 A {TWO}\n"


# The flag DO


class WithoutDo(NameServer):
    """Behind a firewall that drops what has the flag DO."""

    def __init__(self, address: str, *over: Transport) -> None:
        super().__init__(address, zones=[Zone("example.org", PAIR)])
        self._dropped = over

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        asks = query.edns >= 0 and query.ednsflags & dns.flags.DO
        return None if asks and over in self._dropped else super().answer(query, over)


def at_both(site: Site, first: NameServer, second: NameServer) -> Account:
    site.start(first)
    site.start(second)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("do-dropped", "ns2.example.org", "+dnssec", severity=Severity.WARNING)
def one_server_drops_datagrams_with_the_flag(site: Site) -> Account:
    return at_both(site, NameServer(ONE, zones=[Zone("example.org", PAIR)]), WithoutDo(TWO, "udp"))


@FAULTS.add("do-dropped", "ns1.example.org, ns2.example.org", "firewall", severity=Severity.WARNING)
def all_servers_drop_datagrams_with_the_flag(site: Site) -> Account:
    return at_both(site, WithoutDo(ONE, "udp"), WithoutDo(TWO, "udp"))


@FAULTS.add("do-dropped", "ns1.example.org", "over UDP or TCP", "+dnssec")
def all_servers_drop_whatever_has_the_flag(site: Site) -> Account:
    return at_both(site, WithoutDo(ONE, "udp", "tcp"), WithoutDo(TWO, "udp", "tcp"))


# The keys


class Before(NameServer):
    """A signed server whose keys do not come through: they are dropped, or TCP is closed."""

    def __init__(self, address: str, behind: str, *, tcp: bool) -> None:
        super().__init__(address)
        self._behind, self._tcp = behind, tcp

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        keys = query.question[0].rdtype == dns.rdatatype.DNSKEY
        if (keys and self._tcp) or (over == "tcp" and not self._tcp):
            return None
        return dns.query.tcp(query, self._behind, timeout=5)


def with_large_keys(site: Site) -> SignedBind:
    folder = site.folder / "keys"
    folder.mkdir()
    for flags in ([], ["-f", "KSK"], ["-f", "KSK"], ["-f", "KSK"]):
        generate = ["dnssec-keygen", "-a", "RSASHA256", "-b", "2048", *flags, "example.org"]
        subprocess.run(generate, cwd=folder, check=True, capture_output=True)
    return site.start(SignedBind(folder, THREE, {"example.org": PAIR}))


def signed(site: Site, *ds: str) -> Account:
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *ds)
    return {}


@FAULTS.add("dnskey-unanswered", "truncated", "let TCP port 53 through to ns1.example.org, ns2.example.org")
def the_keys_do_not_fit_into_a_datagram_and_tcp_is_closed(site: Site) -> Account:
    behind = with_large_keys(site)
    for address in (ONE, TWO):
        site.start(Before(address, THREE, tcp=False))
    return signed(site, *behind.ds)


@FAULTS.add("dnskey-unanswered", "ns2.example.org", "drops questions for DNSKEY", severity=Severity.WARNING)
def one_server_drops_questions_for_the_keys(site: Site) -> Account:
    behind = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": PAIR}))
    site.start(Before(TWO, ONE, tcp=True))
    return signed(site, *behind.ds)


# Two signers


@FAULTS.add("dnssec-bogus", "signs example.org with keys of its own", "RFC 8901")
def two_servers_sign_each_with_its_own_keys(site: Site) -> Account:
    first = site.start(SignedBind(site.folder / "first", ONE, {"example.org": PAIR}))
    second = site.start(SignedBind(site.folder / "second", TWO, {"example.org": PAIR}))
    return signed(site, *first.ds, *second.ds)


@FAULTS.add("dnssec-bogus", "signs example.org with keys of its own", "RFC 8901")
def bind_and_knot_sign_each_with_its_own_keys(site: Site) -> Account:
    first = site.start(SignedBind(site.folder / "first", ONE, {"example.org": PAIR}))
    second = site.start(SignedKnot(TWO, {"example.org": PAIR.replace(" 3 ", " 2 ")}))
    return signed(site, *first.ds, *second.ds)


def test_one_that_both_servers_have_the_keys_of_is_healthy(site: Site) -> None:
    first = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": PAIR}))
    site.start(SignedBind(site.folder / "keys", TWO, {"example.org": PAIR}))

    assert site.diagnose("example.org", signed(site, *first.ds)).ordered == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
