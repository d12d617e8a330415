"""Which zone holds a name: down from the root by referral, to the deepest zone cut.

::

    .                                resolvers know its servers
    └ org                            referral from the root
      └ example.org                  referral from org; from here on no resolver is asked
        ├ _acme-challenge            CNAME: cname_chain begins again with its target
        └ _acme-challenge.www        NS: a zone of its own, and so the record's

No resolver ever hears of the challenge name before the record is there, nor of anything near it:
its "no" would be kept for the zone's negative TTL, for every type at that name (RFC 2308 §5),
for everything beneath it (RFC 8020) and, with aggressive NSEC, for names beside it (RFC 8198).
Resolvers are asked for the root's name servers, and for the addresses of name servers that live
in other people's zones; all else is asked of authoritative servers, with RD=0.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ...errors import DelegationError
from ...names import ancestors, is_within
from ...threads import Shared
from .address import Address
from .ask_servers import NoUsefulAnswer, first
from .destination import PORT_53_HINT, Barrier, NoRoot, PortBarred, Server, ZoneCut
from .message import NS, SOA, Response, alias_of, apex_of, glue_in, hosts_in, referral_to, text
from .server_addresses import ServerAddresses
from .timing import USUAL, Timing


class ZoneCuts:
    """Walks down the delegations, and remembers every zone cut that it has passed.

    ``resolvers`` are asked for the root and for addresses in foreign zones, nothing else. ``named``
    stand for the root where the configuration names the servers of a private world.
    """

    def __init__(
        self, resolvers: Sequence[Address], named: Sequence[Server] = (), *, timing: Timing = USUAL
    ) -> None:
        self.timing = timing
        self._named = tuple(named)
        self._resolvers = [address for server in named[:1] for address in server.addresses] + list(resolvers)
        self._cuts: dict[str, ZoneCut] = {}
        self._homes: dict[str, ZoneCut] = {}  # the zones that names are in
        self._servers: dict[str, tuple[Server, ...]] = {}
        self._silent: dict[str, NoUsefulAnswer] = {}
        self._addresses = ServerAddresses(
            self._resolvers, timing, self._deepest, lambda apex: apex in self._silent
        )
        self._replies: dict[tuple[str, dns.rdatatype.RdataType], dns.message.Message] = {}
        self._answered = False  # whether any name server has answered for itself
        self._rooting = threading.Lock()
        # Doctor's checks ask for the same at the same time.
        self._descending = Shared[ZoneCut]()
        self._asking = Shared[dns.message.Message]()
        self._listing = Shared[tuple[Server, ...]]()

    @property
    def tcp_only(self) -> set[Address]:
        """The servers that are known by now to answer over TCP alone."""
        return self._addresses.tcp_only

    def learn_transports(self, *, tcp_only: Iterable[Address], by_datagram: Iterable[Address]) -> None:
        """Remember which servers answer over TCP alone, and which of those that seemed to do not."""
        self.tcp_only.update(tcp_only)
        self.tcp_only.difference_update(by_datagram)

    @property
    def by_datagram(self) -> set[Address]:
        """The servers that have answered over UDP."""
        return self._addresses.by_datagram

    @property
    def private(self) -> bool:
        """Whether it begins with servers that the configuration names, and not with the root's."""
        return bool(self._named)

    def responsive(self, servers: Sequence[Server]) -> tuple[Server, ...]:
        """The servers that have answered before, where some of these keep silent; else all of them."""
        return self._addresses.responsive(servers)

    def with_servers(self, servers: Sequence[Server], others: Sequence[Server]) -> tuple[Server, ...]:
        """The servers, and those of the others with another NS name, each with all its addresses; those
        that the others have already are believed as glue is."""
        known = {server.name for server in servers}
        glue = {other.name: other.addresses for other in others if other.name not in known}
        return (*servers, *self._addresses.servers(glue, glue))

    def cut(self, name: str) -> ZoneCut:
        """The zone that holds ``name``: the deepest that it is delegated to.

        Raises DelegationError where the servers of a zone on the way say nothing useful.
        """
        return self._homes.get(name) or self._descending.do(name, partial(self._cut, name))

    def _cut(self, name: str) -> ZoneCut:
        try:
            home = self._homes[name] = self._descend(name)[0]
        except NoUsefulAnswer as error:
            self._mind_the_port(error)
            raise DelegationError(f"nobody answers for {name} ({error})") from None
        return home

    def known_zone(self, name: str) -> str:
        """The apex of the deepest zone that is known by now to hold ``name``; empty where only the root does,
        or the servers that the configuration names."""
        return next((above for above in ancestors(name) if above in self._cuts), "")

    def known_cut(self, apex: str) -> ZoneCut:
        """The zone as its parent's referral described it; nobody is asked."""
        return self._cuts.get(apex) or ZoneCut(apex, (), {})

    def known_servers(self, apex: str) -> tuple[Server, ...]:
        """The servers of that zone, with the addresses that are known by now; nobody is asked."""
        return self._addresses.known(self.known_cut(apex))

    def ask(self, name: str, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        """What a server of its zone says, with authority, of records at ``name``; of a DS, a server
        of the zone above (RFC 4035 §3.1.4.1).

        Raises DelegationError, which says what each server did.
        """
        if (name, rdtype) in self._replies:
            return self._replies[name, rdtype]
        return self._asking.do((name, rdtype), partial(self._ask_home, name, rdtype))

    def _ask_home(self, name: str, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        home = name.partition(".")[2] if rdtype == dns.rdatatype.DS else name
        try:
            reply = self._replies[name, rdtype] = self._follow(home, name, rdtype)[1]
            return reply
        except NoUsefulAnswer as error:
            self._mind_the_port(error)
            kind = dns.rdatatype.to_text(rdtype)
            raise DelegationError(f"nobody answers for {name} {kind} ({error})") from None

    # Zone cuts

    def _descend(self, name: str) -> tuple[ZoneCut, dns.message.Message]:
        """The deepest zone that ``name`` is delegated to, and what its servers say of the name."""
        cut, reply = self._follow(name, name, SOA)
        apex = apex_of(reply)
        if is_within(name, apex):  # else a CNAME leads into another zone of the same servers
            cut = self._on_the_same_servers(cut, apex)
        return cut, reply

    def _follow(
        self, home: str, name: str, rdtype: dns.rdatatype.RdataType
    ) -> tuple[ZoneCut, dns.message.Message]:
        """Ask about ``name``, first in the deepest zone known around ``home``, then wherever it is
        referred to; gives the zone that has the answer, and the answer."""
        while True:
            cut = self._deepest(home)
            reply = self._ask(cut, name, rdtype)
            referral = referral_to(reply, cut.apex, home)
            if referral is None:
                return cut, reply
            apex = text(referral.name)
            self._cuts[apex] = ZoneCut(apex, hosts_in(referral), glue_in(reply))

    def _deepest(self, name: str) -> ZoneCut:
        """The deepest cut known so far that ``name`` is within."""
        known = (self._cuts[above] for above in ancestors(name) if above in self._cuts)
        return next(known, None) or self._root()

    def _root(self) -> ZoneCut:
        """Whoever needs it first finds it for all."""
        with self._rooting:
            if "" not in self._cuts and self._named:
                glue = {server.name: server.addresses for server in self._named}
                self._cuts[""] = ZoneCut("", tuple(glue), glue, named=True)
            elif "" not in self._cuts:
                self._cuts[""] = self._ask_for_the_root()
            return self._cuts[""]

    def _ask_for_the_root(self) -> ZoneCut:
        try:
            if "" in self._silent:
                raise self._silent[""]
            answer = first(
                self._resolvers, "", NS, self.timing, recurse=True, tcp_only=self._addresses.tcp_only
            )
        except NoUsefulAnswer as error:
            self._silent[""] = error
            words = f"no resolver tells where the root's name servers are ({error})"
            if error.silent:
                raise PortBarred("nothing answers", words) from None
            raise NoRoot(words, PORT_53_HINT) from None
        self._addresses.learn_transport(answer)
        hosts = tuple(host for rrset in answer.message.answer for host in hosts_in(rrset))
        return ZoneCut("", hosts, glue_in(answer.message))

    def _mind_the_port(self, error: NoUsefulAnswer) -> None:
        """Raises PortBarred where no name server has answered so far."""
        if self._named or self._answered or not (error.silent or error.intercepted):
            return
        barrier: Barrier = "something intercepts it" if error.intercepted else "only resolvers answer"
        raise PortBarred(barrier, str(error)) from None

    def _on_the_same_servers(self, cut: ZoneCut, apex: str) -> ZoneCut:
        """A child zone on its parent's servers gets no referral: only its SOA tells of it."""
        if cut.named and is_within(apex, cut.apex):
            self._cuts[apex] = cut = cut._replace(apex=apex)
        elif apex != cut.apex and is_within(apex, cut.apex):
            reply = self._ask(cut, apex, NS)  # its own word, or its parent's referral
            hosts = {host for rrset in (*reply.answer, *reply.authority) for host in hosts_in(rrset)}
            cut = self._cuts[apex] = ZoneCut(
                apex, tuple(sorted(hosts)) or cut.hosts, cut.glue | glue_in(reply)
            )
        return cut

    def _enclosing(self, cut: ZoneCut, name: str) -> ZoneCut:
        """The zone of a name whose SOA a wildcard CNAME hides."""
        for above in islice(ancestors(name), 1, None):
            if not is_within(above, cut.apex):
                break
            reply = self._ask(cut, above, SOA)
            if not alias_of(reply, above):
                return self._on_the_same_servers(cut, apex_of(reply))
        return cut

    # Name servers

    def _all_servers(self, cut: ZoneCut) -> tuple[Server, ...]:
        """The union of the parent's and the zone's own NS, with all their addresses; of those that the
        configuration names, these."""
        if cut.named:
            return self._named
        return self._servers.get(cut.apex) or self._listing.do(cut.apex, partial(self._list_servers, cut))

    def _list_servers(self, cut: ZoneCut) -> tuple[Server, ...]:
        if cut.apex not in self._servers:
            hosts = set(cut.hosts)
            try:
                reply = self._ask(cut, cut.apex, NS)
                hosts |= {host for rrset in reply.answer for host in hosts_in(rrset)}
            except NoUsefulAnswer:
                pass  # the parent's word stands alone; find() has said so, or the wait will
            self._servers[cut.apex] = self._addresses.servers(hosts, cut.glue)
        return self._servers[cut.apex]

    # Questions

    def _ask(self, cut: ZoneCut, name: str, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        """What the servers of a zone say: with authority, or by a referral further down."""
        if cut.apex in self._silent:
            raise self._silent[cut.apex]
        addresses = self._addresses.of_zone(cut)
        try:
            known = self._addresses.tcp_only
            answer = first(addresses, name, rdtype, self.timing, zone=cut.apex, tcp_only=known)
        except NoUsefulAnswer as error:
            # A server that the configuration names has zones, and says nothing useful of what is above them.
            elsewhere = cut.named and not self._addresses.answering.isdisjoint(addresses)
            if (error.silent or error.intercepted) and not elsewhere:  # else it may be about this one name
                self._silent[cut.apex] = error
            raise
        self._addresses.learn(answer)
        self._answered = self._answered or not Response(answer.message).like_a_resolver
        return answer.message
