"""What the bridges have in common: they know no zones, and lead to what is not ours."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Host, Zone


class Bridge(Host):
    """A zone is what the caller found it to be in the DNS: there is no list of an account's zones
    to compare it with."""

    def zone_for(self, name: str) -> Zone:
        return Zone(name)


def entries(options: Mapping[str, str], table: str) -> dict[str, str]:
    """The entries of one table among the options."""
    prefix = f"{table}."
    return {key.removeprefix(prefix): value for key, value in options.items() if key.startswith(prefix)}
