"""PowerDNS, against a real server: the contract, what only the real one does, and the fake beside it."""

from __future__ import annotations

import multiprocessing
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dns.message
import dns.opcode
import pytest
import requests
from amounts import TURNS, WRITERS
from contract import ZONES, FindsZones, KeepsRecords, publish, retract, validation
from fakes.powerdns import OldPowerDNS
from testbed import TIME_LIMIT, PowerDNS

from dns01.errors import AuthRejected, ProviderError
from dns01.hooks.state.journal import Journal
from dns01.providers import load
from dns01.providers.base import Provider, TxtRecord, Zone

EXAMPLE = Zone("example.com", "example.com.")
SECONDARY = "127.1.37.2"
PROCESSES, ROUNDS = WRITERS, TURNS


class OnServer:
    """A server, changed by others with pdnsutil and looked at with plain queries."""

    outside = "deep.example.com, example.co.uk, example.com"

    def __init__(self, server: PowerDNS) -> None:
        self.server = server
        address = server.url.removesuffix("/api/v1/servers/localhost")
        self.options = {"key": server.api_key, "server": "localhost", "base_url": address}

    def provider(self) -> Provider:
        return load("powerdns")(self.options)

    def world_sees(self, name: str) -> set[str]:
        return self.server.txt(name)

    def ttl_of(self, name: str, value: str) -> int:
        assert value in self.world_sees(name)
        return self.server.ask(name, "TXT").answer[0].ttl

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        record = ["example.com", name.removesuffix(".example.com"), "TXT", str(ttl), f'"{value}"']
        command = ["pdnsutil", f"--config-dir={self.server.folder}", "add-record", *record]
        subprocess.run(command, check=True, capture_output=True)

    def patch(self, zone: str, **rrset: Any) -> None:
        """Someone else uses the API."""
        url, headers = f"{self.server.url}/zones/{zone}.", {"X-API-Key": self.server.api_key}
        requests.patch(url, json={"rrsets": [rrset]}, headers=headers, timeout=TIME_LIMIT).raise_for_status()

    def make(self, zone: str, kind: str) -> None:
        url, headers = f"{self.server.url}/zones/{zone}.", {"X-API-Key": self.server.api_key}
        requests.put(url, json={"kind": kind}, headers=headers, timeout=TIME_LIMIT).raise_for_status()


@pytest.fixture(scope="module")
def server() -> Iterator[PowerDNS]:
    zones = dict.fromkeys([*ZONES, "notified.org", "copied.org"], "")
    with PowerDNS("127.1.37.1", zones, extra_options=f"primary=yes\nalso-notify={SECONDARY}\n") as server:
        yield server


@pytest.fixture
def case(server: PowerDNS, monkeypatch: pytest.MonkeyPatch) -> OnServer:
    monkeypatch.setenv("NO_PROXY", server.address)
    return OnServer(server)


class TestPowerDNSServer(FindsZones, KeepsRecords):
    @pytest.fixture
    def case(self, case: OnServer) -> OnServer:
        case.outside = "copied.org, deep.example.com, example.co.uk, example.com, notified.org"
        return case

    @pytest.mark.parametrize("at", ["one name", "many names of one zone"])
    def test_processes_that_take_the_journals_lock_lose_nothing(
        self, case: OnServer, name: str, at: str, state_dir: Path
    ) -> None:
        """Each publishes a value and retracts the one before, beside a value of somebody else."""
        names = [name if at == "one name" else f"{process}.{name}" for process in range(PROCESSES)]
        for each in set(names):
            case.add_foreign(each, "somebody else's", ttl=1234)
        context = multiprocessing.get_context("fork")
        together = context.Barrier(PROCESSES + 1)

        def record(process: int, turn: int) -> TxtRecord:
            return TxtRecord(names[process], validation(f"{process} {turn}"))

        def come_and_go(process: int) -> None:
            provider, journal = case.provider(), Journal(str(state_dir))
            provider.sleep = lambda _: None  # before the second look: the lock keeps all others out here
            for turn in range(ROUNDS):
                together.wait(timeout=TIME_LIMIT)
                with journal.lock(EXAMPLE.apex):
                    provider.publish(EXAMPLE, [record(process, turn)])
                with journal.lock(EXAMPLE.apex):
                    provider.retract(EXAMPLE, [record(process, turn - 1)])
                together.wait(timeout=TIME_LIMIT)

        processes = [context.Process(target=come_and_go, args=(number,)) for number in range(PROCESSES)]
        for process in processes:
            process.start()
        for turn in range(ROUNDS):
            together.wait(timeout=TIME_LIMIT)
            together.wait(timeout=TIME_LIMIT)
            for each in set(names):
                ours = {record(process, turn).value for process in range(PROCESSES) if names[process] == each}
                assert case.world_sees(each) == {*ours, "somebody else's"}
        for process in processes:
            process.join(timeout=TIME_LIMIT)
        assert [process.exitcode for process in processes] == [0] * PROCESSES
        assert {case.ttl_of(each, "somebody else's") for each in names} == {1234}

    def test_a_database_that_is_locked_is_waited_for(self, case: OnServer, name: str) -> None:
        record = TxtRecord(name, validation("a"))
        other = sqlite3.connect(case.server.folder / "pdns.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                other.execute("ROLLBACK")

        provider: Any = case.provider()
        provider.sleep = sleep
        provider.publish(EXAMPLE, [record])
        other.close()
        assert len(pauses) == 3  # the third comes before the second look
        assert case.world_sees(name) == {record.value}
        assert "database is locked" in case.server.log

    def test_a_record_that_somebody_has_disabled_stays_disabled(self, case: OnServer, name: str) -> None:
        records = [{"content": '"off"', "disabled": True}, {"content": '"on"', "disabled": False}]
        rrset = {"name": f"{name}.", "type": "TXT", "ttl": 1234, "changetype": "REPLACE", "records": records}
        case.patch("example.com", **rrset)
        record = TxtRecord(name, validation("a"))
        publish(case, record)
        assert case.world_sees(name) == {"on", record.value}
        retract(case, record)
        assert case.world_sees(name) == {"on"}

    def test_beside_a_cname_the_servers_own_words_are_said(self, case: OnServer, name: str) -> None:
        records = [{"content": "elsewhere.example.net."}]
        rrset = {"name": f"{name}.", "type": "CNAME", "ttl": 60, "changetype": "REPLACE", "records": records}
        case.patch("example.com", **rrset)
        with pytest.raises(ProviderError, match="Conflicts with pre-existing RRset"):
            publish(case, TxtRecord(name, validation("a")))

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: OnServer) -> None:
        assert case.provider().zone_for("_acme-challenge.copied.org").apex == "copied.org"
        case.make("copied.org", "Slave")
        with pytest.raises(ProviderError, match=r": copied\.org is there, as Slave, a copy of what .* has$"):
            case.provider().zone_for("_acme-challenge.copied.org")
        case.make("copied.org", "Native")

    def test_secondaries_are_told_at_once(self, case: OnServer) -> None:
        case.make("notified.org", "Master")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as secondary:
            secondary.bind((SECONDARY, 53))
            secondary.settimeout(TIME_LIMIT)
            publish(case, TxtRecord("_acme-challenge.notified.org", validation("a")))
            told = ""
            while told != "notified.org.":  # there may be more of what other tests have changed
                message = dns.message.from_wire(secondary.recv(512))
                assert message.opcode() == dns.opcode.NOTIFY
                told = message.question[0].name.to_text()

    def test_a_wrong_key_is_said(self, case: OnServer) -> None:
        case.options["key"] = "wrong"
        with pytest.raises(AuthRejected, match="Unauthorized"):
            case.provider().zone_for("_acme-challenge.example.com")

    def test_an_idn_is_published_under_its_a_label(self, case: OnServer) -> None:
        record = TxtRecord("_acme-challenge.xn--bcher-kva.example.com", validation("a"))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}


RRSET = {
    "name": "_acme-challenge.example.com.",
    "type": "TXT",
    "ttl": 60,
    "changetype": "REPLACE",
    "records": [{"content": '"a"', "disabled": False}],
}
ZONE = "/zones/example.com."


def rrsets(*changes: Mapping[str, Any], lacking: str = "") -> Mapping[str, Any]:
    changed = [{**RRSET, **each} for each in changes or [{}]]
    return {"rrsets": [{key: value for key, value in each.items() if key != lacking} for each in changed]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/zones?zone=example.com.", None),
        ("GET", "/zones?zone=example.com", None),
        ("GET", "/zones?zone=nowhere.example.", None),
        ("GET", "/zones/nowhere.example.", None),
        ("GET", "/zones/example.com", None),
        ("GET", f"{ZONE}?rrset_name=nothing.example.com.&rrset_type=TXT", None),
        ("PATCH", ZONE, rrsets()),
        ("PATCH", ZONE, rrsets({"changetype": "replace"})),
        ("PATCH", ZONE, rrsets({"changetype": "EXTEND"})),
        ("PATCH", ZONE, rrsets({"changetype": "PRUNE"})),
        ("PATCH", ZONE, rrsets({"changetype": "DELETE"}, lacking="records")),
        ("PATCH", ZONE, rrsets({"records": []})),
        ("PATCH", ZONE, rrsets({"records": [{"content": "a"}]})),
        ("PATCH", ZONE, rrsets({"records": [{"content": '"a"'}, {"content": '"a"'}]})),
        ("PATCH", ZONE, rrsets({"name": "_acme-challenge.example.com"})),
        ("PATCH", ZONE, rrsets({"name": "_acme-challenge.example.org."})),
        ("PATCH", ZONE, rrsets({"name": "_acme-challenge.evilexample.com."})),
        ("PATCH", ZONE, rrsets(lacking="ttl")),
        ("PATCH", ZONE, rrsets(lacking="changetype")),
        ("PATCH", ZONE, rrsets(lacking="records")),
        ("PATCH", "/zones/nowhere.example.", rrsets()),
        ("PUT", f"{ZONE}/notify", None),
        ("POST", ZONE, rrsets()),
    ],
)
def test_the_fake_says_what_the_server_says(case: OnServer, method: str, path: str, body: Any) -> None:
    with OldPowerDNS(ZONES) as fake:
        said = []
        fakes_url = f"{fake.url}/api/v1/servers/localhost"
        for url, key in ((case.server.url, case.server.api_key), (fakes_url, fake.token)):
            answer = requests.request(
                method, url + path, json=body, headers={"X-API-Key": key}, timeout=TIME_LIMIT
            )
            is_refusal = answer.status_code == 422
            said.append((answer.status_code, answer.json()["error"] if is_refusal else bool(answer.content)))
        assert said[0] == said[1]
