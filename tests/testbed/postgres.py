"""Debian's PostgreSQL, as its own user, on a socket in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .process import Server

USER = "postgres"


class Postgres(Server):
    """``with Postgres() as database: database.url``; the role ``dns01`` is trusted, and owns everything."""

    def __repr__(self) -> str:
        return "PostgreSQL"

    def prepare(self) -> list[str]:
        self._binaries = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name)) / "bin"
        self.folder.chmod(0o755)
        home = self.folder / "home"
        if not home.exists():
            home.mkdir()
            shutil.chown(home, USER, USER)
            command = [*self._as_user(), str(self._binaries / "initdb"), "-D", str(home / "data")]
            command += ["-U", "dns01", "--auth=trust", "--no-sync", "-E", "UTF8"]
            subprocess.run(command, check=True, capture_output=True, cwd=home)
        self.url = f"postgresql://dns01@/postgres?host={home}"
        command = [str(self._binaries / "postgres"), "-D", str(home / "data"), "-k", str(home), "-h", ""]
        return [*self._as_user(), "setpriv", "--pdeathsig", "KILL", *command]

    def is_ready(self) -> bool:
        command = [str(self._binaries / "pg_isready"), "-q", "-h", str(self.folder / "home")]
        return subprocess.run(command, check=False).returncode == 0

    def restart(self, away: float = 0.0) -> None:
        """Stop it as an operator does (its connections are broken), and start it again after so many
        seconds."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        time.sleep(away)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.prepare(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        self._wait()

    def query(self, statement: str) -> list[list[str]]:
        """The rows of a statement, each value as text."""
        command = ["psql", "-h", str(self.folder / "home"), "-U", "dns01", "-d", "postgres"]
        command += ["-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement]
        environ = {**os.environ, "LC_ALL": "C.UTF-8"}
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
        return [line.split("\t") for line in run.stdout.splitlines()]

    @staticmethod
    def _as_user() -> list[str]:
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
