"""500 certificates of one run for one nginx, which is a real one: it is reloaded once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bundles import issued
from served import fingerprint
from testbed.process import TIME_LIMIT, Server, free_port, is_listening

from dns01.hooks.clients.process import this_process
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.deploy.section import Deployment

NAMES = [f"n{number}.example" for number in range(500)]
SERVER = """
server {{
    listen 127.0.0.1:{port} ssl;
    server_name {name};
    ssl_certificate {tls}/{name}/fullchain.pem;
    ssl_certificate_key {tls}/{name}/privkey.pem;
}}
"""


class Nginx(Server):
    """Starts with a server for each name that has a certificate by then: with none."""

    def prepare(self) -> Sequence[str]:
        self.port = free_port("127.0.0.1")
        (self.folder / "nginx.conf").write_text(
            "pid pid; error_log stderr notice; events { }\n"
            "http { access_log off; server_names_hash_max_size 4096; include servers*.conf; }\n"
        )
        return [*self.command, "-g", "daemon off;"]

    @property
    def command(self) -> Sequence[str]:
        return ["nginx", "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr"]

    def is_ready(self) -> bool:
        pid = self.folder / "pid"
        return pid.exists() and bool(pid.read_text())

    def wait_until_listening(self) -> None:
        """As it does some time after it was told to read its configuration."""
        end = time.monotonic() + TIME_LIMIT
        while not is_listening("127.0.0.1", self.port):
            assert time.monotonic() < end, self.log
            time.sleep(0.05)


@pytest.fixture
def nginx() -> Iterator[Nginx]:
    with Nginx() as server:
        yield server


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: thousands of files are made safe on the disk here, one by one."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_500_certificates_for_one_nginx_are_one_reload(nginx: Nginx, memory: Path) -> None:
    run = this_process("dehydrated")
    (memory / "tls").mkdir()
    where = Deployment(
        "*",
        "nginx",
        "files",
        {"directory": f"{memory}/tls/{{name}}"},
        reload=(*nginx.command, "-s", "reload"),
    )
    certificates = [issued(memory / name, name).facts for name in NAMES]
    servers = "".join(SERVER.format(port=nginx.port, name=name, tls=memory / "tls") for name in NAMES)
    (nginx.folder / "servers.conf").write_text(servers)
    for facts in certificates:  # each is a call of the hook
        Deliverer([where], Ledger(str(memory / "state")), run).deliver(facts.certificate, [where], queue=True)
    assert "SIGHUP" not in nginx.log

    last = Deliverer([where], Ledger(str(memory / "state")), run)
    last.end_run()

    assert (len(last.arrived), last.failed) == (len(NAMES), [])
    assert nginx.log.count("signal 1 (SIGHUP) received") == 1
    nginx.wait_until_listening()
    for facts in (certificates[0], certificates[250], certificates[-1]):
        assert fingerprint(nginx.port, facts.certificate.domain) == facts.fingerprint
