"""The TOML file to Settings: its sections, and the keys in them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ...errors import ConfigError
from ...options import Option, at, check_known, text
from ...providers import load as load_provider
from ...trusted_file import read_trusted
from ..state.folder import state_dir
from . import validators
from .environment import for_all
from .options import complete, from_toml
from .settings import Account, Settings, ZoneRule
from .toml_syntax import explain
from .validators import TERMS, overrides, value_of

OWN = ("account", "zone", "resolvers", "doh", "readiness", "ca", "ca_account")
OF_OTHERS = ("audit", "certificate", "deploy", "fleet", "issue", "notify")  # who read their own sections


AT_THE_TOP = "at the top of the file, above the first line in brackets"
IN_ZONE = 'below [zone."…"]'
ELSEWHERE = {  # where a key belongs that stands in another section
    **dict.fromkeys(("ca", "ca_account", "resolvers", "doh"), AT_THE_TOP),
    **dict.fromkeys(("id", "nameservers", "cname", "account"), IN_ZONE),
    "readiness": f"{AT_THE_TOP}, or {IN_ZONE}",
    "provider": 'below [account.NAME], and here account = "NAME"',
}


class TomlFile:
    """The file at ``path``. All of these raise ConfigError, which names the section and the key."""

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ
        try:
            content, self._mode = read_trusted(path)
        except ConfigError as error:  # whoever reads it says which file it is
            raise ConfigError(str(error).replace(path, "it", 1), error.hint) from None
        except (OSError, ValueError) as error:  # ValueError: there is a null in the path
            why = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"it cannot be read: {why}", "DNS01_CONFIG names the file") from None
        try:
            self._data = tomllib.loads(content.decode())
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ConfigError(f"it is not TOML: line {line} is not UTF-8", "save it as UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise explain(content.decode(), error) from None

    def settings(self) -> Settings:
        """The settings that the file says, with every account and zone."""
        for key in self._data.keys() & {"provider", *TERMS}:
            where = "[account.own]" if key == "provider" else "[account.…] or [zone.…]"
            raise ConfigError(f"{key} at the top is nobody's", f"write it below {where}: {key} = …")
        check_known("key", self._data, (*OWN, *OF_OTHERS))
        accounts = {name: self._account(name, section) for name, section in self.sections("account").items()}
        if not accounts and not self.sections("deploy"):
            raise ConfigError("it has no account", 'write [account.web] and below it provider = "…"')
        settings = replace(
            for_all(self._environ, self._data),
            source=self.path,
            accounts=accounts,
            zones=self._zones(accounts),
        )
        for rule in settings.zones:
            settings.zone_id_for(rule.apex)
        return settings

    @property
    def without_account(self) -> bool:
        """Whether it leaves accounts to variables."""
        own = set(self._data) - {*OF_OTHERS}
        return bool(self._data) and (not own or (own == {"ca"} and isinstance(self._data["ca"], dict)))

    def table(self, name: str) -> object:
        """What stands in the file as ``[name]``; None where nothing does."""
        return self._data.get(name)

    def sections(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """The tables ``[kind.NAME]`` by name."""
        sections = self._data.get(kind, {})
        if not isinstance(sections, dict) or not all(isinstance(inner, dict) for inner in sections.values()):
            raise ConfigError(f"[{kind}] lacks the name that it is for", f'write [{kind}."NAME"]')
        return sections

    def _account(self, name: str, section: Mapping[str, Any]) -> Account:
        with at(f"[account.{name}]" if name.strip() else f'[account."{name}"]'):
            if not name.strip() or not name.isprintable():
                raise ConfigError("that is no name for an account", "write, for example, [account.web]")
            provider = value_of(section, "provider", text, "")
            if not provider:
                check_known(
                    "key", [key for key in section if get_close_matches(key, ["provider"])], ["provider"]
                )
                raise ConfigError("it has no provider", 'write provider = "…" below it')
            kind = load_provider(provider)
            variables = {variable: option.key for option in kind.options for variable in option.env}
            known = ("provider", *TERMS, *(option.key for option in kind.options))
            _check_place(section, known)
            check_known("key", section, known, variables)
            remedy = 'write {key} = "…", {{ file = "/path" }} or {{ env = "{variable}" }} below it'
            options = self.options(remedy, kind.options, section)
            return Account(name, provider, options, kind.profile._replace(**overrides(section)))

    def options(self, remedy: str, options: Sequence[Option], section: Mapping[str, Any]) -> dict[str, str]:
        """The options that a section gives, with their defaults and with what their files and
        variables hold. ``remedy``: the hint about one that is missing, with {key} and {variable}."""
        given: dict[str, str] = {}
        for option in options:
            if option.key in section:
                given |= self._given(option, section[option.key])
        return complete("it", options, given, state_dir(self._environ), remedy)

    def _given(self, option: Option, value: object) -> dict[str, str]:
        if not option.table:
            return {option.key: self.value(option.key, option, value)}
        if not isinstance(value, dict):
            raise ConfigError(
                f"{option.key}: it is no table", f'write {option.key} = {{ NAME = "…" }} below it'
            )
        keys = {f"{option.key}.{name}": entry for name, entry in value.items()}
        return {key: self.value(key, option, entry) for key, entry in keys.items()}

    def value(self, key: str, option: Option, value: object) -> str:
        """What ``value`` says for the option, or where it says that this stands; ``key``: for messages."""
        with at(key):
            if option.secret and not isinstance(value, dict) and self._mode & 0o077:
                raise ConfigError(
                    f"a secret stands in this file, which others can read (mode {self._mode:04o})",
                    f"chmod 600 {self.path}",
                )
            return from_toml(value, option, self._environ, os.path.dirname(self.path))

    def _zones(self, accounts: Mapping[str, Account]) -> list[ZoneRule]:
        rules: dict[str, ZoneRule] = {}
        for name, section in self.sections("zone").items():
            with at(f'[zone."{name}"]'):
                rule = _zone(name, section)
                check_known("account", rule.accounts, list(accounts))
                if rules.setdefault(rule.apex, rule) is not rule:
                    raise ConfigError(f"there is another section for {rule.apex}", "make one of the two")
        return list(rules.values())


def _check_place(section: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises ConfigError for a key that belongs to another place in the file."""
    for key in section:
        if key not in known and (place := ELSEWHERE.get(key)):
            raise ConfigError(f"{key} does not belong here", f"write it {place}")


def _zone(name: str, section: Mapping[str, Any]) -> ZoneRule:
    for key, value in section.items():
        if isinstance(value, dict):  # [zone.example.org] is org in example to TOML
            raise ConfigError(
                f"{key!r} is no key: a name with dots in it needs quotes", f'write [zone."{name}.{key}"]'
            )
    known = ("account", "id", "nameservers", "readiness", "cname", *TERMS)
    _check_place(section, known)
    check_known("key", section, known, {"zone_id": "id"})  # as the certificates of an inventory have it
    return ZoneRule(
        apex=validators.apex(name),
        accounts=value_of(section, "account", validators.account_names, ()),
        id=value_of(section, "id", text, ""),
        nameservers=value_of(section, "nameservers", validators.addresses, ()),
        readiness=value_of(section, "readiness", validators.readiness, None),
        cname=value_of(section, "cname", validators.cname_rule, None),
        overrides=overrides(section),
    )
