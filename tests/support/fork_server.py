"""Calls of dns01 in processes of their own that need not start Python: each is forked from one process
that has everything imported. The start of Python and its imports are nine tenths of what a call takes.

::

    fork_server.start(folder / "1", ["dns01", "status"], {"PATH": "/usr/bin"})
    code = until((folder / "1.code").read_text)

    dehydrated = Caller(folder / "dehydrated")
    dehydrated.call(folder / "2", ["dns01", "exit_hook"], {"PATH": "/usr/bin"})

The output of each goes to ``path.out`` and ``path.err``, its number to ``path.pid`` and its exit code, which
is negative for a signal, to ``path.code``; its input is ``path.in``, if that is there.

A test of the start itself runs ``sys.executable`` (tests/hooks/test_startup.py).
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from checkout import ROOT

LOADED = (
    "dns01.providers.rfc2136",
    "dns01.hooks.deploy.targets.files",
    "dns01.hooks.issue.issue_run",
    "dns01.hooks.issue.fleet.section",
    "dns01.hooks.phases.run",
    "dns01.hooks.challenge.publisher",
    "requests",
    "rich.table",
)
AT_THE_START = ("LANG", "LC_", "PYTHON", "TZ")  # variables that Python looks at when it starts
COERCED = {"LC_CTYPE": "C.UTF-8"}  # what Python sets where no locale is set (PEP 538)
CLONE_NEWNS = 0x00020000  # sched.h; os.setns and os.unshare came with Python 3.12
MS_REC, MS_PRIVATE = 0x4000, 0x40000  # sys/mount.h
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # sys/prctl.h

Json = dict[str, Any]


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

    ``folder``: its own, if not ours; ``inside``: a process whose mount namespace and root it is to have.
    """
    _request(path, "call", argv=[*argv], environ={**environ}, folder=folder or os.getcwd(), inside=inside)


def prepare() -> None:
    """Have the server import what calls need; in the main thread, as it ends with the thread that does so."""
    _server()


class Caller:
    """A process with this name and a mount namespace of its own, which calls dns01 as its child, and does
    nothing else until that has ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(fifo := f"{path}.requests")
        _request(path, "caller", name=path.name)
        self._requests = open(os.open(fifo, os.O_RDWR), "wb", buffering=0)  # noqa: SIM115  waits for nobody

    def close(self) -> None:
        self._requests.close()

    def call(self, path: Path, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        """The same as ``start``, once it has done what it was told before."""
        self._tell(path, "call", argv=[*argv], environ={**environ}, folder=os.getcwd(), inside=0)

    def run(self, path: Path, command: Sequence[str]) -> None:
        """Have it run a program, which is started as usual, with the variables of this process."""
        self._tell(path, "execute", command=[*command], environ={**os.environ}, folder=os.getcwd())

    def _tell(self, path: Path, what: str, **request: Any) -> None:
        self._requests.write(json.dumps({"path": str(path), "what": what, **request}).encode() + b"\n")


def _request(path: Path, what: str, **request: Any) -> None:
    stdin = _server().stdin
    assert stdin
    stdin.write(json.dumps({"path": str(path), "what": what, **request}).encode() + b"\n")
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


# What follows is done by the server and its children


def serve() -> None:
    """Fork a process for each request that comes, and note how it ends."""
    sys.path[:] = [str(ROOT / "src"), *(folder for folder in sys.path if "tests" not in Path(folder).parts)]
    commands = import_module("dns01.hooks.commands")
    for module in (*(f"{commands.__name__}{each}" for each in commands.COMMANDS.values()), *LOADED):
        import_module(module)
    paths: dict[int, str] = {}

    def bury(number: int, frame: FrameType | None) -> None:
        while paths:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            note_end(paths.pop(pid), status)

    gc.freeze()  # looking through what is imported would copy its memory
    signal.signal(signal.SIGCHLD, bury)
    print("ready", flush=True)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = fork(request, own_session)
        paths[pid] = request["path"]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def fork(request: Json, prepare: Callable[[], None]) -> int:
    """The number of a process that does what is requested."""
    if not (pid := os.fork()):
        prepare()
        os._exit({"call": call, "caller": caller, "execute": execute}[request.pop("what")](**request))
    write(f"{request['path']}.pid", str(pid))
    return pid


def own_session() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # with the server
    os.setsid()


def note_end(path: str, status: int) -> None:
    write(f"{path}.code", str(os.waitstatus_to_exitcode(status)))


def write(path: str, text: str) -> None:
    """At once: who finds the file finds it whole."""
    Path(f"{path}.new").write_text(text)
    os.rename(f"{path}.new", path)


def caller(path: str, name: str) -> int:
    """Become the process that calls."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NAME, name.encode())
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNS)")
    with open(f"{path}.requests", "rb") as requests:
        for line in requests:
            request = json.loads(line)
            pid = fork(request, partial(os.close, requests.fileno()))
            note_end(request["path"], os.waitpid(pid, 0)[1])
    return 0


def call(path: str, argv: Sequence[str], environ: Mapping[str, str], folder: str, inside: int) -> int:
    """Become a process that Python was started for, and call dns01; gives the exit code."""
    redirect(path)
    if inside:
        enter(inside)
    os.environ.clear()
    os.environ.update(environ if "LANG" in environ else {**COERCED, **environ})
    os.chdir(folder)
    sys.argv[:] = argv
    return ended(import_module("dns01.hooks.dispatch").main)


def execute(path: str, command: Sequence[str], environ: Mapping[str, str], folder: str) -> int:
    """Become another program."""
    redirect(path)
    os.chdir(folder)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(command[0], [*command], {**environ})


def redirect(path: str) -> None:
    """Have the standard streams lead to files."""
    given = f"{path}.in"
    streams = (
        (given if os.path.exists(given) else os.devnull, os.O_RDONLY),
        (f"{path}.out", os.O_WRONLY | os.O_CREAT),
        (f"{path}.err", os.O_WRONLY | os.O_CREAT),
    )
    for number, (file, flags) in enumerate(streams):
        opened = os.open(file, flags, 0o600)
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
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as multiprocessing has it do
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return 120
    return code or 0


if __name__ == "__main__":
    serve()
