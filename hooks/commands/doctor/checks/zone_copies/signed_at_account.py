"""A zone whose DNSSEC is broken at all of its public servers, and right where the account's updates go."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

from dns.rdatatype import RdataType

from ......errors import ConfigError
from .....config.validators import addresses
from .....dns.destination import Server
from .....dns.inspect.dnssec import Bogus, trusted_keys, validate, validate_answers
from .....dns.inspect.dnssec_remedies import as_elsewhere
from .....dns.inspect.server_answers import look_at
from .....dns.inspect.survey import Survey
from .....dns.message import Query
from .....dns.transports.transport import Transport
from ...finding import Examined
from ..subjects.account_copy import account_copies

TIMEOUT = 2.0  # seconds for the account's server


class Question(NamedTuple):
    """What the servers have been asked."""

    name: str
    rdtype: RdataType


def as_the_account(
    examined: Examined, survey: Survey, fault: Bogus, question: Question | None = None
) -> Bogus:
    """The fault, with the remedy for the public servers where the account's own server, which is none of
    them, has right what is broken at each of them; to sign the zone again would mend nothing then.
    ``question``: the one whose answer is broken, if it is not the zone's apex."""
    speaking = [look for look in survey.looks if look.authority]
    if len(fault.servers) < len(speaking):
        return fault
    public = {look.address.ip for look in survey.looks}
    for copy in account_copies(examined).found:
        if copy.zone != survey.apex or not copy.server or copy.server in public:
            continue
        with suppress(ConfigError):
            server = Server(copy.server, addresses([copy.server]))
            there = survey._replace(looks=look_at([server], survey.apex, timing=examined.discovery.timing))
            if _is_right(examined, there, question):
                remedy = as_elsewhere(
                    survey.apex, fault.servers, fault.reason, there.looks, f"{copy.label} has"
                )
                return fault._replace(remedy=remedy)
    return fault


def _is_right(examined: Examined, there: Survey, question: Question | None) -> bool:
    if trusted_keys(there, time.time()) is None or any(isinstance(each, Bogus) for each in validate(there)):
        return False
    if question is None:
        return True
    (look,) = there.looks
    query = Query(look.address, question.name, question.rdtype, dnssec=True)
    with Transport(examined.discovery.timing) as transport:
        answer = transport.ask([query], TIMEOUT)[query]
    return answer.authoritative and not validate_answers(there, *question, [(look, answer)])
