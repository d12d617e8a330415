"""All checks, in the order in which their findings are shown: from what is nearest to what is far."""

from __future__ import annotations

from collections.abc import Mapping

from . import Check, caa, client, clock, configuration, delegation, dnssec, leftovers, scope, servers, views

CHECKS: Mapping[str, Check] = {
    "configuration": configuration.check,
    "scope": scope.check,
    "delegation": delegation.check,
    "servers": servers.check,
    "dnssec": dnssec.check,
    "views": views.check,
    "caa": caa.check,
    "leftovers": leftovers.check,
    "client": client.check,
    "clock": clock.check,
}
