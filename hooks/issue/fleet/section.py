"""What ``[fleet]`` says.

::

    [fleet]
    database = { file = "/etc/dns01/database" }   # postgresql://dns01@db.example.org/dns01
    machine = "issuer-1"     # the host's name, without it: what leases are held by
    wave = 100               # certificates that one machine takes at once
    lease = 900              # seconds that it holds them without a sign of life
    grace = 3600             # seconds in which only it may go on with an order that it has finalised
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from ....errors import ConfigError
from ....options import Option, at, check_known, text
from ...config.load import configuration_file
from ...config.validators import value_of

KEYS = ("database", "machine", "wave", "lease", "grace")
DATABASE = Option("database", (), "where the database is: postgresql://…", secret=True)


class FleetSection(NamedTuple):
    """What ``[fleet]`` says. ``lease`` and ``grace`` are in seconds."""

    database: str
    machine: str
    wave: int = 100
    lease: float = 900.0
    grace: float = 3600.0


def load_fleet(environ: Mapping[str, str]) -> FleetSection | None:
    """What is configured; None where this machine is no part of a fleet. Raises ConfigError."""
    file = configuration_file(environ)
    table = file.table("fleet") if file else None
    if file is None or table is None:
        return None
    with at(f"{file.path}: [fleet]"):
        if not isinstance(table, dict) or "database" not in table:
            raise ConfigError("it has no database", 'write database = "postgresql://…" below it')
        check_known("key", table, KEYS)
        section = FleetSection(
            file.value("database", DATABASE, table["database"]),
            value_of(table, "machine", text, os.uname().nodename),
            int(value_of(table, "wave", partial(_number, 1, 10_000), 100)),
            value_of(table, "lease", partial(_number, 10, 86_400), 900.0),
            value_of(table, "grace", partial(_number, 0, 864_000), 3600.0),
        )
        if not section.database.startswith(("postgresql://", "postgres://")):
            raise ConfigError("its database is no URL of PostgreSQL", "write postgresql://USER@HOST/DATABASE")
    return section


def _number(least: float, most: float, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    raise ConfigError(f"{value!r} is not a number from {least:g} to {most:g}", "times are in seconds")
