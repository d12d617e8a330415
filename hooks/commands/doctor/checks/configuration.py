"""The configuration: is it right, does anybody else get to read the secrets, who serves the name."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress

from .....errors import ConfigError, DelegationError
from .....names import is_within
from .....providers import load as load_provider
from ....clients.dehydrated import read_config, read_text
from ....config.load import DEFAULT_FILE, load_settings, unconfigured
from ....config.settings import Account, Settings
from ....deploy.section import load_deployments
from ..finding import Examined, Finding, Severity
from ._destination import followed


def load(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """The settings; where they are missing or wrong, those of nobody, and what is the matter."""
    try:
        settings = load_settings(environ)
        load_deployments(environ)
    except ConfigError as error:
        return _of_nobody(environ), [_wrong(error, environ)]
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
    yield from _secrets_of_dehydrated(examined)


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
        if disguised := list(_disguised_secrets(account)):
            yield from disguised
            continue
        try:
            examined.places.accounts.provider(account)
        except ConfigError as error:
            yield _wrong(error, examined.environ)


def _disguised_secrets(account: Account) -> Iterator[Finding]:
    """Secrets that an editor or a shell has put something around."""
    for option in load_provider(account.provider).options:
        value = account.options.get(option.key, "")
        if not option.secret or not value:
            continue
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        what = "a byte order mark (U+FEFF)" if value.startswith("\ufeff") else "quotes" if quoted else ""
        if what:
            yield Finding(
                "secret-disguised",
                Severity.ERROR,
                f"{account.name}.{option.key}",
                f"the secret {option.key} of the account {account.name} has {what} around it, which "
                "the provider takes for a part of it",
                (
                    f"write it without {what}, and nothing else into its file: "
                    "sed -i '1s/^\\xEF\\xBB\\xBF//' FILE takes a byte order mark away",
                    f"its variable is {option.env[0]}, or {option.env[0]}_FILE with the file's path"
                    if option.env
                    else "",
                ),
            )


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
    return Finding(
        "no-configuration" if nothing else "bad-configuration",
        Severity.ERROR,
        "the environment" if provider or not source else source,
        str(error),
        (error.hint, "dns01 config check"),
    )


def _is_missing(path: str) -> bool:
    """Whether there is no such file, rather than one that this user may not see."""
    try:
        os.stat(path)
    except PermissionError:
        return False
    except OSError:
        return True
    return False


def _secrets_of_dehydrated(examined: Examined) -> Iterator[Finding]:
    """Secrets that are exported from a file whose mode is usually 0644."""
    found = read_config(examined.environ, examined.root)
    if found is None or not (name := found.settings.get("DNS01_PROVIDER")):
        return
    try:
        options = load_provider(name).options
    except ConfigError:
        return
    secrets = [variable for option in options if option.secret for variable in option.env]
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
