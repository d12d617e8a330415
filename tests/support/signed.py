"""Zones signed by BIND's and Knot's own tools, on real servers.

::

    with SignedBind(keys, "127.1.0.1", {"example.org": ""}) as bind:
        world.delegate("example.org", {"ns.example.org": "127.1.0.1"})
        world.zones["org"].set("example.org", "DS", *bind.ds)
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import dns.dnssec
import dns.rdatatype
from testbed import Bind, Knot

DAY = 86400


class SignedBind(Bind):
    """Signed once with dnssec-signzone, from yesterday until ``days`` from now, with the keys in the
    folder ``keys``, which are made if there are none. ``opt_out``: of NSEC3, for
    delegations that are not signed.
    ``since``: the day from which on. ``spoil``: a text to replace in what is signed,
    and what to put there."""

    def __init__(
        self,
        keys: Path,
        address: str,
        zones: Mapping[str, str],
        *,
        days: float = 29,
        spoil: tuple[str, str] = ("", ""),
        algorithm: str = "ECDSAP256SHA256",
        nsec3: bool = False,
        opt_out: bool = False,
        since: float = -1,
    ) -> None:
        super().__init__(address, zones)
        self._keys = keys
        self._days = days
        self._spoil = spoil
        self._algorithm = algorithm
        self._since = since
        self._denial = ("-3", "-", "-H", "0", *(["-A"] if opt_out else [])) if nsec3 else ()
        self.ds: list[str] = []

    def zone_files(self) -> list[tuple[str, Path]]:
        files = super().zone_files()
        self._keys.mkdir(exist_ok=True)
        for apex, path in files:
            if not list(self._keys.glob(f"K{apex}.*.key")):
                for flags in ([], ["-f", "KSK"]):
                    self._run("dnssec-keygen", "-a", self._algorithm, *flags, apex)
            life = ("-s", f"now{self._since * DAY:+.0f}", "-e", f"now{self._days * DAY:+.0f}", *self._denial)
            self._run(
                "dnssec-signzone", "-S", "-P", "-O", "full", *life, "-o", apex, "-f", str(path), str(path)
            )
            path.write_text(path.read_text().replace(*self._spoil) if self._spoil[0] else path.read_text())
            lines = (self._keys / f"dsset-{apex}.").read_text().splitlines()
            self.ds = [line.partition(" DS ")[2] or line.partition("\tDS\t")[2] for line in lines]
        return files

    def _run(self, *command: str) -> None:
        subprocess.run(command, cwd=self._keys, check=True, capture_output=True)


class SignedKnot(Knot):
    """Signed by Knot itself, and anew whenever it is time, by its own defaults."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        signing = "template:\n  - id: default\n    dnssec-signing: on\n    zonefile-sync: -1\n"
        path.write_text(signing + path.read_text())
        return command

    @property
    def ds(self) -> list[str]:
        """For the parent, of its keys that are made to be pointed at."""
        (apex,) = self._zones
        (keys,) = [each for each in self.ask(apex, "DNSKEY").answer if each.rdtype == dns.rdatatype.DNSKEY]
        entry = [key for key in keys if key.flags & dns.dnssec.Flag.SEP]
        return [dns.dnssec.make_ds(keys.name, key, "SHA256").to_text() for key in entry]
