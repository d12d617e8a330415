"""Whether the account has zones for the names; where it has none, they are asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .....deadline import within
from .....errors import ConfigError, HookError, ZoneNotFound, ZoneUnserved
from .....providers import load
from .account import Chosen, built
from .answers import names_in
from .credentials import TIME_LIMIT
from .questions import Questions, complain


def confirmed(questions: Questions, account: Chosen, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; at a terminal, what is answered where the account has no zone for one of them."""
    while questions.asks and (missing := _missing(account, names)):
        remedy = "give other names, or press Enter: where a CNAME leads to one of its zones, all is well"
        complain(ConfigError(str(missing), remedy))
        others = questions.text("Names of the certificate", "DOMAIN", names_in, " ".join(names))
        if others == names:
            break
        names = others
    return names


def _missing(account: Chosen, names: Sequence[str]) -> ZoneNotFound | None:
    """What the provider says of the first name that it has no zone for; everything else is for the doctor."""
    with suppress(HookError), within(TIME_LIMIT):
        provider = built(load(account.provider), account.every)
        for domain in dict.fromkeys(name.removeprefix("*.") for name in names):
            try:
                provider.zone_for(domain)
            except ZoneUnserved:
                continue
            except ZoneNotFound as error:
                return error
    return None
