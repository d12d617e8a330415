"""The challenge name at every server of its zone: do they all lead the same way?

One that has a CNAME or a delegation there, where another has none, sends some of a CA's questions
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .....names import PREFIX
from ....dns.inspect.faults import server_faults
from ....dns.inspect.server_answers import Look
from ....dns.inspect.survey import Survey
from ....dns.message import TXT, Response, alias_of, apex_of, hosts_in, referral_to
from ..finding import Examined, Finding, Severity
from ._ca_queries import asking
from ._zones import zone_of


class _Path(NamedTuple):
    """Where one server leads: to another name, to the servers of a child zone, or nowhere else."""

    alias: str = ""
    child: tuple[str, ...] = ()


def check(examined: Examined) -> Iterator[Finding]:
    """Compare the servers of the zone that the domain itself is in."""
    if examined.settings.nameservers_for(examined.name):
        return
    survey = zone_of(examined, examined.name.removeprefix(PREFIX))
    if survey is None or len(survey.looks) < 2 or any(server_faults(survey)):
        return  # of which the servers' own check says what is wrong with their copies
    asked = asking(examined, survey, examined.name, TXT).result()
    found = {address: _path(answer, survey.apex, examined.name) for address, answer in asked.items()}
    paths = [(look, path) for look in survey.looks if (path := found.get(look.address)) is not None]
    if len({path for _, path in paths}) > 1:
        yield _one_sided(survey, examined.name, paths)


def _path(answer: Response, apex: str, name: str) -> _Path | None:
    """None where that does not show: a server of both zones answers for the child at once."""
    message = answer.message
    if message is None:
        return None
    if (referral := referral_to(message, apex, name)) is not None:
        return _Path(child=hosts_in(referral))
    if alias := alias_of(message, name):
        return _Path(alias)
    if not answer.authoritative:
        return None
    return _Path() if message.answer or apex_of(message) == apex else None


def _one_sided(survey: Survey, name: str, paths: Sequence[tuple[Look, _Path]]) -> Finding:
    every = [path for _, path in paths]
    counted = sorted(set(every), key=lambda path: (-every.count(path), not any(path)))
    odd = counted[-1] if any(counted[-1]) else counted[0]
    hosts = ", ".join(str(look) for look, path in paths if path == odd)
    others = ", ".join(str(look) for look, path in paths if path != odd)
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
            f"or have all servers of {survey.apex} fetch the same zone: rndc retransfer {survey.apex}",
        ),
    )
