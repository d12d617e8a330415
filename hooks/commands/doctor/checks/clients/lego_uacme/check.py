"""lego and uacme, whose whole configuration is the command line that runs them, and Traefik's file."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .......errors import DeployError
from .......own_program import own_path
from ......clients.setup.certificate_paths import LEGO, UACME
from ......clients.setup.schedule.command_line import Line, has_other_files
from ......clients.setup.shell.calls import calls
from ......clients.setup.text_files import read_text
from ......clients.setup.units import drop_in
from ......deploy.certificate.leaf import names_in
from ....finding import Examined, Finding, Severity
from .. import environment_files
from ..hook_script import is_for_http, unfit
from ..staging import is_staging, staging
from ..typographic_quotes import is_typographic

TRAEFIK = tuple(f"/etc/traefik/traefik.{end}" for end in ("yml", "yaml", "toml"))
EXEC = re.compile(r"""^\s*provider\s*[:=]\s*["']?exec["']?\s*$""", re.MULTILINE)
STORAGE = re.compile(r"""^\s*storage\s*[:=]\s*["']?(/[^\s"']+)""", re.MULTILINE)
LEGO_FOLDERS = (LEGO, "/etc/lego", "/root/.lego")

CERTIFICATES = {
    "lego": tuple(f"{folder}/certificates/{{name}}.crt" for folder in LEGO_FOLDERS),
    "uacme": (f"{UACME}/{{name}}/cert.pem",),
}


class Command(NamedTuple):
    """One call of a client, by a timer or by cron. ``line``: where, with the variables that it is given."""

    line: Line
    words: Sequence[str]

    def values(self, *options: str) -> list[str]:
        """What stands behind any of the options."""
        found = []
        for place, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name in options:
                found.append(value if equals else "".join(self.words[place + 1 : place + 2]))
        return found


def check(examined: Examined, client: str, lines: Sequence[Line]) -> Iterator[Finding]:
    """``lines``: what runs lego, or uacme."""
    for command in commands(examined, client, lines):
        yield from _lego(examined, command) if client == "lego" else _uacme(examined, command)


def commands(examined: Examined, client: str, lines: Sequence[Line]) -> list[Command]:
    """The calls among the lines that have a hook publish for the domain."""
    return [
        each for line in lines for each in _in_line(client, line) if _is_for(examined.domain, client, each)
    ]


def _is_for(domain: str, client: str, command: Command) -> bool:
    if client == "uacme":
        return "issue" in command.words and domain in command.words
    names = [name for value in command.values("-d", "--domains") for name in value.split(",")]
    return domain in names and "exec" in command.values("--dns")


def issuers_here(examined: Examined) -> Iterator[tuple[str, str]]:
    """Those of the two that have a certificate for the domain in their usual folders, and the command that
    has it renewed."""
    for client in CERTIFICATES:
        files = map(examined.path, certificate_files(examined, client))
        if file := next(filter(os.path.isfile, files), ""):
            yield client, has_renewed(client, _names(file, examined.domain))


def certificate_files(examined: Examined, client: str) -> list[str]:
    """Where the client may have a certificate for the domain."""
    domain = examined.domain
    spelt = dict.fromkeys((domain, domain.replace("*", "_"), domain.removeprefix("*.")))
    return [place.replace("{name}", name) for name in spelt for place in CERTIFICATES[client]]


def has_renewed(client: str, names: Sequence[str]) -> str:
    """The command that has a certificate for the names renewed from now on."""
    return shlex.join(["dns01", "init", "--client", client, "--production", "--no-order", *names])


def _names(file: str, domain: str) -> Sequence[str]:
    """What the certificate in the file is for; of one that cannot be read, the domain alone is known."""
    try:
        return names_in(file)
    except DeployError:
        return (domain,)


def _in_line(client: str, line: Line) -> Iterator[Command]:
    for call in calls(line.command, client):
        words = call.arguments
        if client == "uacme":
            words = [each for word in words for each in _apart(word)]
        yield Command(line._replace(environ={**line.environ, **call.environ}), words)


def _apart(word: str) -> list[str]:
    """uacme's options of one letter, which may stand together, and with a value: -vhPROGRAM."""
    found = re.fullmatch(r"-([fimnosvy]*)(?:([abcdehlrt])(.*))?", word)
    if not found or word == "-":
        return [word]
    flags, option, value = found.groups("")
    return [f"-{letter}" for letter in flags + option] + [value] * bool(value)


def _lego(examined: Examined, command: Command) -> Iterator[Finding]:
    line = command.line
    yield from _exec_path(examined, line, "lego")
    server = next(iter(command.values("--server", "-s")), line.environ.get("LEGO_SERVER", ""))
    if is_staging(server):
        steps = (f"take --server {server} out of it", "order the certificate again: lego … run")
        yield staging(line.path, server, steps, kept=True)


def behind(client: str, option: str, command: str) -> str:
    """The command with an option more, where it calls the client."""
    return re.sub(rf"(?<![\w.-]){client}(?=\s)", rf"{client} {option}", command, count=1)


def _setting(line: Line, name: str, value: str) -> str:
    """The step that gives a command another variable."""
    if line.unit and line.path in line.unit.files:
        return drop_in(line.unit.name, f"Environment={name}={value}")
    exported = "" if line.when else "export "  # in a script
    return f"write in {line.path}: {exported}{name}={value}"


def _exec_path(examined: Examined, line: Line, client: str) -> Iterator[Finding]:
    steps = (_setting(line, "EXEC_PATH", own_path()),)
    if hook := line.environ.get("EXEC_PATH", ""):
        yield from _hook(examined, line, "EXEC_PATH", hook, steps)
    elif kept := line.withheld.get("EXEC_PATH"):
        message = f"it {kept.why}: {client}, which is to call it, does not get to see it"
        yield Finding("not-exported", Severity.ERROR, kept.path, message, (kept.step,))
    elif line.unit and (lacking := list(environment_files.gone(examined, line.unit))):
        yield from lacking
    elif line.complete:
        message = f"{client} is run without EXEC_PATH, and its provider exec has nothing to call"
        yield Finding("hook-missing", Severity.ERROR, line.path, message, steps)


def _hook(examined: Examined, line: Line, key: str, hook: str, steps: tuple[str, ...]) -> Iterator[Finding]:
    """Whether the file is there and can be run; ``steps``: what to do where it is not there."""
    if hook.startswith("~") and (line.when or line.unit) and f"={hook}" not in line.command:
        message = f"{key} is {hook}, and nothing puts a home in the place of the ~"
        yield Finding("hook-missing", Severity.ERROR, line.path, message, steps)
    if is_typographic(hook):
        message = f"{key} is {hook}: the typographic quotes around it are a part of the path"
        yield Finding("hook-missing", Severity.ERROR, line.path, message, steps)
    if (
        not hook.startswith("/")
        or "$" in hook
        or any(has_other_files(line.command, client) for client in CERTIFICATES)
    ):
        return
    message = f"{key} is {hook}, and there is no such file"
    missing = Finding("hook-missing", Severity.ERROR, line.path, message, steps)
    closed = f"{key} is {hook}, which may not be executed"
    if wrong := unfit(examined, hook, missing, closed, by_shell=False):
        yield wrong


def _uacme(examined: Examined, command: Command) -> Iterator[Finding]:
    line, hooks = command.line, command.values("-h", "--hook")
    if not hooks:
        message = "uacme is run without -h, and asks somebody at a terminal to write the record"
        steps = (line.instead(behind("uacme", f"-h {own_path()}", line.command)),)
        yield Finding("hook-missing", Severity.ERROR, line.path, message, steps)
    else:
        steps = (line.instead(line.command.replace(hooks[-1], own_path())),)
        yield from _hook(examined, line, "uacme's -h", hooks[-1], steps)
        wildcard = any(word.startswith("*.") for word in command.words)
        if wildcard and is_for_http(examined, hooks[-1]):
            message = (
                f"uacme's -h is {hooks[-1]}, which knows http-01: CAs issue for wildcards by dns-01 alone"
            )
            yield Finding("hook-for-http", Severity.ERROR, line.path, message, steps)
    if {"-s", "--staging"} & set(command.words):
        step = f"take -s (--staging) out of {line.path}"
        yield staging(line.path, "Let's Encrypt's staging", (step,), kept=True)


def traefik(examined: Examined, unit: Line | None) -> Iterator[Finding]:
    """Traefik's static configuration, where dns-01 goes through its provider exec. ``unit``: its service."""
    path, text = next(
        ((path, text) for path in TRAEFIK if (text := read_text(path, examined.root))), ("", "")
    )
    if not EXEC.search(text):
        return
    if unit is not None:
        yield from _exec_path(examined, unit, "Traefik")
    for file in STORAGE.findall(text):
        yield from _storage(examined, file)
    server = re.search(r"""^\s*caServer\s*[:=]\s*["']?([^\s"']+)""", text, re.MULTILINE | re.IGNORECASE)
    if server and is_staging(server[1]):
        steps = (
            f"take caServer out of {path}",
            "stop Traefik, remove its storage (acme.json), and start it: it keeps what it has",
        )
        yield staging(path, server[1], steps, kept=True)


def _storage(examined: Examined, file: str) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(os.stat(examined.path(file)).st_mode)
    except OSError:
        return
    if mode & 0o077:
        message = f"others may read it (mode {mode:04o}), and Traefik leaves out the resolver that it is of"
        yield Finding("traefik-storage-open", Severity.ERROR, file, message, (f"chmod 600 {file}",))
