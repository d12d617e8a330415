"""Where the record really goes: down from the root by referral, along every CNAME.

::

    .                                resolvers know its servers
    └ org                            referral from the root
      └ example.org                  referral from org; from here on no resolver is asked
        ├ _acme-challenge            CNAME: the descent begins again with its target
        └ _acme-challenge.www        NS: a zone of its own, and so the record's

No resolver ever hears of the challenge name before the record is there, nor of anything near it:
its "no" would be kept for the zone's negative TTL, for every type at that name (RFC 2308 §5),
for everything beneath it (RFC 8020) and, with aggressive NSEC, for names beside it (RFC 8198).
Resolvers are asked for the root's name servers, and for the addresses of name servers that live
in other people's zones; all else is asked of authoritative servers, with RD=0.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Mapping, Sequence
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
from .address import Address, reachable
from .ask_servers import NoUsefulAnswer, first, gather
from .destination import CNAME_LIMIT, PORT_53_HINT, ChainError, Destination, PortBarred, Server, ZoneCut
from .message import NS, SOA, Response, alias_of, apex_of, glue_in, hosts_in, referral_to, text
from .timing import USUAL, Timing
from .wildcard_cname import Rule, is_from_wildcard


class Discovery:
    """Finds where records go, and remembers that, and every zone cut that it has passed.

    ``resolvers`` are asked for the root and for addresses in foreign zones, nothing else. ``named``
    stand for the root where the configuration names the servers of a private world.
    """

    def __init__(
        self, resolvers: Sequence[Address], named: Sequence[Server] = (), *, timing: Timing = USUAL
    ) -> None:
        self.timing = timing
        self._named = tuple(named)
        self._resolvers = [address for server in named[:1] for address in server.addresses] + list(resolvers)
        self._found: dict[tuple[str, Rule], Destination] = {}
        self._cuts: dict[str, ZoneCut] = {}
        self._homes: dict[str, ZoneCut] = {}  # the zones that names are in
        self._hosts: dict[str, tuple[Address, ...]] = {}
        self._servers: dict[str, tuple[Server, ...]] = {}
        self._silent: dict[str, NoUsefulAnswer] = {}
        self._replies: dict[tuple[str, dns.rdatatype.RdataType], dns.message.Message] = {}
        self._mute: set[Address] = set()  # that kept silent while others answered
        self._heard: set[Address] = set()  # that have given a useful answer
        self._deaf: set[Address] = set()  # that answer over TCP, and not over UDP
        self._answered = False  # whether any name server has answered for itself
        self._rooting = threading.Lock()
        # Doctor's checks ask for the same at the same time.
        self._finding = Shared[Destination]()
        self._descending = Shared[ZoneCut]()
        self._asking = Shared[dns.message.Message]()
        self._looking_up = Shared[None]()
        self._listing = Shared[tuple[Server, ...]]()

    @property
    def deaf(self) -> set[Address]:
        """The servers that are known by now to answer over TCP alone."""
        return self._deaf

    @property
    def private(self) -> bool:
        """Whether it begins with servers that the configuration names, and not with the root's."""
        return bool(self._named)

    def responsive(self, servers: Sequence[Server]) -> tuple[Server, ...]:
        """Of servers some of which keep silent, those that have answered before; else all of them."""
        addresses = {address for server in servers for address in server.addresses}
        if self._mute.isdisjoint(addresses) or self._heard.isdisjoint(addresses):
            return tuple(servers)
        return tuple(server for server in servers if not self._heard.isdisjoint(server.addresses))

    def find_all(self, names: Iterable[str], cname: Rule = "auto") -> dict[str, Destination]:
        """Follow many challenge names at once; the first one alone, for its cuts serve the rest.

        Raises DelegationError as ``find`` does.
        """
        first, *rest = dict.fromkeys(names)
        found = {first: self.find(first, cname)}
        if rest:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(8) as pool:
                found |= zip(rest, pool.map(lambda name: self.find(name, cname), rest), strict=True)
        return found

    def find(self, name: str, cname: Rule = "auto") -> Destination:
        """Follow the delegations and CNAMEs of one challenge name.

        Raises ChainError for a loop and for a chain that is too long, PortBarred where no name
        server can be asked at all: neither the zone is known then, nor whether the name is a CNAME.
        """
        return self._found.get((name, cname)) or self._finding.do(
            (name, cname), partial(self._find, name, cname)
        )

    def _find(self, name: str, cname: Rule) -> Destination:
        found = self._found.get((name, cname)) or self._walk(name, cname)
        if not found.trouble:  # which may pass
            self._found[name, cname] = found
        return found

    def _walk(self, name: str, cname: Rule) -> Destination:
        chain = [name]
        wildcard = trouble = ""
        intercepted = False
        while True:
            target = chain[-1]
            try:
                cut, reply = self._descend(target)
                alias = alias_of(reply, target)
                if alias and cname == "ignore":
                    cut, alias = self._enclosing(cut, target), ""
                elif alias and cname == "auto" and self._is_from_wildcard(cut, reply, target, alias):
                    cut, wildcard, alias = self._enclosing(cut, target), alias, ""
            except NoUsefulAnswer as silence:
                self._mind_the_port(silence)
                cut, alias, trouble = self._deepest(target), "", str(silence)
                intercepted = silence.intercepted
            if not alias:
                servers = self._all_servers(cut)
                return Destination(
                    name,
                    target,
                    cut.apex,
                    servers,
                    tuple(chain),
                    wildcard,
                    trouble,
                    intercepted,
                    private=bool(self._named),
                )
            chain.append(alias)
            check_chain(chain)

    def _is_from_wildcard(self, cut: ZoneCut, reply: dns.message.Message, name: str, alias: str) -> bool:
        return is_from_wildcard(reply, name, alias, lambda other: self._ask(cut, other, SOA))

    def with_servers(self, servers: Sequence[Server], others: Sequence[Server]) -> tuple[Server, ...]:
        """The servers, and those of the others with another NS name, each with all its addresses; those
        that the others have already are believed as glue is."""
        known = {server.name for server in servers}
        glue = {other.name: other.addresses for other in others if other.name not in known}
        self._look_up(glue, glue)
        return (*servers, *(Server(host, self._hosts[host]) for host in sorted(glue)))

    def cut(self, name: str) -> ZoneCut:
        """The zone that holds ``name``: the deepest that it is delegated to.

        Raises DelegationError where the servers of a zone on the way say nothing useful.
        """
        return self._homes.get(name) or self._descending.do(name, partial(self._cut, name))

    def _cut(self, name: str) -> ZoneCut:
        try:
            home = self._homes[name] = self._descend(name)[0]
        except NoUsefulAnswer as silence:
            self._mind_the_port(silence)
            raise DelegationError(f"nobody answers for {name} ({silence})") from None
        return home

    def known_zone(self, name: str) -> str:
        """The apex of the deepest zone that is known by now to hold ``name``; empty where only the root does,
        or the servers that the configuration names."""
        return next((above for above in ancestors(name) if above in self._cuts), "")

    def known_cut(self, apex: str) -> ZoneCut:
        """The zone as its parent's referral described it; nobody is asked."""
        return self._cuts.get(apex) or ZoneCut(apex, (), {})

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
        except NoUsefulAnswer as silence:
            self._mind_the_port(silence)
            kind = dns.rdatatype.to_text(rdtype)
            raise DelegationError(f"nobody answers for {name} {kind} ({silence})") from None

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
            reply = first(self._resolvers, "", NS, self.timing, recurse=True, deaf=self._deaf)
        except NoUsefulAnswer as silence:
            self._silent[""] = silence
            words = f"no resolver tells where the root's name servers are ({silence})"
            if silence.mute:
                raise PortBarred("nothing answers", words) from None
            raise DelegationError(words, PORT_53_HINT) from None
        return ZoneCut("", tuple(host for rrset in reply.answer for host in hosts_in(rrset)), glue_in(reply))

    def _mind_the_port(self, silence: NoUsefulAnswer) -> None:
        """Raises PortBarred where no name server has answered so far."""
        if self._named or self._answered or not (silence.mute or silence.intercepted):
            return
        barrier = "something intercepts it" if silence.intercepted else "only resolvers answer"
        raise PortBarred(barrier, str(silence)) from None

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
            self._look_up(hosts, cut.glue)
            self._servers[cut.apex] = tuple(Server(host, self._hosts[host]) for host in sorted(hosts))
        return self._servers[cut.apex]

    def _addresses(self, cut: ZoneCut) -> list[Address]:
        """Addresses to put a question about the zone to: the glue will do. Those that have kept silent
        before come last, and where some do, those that have answered come first."""
        known = self._known(cut)
        if not known:
            self._look_up(cut.hosts[:4], {})
            known = self._known(cut)
        random.shuffle(known)
        reached = list(filter(reachable, dict.fromkeys(known)))
        some_are_mute = not self._mute.isdisjoint(reached)

        def order(address: Address) -> tuple[bool, bool, bool]:
            unheard = some_are_mute and address not in self._heard
            return address in self._mute, unheard, ":" in address.ip

        return sorted(reached, key=order)

    def _look_up(self, hosts: Iterable[str], glue: Mapping[str, Sequence[Address]]) -> None:
        """Every address of these name servers: by glue, and as the world would find them.

        A host in a zone that was walked through is asked of that zone itself: a resolver would
        keep the NSEC of a missing AAAA, and deny the host's neighbours with it.
        """
        unknown = sorted(host for host in hosts if host not in self._hosts)
        if unknown:
            self._looking_up.do(tuple(unknown), partial(self._look_up_all, unknown, glue))

    def _look_up_all(self, unknown: Sequence[str], glue: Mapping[str, Sequence[Address]]) -> None:
        found: dict[str, set[Address]] = {host: set(glue.get(host, ())) for host in unknown}
        homes = {host: self._deepest(host) for host in unknown}
        own = {host: home for host, home in homes.items() if "." in home.apex}
        askable = {
            host: sorted(self._known(home), key=self._mute.__contains__)
            for host, home in own.items()
            if home.apex not in self._silent
        }
        answered = gather(askable, found, self.timing, recurse=False, deaf=self._deaf)
        foreign = [host for host in unknown if host not in own or (host not in answered and not found[host])]
        gather(dict.fromkeys(foreign, self._resolvers[:2]), found, self.timing, recurse=True)
        for host, addresses in found.items():
            self._hosts[host] = tuple(sorted(filter(reachable, addresses)))

    def _known(self, cut: ZoneCut) -> list[Address]:
        """The addresses of a zone's servers as far as they are known."""
        return [a for host in cut.hosts for a in self._hosts.get(host) or cut.glue.get(host, ())]

    # Questions

    def _ask(self, cut: ZoneCut, name: str, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        """What the servers of a zone say: with authority, or by a referral further down."""
        if cut.apex in self._silent:
            raise self._silent[cut.apex]
        addresses = self._addresses(cut)
        try:
            reply = first(
                addresses,
                name,
                rdtype,
                self.timing,
                zone=cut.apex,
                deaf=self._deaf,
                mute=self._mute,
                heard=self._heard,
            )
        except NoUsefulAnswer as silence:
            # A server that the configuration names has zones, and says nothing useful of what is above them.
            elsewhere = cut.named and not self._heard.isdisjoint(addresses)
            if (silence.mute or silence.intercepted) and not elsewhere:  # else it may be about this one name
                self._silent[cut.apex] = silence
            raise
        self._answered = self._answered or not Response(reply).like_a_resolver
        return reply


def check_chain(chain: Sequence[str]) -> None:
    """Raises ChainError for a loop, and for more CNAMEs than a CA follows."""
    drawn = " -> ".join(chain)
    if chain[-1] in chain[:-1]:
        raise ChainError(
            f"{chain[0]}: its CNAMEs go round in a circle: {drawn}",
            f"let one CNAME lead to where the record can stand, or remove that of {chain[0]}",
            chain,
        )
    if len(chain) > CNAME_LIMIT + 1:
        raise ChainError(
            f"{chain[0]}: more than {CNAME_LIMIT} CNAMEs in a row: {drawn}",
            "let the first one point to the last one's target; CAs give up on long chains",
            chain,
        )
