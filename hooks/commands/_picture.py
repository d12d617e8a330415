"""What ``dns01 doctor`` shows: a tree of the way to each record, and beneath it what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ...secret import redact
from ..checks import Finding, Severity
from ..checks.diagnosis import Diagnosis
from ..delegation import Server

STYLES = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
VERSION = 1


class Node(NamedTuple):
    """A line of the tree, and what hangs from it."""

    text: str
    beneath: tuple[Node, ...] = ()


def show(diagnosis: Diagnosis, said: set[Finding]) -> None:
    """Print one domain: with colours on a terminal, as plain lines elsewhere.

    ``said``: what other domains have shown already, and needs no second explanation; this
    domain's findings are added.
    """
    if sys.stdout.isatty():
        _coloured(diagnosis, said)
    else:
        print(redact("\n".join(_plain(diagnosis, said))), flush=True)
    said.update(_findings(diagnosis))


def document(diagnoses: Iterable[Diagnosis]) -> dict[str, Any]:
    """The same for programs: docs/doctor.schema.json describes it."""
    every = list(diagnoses)
    worst = max((diagnosis.worst for diagnosis in every), default=Severity.NOTE)
    return {
        "version": VERSION,
        "worst": worst.name.lower(),
        "domains": [_domain(diagnosis) for diagnosis in every],
    }


def tree(diagnosis: Diagnosis) -> Node:
    """The challenge name, every CNAME's target, the zone, and its servers."""
    way = diagnosis.delegation
    zone = f"zone {way.zone}" if way.zone else "servers named in the configuration"
    leaves: tuple[Node, ...] = (Node(zone, tuple(map(_server, way.servers))),) if way.servers else ()
    if account := diagnosis.account:
        kind = f" ({account.provider})" if account.provider != account.name else ""
        leaves += (Node(f"account {account.name}{kind}: {diagnosis.why}"),)
    for target in reversed(way.chain[1:]):
        leaves = (Node(f"CNAME {target}", leaves),)
    return Node(way.name, leaves)


def _server(server: Server) -> Node:
    addresses = ", ".join(map(str, server.addresses)) or "no address"
    return Node(server.name if server.name == addresses else f"{server.name}  {addresses}")


def _findings(diagnosis: Diagnosis) -> list[Finding]:
    return [finding for findings in diagnosis.findings.values() for finding in findings]


def _verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.worst:
        return ""
    notes = " but for the notes above" if _findings(diagnosis) else ""
    return f"ok: nothing is in the way of a certificate for {diagnosis.domain}{notes}"


def _plain(diagnosis: Diagnosis, said: set[Finding]) -> Iterator[str]:
    yield diagnosis.domain
    yield from _indented(tree(diagnosis), 1)
    for finding in _findings(diagnosis):
        yield f"  {_headline(finding)}"
        yield from (f"       {step}" for step in _steps(finding, said))
    if verdict := _verdict(diagnosis):
        yield f"  {verdict}"
    yield ""


def _indented(node: Node, depth: int) -> Iterator[str]:
    yield "  " * depth + node.text
    for each in node.beneath:
        yield from _indented(each, depth + 1)


def _coloured(diagnosis: Diagnosis, said: set[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    def grown(node: Node, root: Tree | None = None) -> Tree:
        text = Text(redact(node.text))
        branch = root.add(text) if root else Tree(text, guide_style="dim")
        for each in node.beneath:
            grown(each, branch)
        return branch

    console = Console(markup=False, highlight=False, soft_wrap=True)
    console.print(Text(diagnosis.domain, "bold"))
    console.print(grown(tree(diagnosis)))
    for finding in _findings(diagnosis):
        console.print(Text(redact(_headline(finding)), STYLES[finding.severity]))
        for step in _steps(finding, said):
            console.print(Text(f"     {redact(step)}"))
    if verdict := _verdict(diagnosis):
        console.print(Text(verdict, "green"))
    console.print()


def _headline(finding: Finding) -> str:
    subject = "" if finding.message.startswith(finding.subject) else f"{finding.subject}: "
    return f"{finding.severity.name:7} {finding.code}: {subject}{finding.message}"


def _steps(finding: Finding, said: set[Finding]) -> list[str]:
    if finding in said:
        return ["as above"]
    lines = []
    for number, step in enumerate(filter(None, finding.remedy), 1):
        first, *others = step.splitlines()
        lines += [f"{number}. {first}", *(f"   {line.strip()}" for line in others)]
    return lines


def _domain(diagnosis: Diagnosis) -> dict[str, Any]:
    way, account = diagnosis.delegation, diagnosis.account
    return {
        "domain": diagnosis.domain,
        "name": diagnosis.name,
        "chain": list(way.chain),
        "zone": way.zone,
        "servers": [{"name": s.name, "addresses": [str(each) for each in s.addresses]} for s in way.servers],
        "account": {"name": account.name, "provider": account.provider} if account else None,
        "why": redact(diagnosis.why),
        "worst": diagnosis.worst.name.lower(),
        "findings": [
            {
                "check": check,
                "code": finding.code,
                "severity": finding.severity.name.lower(),
                "subject": redact(finding.subject),
                "message": redact(finding.message),
                "remedy": [redact(step) for step in finding.remedy if step],
            }
            for check, findings in diagnosis.findings.items()
            for finding in findings
        ],
    }
