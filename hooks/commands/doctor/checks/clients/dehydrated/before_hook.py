"""What ends a run of dehydrated before it calls its hook: its configuration, its lock, its account.

dehydrated looks at its main configuration before it reads what a single certificate has of its own, and ends
there for everybody (``load_config``, ``verify_config``, ``init_system`` of 0.7.0).
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from shutil import which

from .......own_program import own_path
from ......caa.issuers import PRESETS, of_dehydrated
from ......clients.setup.dehydrated_config import OVERRIDABLE, Dehydrated, config_of, lines
from ......clients.setup.schedule.command_line import Line
from ......clients.setup.schedule.cron_faults import program_file
from ......clients.setup.shell.calls import calls
from ......clients.setup.text_files import read_text
from ....finding import Examined, Finding, Severity
from ..certificate_authorities import ended, refused_curve, refused_rsa
from ..staging import is_staging, staging
from . import account, config_d

KEY_ALGORITHMS = ("rsa", "prime256v1", "secp384r1", "secp521r1")
CHALLENGE_TYPES = ("http-01", "dns-01", "tls-alpn-01", "dns-persist-01")
OF_THE_PACKAGE = ("/var/lib/dehydrated", "/etc/dehydrated")  # a BASEDIR that comes with dehydrated
LONGEST_RUN = 86400.0  # seconds; a lock that is older is nobody's
PARSING = 5.0  # seconds for bash


def arguments_in(commands: Sequence[str]) -> list[str]:
    """What stands behind dehydrated in command lines, a blank before each word; other commands stand in the
    lines as well."""
    return [
        "".join(f" {word}" for word in call.arguments)
        for line in commands
        for call in calls(line, "dehydrated")
    ]


def check(
    examined: Examined, main: Dehydrated, own: Dehydrated, given: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[Finding]:
    """``main``: what it looks at first; ``own``: with the certificate's own. ``given``: by the options of
    what runs it, ``arguments``."""
    yield from _syntax(examined, own.files)
    yield from config_d.check(examined, main)
    settings = {**main.settings, **given}
    yield from _main(examined, main, settings, given, own)
    yield from _values(own, {**own.settings, **given})
    yield from _keys(own, {**own.settings, **given})
    yield from _lock(examined, main, arguments)
    yield from _staging_ca(examined, main, own, scheduled=bool(arguments))


def other_lines(examined: Examined, main: Dehydrated, given: Mapping[str, str]) -> Iterator[Finding]:
    """What ends the run at another line of domains.txt, before the last one with the domain or at that."""
    listed = lines(main, examined.root)
    mine = [number for number, (names, _) in enumerate(listed) if examined.domain in names]
    for names, alias in listed[: mine[-1] + 1] if mine else ():
        other = config_of(main, names, alias, examined.root)
        if other is not main and (names, alias) != listed[mine[0]]:
            yield from _values(other, {**other.settings, **given}, OVERRIDABLE)


def without_config(named: str, lines: Sequence[Line]) -> Finding:
    """That what runs it, ``lines``, names a configuration that is not there."""
    path = next((line.path for line in lines if named in line.command), named)
    message = f"dehydrated is run with -f {named}, and there is no such file: it ends"
    steps = (f"take -f {named} out of {path}", f"or put {named} back")
    return Finding("config-missing", Severity.ERROR, path, message, steps)


def at_the_ca(
    examined: Examined, main: Dehydrated, given: Mapping[str, str], lines: Sequence[Line]
) -> Iterator[Finding]:
    """Whether the CA is there, and has an account. ``given``: as above; ``lines``: what runs dehydrated."""
    arguments = arguments_in([line.command for line in lines])
    yield from _unknown_name(examined, main, {**main.settings, **given}.get("CA", ""), lines)
    path = main.origins.get("CA", main.files[0])
    steps = (f'write in {path}: CA="letsencrypt"', account.register(main))
    if gone := list(ended(path, {**main.settings, **given}.get("CA", ""), steps)):
        yield from gone
    else:
        yield from account.check(examined, main, given.get("CA", ""), arguments)


def _unknown_name(examined: Examined, main: Dehydrated, ca: str, lines: Sequence[Line]) -> Iterator[Finding]:
    """A CA's short name that came with a later version: this one takes it for an address."""
    program = program_file("dehydrated", lines, examined.root)
    text = read_text(program, examined.root) or "" if program else ""
    version = re.search(r"""^VERSION=["']?([\w.]+)""", text, re.MULTILINE)
    if ca in PRESETS and version and f"CA_{ca.upper().replace('-', '_')}=" not in text:
        path = main.origins.get("CA", main.files[0])
        message = (
            f"CA is {ca}, a name that {program} does not know: version {version[1]} takes it for an address"
        )
        step = f'write in {path}: CA="{PRESETS[ca]}"'
        yield Finding("ca-unknown", Severity.ERROR, path, message, (step,))


def _syntax(examined: Examined, files: Sequence[str]) -> Iterator[Finding]:
    for path in (path for path in files if os.path.exists(examined.path(path))):
        if syntax_error := _parsed(examined.path(path), os.stat(examined.path(path)).st_mtime_ns):
            message = f"bash cannot read it, and dehydrated ends there: {syntax_error}"
            yield Finding("config-syntax", Severity.ERROR, path, message, (f"mend it, then: bash -n {path}",))


@lru_cache(maxsize=64)
def _parsed(path: str, changed: int) -> str:
    """What bash, which executes nothing of it, has to say against the file (``bash -n``)."""
    bash = which("bash")
    if bash is None:
        return ""
    try:
        ended = subprocess.run(
            [bash, "-n", "--", path], capture_output=True, text=True, errors="replace", timeout=PARSING,
            env={"LC_ALL": "C"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line.rpartition(f"{path}: ")[2] for line in ended.stderr.splitlines() if "line " in line]
    return lines[0][:200] if ended.returncode and lines else ""


def _main(
    examined: Examined,
    main: Dehydrated,
    settings: Mapping[str, str],
    given: Mapping[str, str],
    own: Dehydrated,
) -> Iterator[Finding]:
    """The main configuration is looked at before those of single certificates."""
    basedir = settings["BASEDIR"]
    if _is_plain(basedir) and basedir not in OF_THE_PACKAGE and not os.path.isdir(examined.path(basedir)):
        path = main.origins.get("BASEDIR", main.files[0])
        message = f"BASEDIR is {basedir}, and no such folder is there: dehydrated ends"
        yield Finding("basedir-missing", Severity.ERROR, path, message, (f"mkdir -p {basedir}",))
    if own.files == main.files or "CHALLENGETYPE" in main.uncertain:
        return
    single, challenge = own.files[-1], settings.get("CHALLENGETYPE", "http-01")
    if challenge == "dns-01" and not settings.get("HOOK") and "HOOK" not in main.uncertain:
        message = f"it sets no HOOK: dehydrated ends before it reads {single}, which does"
        step = f'write in {main.files[0]}: HOOK="{own.settings.get("HOOK") or own_path()}"'
        yield Finding("hook-missing", Severity.ERROR, main.files[0], message, (step,))
    wellknown = settings.get("WELLKNOWN") or "/var/www/dehydrated"
    if challenge == "http-01" and _is_plain(wellknown) and not os.path.isdir(examined.path(wellknown)):
        message = (
            f"its CHALLENGETYPE is http-01, and the folder {wellknown} is missing: dehydrated ends before "
            f"it reads {single}"
        )
        steps = (f'write in {main.files[0]}: CHALLENGETYPE="dns-01"', f"or: mkdir -p {wellknown}")
        yield Finding("wellknown-missing", Severity.ERROR, main.files[0], message, steps)


def _values(own: Dehydrated, settings: Mapping[str, str], only: Collection[str] = ()) -> Iterator[Finding]:
    """Values that dehydrated knows nothing of; ``only``: of these settings, where they are from the
    certificate's own file."""
    for key, known, otherwise in (
        ("KEY_ALGO", KEY_ALGORITHMS, "secp384r1"),
        ("IP_VERSION", ("4", "6"), ""),
        ("HOOK_CHAIN", ("yes", "no"), "yes"),
        ("CHALLENGETYPE", CHALLENGE_TYPES if only else (), "dns-01"),
    ):
        value, path = settings.get(key, ""), own.origins.get(key, own.files[0])
        if only and (key not in only or path != own.files[-1]):
            continue
        if value and known and _is_plain(value, "") and value not in known and key not in own.uncertain:
            severity = Severity.NOTE if key == "HOOK_CHAIN" else Severity.ERROR
            message = f"{key} is {value}, and dehydrated knows {', '.join(known)}"
            yield Finding("config-value", severity, path, message, (f'write in {path}: {key}="{otherwise}"',))
    ca = "" if only else settings.get("CA", "")
    if ca and _is_plain(ca, "") and ca not in PRESETS and "://" not in ca and "CA" not in own.uncertain:
        path = own.origins.get("CA", own.files[0])
        message = f"CA is {ca}, which is neither the address of an ACME directory nor a name of dehydrated's"
        step = f'write in {path}: CA="letsencrypt"  (or one of {", ".join(list(PRESETS)[1:])})'
        yield Finding("ca-unknown", Severity.ERROR, path, message, (step,))


def _keys(own: Dehydrated, settings: Mapping[str, str]) -> Iterator[Finding]:
    """Keys of certificates that the CA refuses."""
    algorithm, ca = settings.get("KEY_ALGO", ""), settings.get("CA", "")
    key, why, right = "KEY_ALGO", refused_curve(algorithm, ca), "secp384r1"
    if algorithm == "rsa" and _is_plain(settings.get("KEYSIZE", ""), ""):
        key, why, right = "KEYSIZE", refused_rsa(settings.get("KEYSIZE") or "4096", ca), "4096"
    if why and key not in own.uncertain:
        path = own.origins.get(key, own.files[0])
        message = f"{key} is {settings[key]}: {why}"
        yield Finding("key-refused", Severity.ERROR, path, message, (f'write in {path}: {key}="{right}"',))


def _lock(examined: Examined, main: Dehydrated, arguments: Sequence[str]) -> Iterator[Finding]:
    """What a run that was killed has left: no other begins, for ever."""
    path = main.settings.get("LOCKFILE") or f"{main.settings['BASEDIR']}/lock"
    if any(re.search(r"\s(-n|--no-lock|--lock-suffix)\b", line) for line in arguments) or "$" in path:
        return
    try:
        age = time.time() - os.lstat(examined.path(path)).st_mtime
    except OSError:
        return
    if age > LONGEST_RUN:
        message = f"a run that was killed {age / 86400:.0f} days ago has left it, and every run ends there"
        steps = (f"see that none is at work: pgrep -a dehydrated; then: rm {path}",)
        yield Finding("lock-left", Severity.ERROR, path, message, steps)


def _staging_ca(
    examined: Examined, main: Dehydrated, own: Dehydrated, *, scheduled: bool
) -> Iterator[Finding]:
    """dehydrated keeps a certificate of another CA until it is due. ``CA`` in what a certificate has of its
    own counts for nothing."""
    directory = of_dehydrated(main, root=examined.root).directory
    if is_staging(directory):
        path = main.origins.get("CA", main.files[0])
        steps = [
            f'write in {path}: CA="letsencrypt"',
            "dehydrated --register --accept-terms; dehydrated -c -x",
        ]
        if single := _ca_of_its_own(examined, own):
            steps.append(f"what {single} says of CA counts for nothing")
        yield staging(path, directory, tuple(steps), kept=scheduled)


def _ca_of_its_own(examined: Examined, own: Dehydrated) -> str:
    text = read_text(own.files[-1], examined.root) or ""
    return own.files[-1] if len(own.files) > 1 and re.search(r"^\s*CA=", text, re.MULTILINE) else ""


def _is_plain(value: str, start: str = "/") -> bool:
    """Whether it is known from here: nothing that only a shell could tell."""
    return value.startswith(start) and "$" not in value and "`" not in value
