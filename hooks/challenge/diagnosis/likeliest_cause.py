"""Why a record is not ready, or was refused: the likeliest cause, and its remedy.

The possible causes are gone through in their order; the first that fits the evidence is the likeliest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from .... import output
from ....errors import DelegationError, NotReady
from ....threads import in_background
from ...config.settings import Settings
from ...dns.inspect.dnssec import Bogus, validate
from ...dns.negative_ttl import negative_ttl
from ...state.journal import Entry
from .cause import Cause
from .destination_causes import cname_in_the_way, cname_moved, undelegated, wrong_zone
from .evidence import Evidence, gather_evidence
from .server_causes import (
    intercepted,
    lame_server,
    names_filtered,
    no_server_answers,
    silent_server,
    udp_blocked,
)
from .zone_copy_causes import (
    account_view,
    behind_primary,
    child_zone,
    foreign_copy,
    not_yet,
    private_addresses,
    removed,
    stale_secondary,
)

SECONDS = 10.0  # that it may take to find out

T = TypeVar("T")


def blamed(error: NotReady, entries: Sequence[Entry], settings: Settings) -> NotReady:
    """The error of a wait for the entries, with the likeliest cause and the SOA serials, as far as
    they can be found out in ``SECONDS``."""
    late = [entry for entry in entries if entry.target in error.names]
    found = within(SECONDS, lambda: find_cause(late or entries, settings))
    if not found:
        return error
    lines, cause = found
    return NotReady(
        f"{error}: {cause.description}",
        f"{cause.remedy}; {error.hint}",
        report=(*error.report, *lines),
        names=error.names,
    )


def find_cause(
    entries: Sequence[Entry], settings: Settings, *, was_ready: bool = False
) -> tuple[list[str], Cause]:
    """What each server says of the first records of the entries now, a line for each, and the
    likeliest cause why that is not enough. ``was_ready``: every name server had them a while ago."""
    try:
        evidence = gather_evidence(entries, settings, was_ready=was_ready)
    except DelegationError as error:
        return [], Cause("delegation", str(error), error.hint or f"dig +trace {entries[0].name}")
    return [f"now, {line}" for line in evidence.lines()], likeliest(evidence)


def likeliest(evidence: Evidence) -> Cause:
    """The first of POSSIBLE_CAUSES that is one, by the evidence."""
    return next(found for cause in POSSIBLE_CAUSES if (found := cause(evidence)))


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """What the work gives, if it does so in time and without an error: it is an extra."""
    try:
        return in_background(work).result(seconds)
    except Exception as error:
        if os.environ.get("DNS01_DEBUG"):
            output.trace(error)
        return None


def dnssec_bogus(evidence: Evidence) -> Cause | None:
    """The zone's signatures are not valid."""
    for fault in validate(evidence.survey):
        if isinstance(fault, Bogus):
            return Cause("dnssec-bogus", fault.message, fault.remedy[0])
    return None


def remembered(evidence: Evidence) -> Cause:
    """All have it: who asked before remembers that it was not there."""
    newest = evidence.survey.newest
    soa = (
        newest.soa_response.message.answer[0]
        if newest and newest.authority and newest.soa_response.message
        else None
    )
    kept = negative_ttl(soa) if soa else 0
    return Cause(
        "remembered",
        "every name server has it now: it came too late, or who asked before remembers that it was not there",
        f"try again in two minutes (a CA remembers for one at most, other resolvers for {kept} s); if it "
        "happens again, raise timeout (DNS01_TIMEOUT)",
    )


POSSIBLE_CAUSES: tuple[Callable[[Evidence], Cause | None], ...] = (
    cname_moved,
    intercepted,
    no_server_answers,
    udp_blocked,
    undelegated,
    wrong_zone,
    cname_in_the_way,
    child_zone,
    names_filtered,
    removed,
    account_view,
    foreign_copy,
    behind_primary,
    private_addresses,
    stale_secondary,
    not_yet,
    dnssec_bogus,
    lame_server,
    silent_server,
    remembered,
)
