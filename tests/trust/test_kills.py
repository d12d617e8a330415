"""Killed at any system call that changes something, and at any moment: the next call makes it good.

strace injects the signal. (Not with --seccomp-bpf, which silently disables that in strace 6.1.)
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from amounts import KILLS, SEED, figure
from calls import HOOK, NAME, Client, Said, Stage
from contract import validation
from issuing import Office
from machine import Machine, content, deploy_cert

from dns01.hooks.state.audit.verify import verify

A = validation("a")
APEX = ("example.org", "token", A)
CERTBOT = {"CERTBOT_DOMAIN": "example.org", "CERTBOT_VALIDATION": A}
KILLED = 128 + signal.SIGKILL

# All that changes what is on the disk, or what somebody else hears.
CHANGING = (
    "fchmod", "fchown", "fsync", "ftruncate", "linkat", "mkdir", "mkdirat", "pwrite64", "rename", "renameat",
    "sendmsg", "sendto", "symlinkat", "unlink", "unlinkat", "write",
)  # fmt: skip


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
        assert self.office.issue().code == 0

    def check(self) -> None:
        assert self.office.names_of("www") == {"www.example.org"}
        assert self.office.texts("www.example.org") == set()
        assert not list(self.state.glob("open/*"))


SCENES = {
    "publish": Publishing,
    "clean": Cleaning,
    "certbot": Certbot,
    "sweep": Sweeping,
    "deploy": Deploying,
    "issue": Issuing,
}


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield SCENES[request.param](stack, tmp_path)


def strace(scene: Scene, *options: str) -> list[str]:
    return ["strace", "-f", "-qq", "-o", str(scene.trace), *options]


def made(scene: Scene) -> Counter[str]:
    """How often each system call of those that change something is made by a run that nobody kills, in the
    thread that makes most of them: strace counts for each thread by itself."""
    said = scene.run(*strace(scene, "-e", f"trace={','.join(CHANGING)}"))
    assert said.code == 0, said.stderr
    counts = Counter(re.findall(r"^(\d+) +(\w+)\(", scene.trace.read_text(), re.MULTILINE))
    most: Counter[str] = Counter()
    for (_, name), count in counts.items():
        most[name] = max(most[name], count)
    return most


def made_good(scene: Scene) -> None:
    scene.recover()
    scene.check()
    found = verify(str(scene.state / "audit.jsonl"))
    assert found.tampered == []
    scene.prepare()


def killed_at(scene: Scene, name: str, number: int) -> bool:
    """Kill it at the call of that number; where it makes fewer of them this time, as it waits less long, at
    one half as far. Gives whether it was killed at all."""
    while True:
        kill = ("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
        said = scene.run(*strace(scene, *kill))
        assert said.code in (0, KILLED), said.stderr
        made_good(scene)
        if said.code == KILLED or number == 1:
            return said.code == KILLED
        number //= 2


def test_a_kill_at_a_system_call_is_made_good_by_the_next_call(
    scene: Scene, request: pytest.FixtureRequest
) -> None:
    counts = made(scene)
    made_good(scene)
    instants = [(name, number) for name, count in sorted(counts.items()) for number in range(1, count + 1)]
    assert len(instants) > 10
    chosen = random.Random(SEED).sample(instants, min(KILLS, len(instants)))

    killed = sum(killed_at(scene, name, number) for name, number in chosen)

    assert killed
    phase = request.node.callspec.params["scene"]
    command = f"TRUST_KILLS={KILLS} pytest tests/trust/test_kills.py -k 'system_call and {phase}'"
    figure(
        f"{phase}, killed at a system call (of {len(instants)})",
        killed,
        "nothing left, nothing lost",
        command,
    )


def test_a_kill_at_any_moment_is_made_good_by_the_next_call(
    scene: Scene, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(SEED)
    takes = max(scene.run().seconds, 1.0)
    made_good(scene)

    killed = 0
    for _ in range(KILLS):
        said = scene.run("timeout", "--signal=KILL", f"{chance.uniform(0.05, takes):.3f}")
        assert said.code in (0, KILLED), said.stderr
        killed += said.code == KILLED
        made_good(scene)

    phase = request.node.callspec.params["scene"]
    command = f"TRUST_KILLS={KILLS} pytest tests/trust/test_kills.py -k 'any_moment and {phase}'"
    figure(f"{phase}, killed at any moment", killed, "nothing left, nothing lost", command)
