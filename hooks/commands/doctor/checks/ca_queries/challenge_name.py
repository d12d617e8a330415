"""The challenge name at every server of its zone: do they all lead the same way?

One that has a CNAME or a delegation there, where another has none, sends some of a CA's questions
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ......names import PREFIX
from ......providers.base import is_within
from .....dns.inspect.faults import listed, retransfer, server_faults
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import TXT, Response, alias_of, apex_of, hosts_in, referral_to, text
from ...finding import Examined, Finding, Severity
from ...wording import deletion
from ..subjects.answers import asking
from ..subjects.zones import zone_of


class _Path(NamedTuple):
    """Where one server leads: to another name, to the servers of a child zone (at ``cut``), into a child zone
    (``zone``) that it has itself, or nowhere else."""

    alias: str = ""
    child: tuple[str, ...] = ()
    zone: str = ""
    cut: str = ""


def check(examined: Examined) -> Iterator[Finding]:
    """Compare the servers of the zone that the domain itself is in, and those of the zone above: of a child
    that nobody delegates, it is chance whose servers are found to be the domain's."""
    if examined.settings.nameservers_for(examined.name):
        return
    own = zone_of(examined, examined.name.removeprefix(PREFIX))
    above = zone_of(examined, own.apex.partition(".")[2]) if own else None
    for survey in (own, above):
        if survey is None or len(survey.answers) < 2:
            continue
        late = survey is own and any(server_faults(survey))
        asked = asking(examined, survey, examined.name, TXT).result()
        found = {address: _path(answer, survey.apex, examined.name) for address, answer in asked.items()}
        paths = [
            (server, path) for server in survey.answers if (path := found.get(server.address)) is not None
        ]
        if late or survey is above:
            usual = _delegating(examined.name.removeprefix(PREFIX), paths)
            if usual and (lacking := [server for server, path in paths if path != usual and not path.zone]):
                yield _undelegated(survey, usual, lacking)
                return
        if late:
            continue  # of which the servers' own check says what is wrong with their copies
        if any(path.child for _, path in paths):  # a server of both zones answers for the child at once
            paths = [(server, path) for server, path in paths if not path.zone]
        if len({path for _, path in paths}) > 1:
            yield _one_sided(survey, examined.name, paths)
            return


def _delegating(name: str, paths: Sequence[tuple[ServerAnswers, _Path]]) -> _Path | None:
    """How most of the servers delegate a zone that the name is in, where any does."""
    found = [path for _, path in paths if path.cut and is_within(name, path.cut)]
    return max(found, key=found.count, default=None)


def _undelegated(survey: ZoneSurvey, usual: _Path, servers: Sequence[ServerAnswers]) -> Finding:
    others = [server for server in survey.answers if server.authority and server not in servers]
    serials = {server.serial for server in survey.answers if server.authority}
    behind = f", with the serial {servers[0].serial}" if len(serials) > 1 else ""
    return Finding(
        "one-sided-child",
        Severity.ERROR,
        usual.cut,
        f"{listed(servers)} does not delegate {usual.cut} to {', '.join(usual.child)}, as {listed(others)} "
        f"does{behind}: a CA that comes there hears a no, or is led elsewhere",
        (
            f"have all servers of {survey.apex} fetch the same zone: {retransfer(survey.apex)}",
            f"compare: dig NS {usual.cut} +norec @{servers[0].address.ip}",
        ),
    )


def _path(answer: Response, apex: str, name: str) -> _Path | None:
    """None where that does not show."""
    message = answer.message
    if message is None:
        return None
    if (referral := referral_to(message, apex, name)) is not None:
        return _Path(child=hosts_in(referral), cut=text(referral.name))
    if alias := alias_of(message, name):
        return _Path(alias)
    if not answer.authoritative:
        return None
    inner = apex_of(message)
    if inner != apex and inner and is_within(inner, apex):
        return _Path(zone=inner)
    return _Path() if message.answer or inner == apex else None


def _one_sided(survey: ZoneSurvey, name: str, paths: Sequence[tuple[ServerAnswers, _Path]]) -> Finding:
    every = [path for _, path in paths]
    counted = sorted(set(every), key=lambda path: (-every.count(path), not any(path)))
    odd = next((path for path in counted if path.zone), counted[-1] if any(counted[-1]) else counted[0])
    hosts = ", ".join(str(server) for server, path in paths if path == odd)
    others = ", ".join(str(server) for server, path in paths if path != odd)
    if odd.zone:
        return Finding(
            "one-sided-child",
            Severity.ERROR,
            name,
            f"{hosts} has a zone {odd.zone} of its own, which {survey.apex} does not delegate, and answers "
            f"from it for {name}; {others} has not: a CA is led to one place or the other",
            (
                f"delete the zone {odd.zone} at {hosts}, if it is an old one: {deletion(odd.zone)}",
                f"or delegate it: in {survey.apex}, write {odd.zone}. NS with the servers that have it",
            ),
        )
    what = f"a CNAME to {odd.alias}" if odd.alias else f"a delegation to {', '.join(odd.child)}"
    record = f"{name}. CNAME {odd.alias}." if odd.alias else f"{name}. NS {', '.join(odd.child)}"
    return Finding(
        "one-sided-cname" if odd.alias else "one-sided-child",
        Severity.ERROR,
        name,
        f"{hosts} has {what} at {name}, and {others} has not, with the same serial of {survey.apex}: a CA is "
        "led to one place or the other",
        (
            f"remove it, if it is an old one, at {hosts}: {record}",
            f"or have all servers of {survey.apex} fetch the same zone: {retransfer(survey.apex)}",
        ),
    )
