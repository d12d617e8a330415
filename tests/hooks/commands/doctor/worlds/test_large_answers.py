"""A server whose large answers get lost, and whose TCP is closed: that is told, once, and not what lacks."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.query
import pytest
from setups import BOTH, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from signed import SignedBind
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
PAIR = f"@ SOA ns1 hostmaster 3 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A {ONE}\nns2 A {TWO}\n"
KEY = f"@ DNSKEY 256 3 8 {'AwEA' * 200}\n"
VALUES = "".join(f'{NAME}. TXT "{number:043}"\n' for number in range(20))
SMALL = 512
SAID = ("small answers", "of ns2.example.org", "let TCP port 53 through to ns2.example.org", "1232 octets")


class Narrow(NameServer):
    """Behind a firewall that lets no TCP through, and no datagram of more than 512 octets."""

    def __init__(self, address: str, zone: Zone | None = None, behind: str = "") -> None:
        super().__init__(address, zones=[zone] if zone else [])
        self._behind = behind
        self.drop_tcp = True

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        if self._behind:
            response: dns.message.Message | None = dns.query.tcp(query, self._behind, timeout=5)
        else:
            response = super().answer(query, over)
        return None if response is None or len(response.to_wire()) > SMALL else response


def second_narrow(site: Site, text: str) -> Account:
    zone = Zone("example.org", PAIR + text)
    site.start(NameServer(ONE, zones=[zone]))
    site.start(Narrow(TWO, zone))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("large-lost", *SAID, "dig DNSKEY example.org", severity=Severity.WARNING)
def the_keys_are_large(site: Site) -> Account:
    return second_narrow(site, KEY)


@FAULTS.add("large-lost", *SAID, f"TXT at {NAME}", f"dig TXT {NAME}", severity=Severity.WARNING)
def the_values_at_the_challenge_name_are_many(site: Site) -> Account:
    return second_narrow(site, VALUES)


@FAULTS.add("large-lost", *SAID, severity=Severity.WARNING)
def keys_and_values_are_large(site: Site) -> Account:
    return second_narrow(site, KEY + VALUES)


@FAULTS.add("large-lost", *SAID, "CAA at example.org", severity=Severity.WARNING)
def the_caa_is_long(site: Site) -> Account:
    policy = [f'@ CAA 0 issue "letsencrypt.org; policy={"x" * 60}{number}"' for number in range(10)]
    return second_narrow(site, "\n".join(policy))


def signed(site: Site, *narrow: str) -> Account:
    """Each answer is large, for its signatures are."""
    behind = site.start(SignedBind(site.folder / "keys", THREE, {"example.org": PAIR}, algorithm="RSASHA256"))
    for address in BOTH.values():
        if address in narrow:
            site.start(Narrow(address, behind=THREE))
        else:
            site.start(Wide(address))
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *behind.ds)
    return {}


class Wide(NameServer):
    """One before the same server that lets everything through."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return dns.query.tcp(query, THREE, timeout=5)


@FAULTS.add("large-lost", *SAID, "the signatures of DNSSEC", severity=Severity.WARNING)
def even_the_soa_is_large_by_its_signature(site: Site) -> Account:
    return signed(site, TWO)


@FAULTS.add("large-lost", "ns1.example.org, ns2.example.org", "TCP is closed")
def at_both_even_the_soa_is_large(site: Site) -> Account:
    return signed(site, ONE, TWO)


class NarrowAtTheApex(Narrow):
    """The same where the answers about the apex alone are large with their signatures."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        question = query.question[0]
        large = bool(query.ednsflags & dns.flags.DO) and question.name.to_text() == "example.org."
        return None if large else super().answer(query, over)


@FAULTS.add("large-lost", "of ns1.example.org, ns2.example.org", "TCP is closed", "1232 octets")
def at_both_what_is_at_the_apex_is_large(site: Site) -> Account:
    behind = site.start(SignedBind(site.folder / "keys", THREE, {"example.org": PAIR}))
    for address in BOTH.values():
        site.start(NarrowAtTheApex(address, behind=THREE))
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *behind.ds)
    return {}


NOT_SAID = {"no-tcp", "silent-server", "dnskey-unanswered", "txt-unanswered", "caa-unanswered", "do-dropped"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_that_large_answers_are_lost_is_said_and_not_what_follows(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


@pytest.mark.parametrize("text", [KEY, VALUES], ids=["keys", "values"])
def test_what_follows_is_not_said_beside_it(site: Site, text: str) -> None:
    found = site.diagnose("example.org", second_narrow(site, text)).ordered

    assert not NOT_SAID & {each.code for each in found}


def test_a_server_whose_tcp_alone_is_closed_is_told_that(site: Site) -> None:
    zone = Zone("example.org", PAIR)
    for address in BOTH.values():
        site.start(NameServer(address, zones=[zone])).drop_tcp = address == TWO
    site.world.delegate("example.org", BOTH)

    assert [each.code for each in site.diagnose("example.org", {}).ordered] == ["no-tcp"]
