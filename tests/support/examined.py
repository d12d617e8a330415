"""A domain of a World of our own, as the checks of ``dns01 doctor`` get to see it.

::

    found = codes(servers.check(examine(world, "example.org")))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from testbed import Doh, Unbound, World
from testbed.doh import trust
from testbed.firewall import WORLD

from dns01.hooks.challenge.placement import Placements
from dns01.hooks.clients.challenge import owner_name
from dns01.hooks.commands.doctor.checks.subjects.credentials import open_credible
from dns01.hooks.commands.doctor.finding import Examined, Finding
from dns01.hooks.config.load import load_settings
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.timing import USUAL, Timing

IMPATIENT = USUAL._replace(zone_query=2.0)  # for worlds of which some servers are silent


def examine(
    world: World, domain: str, zones: str = "example.org", *, timing: Timing = USUAL, **environ: str
) -> Examined:
    """With one account, which has ``zones``; the variables are added to the configuration."""
    variables = {
        "DNS01_PROVIDER": "memory",
        "DNS01_MEMORY_ZONES": zones,
        "DNS01_RESOLVERS": world.resolver.address,
        **environ,
    }
    settings = replace(load_settings(variables), timing=timing)
    discovery = Discovery(settings.resolvers, timing=timing)
    return Examined(
        domain, owner_name(domain), settings, Placements(settings, open_credible), discovery, variables
    )


@contextmanager
def https_open(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doh]:
    """A DoH endpoint that works whatever becomes of port 53."""
    ca = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust(ca, folder / "ca.pem"))
    way_out = f"outgoing-interface: {WORLD}"
    with (
        Unbound("127.0.0.61", 5353, root_hints=world.root_hints, extra_options=way_out) as behind,
        Doh("127.0.0.55", behind.address, ca, port=behind.port) as doh,
    ):
        yield doh


def codes(findings: Iterable[Finding]) -> list[str]:
    """The codes alone."""
    return [finding.code for finding in findings]
