"""Machines of a fleet: each has its own state folder and configuration; a database and a CA are shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from calls import HOOK, Said
from issuing import Office
from testbed.postgres import Postgres


class Machine:
    """One of them. ``more``: keys of its ``[fleet]``."""

    def __init__(self, office: Office, database: Postgres, name: str, more: str = "") -> None:
        self.name = name
        self.folder = office.folder / name
        self.state = self.folder / "state"
        self.folder.mkdir()
        config = self.folder / "config.toml"
        config.touch(0o600)
        fleet = f'[fleet]\ndatabase = "{database.url}"\nmachine = "{name}"\n{more}'
        config.write_text(office.configuration(fleet))
        self._environ = {**office.environ, "DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(self.state)}
        self._office = office

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, str(HOOK), "issue", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environ,
        )

    def issue(self, *words: str) -> Said:
        return self._office.end(self.start(*words))

    def has(self, name: str) -> bool:
        """Whether the certificate and its key are here."""
        return (self.state / "certificates" / name / "privkey.pem").exists()

    def files(self) -> list[Path]:
        return sorted(self.state.glob("certificates/*"))
