"""What ``dns01 doctor`` shows: a tree of the way to each record, and beneath it what was found."""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .... import output
from ....secret import redact
from ...dns.destination import Destination, Server
from .examine import UNFINISHED, Diagnosis
from .finding import Finding, Severity

STYLES = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
VERSION = 1
OWN_SERVERS = ("rfc2136", "powerdns")  # whose zones other servers may have to fetch
# An order by hand would go through.
NOT_RENEWING = {"timer-masked", "cron-entry-ignored", "service-fails", "unit-condition-failed"}
DOUBTS = {  # what only the CA, or the client, could tell
    (Severity.WARNING, UNFINISHED),
    (Severity.WARNING, "caa-account"),
    (Severity.NOTE, "caa-unknown-ca"),
}
NAMED = 8  # of the other names that a step is for


class Node(NamedTuple):
    """A line of the tree, and what hangs from it."""

    text: str
    beneath: tuple[Node, ...] = ()


def show(diagnoses: Sequence[Diagnosis]) -> None:
    """Print all domains, those that have everything in common together: with colours on a terminal, as
    plain lines elsewhere. What is printed already is not printed again.

    No record and no command is broken: each can be copied as it stands.
    """
    printer = _Coloured() if sys.stdout.isatty() else _Plain()
    printed: set[Finding | Node | str] = set()
    for group in _groups(diagnoses):
        first = group[0]
        printer.line("domain", ", ".join(each.domain for each in group))
        printer.tree(_drawn(group, printed))
        for finding in first.ordered:
            printer.line(finding.severity.name, f"  {finding.severity.name:7} {_headline(finding, printed)}")
            for line in () if finding in printed else finding.details:
                printer.line("", f"          {line}")
            for number, step in enumerate(_steps(finding, printed, group), 1):
                head, *others = step.splitlines()
                printer.line("step", f"       {number}. {head}")
                for line in others:
                    printer.line("step", f"          {line}")
            printed.update([finding, *finding.remedy])
        printed.update(node for leaf in _leaves(first) for node in (leaf, *leaf.beneath))
        kind = "ERROR" if first.worst == Severity.ERROR else "WARNING" if _doubts(first) else "good"
        printer.line(kind, f"  {verdict(group)}")
        printer.line("", "")
    if len(diagnoses) > 1:
        printer.line("domain", _summary(diagnoses))


def verdict(group: Sequence[Diagnosis]) -> str:
    """Whether an order would succeed, in one line."""
    first = group[0]
    codes = {
        severity: ", ".join(dict.fromkeys(each.code for each in first.ordered if each.severity == severity))
        for severity in Severity
    }
    if first.worst == Severity.ERROR:
        failing = {each.code for each in first.ordered if each.severity == Severity.ERROR}
        effect = "nothing would renew" if failing <= NOT_RENEWING else "an order would fail"
        return f"{effect}: {codes[Severity.ERROR]}"
    if doubts := _doubts(first):
        warnings = [each.code for each in first.ordered if each.severity == Severity.WARNING]
        why = ", ".join(dict.fromkeys([*warnings, *doubts]))
        return f"whether an order would go through is not known: {why}"
    if first.worst == Severity.WARNING:
        return f"an order would go through, as things are: {codes[Severity.WARNING]}"
    primary = any(account.provider in OWN_SERVERS for account in first.accounts)
    if primary and "probe" not in first.findings:
        return "ready to order; only --write tells whether the server takes a change, and passes it on"
    return "ready to order"


def _doubts(diagnosis: Diagnosis) -> list[str]:
    return [each.code for each in diagnosis.ordered if (each.severity, each.code) in DOUBTS]


def _summary(diagnoses: Sequence[Diagnosis]) -> str:
    failing = [each.domain for each in diagnoses if each.worst == Severity.ERROR]
    if not failing:
        doubtful = [each.domain for each in diagnoses if _doubts(each)]
        unknown = f", as far as is known; of {', '.join(doubtful)} it is not" if doubtful else ""
        return f"{len(diagnoses)} domains: none would fail{unknown}"
    return f"{len(failing)} of {len(diagnoses)} domains would fail: {', '.join(failing)}"


def _groups(diagnoses: Iterable[Diagnosis]) -> list[list[Diagnosis]]:
    """Domains of one zone and one account with the same findings, in the order of their first ones. Their
    steps may differ in the challenge names."""
    groups: dict[object, list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        findings = tuple(_with_name(finding, diagnosis.name, "{}") for finding in diagnosis.ordered)
        key = (tuple(_leaves(diagnosis)), tuple(diagnosis.delegation.chain[1:]), findings)
        groups.setdefault(key, []).append(diagnosis)
    return list(groups.values())


def _with_name(finding: Finding, name: str, other: str) -> Finding:
    """The finding with steps for another challenge name than that of its domain."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
    return finding._replace(remedy=tuple(pattern.sub(other, step) for step in finding.remedy))


class _Plain:
    """Lines without any colour."""

    def line(self, kind: str, text: str) -> None:
        output.report(text)

    def tree(self, node: Node, depth: int = 1) -> None:
        self.line("", "  " * depth + node.text)
        for each in node.beneath:
            self.tree(each, depth + 1)


class _Coloured:
    """For a terminal, in lines that it has room for."""

    STYLES: Mapping[str, str] = {
        **{severity.name: style for severity, style in STYLES.items()},
        "domain": "bold",
        "good": "green",
    }

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(markup=False, highlight=False)

    def line(self, kind: str, text: str) -> None:
        from rich.text import Text

        fitted = output.fitted(output.harmless(text), sys.stdout)
        self._console.print(Text(fitted, self.STYLES.get(kind, "")), soft_wrap=True)

    def tree(self, node: Node) -> None:
        from rich.text import Text
        from rich.tree import Tree

        def grown(node: Node, root: Tree | None = None) -> Tree:
            text = Text(output.harmless(node.text))
            branch = root.add(text) if root else Tree(text, guide_style="dim")
            for each in node.beneath:
                grown(each, branch)
            return branch

        self._console.print(grown(node), overflow="ignore", crop=False)


def document(diagnoses: Iterable[Diagnosis]) -> dict[str, Any]:
    """The diagnoses as JSON for programs: docs/doctor.schema.json describes it."""
    every = list(diagnoses)
    worst = max((diagnosis.worst for diagnosis in every), default=Severity.NOTE)
    return {
        "version": VERSION,
        "worst": worst.name.lower(),
        "domains": [_domain(diagnosis) for diagnosis in every],
    }


def tree(diagnosis: Diagnosis) -> Node:
    """The challenge name, every CNAME's target, the zone, and its servers."""
    leaves = tuple(_leaves(diagnosis))
    for target in reversed(diagnosis.delegation.chain[1:]):
        leaves = (Node(f"CNAME {target}", leaves),)
    return Node(diagnosis.delegation.name, leaves)


def _leaves(diagnosis: Diagnosis) -> Iterator[Node]:
    way = diagnosis.delegation
    if servers := tuple(map(_server, way.servers)):
        yield Node(_zone(way), servers)
    for account in diagnosis.accounts:
        yield Node(f"account {output.account(account.name, account.provider)}: {diagnosis.why}")


def _zone(way: Destination) -> str:
    if way.zone:
        return f"zone {way.zone}"
    configured = all(server.name == _addresses(server) for server in way.servers)
    return "servers named in the configuration" if configured else "the root zone"


def _server(server: Server) -> Node:
    addresses = _addresses(server)
    return Node(server.name if server.name == addresses else f"{server.name}  {addresses}")


def _addresses(server: Server) -> str:
    return ", ".join(map(str, server.addresses)) or "no address"


def _drawn(group: Sequence[Diagnosis], printed: Container[Finding | Node | str]) -> Node:
    """The tree of the first; of the others, their names. A zone and an account are drawn once."""
    names = ", ".join(dict.fromkeys(each.delegation.name for each in group))

    def shortened(node: Node) -> Node:
        if node in printed:
            return Node(f"{node.text.partition(':')[0]}: as above")
        if node.beneath and all(each in printed for each in node.beneath):
            return Node(f"{node.text}, on servers that are drawn above")
        return Node(node.text, tuple(map(shortened, node.beneath)))

    return shortened(tree(group[0]))._replace(text=names)


def _headline(finding: Finding, printed: Container[Finding | Node | str]) -> str:
    if finding in printed:
        return f"{finding.code}: as above"
    subject = "" if finding.subject in finding.message else f"{finding.subject}: "
    return f"{finding.code}: {subject}{finding.message}"


def _steps(
    finding: Finding, printed: Container[Finding | Node | str], group: Sequence[Diagnosis]
) -> list[str]:
    """Each step in its lines, without the indentation that they have elsewhere; none twice. It is for the
    first of the group, and says for which names else it has to be taken."""
    steps = () if finding in printed else [step for step in finding.remedy if step and step not in printed]
    name, *others = dict.fromkeys(each.name for each in group)
    shared = _with_name(finding, name, "").remedy
    if others:
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        likewise = f"  (and the same for {', '.join(others[:NAMED])}{more})"
        steps = [step if step in shared else step + likewise for step in steps]
    return ["\n".join(line.strip() for line in step.splitlines()) for step in steps]


def _domain(diagnosis: Diagnosis) -> dict[str, Any]:
    way = diagnosis.delegation
    accounts = [{"name": each.name, "provider": each.provider} for each in diagnosis.accounts]
    return {
        "domain": diagnosis.domain,
        "name": diagnosis.name,
        "chain": list(way.chain),
        "zone": way.zone,
        "servers": [{"name": s.name, "addresses": [str(each) for each in s.addresses]} for s in way.servers],
        "account": accounts[0] if accounts else None,
        "accounts": accounts,
        "why": redact(diagnosis.why),
        "worst": diagnosis.worst.name.lower(),
        "findings": [
            {
                "check": check,
                "code": finding.code,
                "severity": finding.severity.name.lower(),
                "subject": redact(finding.subject),
                "message": redact("; ".join((finding.message, *finding.details))),
                "remedy": [redact(step) for step in finding.remedy if step],
            }
            for check, findings in diagnosis.findings.items()
            for finding in findings
        ],
    }
