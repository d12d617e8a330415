"""A disk that is full, broken or read-only, at any system call on a file of ours: words, and nothing lost.

strace injects the error into one call, as if the kernel had given it.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from amounts import ERRORS, SEED, figure
from calls import NAME, Said
from scenes import SCENES, Deploying, Issuing, Scene, made_good, strace

WRITING = ("ENOSPC", "EIO", "EDQUOT", "EROFS", "ENOMEM")
READING = ("EIO", "ENOMEM")
ERRORS_OF = {
    **dict.fromkeys(
        ("fchmod", "chmod", "fchown", "fsync", "ftruncate", "linkat", "mkdir", "openat", "pwrite64", "rename",
         "renameat", "symlink", "symlinkat", "unlink", "unlinkat", "utimensat", "write"),
        WRITING,
    ),
    **dict.fromkeys(("getdents64", "pread64", "read"), READING),
    "flock": ("ENOLCK", "EIO"),
}  # fmt: skip
ENDED = range(11)  # each of these is said what it means; 70 is a fault of our own, 1 a traceback of Python's


class Instant(NamedTuple):
    """A system call of a healthy run, its number among those of its name, and a possible error."""

    name: str
    number: int
    error: str


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield SCENES[request.param](stack, tmp_path)


def instants(scene: Scene, folder: Path) -> list[Instant]:
    """Every system call of a run that nothing befalls that is about the folder, with each error."""
    said = scene.run(*strace(scene, "-y", "-e", f"trace={','.join(ERRORS_OF)}"))
    assert said.code == 0, said.stderr
    numbers: Counter[tuple[str, str]] = Counter()
    ours: dict[tuple[str, int], bool] = {}
    for thread, name, rest in re.findall(
        r"^(\d+) +(\w+)\((.*)", scene.trace.read_text(errors="replace"), re.MULTILINE
    ):
        numbers[thread, name] += 1
        call = (name, numbers[thread, name])  # which strace means in each thread
        ours[call] = ours.get(call, True) and str(folder) in rest
    return sorted(Instant(*call, error) for call in ours if ours[call] for error in ERRORS_OF[call[0]])


def run_with(scene: Scene, instant: Instant) -> Said:
    fault = f"inject={instant.name}:error={instant.error}:when={instant.number}"
    return scene.run(*strace(scene, "-e", f"trace={instant.name}", "-e", fault))


def check_that_nothing_is_lost(scene: Scene, before: bytes) -> None:
    """What is published is in the journal; what is installed is whole."""
    if isinstance(scene, Deploying):
        assert scene.machine.installed("a.example") in (before, Path(scene.certificate.cert).read_bytes())
    elif isinstance(scene, Issuing):
        assert scene.office.names_of("www") == {"www.example.org"}
    else:
        assert scene.stage.bind.txt(NAME) <= {entry["value"] for entry in scene.stage.journal()}


def test_an_error_of_the_system_is_said_and_made_good_by_the_next_call(
    scene: Scene, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    possible = instants(scene, tmp_path)
    made_good(scene)
    assert len(possible) > 50
    chosen = random.Random(SEED).sample(possible, min(ERRORS, len(possible)))

    for instant in chosen:
        before = scene.machine.installed("a.example") if isinstance(scene, Deploying) else b""
        said = run_with(scene, instant)

        assert said.code in ENDED, (instant, said.stderr)
        assert "Traceback" not in said.stderr, instant
        assert not said.code or said.stderr.strip(), instant
        check_that_nothing_is_lost(scene, before)
        made_good(scene)

    phase = request.node.callspec.params["scene"]
    figure(
        f"{phase}, an error at a system call (of {len(possible)})",
        len(chosen),
        "said in words, nothing left, nothing lost",
        f"TRUST_ERRORS={ERRORS} pytest tests/trust/test_system_errors.py -k {phase}",
    )


@pytest.mark.parametrize("error", ["EIO", "ENOMEM", "EMFILE"])
def test_where_the_audit_trail_cannot_be_read_for_once_its_chain_is_not_begun_anew(
    tmp_path: Path, error: str
) -> None:
    with ExitStack() as stack:
        scene = SCENES["publish"](stack, tmp_path)
        assert scene.run().code == 0
        made_good(scene)
        trail = scene.state / "audit.jsonl"
        before = trail.read_bytes()

        fault = (f"-P{trail}", "-e", f"inject=openat:error={error}:when=1")
        said = scene.run(*strace(scene, *fault))

        assert said.code == 0
        assert str(trail) in said.stderr
        assert trail.read_bytes() == before
        made_good(scene)
