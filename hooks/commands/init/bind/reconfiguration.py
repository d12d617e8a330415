"""Have the BIND of this machine read what was written; what it does not take is taken back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from .....child_process import output_of, run
from .....errors import ConfigError, HookError, ProviderError
from ..written.files import Draft, write
from .preparation import Preparation

COMMAND_TIMEOUT = 60.0  # seconds for one command: a server of many zones takes its time
ZONE_POLLS = 100  # looks at a zone that is being loaded
ZONE_POLL_INTERVAL = 0.2  # seconds between two looks
MOST_SAID = 1 << 16  # octets


def reconfigure(
    preparation: Preparation, before: Sequence[Draft], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Have BIND read its configuration, and see that the zones take updates. ``before``: the changed files as
    they were, which are written again if BIND refuses what is there now. Raises ConfigError."""
    try:
        run(["named-checkconf", preparation.conf], os.environ, COMMAND_TIMEOUT, "named-checkconf")
    except HookError as error:
        write([draft for draft in before if draft.text])
        raise ConfigError(
            f"BIND refuses what was written, and has its configuration back: {error}",
            "write by hand what was shown above, or give --no-bind",
        ) from None
    try:
        run(["rndc", "reconfig"], os.environ, COMMAND_TIMEOUT, "rndc reconfig")
        for zone in preparation.zones:
            _until_dynamic(zone, sleep)
    except HookError as error:
        raise ConfigError(
            f"BIND has not read its new configuration: {error}",
            "see whether it runs: systemctl restart named; journalctl -u named; then run init again",
        ) from None


def takes_updates(zone: str) -> bool:
    """Whether BIND, as it runs, takes updates of the zone; also where it cannot be asked."""
    try:
        return "dynamic: no" not in _status(zone)
    except ProviderError:
        return True


def _status(zone: str) -> str:
    command = ["rndc", "zonestatus", zone]
    return output_of(command, os.environ, COMMAND_TIMEOUT, f"rndc zonestatus {zone}", MOST_SAID).decode(
        errors="replace"
    )


def _until_dynamic(zone: str, sleep: Callable[[float], None]) -> None:
    """Returns once the zone is loaded and takes updates. Raises ProviderError if that takes too long."""
    for last in [False] * ZONE_POLLS + [True]:
        try:
            status = _status(zone)
            if "dynamic: yes" in status:
                return
            if last:
                raise ProviderError(f"the zone {zone} takes no updates", "see what it says: rndc zonestatus")
        except ProviderError:
            if last:
                raise
        sleep(ZONE_POLL_INTERVAL)
