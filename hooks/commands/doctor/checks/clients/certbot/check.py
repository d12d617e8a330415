"""certbot's renewal files for a domain: will its hooks be called as they have to be?"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ......caa.issuers import PRESETS
from ......clients.setup.schedule.command_line import has_other_files
from ....finding import Examined, Finding, Severity
from ..certificate_authorities import ended, refused_curve, refused_rsa
from ..hook_script import OURS, unusable
from ..staging import is_old, is_staging, staging
from ..typographic_quotes import TYPOGRAPHIC, is_typographic
from . import defaults, lineage_files
from .lineage import HOOKS, Lineage, lineage

OF_LETSENCRYPT = f" --server {PRESETS['letsencrypt']}"
# Where a hook without a path is looked for: what cron and systemd give, and certbot adds (plug_util.py).
PATH = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin", "snap/bin")
SHELL_WORDS = ("env", "exec", "cd", "test", "[", "if", ":", "true", "export", "set", ".")
PLUGIN = "dns01"  # the authenticator of hooks/phases/certbot_plugin.py
# What each phase is called for.
WANTED = {
    "auth": "to publish the record (auth): nothing is published",
    "cleanup": "to take the record back (cleanup): it stays",
    "deploy": "to bring the new certificate to its place (deploy): the old one stays in use",
}
BY_HTTP = ("webroot", "standalone", "nginx", "apache")  # certbot's own authenticators that know no dns-01


def check(
    path: str,
    settings: Mapping[str, str],
    examined: Examined,
    commands: Sequence[tuple[str, str]],
    folders: Sequence[str] | None = None,
) -> Iterator[Finding]:
    """What one renewal file would have certbot do. ``commands``: what runs certbot by the clock, each line
    with its file; ``folders``: the PATH that certbot has from there, None where nobody knows it."""
    own = lineage(examined, path, settings, commands)
    if broken := lineage_files.broken(own, examined):
        yield broken
        return
    other_ca = own.without("server") if "server" in own.defaults else own.again() + OF_LETSENCRYPT
    yield from ended(own.file("server"), own.get("server"), (other_ca,))
    yield from _key(own)
    yield from _staging_ca(own, examined)
    yield from _renewal(own)
    if not any("-dir" in command for _, command in commands):
        yield from lineage_files.account(own, examined)
    if own.get("authenticator") == PLUGIN:
        return
    if own.get("authenticator") != "manual":
        yield _another(own, examined)
        return
    if unfit := _challenge(own, examined):
        yield unfit
    if not own.get("manual_auth_hook"):
        message = "it has no manual_auth_hook: certbot cannot renew it without a person"
        yield Finding("certbot-hook-missing", Severity.ERROR, path, message, (own.again(),))
    if not commands or not all(has_other_files(command, "certbot") for _, command in commands):
        yield from _gone(own, examined, folders)
    yield from _phases(own)


def before_any(examined: Examined) -> Iterator[Finding]:
    """What cli.ini would do to the first order, where it has a hook of ours."""
    path = defaults.CLI_INI[0]
    own = lineage(examined, path, {}, ())
    if not any(word in own.get(key) for key in HOOKS for word in OURS):
        return
    if own.get("authenticator") in BY_HTTP:
        yield _another(own, examined)
    elif "pref_challs" in own.defaults and (unfit := _challenge(own, examined)):
        yield unfit
    if "server" in own.defaults:
        yield from ended(own.file("server"), own.get("server"), (own.without("server"),))
    yield from _gone(own, examined, None)
    yield from _phases(own)


def passed_over(
    examined: Examined, paths: Sequence[str], commands: Sequence[tuple[str, str]]
) -> Iterator[Finding]:
    """Renewal files of which none is renewed, as whatever runs certbot names other certificates."""
    lineages = [os.path.basename(path).removesuffix(".conf") for path in paths]
    file, renewed = defaults.others_only(commands, (examined.domain, *lineages))
    if renewed:
        message = (
            f"it has certbot renew {', '.join(dict.fromkeys(renewed))} alone: nothing renews {lineages[0]}"
        )
        step = f"take --cert-name out of {file}, or write there: certbot -q renew --cert-name {lineages[0]}"
        yield Finding("certbot-renews-others", Severity.WARNING, file, message, (step,))


def _phases(own: Lineage) -> Iterator[Finding]:
    """Hooks of ours that do not hear what is wanted."""
    for key, phase in HOOKS.items():
        if not lacks_phase(own.get(key), phase):
            continue
        code = "certbot-hook-without-phase"
        message = f"{own.said(key)} does not say its phase, so that dns01 cannot know what is wanted"
        if another := _phase(own.get(key)):
            code = "certbot-hook-wrong-phase"
            message = f"{own.said(key)} says the phase {another}, and certbot calls it {WANTED[phase]}"
        yield Finding(code, Severity.ERROR, own.file(key), message, (own.write(key, own.hook(phase)),))


def _renewal(own: Lineage) -> Iterator[Finding]:
    """Renewed never, or at every run."""
    if own.own.get("autorenew", "").lower() == "false":
        message = "autorenew is off: certbot passes it over when it renews"
        step = own.write("autorenew", "True")
        yield Finding("certbot-autorenew-off", Severity.WARNING, own.path, message, (step,))
    if "force_renewal" in own.defaults:
        message = (
            f"{own.said('force_renewal')} has every run order the certificate anew, which the CA refuses "
            "after a few (Let's Encrypt: five in a week)"
        )
        step = own.without("force_renewal")
        yield Finding("renews-every-run", Severity.WARNING, own.file("force_renewal"), message, (step,))


def _challenges(own: Lineage) -> list[str]:
    words = [word.strip().removesuffix("-01") for word in own.get("pref_challs").split(",")]
    return [word for word in words if word in ("dns", "http")]  # what manual knows


def _another(own: Lineage, examined: Examined) -> Finding:
    """Its authenticator is not the one that calls hooks."""
    authenticator = own.get("authenticator")
    wildcard = any(name.startswith("*.") for name in (*own.names, examined.domain))
    unfit = authenticator in BY_HTTP and (wildcard or _challenges(own) == ["dns"])
    why = "CAs issue for wildcards by dns-01 alone" if wildcard else "it knows no dns-01, which is asked for"
    before = f" ({own.said('authenticator').rstrip(',')})" if "authenticator" in own.defaults else ""
    return Finding(
        "certbot-challenge" if unfit else "certbot-other-authenticator",
        Severity.ERROR if unfit else Severity.NOTE,
        own.file("authenticator"),
        f"certbot has its authenticator {authenticator or '(none)'}{before} prove it, and never calls dns01"
        + (f"; {why}" if unfit else ""),
        (own.without("authenticator") if before else own.again(),),
    )


def _challenge(own: Lineage, examined: Examined) -> Finding | None:
    """certbot takes the first challenge of its list that the CA offers: for wildcards, dns-01 alone."""
    challenges = _challenges(own)
    only_wildcards = all(name.startswith("*.") for name in own.names or (examined.domain,))
    if challenges[:1] == ["dns"] or ("dns" in challenges and only_wildcards):
        return None
    if "pref_challs" in own.defaults:
        message = f"{own.said('pref_challs')} has certbot ask for http-01"
        steps: tuple[str, ...] = (own.write("pref_challs", "dns"), f"or {own.without('pref_challs')}")
    else:
        message = "it does not ask for dns-01 first (pref_challs), so that certbot takes http-01"
        steps = (own.again(),)
    return Finding("certbot-challenge", Severity.ERROR, own.file("pref_challs"), message, steps)


def _key(own: Lineage) -> Iterator[Finding]:
    """Keys that the CA refuses."""
    is_rsa = own.get("key_type").lower() == "rsa"
    key, why, right = (
        ("rsa_key_size", refused_rsa(own.get("rsa_key_size") or "2048", own.get("server")), "2048")
        if is_rsa
        else ("elliptic_curve", refused_curve(own.get("elliptic_curve"), own.get("server")), "secp384r1")
    )
    if why:
        option = f"--{key.replace('_', '-')} {right}"
        step = own.without(key) if key in own.defaults else f"{own.again()} {option}"
        yield Finding(
            "key-refused", Severity.ERROR, own.file(key), f"{own.said(key)} is refused: {why}", (step,)
        )


def _staging_ca(own: Lineage, examined: Examined) -> Iterator[Finding]:
    """The CA of the next renewal."""
    for key in ("server", "staging"):
        value = own.defaults[key].value if key in own.defaults else ""
        if is_staging(value) or (key == "staging" and value):
            who = value if key == "server" else "Let's Encrypt's staging"
            found = staging(own.file(key), who, (own.without(key),), kept=True)
            yield _ends_renewal(found) if _is_kept(own) else found
    if is_staging(server := own.own.get("server", "")) and "server" not in own.defaults:
        again = f"certbot renew --cert-name {own.name} --force-renewal{OF_LETSENCRYPT}"
        yield staging(own.path, server, (again,), kept=is_old(examined, own.own.get("cert", "")))


def _is_kept(own: Lineage) -> bool:
    """Whether it is a certificate of no test CA, whose place certbot gives to none of a test CA's."""
    server = own.own.get("server", "")
    return bool(server) and not is_staging(server) and "break_my_certs" not in own.defaults


def _ends_renewal(found: Finding) -> Finding:
    message = f"{found.message}; certbot puts none in the place of a good one, and ends the renewal"
    return found._replace(severity=Severity.ERROR, message=message)


def _gone(own: Lineage, examined: Examined, folders: Sequence[str] | None) -> Iterator[Finding]:
    """Hooks that cannot be run: certbot says so when it is too late."""
    seen = set()
    for key, phase in HOOKS.items():
        try:
            program = next(iter(shlex.split(own.get(key))), "")
        except ValueError:
            continue
        if is_typographic(own.get(key)) or program.startswith(tuple(TYPOGRAPHIC)):
            message = f"{own.said(key)}, and the typographic quotes are a part of the command to a shell"
            step = own.write(key, own.get(key).translate(dict.fromkeys(map(ord, TYPOGRAPHIC))))
            yield Finding("certbot-hook-gone", Severity.ERROR, own.file(key), message, (step,))
            continue
        ours = os.path.basename(program) in OURS
        found = find_program(examined, program, folders or ())
        if (
            not re.match(r"[\w./-]+$", program)
            or program in SHELL_WORDS
            or (program in OURS and folders is None)
            or (key == "renew_hook" and key in own.defaults and "/" not in program)  # for all certificates
            or (found and found in seen)
        ):
            continue
        seen.add(found)
        severity = Severity.ERROR if phase != "deploy" else Severity.WARNING
        if not found:
            better = own.write(key, own.hook(phase) if ours or phase != "deploy" else "COMMAND")
            where = "" if "/" in program else f" in {', '.join(map('/{}'.format, PATH))}"
            message = f"{own.said(key)}, and there is no file {program}{where}"
            steps = (better, f"or put {program} back")
            yield Finding("certbot-hook-gone", severity, own.file(key), message, steps)
        elif not os.access(examined.path(found), os.X_OK):
            message = f"{own.said(key)}, and {found} may not be executed: certbot goes no further"
            step = f"chmod +x {found}"
            yield Finding("certbot-hook-not-executable", severity, own.file(key), message, (step,))
        elif script := unusable(examined, found):
            yield script


def find_program(examined: Examined, program: str, folders: Sequence[str] = ()) -> str:
    """The file of a hook's first word, where certbot looks for it; empty if there is none. ``folders``: the
    PATH that it has, besides those that it looks in always."""
    if program.startswith("/"):
        candidates = [program]
    else:
        places = (*folders, *map("/{}".format, PATH))
        candidates = [f"{folder}/{program}" for folder in places] if "/" not in program else []
    return next((path for path in candidates if os.path.isfile(examined.path(path))), "")


def lacks_phase(command: str, phase: str) -> bool:
    """Whether the command calls dns01 without ``certbot PHASE`` behind it; certbot gives hooks to
    a shell, and any other command is somebody else's affair."""
    ours = _behind_ours(command)
    return ours is not None and ours[:2] != ["certbot", phase]


def _phase(command: str) -> str:
    """The phase that the command gives to dns01; empty where it gives none."""
    certbot, phase = [*(_behind_ours(command) or ()), "", ""][:2]
    return phase if certbot == "certbot" and phase in WANTED else ""


def _behind_ours(command: str) -> list[str] | None:
    """The words behind dns01; None where the command does not call it."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    ours = [place for place, word in enumerate(words) if os.path.basename(word) in OURS]
    return words[ours[-1] + 1 :] if ours else None
