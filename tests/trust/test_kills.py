"""Killed at any system call that changes something, and at any moment: the next call makes it good.

strace injects the signal. (Not with --seccomp-bpf, which silently disables that in strace 6.1.)
"""

from __future__ import annotations

import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from amounts import KILLS, SEED, figure
from scenes import SCENES, Scene, made_good, strace

KILLED = 128 + signal.SIGKILL

# All that changes what is on the disk, or what somebody else hears.
CHANGING = (
    "fchmod", "fchown", "fsync", "ftruncate", "linkat", "mkdir", "mkdirat", "pwrite64", "rename", "renameat",
    "sendmsg", "sendto", "symlinkat", "unlink", "unlinkat", "write",
)  # fmt: skip


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield SCENES[request.param](stack, tmp_path)


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
