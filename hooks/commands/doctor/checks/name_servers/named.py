"""The servers that the configuration names (`nameservers`), which a wait asks in the place of the zone's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from ......errors import DelegationError
from ......names import is_within
from ......threads import in_background
from .....dns.inspect.faults import server_faults
from .....dns.inspect.zone_survey import ZoneSurvey, recheck_serials
from ...finding import Examined, Finding, Severity
from ...wording import answers
from ..subjects.account_copy import AccountCopy
from ..subjects.ca import is_of_the_world
from ..zone_copies.faults import REPORTS, together
from .transports import silent


def findings_of_named(survey: ZoneSurvey, account: AccountCopy | None) -> Iterator[Finding]:
    """The servers that ``nameservers`` names, where no other is asked."""
    useful = [server for server in survey.answers if server.authority]
    if not useful:
        where = f"{account.server}" if account and account.server else "ADDRESS"
        yield Finding(
            "nameservers-useless",
            Severity.ERROR,
            survey.apex,
            f"none of the configured `nameservers` answers for {survey.apex}: {answers(survey.answers)}; "
            "they alone are asked, so that no record is ever seen",
            (
                f'name servers that serve {survey.apex} with authority: nameservers = ["{where}"] '
                "(DNS01_NAMESERVERS)",
                "or remove `nameservers`: the zone's own are found by themselves, unless it is an internal "
                "zone; a resolver is named in `resolvers`",
            ),
        )
        return
    if account:
        survey = recheck_serials(survey, account.apex.serial)
    for fault in together(
        survey, server_faults(survey, account.copy if account and account.server else None)
    ):
        if report := REPORTS.get(fault.kind):
            finding = report(survey, fault)
            drop = (
                f"or take {', '.join(str(server.address) for server in fault.answers)} out of `nameservers`"
            )
            yield finding._replace(remedy=(finding.remedy[0], drop))
    yield from silent(survey, (), ())


def not_in_the_world(examined: Examined, account: AccountCopy, seconds: float) -> Iterator[Finding]:
    """A zone that the world's own servers do not lead to, and a CA that asks those. Looked for as long as
    that many seconds."""
    name, apex = examined.name, account.zone
    if not is_of_the_world(examined):
        return
    with suppress(DelegationError, TimeoutError):
        world = in_background(partial(examined.discovery.find, name)).result(seconds)
        if world.trouble or len(world.chain) > 1 or world.zone == apex or not is_within(apex, world.zone):
            return
        inside = ", ".join(str(each) for each in examined.settings.nameservers_for(name))
        above = world.zone if "." in world.zone else ""
        hosts = ", ".join(server.name for server in world.servers)
        yield Finding(
            "zone-inside",
            Severity.ERROR,
            apex,
            f"{apex} is known to `nameservers` ({inside}) alone: "
            + (
                f"{above}, as {hosts} have it for the world, does not delegate it"
                if above
                else "the world has no such zone"
            )
            + f", and {examined.settings.ca or 'the CA'} asks the world's name servers",
            (
                *_ways_out(name, apex, above),
                f"or order from a CA of your own, which asks {inside}: `ca` (DNS01_CA)",
            ),
        )


def _ways_out(name: str, apex: str, above: str) -> Iterator[str]:
    if above:
        yield (
            f"in {above}, as the world has it, write {name}. CNAME NAME. with a name in a zone that it has, "
            f"too, and that an account writes to; then take `nameservers` out of the section of {apex}"
        )
        yield f"or delegate it there to servers that everybody may ask: {apex}. NS HOST."
