"""Phases of clients, for tests of faults: what is there before, the call, and what makes a fault good."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from calls import HOOK, NAME, Client, Said, Stage
from contract import validation
from issuing import Office
from machine import Machine, content, deploy_cert

from dns01.hooks.state.audit.verify import verify

A = validation("a")
APEX = ("example.org", "token", A)
CERTBOT = {"CERTBOT_DOMAIN": "example.org", "CERTBOT_VALIDATION": A}


class Scene:
    """A phase, what has to be there before it, and what makes good that it was killed."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stage = stack.enter_context(Stage(folder))
        self.state = folder / "state"
        self.trace = folder / "trace"
        self.prepare()

    def prepare(self) -> None:
        self.client = self._client()

    def run(self, *under: str) -> Said:
        self.client.under = list(under)
        try:
            return self.phase()
        finally:
            self.client.under = []

    def phase(self) -> Said:
        return self.client("deploy_challenge", *APEX)

    def recover(self) -> None:
        """The client is dead as well, and another one calls."""
        self.client.kill()
        assert self._client()("startup_hook").code == 0

    def check(self) -> None:
        assert self.stage.bind.txt(NAME) == set()
        assert self.stage.journal() == []

    def _client(self) -> Client:
        return self.stage.client(DNS01_SETTLE="0")


class Publishing(Scene):
    pass


class Cleaning(Scene):
    def prepare(self) -> None:
        super().prepare()
        assert self.client("deploy_challenge", *APEX).code == 0

    def phase(self) -> Said:
        return self.client("clean_challenge", *APEX)


class Certbot(Scene):
    def prepare(self) -> None:
        self.client = self.stage.client("certbot", DNS01_SETTLE="0")

    def phase(self) -> Said:
        return self.client("certbot", "auth", **CERTBOT)


class Sweeping(Scene):
    def prepare(self) -> None:
        dying = self._client()
        assert dying("deploy_challenge", *APEX).code == 0
        dying.kill()
        self.client = self.stage.client("bash", DNS01_SETTLE="0")

    def phase(self) -> Said:
        return self.client("sweep")


class Deploying(Scene):
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.machine = stack.enter_context(Machine(folder))
        self.state = folder / "state"
        self.trace = folder / "trace"
        self.prepare()

    def prepare(self) -> None:
        self.client = self.machine.client()
        self.certificate = self.machine.issue("a.example")

    def phase(self) -> Said:
        return deploy_cert(self.client, self.certificate)

    def recover(self) -> None:
        self.client.kill()
        client = self.machine.client()
        assert client("unchanged_cert", "a.example", *self.certificate[1:5]).code == 0
        assert client("exit_hook").code == 0

    def check(self) -> None:
        assert self.machine.installed("a.example") == content(self.certificate)
        assert self.machine.pending() == []


class Issuing(Scene):
    """The run is a client by itself."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.office = stack.enter_context(Office(folder, front=False))
        self.office.want("www", "www.example.org")
        self.state = folder / "state"
        self.trace = folder / "trace"
        assert self.office.issue().code == 0

    def prepare(self) -> None:
        pass

    def run(self, *under: str) -> Said:
        command = [*under, sys.executable, str(HOOK), "issue", "--force", "www"]
        done = subprocess.run(command, capture_output=True, text=True, env=self.office.environ)
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Said(code, done.stdout, done.stderr, 0)

    def recover(self) -> None:
        """What has failed is left alone for a while, unless somebody says that it is repaired."""
        assert self.office.issue("--force", "www").code == 0

    def check(self) -> None:
        assert self.office.names_of("www") == {"www.example.org"}
        assert self.office.texts("www.example.org") == set()
        assert not list(self.state.glob("open/*.json"))


SCENES = {
    "publish": Publishing,
    "clean": Cleaning,
    "certbot": Certbot,
    "sweep": Sweeping,
    "deploy": Deploying,
    "issue": Issuing,
}


def strace(scene: Scene, *options: str) -> list[str]:
    return ["strace", "-f", "-qq", "-o", str(scene.trace), *options]


def made_good(scene: Scene) -> None:
    scene.recover()
    scene.check()
    found = verify(str(scene.state / "audit.jsonl"))
    assert found.tampered == []
    scene.prepare()
