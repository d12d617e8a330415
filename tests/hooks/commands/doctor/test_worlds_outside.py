"""Name servers that show others another zone than this machine, or answer nobody else; and resolvers that
only seem to see that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from calls import until
from setups import BOTH, ONE, Account, Fault, Faults, RawBind, Site, check_fault
from signed import SignedBind
from testbed import Bind, NameServer, Unbound, Zone
from testbed.client import ask
from testbed.firewall import WORLD

from dns01.hooks.commands.doctor.finding import Severity

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
    site.write("outer", TEXT.format(serial=for_the_world))
    clauses = VIEWS.format(world=WORLD, outer=site.folder / "outer")
    site.start(RawBind(ONE, [clauses], {"example.org": TEXT.format(serial=inside)}))
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


@FAULTS.add("other-view", f"{OUTSIDE}, {ALSO_OUTSIDE} sees another zone")
def several_resolvers_are_shown_another_zone(site: Site) -> Account:
    return views(site, 77, 10, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("other-view", "serial 10", severity=Severity.WARNING)
def the_older_zone_has_been_in_the_resolvers_cache_for_a_while(site: Site) -> Account:
    account = views(site, 77, 10, OUTSIDE)
    keep_for_a_while(OUTSIDE)
    return account


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


@FAULTS.add("unanswered-outside", f"{OUTSIDE}, {ALSO_OUTSIDE} finds no answer")
def several_resolvers_get_no_answer(site: Site) -> Account:
    return for_this_network_alone(site, OUTSIDE, ALSO_OUTSIDE)


@FAULTS.add("unanswered-outside", severity=Severity.WARNING)
def a_validating_resolver_gets_no_answer(site: Site) -> Account:
    return for_this_network_alone(site, OUTSIDE, options='module-config: "validator iterator"\nede: yes')


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


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
        an_older_copy_of_a_signed_zone_is_in_the_cache,
        one_resolver_of_two_gets_no_answer,
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
