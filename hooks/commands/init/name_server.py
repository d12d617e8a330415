"""The BIND of this machine, where it is the account's server: whether to change it, and its reading that."""

from __future__ import annotations

from collections.abc import Sequence

from .... import output
from ....errors import ConfigError, UsageError
from .ask.questions import Questions
from .bind.preparation import Preparation, is_granted, prepare
from .bind.reconfiguration import reconfigure, takes_updates
from .written.configuration import Chosen
from .written.files import Draft, changes


def prepared(
    questions: Questions, wanted: bool | None, account: Chosen, names: Sequence[str]
) -> Preparation | None:
    """What it needs, if that is wanted. ``wanted``: as --bind or --no-bind say. Raises ConfigError for what
    is not understood, where it is wanted or the account's key is new."""
    is_new = account.found is not None and account.found.is_new
    if wanted is False or account.provider != "rfc2136":
        return None
    try:
        source = account.found.source if account.found else ""
        preparation = prepare(account.every, source, names)
    except ConfigError as error:
        if wanted or is_new:
            raise
        if not is_granted(account.every.get("tsig_key", "")):
            output.warning(f"{error}: {error.hint}")
        return None
    if preparation is None:
        if wanted:
            raise UsageError(
                "init: --bind: no primary zone of this machine's BIND has these names",
                "run init where the primary server is, or leave --bind away",
            )
        return None
    if wanted or is_new or not changes(preparation.drafts):
        return preparation
    zones = ", ".join(preparation.zones)
    if questions.agreed(f"Have BIND take updates of the challenges in {zones}?", "--bind", questions.asks):
        return preparation
    output.warning(f"BIND takes no updates with this key in {zones}: with --bind, init sees to that")
    return None


def have_it_read(preparation: Preparation, before: Sequence[Draft], written: Sequence[Draft]) -> None:
    """Have BIND read what this run has written, or an earlier run that was killed. Raises ConfigError."""
    ours = {draft.path for draft in preparation.drafts} & {draft.path for draft in written}
    if not ours and all(map(takes_updates, preparation.zones)):
        return
    reconfigure(preparation, [draft for draft in before if draft.path in ours])
    zones = ", ".join(preparation.zones)
    output.step(f"BIND takes updates of the challenges in {zones}")
    for zone, path in preparation.moved.items():
        output.step(f"{zone} is read from {path} now")
    for zone in preparation.zones:
        output.step(f"before you edit {zone} by hand: rndc freeze {zone}; after it: rndc thaw {zone}")
