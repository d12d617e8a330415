"""Where each name's record goes: the DNS's word and the account's, brought together."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ... import output
from ...errors import ConfigError, DelegationError, ZoneNotFound
from ...providers.base import ObservesServers, Profile, Provider, StartsServer, Zone, knows_zones
from ..config.load import open_account
from ..config.settings import Account, Settings
from ..config.validators import Readiness
from ..dns.delegation import Delegation, PortBarred, Server
from ..dns.message import SOA, TXT, Query, apex_of
from ..dns.transport import Transport
from ..dns.zone_cuts import Discovery

ALL_SERVERS_TIMEOUT = (
    6.0  # seconds: a server that is slower than a datagram, another one and a stream is left out
)


class Placement(NamedTuple):
    """A record's place: its owner name, the zone and account to publish in, whom to ask then."""

    name: str  # what the CA asks for
    target: str  # where the record stands
    account: Account
    zone: Zone
    servers: tuple[Server, ...]
    profile: Profile
    readiness: Readiness  # whom to believe


class Placements:
    """Finds places, and remembers the accounts and zones that it has opened on the way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.discovery = Discovery(settings.resolvers)
        self._providers: dict[str, Provider] = {}
        self._opening = threading.Lock()  # doctor looks at many domains at once
        self._zones: dict[tuple[str, str], Zone] = {}
        self._places: dict[str, Placement] = {}

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

    def find(self, names: Iterable[str]) -> dict[str, Placement]:
        """The place of every name.

        Raises DelegationError where the DNS leads nowhere, ZoneNotFound where the account does
        not have the zone that it leads to, ConfigError where no account is named for it.
        """
        wanted = list(dict.fromkeys(names))
        unknown = [name for name in wanted if name not in self._places]
        self.start(unknown)
        told = {name: Delegation(name, name, "", self._told(name)) for name in unknown if self._told(name)}
        asked = [name for name in unknown if name not in told]
        for name, delegation in (told | self._delegations(asked)).items():
            self._places[name] = self._place(delegation)
        return {name: self._places[name] for name in wanted}

    def look(self, names: Iterable[str]) -> dict[str, list[frozenset[str]]]:
        """The TXT values at each name, as every server of its zone that answers has them."""
        seen: dict[str, list[frozenset[str]]] = {name: [] for name in names}
        with Transport() as transport:
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
            return self._told(name) or self.discovery.find(name).servers
        return ()

    def start(self, names: Iterable[str]) -> None:
        """An embedded server has to be there before its names are looked up.

        Raises ConfigError, and ProviderError where it cannot start.
        """
        of_account: dict[str, list[str]] = defaultdict(list)
        for name in names:
            with suppress(ConfigError):  # its account may be that of a CNAME's target
                of_account[self._settings.account_for(name).name].append(name)
        for account, its_names in of_account.items():
            provider = self.provider_named(account)
            if isinstance(provider, StartsServer):
                provider.start(its_names)

    def _delegations(self, names: list[str]) -> dict[str, Delegation]:
        """Where the names lead to. Where no name server can be asked, and somebody else can later, each
        is taken for what it is, in the longest zone that its account has."""
        try:
            return self.discovery.find_all(names) if names else {}
        except PortBarred as error:
            if not self._settings.doh and error.barrier == "nothing answers":
                raise
            output.warning(f"{error}: the zone is the account's, and a CNAME would not be noticed")
            return {name: Delegation(name, name, "", ()) for name in names}

    def _told(self, name: str) -> tuple[Server, ...]:
        """The servers that the configuration names for a zone."""
        return tuple(Server(str(address), (address,)) for address in self._settings.nameservers_for(name))

    def _place(self, delegation: Delegation) -> Placement:
        name, target = delegation.name, delegation.target
        account = self._settings.account_for(target, name)
        if delegation.wildcard:
            output.step(f"{name} gets its CNAME from a wildcard; the record itself overrides it")
        return Placement(
            name,
            target,
            account,
            self._zone(account, delegation),
            self._told(target) or delegation.servers,
            self._settings.profile_for(account, target),
            self._readiness(name),
        )

    def _readiness(self, name: str) -> Readiness:
        """Public resolvers need not know a zone whose servers are named in the configuration."""
        named = self._settings.nameservers_for(name)
        return self._settings.readiness_for(name) or ("authoritative" if named else "public")

    def _zone(self, account: Account, delegation: Delegation) -> Zone:
        """The account's zone that equals the zone cut: a stale child zone in the account must not
        win, nor a parent whose child lives elsewhere. Without discovery, the longest suffix."""
        cut, target = delegation.zone, delegation.target
        from_name = "" if target == delegation.name else f" (a CNAME leads there from {delegation.name})"
        if not cut:
            return self._account_zone(account, self._told_apex(account, target) or target)
        if "." not in cut:
            raise DelegationError(
                f"{target} is not in the DNS: {cut} does not delegate it{from_name}",
                f"{delegation.trouble or 'is the domain registered and delegated?'} "
                "(an internal zone wants `nameservers` in its section)",
            )
        zone = self._account_zone(account, cut)
        if zone.apex != cut:
            raise ZoneNotFound(
                f"{target} belongs to the zone {cut}, which is delegated to "
                f"{', '.join(server.name for server in delegation.servers)}; "
                f"the account {account.name} only has {zone.apex}",
                f'name the account of {cut} in [zone."{cut}"], or remove the delegation',
            )
        return zone

    def _told_apex(self, account: Account, target: str) -> str:
        """The apex that a section says, or else the servers that are named. A provider that knows its
        zones may know of one beneath it, and is asked, unless the section has the zone's id."""
        apex = self._settings.apex_for(target)
        if knows_zones(self.provider(account)):
            return apex if self._settings.zone_id_for(apex) else ""
        return apex or self._apex_by(self._told(target), target)

    def _apex_by(self, servers: Iterable[Server], target: str) -> str:
        queries = [Query(address, target, SOA) for server in servers for address in server.addresses]
        with Transport() as transport:
            answers = transport.ask(queries, ALL_SERVERS_TIMEOUT).values()
        messages = (answer.message for answer in answers if answer.authoritative)
        return next((apex_of(message) for message in messages if message), "")

    def _account_zone(self, account: Account, name: str) -> Zone:
        if (account.name, name) not in self._zones:
            id = self._settings.zone_id_for(name)
            self._zones[account.name, name] = Zone(name, id) if id else self.provider(account).zone_for(name)
        return self._zones[account.name, name]
