"""Asks several servers the same thing, until one of them says something useful."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

import dns.flags
import dns.message
import dns.rdatatype

from .message import Address, Answer, Question
from .replies import AAAA, A, addresses_in, alias_of, referral_to
from .transport import Wire

HEDGE = 0.4  # seconds until the next server is asked as well
PATIENCE = 5.0  # seconds for one question to all the servers of a zone
LOOKUP = 3.0  # seconds for the addresses of its servers


class Silence(Exception):
    """No server gave a useful answer; says what each one did.

    ``mute``: nobody said anything. ``intercepted``: whoever did answered like a resolver.
    """

    def __init__(self, words: str, *, mute: bool, intercepted: bool = False) -> None:
        super().__init__(words)
        self.mute = mute
        self.intercepted = intercepted


def first(
    servers: Sequence[Address],
    name: str,
    rdtype: dns.rdatatype.RdataType,
    *,
    zone: str = "",
    recurse: bool = False,
    deaf: set[Address] | None = None,
    mute: set[Address] | None = None,
) -> dns.message.Message:
    """The first useful answer; more servers are asked, ever more of them, as soon as those that were
    keep us waiting, and over TCP as well.

    Useful is what comes with authority, or is a referral from ``zone`` downwards; of a resolver,
    any record. ``deaf``: the servers that are known to answer over TCP alone; those that turn out
    to be so are added. ``mute`` gets those that said nothing for a while. Raises Silence.
    """
    deaf = set() if deaf is None else deaf
    batches = _batches(servers, deaf)
    useless: dict[Address, Answer] = {}
    asked: dict[Address, float] = {}
    until = time.monotonic() + PATIENCE
    with Wire() as wire:
        while (batches or wire.busy) and time.monotonic() < until:
            if batches:
                batch = [
                    Question(server, name, rdtype, recurse, dnssec=not recurse, stream=stream)
                    for server, stream in batches.pop(0)
                    if server not in useless or not useless[server].message
                ]
                wire.send(batch)
                for question in batch:
                    asked.setdefault(question.server, time.monotonic())
            if not wire.busy:
                continue
            for question, answer in wire.collect(HEDGE if batches else until - time.monotonic()):
                if _is_useful(question, answer, zone):
                    if question.stream and question.server not in useless:
                        deaf.add(question.server)  # its datagram is still on its way
                    if mute is not None:
                        mute |= {
                            each for each, since in asked.items() if time.monotonic() - since > HEDGE * 2
                        }
                        mute.discard(question.server)
                    assert answer.message is not None
                    return answer.message
                if answer.message:
                    asked.pop(question.server, None)
                if answer.message or question.server not in useless:
                    useless[question.server] = answer
    raise _silence(servers, useless)


def _batches(servers: Sequence[Address], deaf: set[Address]) -> list[list[tuple[Address, bool]]]:
    """Whom to ask at each step, and whether over TCP: one, one more, then twice as many each time."""
    first_try = [(server, server in deaf) for server in servers]
    sizes, batches = [1, 1, 2, 4], []
    while first_try:
        size = sizes.pop(0) if sizes else len(first_try)
        batches.append(first_try[:size])
        first_try = first_try[size:]
    streams = [(server, True) for server in servers if server not in deaf]
    batches.insert(2, streams[:2])
    return [*batches, streams[2:]]


def _is_useful(question: Question, answer: Answer, zone: str) -> bool:
    message = answer.message
    if message is None:
        return False
    if answer.authoritative or (question.recurse and message.answer):
        return True
    if question.recurse:
        return False
    if referral_to(message, zone, question.name):
        return True
    # BIND gives CNAMEs that go round in a circle with a SERVFAIL.
    return bool(message.flags & dns.flags.AA and alias_of(message, question.name))


def _silence(servers: Sequence[Address], useless: Mapping[Address, Answer]) -> Silence:
    said = [f"{server}: {useless[server].words if server in useless else 'no answer'}" for server in servers]
    spoken = [answer for answer in useless.values() if answer.message is not None]
    intercepted = bool(spoken) and all(answer.like_a_resolver for answer in spoken)
    return Silence("; ".join(said) or "it has no address", mute=not spoken, intercepted=intercepted)


def gather(
    servers: Mapping[str, Sequence[Address]],
    found: dict[str, set[Address]],
    *,
    recurse: bool,
    deaf: Collection[Address] = (),
) -> set[str]:
    """Add the addresses of each host to ``found``; gives the hosts that somebody could speak for.

    The first of a host's servers that tells is enough: another may be an address that swallows
    everything.
    """
    told = set()
    untold = {(host, rdtype) for host in servers for rdtype in (A, AAAA)}
    until = time.monotonic() + LOOKUP
    with Wire() as wire:
        wire.send(
            Question(server, host, rdtype, recurse, stream=server in deaf)
            for host, rdtype in untold
            for server in servers[host][:2]
        )
        while untold and wire.busy and (left := until - time.monotonic()) > 0:
            for question, answer in wire.collect(left):
                if answer.message is not None and (recurse or answer.authoritative):
                    told.add(question.name)
                    untold.discard((question.name, question.rdtype))
                    found[question.name] |= {
                        a for rrset in answer.message.answer for a in addresses_in(rrset)
                    }
    return told
