"""How each ACME client is told to get a certificate with the hook: one function for each."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from testbed import TIME_LIMIT

from .stage import NAMES, Stage

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv" / "bin"
HOOKS = {"script": ROOT / "hooks" / "hook.py", "command": VENV / "dns01"}
NEWEST_CERTBOT = Path(os.environ.get("DNS01_CERTBOT", ROOT / ".venv-certbot" / "bin" / "certbot"))

ON_A_HOST = """
    while [ "$1" != -- ]; do
        mount --bind "$1" "$2"
        shift 2
    done
    shift
    exec "$@"
"""


class Issued(NamedTuple):
    """The two files that a service needs."""

    key: Path
    fullchain: Path


class Host:
    """Where a client runs, with its files and its hook; ``said`` is all that was said there.

    ``mounts``: what this host has of its own, by where it is. It has the resolver of the world, and
    trusts the CA's HTTPS certificate.
    """

    def __init__(self, folder: Path, stage: Stage, hook: Path) -> None:
        self.folder = folder
        self.directory = stage.ca.directory
        self.ca_file = stage.ca.ca_file
        self.resolver = f"{stage.world.resolver.address}:53"
        self.hook = str(tool(hook))
        self.state = folder / "state"
        own = {"DNS01_CONFIG": "", "DNS01_STATE_DIR": str(self.state)}  # nothing of this machine's
        self.configuration = {**own, **stage.environment}
        self.said = ""
        (folder / "trusted").mkdir()
        shutil.copy(self.ca_file, folder / "trusted" / "ca-certificates.crt")
        (folder / "resolv.conf").write_text(f"nameserver {stage.world.resolver.address}\n")
        self.mounts = {"/etc/resolv.conf": folder / "resolv.conf", "/etc/ssl/certs": folder / "trusted"}

    def command(self, *words: str | Path) -> list[str | Path]:
        """The command line that makes a command of the words on this host."""
        mounts = (path for there, own in self.mounts.items() for path in (own, there))
        return ["unshare", "--mount", "sh", "-ec", ON_A_HOST, "sh", *mounts, "--", *words]

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """What a command says, which must succeed. ``environment``: the hook's configuration if not given."""
        process = self.start(*command, environment=environment)
        try:
            said, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said = f"{process.communicate()[0]}(killed after {TIME_LIMIT:.0f} s)"
        print(f"--- {shlex.join(map(str, command))}\n{said}")
        self.said += said
        assert process.returncode == 0, f"{command[0]} ends with {process.returncode}"
        return said

    def start(
        self, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """The command in the background, in a process group of its own."""
        basics = {
            # The hook's shebang finds its interpreter by PATH.
            "PATH": f"{VENV}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }
        return subprocess.Popen(
            self.command(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=basics | dict(self.configuration if environment is None else environment),
            start_new_session=True,
        )

    def open_entries(self) -> list[str]:
        """The files in the journal."""
        return sorted(path.name for path in (self.state / "open").glob("*"))

    def audit_trail(self) -> str:
        trail = self.state / "audit.jsonl"
        return trail.read_text() if trail.exists() else ""


def tool(path: str | Path) -> Path:
    """A program that has to be there; ``make`` installs all of them."""
    found = shutil.which(path)
    if not found:
        pytest.fail(f"{path} is missing: `make e2e` installs it", pytrace=False)
    return Path(found)


def dehydrated(host: Host, chain: str, names: Sequence[str] = NAMES) -> Issued:
    host.run(*dehydrated_command(host, chain, names), environment={})
    live = host.folder / "certs" / names[0]
    return Issued(live / "privkey.pem", live / "fullchain.pem")


def dehydrated_command(host: Host, chain: str, names: Sequence[str]) -> list[str | Path]:
    """Its configuration has everything, the hook's variables too."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in host.configuration.items())
    config = host.folder / "config"
    config.write_text(
        f"CA={host.directory}\nCHALLENGETYPE=dns-01\nHOOK={host.hook}\nHOOK_CHAIN={chain}\n{exports}"
    )
    (host.folder / "domains.txt").write_text(" ".join(names))
    return [tool("dehydrated"), "-c", "--accept-terms", "-f", config]


def certbot(host: Host, program: str | Path) -> Issued:
    hook = shlex.quote(host.hook)
    host.run(
        *certbot_command(host, program),
        *("--manual", "--preferred-challenges", "dns"),
        *("--manual-auth-hook", f"{hook} certbot auth", "--manual-cleanup-hook", f"{hook} certbot cleanup"),
        *("--deploy-hook", f"{hook} certbot deploy"),
    )
    return of_certbot(host)


def certbot_plugin(host: Host) -> Issued:
    """Our authenticator, in certbot's own process."""
    hook = shlex.quote(host.hook)
    host.run(*certbot_command(host, NEWEST_CERTBOT), "-a", "dns01", "--deploy-hook", f"{hook} certbot deploy")
    return of_certbot(host)


def certbot_command(host: Host, program: str | Path, names: Sequence[str] = NAMES) -> list[str | Path]:
    """What every way to have challenges met begins with."""
    folders = [f"--{name}-dir={host.folder / name}" for name in ("config", "work", "logs")]
    words = ["certonly", "-n", "--agree-tos", "--register-unsafely-without-email", *folders]
    return [tool(program), *words, "--server", host.directory, *(f"--domain={name}" for name in names)]


def of_certbot(host: Host, name: str = NAMES[0]) -> Issued:
    live = host.folder / "config" / "live" / name
    return Issued(live / "privkey.pem", live / "fullchain.pem")


def lego(host: Host, mode: str) -> Issued:
    host.run(
        *(tool("lego"), "--accept-tos", "--email", "hostmaster@example.org", "--path", host.folder / "lego"),
        *("--server", host.directory, "--dns", "exec", "--dns.resolvers", host.resolver),
        # It asks for a CNAME before it calls the hook, while nobody answers for a standalone zone.
        *("--dns-timeout", "1"),
        *(word for name in NAMES for word in ("-d", name)),
        "run",
        environment={
            **host.configuration,
            "EXEC_PATH": host.hook,
            "EXEC_MODE": mode,
            "EXEC_SEQUENCE_INTERVAL": "1",  # seconds between two names: 60 by default
            "EXEC_POLLING_INTERVAL": "1",
        },
    )
    certificates = host.folder / "lego" / "certificates"
    return Issued(certificates / f"{NAMES[0]}.key", certificates / f"{NAMES[0]}.crt")


def uacme(host: Host) -> Issued:
    command = [tool("uacme"), "-v", "-y", "-a", host.directory, "-c", host.folder / "uacme", "-h", host.hook]
    host.run(*command, "new")
    host.run(*command, "issue", *NAMES)
    folder = host.folder / "uacme"
    return Issued(folder / "private" / NAMES[0] / "key.pem", folder / NAMES[0] / "cert.pem")


def acme_example(host: Host, names: Sequence[str] = NAMES) -> Issued:
    program = ROOT / "examples" / "acme_client.py"
    folder = host.folder / "acme" / names[0]
    host.run(tool(program), host.directory, folder, *names, "--ca-file", host.ca_file)
    return Issued(folder / "privkey.pem", folder / "fullchain.pem")


CLIENTS: Mapping[str, Callable[[Host], Issued]] = {
    "dehydrated-chained": partial(dehydrated, chain="yes"),
    "dehydrated-unchained": partial(dehydrated, chain="no"),
    "certbot-debian": partial(certbot, program="/usr/bin/certbot"),
    "certbot-newest": partial(certbot, program=NEWEST_CERTBOT),
    "certbot-plugin": certbot_plugin,
    "lego-default": partial(lego, mode=""),
    "lego-raw": partial(lego, mode="RAW"),
    "uacme": uacme,
    "acme-example": acme_example,
}
