"""Commands of dns01 in processes of their own that need not start Python: each is forked from one process
that has everything imported. The start of Python and its imports are nine tenths of what a command takes.

::

    fork_server.start(folder / "1", ["dns01", "status"], {"PATH": "/usr/bin"})
    code = until((folder / "1.code").read_text)

A test of the start itself runs ``sys.executable`` (tests/hooks/test_startup.py).
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from checkout import ROOT

LOADED = (
    "dns01.providers.rfc2136",
    "dns01.hooks.deploy.targets.files",
    "dns01.hooks.phases.run",
    "dns01.hooks.challenge.publisher",
    "requests",
    "rich.table",
)
AT_THE_START = ("LANG", "LC_", "PYTHON", "TZ")  # variables that Python looks at when it starts
COERCED = {"LC_CTYPE": "C.UTF-8"}  # what Python sets where no locale is set (PEP 538)
CLONE_NEWNS = 0x00020000  # sched.h; os.setns came with Python 3.12


def takes(environ: Mapping[str, str]) -> bool:
    """Whether a process with these variables would be the same if Python were started for it."""
    return not any(
        name.startswith(AT_THE_START) and (name, value) != ("LANG", "C.UTF-8")
        for name, value in environ.items()
    )


def start(
    path: Path, argv: Sequence[str], environ: Mapping[str, str], *, folder: str = "", inside: int = 0
) -> None:
    """Have dns01 called with these words, of which the first is its own name; returns at once.

    Its output goes to ``path.out`` and ``path.err``, and its number and exit code, as a shell has that, to
    ``path.pid`` and ``path.code``; its input is ``path.in``, if that is there. ``folder``: its own, if
    not ours; ``inside``: a process whose mount namespace and root it is to have.
    """
    request = {"path": str(path), "argv": [*argv], "environ": {**environ}}
    request |= {"folder": folder or os.getcwd(), "inside": inside}
    stdin = _server().stdin
    assert stdin
    stdin.write(json.dumps(request).encode() + b"\n")
    stdin.flush()


@cache
def _server() -> subprocess.Popen[bytes]:
    """The one of this process, with which it ends."""
    # What runs in the background has ^C ignored, and hands that on.
    command = ["env", "--default-signal=HUP,INT", "--ignore-environment", f"PATH={os.environ['PATH']}"]
    command += ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__]
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    atexit.register(server.communicate)
    return server


def serve() -> None:
    """Fork a process for each request that comes, and note how it ends."""
    sys.path[:] = [str(ROOT / "src"), *(folder for folder in sys.path if "tests" not in Path(folder).parts)]
    commands = import_module("dns01.hooks.commands")
    for module in (*(f"{commands.__name__}{each}" for each in commands.COMMANDS.values()), *LOADED):
        import_module(module)
    print("ready", flush=True)
    paths: dict[int, str] = {}

    def bury(number: int, frame: FrameType | None) -> None:
        while paths:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            write(f"{paths.pop(pid)}.code", str(code if code >= 0 else 128 - code))

    signal.signal(signal.SIGCHLD, bury)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        if not (pid := os.fork()):
            os._exit(call(**request))
        paths[pid] = request["path"]
        write(f"{request['path']}.pid", str(pid))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def write(path: str, text: str) -> None:
    """At once: who finds the file finds it whole."""
    Path(f"{path}.new").write_text(text)
    os.rename(f"{path}.new", path)


def call(path: str, argv: Sequence[str], environ: Mapping[str, str], folder: str, inside: int) -> int:
    """Become a process that Python was started for, and call dns01; gives the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.setsid()
    given = f"{path}.in"
    redirect(0, given if os.path.exists(given) else os.devnull, os.O_RDONLY)
    redirect(1, f"{path}.out", os.O_WRONLY | os.O_CREAT)
    redirect(2, f"{path}.err", os.O_WRONLY | os.O_CREAT)
    if inside:
        enter(inside)
    os.environ.clear()
    os.environ.update(environ if "LANG" in environ else {**COERCED, **environ})
    os.chdir(folder)
    sys.argv[:] = argv
    return ended(import_module("dns01.hooks.dispatch").main)


def redirect(number: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, number)
    os.close(opened)


def enter(pid: int) -> None:
    """Have the mount namespace and the root of another process."""
    root, namespace = os.open(f"/proc/{pid}/root", os.O_RDONLY), os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "setns")
    os.fchdir(root)
    os.chroot(".")
    os.close(root)
    os.close(namespace)


def ended(main: Callable[[], Any]) -> int:
    """The exit code that Python would end with; what is to be done at its end is done."""
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return 120
    return code or 0


if __name__ == "__main__":
    serve()
