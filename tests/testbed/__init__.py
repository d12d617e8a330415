"""The test bed: name servers, resolvers and a CA on loopback, independent of what they test.

Everything is a context manager and lives in the network namespace of the test process, where
port 53 of every 127.x.y.z is free and nothing can leave the machine::

    from testbed import Bind, Key, Knot, NameServer, Pebble, World

    def test_it() -> None:
        with World() as world:
            zone = world.zone("example.org", {"ns1.example.org": "127.1.0.1"}, "www A 192.0.2.1")
            zone.set("_acme-challenge.example.org", "TXT", "value")
            zone.servers[0].lag = 20
"""

from .doh import Doh
from .nameserver import NameServer, Question, RateLimit
from .netns import own
from .pebble import Pebble
from .process import TIME_LIMIT
from .servers import Asked, Bind, Key, Knot, PowerDNS, Unbound
from .world import HostedZone, World
from .zone import Zone

__all__ = [
    "TIME_LIMIT",
    "Asked",
    "Bind",
    "Doh",
    "HostedZone",
    "Key",
    "Knot",
    "NameServer",
    "Pebble",
    "PowerDNS",
    "Question",
    "RateLimit",
    "Unbound",
    "World",
    "Zone",
    "own",
]
