"""CAA before anything is published: a CA that may not issue need not be asked.

The records come from authoritative servers: a resolver would remember that there is nothing beneath
a name that is about to get a record.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

import dns.name
import dns.rdataclass
import dns.rdatatype

from ... import output
from ...errors import CaaForbids, DelegationError
from ...names import ancestors, canonical
from ...threads import Result
from ..clients.call import Call
from ..clients.challenge import Challenge
from ..dns.cname_chain import CNAME_LIMIT, Discovery
from ..dns.message import alias_of
from .evaluation import CaaRRset, CannotTell, Verdict, check
from .issuers import Issuer, is_public

CAA = dns.rdatatype.CAA
WORKERS = 8
CAA_TIMEOUT = 5.0  # seconds for the records of all names; what is not known by then stays unknown
NAMES_SHOWN = 3  # of the names, and of the reasons


class Lookups:
    """The CAA records at names and at all that is above them, each looked up once, in parallel.

    Calling it with one of those owner names waits for its records, until ``seconds`` after the
    start. Raises CannotTell; not so above the zones of servers that the configuration names, which
    need not answer there.
    """

    def __init__(self, discovery: Discovery, names: Iterable[str], seconds: float = CAA_TIMEOUT) -> None:
        self._discovery = discovery
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        owners = {owner for name in names for owner in ancestors(name.removeprefix("*."))}
        self._found: dict[str, Result[CaaRRset]] = {owner: Result() for owner in owners}
        self._queue: SimpleQueue[str] = SimpleQueue()
        for owner in sorted(owners, key=lambda owner: owner.count(".")):  # zone cuts first
            self._queue.put(owner)
        for _ in range(min(WORKERS, len(owners))):
            # daemons: a server that is silent must not keep the call from its end
            threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, owner: str) -> CaaRRset:
        try:
            return self._found[owner].wait(max(0, self._until - time.monotonic()))
        except TimeoutError:
            unknown = CannotTell(owner, f"there was no answer within {self._seconds:g} s")
        except CannotTell as error:
            unknown = error
        if self._discovery.private and not self._discovery.known_zone(owner):
            return CaaRRset(owner)
        raise unknown

    def _work(self) -> None:
        while time.monotonic() < self._until:
            try:
                owner = self._queue.get_nowait()
            except Empty:
                return
            self._found[owner].come_from(partial(records_at, self._discovery, owner))


def records_at(discovery: Discovery, owner: str) -> CaaRRset:
    """The CAA records of a name, CNAMEs followed (RFC 8659 §3); for names beneath a DNAME, servers
    make up a CNAME (RFC 6672 §3.1). Raises CannotTell."""
    chain = [owner]
    while len(chain) <= CNAME_LIMIT + 1 and chain[-1] not in chain[:-1]:
        try:
            reply = discovery.ask(chain[-1], CAA)
        except DelegationError as error:
            *led, last = chain
            raise CannotTell(last, str(error), led, discovery.known_zone(last)) from None
        name = dns.name.from_text(chain[-1])
        if rrset := reply.get_rrset(reply.answer, name, dns.rdataclass.IN, CAA):
            return CaaRRset(chain[-1], tuple(rrset))
        alias = alias_of(reply, chain[-1])
        if not alias:
            return CaaRRset(chain[-1])
        chain.append(alias)
    raise CannotTell(owner, f"the CNAMEs have no end: {' -> '.join(chain)}")


def is_binding(issuer: Issuer, discovery: Discovery) -> bool:
    """Whether the CA is sure to go by the records that are found: of those of a private zone, a CA that
    is known to hold by CAA; one of somebody's own may see others, or heed none."""
    return not discovery.private or is_public(issuer)


def preflight(
    call: Call,
    names: set[str],
    issuer: Issuer,
    discovery: Discovery,
    seconds: float = CAA_TIMEOUT,
) -> None:
    """Ask within ``seconds`` whether the CA may issue for what the call is about, as far as ``names`` go
    (challenge names); what is doubtful is warned about, and all of it where the CA may see other records
    or heed none.

    Raises CaaForbids, with the records to add, where the CA is sure to refuse.
    """
    subjects = list(_subjects(call, names))
    identifiers = [identifier for each in subjects for identifier in each.identifiers]
    lookups = Lookups(discovery, identifiers, seconds)
    binding = is_binding(issuer, discovery)
    refused: list[Verdict] = []
    doubtful: list[Verdict] = []
    for subject in subjects:
        verdicts = [check(identifier, issuer, lookups) for identifier in subject.identifiers]
        forbidden = [verdict for verdict in verdicts if verdict.outcome == "forbidden"]
        doubtful += [verdict for verdict in verdicts if verdict.outcome == "unknown"]
        sure = (subject.all_of_them or len(forbidden) == len(verdicts)) and binding
        (refused if sure and not subject.hearsay else doubtful).extend(forbidden)
    if refused:
        raise _forbids(refused)
    reasons = _by_reason(doubtful)
    for reason, verdicts in [*reasons.items()][:NAMES_SHOWN]:
        output.warning(f"the CA may refuse {_listed(verdicts)}: {reason}")
        output.table(verdicts[0].remedy)
    if len(reasons) > NAMES_SHOWN:
        output.warning(
            f"and {len(reasons) - NAMES_SHOWN} more names or groups of them, for reasons of that kind"
        )


class _Subject(NamedTuple):
    """What the certificate may be for, by one domain of the call: ``all_of_them``, or else at least
    one of the identifiers. ``hearsay``: the domain itself is a guess."""

    identifiers: tuple[str, ...]
    all_of_them: bool
    hearsay: bool = False


def _subjects(call: Call, names: set[str]) -> Iterator[_Subject]:
    """Clients name a wildcard by its bare domain. One may say what the certificate is for; and
    a domain that has two challenges has one for its wildcard."""
    challenges = [challenge for challenge in dict.fromkeys(call.challenges) if challenge.name in names]
    counted = Counter(map(canonical, call.run_names or (challenge.domain for challenge in challenges)))
    for domain, challenge in {canonical(challenge.domain): challenge for challenge in challenges}.items():
        if domain.startswith("*."):
            yield _Subject((domain,), True)
            continue
        both = (domain, f"*.{domain}")
        known = tuple(identifier for identifier in both if identifier in call.identifiers)
        yield _Subject(known or both, bool(known) or counted[domain] > 1, _is_hearsay(challenge))


def _is_hearsay(challenge: Challenge) -> bool:
    """lego's default form may give the target of a CNAME in place of the name itself."""
    return bool(challenge.owner)


def _forbids(verdicts: Sequence[Verdict]) -> CaaForbids:
    reasons = [f"{_listed(some)}: {reason}" for reason, some in _by_reason(verdicts).items()]
    more = f"; and {len(reasons) - NAMES_SHOWN} more" if len(reasons) > NAMES_SHOWN else ""
    steps = dict.fromkeys(step for verdict in verdicts for step in verdict.remedy)
    return CaaForbids(f"the CA would refuse {'; '.join(reasons[:NAMES_SHOWN])}{more}", "\n      ".join(steps))


def _by_reason(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    by_reason: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_reason.setdefault(verdict.reason, []).append(verdict)
    return by_reason


def _listed(verdicts: Sequence[Verdict]) -> str:
    names = [verdict.identifier for verdict in verdicts]
    return ", ".join(names[:NAMES_SHOWN]) + (
        f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    )
