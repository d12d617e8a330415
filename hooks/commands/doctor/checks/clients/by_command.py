"""lego and uacme, whose whole configuration is the command line that runs them, and Traefik's file."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .....clients.setup.certificate_paths import LEGO, UACME
from .....clients.setup.schedule import Line, Schedule
from .....clients.setup.text_files import read_text
from ...finding import Examined, Finding, Severity
from .hook_script import unfit
from .staging import is_staging, staging

TRAEFIK = tuple(f"/etc/traefik/traefik.{end}" for end in ("yml", "yaml", "toml"))
EXEC = re.compile(r"""^\s*provider\s*[:=]\s*["']?exec["']?\s*$""", re.MULTILINE)
LEGO_FOLDERS = (LEGO, "/etc/lego", "/root/.lego")

CERTIFICATES = {
    "lego": tuple(f"{folder}/certificates/{{name}}.crt" for folder in LEGO_FOLDERS),
    "uacme": (f"{UACME}/{{name}}/cert.pem",),
}


class _Command(NamedTuple):
    """One call of a client, by a timer or by cron. ``environ``: what it is given; ``complete``: all of it."""

    path: str
    words: Sequence[str]
    environ: Mapping[str, str]
    complete: bool

    def values(self, *options: str) -> list[str]:
        """What stands behind any of the options."""
        found = []
        for word, following in zip(self.words, [*self.words[1:], ""], strict=True):
            name, equals, value = word.partition("=")
            if name in options:
                found.append(value if equals else following)
        return found


def check(examined: Examined, schedules: Mapping[str, Schedule]) -> Iterator[Finding]:
    """``schedules``: what runs lego, and what runs uacme."""
    for command in _commands("lego", schedules["lego"]):
        names = [name for said in command.values("-d", "--domains") for name in said.split(",")]
        if examined.domain in names and "exec" in command.values("--dns"):
            yield from _lego(examined, command)
    for command in _commands("uacme", schedules["uacme"]):
        if "issue" in command.words and examined.domain in command.words:
            yield from _uacme(examined, command)


def issuers_here(examined: Examined) -> Iterator[str]:
    """Those of the two that have a certificate for the domain in their usual folders."""
    spelt = {examined.domain, examined.domain.replace("*", "_"), examined.domain.removeprefix("*.")}
    for client, places in CERTIFICATES.items():
        files = (place.replace("{name}", name) for place in places for name in spelt)
        if any(os.path.isfile(examined.path(file)) for file in files):
            yield client


def _commands(client: str, schedule: Schedule) -> Iterator[_Command]:
    for line in schedule.lines:
        yield from _in_line(client, line)


def _in_line(client: str, line: Line) -> Iterator[_Command]:
    for part in re.split(r"[;&|]+", line.text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        places = [place for place, word in enumerate(words) if os.path.basename(word) == client]
        if places:
            before = dict(
                word.split("=", 1) for word in words[: places[0]] if re.match(r"[A-Za-z_]\w*=", word)
            )
            environ = {**line.environ, **before}
            yield _Command(line.path, words[places[0] + 1 :], environ, line.complete)


def _lego(examined: Examined, command: _Command) -> Iterator[Finding]:
    yield from _exec_path(examined, command, "lego")
    server = next(iter(command.values("--server", "-s")), command.environ.get("LEGO_SERVER", ""))
    if is_staging(server):
        steps = (f"take --server {server} out of it", "order the certificate again: lego … run")
        yield staging(command.path, server, steps, kept=True)
    known = [folder for folder in LEGO_FOLDERS[:2] if os.path.isdir(examined.path(folder))]
    if known and command.complete and not command.values("--path") and "LEGO_PATH" not in command.environ:
        yield Finding(
            "lego-path-missing",
            Severity.WARNING,
            command.path,
            f"lego is run without --path: it looks for its account in .lego of the folder that it is started "
            f"in, and not in {known[0]}",
            (f"write in {command.path}, behind lego: --path {known[0]}",),
        )


def _exec_path(examined: Examined, called: _Command | Line, client: str) -> Iterator[Finding]:
    if hook := called.environ.get("EXEC_PATH", ""):
        yield from _hook(examined, called.path, "EXEC_PATH", hook)
    elif called.complete:
        message = f"{client} is run without EXEC_PATH, and its provider exec has nothing to call"
        steps = (f"write in {called.path}: EXEC_PATH=/path/of/dns01  (command -v dns01 tells it)",)
        yield Finding("hook-missing", Severity.ERROR, called.path, message, steps)


def _hook(examined: Examined, path: str, key: str, hook: str) -> Iterator[Finding]:
    """Whether the file is there and can be run."""
    if not hook.startswith("/") or "$" in hook:
        return
    message = f"{key} is {hook}, and there is no such file"
    steps = (f"write in {path}, for {hook}: /path/of/dns01  (command -v dns01 tells it)",)
    missing = Finding("hook-missing", Severity.ERROR, path, message, steps)
    if wrong := unfit(examined, hook, missing, f"{key} is {hook}, which may not be executed"):
        yield wrong


def _uacme(examined: Examined, command: _Command) -> Iterator[Finding]:
    hooks = command.values("-h", "--hook")
    if not hooks:
        message = "uacme is run without -h, and asks somebody at a terminal to write the record"
        steps = (f"write in {command.path}, behind uacme: -h /path/of/dns01  (command -v dns01 tells it)",)
        yield Finding("hook-missing", Severity.ERROR, command.path, message, steps)
    else:
        yield from _hook(examined, command.path, "uacme's -h", hooks[-1])
    if {"-s", "--staging"} & set(command.words):
        steps = (f"take -s (--staging) out of {command.path}",)
        yield staging(command.path, "Let's Encrypt's staging", steps, kept=True)


def traefik(examined: Examined, unit: Line | None) -> Iterator[Finding]:
    """Traefik's static configuration, where dns-01 goes through its provider exec. ``unit``: its service."""
    path, text = next(
        ((path, text) for path in TRAEFIK if (text := read_text(path, examined.root))), ("", "")
    )
    if not EXEC.search(text):
        return
    if unit is not None:
        yield from _exec_path(examined, unit, "Traefik")
    for file in re.findall(r"""^\s*storage\s*[:=]\s*["']?(/[^\s"']+)""", text, re.MULTILINE):
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
