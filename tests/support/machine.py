"""A machine that only deploys: certificates in a folder, and services that write down what is done to them.

::

    with Machine(tmp_path) as machine:
        assert deploy_cert(machine.client(), machine.issue("a.example")).code == 0
        assert machine.done() == ["test a.example"]
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bundles import issued
from calls import Client, Said
from testbed.process import Group

from dns01.hooks.clients.call import Certificate


class Machine(Group):
    """Its configuration has no account, and one target for every certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "config.toml"
        self.log = folder / "log"
        self._clients = 0
        for name in ("a.example", "b.example"):
            (folder / "tls" / name).mkdir(parents=True)
        self.configure()

    def configure(self, *, test: str = "true", more: str = "", section: str = "*") -> None:
        """One target for the certificates of a section. A service's commands write a line each."""
        self.config.write_text(
            f'[deploy."{section}".web]\nto = "files"\ndirectory = "{self.folder}/tls/{{name}}"\n'
            f'test = ["sh", "-c", "echo test $DNS01_DOMAIN >> {self.log}; {test}"]\n'
            f'reload = ["sh", "-c", "echo reload $DNS01_DOMAIN >> {self.log}"]\n{more}'
        )

    def client(self, name: str = "dehydrated") -> Client:
        self._clients += 1
        environ = {
            "PATH": os.environ["PATH"],
            "DNS01_STATE_DIR": str(self.state),
            "DNS01_CONFIG": str(self.config),
        }
        return self.enter(Client(self.folder / f"client{self._clients}", name, environ))

    def issue(self, name: str) -> Certificate:
        return issued(self.folder / "certs" / name, name).facts.certificate

    def installed(self, name: str) -> bytes:
        path = self.folder / "tls" / name / "cert.pem"
        return path.read_bytes() if path.exists() else b""

    def done(self) -> list[str]:
        """What the services were made to do since this was last asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return lines

    def pending(self) -> list[dict[str, Any]]:
        return [json.loads(file.read_text()) for file in sorted(self.state.glob("pending/*.json"))]

    def trail(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.state / "audit.jsonl").read_text().splitlines()]


def deploy_cert(client: Client, certificate: Certificate) -> Said:
    paths = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain)
    return client("deploy_cert", certificate.domain, *paths, "1800000000")


def content(certificate: Certificate) -> bytes:
    return Path(certificate.cert).read_bytes()
