"""The environment to Settings: one account, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ...errors import ConfigError
from ...options import at
from ...output import warning
from ...providers import known_as
from ...providers import load as load_provider
from ...providers.base import LeavesUnread, Provider, WantsKeys
from ..caa import issuers
from ..dns.address import Address, reachable
from ..state.folder import state_dir
from . import options, validators
from .settings import Account, Settings
from .validators import TERMS, value_of

PUBLIC_RESOLVERS = tuple(map(Address, ("1.1.1.1", "8.8.8.8", "9.9.9.9")))
PUBLIC_RESOLVERS_6 = tuple(map(Address, ("2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe")))
# By address, for where no name can be looked up. (Quad9's speaks HTTP/2 alone.)
PUBLIC_DOH = ("https://1.1.1.1/dns-query", "https://8.8.8.8/dns-query")
PUBLIC_DOH_6 = ("https://[2606:4700:4700::1111]/dns-query", "https://[2001:4860:4860::8888]/dns-query")


# Of other programs' variables: those that are about how to wait, and those that may be about who one is.
BEHAVIOUR = "TTL|TIMEOUT|INTERVAL|PROPAGATION|RETRIES|DEBUG"
CREDENTIAL = (
    "TOKEN|KEY|SECRET|PASS|PW$|PAT$|USER|LOGIN|ID$|MAIL|APP|SERVER|URL|ACCOUNT|CREDENTIAL|AUTH|CUSTOMER"
)


def variable(term: str) -> str:
    """The variable for a key of TERMS."""
    return f"DNS01_{term.upper()}"


OF_ACCOUNTS = ("DNS01_PROVIDER", "DNS01_NAMESERVERS", *map(variable, TERMS))  # or of zones
OF_ALL = tuple(
    f"DNS01_{word}"
    for word in ("CONFIG", "RESOLVERS", "DOH", "READINESS", "CA", "CA_ACCOUNT", "STATE_DIR", "DEBUG")
)


def account_of_variables(environ: Mapping[str, str], file: str) -> Settings:
    """The settings with the one account that variables describe. ``file``: where others would be.

    Raises ConfigError.
    """
    name = environ.get("DNS01_PROVIDER")
    if not name:
        raise _unconfigured(environ, file)
    with at("DNS01_PROVIDER"):
        kind = load_provider(name)
    single = [option for option in kind.options if not option.table]
    given = {option.key: options.from_variables(option, environ) for option in single}
    warned = _warn_of_slips(environ, kind)
    if _lacks_something(kind, given):
        _warn_of_strangers(environ.keys() - warned, kind)
    for table in (option for option in kind.options if option.table):
        given |= options.entries_from_variables(table, environ, given)
    remedy = "export {variable}=…, or {variable}_FILE=/path/of/a/file that holds it"
    complete = options.complete(f"the account {name}", kind.options, given, state_dir(environ), remedy)
    terms = {term: validators.number(environ[term]) for term in map(variable, TERMS) if term in environ}
    profile = kind.profile._replace(**validators.overrides(terms, variable))
    return replace(
        for_all(environ),
        accounts={name: Account(name, name, complete, profile)},
        nameservers=value_of(environ, "DNS01_NAMESERVERS", validators.listed, ()),
    )


def _unconfigured(environ: Mapping[str, str], file: str) -> ConfigError:
    """The error about no account at all, with what this client needs to have one."""
    message = "no DNS provider is configured"
    if "CERTBOT_DOMAIN" in environ:
        return ConfigError(
            message,
            f"certbot keeps no variables for renewals: write {file} (chmod 600), for example:\n"
            "        [account.own]\n"
            '        provider = "rfc2136"\n'
            '        nameserver = "192.0.2.53"\n'
            '        tsig_file = "/etc/dns01/tsig.key"',
        )
    return ConfigError(
        message,
        f"run `dns01 init`, write {file}, or export in the client's configuration, for example:\n"
        "        export DNS01_PROVIDER=rfc2136\n"
        "        export RFC2136_NAMESERVER=192.0.2.53\n"
        "      (by hand, lend it what dehydrated has: bash -c '. /etc/dehydrated/config; dns01 …')",
    )


def for_all(environ: Mapping[str, str], file: Mapping[str, Any] = MappingProxyType({})) -> Settings:
    """What holds for every account, by the variables or else by the file's own keys; no account.

    Raises ConfigError.
    """
    resolvers = value_of(file, "resolvers", validators.addresses, _public_resolvers())
    readiness = value_of(file, "readiness", validators.readiness, None)
    ca = value_of(file, "ca", _ca, "")
    ca_account = value_of(file, "ca_account", issuers.account_uri, "")
    return Settings(
        state=state_dir(environ),
        source="the environment",
        accounts={},
        zones=(),
        resolvers=value_of(environ, "DNS01_RESOLVERS", validators.listed, resolvers),
        readiness=value_of(environ, "DNS01_READINESS", validators.readiness, readiness),
        doh=_doh(environ, value_of(file, "doh", validators.endpoints, _public_doh())),
        ca=value_of(environ, "DNS01_CA", issuers.ca, ca),
        ca_account=value_of(environ, "DNS01_CA_ACCOUNT", issuers.account_uri, ca_account),
    )


def _ca(value: object) -> str:
    """The CA by a word, or by the table of whoever orders from it."""
    return (
        issuers.ca(value["directory"])
        if isinstance(value, dict) and "directory" in value
        else issuers.ca(value)
    )


def _doh(environ: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    """An empty DNS01_DOH is an empty list: none is asked."""
    if "DNS01_DOH" not in environ:
        return default
    with at("DNS01_DOH"):
        return validators.endpoints(environ["DNS01_DOH"].replace(",", " ").split())


def _public_doh() -> tuple[str, ...]:
    return PUBLIC_DOH_6 if _public_resolvers() is PUBLIC_RESOLVERS_6 else PUBLIC_DOH


def _public_resolvers() -> tuple[Address, ...]:
    """Those of the address family that this machine has a route for."""
    only_ipv6 = any(map(reachable, PUBLIC_RESOLVERS_6)) and not any(map(reachable, PUBLIC_RESOLVERS))
    return PUBLIC_RESOLVERS_6 if only_ipv6 else PUBLIC_RESOLVERS


def _known_variables(kind: type[Provider]) -> list[str]:
    """Those that the provider has a meaning for."""
    plain = [name for option in kind.options for name in option.env if "*" not in name]
    return [*plain, *(f"{name}_FILE" for name in plain)]


def _warn_of_slips(environ: Mapping[str, str], kind: type[Provider]) -> set[str]:
    """A variable that is nearly one of ours was meant to be it, and says nothing as it is. Gives those that
    were warned of."""
    known = [*OF_ALL, *OF_ACCOUNTS, *_known_variables(kind)]
    beginnings = tuple({f"{name.partition('_')[0]}_" for name in known})
    tables = tuple(
        name.partition("*")[0].partition("{")[0] for o in kind.options if o.table for name in o.env
    )
    warned = set()
    for name in environ:
        if name.startswith(beginnings) and name not in known and not name.startswith(tables):
            from difflib import get_close_matches  # which most environments can do without

            for near in get_close_matches(name, known, 1, 0.85):
                warning(f"{name} is set, and means nothing here: did you mean {near}?")
                warned.add(name)
    unread: Mapping[str, str] = kind.unread if isinstance(kind, LeavesUnread) else {}
    for name, instead in unread.items():
        if environ.get(name):
            warning(f"{name} is set, and means nothing here: {instead}")
            warned.add(name)
    return warned


def _lacks_something(kind: type[Provider], given: Mapping[str, str]) -> bool:
    """Whether what is required is not all there, or no secret is, where there has to be one."""
    secrets = [option.key for option in kind.options if option.secret]
    is_keyless = not isinstance(kind, WantsKeys) or kind.keyless
    return any(option.required and not given.get(option.key) for option in kind.options) or not (
        is_keyless or any(map(given.get, secrets))
    )


def _warn_of_strangers(names: Iterable[str], kind: type[Provider]) -> None:
    """Where something is lacking, a variable with a name like the provider's may be meant to be it: other
    programs call theirs otherwise."""
    import re

    known = _known_variables(kind)
    own = {name.partition("_")[0].upper() for name in known}
    wanted = dict.fromkeys(o.env[0] for o in kind.options if (o.secret or o.required) and o.env)
    module = kind.__module__.rpartition(".")[2]
    for name in sorted(names):
        word = name.partition("_")[0]
        if name in known or re.search(BEHAVIOUR, name.upper()) or not re.search(CREDENTIAL, name.upper()):
            continue
        as_module = name.replace("_", "").lower().startswith(module)
        if word.upper() in own or as_module or known_as(word) == module:
            warning(f"{name} is set, and means nothing here: {module} reads {', '.join(wanted)}")
