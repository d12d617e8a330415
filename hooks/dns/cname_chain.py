"""Where the record of a challenge goes: down the delegations, and along every CNAME to the last one's target.

``Discovery.find`` follows them; ``zone_cuts`` has the walk down from the root that each step takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import dns.message

from ...errors import DelegationError
from ...threads import Shared
from .address import Address
from .ask_servers import NoUsefulAnswer
from .destination import Destination, Server, ZoneCut
from .message import SOA, alias_of
from .timing import USUAL, Timing
from .wildcard_cname import Rule, is_from_wildcard
from .zone_cuts import ZoneCuts

CNAME_LIMIT = 10  # CNAMEs: resolvers follow 10 or 11, and give up on 12


class Discovery(ZoneCuts):
    """Finds where records go, and remembers that, and every zone cut that it has passed."""

    def __init__(
        self, resolvers: Sequence[Address], named: Sequence[Server] = (), *, timing: Timing = USUAL
    ) -> None:
        super().__init__(resolvers, named, timing=timing)
        self._found: dict[tuple[str, Rule], Destination] = {}
        self._finding = Shared[Destination]()  # doctor's checks ask for the same at the same time

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


class ChainError(DelegationError):
    """A loop of CNAMEs, or more of them than a CA follows; ``chain``: as far as they were followed."""

    def __init__(self, message: str, hint: str, chain: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.chain = tuple(chain)


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
