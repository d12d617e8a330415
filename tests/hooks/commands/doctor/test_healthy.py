"""Set-ups with nothing wrong about them: all checks together have to find nothing there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import dns.message
import pytest
from calls import KEY, until
from setups import BOTH, NAME, ONE, THREE, TWO, RawBind, Site
from signed import SignedBind, SignedKnot
from testbed import Bind, Knot, NameServer, PowerDNS, Zone
from testbed.nameserver import RateLimit
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.report import verdict

OF_THE_HOSTER = (
    "@ SOA ns1.hoster.net. hostmaster.hoster.net. 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.1.0.2\n"
)


def bind(site: Site) -> Mapping[str, str]:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def knot(site: Site) -> Mapping[str, str]:
    site.start(Knot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def powerdns(site: Site) -> Mapping[str, str]:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.powerdns(server)


def standalone_by_delegation(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set(NAME, "NS", "host.example.org.")
    zone.set_addresses({"host.example.org": site.host})
    return site.embedded()


def standalone_by_cname(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set(NAME, "CNAME", "example.acme.example.org.")
    zone.set("acme.example.org", "NS", "host.example.org.")
    zone.set_addresses({"host.example.org": site.host})
    return site.embedded()


def standalone_that_nobody_has_named(site: Site) -> Mapping[str, str]:
    standalone_by_delegation(site)
    return {name: value for name, value in site.embedded().items() if name != "STANDALONE_NS"}


def standalone_by_cname_that_nobody_has_named(site: Site) -> Mapping[str, str]:
    standalone_by_cname(site)
    return {name: value for name, value in site.embedded().items() if name != "STANDALONE_NS"}


def cname_delegated(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": ONE}).set(NAME, "CNAME", "example.challenges.net.")
    site.start(Bind(TWO, {"challenges.net": ""}, [KEY]))
    site.world.delegate("challenges.net", {"ns.challenges.net": TWO})
    return site.updates(TWO)


def zone_delegated(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    soa = "@ SOA ns2.example.org. hostmaster.example.org. 1 3600 600 86400 60"  # BIND allows no _ here
    site.start(Bind(TWO, {NAME: f"{soa}\n@ NS ns2.example.org."}, [KEY]))
    site.world.delegate(NAME, {"ns2.example.org": TWO})
    return site.updates(TWO)


def signed_by_hand(site: Site) -> Mapping[str, str]:
    server = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


def signed_by_the_server(site: Site) -> Mapping[str, str]:
    server = site.start(SignedKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return site.updates(ONE)


def ipv6_only(site: Site) -> Mapping[str, str]:
    site.start(Bind("fd53::1", {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": "fd53::1"})
    return site.updates("[fd53::1]")


def many_servers(site: Site) -> Mapping[str, str]:
    hosts = {f"ns{number}.example.org": [f"127.1.{number}.1", f"fd53::{number}"] for number in range(2, 8)}
    site.world.zone("example.org", hosts)
    return {}


def servers_in_other_zones(site: Site) -> Mapping[str, str]:
    site.world.zone("hoster.net", {"ns1.hoster.net": TWO, "ns2.hoster.net": THREE})
    site.world.zone("example.org", {"ns1.hoster.net": TWO, "ns2.hoster.net": THREE})
    return {}


def with_caa(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": TWO})
    zone.set("example.org", "CAA", '0 issue "letsencrypt.org"', '0 iodef "mailto:hostmaster@example.org"')
    return {"DNS01_CA": "letsencrypt"}


PAIR = (
    "@ SOA ns1 hostmaster {serial} 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
)
SECONDARY = (
    'zone "example.org" {{ type secondary; primaries {{ {} key hook; }}; file "{{folder}}/copy"; '
    "masterfile-format text; }};"
)


def secondary(site: Site, address: str, primary: str, options: str = "") -> None:
    """A BIND that has fetched example.org from its primary."""
    server = site.start(RawBind(address, [SECONDARY.format(primary)], {}, options))
    until(lambda: server.ask("example.org", "SOA").answer)


def primary_and_secondary(site: Site) -> Mapping[str, str]:
    site.start(Bind(ONE, {"example.org": PAIR.format(serial=5)}, [KEY]))
    secondary(site, TWO, ONE)
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


def servers_that_say_who_they_are_and_as_little_or_as_much_as_they_may(site: Site) -> Mapping[str, str]:
    """NSID (RFC 5001), ANY (RFC 8482), and minimal responses, at the one and not at the other."""
    terse = 'minimal-responses yes; minimal-any yes; server-id "ams1";'
    site.start(Bind(ONE, {"example.org": PAIR.format(serial=5)}, [KEY], extra_options=terse))
    secondary(site, TWO, ONE, 'minimal-responses no; server-id "fra2";')
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


def hidden_primary(site: Site) -> Mapping[str, str]:
    text = "@ SOA hidden hostmaster 7 3600 600 86400 60\n@ NS ns2\nns2 A 127.1.0.2\nhidden A 127.1.0.9\n"
    site.start(Knot("127.1.0.9", {"example.org": text}, [KEY]))
    secondary(site, TWO, "127.1.0.9")
    site.world.delegate("example.org", {"ns2.example.org": TWO})
    return site.updates("127.1.0.9")


def renumbered_and_hidden(site: Site) -> Mapping[str, str]:
    """The parent still has the server's old address, at which it answers as well."""
    text = f"@ SOA ns1 hostmaster 7 3600 600 86400 60\n@ NS ns1\nns1 A {TWO}\n"
    site.start(Bind(ONE, {"example.org": text}, [KEY]))
    for address in (TWO, THREE):
        secondary(site, address, ONE)
    site.world.delegate("example.org", {"ns1.example.org": THREE})
    return site.updates(ONE)


def hidden_primary_that_the_soa_does_not_name(site: Site) -> Mapping[str, str]:
    text = "@ SOA ns2 hostmaster 7 3600 600 86400 60\n@ NS ns2\nns2 A 127.1.0.2\n"
    site.start(Bind("127.1.0.9", {"example.org": text}, [KEY]))
    secondary(site, TWO, "127.1.0.9")
    site.world.delegate("example.org", {"ns2.example.org": TWO})
    return site.updates("127.1.0.9")


class FetchingKnot(Knot):
    """A secondary of the server at ONE."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        remote = f"remote:\n  - id: primary\n    address: {ONE}@53\n    key: hook\nzone:\n"
        text = path.read_text().replace("zone:\n", remote)
        file = f"    file: {self.folder}/example.org.zone\n"
        path.write_text(text.replace(file, "    master: primary\n    file: copy.zone\n"))
        return command


def secondary_on_knot(site: Site) -> Mapping[str, str]:
    site.start(Bind(ONE, {"example.org": PAIR.format(serial=5)}, [KEY]))
    site.start(FetchingKnot(TWO, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


CATALOG = "@ SOA invalid. invalid. 1 60 60 86400 60\n@ NS invalid.\nversion TXT 2\nx.zones PTR example.org.\n"


def secondary_by_a_catalog(site: Site) -> Mapping[str, str]:
    zones = {"example.org": PAIR.format(serial=5), "catalog.example.net": CATALOG}
    site.start(Bind(ONE, zones, [KEY]))
    clause = (
        f'zone "catalog.example.net" {{ type secondary; primaries {{ {ONE} key hook; }}; '
        'file "{folder}/catalog"; };'
    )
    primaries = f"default-primaries {{ {ONE} key hook; }}"
    option = f'catalog-zones {{ zone "catalog.example.net" {primaries} in-memory yes; }};'
    server = site.start(RawBind(TWO, [clause], {}, option))
    until(lambda: server.ask("example.org", "SOA").answer)
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


def views_of_which_the_world_sees_the_one_that_is_updated(site: Site) -> Mapping[str, str]:
    inner = site.folder / "inner.zone"
    inner.write_text("$TTL 60\n@ SOA ns hostmaster 90 3600 600 86400 60\n@ NS ns\nns A 127.1.0.1\n")
    views = (
        'view "inside" { match-clients { 10.0.0.1; }; '
        f'zone "example.org" {{ type primary; file "{inner}"; }}; }};\n'
        'view "outside" { match-clients { any; }; zone "example.org" { type primary; file "{example.org}"; '
        'allow-update { key "hook"; }; }; };'
    )
    site.start(RawBind(ONE, [views], {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def a_limited_rate(site: Site) -> Mapping[str, str]:
    limit = "rate-limit { responses-per-second 20; slip 2; };"
    site.start(Bind(ONE, {"example.org": ""}, [KEY], extra_options=limit))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def a_limited_rate_without_truncation(site: Site) -> Mapping[str, str]:
    limit = "rate-limit { responses-per-second 25; slip 0; };"
    site.start(Bind(ONE, {"example.org": ""}, [KEY], extra_options=limit))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def fifty_questions_a_second_of_one_address(site: Site) -> Mapping[str, str]:
    """As a load balancer before the servers has it, whatever is asked: MaxQPSIPRule(50) of dnsdist."""
    for server in site.world.zone("example.org", BOTH).servers:
        server.rate_limit = RateLimit(50, slip=0)
    return {}


def a_ds_of_a_key_that_is_to_come(site: Site) -> Mapping[str, str]:
    account = _signed(site)
    site.world.zones["org"].add("example.org", "DS", "4711 13 2 " + "ab" * 32)
    return account


def a_ds_of_an_algorithm_that_nobody_knows(site: Site) -> Mapping[str, str]:
    account = _signed(site)
    site.world.zones["org"].set("example.org", "DS", "4711 3 1 " + "ab" * 20)
    return account


def a_dname_above_the_domain(site: Site) -> Mapping[str, str]:
    head = f"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {ONE}\n"
    site.start(Bind(ONE, {"example.org": f"{head}_acme-challenge DNAME acme.example.org.\n"}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def caa_in_capitals(site: Site) -> Mapping[str, str]:
    records = ('0 issue "letsencrypt.org"', '128 issuewild "LetsEncrypt.ORG"')
    site.world.zone("example.org", BOTH).set("example.org", "CAA", *records)
    return {}


def signed_with_nsec3(site: Site) -> Mapping[str, str]:
    return _signed(site, nsec3=True)


def signed_with_opt_out(site: Site) -> Mapping[str, str]:
    return _signed(
        site, text="sub NS ns.sub\nns.sub A 192.0.2.1\nwww A 192.0.2.1\n", nsec3=True, opt_out=True
    )


def signed_with_rsa(site: Site) -> Mapping[str, str]:
    return _signed(site, algorithm="RSASHA256")


def signed_with_a_caa(site: Site) -> Mapping[str, str]:
    return _signed(site, text='@ CAA 0 issue "letsencrypt.org"\nwww A 192.0.2.1\n')


def signed_with_a_wildcard(site: Site) -> Mapping[str, str]:
    return _signed(site, text='*.example.org. A 192.0.2.1\n* TXT "v=spf1 -all"\nsub.www A 192.0.2.1\n')


def signed_with_a_wildcard_and_nsec3(site: Site) -> Mapping[str, str]:
    return _signed(site, text='* A 192.0.2.1\n* TXT "v=spf1 -all"\nsub.www A 192.0.2.1\n', nsec3=True)


def _signed(site: Site, text: str = "", **how: Any) -> Mapping[str, str]:
    head = f"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {ONE}\n"
    server = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": head + text}, **how))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


def signed_by_powerdns(site: Site) -> Mapping[str, str]:
    return _signed_by_powerdns(site)


def signed_by_powerdns_with_nsec3(site: Site) -> Mapping[str, str]:
    return _signed_by_powerdns(site, ["set-nsec3", "example.org", "1 0 0 -"], ["rectify-zone", "example.org"])


def signed_by_powerdns_with_nsec3_narrow(site: Site) -> Mapping[str, str]:
    return _signed_by_powerdns(site, ["set-nsec3", "example.org", "1 0 0 -", "narrow"])


def _signed_by_powerdns(site: Site, *more: list[str]) -> Mapping[str, str]:
    server = site.start(
        PowerDNS(ONE, {"example.org": ""}, extra_options="gsqlite3-dnssec=yes\ndomain-metadata-cache-ttl=0\n")
    )
    for words in (["secure-zone", "example.org"], *more, ["export-zone-ds", "example.org"]):
        command = ["pdnsutil", f"--config-dir={server.folder}", *words]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ds = [line.split(";")[0].partition(" DS ")[2].strip() for line in said.splitlines() if " DS " in line]
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *ds)
    return site.powerdns(server)


def signed_with_an_unsigned_challenge_zone(site: Site) -> Mapping[str, str]:
    account = _signed(site, text=f"{NAME}. NS ns9\nns9 A 127.1.0.9\n")
    soa = "@ SOA ns9.example.org. hostmaster.example.org. 1 3600 600 86400 60\n@ NS ns9.example.org."
    site.start(Knot("127.1.0.9", {NAME: soa}, [KEY]))
    return {**account, **site.updates("127.1.0.9")}


def signed_by_one_that_sees_only_its_own_serials(site: Site) -> Mapping[str, str]:
    """A hidden primary, and a signer between it and the world that counts by itself."""
    text = "@ SOA ns hostmaster 3 3600 600 86400 60\n@ NS ns\nns A 127.1.0.1\n"
    account = _signed(site)
    site.start(Bind("127.1.0.9", {"example.org": text.replace(" 3 ", " 0 ")}, [KEY]))
    return {**account, **site.updates("127.1.0.9")}


def an_api_that_names_its_servers(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", BOTH)
    return {"DNS01_MEMORY_NAME_SERVERS": "ns1.example.org ns2.example.org"}


def vanity_name_servers(site: Site) -> Mapping[str, str]:
    site.world.zone("hoster.net", {"ns1.hoster.net": ONE})
    site.world.zone("example.org", {"ns1.example.org": ONE})
    return {"DNS01_MEMORY_NAME_SERVERS": "ns1.hoster.net"}


def vanity_name_servers_at_addresses_of_their_own(site: Site) -> Mapping[str, str]:
    """Or others that copy the zone from the account's: their SOA names the account's in any case."""
    site.world.zone("hoster.net", {"ns1.hoster.net": ONE})
    site.world.zone("example.org", {"ns1.example.org": TWO}, OF_THE_HOSTER)
    return {"DNS01_MEMORY_NAME_SERVERS": "ns1.hoster.net"}


def vanity_name_servers_of_the_last_of_many(site: Site) -> Mapping[str, str]:
    hosts = {f"ns{number}.hoster.net": f"127.1.{number}.1" for number in range(1, 13)}
    site.world.zone("hoster.net", {**hosts, "ns13.hoster.net": "fd53::1"})
    site.world.zone("example.org", {"ns1.example.org": [ONE, "fd53::1"]})
    return {"DNS01_MEMORY_NAME_SERVERS": " ".join([*hosts, "ns13.hoster.net"])}


def vanity_name_servers_of_a_hoster_whose_own_names_cannot_be_looked_up(site: Site) -> Mapping[str, str]:
    site.world.delegate("hoster.net", {"ns1.hoster.net": THREE})
    site.world.zone("example.org", {"ns1.example.org": ONE})
    return {"DNS01_MEMORY_NAME_SERVERS": "ns1.hoster.net ns2.hoster.net"}


def servers_that_each_name_themselves_as_primary(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    site.copy(TWO, PAIR.format(serial=1).replace("SOA ns1", "SOA ns2"))
    site.world.zones["example.org"].set("example.org", "NS", "ns1.example.org.", "ns2.example.org.")
    site.world.zones["example.org"].set("ns2.example.org", "A", TWO)
    site.world.delegate("example.org", BOTH)
    return {}


def thirteen_servers(site: Site) -> Mapping[str, str]:
    site.world.zone(
        "example.org", {f"ns{number}.example.org": f"127.1.{number}.1" for number in range(1, 14)}
    )
    return {}


def a_spf_wildcard(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", BOTH).set("*.example.org", "TXT", "v=spf1 -all")
    return {}


def ten_cnames(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", BOTH)
    zone.set(NAME, "CNAME", "hop1.example.org.")
    for hop in range(1, 10):
        zone.set(f"hop{hop}.example.org", "CNAME", f"hop{hop + 1}.example.org.")
    return {}


def nameservers_named(site: Site) -> Mapping[str, str]:
    site.bind()
    return {**site.updates(ONE), "DNS01_NAMESERVERS": ONE}


def caa_at_a_cnames_target(site: Site) -> Mapping[str, str]:
    site.world.zone("cdn.net", {"ns.cdn.net": THREE}).set("host.cdn.net", "CAA", '0 issue "letsencrypt.org"')
    site.world.zone("example.org", BOTH).set("www.example.org", "CNAME", "host.cdn.net.")
    return {}


def servers_on_the_other_side_of_the_world(site: Site) -> Mapping[str, str]:
    for server in site.world.zone("example.org", BOTH).servers:
        server.delay = 0.3
    return {}


def servers_of_one_family_each_in_mixed_case(site: Site) -> Mapping[str, str]:
    text = PAIR.format(serial=5).replace("A 127.1.0.2", "AAAA fd53::2").replace("NS ns", "NS Ns")
    for address in (ONE, "fd53::2"):
        site.start(NameServer(address, zones=[Zone("example.org", text)]))
    site.world.delegate("example.org", {"nS1.example.org": ONE, "nS2.example.org": "fd53::2"})
    return {}


class Lossy(NameServer):
    """A server of whose datagrams every third is lost."""

    datagrams = 0

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        self.datagrams += over == "udp"
        return None if over == "udp" and self.datagrams % 3 == 0 else super().answer(query, over)


def datagrams_that_are_lost_by_chance(site: Site) -> Mapping[str, str]:
    for address in (ONE, TWO):
        site.start(Lossy(address, zones=[Zone("example.org", PAIR.format(serial=5))]))
    site.world.delegate("example.org", BOTH)
    return {}


def glue_of_one_family_only(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": [ONE, "fd53::1"]})
    site.world.zones["org"].remove("ns1.example.org", "AAAA")
    return {}


SETUPS = (
    bind,
    knot,
    powerdns,
    standalone_by_delegation,
    standalone_by_cname,
    standalone_that_nobody_has_named,
    standalone_by_cname_that_nobody_has_named,
    cname_delegated,
    zone_delegated,
    signed_by_hand,
    signed_by_the_server,
    ipv6_only,
    many_servers,
    servers_in_other_zones,
    with_caa,
    primary_and_secondary,
    servers_that_say_who_they_are_and_as_little_or_as_much_as_they_may,
    hidden_primary,
    renumbered_and_hidden,
    hidden_primary_that_the_soa_does_not_name,
    secondary_on_knot,
    secondary_by_a_catalog,
    views_of_which_the_world_sees_the_one_that_is_updated,
    a_limited_rate,
    a_limited_rate_without_truncation,
    fifty_questions_a_second_of_one_address,
    a_ds_of_a_key_that_is_to_come,
    a_ds_of_an_algorithm_that_nobody_knows,
    a_dname_above_the_domain,
    caa_in_capitals,
    signed_with_nsec3,
    signed_with_opt_out,
    signed_with_rsa,
    signed_with_a_caa,
    signed_with_a_wildcard,
    signed_with_a_wildcard_and_nsec3,
    signed_by_powerdns,
    signed_by_powerdns_with_nsec3,
    signed_by_powerdns_with_nsec3_narrow,
    signed_with_an_unsigned_challenge_zone,
    signed_by_one_that_sees_only_its_own_serials,
    an_api_that_names_its_servers,
    vanity_name_servers,
    vanity_name_servers_at_addresses_of_their_own,
    vanity_name_servers_of_the_last_of_many,
    vanity_name_servers_of_a_hoster_whose_own_names_cannot_be_looked_up,
    servers_that_each_name_themselves_as_primary,
    thirteen_servers,
    a_spf_wildcard,
    ten_cnames,
    nameservers_named,
    caa_at_a_cnames_target,
    servers_on_the_other_side_of_the_world,
    servers_of_one_family_each_in_mixed_case,
    datagrams_that_are_lost_by_chance,
    glue_of_one_family_only,
)


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("domain", ["example.org", "*.example.org"])
def test_nothing_is_found(site: Site, domain: str, setup: Callable[[Site], Mapping[str, str]]) -> None:
    diagnosis = site.diagnose(domain, setup(site))

    assert diagnosis.ordered == []
    assert diagnosis.delegation.servers
    assert "_acme-challenge" not in site.world.resolver.log


def test_nothing_is_found_where_the_way_to_the_own_server_at_a_cnames_end_is_slow(
    site: Site,
) -> None:
    assert site.diagnose("example.org", standalone_by_cname(site), head_start=0.0).ordered == []


def test_every_subject_has_its_check() -> None:
    assert list(CHECKS) == [
        "configuration", "delegation", "scope", "path", "servers", "questions", "dnssec", "views", "caa",
        "leftovers", "client", "clock",
    ]  # fmt: skip


def test_only_a_trial_record_tells_whether_a_primary_passes_a_change_on(site: Site) -> None:
    diagnosis = site.diagnose("example.org", powerdns(site))

    assert verdict([diagnosis]).startswith("ready to order; only --write tells")
