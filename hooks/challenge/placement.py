"""Where each name's record goes: the zone that the DNS leads to, and the account that has this zone."""

from __future__ import annotations

import re
import socket
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from ... import output
from ...errors import ConfigError, DelegationError, HookError, ProviderError, ZoneNotFound
from ...names import PREFIX, is_within
from ...providers.base import (
    HasNameServer,
    NeedsAlias,
    ObservesServers,
    Profile,
    Provider,
    StartsServer,
    Zone,
    knows_zones,
    zones_at_once,
)
from ...threads import side_by_side
from ..config.load import open_account
from ..config.settings import Account, Settings
from ..config.validators import Readiness
from ..dns.address import Address
from ..dns.cname_chain import Discovery, check_chain
from ..dns.destination import Destination, PortBarred, Server
from ..dns.message import TXT, Query
from ..dns.transport import Transport
from ..dns.wildcard_cname import Rule
from .primaries import Primary, check_same_zone, slowest

ALL_SERVERS_TIMEOUT = 6.0  # seconds: for a datagram, another one and a stream


class Placement(NamedTuple):
    """A record's place: its owner name, the zone and the accounts to publish in, whom to ask then."""

    name: str  # what the CA asks for
    target: str  # where the record stands
    primaries: tuple[Primary, ...]  # each gets the record
    servers: tuple[Server, ...]
    profile: Profile  # that of the slowest of them
    readiness: Readiness  # whom to believe
    private: bool  # whether the public DNS does not have it

    @property
    def apex(self) -> str:
        """The apex of the record's zone, the same at all of its primaries."""
        return self.primaries[0].zone.apex

    @property
    def zones(self) -> tuple[tuple[str, Zone], ...]:
        """(account, zone) of each primary."""
        return tuple((primary.account.name, primary.zone) for primary in self.primaries)


class Placements:
    """Finds places, and remembers the accounts and zones that it has opened on the way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.discovery = Discovery(settings.resolvers, timing=settings.timing)
        self._providers: dict[str, Provider] = {}
        self._opening = threading.Lock()  # doctor looks at many domains at once
        self._zones: dict[tuple[str, str], Zone] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._gates: dict[str, threading.Semaphore] = {}  # of each account: how many may ask at a time
        self._own_servers: dict[tuple[str, Zone], tuple[Server, ...]] = {}
        self._places: dict[str, Placement] = {}
        self._worlds: dict[tuple[Server, ...], Discovery] = {}
        self._warned: set[str] = set()

    def provider(self, account: Account) -> Provider:
        """The account's provider, ready for use. Raises ConfigError."""
        with self._opening:
            if account.name not in self._providers:
                provider = self._providers[account.name] = open_account(account)
                if isinstance(provider, ObservesServers):
                    provider.observe(self.look)
            return self._providers[account.name]

    def provider_named(self, account: str) -> Provider:
        """The provider of the account of that name. Raises ConfigError."""
        return self.provider(self._settings.account_named(account))

    @contextmanager
    def errors_of(self, account: str) -> Iterator[None]:
        """Have what the account's provider raises say whose it is, where there are several accounts."""
        try:
            yield
        except ProviderError as error:
            named = re.search(rf"\baccount {re.escape(account)}(?![\w.-])", str(error))
            if len(self._settings.accounts) > 1 and not named:
                error.args = (f"account {account}: {error}",)
            raise

    def find(self, names: Iterable[str]) -> dict[str, Placement]:
        """The place of every name.

        Raises DelegationError where the DNS leads nowhere, ZoneNotFound where the account does
        not have the zone that it leads to, ConfigError where no account is named for it.
        """
        wanted = list(dict.fromkeys(names))
        unknown = [name for name in wanted if name not in self._places]
        self.start(unknown)
        self._discover(unknown)
        side_by_side([partial(self._remember, name) for name in unknown], self._at_once(unknown))
        return {name: self._places[name] for name in wanted}

    def _remember(self, name: str) -> None:
        self._places[name] = self._place(name)

    def _at_once(self, names: Iterable[str]) -> int:
        """How many zones any one of the accounts may be asked for at a time."""
        accounts: dict[str, Account] = {}
        for name in names:
            with suppress(ConfigError):  # the name itself says it
                accounts |= {account.name: account for account in self._settings.accounts_for(name)}
        return max((zones_at_once(self.provider(account)) for account in accounts.values()), default=1)

    def look(self, names: Iterable[str]) -> dict[str, list[frozenset[str]]]:
        """The TXT values at each name, as every server of its zone that answers has them."""
        seen: dict[str, list[frozenset[str]]] = {name: [] for name in names}
        with Transport(self._settings.timing) as transport:
            asked = [
                Query(address, name, TXT, stream=address in self.discovery.deaf)
                for name in seen
                for server in self._servers(name)
                for address in server.addresses
            ]
            for query, answer in transport.ask(asked, ALL_SERVERS_TIMEOUT).items():
                if answer.authoritative:
                    seen[query.name].append(answer.texts)
        return seen

    def _servers(self, name: str) -> tuple[Server, ...]:
        with suppress(DelegationError):  # then there is nobody to ask
            return self._named(name) or self.discovery.find(name).servers
        return ()

    def start(self, names: Iterable[str]) -> None:
        """An embedded server has to be there before its names are looked up.

        Raises ConfigError, and ProviderError where it cannot start.
        """
        of_account: dict[str, list[str]] = defaultdict(list)
        for name in names:
            with suppress(ConfigError):  # its account may be that of a CNAME's target
                for account in self._settings.accounts_for(name):
                    of_account[account.name].append(name)
        for called, its_names in of_account.items():
            provider = self.provider_named(called)
            if isinstance(provider, StartsServer):
                provider.start(its_names)

    # Where a name leads

    def _discover(self, names: Iterable[str]) -> None:
        """Follow all names at once, as far as each world of name servers knows them."""
        worlds: dict[tuple[tuple[Server, ...], Rule], list[str]] = defaultdict(list)
        for name in names:
            worlds[self._named(name), self._settings.cname_for(name) or "auto"].append(name)
        for (servers, cname), members in worlds.items():
            with suppress(PortBarred):  # each name by itself says what that means for it
                self._world(servers).find_all(members, cname)

    def _named(self, name: str) -> tuple[Server, ...]:
        """The servers that the configuration names for a zone."""
        return _servers_at(self._settings.nameservers_for(name))

    def worlds_of(self, names: Iterable[str]) -> dict[Discovery, set[str]]:
        """Challenge names by who has their domains: the public DNS, or the servers that the configuration
        names or that were found to have them instead."""
        worlds: dict[Discovery, set[str]] = {}
        for name in names:
            place = self._places.get(name)
            found = place.servers if place and place.private and place.target == name else ()
            worlds.setdefault(self._world(self._named(name) or found), set()).add(name)
        return worlds

    def _world(self, servers: tuple[Server, ...]) -> Discovery:
        """Who follows names, from these servers on or from the root's."""
        if not servers:
            return self.discovery
        if servers not in self._worlds:
            self._worlds[servers] = Discovery(self._settings.resolvers, servers, timing=self._settings.timing)
        return self._worlds[servers]

    def _follow(self, name: str, cname: Rule) -> Destination:
        """Where the name leads to, from one world of name servers into the next: CNAMEs lead out of a
        private one, and into one that a section has the servers of.

        Raises DelegationError.
        """
        servers = self._named(name)
        found = self._find(servers, name, cname)
        while found.target != name:
            named = self._named(found.target)
            if named == servers and not (servers and found.trouble):
                break
            servers = () if named == servers else named
            rest = self._find(servers, found.target, cname)
            found = rest._replace(name=name, chain=(*found.chain[:-1], *rest.chain))
            check_chain(found.chain)
            if len(rest.chain) < 2:
                break
        return found

    def _find(self, servers: tuple[Server, ...], name: str, cname: Rule) -> Destination:
        """One world's word. Where no name server can be asked, and somebody else can later, the name is
        taken for what it is, in the longest zone that its account has."""
        try:
            found = self._world(servers).find(name, cname)
        except PortBarred as error:
            if not self._settings.doh and error.barrier == "nothing answers":
                raise
            if str(error) not in self._warned:
                self._warned.add(str(error))
                output.warning(f"{error}: the zone is the account's, and a CNAME would not be noticed")
            return Destination(name, name, "", (), (name,), guessed=True)
        if servers and found.trouble and found.target == name:
            return Destination(name, name, "", servers, (name,), private=True, guessed=True)
        return found

    # Where its record goes

    def _place(self, name: str) -> Placement:
        """A wildcard's CNAME is meant for the name where nobody else can publish: the record overrides it
        where an account has the name's own zone."""
        rule = self._settings.cname_for(name)
        delegation = self._follow(name, rule or "auto")
        if not delegation.wildcard:
            return self._placement(delegation)
        try:
            for account in self._settings.accounts_for(delegation.target, name):
                if isinstance(self.provider(account), NeedsAlias):
                    raise ZoneNotFound(f"the account {account.name} publishes at its own names only")
            placement = self._placement(delegation)
        except (ConfigError, ZoneNotFound) as error:
            try:
                placement = self._placement(self._follow(name, "follow"))
            except HookError:
                raise error from None
            output.step(f"{name} gets its CNAME from a wildcard, which is followed: no account has {name}")
        else:
            output.step(f"{name} gets its CNAME from a wildcard; the record itself overrides it")
        return placement

    def _placement(self, delegation: Destination) -> Placement:
        name, target = delegation.name, delegation.target
        accounts = self._settings.accounts_for(target, name)
        if not delegation.guessed and not delegation.private and "." not in delegation.zone:
            delegation = self._in_private_dns(accounts, delegation)
            target = delegation.target
        primaries = tuple(
            Primary(account, self._zone(account, delegation), self._settings.profile_for(account, target))
            for account in accounts
        )
        check_same_zone(target, primaries)
        named = self._settings.readiness_for(name)
        return Placement(
            name,
            target,
            primaries,
            self._named(target) or self._servers_of_all(primaries, delegation),
            slowest(primary.profile for primary in primaries),
            # Public resolvers need not know a zone whose servers are a private matter.
            named or ("authoritative" if delegation.private else "public"),
            delegation.private,
        )

    def _servers_of_all(self, primaries: Sequence[Primary], delegation: Destination) -> tuple[Server, ...]:
        """Those of the delegation, and where several accounts serve the zone, those that each of them says
        its own copy has: a resolver may go by either list (RFC 8901 §2)."""
        if len(primaries) < 2 or delegation.private:
            return delegation.servers
        for primary in primaries:
            if (primary.account.name, primary.zone) not in self._own_servers:
                own = primary.servers(self.provider(primary.account))
                self._own_servers[primary.account.name, primary.zone] = own
        own = tuple(
            server
            for primary in primaries
            for server in self._own_servers[primary.account.name, primary.zone]
        )
        return self.discovery.with_servers(delegation.servers, own)

    def _in_private_dns(self, accounts: Sequence[Account], delegation: Destination) -> Destination:
        """A name that the public DNS does not have is asked of the servers that take its accounts' updates.

        Raises DelegationError where there is none, or it does not answer for the name with authority.
        """
        servers = tuple(server for account in accounts for server in _servers_of(self.provider(account)))
        if servers:
            found = self._find(
                servers, delegation.target, self._settings.cname_for(delegation.name) or "auto"
            )
            if not found.guessed and not found.trouble:
                asked = " and ".join(server.name for server in servers)
                whose = " and ".join(f"the account {account.name}" for account in accounts)
                output.warning(
                    f"{found.zone} is not in the public DNS: {asked}, where {whose} sends updates, "
                    "answers for it with authority and is asked instead"
                )
                return found._replace(name=delegation.name, chain=(*delegation.chain[:-1], *found.chain))
        cut, target = delegation.zone, delegation.target
        led = "" if target == delegation.name else f" (a CNAME leads there from {delegation.name})"
        asked = f", nor does {servers[0].name} answer for it" if servers else ""
        raise DelegationError(
            f"{target} is not in the DNS: {cut or 'the root'} does not delegate it{asked}{led}",
            f"{delegation.trouble or 'is the domain registered and delegated?'} An internal zone wants "
            f'`nameservers` in [zone."{target.removeprefix(PREFIX)}"], or DNS01_NAMESERVERS',
        )

    def _zone(self, account: Account, delegation: Destination) -> Zone:
        """The account's zone that equals the zone cut: a stale child zone in the account must not
        win, nor a parent whose child lives elsewhere. Without discovery, the longest suffix."""
        cut, target = delegation.zone, delegation.target
        if delegation.guessed or delegation.private:
            return self._account_zone(account, self._apex_named(account, target) or cut or target)
        if elsewhere := not_led_here(self.provider(account), delegation):
            raise elsewhere
        zone = self._account_zone(account, cut)
        if zone.apex == cut:
            return zone
        remedy = f'name the account of {cut} in [zone."{cut}"], or remove the delegation'
        if is_within(zone.apex, cut):
            remedy += (
                f"; if {zone.apex} is an internal zone, name its servers: `nameservers` in "
                f'[zone."{zone.apex}"], or DNS01_NAMESERVERS'
            )
        raise ZoneNotFound(
            f"{target} belongs to the zone {cut}, which is delegated to "
            f"{', '.join(server.name for server in delegation.servers)}; "
            f"the account {account.name} only has {zone.apex}",
            remedy,
        )

    def _apex_named(self, account: Account, target: str) -> str:
        """The apex that a section says. A provider that knows its zones may know of one beneath it, and is
        asked, unless the section has the zone's id."""
        apex = self._settings.apex_for(target)
        if knows_zones(self.provider(account)):
            return apex if self._settings.zone_id_for(apex) else ""
        return apex

    def _account_zone(self, account: Account, name: str) -> Zone:
        known = (account.name, name)
        if known not in self._zones:
            with self._opening:
                asking = self._asking.setdefault(known, threading.Lock())
            with asking:  # a hundred names of one zone are one question
                if known not in self._zones:
                    id = self._settings.zone_id_for(name)
                    self._zones[known] = Zone(name, id) if id else self._zone_for(account, name)
        return self._zones[known]

    def _zone_for(self, account: Account, name: str) -> Zone:
        provider = self.provider(account)
        with self._opening:
            gate = self._gates.setdefault(account.name, threading.Semaphore(zones_at_once(provider)))
        with gate, self.errors_of(account.name):
            return provider.zone_for(name)


def not_led_here(provider: Provider, delegation: Destination) -> DelegationError | None:
    """Why nobody would ask an embedded server for the record: it has to be delegated to, and the record's
    name is in a zone that the domain itself is in, which others serve."""
    cut, target = delegation.zone, delegation.target
    domain = delegation.name.removeprefix(PREFIX)
    if domain == delegation.name:  # lego names the target of a CNAME, and not whose
        return None
    if not isinstance(provider, StartsServer) or delegation.private or delegation.guessed:
        return None
    if not is_within(domain, cut):
        return None
    servers = ", ".join(server.name for server in delegation.servers)
    return DelegationError(
        f"{target} is not delegated to this host, whose own name server is to answer for it: it is in the "
        f"zone {cut}, which {servers} serve",
        f"write this record into the zone {cut}, once: {provider.delegation(target)}",
    )


def _servers_at(addresses: Iterable[Address]) -> tuple[Server, ...]:
    return tuple(Server(str(address), (address,)) for address in addresses)


def _servers_of(provider: Provider) -> tuple[Server, ...]:
    """Who takes the account's updates by DNS, where its provider works that way."""
    if not isinstance(provider, HasNameServer):
        return ()
    host, port = provider.name_server()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError:
        return ()
    return (Server(host, tuple(dict.fromkeys(Address(str(each[4][0]), port) for each in found))),)
