"""The scripted name server answers as the RFCs ask, until it is spoilt, as clients see it."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from testbed import TIME_LIMIT, NameServer, RateLimit, Zone, client
from testbed.client import values

ADDRESS = "127.1.0.1"
CHALLENGE = "_acme-challenge.example.org"
RECORDS = """
    www         A      192.0.2.1
    alias       CNAME  second
    second      CNAME  www
    away        CNAME  www.example.net.
    dangling    CNAME  nothing
    round       CNAME  about
    about       CNAME  round
    *.wild      TXT    "any"
    *.aliases   CNAME  www
    a.b.empty   TXT    "deep"
    big         TXT    "{0}" "{0}" "{0}"
    child       NS     ns.child
    child       NS     ns.example.net.
    ns.child    A      127.1.0.9
    ns.child    AAAA   fd53::9
""".format("x" * 200)


class Clock:
    """Stands still until it is told to go on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def zone(clock: Clock) -> Zone:
    return Zone("example.org", RECORDS, {"ns1.example.org": ADDRESS}, negative_ttl=30, clock=clock)


@pytest.fixture
def server(zone: Zone, clock: Clock) -> Iterator[NameServer]:
    with NameServer(ADDRESS, zones=[zone], clock=clock) as server:
        yield server


def ask(name: str, type: str, *, over: str = "udp", payload: int | None = 1232) -> dns.message.Message:
    return client.ask(name, type, ADDRESS, over=over, payload=payload)


def is_silent(over: str) -> bool:
    query = dns.message.make_query("www.example.org", "A")
    try:
        (dns.query.tcp if over == "tcp" else dns.query.udp)(query, ADDRESS, timeout=1)
    except dns.exception.Timeout:
        return True
    return False


class TestAuthority:
    """What a name server answers when nobody spoils it."""

    def test_a_record_comes_with_authority(self, server: NameServer) -> None:
        response = ask("www.example.org", "A")
        assert response.flags & dns.flags.AA
        assert not response.flags & dns.flags.RA
        assert values(response) == ["192.0.2.1"]

    def test_a_name_beneath_a_cut_is_referred_with_glue(self, server: NameServer) -> None:
        response = ask("deep.child.example.org", "TXT")
        assert not response.flags & dns.flags.AA
        assert not response.answer
        assert {rdata.to_text() for rdata in response.authority[0]} == {
            "ns.child.example.org.",
            "ns.example.net.",
        }
        assert {rrset[0].to_text() for rrset in response.additional} == {"127.1.0.9", "fd53::9"}

    def test_a_missing_name_is_nxdomain_with_the_soa_and_its_negative_ttl(self, server: NameServer) -> None:
        response = ask("nothing.example.org", "TXT")
        assert response.rcode() == dns.rcode.NXDOMAIN
        assert response.flags & dns.flags.AA
        assert (response.authority[0].name.to_text(), response.authority[0].ttl) == ("example.org.", 30)
        assert response.authority[0][0].minimum == 30

    @pytest.mark.parametrize("name", ["www.example.org", "b.empty.example.org", "empty.example.org"])
    def test_a_name_without_the_type_is_no_data(self, server: NameServer, name: str) -> None:
        response = ask(name, "TXT")
        assert response.rcode() == dns.rcode.NOERROR
        assert not response.answer
        assert response.authority[0].ttl == 30

    def test_a_cname_is_followed_within_the_zone(self, server: NameServer) -> None:
        assert values(ask("alias.example.org", "A")) == [
            "192.0.2.1",
            "second.example.org.",
            "www.example.org.",
        ]

    def test_a_cname_is_itself_when_asked_for(self, server: NameServer) -> None:
        assert values(ask("alias.example.org", "CNAME")) == ["second.example.org."]

    def test_a_cname_is_not_followed_out_of_the_zone(self, server: NameServer) -> None:
        response = ask("away.example.org", "A")
        assert values(response) == ["www.example.net."]
        assert response.rcode() == dns.rcode.NOERROR

    def test_a_cname_to_nothing_is_nxdomain(self, server: NameServer) -> None:
        response = ask("dangling.example.org", "A")
        assert values(response) == ["nothing.example.org."]
        assert response.rcode() == dns.rcode.NXDOMAIN

    def test_a_cname_loop_ends(self, server: NameServer) -> None:
        assert values(ask("round.example.org", "A")) == ["about.example.org.", "round.example.org."]

    @pytest.mark.parametrize("name", ["x.wild.example.org", "x.y.wild.example.org"])
    def test_a_wildcard_answers_with_the_name_asked_for(self, server: NameServer, name: str) -> None:
        response = ask(name, "TXT")
        assert response.answer[0].name.to_text() == f"{name}."
        assert values(response) == ['"any"']

    def test_a_wildcard_may_be_a_cname(self, server: NameServer) -> None:
        assert values(ask("x.aliases.example.org", "A")) == ["192.0.2.1", "www.example.org."]

    def test_a_wildcard_does_not_cover_a_name_that_exists(self, server: NameServer, zone: Zone) -> None:
        zone.set("here.wild.example.org", "A", "192.0.2.2")
        assert not ask("here.wild.example.org", "TXT").answer
        assert ask("beneath.here.wild.example.org", "TXT").rcode() == dns.rcode.NXDOMAIN

    def test_letter_case_is_kept_but_does_not_matter(self, server: NameServer) -> None:
        response = ask("wWw.ExAmPlE.oRg", "A")
        assert b"wWw\x07ExAmPlE\x03oRg" in response.to_wire()
        assert values(response) == ["192.0.2.1"]

    @pytest.mark.parametrize(
        ("name", "type", "rcode"),
        [("www.example.net", "A", "REFUSED"), ("org", "NS", "REFUSED"), ("www.example.org", "ANY", "NOTIMP")],
    )
    def test_what_it_does_not_serve_it_refuses(
        self, server: NameServer, name: str, type: str, rcode: str
    ) -> None:
        response = ask(name, type)
        assert response.rcode() == dns.rcode.from_text(rcode)
        assert not response.flags & dns.flags.AA

    def test_the_deepest_of_its_zones_answers(self, server: NameServer) -> None:
        server.serve(Zone("child.example.org", "www A 192.0.2.9"))
        assert values(ask("www.child.example.org", "A")) == ["192.0.2.9"]
        assert ask("child.example.org", "DS").authority[0].name.to_text() == "example.org."

    def test_what_does_not_fit_comes_truncated_and_whole_over_tcp(self, server: NameServer) -> None:
        without_edns = ask("big.example.org", "TXT", payload=None)
        assert without_edns.flags & dns.flags.TC
        assert without_edns.edns == -1
        assert len(without_edns.to_wire()) <= 512
        assert not ask("big.example.org", "TXT", payload=1232).flags & dns.flags.TC
        assert len(values(ask("big.example.org", "TXT", over="tcp", payload=None))[0]) > 600

    def test_an_ipv6_address_serves_as_well(self, zone: Zone) -> None:
        with NameServer("fd53::99", zones=[zone]):
            assert values(client.ask("www.example.org", "A", "fd53::99")) == ["192.0.2.1"]
            assert values(client.ask("www.example.org", "A", "fd53::99", over="tcp")) == ["192.0.2.1"]

    def test_garbage_is_a_format_error(self, server: NameServer) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(TIME_LIMIT)
            peer.sendto(b"\x12\x34" + b"\xff" * 3, (ADDRESS, 53))
            peer.sendto(b"\x12\x34\0\0\0\1" + bytes(6) + b"\xff", (ADDRESS, 53))
            assert peer.recv(512)[:4] == b"\x12\x34\x80\x01"

    def test_many_questions_travel_pipelined_over_one_connection(
        self, server: NameServer, zone: Zone
    ) -> None:
        queries = [dns.message.make_query(f"n{i}.example.org", "TXT", id=i) for i in range(100)]
        for i in range(100):
            zone.set(f"n{i}.example.org", "TXT", f"value {i}")
        sent = b"".join(query.to_wire(prepend_length=True) for query in queries)
        with (
            socket.create_connection((ADDRESS, 53), timeout=TIME_LIMIT) as peer,
            peer.makefile("rb") as stream,
        ):
            peer.sendall(sent[:777])
            peer.sendall(sent[777:])
            responses = [
                dns.message.from_wire(stream.read(struct.unpack("!H", stream.read(2))[0])) for _ in queries
            ]
        assert {response.id: values(response) for response in responses} == {
            i: [f'"value {i}"'] for i in range(100)
        }

    def test_dig_reads_it_too(self, server: NameServer) -> None:
        dig = ["dig", f"@{ADDRESS}", "+norec", "+noall", "+comments", "+answer", "www.example.org"]
        shown = subprocess.run(dig, capture_output=True, text=True, check=True).stdout
        assert "status: NOERROR" in shown
        assert "flags: qr aa;" in shown
        assert "192.0.2.1" in shown
        assert "WARNING" not in shown

    def test_every_question_is_kept(self, server: NameServer, clock: Clock) -> None:
        ask("WWW.example.org", "A")
        clock.now += 5
        ask("www.example.org", "TXT", over="tcp")
        assert [tuple(each)[:4] for each in server.questions] == [
            ("www.example.org", "A", "udp", 100.0),
            ("www.example.org", "TXT", "tcp", 105.0),
        ]
        # which is the server's own address, where that has been given to the interface
        assert {each.client for each in server.questions} < {"127.0.0.1", server.address}
        assert [each.over for each in server.asked("www.Example.org", "TXT")] == ["tcp"]


class TestChanges:
    """Records change while they are served, and servers may be late to see it."""

    def test_values_are_set_added_and_removed(self, server: NameServer, zone: Zone) -> None:
        zone.set(CHALLENGE, "TXT", "one", '"tw" "o"', ttl=5)
        zone.add(CHALLENGE, "TXT", "three")
        zone.remove(CHALLENGE, "TXT", "one")
        response = ask(CHALLENGE, "TXT")
        assert values(response) == ['"three"', '"tw" "o"']
        assert zone.get(CHALLENGE, "TXT") == ["two", "three"]
        zone.remove(CHALLENGE, "TXT")
        assert ask(CHALLENGE, "TXT").rcode() == dns.rcode.NXDOMAIN

    def test_the_rest_of_an_rrset_keeps_its_ttl(self, server: NameServer, zone: Zone) -> None:
        zone.set(CHALLENGE, "TXT", "one", "two", ttl=5)
        zone.remove(CHALLENGE, "TXT", "one")
        assert ask(CHALLENGE, "TXT").answer[0].ttl == 5

    def test_a_name_outside_the_zone_is_an_error(self, zone: Zone) -> None:
        with pytest.raises(ValueError, match="not in the zone"):
            zone.set("www.evilexample.org", "A", "192.0.2.1")

    def test_a_lagging_server_shows_a_change_later(
        self, server: NameServer, zone: Zone, clock: Clock
    ) -> None:
        server.lag = 20
        zone.set(CHALLENGE, "TXT", "value")
        clock.now += 19.9
        assert ask(CHALLENGE, "TXT").rcode() == dns.rcode.NXDOMAIN
        clock.now += 0.1
        assert values(ask(CHALLENGE, "TXT")) == ['"value"']

    def test_a_frozen_server_shows_it_when_thawed(self, server: NameServer, zone: Zone) -> None:
        zone.set(CHALLENGE, "TXT", "old")
        server.freeze()
        zone.set(CHALLENGE, "TXT", "new")
        assert values(ask(CHALLENGE, "TXT")) == ['"old"']
        server.thaw()
        assert values(ask(CHALLENGE, "TXT")) == ['"new"']

    def test_an_alternating_server_shows_new_and_old_in_turn_for_each_question(
        self, server: NameServer, zone: Zone
    ) -> None:
        zone.set(CHALLENGE, "TXT", "old")
        server.alternate()
        zone.set(CHALLENGE, "TXT", "new")
        seen = []
        for _ in range(4):
            seen += values(ask(CHALLENGE, "TXT"))
            ask("www.example.org", "A")
        assert seen == ['"new"', '"old"', '"new"', '"old"']
        server.thaw()
        assert values(ask(CHALLENGE, "TXT")) == values(ask(CHALLENGE, "TXT")) == ['"new"']


class TestFaults:
    """One line spoils a server."""

    @pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL", "NOTAUTH", "NXDOMAIN"])
    def test_another_rcode(self, server: NameServer, rcode: str) -> None:
        server.rcode = rcode
        response = ask("www.example.org", "A")
        assert response.rcode() == dns.rcode.from_text(rcode)
        assert not response.answer

    def test_another_rcode_for_one_question(self, server: NameServer) -> None:
        server.rcodes["www.example.org", "CAA"] = "SERVFAIL"
        assert ask("www.example.org", "CAA").rcode() == dns.rcode.SERVFAIL
        assert values(ask("www.example.org", "A")) == ["192.0.2.1"]

    def test_no_authority(self, server: NameServer) -> None:
        server.authoritative = False
        response = ask("www.example.org", "A")
        assert not response.flags & (dns.flags.AA | dns.flags.RA)
        assert values(response) == ["192.0.2.1"]

    def test_an_interceptor(self, server: NameServer) -> None:
        server.intercepted = True
        response = ask("www.example.org", "A")
        assert response.flags & dns.flags.RA
        assert not response.flags & dns.flags.AA

    @pytest.mark.parametrize(
        ("fault", "udp", "tcp"),
        [("silent", True, True), ("drop_udp", True, False), ("drop_tcp", False, True)],
    )
    def test_no_answer_at_all(self, server: NameServer, fault: str, udp: bool, tcp: bool) -> None:
        setattr(server, fault, True)
        assert (is_silent("udp"), is_silent("tcp")) == (udp, tcp)
        assert [each.over for each in server.questions] == ["udp", "tcp"]

    def test_truncation_over_udp_alone(self, server: NameServer) -> None:
        server.truncate = True
        query = dns.message.make_query("www.example.org", "A")
        response, used_tcp = dns.query.udp_with_fallback(query, ADDRESS, timeout=TIME_LIMIT)
        assert used_tcp
        assert values(response) == ["192.0.2.1"]

    def test_rate_limiting_answers_drops_and_slips(self, server: NameServer, clock: Clock) -> None:
        server.rate_limit = RateLimit(3, slip=2)
        assert [ask("www.example.org", "A").flags & dns.flags.TC for _ in range(3)] == [0, 0, 0]
        assert is_silent("udp")
        assert ask("www.example.org", "A").flags & dns.flags.TC
        assert values(ask("www.example.org", "A", over="tcp")) == ["192.0.2.1"]
        clock.now += 1
        assert values(ask("www.example.org", "A")) == ["192.0.2.1"]

    def test_any_other_mischief_by_overriding_answer(self, zone: Zone) -> None:
        class Forgetful(NameServer):
            def answer(self, query: dns.message.Message, over: str) -> dns.message.Message | None:
                response = super().answer(query, "udp")
                if response and over == "tcp":
                    response.answer = []
                return response

        with Forgetful(ADDRESS, zones=[zone]):
            assert ask("www.example.org", "A").answer
            assert not ask("www.example.org", "A", over="tcp").answer

    def test_a_fault_of_the_test_itself_is_not_hidden(self, zone: Zone) -> None:
        class Broken(NameServer):
            def answer(self, query: dns.message.Message, over: str) -> dns.message.Message | None:
                raise LookupError("a slip of the pen")

        with pytest.raises(LookupError, match="slip of the pen"), Broken(ADDRESS, zones=[zone]):
            assert is_silent("udp")
