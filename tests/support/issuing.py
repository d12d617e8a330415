"""``dns01 issue`` as a real process, with a CA and a DNS of our own.

::

    with Office(tmp_path) as office:
        office.want("www", "www.example.org")
        assert office.issue().code == 0
        assert office.names_of("www") == {"www.example.org"}
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fork_server
import preloaded
from calls import KEY, PRIMARY, Said
from cryptography import x509
from testbed import Bind, Pebble
from testbed.acme_front import AcmeFront
from testbed.process import Group

ZONES = ("example.org", "example.net")


class Office(Group):
    """A machine that has certificates issued: its configuration, its state, and the world around it.

    ``zones`` are on one BIND, which the CA asks as well; ``servers`` are asked whether they have a
    record. ``ca``: one that runs already, and has nothing of this office's; without it there is a new one,
    with more in its ``environment``. ``front``: whether something stands before it.
    """

    def __init__(
        self,
        folder: Path,
        zones: tuple[str, ...] = ZONES,
        *,
        ca: Pebble | None = None,
        environment: Mapping[str, str] | None = None,
        servers: Sequence[str] = (PRIMARY,),
        front: bool = True,
        external_accounts: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "config.toml"
        self._zones = zones
        self._servers = servers
        self._fronted = front
        self.bind = Bind(PRIMARY, dict.fromkeys(zones, ""), [KEY])
        self._shared = ca is not None
        self.ca = ca or new_ca(environment, external_accounts)
        self.more = ""
        self.ca_more = ""
        self._certificates: dict[str, str] = {}

    def set_up(self) -> None:
        fork_server.prepare()
        self.enter(self.bind)
        if self._shared:
            self._entered.callback(self._show_log, len(self.ca.log))
        else:
            self.enter(self.ca)
        self.directory, self.ca_file = self.ca.directory, self.ca.ca_file
        if self._fronted:
            self.front = self.enter(AcmeFront(self.ca))
            self.directory, self.ca_file = self.front.directory, self.front.ca_file

    def want(self, name: str, *names: str, **more: str) -> None:
        """One certificate more in the configuration."""
        lines = [f'[certificate."{name}"]']
        lines += [f"names = {json.dumps(names)}"] if names else []
        lines += [f'{key} = "{value}"' for key, value in more.items()]
        self._certificates[name] = "\n".join(lines)

    def forget(self, name: str) -> None:
        del self._certificates[name]

    def issue(self, *words: str, seconds: float = 120) -> Said:
        """Run it to its end."""
        return self.end(self.start(*words), seconds)

    def start(self, *words: str, command: str = "issue") -> preloaded.Process:
        """The same, without waiting for its end."""
        self._write_configuration()
        return preloaded.start([*filter(None, (command, *words))], self.environ, self.folder / "runs")

    def run(self, *words: str) -> Said:
        """Another command, with the same configuration."""
        return self.end(self.start(*words, command=""))

    def end(self, process: preloaded.Process, seconds: float = 120) -> Said:
        began = time.monotonic()
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            stdout, stderr = process.communicate()
        print(stdout, stderr, sep="\n", file=sys.stderr)
        return Said(process.wait(), stdout, stderr, time.monotonic() - began)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DNS01_CONFIG": str(self.config),
            "DNS01_STATE_DIR": str(self.state),
        }

    def leaf(self, name: str) -> x509.Certificate:
        """The certificate that is there."""
        return x509.load_pem_x509_certificate((self.certificate(name) / "cert.pem").read_bytes())

    def names_of(self, name: str) -> set[str]:
        san = self.leaf(name).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(san.get_values_for_type(x509.DNSName))

    def certificate(self, name: str) -> Path:
        return self.state / "certificates" / name

    def order(self, name: str) -> dict[str, Any]:
        """What is kept of it between two runs."""
        (file,) = self.state.glob(f"orders/{name}-*.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def age(self, name: str, **changes: Any) -> None:
        """Change what is kept of it, as time would."""
        (file,) = self.state.glob(f"orders/{name}-*.json")
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    def texts(self, *names: str) -> set[str]:
        """The values that are out for these domains."""
        return {value for name in names for value in self.bind.txt(f"_acme-challenge.{name}")}

    def trail(self) -> list[dict[str, Any]]:
        path = self.state / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def configuration(self, more: str = "") -> str:
        """The text of config.toml."""
        servers = json.dumps(list(self._servers))
        zones = "".join(f'[zone."{z}"]\nnameservers = {servers}\naccount = "bind"\n' for z in self._zones)
        return f"""
[account.bind]
provider = "rfc2136"
nameserver = "{PRIMARY}"
tsig_key = "{KEY.name}"
tsig_secret = "{KEY.secret}"
timeout = 60
settle = 0
{zones}
[ca]
directory = "{self.directory}"
ca_file = "{self.ca_file}"
{self.ca_more}
{chr(10).join(self._certificates.values())}
{more or self.more}
"""

    def _show_log(self, begin: int) -> None:
        """What the CA has said since, which pytest shows of a test that failed."""
        print(f"--- {self.ca} said:\n{self.ca.log[begin:][-4000:]}", file=sys.stderr)

    def _write_configuration(self) -> None:
        self.config.touch(0o600)
        self.config.write_text(self.configuration())


def new_ca(
    environment: Mapping[str, str] | None = None, external_accounts: Mapping[str, str] | None = None
) -> Pebble:
    """A CA that asks the name server of an office."""
    return Pebble(resolver=f"{PRIMARY}:53", environment=environment, external_accounts=external_accounts)


def account_section(name: str, address: str, apex: str, secret: str = KEY.secret, asks: str = "") -> str:
    zone = f'[zone."{apex}"]\nnameservers = ["{asks or address}"]\naccount = "{name}"\n' if apex else ""
    return (
        f'[account.{name}]\nprovider = "rfc2136"\nnameserver = "{address}"\n'
        f'tsig_key = "{KEY.name}"\ntsig_secret = "{secret}"\nsettle = 0\n{zone}'
    )
