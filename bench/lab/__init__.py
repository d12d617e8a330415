"""What the measurements share: a DNS and a CA on loopback, and how each client is called there."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import dns.message
import dns.query

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from testbed import Bind, Key, NameServer, Pebble, World, netns

ZONE = "example.org"
PRIMARY = "127.1.0.1"
CA_RESOLVER = "127.0.0.54"
KEY = Key("bench", "hmac-sha256", "Zm9yIHRoZSBtZWFzdXJlbWVudHMgb2YgZG5zMDE=")
HOOK = Path(__file__).resolve().parents[2] / "hooks" / "hook.py"

# lego finds the name servers' addresses through the system's resolver: here it is this DNS's own.
ON_A_HOST = ["unshare", "--mount", "sh", "-ec", 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"', "sh"]


class Run(NamedTuple):
    """One command from beginning to end, in seconds; ``ended`` and the lines by time.monotonic."""

    wall: float
    cpu: float  # user and system, with all children
    ended: float
    said: list[tuple[float, str]]


class Forwarder(NameServer):
    """The CA's resolver: it asks the primary and remembers nothing but the questions."""

    def answer(self, query: dns.message.Message, over: str) -> dns.message.Message:
        return dns.query.udp(query, PRIMARY, timeout=5)


class Lab:
    """Calls the clients, with names that have to be new each time: no cache then knows them."""

    def __init__(self, folder: Path, resolver: str, bind: Bind, ca: Pebble, asked_by_ca: NameServer) -> None:
        self.bind = bind
        self._asked_by_ca = asked_by_ca
        self._folder = folder
        self._ca = ca
        self._resolv_conf = folder / "resolv.conf"
        self._resolv_conf.write_text(f"nameserver {resolver}\n")
        self._resolver = resolver
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "RFC2136_NAMESERVER": PRIMARY,
            "RFC2136_TSIG_KEY": KEY.name,
            "RFC2136_TSIG_SECRET": KEY.secret,
        }
        self._hook_environment = {
            **self._environment,
            "DNS01_CONFIG": "",
            "DNS01_PROVIDER": "rfc2136",
            "DNS01_RESOLVERS": resolver,
            "DNS01_STATE_DIR": str(folder / "state"),
        }

    def hook(self, phase: str, names: Sequence[str], **environ: str) -> Run:
        """One call as dehydrated makes it with HOOK_CHAIN=yes."""
        triples = [word for name in names for word in (name, f"token-of-{name}", validation(name))]
        return run([sys.executable, str(HOOK), phase, *triples], {**self._hook_environment, **environ})

    def doctor(self, domain: str) -> Run:
        """What a person calls; it may have something to say."""
        return run([sys.executable, str(HOOK), "doctor", domain], self._hook_environment, codes=(0, 1, 2))

    def dehydrated(self, names: Sequence[str]) -> Run:
        """A certificate by dehydrated, HOOK_CHAIN=yes and dns01."""
        folder = self._folder / "dehydrated"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(
            f'CA="{self._ca.directory}"\nCURL_OPTS="--cacert {self._ca.ca_file}"\nKEY_ALGO="prime256v1"\n'
            f'CHALLENGETYPE="dns-01"\nHOOK="{HOOK}"\nHOOK_CHAIN="yes"\n'
        )
        (folder / "domains.txt").write_text(" ".join(names) + "\n")
        command = ["dehydrated", "-c", "--accept-terms", "-f", str(folder / "config")]
        return run([*ON_A_HOST, str(self._resolv_conf), *command], self._hook_environment)

    def lego(self, names: Sequence[str], **environ: str) -> Run:
        """A certificate by lego and its own rfc2136, whose times are lego's defaults if none are given."""
        command = ["lego", "--server", self._ca.directory, "--accept-tos", "--email", f"hostmaster@{ZONE}"]
        command += ["--path", str(self._folder / "lego")]
        command += ["--dns", "rfc2136", "--dns.resolvers", f"{self._resolver}:53"]
        command += [*(f"--domains={name}" for name in names), "run"]
        environment = {
            **self._environment,
            "RFC2136_TSIG_ALGORITHM": f"{KEY.algorithm}.",
            "LEGO_CA_CERTIFICATES": str(self._ca.ca_file),
            **environ,
        }
        return run([*ON_A_HOST, str(self._resolv_conf), *command], environment)

    def when_ca_asked(self, name: str) -> float:
        """When the CA first asked for the challenge of the name, by time.monotonic."""
        return self._asked_by_ca.asked(owner_name(name), "TXT")[0].at


@contextmanager
def lab(nameservers: Mapping[str, str]) -> Iterator[Lab]:
    """A root, TLDs, and example.org on these name servers, of which the primary is BIND; the rest
    are for the caller to run. What all of them log is shown if anything fails."""
    try:
        netns.enter()
    except PermissionError:
        sys.exit("the measurements need root: they run in a network namespace of their own (sudo make bench)")
    zone = "".join(f"@ NS {host}.\n{host}. A {address}\n" for host, address in nameservers.items())
    log = io.StringIO()
    try:
        with (
            redirect_stderr(log),
            TemporaryDirectory() as folder,
            World() as world,
            Bind(PRIMARY, {ZONE: zone}, [KEY]) as bind,
            Forwarder(CA_RESOLVER) as forwarder,
            Pebble(f"{CA_RESOLVER}:53") as ca,
        ):
            world.delegate(ZONE, nameservers)
            yield Lab(Path(folder), world.resolver.address, bind, ca, forwarder)
    except Exception:
        sys.stderr.write(log.getvalue())
        raise


def run(command: Sequence[str], environment: Mapping[str, str], *, codes: Collection[int] = (0,)) -> Run:
    """Run a command to its end. Raises RuntimeError, with all that it said, if it ends with a code
    that is none of these."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    with process.stdout:
        said = [(time.monotonic(), line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        lines = "".join(line for _, line in said)
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{lines}")
    return Run(ended - began, usage.ru_utime + usage.ru_stime, ended, said)


def owner_name(name: str) -> str:
    return f"_acme-challenge.{name}"


def validation(name: str) -> str:
    """43 base64url characters, another 43 for each name."""
    digest = hashlib.sha256(name.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
