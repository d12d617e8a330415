"""A zone that two accounts serve side by side (RFC 8901): two BINDs that know nothing of each other."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import Any, Literal

import dns.opcode
import dns.query
import dns.update
import pytest
from calls import KEY, NAME, Client, until
from contract import validation
from testbed import TIME_LIMIT, Bind, NameServer, PowerDNS, World, Zone
from testbed.process import Group
from testbed.serving import LocalTcpServer, Served

A_ADDRESS, B_ADDRESS, B_SECONDARY, POWERDNS = "127.1.0.1", "127.1.0.2", "127.1.0.3", "127.1.0.4"
A_HOST, B_HOST = {"ns1.a.net": A_ADDRESS}, {"ns1.b.net": B_ADDRESS}
VALUE = validation("a")
APEX = ("example.org", "token", VALUE)

CONFIG = """
[account.a]
provider = "rfc2136"
nameserver = "{a}"
tsig_key = "{key.name}"
tsig_secret = "{key.secret}"

[account.b]
provider = "rfc2136"
nameserver = "{b}"
tsig_key = "{key.name}"
tsig_secret = "{secret_of_b}"

[zone."example.org"]
account = ["a", "b"]
timeout = 20
"""

Fate = Literal["passes", "vanishes", "arrives unanswered"]


class Gate(Served):
    """Stands before a server, at an address of its own, and decides what becomes of its updates."""

    def __init__(self, address: str, server: str) -> None:
        self.fate: Fate = "passes"
        gate = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((server, 53), TIME_LIMIT) as beyond:
                    while wire := _message(self.request):
                        is_update = dns.opcode.from_flags(struct.unpack("!H", wire[2:4])[0]) == 5
                        fate = gate.fate if is_update else "passes"
                        if fate != "vanishes":
                            beyond.sendall(struct.pack("!H", len(wire)) + wire)
                            answer = _message(beyond)
                        if fate == "passes":
                            self.request.sendall(struct.pack("!H", len(answer)) + answer)
                        else:
                            gate.reached.set()

        self.reached = threading.Event()
        self._server = LocalTcpServer(Handler, (address, 53))


def _message(connection: socket.socket) -> bytes:
    """The next one of RFC 1035 §4.2.2; empty at the end."""
    length = connection.recv(2, socket.MSG_WAITALL)
    return connection.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL) if len(length) == 2 else b""


class Pair(Group):
    """example.org at two BINDs, each with an SOA of its own; both are in the NS RRset."""

    def __init__(self, folder: Path, **servers: Mapping[str, str]) -> None:
        self._folder = folder
        self.state = folder / "state"
        own = {"a": {**A_HOST, **B_HOST}, "b": {**A_HOST, **B_HOST}} | servers
        zones = {
            name: Zone(
                "example.org", f"@ SOA ns1.{name}.net. x {serial} 3600 600 86400 60\n", hosts, ttl=3600
            )
            for (name, hosts), serial in zip(own.items(), (2026_01_01_07, 12), strict=True)
        }
        self.world = World()
        self.a = Bind(A_ADDRESS, {"example.org": zones["a"].text()}, [KEY])
        self.b = Bind(B_ADDRESS, {"example.org": zones["b"].text()}, [KEY])
        self.gates = {"a": Gate("127.1.0.11", A_ADDRESS), "b": Gate("127.1.0.12", B_ADDRESS)}
        self.config = folder / "config.toml"

    def set_up(self) -> None:
        for part in (self.world, self.a, self.b, *self.gates.values()):
            self.enter(part)
        self.world.zone("a.net", {"ns.a.net": "127.1.1.1"})
        self.world.zone("b.net", {"ns.b.net": "127.1.1.2"})
        self.world.delegate("example.org", {**A_HOST, **B_HOST})
        self.configure()

    def configure(self, text: str = CONFIG, secret_of_b: str = KEY.secret) -> None:
        self.config.write_text(text.format(a="127.1.0.11", b="127.1.0.12", key=KEY, secret_of_b=secret_of_b))
        self.config.chmod(0o600)

    def client(self, name: str = "dehydrated", **environ: str) -> Client:
        folder = self._folder / f"client{len(list(self._folder.glob('client*')))}"
        settings = {
            "PATH": os.environ["PATH"],
            "DNS01_CONFIG": str(self.config),
            "DNS01_STATE_DIR": str(self.state),
            "DNS01_RESOLVERS": self.world.resolver.address,
        }
        return self.enter(Client(folder, name, {**settings, **environ}))

    def txt(self, name: str = NAME) -> tuple[set[str], set[str]]:
        """What each of the two has."""
        return self.a.txt(name), self.b.txt(name)

    def open(self) -> list[str]:
        """The accounts of the journal's entries."""
        return sorted(json.loads(file.read_text())["account"] for file in self.state.glob("open/*.json"))


NOTHING: tuple[set[str], set[str]] = (set(), set())


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as pair:
        yield pair


def test_a_record_is_published_at_both_waited_for_at_both_and_taken_back_at_both(pair: Pair) -> None:
    client = pair.client()

    said = client("deploy_challenge", *APEX)
    assert said.code == 0, said.stderr
    assert f"publishing {NAME} in example.org through a (rfc2136)\n" in said.stderr
    assert f"publishing {NAME} in example.org through b (rfc2136)\n" in said.stderr
    assert "waiting for ns1.a.net, ns1.b.net\n" in said.stderr
    assert pair.txt() == ({VALUE}, {VALUE})
    assert pair.open() == ["a", "b"]

    said = client("clean_challenge", *APEX)
    assert said.code == 0
    assert f"took back {NAME} through a (rfc2136)\n" in said.stderr
    assert f"took back {NAME} through b (rfc2136)\n" in said.stderr
    assert pair.txt() == NOTHING
    assert pair.open() == []


def test_an_apex_and_its_wildcard_in_one_call_are_four_records(pair: Pair) -> None:
    client = pair.client()
    both = (*APEX, "*.example.org", "token", validation("b"))

    assert client("deploy_challenge", *both).code == 0
    assert pair.txt() == ({VALUE, validation("b")}, {VALUE, validation("b")})
    assert client("clean_challenge", *both).code == 0
    assert pair.txt() == NOTHING


def test_a_name_server_that_only_one_account_knows_of_is_waited_for(tmp_path: Path) -> None:
    """Resolvers may go by the delegation's list or by that of either zone."""
    behind = Zone("example.org", "", B_HOST)
    more = {**A_HOST, **B_HOST, "ns2.b.net": B_SECONDARY}
    with Pair(tmp_path, b=more) as pair, NameServer(B_SECONDARY, zones=[behind]) as secondary:
        pair.world.zones["b.net"].set_addresses({"ns2.b.net": B_SECONDARY})

        call = pair.client().start("deploy_challenge", *APEX)
        call.says("waiting for ns1.a.net, ns1.b.net, ns2.b.net\n")
        while not secondary.asked(NAME, "TXT"):
            call.says("waiting")
        assert "ready" not in call.stderr
        behind.set(NAME, "TXT", VALUE)

        assert call.end().code == 0


@pytest.mark.parametrize("failing", ["a", "b"])
def test_what_one_account_refuses_is_taken_back_at_the_other_and_the_account_is_named(
    pair: Pair, failing: str
) -> None:
    before, section, after = CONFIG.partition(f"[account.{failing}]")
    pair.configure(before + section + re.sub(r"tsig_\w+ = .*\n", "", after, count=2))

    said = pair.client()("deploy_challenge", *APEX)

    assert said.code == 5
    assert re.search(rf"^dns01: account {failing}: 127\.1\.0\.1.* example\.org ", said.stderr, re.MULTILINE)
    assert "TSIG" in said.stderr
    assert pair.txt() == NOTHING
    assert pair.open() == []


def test_what_one_account_does_not_let_go_stays_in_the_journal_for_that_account(pair: Pair) -> None:
    client = pair.client()
    client("deploy_challenge", *APEX)
    right = pair.config.read_text()
    pair.configure(secret_of_b="d3Jvbmcgc2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgb2N0ZXRz")

    said = client("clean_challenge", *APEX)
    assert said.code == 0
    assert "(account b: " in said.stderr
    assert pair.txt() == (set(), {VALUE})
    assert pair.open() == ["b"]

    pair.config.write_text(right)
    said = client("sweep")
    assert said.code == 0, said.stderr
    assert pair.txt() == NOTHING


@pytest.mark.parametrize(
    ("gate", "fate"),
    [
        ("a", "vanishes"),
        ("a", "arrives unanswered"),
        ("b", "vanishes"),
        ("b", "arrives unanswered"),
    ],
)
def test_a_kill_between_the_two_leaves_nothing_that_a_sweep_does_not_find(
    pair: Pair, gate: str, fate: Fate
) -> None:
    client = pair.client()
    pair.gates[gate].fate = fate
    call = client.start("deploy_challenge", *APEX)
    assert pair.gates[gate].reached.wait(TIME_LIMIT)

    call.send(signal.SIGKILL)
    client.kill()
    assert pair.txt() == (
        {VALUE} if (gate, fate) != ("a", "vanishes") else set(),
        {VALUE} if (gate, fate) == ("b", "arrives unanswered") else set(),
    )

    pair.gates[gate].fate = "passes"
    said = pair.client("bash")("sweep")
    assert said.code == 0, said.stderr
    assert pair.txt() == NOTHING
    assert pair.open() == []


def test_what_another_writer_removes_at_one_of_them_is_published_again(tmp_path: Path) -> None:
    """As a tool does that syncs a zone's records from files."""
    behind = Zone("example.org", "", B_HOST)
    more = {**A_HOST, **B_HOST, "ns2.b.net": B_SECONDARY}
    with Pair(tmp_path, b=more) as pair, NameServer(B_SECONDARY, zones=[behind]) as secondary:
        pair.world.zones["b.net"].set_addresses({"ns2.b.net": B_SECONDARY})
        call = pair.client().start("deploy_challenge", *APEX)
        until(lambda: len(secondary.asked(NAME, "TXT")) > 2)  # by then the others have answered
        update = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
        update.delete(f"{NAME}.")
        dns.query.tcp(update, A_ADDRESS, timeout=TIME_LIMIT)

        call.says(f"published {NAME} again: ")
        behind.set(NAME, "TXT", VALUE)

        assert call.end().code == 0
        assert pair.txt() == ({VALUE}, {VALUE})


def test_two_kinds_of_provider_may_serve_one_zone(tmp_path: Path) -> None:
    hosts = {**A_HOST, "ns1.p.net": POWERDNS}
    text = Zone("example.org", "@ SOA ns1.p.net. x 7 3600 600 86400 60\n", hosts).text()
    with Pair(tmp_path, a=hosts) as pair, PowerDNS(POWERDNS, {"example.org": text}) as powerdns:
        pair.world.zone("p.net", {"ns.p.net": "127.1.1.3"})
        pair.world.delegate("example.org", hosts)
        before, _, after = CONFIG.partition("[account.b]")
        api = f'[account.b]\nprovider = "powerdns"\nbase_url = "{powerdns.url.partition("/api")[0]}"\n'
        api += f'key = "{powerdns.api_key}"\n\n[zone'
        pair.configure(before + api + after.partition("[zone")[2])
        client = pair.client()

        said = client("deploy_challenge", *APEX)
        assert said.code == 0, said.stderr
        assert "waiting for ns1.a.net, ns1.p.net\n" in said.stderr
        assert (pair.a.txt(NAME), powerdns.txt(NAME)) == ({VALUE}, {VALUE})

        assert client("clean_challenge", *APEX).code == 0
        assert (pair.a.txt(NAME), powerdns.txt(NAME)) == NOTHING


def test_when_time_is_out_at_one_account_s_servers_both_are_taken_back(tmp_path: Path) -> None:
    """And nobody is told that the zone has moved, or is parked: it is meant to be at two places."""
    behind = Zone("example.org", "@ SOA ns1.b.net. x 12 3600 600 86400 60\n", {**A_HOST, **B_HOST})
    more = {**A_HOST, **B_HOST, "ns2.b.net": B_SECONDARY}
    with Pair(tmp_path, b=more) as pair, NameServer(B_SECONDARY, zones=[behind]):
        pair.world.zones["b.net"].set_addresses({"ns2.b.net": B_SECONDARY})
        pair.configure(CONFIG.replace("timeout = 20", "timeout = 2"))

        said = pair.client()("deploy_challenge", *APEX)

        assert said.code == 8
        assert "ns2.b.net" in said.stderr
        assert "parked" not in said.stderr
        assert "moved" not in said.stderr
        assert pair.txt() == NOTHING
        assert pair.open() == []


def test_two_accounts_at_one_server_leave_the_other_one_without(pair: Pair) -> None:
    """Whose servers are no secondaries of the first, though both are in the NS records."""
    pair.configure(CONFIG.replace('nameserver = "{b}"', 'nameserver = "{a}"').replace("20", "2"))

    said = pair.client()("deploy_challenge", *APEX)

    assert said.code == 8
    assert "ns1.b.net not yet" in said.stderr
    assert "secondaries" not in said.stderr
    assert pair.txt() == NOTHING
    assert pair.open() == []


def test_certbot_s_names_are_published_at_both_in_one_batch(pair: Pair) -> None:
    client = pair.client("certbot")
    names = ("example.org", "example.org", "www.example.org")
    values = [validation(letter) for letter in "abc"]

    def run(word: str, auth_output: Mapping[str, str]) -> list[int]:
        codes = []
        for left, (domain, value) in zip((2, 1, 0), zip(names, values, strict=True), strict=True):
            environ = {
                "CERTBOT_DOMAIN": domain,
                "CERTBOT_VALIDATION": value,
                "CERTBOT_TOKEN": "",
                "CERTBOT_REMAINING_CHALLENGES": str(left),
                "CERTBOT_ALL_DOMAINS": ",".join(names),
            }
            codes.append(client("certbot", word, **environ, **auth_output).code)
        return codes

    assert run("auth", {}) == [0, 0, 0]
    assert pair.txt() == (set(values[:2]), set(values[:2]))
    assert pair.txt("_acme-challenge.www.example.org") == ({values[2]}, {values[2]})
    assert len(pair.open()) == 6

    assert run("cleanup", {"CERTBOT_AUTH_OUTPUT": "x"}) == [0, 0, 0]
    assert pair.txt() == NOTHING
    assert pair.open() == []


def test_an_account_that_lacks_the_zone_is_named_before_anything_is_published(pair: Pair) -> None:
    pair.configure(CONFIG.replace('nameserver = "{b}"', 'nameserver = "127.0.0.4"'))  # net, and not org

    said = pair.client()("deploy_challenge", *APEX)

    assert said.code == 5
    assert "account b: 127.0.0.4 " in said.stderr
    assert pair.txt() == NOTHING
    assert not pair.open()


# What a person runs


def test_config_check_shows_the_zone_at_each_of_its_accounts(pair: Pair) -> None:
    said = pair.client("bash")("config", "check")

    assert said.code == 0, said.stderr
    assert "account a (rfc2136): example.org\n" in said.stdout
    assert "account b (rfc2136): example.org\n" in said.stdout
    assert "zone example.org: published through each of a, b" in said.stdout


def findings(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    (domain,) = document["domains"]
    return [(finding["code"], finding["message"]) for finding in domain["findings"]]


@pytest.mark.parametrize("lists", ["one list", "a list each"])
def test_doctor_has_nothing_to_say_of_a_zone_that_is_meant_to_be_at_two_places(
    tmp_path: Path, lists: str
) -> None:
    servers = {} if lists == "one list" else {"a": A_HOST, "b": B_HOST}
    with Pair(tmp_path, **servers) as pair:
        said = pair.client("bash")("doctor", "example.org", "--write", "--json")

        document = json.loads(said.stdout)
        codes = {code for code, _ in findings(document)}
        assert "probe-passed" in codes
        assert not codes & {"two-primaries", "foreign-copy", "account-elsewhere", "ns-mismatch"}, document
        assert [each["name"] for each in document["domains"][0]["accounts"]] == ["a", "b"]
        assert pair.txt() == NOTHING


def test_doctor_says_which_of_the_accounts_is_refused(pair: Pair) -> None:
    pair.configure(secret_of_b="d3Jvbmcgc2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgb2N0ZXRz")

    said = pair.client("bash")("doctor", "example.org", "--json")

    assert said.code == 2
    (domain,) = json.loads(said.stdout)["domains"]
    assert [each["subject"] for each in domain["findings"] if each["code"] == "auth-rejected"] == ["b"]


def test_sweep_and_status_tell_the_accounts_apart(pair: Pair) -> None:
    client = pair.client()
    client("deploy_challenge", *APEX)

    swept = client("sweep", "--dry-run").stdout
    assert "in example.org, account a, for dehydrated" in swept
    assert "in example.org, account b, for dehydrated" in swept
    document = json.loads(client("status", "--json").stdout)
    assert sorted(record["account"] for record in document["open_records"]) == ["a", "b"]
