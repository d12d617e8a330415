"""Zones of which too few servers answer for a wait, which wants half of them at least."""

from __future__ import annotations

from collections.abc import Iterator

from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Examined, Finding, Severity


def too_few(examined: Examined, survey: ZoneSurvey) -> Iterator[Finding]:
    """A wait wants half of the servers at least (docs/readiness.rst); a CA makes do with what is left."""
    settings = examined.settings
    named = settings.nameservers_for(examined.name)
    readiness = settings.readiness_for(examined.name) or ("authoritative" if named else "public")
    useful = {server.host for server in survey.answers if server.authority}
    if readiness == "resolvers" or not useful or 2 * len(useful) >= len(survey.servers):
        return
    if readiness == "authoritative":
        severity, words = Severity.ERROR, "fails when its time is out, though the CA may still get an answer"
        more = () if named else ('until then, readiness = "public" has resolvers decide in their place',)
    else:
        severity = Severity.WARNING
        words = f"goes by what resolvers outside see after {settings.timing.degraded_after:.0f} s (degraded)"
        more = ()
    place = "`nameservers`" if named else f"the NS records of {survey.apex}, at the parent and in the zone"
    yield Finding(
        "too-few-servers",
        severity,
        survey.apex,
        f"{len(useful)} of {len(survey.servers)} name servers of {survey.apex} answer for it: an order waits "
        f"for half of them at least, and {words}",
        (f"mend the others, or take them out of {place}", *more),
    )
