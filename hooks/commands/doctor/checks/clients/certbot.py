"""certbot's renewal files for a domain: will its hooks be called as they have to be?"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from glob import glob

from ......errors import DeployError
from .....caa.issuers import PRESETS
from .....clients.setup.text_files import read_text
from .....deploy.certificate.leaf import names_in
from ...finding import Examined, Finding, Severity
from .hook_script import OURS, unusable
from .staging import is_old, is_staging, staging

RENEWAL = "/etc/letsencrypt/renewal"
CLI_INI = "/etc/letsencrypt/cli.ini"  # which holds for every call of certbot
HOOKS = {"manual_auth_hook": "auth", "manual_cleanup_hook": "cleanup", "renew_hook": "deploy"}
OPTIONS = {"auth": "--manual-auth-hook", "cleanup": "--manual-cleanup-hook", "deploy": "--deploy-hook"}
# Where a hook without a path is looked for: what cron and systemd give, and certbot adds (plug_util.py).
PATH = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin", "snap/bin")
SHELL_WORDS = ("env", "exec", "cd", "test", "[", "if", ":", "true", "export", "set", ".")
BY_HTTP = ("webroot", "standalone", "nginx", "apache")  # certbot's own authenticators that know no dns-01

# As certbot's configobj writes them: the value in quotes where it has a comma or a hash in it.
_SETTING = re.compile(
    r"""^[^\S\n]*(\w+)[^\S\n]*=[^\S\n]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\n#]*?))[^\S\n]*(?:\#.*)?$""",
    re.MULTILINE,
)


def lineages(examined: Examined) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The renewal files of certificates for the domain: (path, settings). One of that name in which nothing
    stands any more is for it as well."""
    for found in sorted(glob(examined.path(f"{RENEWAL}/*.conf"))):
        path = f"{RENEWAL}/{os.path.basename(found)}"
        settings = _settings(read_text(path, examined.root) or "")
        if examined.domain in _names(examined, path, settings):
            yield path, settings


def _settings(text: str) -> dict[str, str]:
    return {match[1]: match[2] or match[3] or match[4] or "" for match in _SETTING.finditer(text)}


def _names(examined: Examined, path: str, settings: Mapping[str, str]) -> set[str]:
    """What the certificate is for: its own word, or else the name that certbot gave it."""
    lineage = re.sub(r"-\d{4}$", "", os.path.basename(path).removesuffix(".conf"))
    try:
        return set(names_in(examined.path(settings.get("cert", ""))))
    except DeployError:  # it cannot be read, as by anybody but root
        return {lineage, f"*.{lineage}"}


def check(path: str, settings: Mapping[str, str], examined: Examined) -> Iterator[Finding]:
    """What one renewal file would have certbot do."""
    lineage = os.path.basename(path).removesuffix(".conf")
    if broken := _broken(path, settings, examined):
        yield broken
        return
    authenticator = settings.get("authenticator", "")
    if authenticator != "manual":
        unfit = authenticator in BY_HTTP and examined.domain.startswith("*.")
        yield Finding(
            "certbot-challenge" if unfit else "certbot-other-authenticator",
            Severity.ERROR if unfit else Severity.NOTE,
            path,
            f"certbot renews it with its authenticator {authenticator or '(none)'}, and never calls dns01"
            + ("; CAs issue for wildcards by dns-01 alone" if unfit else ""),
            (_again(lineage),),
        )
        return
    challenges = [word.strip() for word in settings.get("pref_challs", "").split(",")]
    if "dns-01" not in challenges and "dns" not in challenges:
        message = "it does not ask for dns-01 (pref_challs), so that certbot takes http-01 first"
        yield Finding("certbot-challenge", Severity.ERROR, path, message, (_again(lineage),))
    if not settings.get("manual_auth_hook"):
        message = "it has no manual_auth_hook: certbot cannot renew it without a person"
        yield Finding("certbot-hook-missing", Severity.ERROR, path, message, (_again(lineage),))
    yield from _gone(path, settings, examined)
    yield from _staging_ca(path, settings, examined)
    if settings.get("autorenew", "").lower() == "false":
        message = "autorenew is off: certbot passes it over when it renews"
        yield Finding("certbot-autorenew-off", Severity.WARNING, path, message,
                      (f"certbot reconfigure --cert-name {lineage} --autorenew",))  # fmt: skip
    for key, phase in HOOKS.items():
        if lacks_phase(settings.get(key, ""), phase):
            yield Finding(
                "certbot-hook-without-phase",
                Severity.ERROR,
                path,
                f"{key} = {settings[key]} does not say its phase, so that dns01 cannot know what is wanted",
                (f"certbot reconfigure --cert-name {lineage} {OPTIONS[phase]} 'dns01 certbot {phase}'",
                 f"or write in {path}: {key} = dns01 certbot {phase}"),
            )  # fmt: skip


def _broken(path: str, settings: Mapping[str, str], examined: Examined) -> Finding | None:
    """What certbot passes over as no renewal file: one without its paths, or whose links are files."""
    lineage = os.path.basename(path).removesuffix(".conf")
    if not settings:
        message = "nothing stands in it, as after a full disk: certbot passes it over, and renews nothing"
        steps = (f"restore it, or: rm {path}; then order again:", _again(lineage))
        return Finding("certbot-renewal-broken", Severity.ERROR, path, message, steps)
    archive = settings.get("archive_dir") or f"/etc/letsencrypt/archive/{lineage}"
    for key in ("cert", "privkey", "chain", "fullchain") if os.path.isdir(examined.path(archive)) else ():
        file = settings.get(key, "")
        if (
            file.startswith("/")
            and os.path.isfile(examined.path(file))
            and not os.path.islink(examined.path(file))
        ):
            message = (
                f"{file} is a file, and certbot, which wants a link into its archive there, renews nothing"
            )
            steps = (
                f"ln -sf {archive}/{key}N.pem {file}  (N: the highest in {archive})",
                "certbot certificates",
            )
            return Finding("certbot-renewal-broken", Severity.ERROR, path, message, steps)
    return None


def _staging_ca(path: str, settings: Mapping[str, str], examined: Examined) -> Iterator[Finding]:
    """The CA of the next renewal, and that of all that is ordered without --server."""
    server = settings.get("server", "")
    if is_staging(server):
        lineage = os.path.basename(path).removesuffix(".conf")
        again = f"certbot renew --cert-name {lineage} --force-renewal --server {PRESETS['letsencrypt']}"
        yield staging(path, server, (again,), kept=is_old(examined, settings.get("cert", "")))
    default = _settings(read_text(CLI_INI, examined.root) or "")
    said = default.get("server", "")
    if is_staging(said) or default.get("staging", "").lower() == "true":
        steps = (f"take server = {said} out of {CLI_INI}" if said else f"take staging out of {CLI_INI}",)
        yield staging(CLI_INI, said or "Let's Encrypt's staging", steps, kept=True)


def _gone(path: str, settings: Mapping[str, str], examined: Examined) -> Iterator[Finding]:
    """Hooks that cannot be run: certbot says so when it is too late."""
    lineage = os.path.basename(path).removesuffix(".conf")
    said = set()
    for key, phase in HOOKS.items():
        try:
            program = next(iter(shlex.split(settings.get(key, ""))), "")
        except ValueError:
            continue
        found, ours = _found(examined, program), os.path.basename(program) in OURS
        if (
            not re.match(r"[\w./-]+$", program)
            or program in (*SHELL_WORDS, *OURS)
            or (found and found in said)
        ):
            continue  # where a bare dns01 is depends on who runs certbot
        said.add(found)
        severity = Severity.ERROR if phase != "deploy" else Severity.WARNING
        if not found:
            better = f"'dns01 certbot {phase}'" if ours or phase != "deploy" else "'COMMAND'"
            where = "" if "/" in program else f" in {', '.join(map('/{}'.format, PATH))}"
            yield Finding(
                "certbot-hook-gone",
                severity,
                path,
                f"{key} = {settings[key]}, and there is no file {program}{where}",
                (f"certbot reconfigure --cert-name {lineage} {OPTIONS[phase]} {better}",
                 f"or put the file back, or write in {path}: {key} = {better.strip(chr(39))}"),
            )  # fmt: skip
        elif not os.access(examined.path(found), os.X_OK):
            message = f"{key} = {settings[key]}, and {found} may not be executed: certbot goes no further"
            yield Finding("certbot-hook-not-executable", severity, path, message, (f"chmod +x {found}",))
        elif script := unusable(examined, found):
            yield script


def _found(examined: Examined, program: str) -> str:
    """The file of a hook's first word, where certbot looks for it; empty if there is none."""
    if program.startswith("/"):
        candidates = [program]
    else:
        candidates = [f"/{folder}/{program}" for folder in PATH] if "/" not in program else []
    return next((path for path in candidates if os.path.isfile(examined.path(path))), "")


def lacks_phase(command: str, phase: str) -> bool:
    """Whether the command calls dns01 without ``certbot PHASE`` behind it; certbot gives hooks to
    a shell, and any other command is somebody else's affair."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    ours = [place for place, word in enumerate(words) if os.path.basename(word) in OURS]
    return bool(ours) and words[ours[-1] + 1 : ours[-1] + 3] != ["certbot", phase]


def _again(lineage: str) -> str:
    return (
        f"certbot certonly --cert-name {lineage} --force-renewal --manual --preferred-challenges dns "
        "--manual-auth-hook 'dns01 certbot auth' --manual-cleanup-hook 'dns01 certbot cleanup' "
        "--deploy-hook 'dns01 certbot deploy' -d …"
    )
