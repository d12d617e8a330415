"""An installation of files as the kernel sees it: killed at every step, and who could read the key then."""

from __future__ import annotations

import pickle
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from bundles import issued
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target

KILLED_AT = 100

# Installs in each folder, by a child of its own. Of all system calls of one name, a child is killed by
# its KILLED_ATth; it has made so many in vain by then that this is the one which its job says.
PROGRAM = f"""
import os, pickle, sys
from contextlib import suppress
from dns01.hooks.deploy.targets.files import Target
with open(sys.argv[1], "rb") as file:
    jobs, bundle = pickle.load(file)
pipe, _ = os.pipe()
in_vain = {{
    "fchmod": lambda: os.fchmod(pipe, 0),
    "fchown": lambda: os.fchown(pipe, -1, -1),
    "fsync": lambda: os.fsync(pipe),
    "linkat": lambda: os.link("", "", follow_symlinks=False),
    "mkdirat": lambda: os.mkdir("", dir_fd=pipe),
    "renameat": lambda: os.rename("", "", src_dir_fd=pipe, dst_dir_fd=pipe),
    "symlinkat": lambda: os.symlink("", "", dir_fd=pipe),
    "unlink": lambda: os.unlink(""),
    "unlinkat": lambda: os.unlink("", dir_fd=pipe),
    "write": lambda: os.write(pipe, b""),
}}
codes = []
for options, name, number in jobs:
    if not (child := os.fork()):
        for _ in range({KILLED_AT} - number if name else 0):
            with suppress(OSError):
                in_vain[name]()
        Target(options).install(bundle)
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(" ".join(map(str, codes)))
"""

# All that changes what another process can see, or what is on the disk.
CHANGING = "fchmod,fchown,fsync,linkat,mkdirat,renameat,symlinkat,unlink,unlinkat,write"
OTHERS = (
    "chmod,creat,fchmodat,fchownat,link,mkdir,open,openat,pwrite64,rename,renameat2,rmdir,symlink,truncate"
)
SEEN = ("-e", f"trace={CHANGING},{OTHERS}")


class Job(NamedTuple):
    """An installation; killed at a call of that name, the ``number``th."""

    options: Mapping[str, str]
    name: str = ""
    number: int = 0


def install(folder: Path, jobs: Sequence[Job], bundle: CertificateFiles, *strace: str) -> list[int]:
    """Do the jobs under strace; gives the children's exit codes."""
    (folder / "jobs").write_bytes(pickle.dumps(([tuple(job) for job in jobs], bundle)))
    command = ["strace", "-f", "-qq", "-y", "-o", f"{folder}/trace", *strace]
    command += [sys.executable, "-c", PROGRAM, f"{folder}/jobs"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return [int(code) for code in done.stdout.split()]


def calls(folder: Path) -> list[str]:
    """The children's system calls in the last trace."""
    traced = [line.split(maxsplit=1) for line in (folder / "trace").read_text().splitlines()]
    return [call for process, call in traced if process != traced[0][0] and "(" in call]


def options_for(folder: Path) -> dict[str, str]:
    paths = {"fullchain": "x.pem", "privkey": "private/x.key", "combined": "all.pem"}
    return {kind: f"{folder}/{path}" for kind, path in paths.items()}


def prepare(folder: Path, before: str, oldest: CertificateFiles, old: CertificateFiles) -> None:
    """What a service has before the installation."""
    (folder / "private").mkdir(parents=True)
    target = Target(options_for(folder))
    match before:
        case "plain files":
            (folder / "x.pem").write_bytes(old.fullchain)
            (folder / "private" / "x.key").write_bytes(old.key)
        case "a version":
            for bundle in (oldest, old):
                target.install(bundle)
                target.commit(bundle)
        case "an undone version":
            target.install(old)
            target.commit(old)
            target.install(oldest)
            target.undo(oldest)


def pair(folder: Path) -> bytes | None:
    """The certificate at the paths that the service knows, which is that of the key there; None if
    there is neither."""
    certificate, key = folder / "x.pem", folder / "private" / "x.key"
    if not certificate.exists() and not key.exists():
        return None
    leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert load_pem_private_key(key.read_bytes(), None).public_key() == leaf.public_key()
    return certificate.read_bytes()


@pytest.mark.parametrize("before", ["nothing", "plain files", "a version", "an undone version"])
def test_a_kill_at_any_instant_leaves_a_matching_pair_and_the_next_run_completes(
    tmp_path: Path, before: str
) -> None:
    oldest, old, new = (issued(tmp_path / name) for name in ("oldest", "old", "new"))
    unharmed = tmp_path / "unharmed"
    prepare(unharmed, before, oldest, old)
    assert install(tmp_path, [Job(options_for(unharmed))], new, *SEEN) == [0]
    made = [call for call in calls(tmp_path) if not re.match(r"openat\(.*O_RDONLY", call)]
    steps = Counter(call.partition("(")[0] for call in made)
    # A file that is opened to be written is there, empty, at the next step.
    assert steps.pop("openat") == len([call for call in made if "O_EXCL" in call])
    assert steps.keys() <= set(CHANGING.split(","))

    jobs = []
    for name, count in steps.items():
        for number in range(1, count + 1):
            folder = tmp_path / f"{name}-{number}"
            prepare(folder, before, oldest, old)
            jobs.append(Job(options_for(folder), name, number))
    kill = ("-e", f"trace={CHANGING}", "-e", f"inject={CHANGING}:signal=KILL:when={KILLED_AT}")
    assert install(tmp_path, jobs, new, *kill) == [-signal.SIGKILL] * len(jobs)

    was = None if before == "nothing" else old.fullchain
    folders = [tmp_path / f"{job.name}-{job.number}" for job in jobs]
    assert {pair(folder) for folder in folders} == {was, new.fullchain}
    for folder, job in zip(folders, jobs, strict=True):
        Target(job.options).undo(new)
        assert pair(folder) == was
        Target(job.options).install(new)
        assert Target(job.options).changes(new) == []
        assert not list(folder.rglob("*.new"))
        if before == "plain files":
            assert (folder / ".x.pem.before-dns01").read_bytes() == old.fullchain
            assert (folder / "private" / ".x.key.before-dns01").read_bytes() == old.key


def test_nobody_else_can_read_the_key_for_an_instant_unless_the_configuration_says_so(tmp_path: Path) -> None:
    old, new = (issued(tmp_path / name) for name in ("old", "new"))
    for folder in (tmp_path / "1", tmp_path / "2"):
        prepare(folder, "plain files", old, old)
        (folder / "private" / "x.key").chmod(0o600)
    closed = options_for(tmp_path / "1")
    shared = {**options_for(tmp_path / "2"), "group.privkey": "adm", "mode.privkey": "0640"}
    assert install(tmp_path, [Job(closed), Job(shared)], new, *SEEN) == [0, 0]
    made = calls(tmp_path)

    created = [call for call in made if "O_CREAT" in call]
    assert len(created) == 2 * (2 + 3)  # what was there before, and what is new
    assert all(re.search(r"O_CREAT\|O_EXCL.*, 0600\)", call) for call in created)
    assert not [call for call in made if re.match(r"(creat|open|fchmodat|link)\(", call)]

    opened = [call for call in made if re.match(r"fchmod\(.*(privkey|combined)\.pem>", call)]
    modes = [re.search(r"(\d)/\.x.*/(\w+)\.pem>, (\d+)", call) for call in opened]
    assert [match.groups() for match in modes if match] == [
        ("1", "privkey", "0600"),  # adopted
        ("1", "privkey", "0600"),
        ("1", "combined", "0600"),
        ("2", "privkey", "0600"),
        ("2", "privkey", "0640"),
        ("2", "combined", "0600"),
    ]
    at = made.index(opened[4])
    assert re.match(r"fchown\(.*privkey\.pem>, -1, \d+\)", made[at - 1])  # before the group may read

    folders = [call for call in made if call.startswith("mkdirat(")]
    assert folders
    assert all(call.endswith('", 0700) = 0') for call in folders)  # whatever the umask
    opened_up = [
        call for call in made if re.match(r"fchmod\(", call) and call not in opened and "0755" in call
    ]
    assert all(re.search(r"(versions|/\d+)>, 0755\)", call) for call in opened_up)  # folders
    renamed = [call for call in made if re.match(r"renameat\(", call)]
    assert renamed
    assert all(re.search(r'renameat\([^"]*"[^"]*\.new", ', call) for call in renamed)  # links, not files
