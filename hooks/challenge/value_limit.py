"""How many values a provider keeps at a name, and whether those of an order still fit in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import Busy, ProviderError
from ...providers.base import LimitsValues, Provider, SharesValues
from ..state.journal import Entry


def check_value_limit(
    provider: Provider, wanted: Sequence[Entry], open: Callable[[], Sequence[Entry]]
) -> None:
    """Refuse what the provider cannot keep together with what its account has ``open``; several names
    may have their CNAMEs lead to one target. To be asked under the zone's lock, before anything is sent.

    Raises ProviderError, or Busy if there is room once another order is done; both name the names.
    """
    if not isinstance(provider, LimitsValues):
        return
    most = provider.values_per_name
    holder = _holder(provider)
    present = [entry for entry in open() if entry.account == wanted[0].account]
    for place in dict.fromkeys(holder(entry.target) for entry in wanted):
        ours = [entry for entry in wanted if holder(entry.target) == place]
        values = {entry.value for entry in ours}
        others = [e for e in present if holder(e.target) == place and e.value not in values]
        if len(values) > most:
            raise ProviderError(
                f"{place} keeps no more than {_count(most)}, but {_domains(ours)} need {len(values)}",
                "let each name lead to a target of its own, or order fewer of them at a time",
            )
        if len(values | {entry.value for entry in others}) > most:
            raise Busy(
                f"{place} keeps no more than {_count(most)}, and has one for {_domains(others)}: "
                f"there is no room for {_domains(ours)}",
                "try again when that order is done, or let each name lead to a target of its own",
            )


def in_the_way(
    provider: Provider, wanted: Sequence[Entry], orphans: Callable[[], Sequence[Entry]]
) -> list[Entry]:
    """Those of the account's ``orphans`` that take room from what is wanted: nobody else's order will be done
    some time, and make room."""
    if not isinstance(provider, LimitsValues):
        return []
    holder = _holder(provider)
    places = {holder(entry.target) for entry in wanted}
    values = {entry.value for entry in wanted}
    left = [entry for entry in orphans() if entry.account == wanted[0].account and entry.value not in values]
    return [entry for entry in left if holder(entry.target) in places]


def _holder(provider: Provider) -> Callable[[str], str]:
    return provider.holder if isinstance(provider, SharesValues) else str


def _count(values: int) -> str:
    return "one value" if values == 1 else f"{values} values"


def _domains(entries: Sequence[Entry]) -> str:
    return ", ".join(sorted({entry.domain or entry.name for entry in entries}))
