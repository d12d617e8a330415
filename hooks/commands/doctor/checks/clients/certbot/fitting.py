"""Whether the certbot that the clock runs fits its files: it has the plugin, and knows the options."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ......clients.setup.schedule.command_line import CRON_PATH, SYSTEMD_PATH, Line
from ......clients.setup.shell.calls import calls
from ......clients.setup.text_files import read_text
from ....finding import Examined, Finding, Severity
from . import defaults
from .installed import Installed, installed
from .lineage import Lineage

RENEWING = ("renew", "certonly", "run")
PLACES = ("/opt/certbot/bin/certbot", "/usr/local/bin/certbot", "/snap/bin/certbot", "/usr/bin/certbot")


class _Run(NamedTuple):
    """One call of certbot's by the clock. ``known``: what is installed there; None where nobody can tell."""

    line: Line
    arguments: Sequence[str]
    called: str
    program: str
    known: Installed | None


def check(examined: Examined, own: Lineage, lines: Sequence[Line]) -> Iterator[Finding]:
    """Of one certificate; nothing where any of the runs may go well."""
    runs = [run for line in lines for run in _runs(examined, own, line)]
    known = [(run, run.known) for run in runs if run.known is not None]
    if not runs or len(known) < len(runs):
        return
    plugin = own.get("authenticator").rpartition(":")[2]
    if plugin and plugin != "None" and all(plugin not in each.plugins for _, each in known):
        yield _plugin_missing(examined, own, plugin, runs[0])
    unknown = [_unknown(examined, run, each) for run, each in known]
    if all(unknown):
        for path, option, spelt in unknown[0]:
            message = f"certbot is {runs[0].program}, which knows no option {option}: every run ends there"
            step = f"take {spelt} out of {path}"
            yield Finding("certbot-option-unknown", Severity.ERROR, path, message, (step,))


def _runs(examined: Examined, own: Lineage, line: Line) -> Iterator[_Run]:
    for call in calls(line.command, "certbot"):
        words = call.arguments
        named = defaults.values(words, "--cert-name")
        if not any(word in RENEWING or "$" in word for word in words) or (named and own.name not in named):
            continue
        program = "" if call.contained else _program(examined, call.program, line)
        unclear = "PYTHONPATH" in {**line.environ, **call.environ} or any("$" in word for word in words)
        known = installed(program, examined.root) if program and not unclear else None
        yield _Run(line, words, call.program, program, known)


def _program(examined: Examined, called: str, line: Line) -> str:
    """Its file; empty where that is not known."""
    path = line.environ.get("PATH") or (SYSTEMD_PATH if line.unit else CRON_PATH)
    if called.startswith("/"):
        places = [called]
    elif line.complete and "$" not in path and "/" not in called:
        places = [f"{folder}/{called}" for folder in path.split(":")]
    else:
        return ""
    return next((place for place in places if os.path.lexists(examined.path(place))), "")


def _plugin_missing(examined: Examined, own: Lineage, plugin: str, run: _Run) -> Finding:
    """Another certbot that has it is run instead; dns01 needs none with its hooks."""
    has_it = (
        place
        for place in PLACES
        if os.path.lexists(examined.path(place))
        and (found := installed(place, examined.root))
        and plugin in found.plugins
    )
    if other := next(has_it, ""):
        word = rf"(?<![\w./-]){re.escape(run.called)}(?![\w./-])"
        step = run.line.instead(re.sub(word, lambda _: other, run.line.command, count=1))
    else:
        step = own.again()
    message = f"certbot is {run.program}, which has no plugin {plugin}: the renewal ends"
    return Finding("certbot-plugin-missing", Severity.ERROR, own.file("authenticator"), message, (step,))


def _unknown(examined: Examined, run: _Run, known: Installed) -> list[tuple[str, str, str]]:
    """The options that it ends at: (the file, the option, as it is written there)."""
    files = [*defaults.CLI_INI, *defaults.values(run.arguments, "-c", "--config")]
    said = [
        (path, f"--{key}", line)
        for path in files
        for key, line in defaults.keys_in(read_text(path, examined.root) or "")
    ]
    options = (word.partition("=")[0] for word in run.arguments if re.match(r"--[a-z]", word))
    said += [(run.line.path, option, option) for option in options]
    return [each for each in said if not known.knows(each[1])]
