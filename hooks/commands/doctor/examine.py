"""One domain looked at from every side at once, within a deadline."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from .... import output
from ....errors import ConfigError, DelegationError, HookError
from ...config.settings import Account
from ...dns.cname_chain import ChainError
from ...dns.destination import Destination
from .checks.configuration import serving
from .checks.subjects.credentials import as_written
from .checks.subjects.destination import followed
from .finding import Check, Examined, Finding, Severity

T = TypeVar("T")

# What follows from a fault, and is not said beside it. The first of several is the one to mend.
FOLLOWS: Mapping[str, frozenset[str]] = {
    "one-sided-child": frozenset(
        {
            "zone-down",
            "challenge-zone-down",
            "wrong-zone",
            "token-lacks-zone",
            "zone-unknown",
            "parent-answers",
            "ns-mismatch",
            "split-horizon",
            "update-refused",
        }
    ),
    "zone-parked": frozenset(
        {
            "wrong-zone",
            "token-lacks-zone",
            "account-elsewhere",
            "lame-server",
            "caa-unanswered",
            "caa-servfail",
            "txt-unanswered",
            "case-unkept",
        }
    ),
    "case-unkept": frozenset({"split-horizon"}),  # resolvers ask in mixed case
    "denials-fail": frozenset({"caa-servfail"}),
    "do-fails": frozenset({"caa-servfail"}),
    "large-lost": frozenset({"caa-servfail"}),
    "one-sided-cname": frozenset({"cname-dangling", "cname-foreign", "challenge-zone-down", "zone-down"}),
    "underscore-refused": frozenset({"one-sided-cname", "token-lacks-zone"}),
    "acmedns-cname-wrong": frozenset({"wrong-zone"}),
    "account-elsewhere": frozenset({"ns-mismatch", "wrong-zone", "foreign-copy"}),
    "inside-addresses": frozenset(
        {
            "other-view",
            "split-horizon",
            "unanswered-outside",
            "foreign-copy",
            "ns-mismatch",
            "dnssec-bogus",
            "caa-servfail",
            "caa-unanswered",
            "txt-unanswered",
            "case-unkept",
        }
    ),
    "zone-down": frozenset({"caa-servfail"}),
    "port-53-intercepted": frozenset(
        {"zone-down", "challenge-zone-down", "caa-servfail", "account-elsewhere", "token-lacks-zone"}
    ),
    "zone-not-served": frozenset({"zone-down", "challenge-zone-down", "caa-servfail"}),
    "server-does-not-start": frozenset({"zone-down", "challenge-zone-down", "caa-servfail"}),
    "account-not-in-shell": frozenset({"no-configuration"}),
    "secret-disguised": frozenset({"auth-rejected", "provider-refuses"}),
    "no-ipv6-here": frozenset({"caa-servfail"}),
    "caa-servfail": frozenset({"unanswered-outside"}),  # who is lame in one answer is asked no more
    "glue-differs": frozenset({"caa-servfail"}),
    "slow-zone": frozenset({"zone-down", "challenge-zone-down", "zone-unknown", "caa-servfail"}),
}

# The same, where both are about the same servers.
FOLLOWS_THERE: Mapping[str, frozenset[str]] = {"large-lost": frozenset({"no-tcp"})}

# What resolvers fail at follows from whatever is wrong with the zone's servers.
OF_SERVERS = ("delegation", "path", "servers", "questions", "dnssec")
BY_SERVERS = "unanswered-outside"

UNFINISHED = "check-unfinished"
DEADLINE = 8.0  # seconds: with what starting and printing take, all is said within 10
READS_FILES = ("client",)  # checks that wait for nobody: what they lack is a busy machine's time
MORE_TIME = 4.0  # seconds beyond the deadline for those
HEAD_START = 0.5  # seconds: the zone cuts that one has found need not be looked for by all


class Diagnosis(NamedTuple):
    """What is known of a domain. ``delegation``: where its record goes, as far as that is known;
    ``accounts``: those that publish it, and why those. ``findings``: by check, in order."""

    domain: str
    name: str
    delegation: Destination
    accounts: tuple[Account, ...]
    why: str
    findings: Mapping[str, tuple[Finding, ...]]

    @property
    def ordered(self) -> list[Finding]:
        """All findings: errors first, then warnings, notes last; the true cause before its kin."""
        every = [finding for findings in self.findings.values() for finding in findings]
        return sorted(every, key=lambda finding: -finding.severity)

    def without_consequences(self) -> Diagnosis:
        """The findings of ``ordered`` without those that follow from another finding."""
        codes = {finding.code for finding in self.ordered}
        following = frozenset[str]().union(*(FOLLOWS.get(code, frozenset()) for code in codes))
        if any(
            each.severity > Severity.NOTE for check in OF_SERVERS for each in self.findings.get(check, ())
        ):
            following |= {BY_SERVERS}
        there = {(code, each.subject) for each in self.ordered for code in FOLLOWS_THERE.get(each.code, ())}
        return self.without(following, there)

    def without(self, codes: Collection[str], there: Collection[tuple[str, str]] = ()) -> Diagnosis:
        """The same, but for the findings of these codes, and of those codes about those subjects."""
        kept = {
            check: tuple(
                each for each in findings if each.code not in codes and (each.code, each.subject) not in there
            )
            for check, findings in self.findings.items()
        }
        return self._replace(findings=kept)

    @property
    def worst(self) -> Severity:
        """The severity of the gravest finding."""
        every = (finding.severity for findings in self.findings.values() for finding in findings)
        return max(every, default=Severity.NOTE)

    def adding(self, check: str, found: Iterable[Finding]) -> Diagnosis:
        """This diagnosis with further findings."""
        return self._replace(findings={**self.findings, check: (*self.findings.get(check, ()), *found)})


def diagnose(
    examined: Examined,
    checks: Mapping[str, Check],
    deadline: float = DEADLINE,
    head_start: float = HEAD_START,
) -> Diagnosis:
    """Run all checks side by side. One that has not ended after ``deadline`` seconds is itself a
    finding, beside what it has found by then.

    ``head_start``: seconds that the way to the challenge's zone is followed before any check; longer where
    a server that dns01 starts may be at its end.
    """
    hindrances = _start(examined)
    until = time.monotonic() + deadline
    way = _Task("way", lambda: [_way(examined)])
    tasks = {name: _Task(name, partial(checks[name], examined)) for name in READS_FILES if name in checks}
    way.join(deadline / 2 if _may_start_servers(examined) else head_start)
    tasks |= {
        name: _Task(name, partial(check, examined)) for name, check in checks.items() if name not in tasks
    }
    for name in checks:
        tasks[name].join(max(0.0, until - time.monotonic()))
    for name in tasks.keys() & READS_FILES:
        tasks[name].join(max(0.0, until + MORE_TIME - time.monotonic()))
    way.join(max(0.0, until - time.monotonic()))
    name = examined.name
    delegation = next(iter(way.found), Destination(name, name, "", (), (name,)))
    findings = {check: (*tasks[check].found, *tasks[check].trouble(deadline)) for check in checks}
    accounts, why = _accounts(examined, delegation)
    findings = {
        check: tuple(as_written(examined.settings, examined.environ, accounts, each) for each in found)
        for check, found in findings.items()
    }
    diagnosis = Diagnosis(examined.domain, name, delegation, accounts, why, findings)
    return _together(diagnosis.adding("scope", hindrances).without_consequences())


def _together(diagnosis: Diagnosis) -> Diagnosis:
    """The checks that have not ended in one finding: a note, if something else is found, which is then
    what they wait for. Of a CA's own question nothing but an error explains that nobody knows the answer."""
    unfinished = [each for each in diagnosis.ordered if each.code == UNFINISHED]
    if not unfinished:
        return diagnosis
    kept = {
        check: tuple(each for each in findings if each.code != UNFINISHED)
        for check, findings in diagnosis.findings.items()
    }
    enough = Severity.ERROR if any(each.subject == "caa" for each in unfinished) else Severity.WARNING
    explained = any(each.severity >= enough for findings in kept.values() for each in findings)
    checks = ", ".join(each.subject for each in unfinished)
    one = unfinished[0]._replace(
        subject=checks,
        severity=Severity.NOTE if explained else Severity.WARNING,
        message=f"{unfinished[0].message} ({checks})",
    )
    return diagnosis._replace(findings={**kept, "unfinished": (one,)})


def _start(examined: Examined) -> tuple[Finding, ...]:
    """An embedded server has to be there before anybody looks for it."""
    try:
        examined.places.accounts.start_servers([examined.name])
    except ConfigError:  # the configuration's own finding
        return ()
    except HookError as error:
        return (Finding("server-does-not-start", Severity.ERROR, examined.name, str(error), (error.hint,)),)
    return ()


def _may_start_servers(examined: Examined) -> bool:
    """Whether the zone at the end of a CNAME may be there only once ``_way`` has started its server."""
    with suppress(ConfigError):
        return examined.places.accounts.may_start_servers()
    return False


def _way(examined: Examined) -> Destination:
    try:
        delegation = followed(examined)
        if delegation.trouble and len(delegation.chain) > 1:
            # An embedded server answers for a CNAME's target once it is told of its zone.
            with suppress(HookError):
                examined.places.accounts.start_servers([delegation.zone])
                return followed(examined)
        return delegation
    except ChainError as error:  # as far as it goes, for the picture
        return Destination(examined.name, error.chain[-1], "", (), error.chain)
    except DelegationError:
        return Destination(examined.name, examined.name, "", (), (examined.name,))


def _accounts(examined: Examined, delegation: Destination) -> tuple[tuple[Account, ...], str]:
    try:
        return serving(examined.settings, examined.name, delegation.target)
    except ConfigError as error:
        return (), str(error)


class _Task(Generic[T]):
    """Work in a thread of its own, which the end of the process does not wait for."""

    def __init__(self, name: str, work: Callable[[], Iterable[T]]) -> None:
        self.found: list[T] = []
        self._name = name
        self._work = work
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def trouble(self, deadline: float) -> Iterator[Finding]:
        """What kept it from its end, if anything did."""
        if self._thread.is_alive():
            message = f"this check had not ended after {deadline:.0f} s: something does not answer"
            hint = "mend what else is found, and look again"
            if self._name in READS_FILES:
                message = (
                    f"this check had not ended after {deadline + MORE_TIME:.0f} s: the machine is too busy"
                )
                hint = f"look again when it is less so (its load is {os.getloadavg()[0]:.0f})"
            yield Finding(UNFINISHED, Severity.WARNING, self._name, message, (hint,))
        elif isinstance(self._failure, HookError):
            hint = self._failure.hint
            yield Finding("check-failed", Severity.WARNING, self._name, str(self._failure), (hint,))
        elif self._failure:
            message = f"a fault of dns01's own: {type(self._failure).__name__}: {self._failure}"
            hint = "run again with DNS01_DEBUG=1 and report it"
            yield Finding("check-failed", Severity.WARNING, self._name, message, (hint,))

    def _run(self) -> None:
        try:
            for each in self._work():
                self.found.append(each)
        except Exception as error:
            self._failure = error
            if os.environ.get("DNS01_DEBUG"):
                output.trace(error)
