"""What the embedded name server answers, over real UDP and TCP, to dnspython, kdig and strangers."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from embedded import NAME, ZONE, Embedded
from testbed import TIME_LIMIT

from dns01.providers.base import TxtRecord, Zone

ACME = "acme.example.net"  # a zone with names beneath its apex
DEEP = f"a.b.{ACME}"
CROWDED = "_acme-challenge.crowded.example.org"  # more values than a datagram takes
EMPTY = "_acme-challenge.empty.example.org"  # held, and nothing published
LONG = "_acme-challenge.long.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    embedded = Embedded(tmp_path_factory.mktemp("answers") / "standalone", ns="host.example.net")
    provider = embedded.provider()
    provider.start([EMPTY])
    provider.publish(ZONE, [TxtRecord(NAME, "apex", 77), TxtRecord(NAME, "wildcard", 300)])
    provider.publish(Zone(ACME), [TxtRecord(DEEP, "deep")])
    provider.publish(Zone(CROWDED), [TxtRecord(CROWDED, f"{number:043}") for number in range(40)])
    provider.publish(Zone(LONG), [TxtRecord(LONG, "x" * 300)])
    yield embedded
    embedded.kill()


def texts(response: dns.message.Message) -> set[str]:
    return {rdata.to_text().strip('"') for rrset in response.answer for rdata in rrset}


def is_empty(response: dns.message.Message) -> bool:
    return not (response.answer or response.authority or response.additional)


# What it holds


def test_txt_has_all_values_with_authority_and_the_ttl_of_the_first(server: Embedded) -> None:
    response = server.ask(NAME)
    assert texts(response) == {"apex", "wildcard"}
    assert response.answer[0].ttl == 77
    assert response.flags & dns.flags.AA
    assert not response.flags & dns.flags.RA


def test_a_long_value_is_split_into_character_strings(server: Embedded) -> None:
    (rdata,) = server.ask(LONG).answer[0]
    assert [len(string) for string in rdata.strings] == [255, 45]


def test_soa_and_ns_stand_at_the_apex(server: Embedded) -> None:
    (soa,) = server.ask(NAME, "SOA").answer
    (ns,) = server.ask(NAME, "NS").answer
    assert soa[0].mname.to_text() == ns[0].target.to_text() == "host.example.net."


def test_a_server_that_nobody_has_named_makes_no_name_up(tmp_path: Path) -> None:
    nameless = Embedded(tmp_path / "standalone")
    nameless.publish("value")
    try:
        (soa,) = nameless.ask(NAME, "SOA").answer
        ns = nameless.ask(NAME, "NS")
    finally:
        nameless.kill()

    assert soa[0].mname.to_text() == f"{NAME}."
    assert (ns.rcode(), ns.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "CNAME", "CAA", "DS", "TYPE65534"])
def test_no_other_type_is_there_which_is_nodata_with_the_soa(server: Embedded, rdtype: str) -> None:
    response = server.ask(NAME, rdtype)
    assert response.rcode() == dns.rcode.NOERROR
    assert response.flags & dns.flags.AA
    assert not response.answer
    assert [(rrset.name.to_text(), rrset.rdtype) for rrset in response.authority] == [
        (f"{NAME}.", dns.rdatatype.SOA)
    ]


def test_a_zone_in_which_nothing_is_published_yet_has_no_txt_but_exists(server: Embedded) -> None:
    assert server.ask(EMPTY, "SOA").answer
    response = server.ask(EMPTY)
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])


def test_a_no_is_kept_for_a_second_only(server: Embedded) -> None:
    (soa,) = server.ask(EMPTY).authority
    assert (soa.ttl, soa[0].minimum) == (1, 1)


def test_a_name_beneath_the_apex_that_nobody_published_is_nxdomain_with_the_soa(server: Embedded) -> None:
    response = server.ask(f"other.{ACME}")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.flags & dns.flags.AA
    assert response.authority[0].name.to_text() == f"{ACME}."


def test_a_name_that_has_only_names_beneath_it_exists(server: Embedded) -> None:
    assert server.ask(f"b.{ACME}").rcode() == dns.rcode.NOERROR
    assert texts(server.ask(DEEP)) == {"deep"}


def test_the_letter_case_of_the_question_is_kept(server: Embedded) -> None:
    mixed = "_aCmE-cHaLLeNgE.eXaMpLe.oRg."
    response = server.ask(mixed)
    assert response.question[0].name.to_text() == response.answer[0].name.to_text() == mixed
    assert texts(response) == {"apex", "wildcard"}


def test_any_is_not_told_all_there_is(server: Embedded) -> None:
    (rrset,) = server.ask(NAME, "ANY").answer
    assert rrset.to_text().endswith('IN HINFO "RFC8482" ""')


# What it does not


@pytest.mark.parametrize("name", ["example.org", f"evil{NAME}", "org", ".", "version.bind"])
def test_a_name_in_no_zone_of_its_own_is_refused_without_a_byte_of_data(server: Embedded, name: str) -> None:
    response = server.ask(name)
    assert response.rcode() == dns.rcode.REFUSED
    assert is_empty(response)
    assert not response.flags & dns.flags.AA


@pytest.mark.parametrize("rdclass", [dns.rdataclass.CH, dns.rdataclass.ANY])
def test_another_class_is_refused(server: Embedded, rdclass: dns.rdataclass.RdataClass) -> None:
    response = server.ask(NAME, rdclass=rdclass)
    assert response.rcode() == dns.rcode.REFUSED
    assert is_empty(response)


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
def test_a_zone_transfer_is_refused(server: Embedded, rdtype: str) -> None:
    query = raw_query(NAME, dns.rdatatype.from_text(rdtype))
    assert dns.message.from_wire(over_udp(server, query)).rcode() == dns.rcode.REFUSED


def raw_query(name: str, rdtype: int = dns.rdatatype.TXT, flags: int = 0, questions: int = 1) -> bytes:
    question = dns.name.from_text(name).to_wire() + struct.pack("!HH", rdtype, dns.rdataclass.IN)
    return struct.pack("!HHHHHH", 4711, flags, questions, 0, 0, 0) + question * questions


def over_udp(server: Embedded, wire: bytes) -> bytes:
    with udp_to(server) as sock:
        sock.send(wire)
        return sock.recv(65535)


def udp_to(server: Embedded) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(TIME_LIMIT)
    sock.connect(("127.0.0.1", server.port))
    return sock


@pytest.mark.parametrize("opcode", [dns.opcode.NOTIFY, dns.opcode.UPDATE, dns.opcode.STATUS])
def test_another_opcode_is_not_implemented(server: Embedded, opcode: dns.opcode.Opcode) -> None:
    answer = over_udp(server, raw_query(NAME, flags=dns.opcode.to_flags(opcode)))
    response = dns.message.from_wire(answer)
    assert (response.id, response.opcode(), response.rcode()) == (4711, opcode, dns.rcode.NOTIMP)


@pytest.mark.parametrize(
    "query",
    [
        raw_query(NAME)[:-1],
        raw_query(NAME) + b"x",
        raw_query(NAME, questions=0),
        raw_query(NAME, questions=2),
        raw_query(NAME)[:12] + b"\xc0\x0c\x00\x10\x00\x01",
    ],
    ids=["cut short", "too long", "no question", "two questions", "a pointer to itself"],
)
def test_a_malformed_query_is_a_format_error(server: Embedded, query: bytes) -> None:
    response = dns.message.from_wire(over_udp(server, query))
    assert (response.id, response.rcode()) == (4711, dns.rcode.FORMERR)


@pytest.mark.parametrize(
    "wire",
    [raw_query(NAME, flags=dns.flags.QR), raw_query(NAME)[:11], b""],
    ids=["an answer", "no header", "nothing"],
)
def test_what_is_no_query_gets_no_answer(server: Embedded, wire: bytes) -> None:
    with udp_to(server) as sock:
        sock.send(wire)
        sock.send(raw_query(NAME, flags=dns.flags.RD))  # in order: an answer to the first would come first
        assert dns.message.from_wire(sock.recv(65535)).flags & dns.flags.RD


def test_ten_thousand_damaged_datagrams_leave_it_as_it_was(server: Embedded) -> None:
    chance = random.Random(1)
    whole = dns.message.make_query(NAME, "TXT", use_edns=0, payload=1232).to_wire()
    sound = raw_query(NAME, dns.rdatatype.SOA)
    answer = over_udp(server, sound)
    with udp_to(server) as sock:
        for _ in range(100):
            for _ in range(100):
                wire = bytearray(whole)
                for _ in range(chance.randrange(1, 8)):
                    wire[chance.randrange(len(wire))] = chance.randrange(256)
                sock.send(wire[: chance.randrange(1, 2 * len(wire))])
            sock.send(sound)
            while sock.recv(65535) != answer:
                pass  # the answers to the damaged ones come first


# EDNS and size


def test_edns_is_answered_with_edns_and_only_then(server: Embedded) -> None:
    assert server.ask(NAME, use_edns=0, payload=4096).payload == 1232
    assert server.ask(NAME, use_edns=False).edns == -1


def test_a_later_version_of_edns_is_badvers(server: Embedded) -> None:
    response = server.ask(NAME, use_edns=1)
    assert (response.edns, response.rcode()) == (0, dns.rcode.BADVERS)
    assert not response.answer


@pytest.mark.parametrize(("payload", "ceiling"), [(None, 512), (100, 512), (600, 600), (65000, 1232)])
def test_what_does_not_fit_is_cut_off_with_tc_and_is_whole_over_tcp(
    server: Embedded, payload: int | None, ceiling: int
) -> None:
    query = dns.message.make_query(CROWDED, "TXT", use_edns=False if payload is None else 0, payload=payload)
    wire = over_udp(server, query.to_wire())
    assert len(wire) <= ceiling
    assert dns.message.from_wire(wire).flags & dns.flags.TC
    assert len(texts(server.ask(CROWDED, over="tcp"))) == 40


def test_a_padded_query_gets_no_padding_back(server: Embedded) -> None:
    padding = dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(64))
    query = dns.message.make_query("example.org", "TXT", use_edns=0, options=[padding]).to_wire()
    assert len(over_udp(server, query)) < len(query)


# TCP


def test_one_connection_takes_several_queries_at_once_and_in_pieces(server: Embedded) -> None:
    names = [NAME, DEEP, CROWDED, "example.org"]
    stream = b"".join(dns.message.make_query(name, "TXT").to_wire(prepend_length=True) for name in names)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIME_LIMIT) as sock:
        for piece in (stream[:1], stream[1:50], stream[50:]):
            sock.sendall(piece)
        answers = [dns.query.receive_tcp(sock)[0] for _ in names]
    assert [len(texts(answer)) for answer in answers] == [2, 1, 40, 0]


def test_connections_that_say_nothing_keep_nobody_out(server: Embedded) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=TIME_LIMIT) for _ in range(100)]
    try:
        silent[-1].sendall(b"\0")
        assert texts(server.ask(NAME, over="tcp")) == {"apex", "wildcard"}
        assert silent[0].recv(1) == b""  # hung up on, to make room
    finally:
        for sock in silent:
            sock.close()


def test_a_client_that_asks_and_never_reads_keeps_nobody_waiting(server: Embedded) -> None:
    query = dns.message.make_query(CROWDED, "TXT").to_wire(prepend_length=True)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIME_LIMIT) as sock:
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.sendall(query * 500_000)
        assert texts(server.ask(NAME, over="tcp")) == {"apex", "wildcard"}
        assert texts(server.ask(NAME)) == {"apex", "wildcard"}


def test_a_connection_that_stays_silent_is_hung_up_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Embedded(tmp_path_factory.mktemp("idle") / "standalone")
    server.start_with("server.TCP_IDLE = 0.1")
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=TIME_LIMIT) as sock:
            sock.sendall(b"\0")
            assert sock.recv(1) == b""
    finally:
        server.kill()


# An independent client


@pytest.mark.parametrize("options", ["", "+tcp", "+edns", "+noedns", "+tcp +keepopen", "+dnssec"])
def test_kdig_is_content(server: Embedded, options: str) -> None:
    command = f"kdig @127.0.0.1 -p {server.port} {options} +noall +answer {NAME} TXT {DEEP} TXT"
    answer = subprocess.run(command.split(), capture_output=True, text=True, timeout=TIME_LIMIT, check=True)
    assert sorted(line.split()[-1] for line in answer.stdout.splitlines() if "TXT" in line) == [
        '"apex"',
        '"deep"',
        '"wildcard"',
    ]
    assert "WARNING" not in answer.stdout + answer.stderr


@pytest.mark.parametrize(("options", "status"), [("", "NOERROR"), ("+edns=1 +noednsneg", "BADVERS")])
def test_dig_is_content(server: Embedded, options: str, status: str) -> None:
    command = f"dig @127.0.0.1 -p {server.port} {options} {NAME} TXT"
    answer = subprocess.run(command.split(), capture_output=True, text=True, timeout=TIME_LIMIT, check=True)
    assert f"status: {status}" in answer.stdout
    assert "malformed" not in answer.stdout
