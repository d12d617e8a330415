"""Name servers that refuse what is above a rate: they have the zone, which nobody has to add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import pytest
from dns.rdatatype import CAA, DNSKEY, NS, SOA, TXT, RdataType
from setups import BOTH, ONE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
TEXT = "@ SOA ns1 hostmaster 3 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"

Above = Callable[[dns.message.Message, Transport], bool]


class Limited(NameServer):
    """A server that refuses a question the first ``times`` times that it is ``above`` the limit: how fast it
    is asked depends on this machine."""

    def __init__(self, address: str, above: Above, times: int = 1) -> None:
        super().__init__(address, zones=[Zone("example.org", TEXT)])
        self._above, self._times = above, times
        self._refused: Counter[object] = Counter()

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        question = query.question[0].name.canonicalize(), query.question[0].rdtype, over
        if response and self._above(query, over) and self._refused[question] < self._times:
            self._refused[question] += 1
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.REFUSED)
        return response


def asks(query: dns.message.Message, *rdtypes: RdataType) -> bool:
    return query.question[0].rdtype in rdtypes


def survey(query: dns.message.Message, over: Transport) -> bool:
    """What the look at the zone's servers asks, all at once."""
    signed = bool(query.ednsflags & dns.flags.DO)
    return asks(query, SOA, NS, DNSKEY) and (signed or over == "tcp")


def limited(site: Site, *addresses: str, above: Above = survey, times: int = 1) -> Account:
    """example.org at two servers, of which those at the addresses limit their rate."""
    for address in BOTH.values():
        site.start(
            Limited(address, above, times)
            if address in addresses
            else NameServer(address, zones=[Zone("example.org", TEXT)])
        )
    site.world.delegate("example.org", BOTH)
    return {}


SAID = "refuses at one moment (REFUSED) what it answers at another", "raise the limit at "


@FAULTS.add("rate-limited", *SAID, "ns1.example.org, ns2.example.org", severity=Severity.WARNING)
def both_servers_refuse_what_is_above_a_rate(site: Site) -> Account:
    """Let's Encrypt's community has it from dnsdist, thread 209218: spurious failures at CAA."""
    return limited(site, ONE, TWO)


@FAULTS.add("rate-limited", *SAID, "ns2.example.org", severity=Severity.WARNING)
def one_server_refuses_what_is_above_a_rate(site: Site) -> Account:
    return limited(site, TWO)


@FAULTS.add("rate-limited", *SAID, severity=Severity.WARNING)
def a_server_refuses_for_longer(site: Site) -> Account:
    return limited(site, TWO, times=2)


class Losing(NameServer):
    """A server of whose datagrams three of five get lost, whoever sent them."""

    _count = 0

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        self._count += over == "udp"
        return None if over == "udp" and self._count % 5 in (0, 1, 3) else super().answer(query, over)


@FAULTS.add("lossy-server", "ns2.example.org", "datagrams get lost", severity=Severity.WARNING)
def one_server_loses_datagrams(site: Site) -> Account:
    """traefik/traefik#4344 has such a line."""
    zone = Zone("example.org", TEXT)
    site.start(NameServer(ONE, zones=[zone]))
    site.start(Losing(TWO, zones=[zone]))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add(
    "lame-server", "REFUSED", "add the zone example.org to ns2.example.org", severity=Severity.WARNING
)
def a_server_refuses_always(site: Site) -> Account:
    return limited(site, TWO, above=lambda query, over: True, times=1000)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


@pytest.mark.parametrize("rdtype", [CAA, TXT])
def test_what_is_refused_once_is_not_said_to_be_unanswered(site: Site, rdtype: RdataType) -> None:
    limited(site, ONE, TWO, above=lambda query, over: asks(query, rdtype))

    found = site.diagnose("example.org", {}).ordered

    assert not {"caa-unanswered", "txt-unanswered", "caa-servfail"} & {finding.code for finding in found}
