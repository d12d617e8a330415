"""What ``dns01 doctor`` shows: a tree of the way to each record, and beneath it what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .... import output
from ....secret import redact
from ...dns.delegation import Delegation, Server
from .examine import Diagnosis
from .finding import Finding, Severity

STYLES = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
VERSION = 1


class Node(NamedTuple):
    """A line of the tree, and what hangs from it."""

    text: str
    beneath: tuple[Node, ...] = ()


def show(diagnosis: Diagnosis, said: set[Finding | Node]) -> None:
    """Print one domain: with colours on a terminal, as plain lines elsewhere.

    ``said``: what other domains have shown already, and is not shown again; what this one shows
    is added.
    """
    if sys.stdout.isatty():
        _coloured(diagnosis, said)
    else:
        print(redact("\n".join(_plain(diagnosis, said))), flush=True)
    said.update([tree(diagnosis), *_findings(diagnosis)])


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
    servers = tuple(map(_server, way.servers))
    leaves: tuple[Node, ...] = (Node(_zone(way), servers),) if servers else ()
    if account := diagnosis.account:
        leaves += (Node(f"account {output.account(account.name, account.provider)}: {diagnosis.why}"),)
    for target in reversed(way.chain[1:]):
        leaves = (Node(f"CNAME {target}", leaves),)
    return Node(way.name, leaves)


def _zone(way: Delegation) -> str:
    if way.zone:
        return f"zone {way.zone}"
    told = all(server.name == _addresses(server) for server in way.servers)
    return "servers named in the configuration" if told else "the root zone"


def _server(server: Server) -> Node:
    addresses = _addresses(server)
    return Node(server.name if server.name == addresses else f"{server.name}  {addresses}")


def _addresses(server: Server) -> str:
    return ", ".join(map(str, server.addresses)) or "no address"


def _findings(diagnosis: Diagnosis) -> list[Finding]:
    return [finding for findings in diagnosis.findings.values() for finding in findings]


def _verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.worst:
        return ""
    notes = " but for the notes above" if _findings(diagnosis) else ""
    return f"ok: nothing is in the way of a certificate for {diagnosis.domain}{notes}"


def _plain(diagnosis: Diagnosis, said: set[Finding | Node]) -> Iterator[str]:
    yield diagnosis.domain
    yield from _indented(_drawn(diagnosis, said), 1)
    for finding in _findings(diagnosis):
        yield f"  {finding.severity.name:7} {_headline(finding, said)}"
        for number, step in enumerate(_steps(finding, said), 1):
            first, *others = step.splitlines()
            yield f"       {number}. {first}"
            yield from (f"          {line}" for line in others)
    if verdict := _verdict(diagnosis):
        yield f"  {verdict}"
    yield ""


def _indented(node: Node, depth: int) -> Iterator[str]:
    yield "  " * depth + node.text
    for each in node.beneath:
        yield from _indented(each, depth + 1)


def _coloured(diagnosis: Diagnosis, said: set[Finding | Node]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    def grown(node: Node, root: Tree | None = None) -> Tree:
        text = Text(redact(node.text))
        branch = root.add(text) if root else Tree(text, guide_style="dim")
        for each in node.beneath:
            grown(each, branch)
        return branch

    console = Console(markup=False, highlight=False)
    console.print(Text(diagnosis.domain, "bold"))
    console.print(grown(_drawn(diagnosis, said)))
    findings = Table.grid(padding=(0, 1))
    findings.add_column(justify="right", width=max(len(severity.name) for severity in Severity))
    findings.add_column(overflow="fold")
    for finding in _findings(diagnosis):
        style = STYLES[finding.severity]
        severity = Text(finding.severity.name, style, justify="left")
        findings.add_row(severity, Text(redact(_headline(finding, said)), style))
        for number, step in enumerate(_steps(finding, said), 1):
            findings.add_row(f"{number}.", Text(redact(step)))
    console.print(findings)
    if verdict := _verdict(diagnosis):
        console.print(Text(verdict, "green"))
    console.print()


def _drawn(diagnosis: Diagnosis, said: set[Finding | Node]) -> Node:
    node = tree(diagnosis)
    return Node(f"{node.text}: as above") if node in said else node


def _headline(finding: Finding, said: set[Finding | Node]) -> str:
    if finding in said:
        return f"{finding.code}: as above"
    subject = "" if finding.subject in finding.message else f"{finding.subject}: "
    return f"{finding.code}: {subject}{finding.message}"


def _steps(finding: Finding, said: set[Finding | Node]) -> list[str]:
    """Each step in its lines, without the indentation that they have elsewhere."""
    steps = () if finding in said else filter(None, finding.remedy)
    return ["\n".join(line.strip() for line in step.splitlines()) for step in steps]


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
