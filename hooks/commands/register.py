"""``dns01 register``: for each domain an account at acme-dns, the CNAME to it, and whether that works."""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

import click

from ... import output
from ...errors import ConfigError, HookError, NotReady, ProviderError, UsageError, ZoneNotFound
from ...names import PREFIX
from ...providers.base import CreatesAliases, Zone
from ..challenge.readiness.check import Target
from ..challenge.readiness.server_wait import wait
from ..clients.challenge import owner_name
from ..config.load import load_settings, open_account
from ..config.settings import Account as Configured
from ..config.settings import Settings
from ..dns.cname_chain import Discovery
from ..dns.destination import Destination
from ..state.journal import Journal

if TYPE_CHECKING:  # it brings requests along, which no other command needs
    from ...providers._acmedns_accounts import AcmeDnsAccount
    from ...providers.acmedns import Provider as AcmeDns

SERVER_TIMEOUT = 5.0  # seconds that somebody who looks on waits for a server
CNAME_TIMEOUT = 60.0  # seconds for a CNAME to reach its zone's servers
CNAME_POLL_INTERVAL = 1.0  # seconds between two looks at the servers


@click.command(short_help="Register domains at an acme-dns server.")
@click.argument("domains", metavar="DOMAIN...", nargs=-1, required=True)
@click.option(
    "--allowfrom", metavar="CIDR", multiple=True, help="Only from this network may the values be changed."
)
@click.option(
    "--create-cname", is_flag=True, help="Create the CNAME through the account of the domain's zone."
)
@click.option("--check", is_flag=True, help="Register nothing: only see whether what there is works.")
def register(domains: tuple[str, ...], allowfrom: tuple[str, ...], create_cname: bool, check: bool) -> int:
    """Have an account at the acme-dns server for each DOMAIN, and show the CNAME to create.

    With --create-cname and with --check, everything is looked at as a CA would: the CNAME, where
    the server's own domain is delegated to, and whether a value that is written can be seen there
    (it takes the place of the account's older one). Exit code 1 if something is not as it should be.
    """
    networks = [_network(cidr) for cidr in allowfrom]
    names = dict.fromkeys(map(owner_name, domains))
    registration = Registration(load_settings(os.environ))
    complaints = 0
    for name in names:
        if not check:
            account = registration.register(name, networks)
            output.report(f"{name}. CNAME {account.fulldomain}.")
            if create_cname:
                registration.create_cname(name, account.fulldomain)
        if check or create_cname:
            found = list(registration.complaints(name))
            complaints += len(found)
            for complaint in found:
                output.report(f"{name}: {complaint}")
            if not found:
                output.report(f"{name}: all is well")
    return 1 if complaints else 0


class Registration:
    """Registers names at acme-dns one by one, and checks what was registered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._discovery = Discovery(settings.resolvers, timing=settings.timing)
        self._journal = Journal(settings.state)
        self._servers: dict[str, AcmeDns] = {}

    def register(self, name: str, networks: list[str]) -> AcmeDnsAccount:
        """The account of the name's domain, new or not."""
        return self._server(name).register(name.removeprefix(PREFIX), networks)

    def create_cname(self, name: str, target: str) -> None:
        """Publish a CNAME at the name to the target, and wait until its zone's servers have it."""
        by_hand = f"create it by hand: {name}. CNAME {target}."
        found = self._discovery.find(name)
        if found.target == target:
            return
        if len(found.chain) > 1:
            raise ProviderError(
                f"{name} is a CNAME to {found.chain[1]} already", f"remove that one first, or {by_hand}"
            )
        accounts = self._settings.accounts_for(name)
        for provider, zone in [self._alias_maker(account, found, by_hand) for account in accounts]:
            with self._journal.lock(zone.apex):
                provider.alias(zone, name, target)
        until = time.monotonic() + CNAME_TIMEOUT
        while self._found_afresh(name).target != target and time.monotonic() < until:
            time.sleep(CNAME_POLL_INTERVAL)

    def _alias_maker(
        self, account: Configured, found: Destination, by_hand: str
    ) -> tuple[CreatesAliases, Zone]:
        """The account's provider and zone, if it can create the CNAME. Raises HookError."""
        if _is_acmedns(account):
            raise ConfigError(f"{self._settings.source} names no account for the zone {found.zone}", by_hand)
        provider = open_account(account)
        if not isinstance(provider, CreatesAliases):
            raise ConfigError(f"no CNAME can be created through {account.provider}", by_hand)
        zone = provider.zone_for(found.zone)
        if zone.apex != found.zone:
            raise ZoneNotFound(
                f"{found.name} is in {found.zone}; account {account.name} has {zone.apex}", by_hand
            )
        return provider, zone

    def _found_afresh(self, name: str) -> Destination:
        """Where the name leads now: a Discovery remembers where it led."""
        self._discovery = Discovery(self._settings.resolvers, timing=self._settings.timing)
        return self._discovery.find(name)

    def complaints(self, name: str) -> Iterator[str]:
        """What keeps the CA from seeing at the name what is written to its account."""
        try:
            yield from self._look(name)
        except NotReady as lack:
            yield from (f"what was written cannot be seen: {line}" for line in lack.report)
        except HookError as error:
            yield f"{error} -> {error.hint}"

    def _look(self, name: str) -> Iterator[str]:
        server, domain = self._server(name), name.removeprefix(PREFIX)
        led = self._discovery.find(name)
        stored = server.accounts.read().get(domain)
        if stored is None and len(led.chain) == 1:
            yield f"it has neither an account nor a CNAME: run `dns01 register {domain}`"
            return
        account = stored or server.account_at(led.target)
        yield from _leads_astray(led, account)
        place = self._discovery.find(account.fulldomain or led.target)
        lost = list(_is_lost(place))
        yield from lost
        server.attempt(name, server.check_health)
        if not lost:
            self._probe(server, account, place)

    def _probe(self, server: AcmeDns, account: AcmeDnsAccount, place: Destination) -> None:
        """Write a value and wait until it is seen, unless that would push out an order's value."""
        value = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        with self._journal.lock(place.zone):
            if busy := [entry.domain for entry in self._journal.entries() if entry.target == place.target]:
                output.report(f"{place.target} is in use for {', '.join(busy)}: nothing is written to it now")
                return
            server.attempt(place.target, partial(server.update, account, value))
        profile = server.profile._replace(timeout=SERVER_TIMEOUT)
        wait([Target(place.target, frozenset([value]), place.servers, profile)])

    def _server(self, name: str) -> AcmeDns:
        """The acme-dns server for the name: the only one of the configuration, or the one that the
        name's section says."""
        accounts = [each for each in self._settings.accounts.values() if _is_acmedns(each)]
        if len(accounts) > 1:
            accounts = [each for each in self._settings.accounts_for(name) if _is_acmedns(each)]
        if not accounts:
            raise ConfigError(
                f"{self._settings.source} has no account at an acme-dns server for {name}",
                'write [account.acme-dns] and below it provider = "acmedns" and base_url = "https://…"',
            )
        if accounts[0].name not in self._servers:
            self._servers[accounts[0].name] = self._open(accounts[0])
        return self._servers[accounts[0].name]

    def _open(self, account: Configured) -> AcmeDns:
        server = cast("AcmeDns", open_account(account))
        server.budget = SERVER_TIMEOUT
        return server


def _is_acmedns(account: Configured) -> bool:
    return account.provider.replace("-", "").lower() == "acmedns"


def _network(cidr: str) -> str:
    try:
        return str(ipaddress.ip_network(cidr, strict=False))
    except ValueError:
        raise UsageError(
            f"--allowfrom: {cidr!r} is no network", "write it as 192.0.2.0/24, 192.0.2.1 or 2001:db8::/48"
        ) from None


def _leads_astray(led: Destination, account: AcmeDnsAccount) -> Iterator[str]:
    """Whether the CNAME is missing, or leads to something else."""
    wanted = f"create {led.name}. CNAME {account.fulldomain}."
    if led.trouble:
        yield f"the servers of {led.zone} do not say where it leads: {led.trouble}"
    elif led.wildcard:
        yield f"its CNAME comes from a wildcard, and an order would override it: {wanted}"
    elif len(led.chain) == 1:
        yield f"it has no CNAME: {wanted}"
    elif led.target.partition(".")[0] != account.subdomain:
        yield f"it leads to {led.target} and not to its account: {wanted}"


def _is_lost(place: Destination) -> Iterator[str]:
    """Whether the domain of the acme-dns server is not delegated to a server that can be asked."""
    domain = place.target.partition(".")[2]
    if place.zone != domain:
        yield f"the acme-dns server's {domain} has no delegation: add NS and A records to {place.zone}"
    elif place.trouble:
        yield f"no name server of {domain} answers: {place.trouble}"
    else:
        for server in place.servers:
            if not server.addresses:
                yield f"{domain} is delegated to {server.name}, which has no address: add its A record"
