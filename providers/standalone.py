"""The embedded name server, for those who have no account at a DNS provider.

The parent zone either delegates the challenge name itself to this host::

    _acme-challenge.example.org.  NS     host.example.net.

or has a CNAME for it, into a zone that is delegated to this host::

    _acme-challenge.example.org.  CNAME  example-org.acme.example.net.
    acme.example.net.             NS     host.example.net.

This is the side of the hook: it starts the server, which many hooks share, and tells it what to
answer. The server is the package ``_standalone``.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar

import dns.exception
import dns.name

from ..deadline import read_line, within
from ..errors import ConfigError, ProviderError, StateError, Unreachable
from ..lockfile import locked
from ..output import printable
from ..regular_file import open_regular
from ._standalone import CANNOT_SERVE, LOG
from .base import Option, Profile, TxtRecord, Zone

START_ATTEMPTS = 10  # to reach a server, should one after the other end at that very moment
REPLY_TIMEOUT = 30.0  # seconds for the server to start, and for it to reply
LOCK_TIMEOUT = 2 * REPLY_TIMEOUT  # seconds; who holds it starts the server
LONGEST_REPLY = 65536  # octets
LONGEST_PATH = 107  # bytes (unix(7))
# What Python may need to start; an ACME client exports credentials too, which a server has no use for.
VARIABLES = ("HOME", "LD_LIBRARY_PATH", "PYTHONHOME")
LIBRARY = Path(__file__).absolute().parents[2]  # the folder of the package, as imported


class Provider:
    """No account anywhere: this host answers for the challenge names itself, while they are needed.

    In the domain's zone, once, ``_acme-challenge.example.org. NS this-host.example.org.``, or a CNAME
    into a zone that is delegated to this host.
    """

    title = "The embedded name server"
    docs = "https://www.rfc-editor.org/rfc/rfc8555#section-8.4"
    permission = "port 53 of this host, UDP and TCP, reachable from everywhere; root, until it is bound"
    server: ClassVar[str] = f"{__package__}._standalone"  # the module that is started
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "address",
            ("STANDALONE_ADDRESS",),
            "addresses to answer on, comma-separated",
            default="0.0.0.0,::",
        ),
        Option("port", ("STANDALONE_PORT",), "port to answer on, UDP and TCP", default="53"),
        Option(
            "ns",
            ("STANDALONE_NS",),
            "this host's name as the parent zone's NS record has it",
        ),
        Option(
            "dir",
            ("STANDALONE_DIR",),
            "folder of the server's socket; each server has its own",
            default="{state}/standalone",
        ),
    )
    profile: ClassVar[Profile] = Profile(rounds=1)

    def __init__(self, options: Mapping[str, str]) -> None:
        addresses = ",".join(map(_address, options["address"].split(",")))
        self._settings = [addresses, _port(options["port"]), _host(options.get("ns", ""))]
        self._folder = options["dir"]
        self._socket = os.path.join(os.path.abspath(self._folder), "socket")
        self._held = ExitStack()  # the line of ``start``: while it is open, the server stays
        if len(os.fsencode(self._socket)) > LONGEST_PATH:
            raise ConfigError(
                f"{self._socket} is too long for the address of a Unix socket ({LONGEST_PATH} bytes)",
                "set STANDALONE_DIR to a shorter path",
            )

    def zone_for(self, name: str) -> Zone:
        """The name itself as a zone: the server holds whatever it is asked to."""
        return Zone(name)

    def start(self, names: Sequence[str]) -> None:
        """Make each name a zone that the server answers for. The server then stays until the
        next ``publish`` of this object, or the end of the process.

        Raises ProviderError when the server cannot start.
        """
        line = self._order("hold", zones=list(names), settings=self._settings)
        weakref.finalize(self, line.close)
        self._held.close()
        self._held = line

    def delegation(self, name: str) -> str:
        """An NS record for the name; where nobody has said what this host is called, with its FQDN."""
        host = self._settings[2] or socket.getfqdn()
        host = host.rstrip(".") if "." in host else "THE-NAME-OF-THIS-HOST"
        return f"{name}. NS {host}."

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Add the records: the server answers them when this returns.

        Raises ProviderError when the server cannot start.
        """
        self._order("publish", zones=[zone.apex], records=records, settings=self._settings).close()
        self._held.close()

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Remove the records. The last one to go ends the server; without a server all are gone."""
        self._order("retract", records=records).close()

    def _order(self, verb: str, **details: Any) -> ExitStack:
        """Have the server obey, a new one if need be. Returns what closes the line to it."""
        order = json.dumps({"do": verb, **details}).encode() + b"\n"
        for _ in range(START_ATTEMPTS):
            line = self._connect()
            if line is None and verb == "retract":
                return ExitStack()
            line = line or self._launch()
            with ExitStack() as closing:
                if line and _obeyed(closing.enter_context(line), order):
                    return closing.pop_all()
        words = self._last_words()
        raise Unreachable(
            f"the embedded name server ends as soon as it is started ({self._socket}):"
            f" {words or 'no reason'}",
            f"it runs as the user nobody, who has to be able to read {LIBRARY} and {sys.prefix}"
            if words
            else "see whether the system ends it for want of memory: `journalctl -k`",
        )

    def _last_words(self) -> str:
        """Of the server that ended: the last line of what it said."""
        with suppress(OSError, ValueError), open_regular(self._socket + LOG) as log:
            text = log.read(LONGEST_REPLY).decode(errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return printable(lines[-1][:300]) if lines else ""
        return ""

    def _connect(self) -> socket.socket | None:
        """A line to the server, or None if there is no server."""
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(self._socket)
        except OSError as error:
            line.close()
            if isinstance(error, FileNotFoundError | ConnectionRefusedError):
                return None
            hint = "run the hook as the user that the server was started by"
            raise StateError(f"{self._socket}: {error.strerror}", hint) from error
        line.settimeout(REPLY_TIMEOUT)
        return line

    def _launch(self) -> socket.socket | None:
        """Start the server, unless another process was faster, and return a line to it."""
        path = os.path.join(self._folder, "lock")
        with ExitStack() as held:
            try:
                os.makedirs(self._folder, 0o700, exist_ok=True)
                held.enter_context(
                    locked(path, "the start of the embedded name server", LOCK_TIMEOUT, time.sleep)
                )
            except OSError as error:
                hint = "set STANDALONE_DIR to a folder that can be written"
                raise StateError(f"{error.filename}: {error.strerror}", hint) from error
            line = self._connect()
            if line is None:
                self._run_server()
                line = self._connect()
            return line

    def _run_server(self) -> None:
        """Returns when the server answers. Raises ProviderError in its words when it cannot."""
        command = [sys.executable, "-P", "-m", self.server, *self._settings, self._socket]
        environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        path = filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")])
        environment["PYTHONPATH"] = os.pathsep.join(path)
        hint = f"run it by hand: PYTHONPATH={LIBRARY} {shlex.join(command)}"
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                timeout=REPLY_TIMEOUT,
                text=True,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProviderError(f"the embedded name server does not start: {error}", hint) from error
        output = done.stdout.splitlines()
        if done.returncode == CANNOT_SERVE:
            raise ProviderError(f"the embedded name server: {output[0]}", output[1])
        if done.returncode:
            reason = output[-1] if output else f"exit code {done.returncode}"
            raise ProviderError(f"the embedded name server does not start: {reason}", hint)


def _obeyed(line: socket.socket, order: bytes) -> bool:
    """Whether the server took the order; if not, it has just ended."""
    try:
        line.sendall(order)
        with within(REPLY_TIMEOUT):
            reply = read_line(line, LONGEST_REPLY)
    except ConnectionError:
        return False
    except TimeoutError as error:
        hint = "end it (`ss -lxp` shows its process) and try again"
        raise Unreachable("the embedded name server does not reply", hint) from error
    if refusal := json.loads(reply):
        raise ProviderError(f"the embedded name server: {refusal['error']}", refusal["hint"])
    return True


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as error:
        hint = "give addresses of this host, such as 192.0.2.1,2001:db8::1"
        raise ConfigError(f"STANDALONE_ADDRESS: {text!r} is no IP address", hint) from error


def _port(text: str) -> str:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return str(int(text))
    raise ConfigError(f"STANDALONE_PORT: {text!r} is no port", "a number from 1 to 65535; 53 is what CAs ask")


def _host(text: str) -> str:
    try:
        return dns.name.from_text(text).to_text() if text else ""
    except dns.exception.DNSException as error:
        hint = "this host's name as the parent zone's NS record has it"
        raise ConfigError(f"STANDALONE_NS: {text!r} is no domain name", hint) from error
