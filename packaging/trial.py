#!/usr/bin/env python3
"""``make try``: each package of ``dist/`` on a bare Debian, up to a certificate (Pebble, dehydrated, BIND).

What is typed is what ``docs/install.rst`` has for that package, and what README has for BIND. The bare
Debian is made by debootstrap, with the package sources and pip's settings of this machine; each trial
changes an overlay of it in memory, in namespaces of its own, and leaves nothing behind. Needs root,
debootstrap, and ``make dist``.

::

    python packaging/trial.py [--suite trixie] [--base FOLDER] [WAY…]
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from typed import ANSIBLE, BASE, CERTIFICATES, ENTER, ENVIRONMENT, MOUNT, ONLINE, WAYS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = r"s/^URIs: *//p; s/^deb *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\).*/\2/p"
LIMIT = 1800  # seconds, for one trial
NAMESPACES = (
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--mount",
    "--mount-proc",
    "--pid",
    "--fork",
    "--kill-child",
)
MARK = "--- next step ---"
PIP = (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--suite", default="bookworm", help="Debian's (bookworm)")
    parser.add_argument("--base", type=Path, help="keep the bare Debian in this folder, for the next time")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the packages are")
    parser.add_argument("way", nargs="*", help=f"of {', '.join(WAYS)}; otherwise all")
    asked = parser.parse_args()
    if unknown := set(asked.way) - WAYS.keys():
        parser.error(f"there is no way {', '.join(unknown)}, but {', '.join(WAYS)}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if not (asked.dist / "SHA256SUMS").exists():
        sys.exit(f"{asked.dist} has no packages: make dist")
    with tempfile.TemporaryDirectory(prefix="dns01-try-") as scratch:
        base = asked.base or Path(scratch, asked.suite)
        if not (base / "root" / "base-is-whole").exists():
            make_base(base, asked.suite)
        results = {way: attempt(base, asked.dist.resolve(), way) for way in asked.way or WAYS}
    sys.exit(not all(results.values()))


def make_base(base: Path, suite: str) -> None:
    """Debian without Python and, in the place of other machines, BIND and Pebble."""
    mirror = run(
        "sh", "-c", f"cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list | sed -n '{SOURCES}'"
    )
    base.mkdir(parents=True, exist_ok=True)
    run("debootstrap", "--variant=minbase", suite, str(base), mirror.split()[0])
    for file in (Path("/etc/resolv.conf"), Path("/etc/hosts"), *Path("/etc/apt/apt.conf.d").iterdir(), *PIP):
        if file.exists():
            copy = base / file.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(
                re.sub(r"(?m)^cert.*\n", "", file.read_text()) if file in PIP else file.read_text()
            )
    shutil.copyfile(CERTIFICATES, base / "root" / "ca.crt")
    inside = f'chroot "$1" {environment(online=True)} {shlex.quote(BASE)}'
    done = in_namespaces(f'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; {inside}', base)
    if done.returncode:
        sys.exit(f"{base}: it lacks BIND and Pebble:\n{done.stdout}")
    (base / "root" / "base-is-whole").touch()


def local_packages() -> list[Path]:
    """The folders that pip is configured to take packages from; those beside a "simple" have its files."""
    told = "\n".join(file.read_text() for file in PIP if file.exists())
    found = re.findall(r"file://(/\S+?)(?:/simple)?/?(?=\s|$)|^find-links *= *(/\S+)", told, re.MULTILINE)
    return [Path(first or second) for first, second in found if Path(first or second).is_dir()]


def ansible() -> list[Path]:
    """The folders that it runs from: its environment and, where that is not Debian's, its Python."""
    python = Path(os.path.realpath(ANSIBLE / "bin" / "python")).parent.parent
    return [ANSIBLE, *([] if python == Path("/usr") else [python])]


def environment(online: bool) -> str:
    """What runs a script: with a network, the certificates that lead to the package sources."""
    return ENVIRONMENT.format(more=ONLINE if online else "")


def run(*command: str) -> str:
    """What it prints. Raises SystemExit with all that it said where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def attempt(base: Path, dist: Path, name: str) -> bool:
    """One trial; says how it went, and shows what was said if it has failed."""
    began = time.monotonic()
    mounts = [*local_packages(), *(ansible() if name == "ansible" else ())]
    script = ENTER + "".join(MOUNT.format(folder=folder) for folder in mounts)
    for step in WAYS[name]:
        enter = "" if step.online else "nsenter --net=/mnt/net "
        inside = f"cd /root/dns01; {step.script}"
        script += f"echo {MARK}; {enter}chroot /mnt/root {environment(step.online)} {shlex.quote(inside)}\n"
    done = in_namespaces(script, base, dist, ROOT / "ansible", ROOT / "packaging")
    if done.returncode:
        print(textwrap.indent(done.stdout.rpartition(MARK)[2][-9000:], "    "))
    seconds = time.monotonic() - began
    print(f"{name:8} {'failed' if done.returncode else 'a certificate'} after {seconds:.0f} s", flush=True)
    return done.returncode == 0


def in_namespaces(script: str, *words: Path) -> subprocess.CompletedProcess[str]:
    """What the script says; its mounts and processes end with it."""
    return subprocess.run(
        [*NAMESPACES, "bash", "-s", "--", *words],
        input=f"set -eu\n{script}",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
    )


if __name__ == "__main__":
    main()
