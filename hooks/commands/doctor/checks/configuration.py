"""The configuration: is it right, does anybody else get to read the secrets, who serves the name."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from shutil import which

from .....errors import ConfigError, DelegationError
from .....names import is_within
from .....options import Option
from .....providers import load as load_provider
from ....clients.setup.dehydrated_config import Dehydrated, read_config
from ....clients.setup.shell.variables import variables_after
from ....clients.setup.text_files import read_text
from ....clients.setup.users import User
from ....config.load import DEFAULT_FILE, load_settings, unconfigured
from ....config.secret_mistakes import DisguisedSecret
from ....config.settings import Account, Settings
from ....deploy.section import load_deployments
from ..finding import Examined, Finding, Severity
from .subjects.credentials import disguised
from .subjects.destination import followed


def load(environ: Mapping[str, str], user: User | None = None) -> tuple[Settings, list[Finding]]:
    """The settings; where they are missing or wrong, those of nobody, and what is the matter. ``user``: whom
    the clients run as, where that is another one than who asks."""
    try:
        settings = load_settings(environ)
        load_deployments(environ)
    except ConfigError as error:
        return _of_nobody(environ), [_of_other(_wrong(error, environ), user, environ)]
    return settings, [] if settings.accounts else [_NO_ACCOUNT._replace(subject=settings.source)]


_NO_ACCOUNT = Finding(
    "no-configuration",
    Severity.ERROR,
    "",
    "it names no account at any DNS provider",
    ('write [account.web] and below it provider = "…": dns01 providers lists them', "dns01 config check"),
)


def _of_nobody(environ: Mapping[str, str]) -> Settings:
    try:
        return unconfigured(environ)
    except ConfigError:  # the error that is said already, or one to come after it
        return unconfigured({**environ, "DNS01_RESOLVERS": "", "DNS01_DOH": ""})


def serving(settings: Settings, name: str, target: str) -> tuple[tuple[Account, ...], str]:
    """The accounts that a record at ``target`` is published through, and why those.

    Raises ConfigError.
    """
    accounts = settings.accounts_for(target, name)
    for owner in (target, name):
        sections = [r.apex for r in settings.zones if r.accounts and is_within(owner, r.apex)]
        if sections:
            longest = max(sections, key=len)
            return accounts, f'[zone."{longest}"] of {settings.source} is the longest suffix of {owner}'
    return accounts, f"the only account in {settings.source}"


def check(examined: Examined) -> Iterator[Finding]:
    """Whether an account serves the name and is complete, and who may read and write the files."""
    if examined.settings.accounts:
        yield from _accounts(examined)
    found = read_config(examined.environ, examined.root)
    if found is not None:
        yield from _secrets_of_dehydrated(examined, found)
        yield from _not_exported(examined, found)
        yield from _another(examined, found)


def _accounts(examined: Examined) -> Iterator[Finding]:
    """A CNAME's target that no account is named for is the delegation's finding."""
    chain: tuple[str, ...] = (examined.name,)
    with suppress(DelegationError):
        chain = followed(examined).chain
    try:
        accounts, _ = serving(examined.settings, examined.name, chain[-1])
    except ConfigError as error:
        if len(chain) == 1:
            yield _wrong(error, examined.environ)
        return
    for account in accounts:
        if found := list(disguised(examined.settings, examined.environ, account)):
            yield from found
            continue
        try:
            examined.places.accounts.provider(account)
        except ConfigError as error:
            yield _of_other(_wrong(error, examined.environ), examined.user, examined.environ)


def _wrong(error: ConfigError, environ: Mapping[str, str]) -> Finding:
    """What the loader refuses."""
    source = environ.get("DNS01_CONFIG", DEFAULT_FILE)
    if error.hint.startswith(("chmod go-w ", "chown ")):
        return Finding("writable-configuration", Severity.ERROR, source, str(error), (error.hint,))
    if error.hint.startswith("chmod 600 "):
        renew = "take a new secret at the provider: others may have read this one"
        return Finding(
            "world-readable-secret",
            Severity.ERROR,
            error.hint.split()[-1],
            str(error),
            (error.hint, renew),
        )
    provider = environ.get("DNS01_PROVIDER")
    nothing = not provider and (not source or (source == DEFAULT_FILE and _is_missing(source)))
    code = "secret-disguised" if isinstance(error, DisguisedSecret) else "bad-configuration"
    return Finding(
        "no-configuration" if nothing else code,
        Severity.ERROR,
        "the environment" if provider or not source else source,
        str(error),
        (error.hint, "dns01 config check"),
    )


def _of_other(wrong: Finding, user: User | None, environ: Mapping[str, str]) -> Finding:
    """What belongs to the user whom the clients run as is right for them; root, who asks, does not go by what
    that user can change."""
    owned = re.match(r"chown root (\S+)", "".join(wrong.remedy[:1]))
    try:
        is_theirs = owned and user and os.stat(owned[1]).st_uid == user.uid
    except OSError:
        return wrong
    if not (owned and user and is_theirs):
        return wrong
    message = f"the clients run as {user.name}, and root does not go by {owned[1]}, which is {user.name}'s"
    become = f"sudo -Hu {user.name}"
    if not which("sudo", path=environ.get("PATH")):
        become = f"runuser -u {user.name} -- env HOME={user.home}"
    step = f"look as {user.name}: {become} dns01 doctor DOMAIN"
    return Finding("other-user", Severity.WARNING, wrong.subject, message, (step,))


def _is_missing(path: str) -> bool:
    """Whether there is no such file, rather than one that this user may not see."""
    try:
        os.stat(path)
    except PermissionError:
        return False
    except OSError:
        return True
    return False


def _options(found: Dehydrated) -> Sequence[Option]:
    """Of the provider that dehydrated's configuration names, if it does."""
    with suppress(ConfigError):
        if name := found.settings.get("DNS01_PROVIDER"):
            return load_provider(name).options
    return ()


def _secrets_of_dehydrated(examined: Examined, found: Dehydrated) -> Iterator[Finding]:
    """Secrets that are exported from a file whose mode is usually 0644."""
    secrets = [variable for option in _options(found) if option.secret for variable in option.env]
    for path in found.files:
        if (text := read_text(path, examined.root)) is None:
            continue
        inside = [variable for variable in secrets if re.search(rf"^[^#]*\b{variable}=.", text, re.MULTILINE)]
        mode = stat.S_IMODE(os.stat(examined.path(path)).st_mode)
        if inside and mode & 0o077:
            yield Finding(
                "world-readable-secret",
                Severity.WARNING,
                path,
                f"{', '.join(inside)} stands in it, and others can read it (mode {mode:04o})",
                (f"chmod 600 {path}", f"or name a file of mode 600 in {inside[0]}_FILE instead"),
            )


def _not_exported(examined: Examined, found: Dehydrated) -> Iterator[Finding]:
    """What is set for the hook, and does not reach it: dehydrated runs it as a program of its own."""
    ours = {
        f"{variable}{end}" for option in _options(found) for variable in option.env for end in ("", "_FILE")
    }
    wanted = [name for name in found.settings if name in ours or name.startswith("DNS01_")]
    text = "\n".join(read_text(path, examined.root) or "" for path in found.files)
    given = variables_after(text, found.files[0], {}, examined.root)
    missing = [name for name in wanted if name not in given.exported]
    if missing and given.complete:
        path = found.origins.get(missing[0], found.files[0])
        reads_them = examined.settings.source == "the environment" or not examined.settings.accounts
        yield Finding(
            "not-exported",
            Severity.ERROR if reads_them else Severity.NOTE,
            path,
            f"it sets {', '.join(missing)}, and does not export that: the hook does not get to see it",
            (f"write in {path}: export {' '.join(missing)}",),
        )


def _another(examined: Examined, found: Dehydrated) -> Iterator[Finding]:
    """The file that the hook goes by, where this look goes by another."""
    file, source = found.settings.get("DNS01_CONFIG", ""), examined.settings.source
    if not file.startswith("/") or "$" in file or file == source:
        return
    path = found.origins.get("DNS01_CONFIG", found.files[0])
    if _is_missing(examined.path(file)):
        message = f"it has the hook go by {file}, and there is no such file: the hook finds no account"
        here = source if source.startswith("/") else DEFAULT_FILE
        step = f'write in {path}: export DNS01_CONFIG="{here}"'
        yield Finding("configuration-missing", Severity.ERROR, path, message, (step,))
    else:
        message = f"it has the hook go by {file}, and this look went by {source}"
        step = f"DNS01_CONFIG={file} dns01 doctor '{examined.domain}'"
        yield Finding("other-configuration", Severity.WARNING, path, message, (step,))
