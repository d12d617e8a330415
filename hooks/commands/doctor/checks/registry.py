"""All checks, in the order in which their findings are shown: from what is nearest to what is far."""

from __future__ import annotations

from collections.abc import Mapping

from ..finding import Check
from . import account, clock, configuration, leftovers, placement, resolvers
from .ca_queries import caa, challenge_name, dnssec, questions
from .clients import check as client
from .name_servers import check as servers

CHECKS: Mapping[str, Check] = {
    "configuration": configuration.check,
    "delegation": placement.check,
    "scope": account.check,
    "path": challenge_name.check,
    "servers": servers.check,
    "questions": questions.check,
    "dnssec": dnssec.check,
    "views": resolvers.check,
    "caa": caa.check,
    "leftovers": leftovers.check,
    "client": client.check,
    "clock": clock.check,
}
