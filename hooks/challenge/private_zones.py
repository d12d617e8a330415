"""Where a name leads from one DNS into the next: the public one, and the zones whose own servers the
configuration names, or that answer where an account sends its updates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ... import output
from ...errors import DelegationError
from ...names import PREFIX, is_within
from ..config.settings import Account, Settings
from ..dns.cname_chain import Discovery, check_chain
from ..dns.destination import Destination, PortBarred, Server, not_delegated
from ..dns.wildcard_cname import Rule


class Destinations:
    """Follows names, and remembers what the name servers of each DNS have said.

    ``public`` follows from the root's servers on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.public = Discovery(settings.resolvers, timing=settings.timing)
        self._private: dict[tuple[Server, ...], Discovery] = {}
        self._warned: set[str] = set()

    def named_servers(self, name: str) -> tuple[Server, ...]:
        """The servers that the configuration names for the name's zone."""
        addresses = self._settings.nameservers_for(name)
        return tuple(Server(str(address), (address,)) for address in addresses)

    def servers(self, name: str) -> tuple[Server, ...]:
        """The name servers of the zone that holds the name. Raises DelegationError."""
        return self.named_servers(name) or self.public.find(name).servers

    def discovery_from(self, servers: tuple[Server, ...]) -> Discovery:
        """What follows names from these servers on; none given: from the root's."""
        if not servers:
            return self.public
        if servers not in self._private:
            self._private[servers] = Discovery(
                self._settings.resolvers, servers, timing=self._settings.timing
            )
        return self._private[servers]

    def discover(self, names: Iterable[str]) -> None:
        """Follow all names at once, each from the servers that its zone has."""
        groups: dict[tuple[tuple[Server, ...], Rule], list[str]] = defaultdict(list)
        for name in names:
            groups[self.named_servers(name), self._settings.cname_for(name) or "auto"].append(name)
        for (servers, cname), members in groups.items():
            with suppress(PortBarred):  # each name by itself says what that means for it
                self.discovery_from(servers).find_all(members, cname)

    def follow(self, name: str, cname: Rule) -> Destination:
        """Where the name leads to: CNAMEs lead out of a private DNS, and into one that a section has the
        servers of.

        Raises DelegationError.
        """
        servers = self.named_servers(name)
        found = self._find(servers, name, cname)
        if servers and found.intercepted:
            raise _no_name_servers(found, servers)
        while found.target != name:
            named = self.named_servers(found.target)
            if named == servers and not (servers and found.trouble):
                break
            servers = () if named == servers else named
            rest = self._find(servers, found.target, cname)
            found = rest._replace(name=name, chain=(*found.chain[:-1], *rest.chain))
            check_chain(found.chain)
            if len(rest.chain) < 2:
                break
        return found

    def in_private_dns(
        self, delegation: Destination, servers: tuple[Server, ...], accounts: Sequence[Account]
    ) -> Destination:
        """A name that the public DNS does not have is asked of the servers that take its accounts' updates.

        Raises DelegationError where there is none, or it does not answer for the name with authority.
        """
        if servers:
            found = self._find(
                servers, delegation.target, self._settings.cname_for(delegation.name) or "auto"
            )
            if not found.guessed and not found.trouble:
                return _asked_instead(found, delegation, servers, accounts)
        cut, target = delegation.zone, delegation.target
        led = "" if target == delegation.name else f" (a CNAME leads there from {delegation.name})"
        asked = f", nor does {servers[0].name} answer for it" if servers else ""
        mend = f"remove or correct the CNAME at {delegation.name}: " if led else ""
        why = delegation.trouble or f"{mend}is the domain registered and delegated?"
        raise DelegationError(
            f"{not_delegated(target, cut)}{asked}{led}",
            f"{why} An internal zone wants "
            f'`nameservers` in [zone."{target.removeprefix(PREFIX)}"], or DNS01_NAMESERVERS',
        )

    def beneath(
        self, delegation: Destination, servers: tuple[Server, ...], accounts: Sequence[Account]
    ) -> Destination | None:
        """The zone that the servers which take the accounts' updates have beneath the one that the public DNS
        leads to, where nobody delegates it: an internal one. What a CNAME leads to is none."""
        if not servers or delegation.target != delegation.name:
            return None
        with suppress(DelegationError):
            found = self._find(
                servers, delegation.target, self._settings.cname_for(delegation.name) or "auto"
            )
            inside = found.zone != delegation.zone and is_within(found.zone, delegation.zone)
            if inside and not found.guessed and not found.trouble:
                return _asked_instead(found, delegation, servers, accounts)
        return None

    def _find(self, servers: tuple[Server, ...], name: str, cname: Rule) -> Destination:
        """What one DNS says. Where no name server can be asked, and somebody else can later, the name is
        taken for what it is, in the longest zone that its account has."""
        try:
            found = self.discovery_from(servers).find(name, cname)
        except PortBarred as error:
            if not self._settings.doh and error.barrier == "nothing answers":
                raise
            if str(error) not in self._warned:
                self._warned.add(str(error))
                output.warning(f"{error}: the zone is the account's, and a CNAME would not be noticed")
            return Destination(name, name, "", (), (name,), guessed=True)
        if servers and found.trouble and found.target == name:
            return Destination(
                name, name, "", servers, (name,), private=True, guessed=True, intercepted=found.intercepted
            )
        return found


def _asked_instead(
    found: Destination, delegation: Destination, servers: tuple[Server, ...], accounts: Sequence[Account]
) -> Destination:
    """What the accounts' own servers have, for what the public DNS does not; it is said."""
    asked = " and ".join(server.name for server in servers)
    whose = " and ".join(f"the account {account.name}" for account in accounts)
    output.warning(
        f"{found.zone} is not in the public DNS: {asked}, where {whose} sends updates, "
        "answers for it with authority and is asked instead"
    )
    return found._replace(name=delegation.name, chain=(*delegation.chain[:-1], *found.chain))


def _no_name_servers(found: Destination, servers: tuple[Server, ...]) -> DelegationError:
    """Whom the configuration names for a zone are those who have it, and no resolvers."""
    names = " and ".join(server.name for server in servers)
    answer = "answers like a resolver" if len(servers) == 1 else "answer like resolvers"
    return DelegationError(
        f"{names}, which `nameservers` or DNS01_NAMESERVERS names for {found.target}, {answer}, and not as a "
        f"name server of its zone",
        "name the zone's own servers there, or leave it out for a zone of the public DNS; resolvers go into "
        "`resolvers` (DNS01_RESOLVERS). If it is one of the zone's own, something on the way intercepts port "
        "53",
    )
