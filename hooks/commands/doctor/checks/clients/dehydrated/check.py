"""dehydrated's configuration for a domain: does it call the hook, rightly, and by the clock?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .......own_program import own_path
from ......clients.setup import dehydrated_config
from ......clients.setup.dehydrated_config import Dehydrated
from ......clients.setup.schedule.client_schedule import Schedule
from ......clients.setup.schedule.command_line import Line, has_other_files
from ......clients.setup.text_files import is_gone, read_octets
from ....finding import Examined, Finding, Severity
from .. import by_the_clock, time_limits
from ..hook_script import leads_elsewhere, leads_to_dns01, unfit
from ..unattended import by_client
from ..unattended import check as unattended
from . import before_hook, config_d, domains_txt, renewal, shell_faults, unknown_phases

PERSISTENT = "dns-persist-01"  # no hook is called for it

_OPTION = re.compile(
    r"""\s(-k|--hook|-t|--challenge|-f|--config|--acme-profile|-a|--algo|--ca)[\s=]+["']?([^\s"']+)"""
)
_OPTIONS = {"-k": "HOOK", "--hook": "HOOK", "-t": "CHALLENGETYPE", "--challenge": "CHALLENGETYPE",
            "-f": "CONFIG", "--config": "CONFIG", "--acme-profile": "ACME_PROFILE", "-a": "KEY_ALGO",
            "--algo": "KEY_ALGO", "--ca": "CA"}  # fmt: skip


def check(examined: Examined, schedule: Schedule) -> Iterator[Finding]:
    """Only a configuration that is meant for hooks, or has a line for the domain, is reported about."""
    arguments = before_hook.arguments_in([line.command for line in schedule.lines])
    given = _given(arguments)
    named = given.pop("CONFIG", "")
    contained = all(has_other_files(line.command, "dehydrated") for line in schedule.lines)
    if named.startswith("/") and "$" not in named and is_gone(named, examined.root) and not contained:
        yield before_hook.without_config(named, schedule.lines)
    environ = {**examined.environ, "CONFIG": named or examined.environ.get("CONFIG", "")}
    config = dehydrated_config.read_config(environ, examined.root)
    if config is None:
        return
    mine = [each for each in dehydrated_config.lines(config, examined.root) if examined.domain in each[0]]
    own = dehydrated_config.config_of(config, *mine[0], examined.root) if mine else config
    settings = {**own.settings, **given}
    passed_over = list(config_d.passed_over(examined, config))
    meant = (settings, *(each.settings for each in passed_over))
    if settings.get("CHALLENGETYPE") == PERSISTENT or not (mine or any(map(_meant_for_hooks, meant))):
        return
    yield from _carriage_returns(examined, own)
    if misread := list(shell_faults.check(examined, config, own)):
        yield from misread  # what stands there sets nothing, and all else follows from that
        return
    yield from before_hook.check(examined, config, own, given, arguments)
    yield from before_hook.other_lines(examined, config, given)
    yield from domains_txt.check(examined, config, arguments)
    unread = list(config_d.unread(config, passed_over))
    yield from unread
    lacks_all = any(each.severity == Severity.ERROR for each in unread)
    for finding in () if lacks_all else _hook(examined, own, settings, given, schedule.lines):
        key = "CHALLENGETYPE" if finding.code == "challenge-type" else "HOOK"
        yield _uncertain(finding) if key in own.uncertain and key not in given else finding
    yield from _chain(own, settings, [names for names, _ in mine])
    yield from renewal.check(own, settings, [names for names, _ in mine], schedule)
    yield from before_hook.at_the_ca(examined, config, given, schedule.lines)
    if mine or any(examined.domain in line for line in arguments):
        runs = by_client.of_dehydrated(examined, own, settings, schedule.lines)
        yield from unattended.check(examined, runs)
    yield from by_the_clock.check("dehydrated", schedule, examined.root)
    yield from time_limits.check("dehydrated", schedule.lines)


def _carriage_returns(examined: Examined, config: Dehydrated) -> Iterator[Finding]:
    """bash, which reads these files, takes a CR for a part of the value before it."""
    for path in config.files:
        if b"\r\n" in (read_octets(path, examined.root) or b""):
            message = "it has the line ends of Windows (CR LF); bash takes each CR for a part of the value"
            yield Finding("carriage-returns", Severity.ERROR, path, message, (f"sed -i 's/\\r$//' {path}",))


def _uncertain(finding: Finding) -> Finding:
    """What a condition decides is not known from here."""
    words = f"{finding.message} (as far as that can be told: it is set within a condition or a function)"
    return finding._replace(severity=Severity.NOTE, message=words)


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """What the options of a command line set: they go before the file."""
    return {_OPTIONS[option]: value for part in arguments for option, value in _OPTION.findall(part)}


def _meant_for_hooks(settings: Mapping[str, str]) -> bool:
    """A package's own configuration, which nobody has touched, is no set-up."""
    return bool(settings.get("HOOK")) or settings.get("CHALLENGETYPE") == "dns-01"


def _hook(
    examined: Examined,
    config: Dehydrated,
    settings: Mapping[str, str],
    given: Mapping[str, str],
    lines: Sequence[Line],
) -> Iterator[Finding]:
    hook, challenge = settings.get("HOOK", ""), settings.get("CHALLENGETYPE", "http-01")
    if challenge != "dns-01" and "$" not in challenge and "`" not in challenge:
        path = config.origins.get("CHALLENGETYPE", config.files[0])
        present = settings.get("CHALLENGETYPE") or "not set, which means http-01"
        yield Finding(
            "challenge-type",
            Severity.ERROR,
            path,
            f"CHALLENGETYPE is {present}: no record is asked for",
            (_instead(given, "CHALLENGETYPE", lines) or f'write in {path}: CHALLENGETYPE="dns-01"',),
        )
    path = config.origins.get("HOOK", config.files[0])
    write = _instead(given, "HOOK", lines)
    write = write or f'write in {path}: HOOK="{own_path()}"'
    if not hook:
        yield Finding("hook-missing", Severity.ERROR, path, "it sets no HOOK", (write,))
    elif lines and all(has_other_files(line.command, "dehydrated") for line in lines):
        return
    elif hook.startswith(("/", "~")) and "$" not in hook and "`" not in hook:
        yield from _file(examined, path, hook, write)  # anything else depends on who runs it, and where
        configured = config.settings.get("HOOK", "")
        if "HOOK" in given and leads_to_dns01(examined, configured) and leads_elsewhere(examined, hook):
            message = f"dehydrated is run with -k {hook}, which goes before HOOK and never calls dns01"
            yield Finding("hook-overridden", Severity.ERROR, path, message, (write,))


def _instead(given: Mapping[str, str], key: str, lines: Sequence[Line]) -> str:
    """What to do about an option, which goes before all files; empty where none sets it."""
    if key not in given:
        return ""
    options = " or ".join(option for option, meant in _OPTIONS.items() if meant == key)
    places = dict.fromkeys(line.path for line in lines if given[key] in line.command)
    return f"take {options} {given[key]} out of {', '.join(places)}"


def _file(examined: Examined, path: str, hook: str, write: str) -> Iterator[Finding]:
    message = f"HOOK is {hook}, and there is no such file; it is one path: no arguments, no ~"
    missing = Finding("hook-missing", Severity.ERROR, path, message, (write,))
    if hook.startswith("~"):
        yield missing
    elif wrong := unfit(examined, hook, missing, "dehydrated's HOOK may not be executed"):
        yield wrong
    else:
        yield from unknown_phases.check(examined, hook)


def _chain(
    config: Dehydrated, settings: Mapping[str, str], mine: Sequence[Sequence[str]]
) -> Iterator[Finding]:
    longest = max(map(len, mine), default=0)
    path = config.origins.get("HOOK_CHAIN", config.files[0])
    if settings.get("HOOK_CHAIN", "no") != "yes" and longest > 1:
        yield Finding(
            "hook-chain-off",
            Severity.NOTE,
            path,
            f"HOOK_CHAIN is off, so that a certificate with {longest} names is waited for {longest} times",
            (f'write in {path}: HOOK_CHAIN="yes"',),
        )
