"""Faults of the second kind: what a CA's validating resolver asks, and no plain question shows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from calls import KEY
from setups import BOTH, FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from signed import SignedBind, SignedKnot
from testbed import NameServer, PowerDNS
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
HEAD = "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.1.0.1\n"
PAIR = "@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
CAA = '@ CAA 0 issue "letsencrypt.org"\n'
DENIALS = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}

Spoil = Callable[[dns.message.Message], None]


class Spoilt(NameServer):
    """A signed server whose answers of one type are changed on their way."""

    def __init__(self, address: str, behind: str, type: str, spoil: Spoil) -> None:
        super().__init__(address)
        self._behind, self._type, self._spoil = behind, type, spoil

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        answer = dns.query.tcp(query, self._behind, timeout=5)
        if self._type in ("*", dns.rdatatype.to_text(query.question[0].rdtype)):
            self._spoil(answer)
        return answer


def without_denial(answer: dns.message.Message) -> None:
    def kept(rrset):  # type: ignore[no-untyped-def]
        return rrset.rdtype not in DENIALS and rrset.covers not in DENIALS

    answer.authority = [rrset for rrset in answer.authority if kept(rrset)]


def without_signatures(answer: dns.message.Message) -> None:
    answer.answer = [rrset for rrset in answer.answer if rrset.rdtype != dns.rdatatype.RRSIG]


def denied(answer: dns.message.Message) -> None:
    answer.set_rcode(dns.rcode.NXDOMAIN)


class Narrow(Spoilt):
    """The same behind a firewall that lets datagrams of 512 octets through, and no TCP."""

    def __init__(self, address: str, behind: str) -> None:
        super().__init__(address, behind, "", without_denial)
        self.drop_tcp = True

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        answer = super().answer(query, over)
        assert answer is not None
        return answer if min(len(answer.to_wire()), query.payload) <= 512 else None


def signed(site: Site, text: str = HEAD, **how: object) -> SignedBind:
    """example.org, signed, at ONE."""
    server = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": text}, **how))  # type: ignore[arg-type]
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return server


def spoilt(site: Site, type: str, spoil: Spoil, text: str = HEAD, **how: object) -> None:
    """The same behind a server that spoils its answers."""
    server = site.start(SignedBind(site.folder / "keys", TWO, {"example.org": text}, **how))  # type: ignore[arg-type]
    site.start(Spoilt(ONE, TWO, type, spoil))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)


@FAULTS.add("dnssec-bogus", "CAA", "NSEC3")
def the_denial_of_the_caa_lacks_its_nsec3(site: Site) -> Account:
    spoilt(site, "CAA", without_denial, nsec3=True)
    return {}


@FAULTS.add(
    "dnssec-bogus",
    "on ns.example.org itself: dig +dnssec +norec CAA example.org @localhost",
    "a load balancer, a DNS proxy or a firewall before it strips them",
    "sign example.org again",
)
def the_denial_of_the_caa_lacks_its_nsec(site: Site) -> Account:
    spoilt(site, "CAA", without_denial)
    return {}


def narrow(site: Site, algorithm: str) -> Account:
    server = site.start(
        SignedBind(site.folder / "keys", THREE, {"example.org": PAIR}, algorithm=algorithm, nsec3=True)
    )
    for address in BOTH.values():
        site.start(Narrow(address, THREE))
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


@FAULTS.add(
    "large-lost", "TCP is closed", "let TCP port 53 through to ns1.example.org, ns2.example.org", "1232"
)
def large_answers_are_lost_and_tcp_is_closed(site: Site) -> Account:
    return narrow(site, "RSASHA256")


def before_the_account(site: Site, type: str, spoil: Spoil) -> Account:
    """The account's own server is signed well; the one that the world is led to spoils its answers."""
    server = site.start(SignedKnot(TWO, {"example.org": HEAD}, [KEY]))
    site.start(Spoilt(ONE, TWO, type, spoil))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return site.updates(TWO)


@FAULTS.add(
    "dnssec-bogus", f"the account's server {TWO} has it right", 'ns.example.org proves any "no"', "presigned"
)
def the_public_server_gives_no_denials_and_the_accounts_does(site: Site) -> Account:
    return before_the_account(site, "*", without_denial)


@FAULTS.add("dnssec-bogus", f"the account's server {TWO} has it right", "gives signatures at all")
def the_public_server_gives_no_signatures_and_the_accounts_does(site: Site) -> Account:
    return before_the_account(site, "*", without_signatures)


@FAULTS.add("dnssec-bogus", "the CAA of example.org")
def the_caa_has_no_signature(site: Site) -> Account:
    spoilt(site, "CAA", without_signatures, HEAD + CAA)
    return {}


@FAULTS.add("dnssec-bogus", f"{NAME} has no TXT")
def the_denial_of_the_challenge_lacks_its_proof(site: Site) -> Account:
    spoilt(site, "TXT", without_denial)
    return {}


@FAULTS.add("dnssec-bogus", "CAA")
def the_caa_of_a_name_that_exists_is_denied(site: Site) -> Account:
    spoilt(site, "CAA", denied, HEAD + "www A 192.0.2.1\n")
    return {}


FAULTS[-1] = FAULTS[-1]._replace(domain="www.example.org")


@FAULTS.add(
    "dnssec-bogus",
    "a CNAME leads from www.example.org into cdn.net",
    "if cdn.net is somebody else's, tell them, or put addresses in the place of the CNAME of www.example.org",
)
def the_caas_cname_leads_into_a_bogus_zone(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("www.example.org", "CNAME", "host.cdn.net.")
    server = site.start(SignedBind(site.folder / "k", FOUR, {"cdn.net": HEAD.replace(ONE, FOUR)}, days=-0.1))
    site.world.delegate("cdn.net", {"ns.cdn.net": FOUR})
    site.world.zones["net"].set("cdn.net", "DS", *server.ds)
    return {}


FAULTS[-1] = FAULTS[-1]._replace(domain="www.example.org")


@FAULTS.add("caa-servfail", "cdn.net")
def the_caas_cname_leads_into_a_dead_zone(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("www.example.org", "CNAME", "host.cdn.net.")
    site.world.delegate("cdn.net", {"ns.cdn.net": "127.9.9.1"})
    return {}


FAULTS[-1] = FAULTS[-1]._replace(domain="www.example.org")


@FAULTS.add("dnssec-bogus", "challenges.net")
def the_challenges_cname_leads_into_a_bogus_zone(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "example.challenges.net.")
    text = HEAD.replace(ONE, FOUR)
    server = site.start(SignedBind(site.folder / "k", FOUR, {"challenges.net": text}, days=-0.1))
    site.world.delegate("challenges.net", {"ns.challenges.net": FOUR})
    site.world.zones["net"].set("challenges.net", "DS", *server.ds)
    return {"DNS01_MEMORY_ZONES": "challenges.net"}


@FAULTS.add("dnssec-bogus", "expired on", "rndc sign example.org", "a key-signing key, offline")
def all_signatures_have_expired(site: Site) -> Account:
    signed(site, days=-0.1, since=-9)
    return {}


@FAULTS.add("dnssec-bogus", "not valid before", "timedatectl set-ntp true")
def the_signatures_are_of_the_future(site: Site) -> Account:
    signed(site, since=1)
    return {}


@FAULTS.add("dnssec-bogus", "expired on", "rndc retransfer example.org", "ns2.example.org")
def the_signatures_have_expired_on_one_server(site: Site) -> Account:
    keys = site.folder / "keys"
    site.start(SignedBind(keys, TWO, {"example.org": PAIR}, days=-0.1, since=-9))
    server = site.start(SignedBind(keys, ONE, {"example.org": PAIR}))
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


@FAULTS.add("dnssec-bogus", "is not signed", "ns2.example.org")
def one_server_has_an_unsigned_copy(site: Site) -> Account:
    server = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": PAIR}))
    site.copy(TWO, PAIR)
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


@FAULTS.add("dnssec-bogus", "is not signed", "DS record of example.org")
def the_zone_is_unsigned_and_has_a_ds(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", "4711 13 2 " + "ab" * 32)
    return {}


@FAULTS.add("dnssec-bogus", "key tag", "example.org. DS ")
def the_ds_is_of_an_old_key(site: Site) -> Account:
    signed(site)
    site.world.zones["org"].set("example.org", "DS", "4711 13 2 " + "ab" * 32)
    return {}


@FAULTS.add("dnssec-bogus", "algorithm", "example.org. DS ")
def the_ds_has_another_algorithm_than_the_key(site: Site) -> Account:
    tag, _, rest = signed(site).ds[0].split(maxsplit=2)
    site.world.zones["org"].set("example.org", "DS", f"{tag} 8 {rest}")
    return {}


@FAULTS.add("dnssec-bogus", "digest", "example.org. DS ")
def the_ds_has_a_wrong_digest(site: Site) -> Account:
    tag, algorithm, _ = signed(site).ds[0].split(maxsplit=2)
    site.world.zones["org"].set("example.org", "DS", f"{tag} {algorithm} 2 " + "ab" * 32)
    return {}


@FAULTS.add("dnssec-bogus", "sub.example.org")
def a_child_with_a_ds_of_nobody_beneath_a_signed_parent(site: Site) -> Account:
    text = HEAD + "sub NS ns.sub\nns.sub A 127.1.0.3\nsub DS 4711 13 2 " + "ab" * 32 + "\n"
    signed(site, text)
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, delegated=False)
    return {"DNS01_MEMORY_ZONES": "sub.example.org"}


FAULTS[-1] = FAULTS[-1]._replace(domain="sub.example.org")


@FAULTS.add("dnssec-bogus", "example.org is broken")
def the_zone_above_is_bogus(site: Site) -> Account:
    signed(site, HEAD + "sub NS ns.sub\nns.sub A 127.1.0.3\n", days=-0.1, since=-9)
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, delegated=False)
    return {"DNS01_MEMORY_ZONES": "sub.example.org"}


FAULTS[-1] = FAULTS[-1]._replace(domain="sub.example.org")


@FAULTS.add("dnssec-bogus", "sub.example.org has no DS")
def the_parent_does_not_prove_that_the_child_is_unsigned(site: Site) -> Account:
    spoilt(site, "DS", without_denial, HEAD + "sub NS ns.sub\nns.sub A 127.1.0.3\n")
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, delegated=False)
    return {"DNS01_MEMORY_ZONES": "sub.example.org"}


FAULTS[-1] = FAULTS[-1]._replace(domain="sub.example.org")


@FAULTS.add("dnssec-bogus", "rectify-zone example.org")
def powerdns_mixes_nsec_and_nsec3_after_a_change(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": HEAD}, extra_options="gsqlite3-dnssec=yes\n"))
    pdnsutil = ["pdnsutil", f"--config-dir={server.folder}"]
    subprocess.run([*pdnsutil, "secure-zone", "example.org"], check=True, capture_output=True)
    subprocess.run([*pdnsutil, "set-nsec3", "example.org", "1 0 0 -"], check=True, capture_output=True)
    subprocess.run([*pdnsutil, "rectify-zone", "example.org"], check=True, capture_output=True)
    shown = subprocess.run(
        [*pdnsutil, "export-zone-ds", "example.org"], check=True, capture_output=True, text=True
    )
    ds = [
        line.split(";")[0].partition(" DS ")[2].strip()
        for line in shown.stdout.splitlines()
        if " DS " in line
    ]
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *ds)
    return {}


@FAULTS.add("dnssec-bogus", "DNSKEY", "sign example.org again")
def a_key_was_added_and_the_keys_not_signed_again(site: Site) -> Account:
    other = dns.rrset.from_text("example.org.", 60, "IN", "DNSKEY", f"256 3 13 {'A' * 86}==")[0]

    def with_another_key(answer: dns.message.Message) -> None:
        for rrset in answer.answer:
            if rrset.rdtype == dns.rdatatype.DNSKEY:
                rrset.add(other)

    spoilt(site, "DNSKEY", with_another_key)
    return {}


@FAULTS.add("dnssec-bogus", "signature of its SOA")
def the_zone_is_still_signed_with_a_key_that_is_gone(site: Site) -> Account:
    keys = site.start(SignedBind(site.folder / "keys", TWO, {"example.org": HEAD}))
    site.start(SignedBind(site.folder / "old", THREE, {"example.org": HEAD}))

    class OfTwo(NameServer):
        def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
            behind = TWO if query.question[0].rdtype == dns.rdatatype.DNSKEY else THREE
            return dns.query.tcp(query, behind, timeout=5)

    site.start(OfTwo(ONE))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *keys.ds)
    return {}


@FAULTS.add("dnssec-bogus", "its DNSKEY", "gives signatures at all", "ns2.example.org")
def one_server_knows_nothing_of_dnssec(site: Site) -> Account:
    keys = site.folder / "keys"
    server = site.start(SignedBind(keys, ONE, {"example.org": PAIR}))
    site.start(SignedBind(keys, THREE, {"example.org": PAIR}))

    def without_dnssec(answer: dns.message.Message) -> None:
        without_denial(answer)
        without_signatures(answer)

    site.start(Spoilt(TWO, THREE, "*", without_dnssec))
    site.world.delegate("example.org", BOTH)
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


@FAULTS.add("zone-down", "truncated", "TCP port 53")
def the_signed_answers_are_large_and_tcp_is_closed(site: Site) -> Account:
    behind = site.start(SignedBind(site.folder / "keys", TWO, {"example.org": HEAD}, algorithm="RSASHA512"))

    class Narrow(NameServer):
        def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
            answer = dns.query.tcp(query, TWO, timeout=5)
            if len(answer.to_wire()) > 700:
                answer.flags |= dns.flags.TC
                answer.answer, answer.authority, answer.additional = [], [], []
            return answer

    site.start(Narrow(ONE)).drop_tcp = True
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *behind.ds)
    return {}


class Iterating(SignedKnot):
    """Knot with NSEC3, and that many iterations."""

    iterations = 200

    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        policy = f"policy:\n  - id: old\n    nsec3: on\n    nsec3-iterations: {self.iterations}\n"
        text = path.read_text().replace(
            "dnssec-signing: on\n", "dnssec-signing: on\n    dnssec-policy: old\n"
        )
        path.write_text(policy + text)
        return command


@FAULTS.add("nsec3-iterations", "200 iterations", "RFC 9276", severity=Severity.WARNING)
def nsec3_has_more_iterations_than_anybody_computes(site: Site) -> Account:
    server = site.start(Iterating(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return site.updates(ONE)


@FAULTS.add("caa-servfail", "the CNAMEs have no end", "www.example.org -> web.example.org",
            domain="www.example.org")  # fmt: skip
def the_cnames_of_the_domain_go_round_in_a_circle(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("www.example.org", "CNAME", "web.example.org.")
    zone.set("web.example.org", "CNAME", "www.example.org.")
    return {}


@FAULTS.add("caa-forbids", "host.cdn.net", "somebody else's", domain="www.example.org")
def the_caa_of_a_cnames_target_forbids(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("www.example.org", "CNAME", "host.cdn.net.")
    site.world.zone("cdn.net", {"ns.cdn.net": FOUR}).set("host.cdn.net", "CAA", '0 issue "pki.goog"')
    return {}


@FAULTS.add("caa-critical", "'tbs'", "remove it")
def the_caa_has_a_critical_property_that_nobody_knows(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("example.org", "CAA", '128 tbs "x"', '0 issue "letsencrypt.org"')
    return {}


@FAULTS.add("caa-forbids", "malformed", 'example.org. CAA 0 issue "letsencrypt.org"')
def the_caa_names_a_url(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("example.org", "CAA", '0 issue "https://letsencrypt.org"')
    return {}


ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/{}"


@FAULTS.add("caa-account", ACCOUNT.format(2), f"accounturi={ACCOUNT.format(2)}")
def the_caa_is_for_another_account(site: Site) -> Account:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT.format(1)}"'
    site.world.zone("example.org", BOTH).set("example.org", "CAA", record)
    return {"DNS01_CA_ACCOUNT": ACCOUNT.format(2)}


@FAULTS.add("caa-account", ACCOUNT.format(1), "ca_account in config.toml", severity=Severity.WARNING)
def the_caa_is_for_one_account_and_nobody_says_which_one_orders(site: Site) -> Account:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT.format(1)}"'
    site.world.zone("example.org", BOTH).set("example.org", "CAA", record)
    return {}


@FAULTS.add("caa-wildcard", 'example.org. CAA 0 issuewild "letsencrypt.org"', domain="*.www.example.org")
def the_caa_of_the_zone_above_has_another_ca_for_wildcards(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("example.org", "CAA", '0 issue "letsencrypt.org"', '0 issuewild "pki.goog"')
    return {}


@FAULTS.add("signature-expiring", "expires on", severity=Severity.WARNING)
def nobody_renews_the_signatures(site: Site) -> Account:
    signed(site, days=0.5, since=-29)
    return {}


@FAULTS.add("caa-servfail", "example.org")
def the_servers_fail_at_caa(site: Site) -> Account:
    for server in site.world.zone("example.org", BOTH).servers:
        server.rcodes["example.org", "CAA"] = "SERVFAIL"
    return {}


@FAULTS.add("caa-forbids", 'example.org. CAA 0 issue "letsencrypt.org"')
def another_ca_alone_may_issue(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("example.org", "CAA", '0 issue "pki.goog"')
    return {}


@FAULTS.add("caa-wildcard", "issuewild", domain="*.example.org")
def nobody_may_issue_for_wildcards(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("example.org", "CAA", '0 issue "letsencrypt.org"', '0 issuewild ";"')
    return {}


@FAULTS.add("caa-method", "validationmethods=dns-01")
def the_caa_allows_http_only(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("example.org", "CAA", '0 issue "letsencrypt.org; validationmethods=http-01"')
    return {}


FAULTS[-1] = FAULTS[-1]._replace(words=("validationmethods=http-01,dns-01",))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
