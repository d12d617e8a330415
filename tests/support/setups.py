"""Set-ups in a World of our own, each a function that builds one and gives its account's variables.

::

    @FAULTS.add("stale-secondary", "rndc retransfer")
    def a_secondary_that_fetches_nothing(site: Site) -> Mapping[str, str]: ...
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from calls import KEY
from examined import examine
from testbed import TIME_LIMIT, Bind, Key, PowerDNS, World, own
from testbed.nameserver import NameServer
from testbed.zone import Zone

from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.examine import HEAD_START, Diagnosis, diagnose
from dns01.hooks.commands.doctor.finding import Severity
from dns01.hooks.dns.timing import USUAL, Timing

NAME = "_acme-challenge.example.org"
ONE, TWO, THREE, FOUR = "127.1.0.1", "127.1.0.2", "127.1.0.3", "127.1.0.4"
BOTH = {"ns1.example.org": ONE, "ns2.example.org": TWO}
# Of servers that stay until their process ends.
EMBEDDED = (f"127.0.{net}.{last}" for net in range(53, 60) for last in range(10, 250))

# What answers here is in the process that asks: on a busy machine it takes its time.
HERE = USUAL._replace(again=1.5, zone_query=15.0, address_lookup=10.0)

Account = Mapping[str, str]


class Site:
    """example.org in a World, served by whatever a set-up starts. ``folder`` is all its own, and
    stands for the / of this machine."""

    def __init__(self, world: World, stack: ExitStack, folder: Path) -> None:
        self.world = world
        self.start = stack.enter_context
        self.folder = folder
        self.host = next(EMBEDDED)

    def updates(self, address: str, key: Key = KEY) -> dict[str, str]:
        """The account of a server that takes dynamic updates."""
        return {
            "DNS01_PROVIDER": "rfc2136",
            "RFC2136_NAMESERVER": address,
            "RFC2136_TSIG_KEY": key.name,
            "RFC2136_TSIG_SECRET": key.secret,
        }

    def embedded(self) -> dict[str, str]:
        """The account of nobody: the server of the hook itself."""
        return {
            "DNS01_PROVIDER": "standalone",
            "STANDALONE_ADDRESS": self.host,
            "STANDALONE_NS": "host.example.org",
            "STANDALONE_DIR": str(self.folder / "standalone"),
        }

    def powerdns(self, server: PowerDNS) -> dict[str, str]:
        """The account of a PowerDNS by its API."""
        url = server.url.removesuffix("/api/v1/servers/localhost")
        return {"DNS01_PROVIDER": "powerdns", "PDNS_API_KEY": server.api_key, "PDNS_API_URL": url}

    def acmedns(self) -> dict[str, str]:
        """The account of an acme-dns that has example.org at d420c923.auth.acmedns.net, and is not there."""
        entry = {"username": "u", "password": "p" * 40, "subdomain": "d420c923", "allowfrom": []}
        accounts = {"example.org": {**entry, "fulldomain": "d420c923.auth.acmedns.net"}}
        self.write("accounts.json", json.dumps(accounts), 0o600)
        return {
            "DNS01_PROVIDER": "acmedns",
            "ACME_DNS_API_BASE": "http://127.0.0.1:9",
            "ACME_DNS_STORAGE_PATH": str(self.folder / "accounts.json"),
        }

    def bind(self, address: str = ONE, zones: Mapping[str, str] | None = None) -> Bind:
        """A BIND whose zones take updates with KEY, and which the world finds at ns.example.org."""
        server = self.start(Bind(address, zones or {"example.org": ""}, [KEY]))
        self.world.delegate("example.org", {"ns.example.org": address})
        return server

    def copy(self, address: str, text: str, hosts: Mapping[str, str] = BOTH) -> NameServer:
        """A copy of example.org that has its own records, at a server of its own."""
        server = self.start(NameServer(address, zones=[Zone("example.org", text, dict(hosts))]))
        self.world.servers[address] = server
        return server

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of this machine."""
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def diagnose(
        self, domain: str, account: Account, head_start: float = HEAD_START, timing: Timing = HERE
    ) -> Diagnosis:
        """What all checks together find, however long it takes them on a busy machine."""
        state = str(self.folder / "state")
        variables = {"DNS01_CA": "letsencrypt", "DNS01_STATE_DIR": state, **account}
        examined = examine(self.world, domain, timing=timing, **variables)._replace(root=str(self.folder))
        return diagnose(examined, CHECKS, TIME_LIMIT, head_start)


class Fault(NamedTuple):
    """A set-up, what has to be found first in it, and words that the message or a step must have."""

    build: Callable[[Site], Account]
    code: str
    words: tuple[str, ...]
    severity: Severity
    domain: str

    @property
    def id(self) -> str:
        return self.build.__name__


class Faults(list[Fault]):
    """The faults of one kind."""

    def add(
        self, code: str, *words: str, severity: Severity = Severity.ERROR, domain: str = "example.org"
    ) -> Callable[[Callable[[Site], Account]], Callable[[Site], Account]]:
        """Register the set-up that a function builds."""

        def register(build: Callable[[Site], Account]) -> Callable[[Site], Account]:
            self.append(Fault(build, code, words, severity, domain))
            return build

        return register


def check_fault(site: Site, fault: Fault) -> None:
    """Build it, look, and compare: the true cause first, how grave it is, and the words to paste."""
    account = fault.build(site)
    found = site.diagnose(fault.domain, account).ordered
    shown = "\n".join(f"{each.severity.name} {each.code}: {each.message} {each.remedy}" for each in found)
    assert found, "nothing is found"
    assert (found[0].code, found[0].severity) == (fault.code, fault.severity), shown
    said = "\n".join((found[0].message, *found[0].remedy))
    assert [words for words in fault.words if words not in said] == [], shown


@contextmanager
def site_at(folder: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack.enter_context(World()), stack, folder)


class RawBind(Bind):
    """A BIND with the zone clauses of the test's own; ``texts``: zone files by the apex, which
    ``{path}`` stands for in a clause. It is ready once it answers anything."""

    def __init__(
        self, address: str, clauses: Sequence[str], texts: Mapping[str, str], options: str = ""
    ) -> None:
        super().__init__(address, texts, [KEY], extra_options=options)
        self._clauses = clauses

    def prepare(self) -> list[str]:
        command = super().prepare()
        conf = self.folder / "named.conf"
        text = conf.read_text()
        start = text.find('zone "', text.index("controls {"))  # beyond the options, which may name zones
        paths = {apex: self.folder / f"{apex}.zone" for apex in self._zones}
        clauses = "\n".join(self._clauses)
        for apex, path in paths.items():
            clauses = clauses.replace(f"{{{apex}}}", str(path))
        conf.write_text(
            (text[:start] if start >= 0 else text) + clauses.replace("{folder}", str(self.folder))
        )
        return command

    def is_ready(self) -> bool:
        from testbed.process import is_listening

        return is_listening(self.address, self.port)


def owned(*addresses: str) -> None:
    """Addresses that a server will listen at which looks at the interfaces."""
    for address in addresses:
        own(address)
