"""Environment and TOML file to Settings: which account serves which zone, and on what terms.

One account needs no file: DNS01_PROVIDER and the provider's own variables. Several have a section
each in $DNS01_CONFIG, or else in /etc/dns01/config.toml. An error names the file or the variable,
the section and the key, and says what would be right.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from ..errors import ConfigError
from ..providers import load as load_provider
from ..providers.base import Host, Option, Provider
from ..secret import hide, hide_setting
from . import authority, values
from .deployments import Deployment
from .deployments import read as read_deployments
from .question import Address, reachable
from .receivers import Receivers
from .receivers import read as read_receivers
from .say import warning
from .settings import Account, Settings, ZoneRule
from .state import state_dir
from .values import TERMS, at, check_known

T = TypeVar("T")
D = TypeVar("D")

DEFAULT_FILE = "/etc/dns01/config.toml"
OWN_VARIABLES = [
    f"DNS01_{word}"
    for word in (
        *("PROVIDER", "CONFIG", "NAMESERVERS", "RESOLVERS", "DOH", "READINESS", "CA", "CA_ACCOUNT"),
        *("STATE_DIR", "DEBUG"),
    )
]
RIVALS = ("DNS01_PROVIDER", "DNS01_NAMESERVERS", *(f"DNS01_{term.upper()}" for term in TERMS))  # of a file
PUBLIC_RESOLVERS = tuple(map(Address, ("1.1.1.1", "8.8.8.8", "9.9.9.9")))
PUBLIC_RESOLVERS_6 = tuple(map(Address, ("2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe")))
# By address, for where no name can be looked up. (Quad9's speaks HTTP/2 alone.)
PUBLIC_DOH = ("https://1.1.1.1/dns-query", "https://8.8.8.8/dns-query")
PUBLIC_DOH_6 = ("https://[2606:4700:4700::1111]/dns-query", "https://[2001:4860:4860::8888]/dns-query")


def load(environ: Mapping[str, str]) -> Settings:
    """Read what is configured; every secret in it is hidden from then on. Raises ConfigError.

    Where there is a file, and DNS01_PROVIDER as well (or another variable that stands for a key of
    an account or a zone), neither wins: a guess could publish with credentials that nobody meant,
    and a setting that is silently ignored is the hardest to find. A file with nothing but [deploy]
    and [notify] goes together with the variables of an account. An empty DNS01_CONFIG leaves
    /etc/dns01/config.toml aside. DNS01_RESOLVERS, DNS01_DOH, DNS01_READINESS, DNS01_CA and
    DNS01_CA_ACCOUNT go before the file's own.
    """
    path = _path(environ)
    if not path:
        return _from_variables(environ)
    with at(path):
        file = _File(path, environ)
        if file.without_account and environ.get("DNS01_PROVIDER"):
            return replace(_from_variables(environ), deployments=file.deployments())
    if rivals := [variable for variable in RIVALS if environ.get(variable)]:
        raise ConfigError(
            f"there are both {' and '.join(rivals)} and the file {path}: either could be meant",
            f"unset {' '.join(rivals)}, or export DNS01_CONFIG= (empty) to leave the file aside",
        )
    with at(path):
        return file.settings()


def deployments(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """The targets of certificates alone: a machine may have them without any account, and a call
    by hand without the variables of one. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return ()
    with at(path):
        return _File(path, environ).deployments()


def outline(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """The same for whoever may not read their secrets, and brings nothing there. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return ()
    with at(path):
        return _File(path, environ).outline()


def receivers(environ: Mapping[str, str]) -> Receivers | None:
    """Who is notified of what; None where nobody is. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return None
    with at(path):
        return _File(path, environ).receivers()


def _path(environ: Mapping[str, str]) -> str:
    return environ.get("DNS01_CONFIG", DEFAULT_FILE if os.path.exists(DEFAULT_FILE) else "")


def unconfigured(environ: Mapping[str, str]) -> Settings:
    """The settings of somebody without any account: enough to look at the DNS by.

    Raises ConfigError for the resolvers.
    """
    return Settings(
        state=state_dir(environ),
        source="the environment",
        accounts={},
        zones=(),
        resolvers=_said(environ, "DNS01_RESOLVERS", values.listed, _public_resolvers()),
        readiness=None,
        doh=_doh(environ, _public_doh()),
    )


def open_account(account: Account) -> Provider:
    """The account's provider, with its options; what is dubious about them is said.

    Raises ConfigError.
    """
    with at(f"account {account.name}"):
        provider = load_provider(account.provider)(account.options)
    if isinstance(provider, Host):
        provider.account = account.name
    for doubt in getattr(provider, "warnings", ()):
        warning(f"account {account.name}: {doubt}")
    return provider


def _doh(environ: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    """An empty DNS01_DOH is an empty list: none is asked."""
    if "DNS01_DOH" not in environ:
        return default
    with at("DNS01_DOH"):
        return values.endpoints(environ["DNS01_DOH"].replace(",", " ").split())


def _public_doh() -> tuple[str, ...]:
    return PUBLIC_DOH_6 if _public_resolvers() is PUBLIC_RESOLVERS_6 else PUBLIC_DOH


def _public_resolvers() -> tuple[Address, ...]:
    """Those of the address family that this machine has a route for."""
    only_ipv6 = any(map(reachable, PUBLIC_RESOLVERS_6)) and not any(map(reachable, PUBLIC_RESOLVERS))
    return PUBLIC_RESOLVERS_6 if only_ipv6 else PUBLIC_RESOLVERS


def _from_variables(environ: Mapping[str, str]) -> Settings:
    name = environ.get("DNS01_PROVIDER")
    if not name:
        raise ConfigError(
            "no DNS provider is configured",
            f"write {DEFAULT_FILE}, or export in the client's configuration, for example:\n"
            "        export DNS01_PROVIDER=rfc2136\n"
            "        export RFC2136_NAMESERVER=192.0.2.53\n"
            "      (by hand, lend it what dehydrated has: bash -c '. /etc/dehydrated/config; dns01 sweep')",
        )
    with at("DNS01_PROVIDER"):
        kind = load_provider(name)
    _warn_of_slips(environ, kind)
    single = [option for option in kind.options if not option.table]
    given = {option.key: values.from_variables(option, environ) for option in single}
    for table in (option for option in kind.options if option.table):
        given |= values.entries_from_variables(table, environ, given)
    remedy = "export {variable}=…, or {variable}_FILE=/path/of/a/file that holds it"
    options = _complete(f"the account {name}", kind.options, given, state_dir(environ), remedy)
    terms = {name: values.number(environ[name]) for name in map(_variable, TERMS) if name in environ}
    profile = kind.profile._replace(**_overrides(terms, _variable))
    return Settings(
        state=state_dir(environ),
        source="the environment",
        accounts={name: Account(name, name, options, profile)},
        zones=(),
        resolvers=_said(environ, "DNS01_RESOLVERS", values.listed, _public_resolvers()),
        readiness=_said(environ, "DNS01_READINESS", values.readiness, None),
        doh=_doh(environ, _public_doh()),
        nameservers=_said(environ, "DNS01_NAMESERVERS", values.listed, ()),
        ca=_said(environ, "DNS01_CA", authority.ca, ""),
        ca_account=_said(environ, "DNS01_CA_ACCOUNT", authority.account_uri, ""),
    )


def _warn_of_slips(environ: Mapping[str, str], kind: type[Provider]) -> None:
    """A variable that is nearly one of ours was meant to be it, and says nothing as it is."""
    plain = [variable for option in kind.options for variable in option.env if "*" not in variable]
    known = [*OWN_VARIABLES, *map(_variable, TERMS), *plain, *(f"{variable}_FILE" for variable in plain)]
    beginnings = tuple({f"{variable.partition('_')[0]}_" for variable in known})
    tables = tuple(
        variable.partition("*")[0].partition("{")[0] for o in kind.options if o.table for variable in o.env
    )
    for variable in environ:
        if variable.startswith(beginnings) and variable not in known and not variable.startswith(tables):
            for near in get_close_matches(variable, known, 1, 0.85):
                warning(f"{variable} is set, and means nothing here: did you mean {near}?")


class _File:
    """The TOML file: its sections, and the keys in them."""

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        try:
            with open(path, "rb") as file:
                self._mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                self._data = tomllib.load(file)
        except OSError as error:
            raise ConfigError(
                f"it cannot be read: {error.strerror}", "DNS01_CONFIG names the file"
            ) from error
        except ValueError as error:  # tomllib's own, and UnicodeDecodeError
            raise ConfigError(f"it is not TOML: {error}", "the format: https://toml.io") from None

    def settings(self) -> Settings:
        keys = ("account", "zone", "deploy", "notify", "resolvers", "doh", "readiness", "ca", "ca_account")
        check_known("key", self._data, keys)
        accounts = {name: self._account(name, section) for name, section in self._sections("account")}
        deployments = self.deployments()
        if not accounts and not deployments:
            raise ConfigError("it has no account", 'write [account.web] and below it provider = "…"')
        resolvers = _said(self._data, "resolvers", values.addresses, _public_resolvers())
        readiness = _said(self._data, "readiness", values.readiness, None)
        ca = _said(self._data, "ca", authority.ca, "")
        account = _said(self._data, "ca_account", authority.account_uri, "")
        return Settings(
            state=state_dir(self._environ),
            source=self._path,
            accounts=accounts,
            zones=self._zones(accounts),
            resolvers=_said(self._environ, "DNS01_RESOLVERS", values.listed, resolvers),
            readiness=_said(self._environ, "DNS01_READINESS", values.readiness, readiness),
            ca=_said(self._environ, "DNS01_CA", authority.ca, ca),
            ca_account=_said(self._environ, "DNS01_CA_ACCOUNT", authority.account_uri, account),
            doh=_doh(self._environ, _said(self._data, "doh", values.endpoints, _public_doh())),
            deployments=deployments,
        )

    def deployments(self) -> tuple[Deployment, ...]:
        remedy = "write {key} = … below it"
        return read_deployments(dict(self._sections("deploy")), partial(self._options, remedy))

    def outline(self) -> tuple[Deployment, ...]:
        return read_deployments(dict(self._sections("deploy")), _in_the_clear)

    def receivers(self) -> Receivers | None:
        table = self._data.get("notify")
        if table is None:
            return None
        url = Option("url", (), "the URL of a service that Apprise knows", secret=True)
        with at("[notify]"):
            return read_receivers(table, lambda place, value: self._value(place, url, value))

    @property
    def without_account(self) -> bool:
        return bool(self._data) and set(self._data) <= {"deploy", "notify"}

    def _sections(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        sections = self._data.get(kind, {})
        if not isinstance(sections, dict) or not all(isinstance(inner, dict) for inner in sections.values()):
            raise ConfigError(f"[{kind}] lacks the name that it is for", f'write [{kind}."NAME"]')
        return list(sections.items())

    def _account(self, name: str, section: Mapping[str, Any]) -> Account:
        with at(f"[account.{name}]"):
            provider = _said(section, "provider", values.text, "")
            if not provider:
                check_known(
                    "key", [key for key in section if get_close_matches(key, ["provider"])], ["provider"]
                )
                raise ConfigError("it has no provider", 'write provider = "…" below it')
            kind = load_provider(provider)
            check_known("key", section, ("provider", *TERMS, *(option.key for option in kind.options)))
            remedy = 'write {key} = "…", {{ file = "/path" }} or {{ env = "{variable}" }} below it'
            options = self._options(remedy, kind.options, section)
            return Account(name, provider, options, kind.profile._replace(**_overrides(section, str)))

    def _options(self, remedy: str, options: Sequence[Option], section: Mapping[str, Any]) -> dict[str, str]:
        given: dict[str, str] = {}
        for option in options:
            if option.key in section:
                given |= self._given(option, section[option.key])
        return _complete("it", options, given, state_dir(self._environ), remedy)

    def _given(self, option: Option, value: object) -> dict[str, str]:
        if not option.table:
            return {option.key: self._value(option.key, option, value)}
        if not isinstance(value, dict):
            raise ConfigError(
                f"{option.key}: it is no table", f'write {option.key} = {{ NAME = "…" }} below it'
            )
        keys = {f"{option.key}.{name}": entry for name, entry in value.items()}
        return {key: self._value(key, option, entry) for key, entry in keys.items()}

    def _value(self, key: str, option: Option, value: object) -> str:
        with at(key):
            if option.secret and not isinstance(value, dict) and self._mode & 0o077:
                raise ConfigError(
                    f"a secret stands in this file, which others can read (mode {self._mode:04o})",
                    f"chmod 600 {self._path}",
                )
            return values.from_toml(value, option, self._environ, os.path.dirname(self._path))

    def _zones(self, accounts: Mapping[str, Account]) -> list[ZoneRule]:
        rules: dict[str, ZoneRule] = {}
        for name, section in self._sections("zone"):
            with at(f'[zone."{name}"]'):
                rule = _zone(name, section)
                check_known("account", [rule.account] if rule.account else [], list(accounts))
                if rules.setdefault(rule.apex, rule) is not rule:
                    raise ConfigError(f"there is another section for {rule.apex}", "make one of the two")
        return list(rules.values())


def _in_the_clear(options: Sequence[Option], table: Mapping[str, Any]) -> dict[str, str]:
    """What a target's table says of those options that are no secrets."""
    said = {option.key: table.get(option.key) for option in options if not option.secret}
    return {key: value for key, value in said.items() if isinstance(value, str)}


def _zone(name: str, section: Mapping[str, Any]) -> ZoneRule:
    for key, value in section.items():
        if isinstance(value, dict):  # [zone.example.org] is org in example to TOML
            raise ConfigError(
                f"{key!r} is no key: a name with dots in it needs quotes", f'write [zone."{name}.{key}"]'
            )
    check_known("key", section, ("account", "id", "nameservers", "readiness", *TERMS))
    return ZoneRule(
        apex=values.apex(name),
        account=_said(section, "account", values.text, ""),
        id=_said(section, "id", values.text, ""),
        nameservers=_said(section, "nameservers", values.addresses, ()),
        readiness=_said(section, "readiness", values.readiness, None),
        overrides=_overrides(section, str),
    )


def _said(table: Mapping[str, Any], key: str, read: Callable[[Any], T], default: D) -> T | D:
    """What the table says for the key; an empty string says nothing."""
    if table.get(key, "") == "":
        return default
    with at(key):
        return read(table[key])


def _overrides(table: Mapping[str, Any], called: Callable[[str], str]) -> dict[str, Any]:
    """What the table says of TERMS; ``called``: what a term's key is there."""
    said = {key: _said(table, called(key), partial(values.term, key), None) for key in TERMS}
    return {key: value for key, value in said.items() if value is not None}


def _variable(term: str) -> str:
    return f"DNS01_{term.upper()}"


def _complete(
    whose: str, known: Sequence[Option], given: Mapping[str, str], state: str, remedy: str
) -> dict[str, str]:
    """The options with their defaults; the secrets among them are hidden."""
    options = {}
    for option in known:
        key, variable = option.key, (*option.env, "")[0]
        if value := given.get(key) or option.default.replace("{state}", state):
            options[key] = value
            if option.secret:
                hide(value)
        elif option.required:
            called = f"{key} ({variable})" if variable else key
            raise ConfigError(
                f"{whose} lacks {called}: {option.help}", remedy.format(key=key, variable=variable)
            )
    secret_tables = tuple(f"{option.key}." for option in known if option.table and option.secret)
    for key in given.keys() - {option.key for option in known}:  # entries of a table
        options[key] = given[key]
        if key.startswith(secret_tables):
            hide_setting(key, given[key])
    return options
