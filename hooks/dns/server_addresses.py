"""The addresses of name servers: by glue, and as the world finds them; and which of them answer, and how."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from ...threads import Shared
from .address import Address, reachable
from .ask_servers import FirstAnswer, gather
from .destination import Server, ZoneCut
from .timing import Timing


class ServerAddresses:
    """Finds the addresses of name servers, and remembers them.

    ``resolvers`` are asked for those in foreign zones. ``zone_of`` gives the deepest zone known that a host
    is in, ``is_silent`` whether the servers of the zone at an apex have kept silent.
    """

    def __init__(
        self,
        resolvers: Sequence[Address],
        timing: Timing,
        zone_of: Callable[[str], ZoneCut],
        is_silent: Callable[[str], bool],
    ) -> None:
        self._resolvers = resolvers
        self._timing = timing
        self._zone_of = zone_of
        self._is_silent = is_silent
        self._hosts: dict[str, tuple[Address, ...]] = {}
        self.silent: set[Address] = set()  # that kept silent while others answered
        self.answering: set[Address] = set()  # that have given a useful answer
        self.tcp_only: set[Address] = set()  # that answer over TCP, and not over UDP
        self.by_datagram: set[Address] = set()  # that have answered over UDP
        self._looking_up = Shared[None]()

    def learn(self, answer: FirstAnswer) -> None:
        """Remember which servers answer, and how, by one more answer."""
        self.silent |= answer.silent
        self.silent.discard(answer.server)
        self.answering.add(answer.server)
        if answer.by_datagram:
            self.by_datagram.add(answer.server)
        self.learn_transport(answer)

    def learn_transport(self, answer: FirstAnswer) -> None:
        """Remember the server if it answers over TCP alone."""
        if answer.tcp_only:
            self.tcp_only.add(answer.server)

    def responsive(self, servers: Sequence[Server]) -> tuple[Server, ...]:
        """The servers that have answered before, where some of these keep silent; else all of them."""
        addresses = {address for server in servers for address in server.addresses}
        if self.silent.isdisjoint(addresses) or self.answering.isdisjoint(addresses):
            return tuple(servers)
        return tuple(server for server in servers if not self.answering.isdisjoint(server.addresses))

    def servers(self, hosts: Iterable[str], glue: Mapping[str, Sequence[Address]]) -> tuple[Server, ...]:
        """The name servers of these NS names, each with all its addresses. ``glue`` is believed."""
        named = sorted(hosts)
        self._look_up(named, glue)
        return tuple(Server(host, self._hosts[host]) for host in named)

    def known(self, cut: ZoneCut) -> tuple[Server, ...]:
        """The servers that the parent names, with the addresses that are known by now; nobody is asked."""
        return tuple(
            Server(host, tuple(self._hosts.get(host) or filter(reachable, cut.glue.get(host, ()))))
            for host in cut.hosts
        )

    def of_zone(self, cut: ZoneCut) -> list[Address]:
        """Addresses to put a question about the zone to: the glue will do. Those that have kept silent
        before come last, and where some do, those that have answered come first."""
        known = self._known(cut)
        if not known:
            self._look_up(cut.hosts[:4], {})
            known = self._known(cut)
        random.shuffle(known)
        reached = list(filter(reachable, dict.fromkeys(known)))
        some_are_silent = not self.silent.isdisjoint(reached)

        def order(address: Address) -> tuple[bool, bool, bool]:
            unanswered = some_are_silent and address not in self.answering
            return address in self.silent, unanswered, ":" in address.ip

        return sorted(reached, key=order)

    def _known(self, cut: ZoneCut) -> list[Address]:
        """The addresses of a zone's servers as far as they are known; resolvers inside may have others for a
        host than its own zone's glue."""
        known = (a for host in cut.hosts for a in (*cut.glue.get(host, ()), *self._hosts.get(host, ())))
        return list(dict.fromkeys(known))

    def _look_up(self, hosts: Iterable[str], glue: Mapping[str, Sequence[Address]]) -> None:
        """Every address of these name servers: by glue, and as the world would find them.

        A host in a zone that was walked through is asked of that zone itself: a resolver would
        keep the NSEC of a missing AAAA, and deny the host's neighbours with it.
        """
        unknown = sorted(host for host in hosts if host not in self._hosts)
        if unknown:
            self._looking_up.do(tuple(unknown), partial(self._look_up_all, unknown, glue))

    def _look_up_all(self, unknown: Sequence[str], glue: Mapping[str, Sequence[Address]]) -> None:
        homes = {host: self._zone_of(host) for host in unknown}
        own = {host: home for host, home in homes.items() if "." in home.apex}
        askable = {
            host: sorted(self._known(home), key=self.silent.__contains__)
            for host, home in own.items()
            if not self._is_silent(home.apex)
        }
        by_zone = gather(askable, self._timing, recurse=False, tcp_only=self.tcp_only)
        foreign = [host for host in unknown if host not in own or not (host in by_zone or glue.get(host))]
        resolved = gather(dict.fromkeys(foreign, self._resolvers[:2]), self._timing, recurse=True)
        for host in unknown:
            addresses = {*glue.get(host, ()), *by_zone.get(host, ()), *resolved.get(host, ())}
            self._hosts[host] = tuple(sorted(filter(reachable, addresses)))
