"""A zone none of whose delegated servers answers for it: what is likely, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from ......names import PREFIX
from ......providers.base import is_within
from .....dns.address import reachable
from .....dns.destination import Destination
from .....dns.inspect.faults import retransfer
from ...finding import Examined, Finding, Severity
from ..subjects.account_copy import account_copies, names
from ..subjects.ca import is_of_ones_own
from .addresses import glue_to_change
from .addresses_alone import addresses_alone
from .asked_with_do import with_do
from .ns_records import is_literal
from .out_of_reach import Addresses, Hosts, is_out_of_reach, look_up_hosts, of_the_root, private, unrouted
from .resolved_addresses import inside_addresses, own_addresses
from .underscores import refusing, underscore_refused
from .without_authority import without_authority


def zone_down(examined: Examined, delegation: Destination) -> Finding:
    """A zone that no server answers for: the domain's own, or one that is there for challenges alone."""
    own = is_within(delegation.name.removeprefix(PREFIX), delegation.zone)
    servers = ", ".join(server.name for server in delegation.servers)
    told = own_addresses(examined, delegation.servers)
    if inside := inside_addresses(examined, delegation.zone, delegation.servers, told):
        return inside
    hosts = look_up_hosts(examined, delegation)
    if unreached := _unreached(examined, delegation.zone, hosts.addresses):
        return unreached
    if own and (glue := _wrong_glue(examined, delegation)):
        return glue
    if not_so := with_do(delegation, examined.discovery.timing):
        return not_so
    if filtered := _underscores(examined, delegation):
        return filtered
    kind = "zone" if own else "challenge zone"
    balanced = addresses_alone(examined.discovery, delegation)
    likely, mend = balanced or _circle(examined, delegation) or _mending(examined, delegation, hosts)
    mend = (*mend, *_beside(examined, hosts.addresses))
    return Finding(
        "zone-down" if own else "challenge-zone-down",
        Severity.ERROR,
        delegation.zone,
        f"no server of the {kind} {delegation.zone} ({servers}) answers for it ({delegation.trouble}): "
        f"{likely}",
        mend if balanced else tuple(_steps(examined, delegation, mend)),
    )


def _unreached(examined: Examined, zone: str, known: Addresses) -> Finding | None:
    """Where the servers have no address that the world can reach, or none that this machine can."""
    root = of_the_root(examined)
    every = [address for addresses in known.values() for address in addresses]
    if every and all(is_out_of_reach(address.ip, root) for address in every):
        if not is_of_ones_own(examined):
            hidden = {host: addresses for host, addresses in known.items() if addresses}
            return private(zone, hidden, ["at the registrar (glue) and in its own zone"], Severity.ERROR)
    elif every and not any(map(reachable, every)):
        return next(unrouted(zone, known, Severity.WARNING))
    return None


def _beside(examined: Examined, known: Addresses) -> Iterator[str]:
    """Of several servers, those that would not be reached from outside if they ran."""
    root = of_the_root(examined)
    for host, addresses in known.items():
        if hidden := [address.ip for address in addresses if is_out_of_reach(address.ip, root)]:
            yield f"and give {host} a public address: nobody outside can reach {', '.join(hidden)}"


def _steps(examined: Examined, delegation: Destination, mend: Sequence[str]) -> Iterator[str]:
    """First what need not be there at all: a delegation beneath the user's own domain, unless the account has
    its zone; a CNAME last."""
    others = list(_other_servers(examined, delegation))
    zone = delegation.zone
    above = examined.discovery.known_zone(zone.partition(".")[2])
    owned = any(copy.zone == zone for copy in account_copies(examined).found)
    delete = f"delete the NS records of {zone} from {above}, if it is to be no zone of its own"
    spare = "." in above and len(delegation.chain) == 1
    if spare and not owned:
        yield f"{delete}: what is published for it goes to {above} then"
        first, *more = (*others, *mend)
        yield f"or, to keep it: {first}"
        yield from more
    else:
        yield from (*others, *mend)
        if spare:
            yield f"or {delete}"
    if len(delegation.chain) > 1:
        yield f"or remove the CNAME of {delegation.chain[-2]}"


def _other_servers(examined: Examined, delegation: Destination) -> Iterator[str]:
    """Those that the account's own copy of the zone names, where the delegation names none of them."""
    for account in account_copies(examined).found:
        hosts = account.copy.hosts
        if account.zone == delegation.zone and not hosts & {server.name for server in delegation.servers}:
            yield (
                f"if {account.label} has the zone as it should be: at the registrar, or in the zone above, "
                f"have it delegated to the name servers that are named there: {names(hosts)}"
            )


def _circle(examined: Examined, delegation: Destination) -> tuple[str, tuple[str, ...]] | None:
    """Where the addresses of the zone's servers can be had from nobody but these servers themselves; the
    way to them has been gone by now, as far as it goes."""
    zone = delegation.zone
    hosts = [server.name for server in delegation.servers]
    if any(server.addresses for server in delegation.servers) or any(is_within(host, zone) for host in hosts):
        return None
    for host in hosts:
        home = examined.discovery.known_cut(examined.discovery.known_zone(host))
        if home.hosts and not home.glue and all(is_within(each, zone) for each in home.hosts):
            inside = home.hosts[0]
            return (
                f"{host} is in {home.apex}, which is delegated to {', '.join(home.hosts)}, in {zone} again, "
                "and no glue leads into this circle",
                (
                    f"delegate {zone} to a host of its own as well, with glue at the registrar: "
                    f"{zone}. NS {inside}. and {inside}. A ADDRESS",
                    f"or delegate {home.apex} to a host of its own, with glue",
                ),
            )
    return None


def _underscores(examined: Examined, delegation: Destination) -> Finding | None:
    """Servers that have the zone, and let no name with an underscore through."""
    found = {address: server.name for server in delegation.servers for address in server.addresses}
    refused = refusing(examined.discovery, delegation.zone, found)
    if not refused:
        return None
    hosts = ", ".join(dict.fromkeys(found[address] for address in refused))
    return underscore_refused(
        delegation.zone, delegation.target, hosts, sorted(refused.items()), Severity.ERROR
    )


def _mending(examined: Examined, delegation: Destination, known: Hosts) -> tuple[str, tuple[str, ...]]:
    """What is likely where no server answers for a zone, and what to do, by what they all say."""
    zone = delegation.zone
    hosts = [server.name for server in delegation.servers]
    troubles = delegation.trouble.split("; ")
    if not any(server.addresses for server in delegation.servers):
        literal = next(filter(is_literal, hosts), "")
        if literal:
            host = f"ns1.{zone}"
            step = f"write the name of a host into the NS record, and its address: {host}. A {literal}"
            return f"{literal} is an address, and NS takes the name of a host", (step,)
        if known.aliases:
            return _cnames(zone, known.aliases)
        inside = [host for host in hosts if is_within(host, zone)]
        if inside:
            glue = "; ".join(f"{host}. A ADDRESS" for host in inside)
            step = f"in the zone above {zone} (for a domain, at the registrar) write the glue: {glue}"
            return "the names of its servers are within it, and the zone above has no glue", (step,)
        if known.unanswered:
            return _homes_down(examined, delegation, known.unanswered)
        return "the names of its servers do not exist, or have no address", _homeless(examined, zone, hosts)
    if delegation.intercepted:
        return (
            "resolvers or forwarders stand where name servers should (flags RA, and not AA), while those of "
            "the zones above answer for themselves",
            (
                f"have {', '.join(hosts)} serve {zone} themselves, as primary or secondary, instead of "
                "forwarding or recursing",
                f"or have {zone} delegated to servers that do",
                "if these are name servers, something on the way answers in their place: see from elsewhere, "
                f"dig SOA {zone} +norec @{hosts[0]} should have the flag aa, and not ra",
            ),
        )
    if all("truncated" in word for word in troubles):
        return "their answers over UDP are truncated, and TCP is closed", (
            f"let TCP port 53 through to {', '.join(hosts)}: dig +tcp SOA {zone} +norec @{hosts[0]}",
        )
    if all("SERVFAIL" in word for word in troubles):
        return "its copies have expired, or do not load", (
            f"mend the zone transfer to {', '.join(hosts)}: a copy has expired or never came; their logs say "
            f"why, then: {retransfer(zone)}",
            f"at the primary, check the zone's file: named-checkzone {zone} FILE",
        )
    strange = all("authority" in word for word in troubles) and without_authority(
        examined.discovery, delegation, account_copies(examined).found
    )
    if strange:
        return strange
    if all(word.endswith(("REFUSED", "NOTAUTH")) or "authority" in word for word in troubles):
        return "they do not have it, or not for everybody", (
            f"set {zone} up at {', '.join(hosts)}, and let everybody ask (BIND: allow-query {{ any; }})",
            f"or, if it has moved, have {zone} delegated to the servers that have it",
            f"see also whether the domain, or its contract with the hoster, has run out: whois {zone}",
        )
    return "the record could not be seen", (
        f"see that {', '.join(hosts)} run and serve {zone}, and let UDP and TCP port 53 through to them",
    )


def _homeless(examined: Examined, zone: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """What to do where no server has an address: most hosts are of a domain that is somebody else's."""
    elsewhere = f"have {zone} delegated to servers that there are (at the registrar, or in the zone above)"
    gone = dict.fromkeys(filter(None, (_undelegated(examined, host) for host in hosts)))
    if gone:
        domains = ", ".join(gone)
        return (
            f"{elsewhere}: {domains} is not in the DNS, as after its registration has run out",
            f"or, if {domains} is yours, renew it: whois {next(iter(gone))}",
        )
    addresses = "; ".join(f"{host}. A ADDRESS" for host in hosts)
    return f"give its servers their addresses: {addresses}", f"or, where these hosts are gone, {elsewhere}"


def _undelegated(examined: Examined, host: str) -> str:
    """The domain of a host that its registry does not delegate; empty where it does."""
    registry = examined.discovery.known_zone(host)
    if not registry or "." in registry:
        return ""
    return f"{host.removesuffix(f'.{registry}').rpartition('.')[2]}.{registry}"


def _cnames(zone: str, aliases: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Where the NS names are CNAMEs, which only some resolvers follow there."""
    shown = ", ".join(f"{host}, to {target}" for host, target in aliases.items())
    return f"the names of its servers are CNAMEs ({shown}), which NS may not lead to (RFC 2181 §10.3)", (
        "name the servers themselves, in the zone above (for a domain, at the registrar) and in the zone: "
        + "; ".join(f"{zone}. NS {target}." for target in aliases.values()),
        f"or give {', '.join(aliases)} addresses of its own (A, AAAA) in place of the CNAME",
    )


def _homes_down(
    examined: Examined, delegation: Destination, unanswered: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Where nobody answers for the zones that the servers' own names are in."""
    homes = tuple(dict.fromkeys(map(examined.discovery.known_zone, unanswered)))
    glue = {host: ips for home in homes for host, ips in examined.discovery.known_cut(home).glue.items()}
    shown = "; ".join(f"{host}. {', '.join(address.ip for address in ips)}" for host, ips in glue.items())
    named = ", ".join(homes)
    asked = f", at the addresses that the zone above has ({shown})" if shown else ""
    moved = f"or, where they run at others, have the registrar of {named} change those ({', '.join(glue)})"
    return (
        f"the addresses of {', '.join(unanswered)} cannot be had, for the name servers of {named}, where "
        f"these hosts are, do not answer{asked}",
        (
            f"bring the name servers of {named} back: dig SOA {homes[0]} +trace shows them",
            *([moved] if glue else []),
            f"or have {delegation.zone} delegated to servers that there are",
        ),
    )


def _wrong_glue(examined: Examined, delegation: Destination) -> Finding | None:
    """Where the account's own server knows other addresses than those that do not answer."""
    copies = [copy for copy in account_copies(examined).found if copy.zone == delegation.zone]
    for account, server in product(copies, delegation.servers):
        right = account.apex.addresses.get(server.name, ())
        wrong = [address.ip for address in server.addresses]
        if right and wrong and not set(right) & set(wrong):
            return glue_to_change(delegation.zone, server.name, wrong, "nothing answers for it", account)
    return None
