"""The hook as a real process, called by what looks like an ACME client, in a DNS of our own.

::

    with Stage(tmp_path) as stage:
        said = stage.client()("deploy_challenge", "example.org", "token", validation("a"))
        assert said.code == 0 and stage.bind.txt(NAME) == {validation("a")}
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import dns.message
import dns.query
import fork_server
from checkout import HOOK
from testbed import TIME_LIMIT, Bind, Key, NameServer, World, Zone
from testbed.process import Group
from testbed.sockets import Transport

from dns01.hooks import dispatch

T = TypeVar("T")

KEY = Key("hook", "hmac-sha256", "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw==")
NAME = "_acme-challenge.example.org"
PRIMARY, SECONDARY = "127.1.0.1", "127.1.0.2"
PRIMARY_ONLY = {"ns1.example.org": PRIMARY}
BOTH = {**PRIMARY_ONLY, "ns2.example.org": SECONDARY}

CLIENT = """#!/bin/bash
# An ACME client that calls its hook when it is told to.
while IFS= read -r call; do eval "$call"; done
"""


def until(condition: Callable[[], T], seconds: float = TIME_LIMIT) -> T:
    """What the condition gives as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return found


def alive_in(group: int) -> list[int]:
    """The processes of a process group, but for those that only wait to be buried."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, pgrp, *_ = path.read_text().rpartition(")")[2].split()
            if int(pgrp) == group and state not in "ZX":
                found.append(int(path.parent.name))
    return found


class Said(NamedTuple):
    """How a call ended, and how many seconds it took."""

    code: int
    stdout: str
    stderr: str
    seconds: float


class Running:
    """A call under way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.monotonic()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return self._read("err")

    def says(self, words: str) -> None:
        """Returns once it has said this on stderr."""
        until(lambda: words in self.stderr or self._fail_if_ended())

    @property
    def has_ended(self) -> bool:
        return bool(self._read("code"))

    def end(self) -> Said:
        """Returns once it has ended."""
        code = int(until(lambda: self._read("code")))
        return Said(
            code if code >= 0 else 128 - code, self._read("out"), self.stderr, time.monotonic() - self._began
        )

    def kill(self, *, alone: bool = False) -> None:
        """It, and what it has started unless ``alone``: returns once they have ended."""
        pid = int(until(lambda: self._read("pid")))
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(pid, signal.SIGKILL)
        until(lambda: self._read("code") and (alone or not alive_in(pid)))

    def send(self, number: signal.Signals) -> None:
        """A signal for the hook alone."""
        os.kill(int(until(lambda: self._read("pid"))), number)

    def limit_memory(self, octets: int) -> None:
        """Have it get an error where it wants more."""
        with suppress(ProcessLookupError):
            resource.prlimit(int(until(lambda: self._read("pid"))), resource.RLIMIT_AS, (octets, octets))

    def _fail_if_ended(self) -> None:
        assert not self._read("code"), f"it ended, and said: {self.stderr}"

    def _read(self, what: str) -> str:
        path = self._path.with_suffix(f".{what}")
        return path.read_text() if path.exists() else ""


class Client:
    """A process that is called like an ACME client and calls the hook, until it is killed. It has
    a mount namespace of its own.

    Its hooks are forked (see fork_server), unless it is a shell that was told something before. What a
    person runs, in ``bash``, is no child of it, for nobody looks who called.
    """

    def __init__(self, folder: Path, name: str, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._name = name
        self._environ = environ
        self._calls = 0
        self._by_persons: list[Running] = []
        self.under: list[str] = []  # the command to run the hook under
        folder.mkdir()
        fork_server.prepare()

    @cached_property
    def _caller(self) -> fork_server.Caller:
        """What calls the hook; it starts when it is first needed."""
        return fork_server.Caller(self._folder / self._name)

    @cached_property
    def _shell(self) -> subprocess.Popen[str]:
        """What does so if it is told something before."""
        script = self._folder / self._name
        script.write_text(CLIENT)
        script.chmod(0o700)
        # A client must not outlive a test process that is killed, nor ignore what nohup has that ignore.
        command = ["env", "--default-signal=HUP,INT", "unshare", "--mount"]
        command += ["setpriv", "--pdeathsig", "KILL", str(script)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)

    def _has(self, part: str) -> bool:
        return part in vars(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Its hooks end with it: one that lives on would be at work in the name servers of the next
        test, which have the same addresses."""
        for call in self._by_persons:
            call.kill()
        if self._has("_caller"):
            Running(self._caller.path).kill()
            self._caller.close()
        if self._has("_shell"):
            with suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
            until(lambda: not alive_in(self._shell.pid))

    def __call__(self, *words: str, **environ: str) -> Said:
        """Call the hook with these words, and with these variables besides its own."""
        return self.start(*words, **environ).end()

    def start(self, *words: str, **environ: str) -> Running:
        """The same, without waiting for its end. An empty variable is one that is not set."""
        self._calls += 1
        path = self._folder / str(self._calls)
        variables = {key: value for key, value in {**self._environ, **environ}.items() if value}
        settings = [f"{key}={value}" for key, value in variables.items()]
        command = ["env", "--ignore-environment", *settings, *self.under, sys.executable, str(HOOK), *words]
        running = Running(path)
        if self._has("_shell"):
            call = shlex.join(command)
            self.run(
                f"(echo $BASHPID >{path}.pid; exec {call}) >{path}.out 2>{path}.err; echo $? >{path}.code"
            )
        elif self.under or not fork_server.takes(variables):
            self._caller.run(path, command)
        elif self._name == "bash" and {*words[:1]} <= {*dispatch.COMMANDS}:
            fork_server.start(path, [str(HOOK), *words], variables)
            self._by_persons.append(running)
        else:
            self._caller.call(path, [str(HOOK), *words], variables)
        return running

    def run(self, line: str) -> None:
        """Have it run a line of shell."""
        if self._has("_caller"):
            self._calls += 1
            self._caller.run(self._folder / str(self._calls), ["bash", "-c", line])
            return
        assert self._shell.stdin
        self._shell.stdin.write(line + "\n")
        self._shell.stdin.flush()

    def kill(self) -> None:
        """The client alone: its hook may go on."""
        if self._has("_shell"):
            self._shell.kill()
            self._shell.wait()
        else:
            Running(self._caller.path).kill(alone=True)


class Follower(NameServer):
    """A secondary that has what its primary has, but for what came since ``held`` was set."""

    held = False

    def __init__(self, address: str, primary: Bind, zone: Zone) -> None:
        super().__init__(address, zones=[zone])
        self._primary = primary

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        if self.held:
            return super().answer(query, over)
        return dns.query.tcp(query, self._primary.address, timeout=TIME_LIMIT)


class Stage(Group):
    """example.org on a BIND that takes updates, delegated by a root and a TLD of our own.

    ``nameservers`` are those of the zone, ``parent_ns`` those that the parent delegates it to; at
    each address but BIND's there is a Follower. ``zones`` are more of BIND's zones, ``text`` more
    records of example.org, ``minimum`` its negative TTL.
    """

    def __init__(
        self,
        folder: Path,
        nameservers: Mapping[str, str | list[str]] = PRIMARY_ONLY,
        *,
        parent_ns: Mapping[str, str | list[str]] | None = None,
        text: str = "",
        zones: Mapping[str, str] | None = None,
        minimum: int = 60,
        bind_options: str = "",
    ) -> None:
        self._folder = folder
        self._clients = 0
        self._delegated_to = parent_ns or nameservers
        example = Zone(
            "example.org", f"@ SOA ns1 hostmaster 1 3600 600 86400 {minimum}\n{text}", nameservers, ttl=3600
        )
        self.world = World()
        self.bind = Bind(
            PRIMARY, {"example.org": example.text(), **(zones or {})}, [KEY], extra_options=bind_options
        )
        self.followers = {
            address: Follower(address, self.bind, example)
            for some in {**nameservers, **self._delegated_to}.values()
            for address in ([some] if isinstance(some, str) else some)
            if address != PRIMARY
        }

    def set_up(self) -> None:
        for part in (self.world, self.bind, *self.followers.values()):
            self.enter(part)
        self.world.delegate("example.org", self._delegated_to)
        self.state = self._folder / "state"
        self.environ = {
            "PATH": os.environ["PATH"],
            "DNS01_STATE_DIR": str(self.state),
            "DNS01_PROVIDER": "rfc2136",
            "DNS01_TIMEOUT": "20",  # what goes wrong does so soon
            "DNS01_RESOLVERS": self.world.resolver.address,
            "RFC2136_NAMESERVER": PRIMARY,
            "RFC2136_TSIG_KEY": KEY.name,
            "RFC2136_TSIG_SECRET": KEY.secret,
        }

    def client(self, name: str = "dehydrated", **environ: str) -> Client:
        """An ACME client with the configuration that works, and these variables besides."""
        self._clients += 1
        folder = self._folder / f"client{self._clients}"
        return self.enter(Client(folder, name, {**self.environ, **environ}))

    def hold(self, held: bool = True) -> None:
        """Keep what comes now from the followers, until they are let go."""
        for follower in self.followers.values():
            follower.held = held

    def journal(self) -> list[dict[str, Any]]:
        """The entries that are open."""
        return [json.loads(file.read_text()) for file in sorted(self.state.glob("open/*.json"))]

    def trail(self) -> list[dict[str, Any]]:
        """The audit trail."""
        path = self.state / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
