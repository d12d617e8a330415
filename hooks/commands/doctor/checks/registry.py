"""All checks, in the order in which their findings are shown: from what is nearest to what is far."""

from __future__ import annotations

from collections.abc import Mapping

from ..finding import Check
from . import (
    account,
    caa,
    challenge_name,
    client,
    clock,
    configuration,
    dnssec,
    leftovers,
    placement,
    questions,
    resolvers,
    servers,
)

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
