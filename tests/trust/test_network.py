"""Three connections in ten fail, in any way: a call ends well or fails clean, and nothing stays behind."""

from __future__ import annotations

import random
import select
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler
from typing import Any

import pytest
from amounts import FAULTY, RUNS, SEED, figure
from calls import NAME, PRIMARY, Stage
from contract import validation
from fakes.digitalocean import DigitalOcean
from testbed.serving import LocalTcpServer, Served

from dns01.errors import ProviderError
from dns01.providers import load
from dns01.providers.base import TxtRecord

FAULTS = (
    "refused",
    "reset before the request",
    "reset before the answer",
    "reset within the answer",
    "silent",
)


class Faulty(Served):
    """Leads to ``target``, but for a share of the connections, to each of which something happens."""

    def __init__(self, target: tuple[str, int], share: float, chance: random.Random) -> None:
        self.target, self.share = target, share
        self.happened = 0
        self._chance = chance
        faulty = self

        class Link(StreamRequestHandler):
            def handle(self) -> None:
                fault = faulty.draw()
                if fault in ("refused", "reset before the request"):
                    reset(self.connection)
                    return
                with socket.create_connection(faulty.target) as onward:
                    carry(self.connection, onward, fault)

        self._server = LocalTcpServer(Link)
        self.address = ("127.0.0.1", self.port)

    def draw(self) -> str:
        if self._chance.random() >= self.share:
            return ""
        self.happened += 1
        return self._chance.choice(FAULTS)


def reset(connection: socket.socket) -> None:
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def carry(client: socket.socket, server: socket.socket, fault: str) -> None:
    """Carry everything both ways, until the fault happens or one of the two ends it."""
    while True:
        for readable in select.select([client, server], [], [])[0]:
            try:
                data = readable.recv(65536)
            except OSError:
                data = b""
            if not data:
                return
            if readable is server and fault == "silent":
                continue
            if readable is server and fault:
                if fault == "reset within the answer":
                    client.sendall(data[: len(data) // 2])
                reset(client)
                return
            (server if readable is client else client).sendall(data)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def test_calls_through_a_network_that_fails_end_well_or_clean(stage: Stage) -> None:
    well = failed = happened = 0
    with Faulty((PRIMARY, 53), FAULTY, random.Random(SEED)) as link:
        server = "{}:{}".format(*link.address)
        for run in range(RUNS):
            client = stage.client(DNS01_SETTLE="0", RFC2136_NAMESERVER=server, RFC2136_DNS_TIMEOUT="2")
            challenge = ("example.org", "token", validation(f"{run}"))

            deployed = client("deploy_challenge", *challenge)
            cleaned = client("clean_challenge", *challenge)

            assert "Traceback" not in deployed.stderr + cleaned.stderr
            assert (deployed.code in (0, 5, 8), cleaned.code) == (True, 0), deployed.stderr
            assert deployed.code == 0 or deployed.stderr.count("dns01: ") == 1
            well, failed = well + (deployed.code == 0), failed + (deployed.code != 0)
            client.kill()
            assert stage.client(DNS01_SETTLE="0")("startup_hook").code == 0
            assert stage.bind.txt(NAME) == set()
            assert stage.journal() == []
        happened = link.happened

    assert well + failed == RUNS
    outcome = f"{well} ended well, {failed} failed clean, {happened} connections broken; nothing left"
    command = f"TRUST_RUNS={RUNS} pytest tests/trust/test_network.py"
    figure("calls through rfc2136, 30 % of connections fail", RUNS, outcome, command)


def test_an_api_behind_a_network_that_fails_has_each_value_once_or_not_at_all() -> None:
    chance = random.Random(SEED)
    well = failed = 0
    with DigitalOcean(["example.org"]) as fake, Faulty(fake.address, FAULTY, chance) as link:
        fake.add_foreign(NAME, "somebody else's", 1234)
        options = {"token": fake.token, "base_url": "http://{}:{}".format(*link.address)}
        for run in range(RUNS):
            provider: Any = load("digitalocean")(options)
            provider.sleep = lambda _: None
            provider.timeout = 2.0
            record = TxtRecord(NAME, validation(f"{run}"), 60)
            try:
                zone = provider.zone_for(NAME)
                provider.publish(zone, [record])
            except ProviderError:
                failed += 1
            else:
                well += 1
                assert record.value in fake.values(NAME)
            assert len(fake.texts(NAME)) == len(fake.values(NAME)), "a value was published twice"
            link.share = 0.0
            provider.retract(provider.zone_for(NAME), [record])
            link.share = FAULTY
            assert fake.values(NAME) == {"somebody else's"}
        happened = link.happened

    outcome = f"{well} ended well, {failed} failed clean, {happened} connections broken; nothing left"
    command = f"TRUST_RUNS={RUNS} pytest tests/trust/test_network.py"
    figure("requests to an API, 30 % of connections fail", RUNS, outcome, command)
