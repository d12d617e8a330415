"""Files on another machine, through the OpenSSH client with its own configuration and known hosts.

What goes there travels on standard input: nothing of a certificate is in the arguments of a process, here
or there. Each file is written beside its place, under its owner and mode, and takes it by a rename once
all have arrived whole. A folder of another user's is written to, but not through a link of theirs.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import shlex
import stat
from collections.abc import Mapping, Sequence
from typing import ClassVar

from .... import child_process
from ....errors import ConfigError, DeployError, ProviderError, Unreachable
from ....options import Option, seconds, words
from ....output import printable
from . import _ssh_script as script
from ._formats import FORMATS, content_of
from ._layout import layout_options, named, places, read_layout
from ._ssh_script import RemoteFile
from .base import CertificateFiles, SilentMachine
from .command import environment

CONNECT_TIMEOUT = 10  # seconds until the machine has said that it speaks SSH
LARGEST_OUTPUT = 1 << 18  # octets that it may say
FAILED = 255  # what the client ends with where it did not get so far as to run anything

KINDS = tuple(kind for kind in FORMATS if kind != "pkcs12")  # which is salted: no two are the same

# [user@]host, or ssh://[user@]host[:port]. Neither begins with a -, which would make it an option.
_HOST = re.compile(
    r"(?:[A-Za-z0-9_.][\w.+-]*@)?(?:[A-Za-z0-9_][\w.-]*|[0-9A-Fa-f:.]+(?:%\w+)?)"
    r"|ssh://(?:[A-Za-z0-9_.][\w.+-]*@)?(?:[A-Za-z0-9_][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?",
    re.ASCII,
)
_ACCOUNT = re.compile(r"[A-Za-z0-9_.][\w.@\\$-]*", re.ASCII)

# What the variables of a command say of files here would mislead it there.
_OF_FILES = {"DNS01_PRIVKEY", "DNS01_CERT", "DNS01_CHAIN", "DNS01_FULLCHAIN", "DNS01_OCSP"}

_REFUSALS = {
    "folder": (
        "there is no folder for {path}, or {host} does not let us look into it",
        "make it: install -d",
    ),
    "directory": ("{path} is a folder", "give a file's path, or directory = …"),
    "device": ("{path} is a device", "give a file's path"),
    "irregular": ("{path} is no regular file", "move it away (mv); see what made it"),
    "foreign": (
        "{path} holds something else than a certificate or its key",
        "see that the path is right; if it is, move the file away (mv)",
    ),
    "taken": ("{path} is in a folder where another user has made what is ours", "remove its .NAME.dns01"),
    "damaged": (
        "{path} did not arrive as it was sent; the old files stay in use",
        "see that its disk has room",
    ),
    "changed": ("{path} is not what was put there", "see who else writes to it"),
}

# By what the client says; else the machine is out of reach.
_HINTS = (
    ("HAS CHANGED", "if it was set up anew: ssh-keygen -R with its name, then once ssh {host} by hand; if it "
     "was not, somebody is in between"),
    ("Host key verification failed", "compare its key's fingerprint once by hand, as the user who runs the "
     "client: ssh {host}; it is kept in known_hosts then"),
    ("Permission denied", "put this user's public key into authorized_keys there, or name the key in "
     "~/.ssh/config; it has no passphrase, or an agent: ssh -o BatchMode=yes {host} true"),
    ("Could not resolve", "see the name, or write HostName for it into ~/.ssh/config"),
)  # fmt: skip
_OUT_OF_REACH = "see that it runs, and that this machine may connect to it: ssh -o BatchMode=yes {host} true"


class Target:
    """One machine. It needs a POSIX shell with the usual tools (sha256sum, shasum or openssl), and an account
    that may write to the folders."""

    options: ClassVar[Sequence[Option]] = (
        Option("host", (), "machine as ssh takes it; several: with spaces between", required=True),
        *layout_options(KINDS),
        Option("shell", (), 'what runs there; for root by sudo: shell = "sudo -n sh"', default="sh"),
        Option("ssh_config", (), "file with the client's configuration; without it, ~/.ssh/config"),
        Option("time_limit", (), "how many seconds each connection may take", default="60"),
        Option("at_once", (), "how many machines side by side; without it, 8"),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return [f"{options.get('host', '')}:{path}" for path in places(options).values()]

    @staticmethod
    def machines(options: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        return {host: {**options, "host": host} for host in options.get("host", "").split()}

    def __init__(self, options: Mapping[str, str]) -> None:
        self._host = options["host"]
        if not _HOST.fullmatch(self._host):
            raise ConfigError(
                f"host: {self._host!r} is no machine",
                "for example web1.example.org, or root@web1.example.org",
            )
        self._layout = read_layout(options)
        for account in (*self._layout.owners.values(), *self._layout.groups.values()):
            if not _ACCOUNT.fullmatch(account):
                raise ConfigError(f"{account!r} is no user or group", "write its name or its number")
        self._limit = seconds(options["time_limit"], "time_limit")
        if not re.fullmatch("[1-9][0-9]?|", options.get("at_once", "")):
            raise ConfigError(f"at_once: {options['at_once']!r} is none", "a number from 1 to 99")
        self._passed = options.get("pass_environment", "").split()
        self._command = [
            *_client(options.get("ssh_config", "")),
            self._host,
            shlex.join(words(options["shell"])),
        ]
        self._mark = f"dns01-{secrets.token_hex(8)}"
        self._nothing_kept = False

    def check(self, bundle: CertificateFiles) -> None:
        """What is wrong there is found out by ``changes``, in the one connection that it takes."""
        self._files(bundle)

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        files = self._files(bundle)
        looked = script.to_look(files, named(self._layout.directory, bundle), self._mark)
        output = self._communicate(looked, files, "looking at the files on")
        self._nothing_kept = not any(answer[0] == "kept" for answer in output)
        found = {answer[1]: answer[2:] for answer in output if answer[0] == "file" and len(answer) > 1}
        return [
            f"{self._host}:{file.path}: {line}"
            for number, file in enumerate(files)
            for line in _differences(file, found.get(str(number)))
        ]

    def install(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        brought = script.to_install(files, named(self._layout.directory, bundle), self._mark)
        self._nothing_kept = False
        self._communicate(brought, files, "bringing the files to")

    def undo(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        self._communicate(script.to_undo(files, self._mark), files, "bringing back the files on")

    def commit(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        if not self._nothing_kept:
            self._communicate(script.to_commit(files, self._mark), files, "removing the old files on")

    def run(self, command: Sequence[str], variables: Mapping[str, str], limit: float, what: str) -> None:
        passed = {name: value for name, value in variables.items() if name not in _OF_FILES}
        doing = f"{what}: {shlex.join(command)} on {self._host}"
        ended = self._ssh(
            script.to_run(command, passed, math.ceil(limit), self._mark), limit + CONNECT_TIMEOUT, doing
        )
        lines = ended.output.splitlines()
        text = b"\n".join(line for line in lines if not line.startswith(self._mark.encode()))
        status = next((words[1] for words in self._answers(ended.output) if _is_status(words)), "")
        if status != "0":
            outcome = f"ended with {status}" if status else str(ended)
            raise DeployError(
                f"{doing} {outcome}: {child_process.last_lines(text or ended.stderr)}",
                f"repair what it names; by hand: ssh {self._host} {shlex.join(command)}",
            )

    def _files(self, bundle: CertificateFiles) -> list[RemoteFile]:
        return [
            RemoteFile(
                named(path, bundle),
                content_of(kind, bundle, b"", b""),
                self._layout.modes[kind],
                self._layout.owners.get(kind, ""),
                self._layout.groups.get(kind, ""),
            )
            for kind, path in self._layout.paths.items()
        ]

    def _communicate(self, text: str, files: Sequence[RemoteFile], doing: str) -> list[list[str]]:
        """Run the script there; gives what it has said, line by line. Raises DeployError."""
        doing = f"{doing} {self._host}"
        ended = self._ssh(text, self._limit, doing)
        answers = self._answers(ended.output)
        for answer in answers:
            if answer[0] == "error" and len(answer) == 3 and answer[1] in _REFUSALS:
                message, hint = _REFUSALS[answer[1]]
                path = {str(number): file.path for number, file in enumerate(files)}.get(answer[2], "?")
                raise DeployError(f"{doing}: {message.format(path=path, host=self._host)}", hint)
        if ended.status or ["end"] not in answers:
            raise DeployError(
                f"{doing} {ended}: {child_process.last_lines(ended.stderr or ended.output)}",
                f"see that the account may write there, and has a shell: ssh {self._host} sh -c true",
            )
        return answers

    def _answers(self, output: bytes) -> list[list[str]]:
        """The words of each line that is the script's, without whatever could do something to a terminal."""
        lines = printable(output.decode(errors="replace")).split("\n")
        found = (line.split()[1:] for line in lines if line.startswith(f"{self._mark} "))
        return [words for words in found if words]

    def _ssh(self, text: str, limit: float, doing: str) -> child_process.CompletedProgram:
        """Raises SilentMachine where nothing was run there, and DeployError.

        A connection outlasts the script for as long as what a command has left there keeps its output.
        """
        environ = environment(os.environ, self._passed)
        last = f"{self._mark} end\n".encode()
        try:
            ended = child_process.communicate(
                self._command, environ, limit, doing, text.encode(), LARGEST_OUTPUT, last
            )
        except Unreachable as error:
            raise SilentMachine(str(error), error.hint) from None
        except ProviderError as error:
            raise DeployError(str(error), error.hint) from None
        if ended.status == FAILED:
            stderr = ended.stderr.decode(errors="replace")
            hints = [hint for problem, hint in _HINTS if problem in stderr] or [_OUT_OF_REACH]
            message = f"{doing}: {child_process.last_lines(ended.stderr)}"
            raise SilentMachine(message, hints[0].format(host=self._host))
        return ended


def _client(configuration: str) -> list[str]:
    """The client's words before the machine. What the user's configuration says of other uses (terminals,
    forwarded ports) is left aside; whom to trust and how to get in is its own."""
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": str(CONNECT_TIMEOUT),
        "LogLevel": "ERROR",
        "RequestTTY": "no",
        "RemoteCommand": "none",
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
    }
    chosen = ["-F", configuration] if configuration else []
    return ["ssh", *chosen, *(f"-o{name}={value}" for name, value in settings.items()), "--"]


def _is_status(words: Sequence[str]) -> bool:
    """Whether the script says what a command has ended with."""
    return words[0] == "status" and len(words) == 2 and bool(re.fullmatch("[0-9]{1,3}", words[1]))


def _differences(file: RemoteFile, found: Sequence[str] | None) -> list[str]:
    """``found``: digest, mode as ls has it, and the owner's and the group's numbers and names."""
    if file.content is None:
        return [] if found is None else ["goes: there is none for this certificate"]
    if found is None:
        return ["is made"]
    digest, mode, uid, gid, owner, group = [*found, *[""] * 6][:6]
    wanted = stat.filemode(stat.S_IFREG | file.mode)
    return [
        line
        for differs, line in (
            (digest != file.digest, "gets another content"),
            (mode[:10] != wanted, f"gets mode {wanted} instead of {mode[:10]}"),
            (file.owner not in ("", uid, owner), f"gets the owner {file.owner} instead of {owner}"),
            (file.group not in ("", gid, group), f"gets the group {file.group} instead of {group}"),
        )
        if differs
    ]
