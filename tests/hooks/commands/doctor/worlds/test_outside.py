"""Name servers that show others another zone than this machine, or answer nobody else; and resolvers that
only seem to see that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from calls import until
from examined import https_open
from setups import BOTH, ONE, Account, Fault, Faults, RawBind, Site, check_fault
from signed import SignedBind
from testbed import Bind, NameServer, Unbound, Zone
from testbed.client import ask
from testbed.firewall import WORLD
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity
from dns01.hooks.dns.inspect.other_contents import JUST_FETCHED

FAULTS = Faults()
OUTSIDE, ALSO_OUTSIDE = "127.0.0.62", "127.0.0.63"
TEXT = "@ SOA ns hostmaster {serial} 3600 600 86400 60\n@ NS ns\nns A 127.1.0.1\n"
VIEWS = (
    'view "inside" {{ match-clients {{ !{world}; any; }}; zone "example.org" {{ type primary; '
    'file "{{example.org}}"; }}; }}; view "outside" {{ match-clients {{ any; }}; zone "example.org" {{ '
    'type primary; file "{outer}"; }}; }};'
)


def outside(site: Site, *addresses: str, options: str = "") -> Account:
    """Resolvers that the name servers take for the world."""
    for address in addresses:
        way_out = f"outgoing-interface: {WORLD}\n{options}"
        site.start(Unbound(address, root_hints=site.world.root_hints, extra_options=way_out))
    return {"DNS01_RESOLVERS": ",".join(addresses)}


# Another zone


def views(site: Site, inside: int, for_the_world: int, *resolvers: str) -> Account:
    """A BIND with two views, and the serials of the zone in them."""
    return other_texts(site, TEXT.format(serial=inside), TEXT.format(serial=for_the_world), *resolvers)


def other_texts(site: Site, inside: str, for_the_world: str, *resolvers: str) -> Account:
    """The same, and the texts of the zone."""
    site.write("outer", for_the_world)
    clauses = VIEWS.format(world=WORLD, outer=site.folder / "outer")
    site.start(RawBind(ONE, [clauses], {"example.org": inside}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return outside(site, *resolvers)


@FAULTS.add(
    "other-view",
    "serial 10",
    "serial 77",
    "match-clients",
    'readiness = "resolvers"',
    severity=Severity.WARNING,
)
def the_world_is_shown_an_older_zone(site: Site) -> Account:
    return views(site, 77, 10, OUTSIDE)


@FAULTS.add("other-view", "serial 77", severity=Severity.WARNING)
def the_world_is_shown_a_zone_that_has_changed_more_often(site: Site) -> Account:
    return views(site, 10, 77, OUTSIDE)


@FAULTS.add("other-view", f"the resolvers {OUTSIDE}, {ALSO_OUTSIDE} see another zone", "are inside")
def several_resolvers_are_shown_another_zone(site: Site) -> Account:
    return views(site, 77, 10, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("other-view", "serial 10", severity=Severity.WARNING)
def the_older_zone_has_been_in_the_resolvers_cache_for_a_while(site: Site) -> Account:
    account = views(site, 77, 10, OUTSIDE)
    keep_for_a_while(OUTSIDE)
    return account


# Another zone with the same serial


SAME = TEXT.format(serial=7)


@FAULTS.add("other-view", "with the same serial 7 (TXT:", '"inside"', "dig TXT example.org @127.0.0.62")
def several_resolvers_are_shown_other_texts(site: Site) -> Account:
    texts = [f'{SAME}@ TXT "{view}"\n' for view in ("inside", "world")]
    return other_texts(site, *texts, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("other-view", "same serial 7 (SOA: other.example.org.", severity=Severity.WARNING)
def the_world_is_shown_another_primary(site: Site) -> Account:
    return other_texts(site, SAME, SAME.replace("SOA ns ", "SOA other "), OUTSIDE)


@FAULTS.add("other-view", "same serial 7 (NS: ns.example.org. and 1 more", severity=Severity.WARNING)
def the_world_is_shown_a_further_name_server(site: Site) -> Account:
    return other_texts(site, SAME, f"{SAME}@ NS ns2\nns2 A 127.1.0.1\n", OUTSIDE)


@FAULTS.add("other-view", 'same serial 7 (CAA: 0 issue "digicert.com"; here: 0 issue "letsencrypt.org")')
def the_world_is_shown_caa_for_another_ca(site: Site) -> Account:
    texts = [f'{SAME}@ MX 10 {ca}\n@ CAA 0 issue "{ca}"\n' for ca in ("letsencrypt.org", "digicert.com")]
    return other_texts(site, *texts, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("other-view", "same serial 7 (MX: 10 mx.example.org.", severity=Severity.WARNING)
def the_world_is_shown_another_mail_server(site: Site) -> Account:
    return other_texts(site, f"{SAME}@ MX 10 exchange\n", f"{SAME}@ MX 10 mx\n", OUTSIDE)


@FAULTS.add("other-view", "same serial 7 (A: 9.9.9.9; here: 10.0.0.1)")
def this_machine_is_shown_addresses_of_its_own_network(site: Site) -> Account:
    """That tells who of the two is inside."""
    return other_texts(site, f"{SAME}@ A 10.0.0.1\n", f"{SAME}@ A 9.9.9.9\n", OUTSIDE)


@FAULTS.add("other-view", 'readiness = "resolvers"', severity=Severity.WARNING)
def orders_wait_for_what_resolvers_see(site: Site) -> Account:
    return {**views(site, 77, 10, OUTSIDE, ALSO_OUTSIDE), "DNS01_READINESS": "resolvers"}


def keep_for_a_while(resolver: str) -> None:
    """Until what it has in its cache is seen to grow older."""
    whole = ask("example.org", "SOA", resolver).answer[0].ttl
    until(lambda: ask("example.org", "SOA", resolver).answer[0].ttl < whole - 1)


# No answer


ONLY_HERE = f"allow-query {{ !{WORLD}; any; }};"


def for_this_network_alone(site: Site, *resolvers: str, options: str = "") -> Account:
    site.start(Bind(ONE, {"example.org": ""}, extra_options=ONLY_HERE))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return outside(site, *resolvers, options=options)


@FAULTS.add(
    "unanswered-outside", "SERVFAIL", "ns.example.org answer everybody", "allow-query { any; };",
    severity=Severity.WARNING,
)  # fmt: skip
def the_server_answers_this_network_alone(site: Site) -> Account:
    return for_this_network_alone(site, OUTSIDE)


@FAULTS.add("unanswered-outside", f"the resolvers {OUTSIDE}, {ALSO_OUTSIDE} find no answer")
def several_resolvers_get_no_answer(site: Site) -> Account:
    return for_this_network_alone(site, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("unanswered-outside", severity=Severity.WARNING)
def a_validating_resolver_gets_no_answer(site: Site) -> Account:
    return for_this_network_alone(site, OUTSIDE, options='module-config: "validator iterator"\nede: yes')


class LameForCaa(NameServer):
    """Older than CAA: to such a question it refers to the root, as if it had no zone."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response and query.question[0].rdtype == dns.rdatatype.CAA:
            response.answer = []
            response.authority = [dns.rrset.from_text(".", 60, "IN", "NS", "a.root-servers.net.")]
            response.flags &= ~dns.flags.AA
        return response


@FAULTS.add("caa-servfail", "example.org CAA")
def resolvers_leave_a_server_that_is_lame_for_caa(site: Site) -> Account:
    site.start(LameForCaa(ONE, zones=[Zone("example.org", "", {"ns.example.org": ONE})]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    account = outside(site, OUTSIDE, ALSO_OUTSIDE)
    for resolver in (OUTSIDE, ALSO_OUTSIDE):  # as they are once somebody has asked
        ask("example.org", "CAA", resolver)
        assert ask("example.org", "SOA", resolver).rcode() == dns.rcode.SERVFAIL
    return account


THIRD = "127.0.0.64"


@FAULTS.add(
    "unanswered-outside",
    f"the resolvers {OUTSIDE}, {ALSO_OUTSIDE} find no answer",
    f"while {THIRD} and",
    "fail2ban",
)
def two_networks_of_three_get_no_answer(site: Site) -> Account:
    return answering_some(site, THIRD)


@FAULTS.add("unanswered-outside", "answer some networks and not others", severity=Severity.WARNING)
def two_networks_of_four_get_no_answer(site: Site) -> Account:
    return answering_some(site, THIRD, site.world.resolver.address)


def answering_some(site: Site, *answered: str) -> Account:
    """A server that two resolvers get no answer from, and others do."""
    for_this_network_alone(site, OUTSIDE, ALSO_OUTSIDE)
    for address in {*answered} - {site.world.resolver.address}:
        site.start(Unbound(address, root_hints=site.world.root_hints))
    return {"DNS01_RESOLVERS": ",".join((OUTSIDE, ALSO_OUTSIDE, *answered))}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


# Who of the two sees what the world sees: one resolver, or this machine


@pytest.fixture
def doh(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An endpoint of DNS over HTTPS, which the name servers take for the world."""
    with https_open(site.world, tmp_path, monkeypatch) as doh:
        yield {"DNS01_DOH": doh.url}


def found_with(site: Site, account: Account) -> tuple[str, Severity, str]:
    finding = site.diagnose("example.org", account).ordered[0]
    return finding.code, finding.severity, finding.message


def test_what_https_sees_as_well_is_what_the_world_sees(site: Site, doh: Account) -> None:
    code, severity, _ = found_with(site, {**views(site, 77, 10, OUTSIDE), **doh})
    assert (code, severity) == ("other-view", Severity.ERROR)


def test_texts_that_https_sees_as_well_are_what_the_world_sees(site: Site, doh: Account) -> None:
    texts = [f'{SAME}@ TXT "{view}"\n' for view in ("inside", "world")]
    code, severity, _ = found_with(site, {**other_texts(site, *texts, OUTSIDE), **doh})
    assert (code, severity) == ("other-view", Severity.ERROR)


def test_where_https_finds_no_answer_either_the_world_finds_none(site: Site, doh: Account) -> None:
    code, severity, words = found_with(site, {**for_this_network_alone(site, OUTSIDE), **doh})
    assert (code, severity) == ("unanswered-outside", Severity.ERROR)
    assert "they answer this network alone" in words


def test_where_https_has_an_answer_the_resolver_alone_is_refused(site: Site, doh: Account) -> None:
    site.start(Bind(ONE, {"example.org": ""}, extra_options="allow-query { !127.0.0.62; any; };"))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.start(
        Unbound(OUTSIDE, root_hints=site.world.root_hints, extra_options=f"outgoing-interface: {OUTSIDE}")
    )
    code, severity, words = found_with(site, {"DNS01_RESOLVERS": OUTSIDE, **doh})
    assert (code, severity) == ("unanswered-outside", Severity.WARNING)
    assert "may refuse this one" in words


# What only seems so


def kept_while_it_changes(site: Site, text: str) -> Account:
    server = site.start(NameServer(ONE, zones=[Zone("example.org", TEXT.format(serial=3) + text)]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    ask("example.org", "SOA", site.world.resolver.address)
    server.serve(Zone("example.org", TEXT.format(serial=4) + text))
    return {}


def an_older_copy_is_in_the_cache(site: Site) -> Account:
    return kept_while_it_changes(site, "www A 192.0.2.1")


def an_older_copy_of_a_zone_with_a_wildcard_is_in_the_cache(site: Site) -> Account:
    return kept_while_it_changes(site, '* TXT "any"')


def older_texts_are_in_the_cache(site: Site) -> Account:
    """The serial of some providers stays as it is."""
    zone = Zone("example.org", TEXT.format(serial=1) + '@ TXT "old"')
    site.start(NameServer(ONE, zones=[zone]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    resolver = site.world.resolver.address
    whole = ask("example.org", "TXT", resolver).answer[0].ttl
    until(lambda: ask("example.org", "TXT", resolver).answer[0].ttl < whole - JUST_FETCHED)
    zone.set("example.org", "TXT", "new")
    return {}


def addresses_by_who_asks(site: Site) -> Account:
    other_texts(site, f"{SAME}@ A 9.9.9.9\n", f"{SAME}@ A 149.112.112.112\n")
    return outside(site, OUTSIDE)


def an_older_copy_of_a_signed_zone_is_in_the_cache(site: Site) -> Account:
    keys = site.folder / "keys"
    hosts = {"ns.example.org": ONE}
    with SignedBind(keys, ONE, {"example.org": TEXT.format(serial=3)}) as before:
        site.world.delegate("example.org", hosts)
        site.world.zones["org"].set("example.org", "DS", *before.ds)
        keep_for_a_while(site.world.resolver.address)
    site.start(SignedBind(keys, ONE, {"example.org": TEXT.format(serial=4)}))
    return {}


def one_resolver_of_two_gets_no_answer(site: Site) -> Account:
    for_this_network_alone(site, OUTSIDE)
    return {"DNS01_RESOLVERS": f"{OUTSIDE},{site.world.resolver.address}"}


def the_key_leads_to_the_view_that_resolvers_see(site: Site) -> Account:
    """And orders wait for those, as the guide for such a set-up has it."""
    site.write("outer", TEXT.format(serial=77))
    inside, outside_view = VIEWS.format(world=WORLD, outer=site.folder / "outer").split('view "outside"')
    inside = inside.replace("{ !", "{ !key hook; !")
    outside_view = outside_view.replace("type primary;", "type primary; allow-update { key hook; };")
    clauses = [f'{inside}view "outside"{outside_view}']
    site.start(RawBind(ONE, clauses, {"example.org": TEXT.format(serial=10)}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return {**site.updates(ONE), **outside(site, OUTSIDE, ALSO_OUTSIDE), "DNS01_READINESS": "resolvers"}


def servers_with_serials_of_their_own(site: Site) -> Account:
    for number, address in enumerate(BOTH.values()):
        text = f"@ SOA {[*BOTH][number]}. hostmaster {5 + number} 3600 600 86400 60"
        site.start(NameServer(address, zones=[Zone("example.org", text, BOTH)]))
    site.world.delegate("example.org", BOTH)
    return {}


@pytest.mark.parametrize(
    "setup",
    [
        an_older_copy_is_in_the_cache,
        an_older_copy_of_a_zone_with_a_wildcard_is_in_the_cache,
        older_texts_are_in_the_cache,
        addresses_by_who_asks,
        an_older_copy_of_a_signed_zone_is_in_the_cache,
        one_resolver_of_two_gets_no_answer,
        the_key_leads_to_the_view_that_resolvers_see,
        servers_with_serials_of_their_own,
    ],
)
def test_nothing_is_found_where(site: Site, setup: Callable[[Site], Account]) -> None:
    assert site.diagnose("example.org", setup(site)).ordered == []


def test_what_a_validating_resolver_refuses_is_said_once(site: Site) -> None:
    keys = site.folder / "keys"
    server = site.start(SignedBind(keys, ONE, {"example.org": TEXT.format(serial=3)}, days=-0.1))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    anchors = "\n".join(f'trust-anchor: "example.org. DS {ds}"' for ds in server.ds)
    account = outside(site, OUTSIDE, options=f'module-config: "validator iterator"\n{anchors}')

    assert {each.code for each in site.diagnose("example.org", account).ordered} == {"dnssec-bogus"}
