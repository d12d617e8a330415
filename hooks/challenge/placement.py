"""Where each name's record goes: the zone that the DNS leads to, and the account that has this zone."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from ... import output
from ...errors import ConfigError, DelegationError, HookError, ZoneNotFound
from ...names import PREFIX, is_within
from ...providers.base import HasNameServer, NeedsAlias, Profile, Provider, StartsServer, Zone, knows_zones
from ...threads import side_by_side
from ..config.load import open_account
from ..config.settings import Account, Settings
from ..config.validators import Readiness
from ..dns.address import Address
from ..dns.cname_chain import Discovery
from ..dns.destination import Destination, Server
from ..dns.message import TXT, Query
from ..dns.transports.transport import Transport
from .opened_accounts import OpenedAccounts
from .private_zones import Destinations
from .zone_accounts import ZoneAccount, check_same_zone, slowest

ALL_SERVERS_TIMEOUT = 6.0  # seconds: for a datagram, another one and a stream


class Placement(NamedTuple):
    """A record's place: its owner name, the zone and the accounts to publish in, whom to ask then."""

    name: str  # what the CA asks for
    target: str  # where the record stands
    zone_accounts: tuple[ZoneAccount, ...]  # each gets the record
    servers: tuple[Server, ...]
    profile: Profile  # that of the slowest of them
    readiness: Readiness  # whom to believe
    private: bool  # whether the public DNS does not have it

    @property
    def apex(self) -> str:
        """The apex of the record's zone, the same in all of its accounts."""
        return self.zone_accounts[0].zone.apex

    @property
    def zones(self) -> tuple[tuple[str, Zone], ...]:
        """(the name of the account, its zone) for each account that gets the record."""
        return tuple((each.account.name, each.zone) for each in self.zone_accounts)


class Placements:
    """Finds the zone and the accounts of each challenge name, once for each name."""

    def __init__(
        self, settings: Settings, open_account: Callable[[Account], Provider] = open_account
    ) -> None:
        self._settings = settings
        self.accounts = OpenedAccounts(settings, self.look, open_account)
        self._destinations = Destinations(settings)
        self._own_servers: dict[tuple[str, Zone], tuple[Server, ...]] = {}
        self._places: dict[str, Placement] = {}

    @property
    def discovery(self) -> Discovery:
        """What follows names from the root's servers on."""
        return self._destinations.public

    def find(self, names: Iterable[str]) -> dict[str, Placement]:
        """The place of every name.

        Raises DelegationError where the DNS leads nowhere, ZoneNotFound where the account does
        not have the zone that it leads to, ConfigError where no account is named for it.
        """
        wanted = list(dict.fromkeys(names))
        unknown = [name for name in wanted if name not in self._places]
        self.accounts.start_servers(unknown)
        self._destinations.discover(unknown)
        at_once = self.accounts.zones_at_once(unknown)
        side_by_side([partial(self._remember, name) for name in unknown], at_once)
        return {name: self._places[name] for name in wanted}

    def check_visible(self, names: Iterable[str], ca: str) -> None:
        """Raises DelegationError where a name leads into a zone that a public CA cannot see: one that the
        account's own server was found to have, and the public DNS has not."""
        for place in self.find(names).values():
            if place.private and not self._destinations.named_servers(place.target):
                raise DelegationError(
                    f"{ca} cannot see {place.target}: the public DNS does not have {place.apex}",
                    f"have {place.apex} delegated to its name servers, at the registrar or in the zone above,"
                    " or order from a CA of your own; where the world has another DNS than this machine,"
                    f' name its servers: `nameservers` in [zone."{place.apex}"], or DNS01_NAMESERVERS',
                )

    def _remember(self, name: str) -> None:
        self._places[name] = self._place(name)

    def look(self, names: Iterable[str]) -> dict[str, list[frozenset[str]]]:
        """The TXT values at each name, as every server of its zone that answers has them."""
        seen: dict[str, list[frozenset[str]]] = {name: [] for name in names}
        with Transport(self._settings.timing) as transport:
            asked = [
                Query(address, name, TXT, stream=address in self.discovery.tcp_only)
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
            return self._destinations.servers(name)
        return ()

    def names_by_discovery(self, names: Iterable[str]) -> dict[Discovery, set[str]]:
        """Challenge names by the servers that their domains are looked up from: the root's, or those that the
        configuration names or that were found to have them instead."""
        found: dict[Discovery, set[str]] = {}
        for name in names:
            place = self._places.get(name)
            own = place.servers if place and place.private and place.target == name else ()
            servers = self._destinations.named_servers(name) or own
            found.setdefault(self._destinations.discovery_from(servers), set()).add(name)
        return found

    # Where its record goes

    def _place(self, name: str) -> Placement:
        """A wildcard's CNAME is meant for the name where nobody else can publish: the record overrides it
        where an account has the name's own zone."""
        rule = self._settings.cname_for(name)
        delegation = self._destinations.follow(name, rule or "auto")
        if not delegation.wildcard:
            return self._placement(delegation)
        try:
            for account in self._settings.accounts_for(delegation.target, name):
                if isinstance(self.accounts.provider(account), NeedsAlias):
                    raise ZoneNotFound(f"the account {account.name} publishes at its own names only")
            placement = self._placement(delegation)
        except (ConfigError, ZoneNotFound) as error:
            try:
                placement = self._placement(self._destinations.follow(name, "follow"))
            except HookError:
                raise error from None
            output.step(f"{name} gets its CNAME from a wildcard, which is followed: no account has {name}")
        else:
            output.step(f"{name} gets its CNAME from a wildcard; the record itself overrides it")
        return placement

    def _placement(self, delegation: Destination) -> Placement:
        name, target = delegation.name, delegation.target
        accounts = self._settings.accounts_for(target, name)
        is_public = not delegation.guessed and not delegation.private
        if is_public and "." not in delegation.zone:
            delegation = self._destinations.in_private_dns(delegation, self._receiving(accounts), accounts)
            target, is_public = delegation.target, False
        try:
            zone_accounts = self._zone_accounts(accounts, delegation)
        except ZoneNotFound:
            inside = is_public and self._destinations.beneath(delegation, self._receiving(accounts), accounts)
            if not inside:
                raise
            delegation, target = inside, inside.target
            zone_accounts = self._zone_accounts(accounts, delegation)
        check_same_zone(target, zone_accounts)
        named = self._settings.readiness_for(name)
        return Placement(
            name,
            target,
            zone_accounts,
            self._destinations.named_servers(target) or self._servers_of_all(zone_accounts, delegation),
            slowest(each.profile for each in zone_accounts),
            # Public resolvers need not know a zone whose servers are a private matter.
            named or ("authoritative" if delegation.private else "public"),
            delegation.private,
        )

    def _zone_accounts(self, accounts: Sequence[Account], delegation: Destination) -> tuple[ZoneAccount, ...]:
        """The zone of each account. Raises ZoneNotFound."""
        profile_for, target = self._settings.profile_for, delegation.target
        return tuple(
            ZoneAccount(account, self._zone(account, delegation), profile_for(account, target))
            for account in accounts
        )

    def _receiving(self, accounts: Sequence[Account]) -> tuple[Server, ...]:
        """Who takes the accounts' updates by DNS."""
        return tuple(server for each in accounts for server in _servers_of(self.accounts.provider(each)))

    def _servers_of_all(
        self, zone_accounts: Sequence[ZoneAccount], delegation: Destination
    ) -> tuple[Server, ...]:
        """Those of the delegation, and where several accounts serve the zone, those that each of them says
        its own copy has: a resolver may go by either list (RFC 8901 §2)."""
        if len(zone_accounts) < 2 or delegation.private:
            return delegation.servers
        for each in zone_accounts:
            if (each.account.name, each.zone) not in self._own_servers:
                own = each.servers(self.accounts.provider(each.account))
                self._own_servers[each.account.name, each.zone] = own
        own = tuple(
            server for each in zone_accounts for server in self._own_servers[each.account.name, each.zone]
        )
        return self.discovery.with_servers(delegation.servers, own)

    def _zone(self, account: Account, delegation: Destination) -> Zone:
        """The account's zone that equals the zone cut: a stale child zone in the account must not
        win, nor a parent whose child lives elsewhere. Without discovery, the longest suffix."""
        cut, target = delegation.zone, delegation.target
        if delegation.guessed or delegation.private:
            return self.accounts.zone(account, self._apex_named(account, target) or cut or target)
        if elsewhere := not_led_here(self.accounts.provider(account), delegation):
            raise elsewhere
        zone = self.accounts.zone(account, cut)
        if zone.apex == cut:
            return zone
        remedy = f'name the account of {cut} in [zone."{cut}"], or remove the delegation'
        receiving = {address for server in self._receiving([account]) for address in server.addresses}
        if any(receiving.intersection(server.addresses) for server in delegation.servers):
            remedy = (  # it is its own server that has the zone
                f"its server has views, and shows {cut} to this machine, but not to the account's key: use a "
                "key that leads into the view that the world sees (match-clients in named.conf); if it does, "
                "and this machine alone is in another view, name a server outside: `nameservers` in "
                f'[zone."{cut}"]'
            )
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
        if knows_zones(self.accounts.provider(account)):
            return apex if self._settings.zone_id_for(apex) else ""
        return apex


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
