"""A zone whose DNSSEC is broken at all of its public servers, and right where the account's updates go."""

from __future__ import annotations

import time
from typing import NamedTuple

from dns.rdatatype import RdataType

from .....dns.destination import Server
from .....dns.inspect.dnssec import Bogus, trusted_keys, validate, validate_answers
from .....dns.inspect.dnssec_remedies import as_elsewhere
from .....dns.inspect.server_answers import query_servers
from .....dns.inspect.zone_survey import ZoneSurvey
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
    examined: Examined, survey: ZoneSurvey, fault: Bogus, question: Question | None = None
) -> Bogus:
    """The fault, with the remedy for the public servers where the account's own server, which is none of
    them, has right what is broken at each of them; to sign the zone again would mend nothing then.
    ``question``: the one whose answer is broken, if it is not the zone's apex."""
    speaking = [each for each in survey.answers if each.authority]
    if len(fault.servers) < len(speaking):
        return fault
    public = {each.address.ip for each in survey.answers}
    for copy in account_copies(examined).found:
        if copy.zone != survey.apex or not copy.server or copy.server in public:
            continue
        server = Server(copy.server, copy.host.addresses[:1])
        at_account = survey._replace(
            answers=query_servers([server], survey.apex, timing=examined.discovery.timing)
        )
        if _is_right(examined, at_account, question):
            remedy = as_elsewhere(
                survey.apex, fault.servers, fault.reason, at_account.answers, f"{copy.label} has"
            )
            return fault._replace(remedy=remedy)
    return fault


def _is_right(examined: Examined, at_account: ZoneSurvey, question: Question | None) -> bool:
    if trusted_keys(at_account, time.time()) is None or any(
        isinstance(each, Bogus) for each in validate(at_account)
    ):
        return False
    if question is None:
        return True
    (server,) = at_account.answers
    query = Query(server.address, question.name, question.rdtype, dnssec=True)
    with Transport(examined.discovery.timing) as transport:
        answer = transport.ask([query], TIMEOUT)[query]
    return answer.authoritative and not validate_answers(at_account, *question, [(server, answer)])
