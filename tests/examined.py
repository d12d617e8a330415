"""A domain of a World of our own, as the checks of ``dns01 doctor`` get to see it.

::

    found = codes(servers.check(examine(world, "example.org")))
"""

from __future__ import annotations

from collections.abc import Iterable

from testbed import World

from dns01.hooks import config
from dns01.hooks.challenge import owner_name
from dns01.hooks.checks import Examined, Finding
from dns01.hooks.delegation import Discovery
from dns01.hooks.place import Places


def examine(world: World, domain: str, zones: str = "example.org", **environ: str) -> Examined:
    """With one account, which has ``zones``; the variables are added to the configuration."""
    variables = {
        "DNS01_PROVIDER": "memory",
        "DNS01_MEMORY_ZONES": zones,
        "DNS01_RESOLVERS": world.resolver.address,
        **environ,
    }
    settings = config.load(variables)
    discovery = Discovery(settings.resolvers)
    return Examined(domain, owner_name(domain), settings, Places(settings), discovery, variables)


def codes(findings: Iterable[Finding]) -> list[str]:
    """The codes alone."""
    return [finding.code for finding in findings]
