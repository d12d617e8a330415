"""Faults of servers that have the zone, and still do not answer what a CA asks as it asks it: by type, in
mixed case, with EDNS, over TCP."""

from __future__ import annotations

from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from calls import KEY
from setups import BOTH, FOUR, NAME, ONE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, NameServer, Unbound, Zone
from testbed.firewall import answering_from
from testbed.nameserver import RateLimit
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
FIVE = "127.1.0.5"
PAIR = "@ SOA ns1 hostmaster 3 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
LARGE = [f'0 issue "letsencrypt.org; policy={"x" * 60}{number}"' for number in range(30)]

Change = Callable[[dns.message.Message, dns.message.Message, Transport], dns.message.Message | None]


class Changing(NameServer):
    """A server whose answers something on the way changes, or drops."""

    def __init__(self, address: str, zone: Zone, change: Change) -> None:
        super().__init__(address, zones=[zone])
        self._change = change

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        assert response is not None
        return self._change(response, query, over)


def changed(site: Site, change: Change, *, one: bool = False) -> Account:
    """example.org at two servers, both of which change their answers, or the second alone."""
    zone = Zone("example.org", PAIR)
    site.start(NameServer(ONE, zones=[zone]) if one else Changing(ONE, zone, change))
    site.start(Changing(TWO, zone, change))
    site.world.delegate("example.org", BOTH)
    return {}


# Types


def dropping(type: str) -> Change:
    return lambda response, query, over: (
        None if dns.rdatatype.to_text(query.question[0].rdtype) == type else response
    )


def without_authority(type: str) -> Change:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        if dns.rdatatype.to_text(query.question[0].rdtype) == type:
            response.flags &= ~dns.flags.AA
        return response

    return change


@FAULTS.add("caa-unanswered", "ns2.example.org", "never to questions for CAA", "firewall",
            severity=Severity.WARNING)  # fmt: skip
def one_server_drops_questions_for_caa(site: Site) -> Account:
    return changed(site, dropping("CAA"), one=True)


@FAULTS.add("caa-servfail", "firewall", domain="shop.www.example.org")
def all_servers_of_a_cnames_target_drop_questions_for_caa(site: Site) -> Account:
    hosts = {"ns1.cdn.net": FOUR, "ns2.cdn.net": FIVE}
    zone = Zone("cdn.net", "lb A 192.0.2.1", hosts)
    for address in hosts.values():
        site.start(Changing(address, zone, dropping("CAA")))
    site.world.delegate("cdn.net", hosts)
    site.world.zone("example.org", BOTH, "shop.www CNAME lb.cdn.net.")
    return {}


@FAULTS.add("caa-servfail", "firewall", "dig CAA example.org")
def all_servers_drop_questions_for_caa(site: Site) -> Account:
    return changed(site, dropping("CAA"))


@FAULTS.add("txt-unanswered", "ns2.example.org", NAME, severity=Severity.WARNING)
def one_server_drops_questions_for_txt(site: Site) -> Account:
    return changed(site, dropping("TXT"), one=True)


@FAULTS.add("txt-unanswered", "without authority", NAME)
def the_servers_answer_for_txt_without_authority(site: Site) -> Account:
    return changed(site, without_authority("TXT"))


@FAULTS.add("caa-servfail", "not with authority", "older than CAA")
def the_servers_answer_for_caa_without_authority(site: Site) -> Account:
    return changed(site, without_authority("CAA"))


@FAULTS.add("caa-unanswered", "without the SOA", severity=Severity.WARNING)
def the_denial_of_the_caa_lacks_its_soa(site: Site) -> Account:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        if query.question[0].rdtype == dns.rdatatype.CAA:
            response.authority = []
        return response

    return changed(site, change)


def failing(rcode: str) -> Callable[[Site], Account]:
    def build(site: Site) -> Account:
        site.world.zone("example.org", BOTH).servers[1].rcodes["example.org", "CAA"] = rcode
        return {}

    build.__name__ = f"one_server_says_{rcode}_to_caa"
    return build


for each in ("SERVFAIL", "NOTIMP", "REFUSED", "FORMERR"):
    FAULTS.add("caa-unanswered", "ns2.example.org", f"says {each}", severity=Severity.WARNING)(failing(each))


@FAULTS.add("caa-servfail", "NOTIMP", "older than CAA")
def no_server_knows_caa(site: Site) -> Account:
    for server in site.world.zone("example.org", BOTH).servers:
        server.rcodes["example.org", "CAA"] = "NOTIMP"
    return {}


# TCP


@FAULTS.add("caa-servfail", "truncated", "TCP port 53")
def the_caa_is_large_and_tcp_is_closed(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set("example.org", "CAA", *LARGE)
    for server in zone.servers:
        server.drop_tcp = True
    return {}


@FAULTS.add("txt-unanswered", "truncates", "let TCP port 53 through to ns1.example.org, ns2.example.org")
def there_are_many_old_values_and_tcp_is_closed(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    zone.set(NAME, "TXT", *(f"{number:043}" for number in range(40)))
    for server in zone.servers:
        server.drop_tcp = True
    return {}


@FAULTS.add("no-tcp", "ns2.example.org", "truncates", severity=Severity.WARNING)
def one_server_truncates_and_has_no_tcp(site: Site) -> Account:
    server = site.world.zone("example.org", BOTH).servers[1]
    server.truncate = server.drop_tcp = True
    return {}


@FAULTS.add("zone-down", "truncated", "TCP port 53")
def all_servers_truncate_and_have_no_tcp(site: Site) -> Account:
    for server in site.world.zone("example.org", BOTH).servers:
        server.truncate = server.drop_tcp = True
    return {}


@FAULTS.add("rate-limited", "limits the rate", severity=Severity.NOTE)
def the_server_limits_its_rate(site: Site) -> Account:
    limit = "rate-limit { responses-per-second 2; slip 1; };"
    site.start(Bind(ONE, {"example.org": ""}, [KEY], extra_options=limit))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


# EDNS


@FAULTS.add("edns-dropped", "+noedns", "ns1.example.org", severity=Severity.WARNING)
def datagrams_with_edns_are_dropped(site: Site) -> Account:
    return changed(
        site, lambda response, query, over: None if query.edns >= 0 and over == "udp" else response
    )


@FAULTS.add("edns-dropped", "+noedns", "ns1.example.org", "over UDP or TCP")
def all_that_has_edns_is_dropped(site: Site) -> Account:
    return changed(site, lambda response, query, over: None if query.edns >= 0 else response)


@FAULTS.add("zone-down", "ns1.example.org")
def nothing_is_answered_with_edns_or_without(site: Site) -> Account:
    return changed(site, lambda response, query, over: None)


# Case


# Names that begin with an underscore


def without_underscores(rcode: str) -> Change:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message | None:
        if not query.question[0].name.labels[0].startswith(b"_"):
            return response
        refusal = dns.message.make_response(query)
        refusal.set_rcode(dns.rcode.from_text(rcode or "NOERROR"))
        refusal.flags |= dns.flags.AA if rcode == "NXDOMAIN" else 0
        return refusal if rcode else None

    return change


FILTERED = "underscore", "no dns-01 challenge can be seen there", f"have it let {NAME} through"


@FAULTS.add("underscore-refused", *FILTERED, "REFUSED", "each of the name servers")
def the_servers_refuse_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores("REFUSED"))


@FAULTS.add("underscore-refused", *FILTERED, "REFUSED", "ns2.example.org", severity=Severity.WARNING)
def one_server_refuses_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores("REFUSED"), one=True)


@FAULTS.add("underscore-refused", *FILTERED, "SERVFAIL")
def the_servers_fail_at_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores("SERVFAIL"))


@FAULTS.add("underscore-refused", *FILTERED, "FORMERR", severity=Severity.WARNING)
def one_server_finds_no_form_in_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores("FORMERR"), one=True)


@FAULTS.add("underscore-refused", *FILTERED, "timed out")
def the_servers_drop_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores(""))


@FAULTS.add("underscore-refused", *FILTERED, "dig TXT _dns01-doctor.example.org")
def one_server_denies_names_with_an_underscore(site: Site) -> Account:
    return changed(site, without_underscores("NXDOMAIN"), one=True)


def denying_underscores(
    response: dns.message.Message, query: dns.message.Message, over: Transport
) -> dns.message.Message:
    """As to any name that is not there: with the zone's own SOA."""
    if not query.question[0].name.labels[0].startswith(b"_"):
        return response
    apex = dns.name.from_text("example.org")
    soa = dns.rrset.from_text(
        apex, 60, "IN", "SOA", "ns1.example.org. hostmaster.example.org. 3 3600 600 86400 60"
    )
    denial = dns.message.make_response(query)
    denial.set_rcode(dns.rcode.NXDOMAIN)
    denial.flags |= dns.flags.AA
    denial.authority = [soa]
    return denial


DENIED = "(NXDOMAIN), and it does", "have it let names with an underscore through"


def denied(site: Site, text: str, *, one: bool = False) -> Account:
    """example.org with further records, and a filter before both servers, or before the second alone."""
    zone = Zone("example.org", PAIR + text)
    site.start(NameServer(ONE, zones=[zone]) if one else Changing(ONE, zone, denying_underscores))
    site.start(Changing(TWO, zone, denying_underscores))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("underscore-refused", *DENIED, "_dmarc.example.org", "ns2.example.org")
def one_server_denies_a_name_with_an_underscore_that_the_other_has(site: Site) -> Account:
    return denied(site, '_dmarc TXT "v=DMARC1; p=none"', one=True)


@FAULTS.add("underscore-refused", *DENIED, "_domainkey.example.org", "ns2.example.org")
def one_server_denies_what_has_names_beneath_it_at_the_other(site: Site) -> Account:
    return denied(site, 'mail._domainkey TXT "v=DKIM1; p="', one=True)


@FAULTS.add("underscore-refused", *DENIED, "_dmarc.example.org", "ns2.example.org")
def one_server_denies_the_name_that_is_a_cname_for_challenges(site: Site) -> Account:
    site.world.zone("challenges.net", {"ns.challenges.net": FOUR})
    text = f'_dmarc TXT "v=DMARC1; p=none"\n{NAME}. CNAME example.challenges.net.'
    return {**denied(site, text, one=True), "DNS01_MEMORY_ZONES": "challenges.net"}


@FAULTS.add("underscore-refused", *DENIED, "wildcard *.example.org", "--write", severity=Severity.WARNING)
def the_servers_deny_names_with_an_underscore_beside_a_wildcard(site: Site) -> Account:
    return denied(site, "* A 192.0.2.1")


@FAULTS.add("underscore-refused", *DENIED, "_dmarc.example.org", "the account's server 127.1.0.5")
def the_public_servers_deny_what_the_hidden_primary_has(site: Site) -> Account:
    text = PAIR + '_dmarc TXT "v=DMARC1; p=none"'
    site.start(Bind(FIVE, {"example.org": text}, [KEY]))
    denied(site, "")
    return site.updates(FIVE)


# Response rate limiting (RRL)


def limited(site: Site, limit: str, *, one: bool = False) -> Account:
    """example.org at two BINDs that limit the rate of their answers, or the second alone."""
    for address in BOTH.values():
        options = "" if one and address == ONE else f"rate-limit {{ {limit} }};"
        site.start(Bind(address, {"example.org": PAIR}, [KEY], extra_options=options))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


LIMITED = "RRL", "raise the limit at ns1.example.org, ns2.example.org", "slip 2"


@FAULTS.add("rate-limited", *LIMITED, severity=Severity.WARNING)
def the_servers_drop_all_answers_but_one_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 1; slip 0;")


@FAULTS.add("rate-limited", *LIMITED, severity=Severity.WARNING)
def the_servers_forget_soon_that_they_drop_answers(site: Site) -> Account:
    return limited(site, "responses-per-second 2; slip 0; window 1;")


@FAULTS.add("rate-limited", *LIMITED, severity=Severity.WARNING)
def the_servers_drop_all_answers_but_five_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 5; slip 0;")


@FAULTS.add("rate-limited", *LIMITED, severity=Severity.WARNING)
def the_servers_drop_all_answers_but_ten_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 10; slip 0;")


@FAULTS.add("rate-limited", *LIMITED, severity=Severity.WARNING)
def the_servers_drop_all_denials_but_one_a_second_too(site: Site) -> Account:
    kinds = ("responses", "nxdomains", "nodata", "referrals", "errors")
    return limited(site, f"{' '.join(f'{kind}-per-second 1;' for kind in kinds)} slip 0; window 5;")


@FAULTS.add("rate-limited", "RRL", "the name server ns2.example.org", severity=Severity.WARNING)
def one_server_drops_all_answers_but_one_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 1; slip 0;", one=True)


@FAULTS.add("rate-limited", "RRL", "raise the limit at ns1.example.net", severity=Severity.WARNING)
def the_server_behind_a_cname_drops_all_answers_but_one_a_second(site: Site) -> Account:
    site.world.zone("example.org", {"ns.example.org": FOUR}, f"{NAME}. CNAME example.net.")
    zone = site.world.zone("example.net", {"ns1.example.net": ONE})
    zone.servers[0].rate_limit = RateLimit(1, 0)
    return {"DNS01_MEMORY_ZONES": "example.net"}


@FAULTS.add("rate-limited", "truncates", "responses-per-second 20", severity=Severity.NOTE)
def the_servers_truncate_every_other_answer_above_five_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 5; slip 2;")


@FAULTS.add("rate-limited", "truncates", "responses-per-second 20", severity=Severity.NOTE)
def the_servers_truncate_all_answers_but_one_a_second(site: Site) -> Account:
    return limited(site, "responses-per-second 1; slip 1;")


def in_mixed_case(query: dns.message.Message) -> bool:
    name = query.question[0].name.to_text()
    return name != name.lower()


def rewritten(rewrite: Callable[[str], str]) -> Change:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        response.question = [
            dns.rrset.RRset(dns.name.from_text(rewrite(each.name.to_text())), each.rdclass, each.rdtype)
            for each in response.question
        ]
        return response

    return change


def by_case(rcode: str) -> Change:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        if in_mixed_case(query):
            response = dns.message.make_response(query)
            response.flags |= dns.flags.AA
            response.set_rcode(dns.rcode.from_text(rcode))
        return response

    return change


@FAULTS.add(
    "case-unkept", "does not copy the question", "ask once more", "small letters", severity=Severity.WARNING
)
def the_servers_write_the_question_in_lower_case(site: Site) -> Account:
    return changed(site, rewritten(str.lower))


@FAULTS.add("case-unkept", "does not copy the question", TWO, "QUESTION SECTION", severity=Severity.WARNING)
def one_server_writes_the_question_in_capitals(site: Site) -> Account:
    return changed(site, rewritten(str.upper), one=True)


@FAULTS.add("case-unkept", "denies", "ns2.example.org", "dig SOA ExAmPlE.OrG")
def one_server_denies_names_in_another_case(site: Site) -> Account:
    return changed(site, by_case("NXDOMAIN"), one=True)


@FAULTS.add("case-unkept", "REFUSED")
def the_servers_refuse_names_in_another_case(site: Site) -> Account:
    return changed(site, by_case("REFUSED"))


@FAULTS.add("case-unkept", "does not answer", severity=Severity.WARNING)
def one_server_drops_names_in_another_case(site: Site) -> Account:
    return changed(site, lambda response, query, over: None if in_mixed_case(query) else response, one=True)


# Who answers


@FAULTS.add("zone-down", "resolvers or forwarders", "ns2.example.org")
def a_forwarder_stands_where_the_name_server_should(site: Site) -> Account:
    site.start(Unbound(TWO, root_hints=site.world.root_hints))
    site.world.delegate("example.org", {"ns2.example.org": TWO})
    return {}


@FAULTS.add("lame-server", "a resolver or forwarder", severity=Severity.WARNING)
def one_of_the_name_servers_is_a_forwarder(site: Site) -> Account:
    site.start(Unbound(TWO, root_hints=site.world.root_hints))
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set("example.org", "NS", "ns1.example.org.", "ns2.example.org.")
    zone.set("ns2.example.org", "A", TWO)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("zone-parked", "take ns2.example.org out", "has no SOA of it", "waited for there in vain")
def one_server_gives_empty_answers(site: Site) -> Account:
    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        response.answer, response.authority, response.additional = [], [], []
        return response

    return changed(site, change, one=True)


@FAULTS.add("answers-from-elsewhere", f"asked at {TWO}", f"from {FOUR}", severity=Severity.WARNING)
def one_server_answers_from_another_address(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.start(answering_from(TWO, FOUR))
    return {}


@FAULTS.add("answers-from-elsewhere", f"asked at {TWO}")
def the_only_server_answers_from_another_address(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": TWO})
    site.start(answering_from(TWO, FOUR))
    return {}


# CNAMEs at the apex


def aliased(*but: str) -> Change:
    """A CNAME at the apex, for questions of all types but these."""

    def change(
        response: dns.message.Message, query: dns.message.Message, over: Transport
    ) -> dns.message.Message:
        (question,) = query.question
        apex = dns.name.from_text("example.org")
        if question.name == apex and dns.rdatatype.to_text(question.rdtype) not in but:
            response.answer = [dns.rrset.from_text(apex, 60, "IN", "CNAME", "lb.cdn.net.")]
            response.authority = []
        return response

    return change


@FAULTS.add("apex-cname", "lb.cdn.net", "CNAME of example.org")
def the_apex_is_a_cname(site: Site) -> Account:
    site.world.zone("cdn.net", {"ns.cdn.net": FOUR}).set("lb.cdn.net", "A", "192.0.2.1")
    return changed(site, aliased())


@FAULTS.add("apex-cname", "lb.cdn.net", severity=Severity.WARNING)
def the_apex_is_a_cname_beside_its_soa(site: Site) -> Account:
    site.world.zone("cdn.net", {"ns.cdn.net": FOUR}).set("lb.cdn.net", "A", "192.0.2.1")
    return changed(site, aliased("SOA", "NS"))


# What broke orders by public reports, and is not above


def empty_and_neither_with_authority_nor_soa(
    response: dns.message.Message, query: dns.message.Message, over: Transport
) -> dns.message.Message:
    asked = dns.rdatatype.to_text(query.question[0].rdtype)
    if asked in ("TXT", "CAA") and not response.answer:
        response.authority, response.flags = [], response.flags & ~dns.flags.AA
        response.set_rcode(dns.rcode.NOERROR)
    return response


@FAULTS.add("txt-unanswered", "without authority", "a load balancer or cache is no name server")
def a_backend_of_ones_own_gives_empty_answers(site: Site) -> Account:
    """community.letsencrypt.org, topic 207967."""
    return changed(site, empty_and_neither_with_authority_nor_soa)


def without_soa(
    response: dns.message.Message, query: dns.message.Message, over: Transport
) -> dns.message.Message:
    if not response.answer:
        response.authority = []
    return response


@FAULTS.add("txt-unanswered", "without the SOA", severity=Severity.WARNING)
def all_denials_lack_their_soa(site: Site) -> Account:
    """community.letsencrypt.org, topic 210483: unbound 1.18 took none of them, 1.19 does."""
    return changed(site, without_soa)


def failing_at_capitals(
    response: dns.message.Message, query: dns.message.Message, over: Transport
) -> dns.message.Message:
    name = query.question[0].name.to_text()
    if name != name.lower():
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.SERVFAIL)
    return response


@FAULTS.add("case-unkept", "says SERVFAIL", "0x20")
def the_servers_fail_at_capitals(site: Site) -> Account:
    """community.letsencrypt.org, topic 198263."""
    return changed(site, failing_at_capitals)


@FAULTS.add("no-tcp", "ns1.example.org, ns2.example.org", severity=Severity.WARNING)
def no_server_answers_over_tcp(site: Site) -> Account:
    """cert-manager, issue 4624: small answers do not need it."""
    return changed(site, lambda response, query, over: None if over == "tcp" else response)


def test_that_resolvers_know_no_zone_whose_servers_deny_mixed_case_is_not_said_beside_it(site: Site) -> None:
    account = changed(site, by_case("NXDOMAIN"))
    careful = Unbound("127.0.0.64", root_hints=site.world.root_hints, extra_options="use-caps-for-id: yes")
    site.start(careful)

    found = site.diagnose("example.org", {**account, "DNS01_RESOLVERS": careful.address}).ordered

    assert [each.code for each in found] == ["case-unkept"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


@pytest.mark.parametrize("apex", ["o'brien.net", "a|b.net", "a&b.net"])
def test_a_zone_whose_name_has_letters_that_are_written_as_numbers_keeps_its_case(
    site: Site, apex: str
) -> None:
    """Nobody has such a domain; but anybody's CNAME may lead into it."""
    site.world.zone("example.org", BOTH).set("www.example.org", "CNAME", f"host.{apex}.")
    zone = Zone(apex, "@ SOA ns.brien.net. h 1 3600 600 86400 60\n@ NS ns.brien.net.\nhost A 192.0.2.1")
    site.start(NameServer(FOUR, zones=[zone]))
    site.world.zones["net"].set("ns.brien.net", "A", FOUR)
    site.world.zones["net"].set(apex, "NS", "ns.brien.net.")
    found = site.diagnose("www.example.org", {"DNS01_MEMORY_ZONES": "example.org"})
    assert "case-unkept" not in {each.code for each in found.ordered}
