"""What is asked, or given as an option: client, provider and account, names, CA and mail address."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .... import output
from ....errors import ConfigError, UsageError
from ....names import canonical
from ....options import at
from ....providers import known_as, load
from ....providers import names as provider_names
from ...caa import issuers
from ...caa.issuers import PRESETS
from ...clients.challenge import owner_name
from ...config.load import DEFAULT_FILE
from ...config.settings import Settings
from . import account
from .bind import preparation
from .clients import Client, Order, dehydrated
from .clients.registry import CLIENTS, installed
from .found import Found, registry
from .questions import Questions, one_of, say

MOST_NAMES = 100  # in one certificate, as CAs have it
EXAMPLES = ("example.com", "example.net", "example.org")  # whose addresses public CAs refuse
RESERVED = ("alt", "example", "internal", "invalid", "local", "localhost", "onion", "test")  # RFC 6761
TEST = "-test"  # at the end of a CA's short name: its test directory


@dataclass(frozen=True)
class Options:
    """What was given on the command line; None or empty where nothing was."""

    domains: tuple[str, ...]
    client: str | None
    provider: str | None
    account: str | None
    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    source: str | None
    email: str | None
    ca: str | None
    staging: bool | None
    cli_ini: bool
    doctor: bool
    order: bool | None
    yes: bool
    bind: bool | None
    renewal: bool | None


def choose_client(questions: Questions, options: Options) -> Client:
    """The ACME client: the one that is installed, if it is the only one."""
    if options.client:
        with at("--client"):
            client = CLIENTS[one_of(options.client, list(CLIENTS))]
        if options.email is not None:  # before anything is asked
            word = options.ca or "letsencrypt"
            with at("--email"):
                _address(options.email, client, PRESETS.get(word, word))
        return client
    there = [client.name for client in installed()]
    default = there[0] if len(there) == 1 else None
    if default and not questions.asks:
        output.step(f"client: {default}, which is installed here")
    return CLIENTS[questions.choice("ACME client", "--client", list(CLIENTS), default)]


def choose_account(questions: Questions, options: Options, settings: Settings | None) -> account.Chosen:
    """The account: one that is configured, or one made of what is given, found and asked."""
    configured = settings.accounts if settings else {}
    found = _found(options, settings) + _with_a_new_key(questions, options, settings)
    provider = _provider(questions, options, settings, found)
    same = (name for name, each in configured.items() if _native(each.provider) == provider)
    name = options.account or next(same, provider)
    there = configured.get(name)
    if there and _native(there.provider) != provider:
        raise UsageError(
            f"init: the account {name} is at {there.provider}, not at {provider}",
            "give the new one another name, with --account",
        )
    if not account.ENTRY.fullmatch(name):
        raise UsageError(f"init: --account: {name!r} is no name", "give it letters, digits, _ and - alone")
    said = account.given(load(provider), options.settings, options.secrets)
    ours = [each for each in found if each.provider == provider]
    return account.choose(questions, provider, name, there, ours, said)


def choose_order(questions: Questions, options: Options, client: Client, file: str) -> Order:
    """The names, the CA, and the address for it. ``file``: dns01's own configuration."""
    ca, names = dehydrated.configured() if client is CLIENTS["dehydrated"] else ("", ())
    given = " ".join(options.domains)
    wanted = (
        _names(given)
        if given
        else questions.text("Names of the certificate", "DOMAIN", _names, " ".join(names) or None)
    )
    word = _ca(questions, options, ca)
    directory = PRESETS.get(word, word)
    email = _email(questions, options, client, directory)
    config = "" if file == DEFAULT_FILE else file
    return Order(wanted, directory, word, email, _hook(), config, options.cli_ini)


def _found(options: Options, settings: Settings | None) -> list[Found]:
    """Nothing is looked for where an account is configured, and no other is asked for."""
    if options.source:
        return registry.accounts_of(options.source)
    configured = settings.accounts if settings else {}
    if options.account in configured or (configured and not (options.provider or options.account)):
        return []
    return registry.accounts(os.environ)


def _with_a_new_key(questions: Questions, options: Options, settings: Settings | None) -> list[Found]:
    """The account of the BIND of this machine that has no key yet, where it may be given one."""
    wanted = options.bind is True or (options.bind is None and questions.asks)
    given = options.source or options.settings or options.secrets
    other = options.provider and _native(options.provider) != "rfc2136"
    if not wanted or given or other or (settings and not options.account):
        return []
    try:
        found = preparation.new_account(_names(" ".join(options.domains)) if options.domains else ())
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


def _names(answer: str) -> tuple[str, ...]:
    """The names, each fit for dns-01. Raises UsageError."""
    names = tuple(dict.fromkeys(map(canonical, re.sub(r"[,'\"]", " ", answer).split())))
    for name in names:
        owner_name(name)
        if "." not in name.removeprefix("*."):
            raise UsageError(
                f"{name!r} has no dot: no CA issues for it", "for example: example.org *.example.org"
            )
    if not names:
        raise UsageError("no name was given", "for example: example.org *.example.org")
    if len(names) > MOST_NAMES:
        raise UsageError(f"{len(names)} names are too many for one certificate", f"{MOST_NAMES} at most")
    return names


def _ca(questions: Questions, options: Options, before: str) -> str:
    """The CA's short name as dehydrated has it, or a URL. ``before``: what is configured."""
    said = options.ca or before or "letsencrypt"
    with at("--ca"):
        word = issuers.ca({url: word for word, url in PRESETS.items()}.get(said, said))
    word = word.replace("-staging", TEST)
    if word not in PRESETS and not word.startswith("https://"):
        raise UsageError(f"init: --ca: the directory of {word} is not known here", "give its URL")
    plain = word.removesuffix(TEST)
    if plain + TEST not in PRESETS:
        if options.staging:
            raise UsageError(
                f"init: --staging: {word} has no test directory", "give its URL, if it has, as --ca"
            )
        return word
    if options.staging is not None:
        return plain + TEST * options.staging
    if options.ca and word != plain:
        return word
    default = "production" if before and word == plain else "staging"
    if questions.asks:
        say("Staging certificates are for trying: no browser trusts them.")
    kind = questions.choice("Certificates", "--staging", ("staging", "production"), default)
    return plain + TEST * (kind == "staging")


def _address(address: str, client: Client, directory: str) -> str:
    """The mail address, or none where the client does without. Raises UsageError."""
    local, at_sign, domain = address.rpartition("@")
    if not address and not client.wants_email:
        return ""
    plain = address.isascii() and address.isprintable() and " " not in address and address[:1] != "-"
    if not address:
        raise UsageError(f"{client.name} wants an address", "for example: hostmaster@your-domain")
    if not (at_sign and local and "." in domain and plain):
        raise UsageError(f"{address!r} is no mail address", "for example: hostmaster@your-domain")
    domain = domain.lower()
    if directory in PRESETS.values() and (domain in EXAMPLES or domain.rpartition(".")[2] in RESERVED):
        raise UsageError(f"CAs take no address at {domain}", "give one that is read")
    return address


def _email(questions: Questions, options: Options, client: Client, directory: str) -> str:
    check = partial(_address, client=client, directory=directory)
    if options.email is not None:
        with at("--email"):
            return check(options.email)
    if (address := client.address()) is not None:
        output.step(f"e-mail: {address or 'none'}, as {client.name} has it (another: --email)")
        return address
    if client.wants_email:
        return questions.text("E-mail address for the CA", "--email", check)
    return questions.text("E-mail address for the CA (Enter: none)", "--email", check, "")


def _hook() -> str:
    """The path by which this program was called, whole."""
    called = shutil.which(sys.argv[0]) or sys.argv[0]
    if os.path.basename(called) == "__main__.py":
        called = os.path.join(os.path.dirname(sys.executable), "dns01")
    return os.path.abspath(called)
