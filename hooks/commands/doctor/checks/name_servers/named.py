"""The servers that the configuration names (`nameservers`), which a wait asks in the place of the zone's."""

from __future__ import annotations

from collections.abc import Iterator

from .....dns.inspect.faults import server_faults
from .....dns.inspect.zone_survey import ZoneSurvey, recheck_serials
from ...finding import Finding, Severity
from ...wording import answers
from ..subjects.account_copy import AccountCopy
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
