"""Whether the account has zones for the names; where it has none, its server and they are asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .....deadline import within
from .....errors import ConfigError, HookError, ZoneNotFound, ZoneUnserved
from .....providers import load
from ..written.configuration import Chosen
from .account import built
from .answers import names_in
from .credentials import TIME_LIMIT, accepted, with_another_address
from .questions import Questions, complain, say


def confirmed(
    questions: Questions, account: Chosen, names: tuple[str, ...]
) -> tuple[Chosen, tuple[str, ...]]:
    """The account and the names; at a terminal, what is answered where the account has no zone for one of
    them: first another server, which may be no more than a resolver, then other names."""
    while questions.asks and (missing := _missing(account, names)):
        complain(ConfigError(str(missing)))
        if (moved := with_another_address(questions, account)) is not account:
            account = accepted(questions, moved, names)
            continue
        say("Other names? (Enter: as they are; where a CNAME leads to one of its zones, all is well)")
        others = questions.text("Names of the certificate", "DOMAIN", names_in, " ".join(names))
        if others == names:
            break
        names = others
    return account, names


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
