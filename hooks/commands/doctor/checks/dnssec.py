"""DNSSEC of every zone on the way of the challenge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ....dns.inspect.dnssec import Bogus, validate
from ....dns.inspect.survey import Survey
from ..finding import Examined, Finding, Severity
from ._zones import surveys


def check(examined: Examined) -> Iterator[Finding]:
    """What keeps validating resolvers from believing the zones that the challenge depends on."""
    for survey in surveys(examined):
        yield from findings(survey)


def findings(survey: Survey, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """The same, of one zone."""
    for fault in validate(survey, clock):
        code, severity = (
            ("dnssec-bogus", Severity.ERROR)
            if isinstance(fault, Bogus)
            else ("signature-expiring", Severity.WARNING)
        )
        yield Finding(code, severity, fault.apex, fault.message, fault.remedy)
