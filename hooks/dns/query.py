"""Asks several servers the same thing, until one of them says something useful."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

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
) -> dns.message.Message:
    """The first useful answer; the next server is asked as soon as one keeps us waiting.

    Useful is what comes with authority, or is a referral from ``zone`` downwards; of a resolver,
    any record. Raises Silence.
    """
    unasked = list(servers)
    useless: dict[Address, Answer] = {}
    until = time.monotonic() + PATIENCE
    with Wire() as wire:
        while (unasked or wire.busy) and time.monotonic() < until:
            if unasked:
                wire.send([Question(unasked.pop(0), name, rdtype, recurse, dnssec=not recurse)])
            for question, answer in wire.collect(HEDGE if unasked else until - time.monotonic()):
                message = answer.message
                if message and (answer.authoritative or (recurse and message.answer)):
                    return message
                if message and not recurse and referral_to(message, zone, name):
                    return message
                if message and not recurse and message.flags & dns.flags.AA and alias_of(message, name):
                    return message  # BIND gives CNAMEs that go round in a circle with a SERVFAIL
                useless[question.server] = answer
    raise _silence(servers, useless)


def _silence(servers: Sequence[Address], useless: Mapping[Address, Answer]) -> Silence:
    said = [f"{server}: {useless[server].words if server in useless else 'no answer'}" for server in servers]
    spoken = [answer for answer in useless.values() if answer.message is not None]
    intercepted = bool(spoken) and all(answer.like_a_resolver for answer in spoken)
    return Silence("; ".join(said) or "it has no address", mute=not spoken, intercepted=intercepted)


def gather(
    servers: Mapping[str, Sequence[Address]], found: dict[str, set[Address]], *, recurse: bool
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
            Question(server, host, rdtype, recurse) for host, rdtype in untold for server in servers[host][:2]
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
