"""What is asked, or given as an option: client, names, provider and account."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..... import output
from .....errors import ConfigError, UsageError
from .....names import canonical
from .....options import at
from .....providers import known_as, load
from .....providers import names as provider_names
from ....clients.challenge import owner_name
from ....clients.setup import acme_sh
from ....config.settings import Settings
from ..bind import preparation
from ..clients import ClientSetup
from ..clients.registry import CLIENTS, NO_HOOK, called, installed
from ..found import Found, registry
from ..options import Options
from ..written.configuration import Chosen
from . import account, ca
from .questions import Questions, say

MOST_NAMES = 100  # in one certificate, as CAs have it
SEPARATORS = r"[,;'\"\u2018\u2019\u201c-\u201e]"  # between names, with quotes as word processors write them


def check(options: Options) -> None:
    """Nothing, where each option is right as far as it can be told without the others. Raises UsageError,
    ConfigError: before anything is asked."""
    if options.client:
        _given_client(options.client)
    if options.provider:
        with at("--provider"):
            _native(options.provider)
    if options.domains:
        names_in(" ".join(options.domains))
    ca.check(options)


def choose_client(questions: Questions, options: Options) -> ClientSetup:
    """The ACME client: the one that is installed, if it is the only one."""
    if options.client:
        return _given_client(options.client)
    present = [client.name for client in installed()]
    default = present[0] if len(present) == 1 else None
    if default and not questions.asks:
        output.step(f"client: {default}, which is installed here")
    for folder in acme_sh.folders(os.environ)[:1]:
        say(f"Found: acme.sh, in {folder}, which calls no hook: {NO_HOOK}")
    return CLIENTS[questions.choice("ACME client", "--client", list(CLIENTS), default, called)]


def choose_names(questions: Questions, options: Options, client: ClientSetup) -> tuple[str, ...]:
    """The names of the certificate."""
    if options.domains:
        return names_in(" ".join(options.domains))
    _, names = ca.of_dehydrated(client)
    return questions.text("Names of the certificate", "DOMAIN", names_in, " ".join(names) or None)


def choose_account(
    questions: Questions, options: Options, settings: Settings | None, names: Sequence[str]
) -> Chosen:
    """The account: one that is configured, or one made of what is given, found and asked."""
    configured = settings.accounts if settings else {}
    found = _found(options, settings) + _with_a_new_key(questions, options, settings, names)
    provider = _provider(questions, options, settings, found)
    same = (name for name, each in configured.items() if _native(each.provider) == provider)
    name = options.account or next(same, provider)
    present = configured.get(name)
    if present and _native(present.provider) != provider:
        raise UsageError(
            f"init: the account {name} is at {present.provider}, not at {provider}",
            "give the new one another name, with --account",
        )
    if not account.ENTRY.fullmatch(name):
        raise UsageError(f"init: --account: {name!r} is no name", "give it letters, digits, _ and - alone")
    written = account.given(load(provider), options.settings, options.secrets)
    is_wanted = options.source or not present  # what is configured goes before what is found besides
    ours = [each for each in found if is_wanted and each.provider == provider]
    return account.choose(questions, provider, name, present, ours, written)


def _given_client(name: str) -> ClientSetup:
    with at("--client"):
        return CLIENTS[called(name)]


def _found(options: Options, settings: Settings | None) -> list[Found]:
    """Nothing is looked for where an account is configured, and no other is asked for."""
    if options.source:
        return registry.accounts_of(options.source)
    configured = settings.accounts if settings else {}
    if options.account in configured or (configured and not (options.provider or options.account)):
        return []
    return registry.accounts(os.environ)


def _with_a_new_key(
    questions: Questions, options: Options, settings: Settings | None, names: Sequence[str]
) -> list[Found]:
    """The account of the BIND of this machine that has no key yet, where it may be given one."""
    wanted = options.bind is True or (options.bind is None and questions.asks)
    given = options.source or options.settings or options.secrets
    other = options.provider and _native(options.provider) != "rfc2136"
    if not wanted or given or other or (settings and not options.account):
        return []
    try:
        found = preparation.new_account(names)
    except ConfigError:
        if options.bind:
            raise
        return []
    return registry.hidden(found)


def _provider(
    questions: Questions, options: Options, settings: Settings | None, found: Sequence[Found]
) -> str:
    configured = settings.accounts if settings else {}
    if options.provider:
        with at("--provider"):
            return _native(options.provider)
    if options.account and options.account in configured:
        return _native(configured[options.account].provider)
    likely = [_native(each.provider) for each in configured.values()]
    if len(set(likely)) == 1 and not (found or options.account):
        output.step(f"provider: {likely[0]}, which is configured (another: --provider)")
        return likely[0]
    likely += [each.provider for each in found if each.is_ours] or [each.provider for each in found]
    for each in found if questions.asks else ():
        if each.is_new:
            say(f"Found: the BIND of this machine (rfc2136); {each.source} will be its key for us")
        else:
            say(f"Found: credentials for {each.provider}, in {each.source}")
    if questions.asks:
        say("By its name, or bind, aws, cf …; `dns01 providers` lists all:")
    only = likely[0] if len(set(likely)) == 1 else None
    return questions.text("DNS provider", "--provider", _listed, only)


def _listed(name: str) -> str:
    """The same; whoever is asked has been told already where all of them are listed."""
    try:
        return _native(name)
    except ConfigError as error:
        raise ConfigError(str(error) if name else "nothing was chosen") from None


def _native(name: str) -> str:
    """What the provider is called here, whatever others call it. Raises ConfigError."""
    load(name)
    return name if name in provider_names() else known_as(name) or name


def names_in(answer: str) -> tuple[str, ...]:
    """The names, each fit for dns-01. Raises UsageError."""
    words = re.sub(SEPARATORS, " ", answer).split()
    for word in words:
        owner_name(word)  # says what is wrong with it
        if "." not in canonical(word).removeprefix("*."):
            raise UsageError(
                f"{word!r} has no dot: no CA issues for it", "for example: example.org *.example.org"
            )
    names = tuple(dict.fromkeys(map(canonical, words)))
    if not names:
        raise UsageError("no name was given", "for example: example.org *.example.org")
    if len(names) > MOST_NAMES:
        raise UsageError(f"{len(names)} names are too many for one certificate", f"{MOST_NAMES} at most")
    return names
