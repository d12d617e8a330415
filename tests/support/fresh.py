"""A machine as Debian installs it, on which dns01 is in /opt and nothing is configured.

::

    with FreshMachine() as machine:
        said = machine.run("dns01", "init", "--yes", "example.org")
        assert machine.path("/etc/dns01/config.toml").exists()

What is written under /etc, /opt, /var/lib and $HOME is in memory, and ends with it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import fork_server
from calls import Running, Said
from testbed import TIME_LIMIT

HOME = "/mnt/home"
KEY_FILE = (
    'key "dns01" {\n\talgorithm hmac-sha256;\n\tsecret "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=";\n};\n'
)
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE="
COLUMNS = 80

NAMESPACE = """\
set -eu
mount -t tmpfs none /mnt
for folder in etc opt var/lib; do
    upper=/mnt/upper/$folder work=/mnt/work/$folder
    mkdir -p $upper $work
    mount -t overlay overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work /$folder
done
mkdir -p /opt/dns01/bin /mnt/home
ln -s "$1" /opt/dns01/bin/dns01
echo ready
exec sleep infinity
"""

CTRL_C = "\x03"
ECHOES = termios.ECHO | termios.ICANON
NOTICED = 5.0  # seconds after which a key may be typed again


class FreshMachine:
    """Its programs run as root; those of dns01 are called by their names. ``forked``: dns01 need not be
    started from its file (see fork_server)."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, forked: bool = True) -> None:
        self._may_fork = forked
        path = "/opt/dns01/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.environ = {"PATH": path, "HOME": HOME, "LANG": "C.UTF-8", "TERM": "xterm", **(environ or {})}

    def __enter__(self) -> Self:
        fork_server.prepare()
        self._calls = 0
        self._temporary = tempfile.TemporaryDirectory(prefix="machine-")
        program = Path(sys.executable).with_name("dns01")
        command = ["unshare", "--mount", "setpriv", "--pdeathsig", "KILL"]
        self._holder = subprocess.Popen(
            [*command, "bash", "-c", NAMESPACE, "bash", program], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *exc: object) -> None:
        self._holder.kill()
        self._holder.communicate()
        self._temporary.cleanup()

    def path(self, path: str) -> Path:
        """Where a file of this machine is to us."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        """A file of root's."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def at_home_of(self, user: str, path: str, text: str) -> None:
        """A file of a user's in /mnt/USER; the user is made of nothing but a line of /etc/passwd."""
        uid = 2000 + sum(user.encode())
        line = f"{user}:x:{uid}:{uid}::/mnt/{user}:/bin/sh\n"
        users = self.path("/etc/passwd")
        if line not in (known := users.read_text()):
            users.write_text(known + line)
        self.write(f"/mnt/{user}/{path}", text)
        for step in (Path(path), *Path(path).parents):
            os.chown(self.path(f"/mnt/{user}/{step}"), uid, uid)

    def files(self, *folders: str) -> Mapping[str, tuple[int, int, str]]:
        """Mode, inode and content of all files in these folders."""
        found = {}
        for folder in folders:
            for file in sorted(self.path(folder).rglob("*")):
                if file.is_file() and not file.is_symlink():
                    status = file.stat()
                    name = f"{folder}/{file.relative_to(self.path(folder))}"
                    found[name] = (status.st_mode & 0o7777, status.st_ino, file.read_text(errors="replace"))
        return found

    def run(self, *words: str, given: str = "", user: int = 0, **environ: str) -> Said:
        """What a program says without a terminal; ``given``: its standard input."""
        variables = {**self.environ, **environ}
        if self._may_fork and words[0] == "dns01" and not user and fork_server.takes(variables):
            return self._forked(words[1:], variables, given)
        began = time.monotonic()
        done = subprocess.run(
            self._command(words, environ, user),
            input=given,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def _forked(self, words: Sequence[str], variables: Mapping[str, str], given: str) -> Said:
        self._calls += 1
        path = Path(self._temporary.name) / str(self._calls)
        path.with_suffix(".in").write_text(given)
        running = Running(path)
        argv = ["/opt/dns01/bin/dns01", *words]
        fork_server.start(path, argv, variables, folder=HOME, inside=self._holder.pid)
        return running.end()

    @contextmanager
    def running(self, *words: str) -> Iterator[None]:
        """A program of root's that is at work meanwhile, in the foreground of nobody."""
        silent = subprocess.DEVNULL
        process = subprocess.Popen(self._command(words, {}, 0), stdout=silent, stderr=silent)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def at_terminal(
        self, *words: str, answers: Sequence[tuple[str, str]], stopped_at: str = "", **environ: str
    ) -> Said:
        """What a program says to somebody who waits for each of the questions (patterns) in turn, and types
        the answer, where there is one; and then ^C, once ``stopped_at`` is said. All of it is "stdout"."""
        began = time.monotonic()
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("4H", 24, COLUMNS, 0, 0))
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *self._command(words, environ, 0)],
            stdin=far,
            stdout=far,
            stderr=far,
        )
        os.close(far)
        shown, told = "", 0
        try:
            # What is typed before it is asked for may be lost.
            awaited = [(rf"{question}[^\n]*: \Z" if key else question, key) for question, key in answers]
            for question, answer in [*awaited, (stopped_at, CTRL_C)] if stopped_at else awaited:
                while not (asked := re.search(question, shown[told:])):
                    more = _read(near, f"{question!r} is not asked; it says:\n{shown}")
                    assert more, f"it ends before {question!r} is asked, and says:\n{shown}"
                    shown += more
                told += asked.end()
                os.write(near, answer.encode())
            while more := _read(near, "it does not end", answers[-1][1] if answers else ""):
                shown += more
            assert termios.tcgetattr(near)[3] & ECHOES == ECHOES, "the terminal is left as it was found"
            return Said(process.wait(TIME_LIMIT), shown.replace("\r\n", "\n"), "", time.monotonic() - began)
        finally:
            process.kill()
            process.wait()
            os.close(near)

    def _command(self, words: Sequence[str], environ: Mapping[str, str], user: int) -> list[str]:
        settings = [f"{name}={value}" for name, value in {**self.environ, **environ}.items()]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        become += [
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
        ]  # Python may be root's own
        # Its root as well: that of its mounts is another one where the tests run in a chroot.
        inside = ["nsenter", f"--target={self._holder.pid}", "--mount", "--root", f"--wdns={HOME}"]
        # What runs in the background has ^C ignored, and hands that on.
        plain = ["env", "--default-signal=HUP,INT", "--ignore-environment"]
        return [*inside, *(become if user else []), *plain, *settings, *words]


def _read(terminal: int, complaint: str, key: str = "") -> str:
    """What is said next; empty at the end. ``complaint``: of a test to which nothing is said any more.
    ``key``: what was typed last. A ^C that comes between Python's last look at its signals and its wait for
    the next line goes unnoticed: it is typed again then, as a person does."""
    until = time.monotonic() + TIME_LIMIT
    while not select.select([terminal], [], [], NOTICED if key == CTRL_C else TIME_LIMIT)[0]:
        assert time.monotonic() < until, complaint
        if key == CTRL_C:
            os.write(terminal, key.encode())
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # EIO: nobody has the other side open
        return ""
