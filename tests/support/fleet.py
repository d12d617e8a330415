"""Machines of a fleet: each has its own state folder and configuration; a database and a CA are shared."""

from __future__ import annotations

from pathlib import Path

import preloaded
from calls import Said
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

    def start(self, *words: str) -> preloaded.Process:
        return preloaded.start(["issue", *words], self._environ, self.folder / "runs")

    def issue(self, *words: str) -> Said:
        return self._office.end(self.start(*words))

    def has(self, name: str) -> bool:
        """Whether the certificate and its key are here."""
        return (self.state / "certificates" / name / "privkey.pem").exists()

    def files(self) -> list[Path]:
        return sorted(self.state.glob("certificates/*"))
