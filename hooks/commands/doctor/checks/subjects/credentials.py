"""The settings of an account: where each was written, and secrets that cannot be what they look like."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ......errors import ConfigError
from ......options import Option, at
from ......providers import load as load_provider
from ......providers.base import Provider
from .....config.load import configuration_file, open_account
from .....config.secret_mistakes import DisguisedSecret, Mistake, mistake_in
from .....config.settings import Account, Settings
from ...finding import Finding, Severity


class Place(NamedTuple):
    """Where a setting was written, or has to be: as remedies call it, and the file that holds the value
    alone, if one does."""

    name: str
    file: str = ""


def place_of(settings: Settings, environ: Mapping[str, str], account: Account, option: Option) -> Place:
    """The variable, the key of the configuration's file, or the file that either of them names."""
    if settings.source == "the environment":
        for variable in option.env:
            if environ.get(variable):
                return Place(variable)
            if path := environ.get(f"{variable}_FILE"):
                return Place(f"{path} ({variable}_FILE)", path)
        return Place(option.env[0] if option.env else option.key)
    key = f"{option.key} in [account.{account.name}] of {settings.source}"
    with suppress(ConfigError):
        file = configuration_file(environ)
        match (file.sections("account") if file else {}).get(account.name, {}).get(option.key):
            case {"file": str(path)}:
                path = os.path.join(os.path.dirname(settings.source), path)
                return Place(f"{path} ({key})", path)
            case {"env": str(variable)}:
                return Place(f"{variable} ({key})")
    return Place(key)


def as_written(
    settings: Settings, environ: Mapping[str, str], accounts: Sequence[Account], finding: Finding
) -> Finding:
    """The finding with the places in which settings stand here, in the place of the variables by which
    providers call them. Of several accounts, it is about the one that it names."""
    named = [each for each in accounts if each.name == finding.subject or f" {each.name} " in finding.message]
    places: dict[str, dict[str, None]] = {}
    for account in named or accounts:
        for option in load_provider(account.provider).options:
            wanted = option.env[:1] if settings.source == "the environment" else option.env
            for variable in () if option.table else wanted:
                if any(re.search(rf"\b{variable}\b", step) for step in finding.remedy):
                    place = place_of(settings, environ, account, option)
                    places.setdefault(variable, {})[place.name] = None
    if not places:
        return finding
    known = re.compile(rf"\b({'|'.join(places)})\b")
    steps = (known.sub(lambda found: " or ".join(places[found[0]]), step) for step in finding.remedy)
    return finding._replace(remedy=tuple(steps))


def open_credible(account: Account) -> Provider:
    """The account's provider, unless a secret of it is disguised: nobody is asked with such a one.

    Raises ConfigError.
    """
    for option, mistake in _mistakes(account):
        with at(f"account {account.name}: {option.key}"):
            raise DisguisedSecret(f"the value {mistake.what}", mistake.remedy.format(option.key))
    return open_account(account)


def disguised(settings: Settings, environ: Mapping[str, str], account: Account) -> Iterator[Finding]:
    """The secrets of an account that an editor, a shell or a page has put something around."""
    for option, mistake in _mistakes(account):
        place = place_of(settings, environ, account, option)
        step = mistake.remedy.format(place.name)
        if place.file and mistake.sed:
            step = f"{step}: sed -i '{mistake.sed}' {place.file}"
        message = f"the secret {option.key} of the account {account.name} {mistake.what}"
        yield Finding("secret-disguised", Severity.ERROR, f"{account.name}.{option.key}", message, (step,))


def _mistakes(account: Account) -> Iterator[tuple[Option, Mistake]]:
    for option in load_provider(account.provider).options:
        if (
            option.secret
            and not option.table
            and (mistake := mistake_in(account.options.get(option.key, "")))
        ):
            yield option, mistake
