"""Which certificates are to be had: tables of the configuration, and the rows of an inventory.

A row that makes no sense is rejected with its place and its reason, and costs the others nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ....errors import ConfigError, UsageError
from ....names import canonical
from ....options import at, check_known, text
from ...clients.challenge import owner_name
from ...config.validators import account_names, apex, value_of
from ..section import IssueSection, KeyType, flag, key_type
from .rows import InventoryRow, rows_of_command, rows_of_file

RowsOf = Callable[[IssueSection, Mapping[str, str]], list[InventoryRow]]

KEYS = ("names", "zone", "zone_id", "account", "profile", "key", "reuse_key", "csr")
LONGEST_MESSAGE = 500  # characters of why a row is left out
MOST_NAMES = 100  # of one certificate, at every CA that says how many it takes
MOST_ENTRIES = 10 * MOST_NAMES  # that are looked at: some may be there twice
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")  # that of a folder as well


class WantedCertificate(NamedTuple):
    """One certificate. ``name``: what its folder and its ``[deploy]`` sections are called; ``names``:
    the DNS identifiers, ``*.`` included. Words are empty, and ``reuse_key`` None, where ``[ca]`` or
    the configuration of zones decides. ``where``: the place that it is written at."""

    name: str
    names: tuple[str, ...]
    zone: str = ""
    zone_id: str = ""
    accounts: tuple[str, ...] = ()
    profile: str = ""
    key: KeyType | None = None
    reuse_key: bool | None = None
    csr: str = ""
    where: str = ""


class Rejected(NamedTuple):
    """A row that is left out, or a source that cannot be read."""

    where: str
    message: str
    hint: str


class Inventory(NamedTuple):
    """What is to be had, and what was left out."""

    certificates: tuple[WantedCertificate, ...]
    rejected: tuple[Rejected, ...] = ()


def read_inventory(section: IssueSection, environ: Mapping[str, str], accounts: Collection[str]) -> Inventory:
    """Every certificate that the configuration, the inventory file and the inventory command name.

    ``accounts``: those that are configured. Nothing is raised for a row or a source: it is rejected.
    """
    rows = [
        InventoryRow(f'{section.source}: [certificate."{name}"]', {"name": name, **table})
        for name, table in section.tables.items()
    ]
    sources: list[tuple[RowsOf, str]] = []
    if section.inventory:
        sources.append((rows_of_file, section.inventory))
    if section.inventory_command:
        sources.append((rows_of_command, section.inventory_command[0]))
    rejected = []
    for read, where in sources:
        try:
            rows += read(section, environ)
        except ConfigError as error:
            rejected.append(Rejected(where, str(error), error.hint))
    return from_rows(rows, accounts, rejected)


def from_rows(
    rows: Iterable[InventoryRow], accounts: Collection[str], rejected: Iterable[Rejected] = ()
) -> Inventory:
    """The certificates of the rows; of two with one name, the first."""
    left_out = list(rejected)
    found: dict[str, WantedCertificate] = {}
    for row in rows:
        try:
            if isinstance(row.fields, ConfigError):
                raise row.fields
            wanted = _wanted(row.where, row.fields, accounts)
            if wanted.name in found:
                raise ConfigError(
                    f"there is another certificate {wanted.name} ({found[wanted.name].where})",
                    "give one of the two another name",
                )
        except (ConfigError, UsageError) as error:
            left_out.append(Rejected(row.where, _shortened(str(error)), error.hint))
        else:
            found[wanted.name] = wanted
    return Inventory(tuple(found.values()), tuple(left_out))


def _shortened(message: str) -> str:
    """It quotes the row, of which there may be many MiB."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"


def _wanted(where: str, fields: Mapping[str, Any], accounts: Collection[str]) -> WantedCertificate:
    check_known("key", fields, ("name", *KEYS))
    name = value_of(fields, "name", text, "")
    if not name:
        raise ConfigError("it has no name", "name: what its folder is to be called, for example example.org")
    names = _names_of(name, fields)
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a folder",
            "letters, digits, dots, hyphens and underscores; a wildcard's domain goes into names",
        )
    named = value_of(fields, "account", partial(_accounts, known=accounts), ())
    zone = value_of(fields, "zone", _zone, "")
    zone_id = value_of(fields, "zone_id", text, "")
    if zone_id and not zone:
        raise ConfigError("it has a zone_id and no zone", "write the zone's apex as well: zone")
    csr = value_of(fields, "csr", text, "")
    if csr and not os.path.isabs(csr):
        raise ConfigError(f"csr: {csr!r} is no absolute path", "write it from / on")
    return WantedCertificate(
        name=name,
        names=names,
        zone=zone,
        zone_id=zone_id,
        accounts=named,
        profile=value_of(fields, "profile", text, ""),
        key=value_of(fields, "key", key_type, None),
        reuse_key=value_of(fields, "reuse_key", flag, None),
        csr=csr,
        where=where,
    )


def _names_of(name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    if "names" not in fields:
        try:
            return _names([name])
        except UsageError as error:
            raise ConfigError(f"it has no names, and {name!r} is no domain", error.hint) from None
    given = fields["names"]
    given = _separated(given) if isinstance(given, str) else given
    if given == []:
        raise ConfigError("it has no names", "write the domains, for example example.org *.example.org")
    with at("names"):
        return _names(given)


def _separated(value: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", value) if word]


def _names(entries: object) -> tuple[str, ...]:
    """The identifiers, each once."""
    if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
        raise ConfigError(f"{entries!r} is no list of domains", 'write ["example.org", "*.example.org"]')
    if len(entries) > MOST_ENTRIES:
        raise _too_many(len(entries))
    for entry in entries:
        owner_name(entry)  # says what is wrong with it
    names = tuple(dict.fromkeys(canonical(entry) for entry in entries))
    if len(names) > MOST_NAMES:
        raise _too_many(len(names))
    return names


def _too_many(count: int) -> ConfigError:
    return ConfigError(f"it has {count} names", f"no CA takes more than {MOST_NAMES}: make several")


def _accounts(value: object, known: Collection[str]) -> tuple[str, ...]:
    """One account, or several; a text has them separated like names."""
    named = account_names(_separated(value) if isinstance(value, str) and value not in known else value)
    check_known("account", named, list(known))
    return named


def _zone(value: object) -> str:
    return apex(text(value))
