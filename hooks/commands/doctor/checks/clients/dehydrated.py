"""What ends a run of dehydrated before it calls its hook: its configuration, its lock, its account.

dehydrated looks at its main configuration before it reads what a single certificate has of its own, and ends
there for everybody (``load_config``, ``verify_config``, ``init_system`` of 0.7.0).
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from shutil import which

from .....caa.issuers import PRESETS, of_dehydrated
from .....clients.setup.dehydrated_config import Dehydrated
from .....clients.setup.text_files import read_text
from ...finding import Examined, Finding, Severity
from .hook_script import uses_arguments
from .staging import is_staging, staging

KEY_ALGORITHMS = ("rsa", "prime256v1", "secp384r1", "secp521r1")
CHALLENGE_TYPES = ("http-01", "dns-01", "tls-alpn-01", "dns-persist-01")
OF_THE_PACKAGE = ("/var/lib/dehydrated", "/etc/dehydrated")  # a BASEDIR that comes with dehydrated
LONGEST_RUN = 86400.0  # seconds; a lock that is older is nobody's
PARSING = 5.0  # seconds for bash
# CAs that take no account without external account binding (RFC 8555, section 7.3.4).
WANT_EAB = ("zerossl", "google", "pki.goog", "ssl.com", "sectigo", "digicert", "globalsign", "harica")


def arguments_in(commands: Sequence[str]) -> list[str]:
    """What stands behind dehydrated in command lines; other commands stand in the lines as well."""
    parts = [part for line in commands for part in re.split(r"[|;&]+", line)]
    return [part.partition("dehydrated")[2] for part in parts if "dehydrated" in part]


def check(
    examined: Examined, main: Dehydrated, own: Dehydrated, given: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[Finding]:
    """``main``: what it looks at first; ``own``: with the certificate's own. ``given``: by the options of
    what runs it, ``arguments``."""
    yield from _syntax(examined, own.files)
    yield from _additional(examined, main)
    settings = {**main.settings, **given}
    yield from _main(examined, main, settings, given, own)
    yield from _values(own, {**own.settings, **given})
    yield from _lock(examined, main, arguments)
    yield from _staging_ca(examined, main, own, scheduled=bool(arguments))
    yield from _account(examined, main, arguments)


def _syntax(examined: Examined, files: Sequence[str]) -> Iterator[Finding]:
    for path in (path for path in files if os.path.exists(examined.path(path))):
        if said := _parsed(examined.path(path), os.stat(examined.path(path)).st_mtime_ns):
            message = f"bash cannot read it, and dehydrated ends there: {said}"
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


def _additional(examined: Examined, main: Dehydrated) -> Iterator[Finding]:
    """conf.d: each file is sourced, and has to be there, and a configuration."""
    folder = main.settings.get("CONFIG_D", "")
    if not folder.startswith("/") or "$" in folder:
        return
    try:
        names = sorted(os.listdir(examined.path(folder)))
    except PermissionError:
        return
    except OSError:
        path = main.origins.get("CONFIG_D", main.files[0])
        message = f"CONFIG_D is {folder}, and no such folder is there: dehydrated ends"
        yield Finding("config-d-unreadable", Severity.ERROR, path, message, (f"mkdir -p {folder}",))
        return
    for path in (f"{folder}/{name}" for name in names if name.endswith(".sh")):
        if not os.path.isfile(examined.path(path)):
            message = "it is no file, or leads nowhere, and dehydrated, which reads it as configuration, ends"
            yield Finding("config-d-unreadable", Severity.ERROR, path, message, (f"rm {path}",))
        elif uses_arguments(read_text(path, examined.root) or ""):
            message = "it is a script for arguments, as hooks are, and dehydrated reads it as configuration"
            steps = (f"mv {path} {os.path.dirname(folder)}/", "and see that HOOK leads to dns01")
            yield Finding("hook-in-config-d", Severity.ERROR, path, message, steps)


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
        step = f'write in {main.files[0]}: HOOK="{own.settings.get("HOOK", "/path/of/dns01")}"'
        yield Finding("hook-missing", Severity.ERROR, main.files[0], message, (step,))
    wellknown = settings.get("WELLKNOWN") or "/var/www/dehydrated"
    if challenge == "http-01" and _is_plain(wellknown) and not os.path.isdir(examined.path(wellknown)):
        message = (
            f"its CHALLENGETYPE is http-01, and the folder {wellknown} is missing: dehydrated ends before "
            f"it reads {single}"
        )
        steps = (f'write in {main.files[0]}: CHALLENGETYPE="dns-01"', f"or: mkdir -p {wellknown}")
        yield Finding("wellknown-missing", Severity.ERROR, main.files[0], message, steps)


def _values(own: Dehydrated, settings: Mapping[str, str]) -> Iterator[Finding]:
    """Values that dehydrated knows nothing of."""
    for key, known, otherwise in (
        ("KEY_ALGO", KEY_ALGORITHMS, "secp384r1"),
        ("IP_VERSION", ("4", "6"), ""),
        ("HOOK_CHAIN", ("yes", "no"), "yes"),
    ):
        said = settings.get(key, "")
        if said and _is_plain(said, "") and said not in known and key not in own.uncertain:
            path = own.origins.get(key, own.files[0])
            severity = Severity.NOTE if key == "HOOK_CHAIN" else Severity.ERROR
            message = f"{key} is {said}, and dehydrated knows {', '.join(known)}"
            yield Finding("config-value", severity, path, message, (f'write in {path}: {key}="{otherwise}"',))
    ca = settings.get("CA", "")
    if ca and _is_plain(ca, "") and ca not in PRESETS and "://" not in ca and "CA" not in own.uncertain:
        path = own.origins.get("CA", own.files[0])
        message = f"CA is {ca}, which is neither the address of an ACME directory nor a name of dehydrated's"
        step = f'write in {path}: CA="letsencrypt"  (or one of {", ".join(list(PRESETS)[1:])})'
        yield Finding("ca-unknown", Severity.ERROR, path, message, (step,))


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


def _account(examined: Examined, main: Dehydrated, arguments: Sequence[str]) -> Iterator[Finding]:
    """The account at the CA. Where dehydrated has none at any CA, nobody has run it yet."""
    directory = of_dehydrated(main, root=examined.root).directory
    accounts = main.settings.get("ACCOUNTDIR") or f"{main.settings['BASEDIR']}/accounts"
    if not directory or not _is_plain(accounts):
        return
    encoded = urlsafe_b64encode(f"{directory}\n".encode()).decode().rstrip("=")
    folder = f"{accounts}/{encoded}"
    if os.path.exists(examined.path(f"{folder}/deactivated")):
        message = f"the account at {directory} has been deactivated: dehydrated ends"
        steps = (f"mv {folder} {folder}.old", "dehydrated --register --accept-terms")
        yield Finding("account-deactivated", Severity.ERROR, folder, message, steps)
        return
    try:
        others = os.listdir(examined.path(accounts))
    except FileNotFoundError:
        others = []
    except OSError:  # the folder is its owner's
        return
    binding = any(word in directory for word in WANT_EAB) and not main.settings.get("EAB_KID")
    if "zerossl" in directory and main.settings.get("CONTACT_EMAIL"):
        binding = False  # which dehydrated has from ZeroSSL by the address
    if os.path.exists(examined.path(f"{folder}/account_key.pem")) or not (others or binding):
        return
    if any("--accept-terms" in line for line in arguments) and not binding:
        return
    eab = f"write in {main.files[0]} what the CA gives you: EAB_KID=… and EAB_HMAC_KEY=…"
    register = "dehydrated --register --accept-terms"
    message = f"dehydrated has no account at {directory}" + (
        ", which makes none without EAB_KID and EAB_HMAC_KEY" if binding else ""
    )
    if binding:
        yield Finding("account-missing", Severity.ERROR, main.files[0], message, (eab, register))
    else:  # which takes no more than that
        yield Finding("account-missing", Severity.WARNING, main.files[0], message, (register,))


def _staging_ca(
    examined: Examined, main: Dehydrated, own: Dehydrated, *, scheduled: bool
) -> Iterator[Finding]:
    """dehydrated keeps a certificate of another CA until it is due. ``CA`` in what a certificate has of its
    own counts for nothing."""
    said = of_dehydrated(main, root=examined.root).directory
    if is_staging(said):
        path = main.origins.get("CA", main.files[0])
        steps = [
            f'write in {path}: CA="letsencrypt"',
            "dehydrated --register --accept-terms; dehydrated -c -x",
        ]
        if single := _ca_of_its_own(examined, own):
            steps.append(f"what {single} says of CA counts for nothing")
        yield staging(path, said, tuple(steps), kept=scheduled)


def _ca_of_its_own(examined: Examined, own: Dehydrated) -> str:
    text = read_text(own.files[-1], examined.root) or ""
    return own.files[-1] if len(own.files) > 1 and re.search(r"^\s*CA=", text, re.MULTILINE) else ""


def _is_plain(said: str, start: str = "/") -> bool:
    """Whether it is known from here: nothing that only a shell could tell."""
    return said.startswith(start) and "$" not in said and "`" not in said
