"""The clock: signatures are good for five minutes (RFC 8945 §10), certificates from a moment on."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .....errors import ClockSkew, HookError
from ....config.settings import Account
from ..finding import Examined, Finding, Severity
from .subjects.destination import followed

TIMESYNCD = "/run/systemd/timesync"  # systemd-timesyncd(8)
SET_IT = "timedatectl set-ntp true"


def check(examined: Examined) -> Iterator[Finding]:
    """Whether the provider's clock agrees with this machine's, as far as that costs one question."""
    yield from _against_the_provider(examined)
    if os.path.isdir(examined.path(TIMESYNCD)) and not os.path.exists(
        examined.path(f"{TIMESYNCD}/synchronized")
    ):
        yield Finding(
            "clock-unsynchronised",
            Severity.NOTE,
            "this machine",
            "systemd-timesyncd has not set the clock yet",
            ("timedatectl timesync-status", SET_IT),
        )


def _against_the_provider(examined: Examined) -> Iterator[Finding]:
    """A TSIG is refused with the server's own time in it: any signed question will do."""
    try:
        target = followed(examined).target
        accounts = examined.settings.accounts_for(target, examined.name)
    except HookError:
        return
    for account in accounts:
        if account.provider == "rfc2136":
            yield from _against(examined, account, target)


def _against(examined: Examined, account: Account, target: str) -> Iterator[Finding]:
    try:
        examined.places.accounts.provider(account).zone_for(target)
    except ClockSkew as error:
        yield Finding(
            "clock-skew",
            Severity.ERROR,
            account.options["nameserver"],
            str(error),
            (error.hint, SET_IT, "date -u, here and on the server, shows whether they agree"),
        )
    except HookError:
        return
