"""Where the record would go: the zone cut, the CNAME chain, and who has an account for its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product

import dns.rdatatype

from .....errors import ConfigError, DelegationError, HookError, ZoneNotFound
from .....names import PREFIX
from .....providers.base import is_within
from ....dns.cname_chain import ChainError
from ....dns.destination import Destination, PortBarred, not_delegated
from ....dns.message import text
from ..finding import Examined, Finding, Severity
from ._addresses import glue_to_change
from ._ca import is_of_ones_own
from ._transports import deaf_to_edns, edns_dropped_everywhere
from .account_copy import account_copies


def check(examined: Examined) -> Iterator[Finding]:
    """What stands between the challenge name and a zone that one of the accounts can write to."""
    if examined.settings.nameservers_for(examined.name):
        return  # the configuration says where it goes
    try:
        delegation = examined.discovery.find(examined.name)
    except ChainError as error:
        yield _with_dnames(examined, error.chain, _endless(examined, error))
    except PortBarred:
        return  # what keeps this machine from asking anybody is in the views' check
    except DelegationError as error:
        yield Finding("zone-unknown", Severity.ERROR, examined.name, str(error), (error.hint,))
    else:
        yield from _wildcard(delegation)
        if "." not in delegation.zone and (private := _private(examined)):
            yield private
        elif "." not in delegation.zone:
            yield _with_dnames(examined, delegation.chain, _nowhere(delegation))
        elif delegation.trouble:
            yield _with_dnames(examined, delegation.chain, _down(examined, delegation))
        elif len(delegation.chain) > 1 and examined.settings.accounts:
            for finding in _foreign(examined, delegation):
                yield _with_dnames(examined, delegation.chain, finding)


def _with_dnames(examined: Examined, chain: Sequence[str], finding: Finding) -> Finding:
    """The same where servers have made the CNAMEs from a DNAME (RFC 6672): that is what there is to
    remove."""
    for name in dict.fromkeys(chain):
        with suppress(DelegationError):
            for records in examined.discovery.ask(name, dns.rdatatype.CNAME).answer:
                owner = text(records.name)
                if records.rdtype == dns.rdatatype.DNAME and is_within(name, owner):
                    cname, dname = f"the CNAME of {name}", f"the DNAME of {owner}"
                    steps = [step.replace(cname, dname) for step in finding.remedy]
                    message = finding.message.replace(cname, dname)
                    finding = finding._replace(
                        message=f"{message} ({dname} leads there)", remedy=tuple(steps)
                    )
    return finding


def _endless(examined: Examined, error: ChainError) -> Finding:
    code = "cname-loop" if error.chain[-1] in error.chain[:-1] else "cname-too-long"
    return Finding(
        code,
        Severity.ERROR,
        examined.name,
        str(error),
        (
            f"have one CNAME lead straight to the name where the record is to stand: "
            f"{examined.name}. CNAME NAME.",
            f"or remove the CNAME of {examined.name}: the record can stand there itself",
        ),
    )


def _wildcard(delegation: Destination) -> Iterator[Finding]:
    if delegation.wildcard:
        yield Finding(
            "wildcard-cname",
            Severity.NOTE,
            delegation.name,
            f"a wildcard makes {delegation.name} a CNAME to {delegation.wildcard}; the record goes to the "
            "name itself, which overrides the wildcard while it is there",
            (f"if the CNAME is meant for it, write it out: {delegation.name}. CNAME {delegation.wildcard}.",),
        )


def _private(examined: Examined) -> Finding | None:
    """A zone that the public DNS does not have, and the server that takes the account's updates has: an order
    goes there, and passes at a CA of one's own, which asks that server too."""
    if not examined.settings.accounts or not is_of_ones_own(examined):
        return None
    try:
        place = examined.places.find([examined.name])[examined.name]
    except HookError:  # of which the other findings tell
        return None
    if not place.private:
        return None
    servers = ", ".join(server.name for server in place.servers)
    return Finding(
        "zone-private",
        Severity.NOTE,
        place.apex,
        f"{place.apex} is not in the public DNS, and {servers}, where the account sends its updates, has it: "
        "a public CA issues nothing for it, one of your own does if it asks there",
        (f'to say so for good: nameservers = ["ADDRESS"] in [zone."{place.apex}"], and ca',),
    )


def _nowhere(delegation: Destination) -> Finding:
    """The DNS has no zone for it beneath that of a registry, or the root's."""
    registry = delegation.zone or "the root"
    if delegation.trouble:
        return Finding(
            "zone-unknown",
            Severity.ERROR,
            delegation.target,
            f"no zone is found for {delegation.target}: beneath {registry}, {delegation.trouble}",
            (f"see what is between this machine and the name servers: dig +trace {delegation.target}",),
        )
    if delegation.target == PREFIX + registry:
        return Finding(
            "zone-missing",
            Severity.ERROR,
            delegation.name,
            f"{registry} is the domain of a registry, and no one's own: no CA issues for it",
            (f"give a domain beneath it: example.{registry}",),
        )
    if len(delegation.chain) > 1:
        return Finding(
            "cname-dangling",
            Severity.ERROR,
            delegation.name,
            f"{_drawn(delegation)}: its zone does not exist, {registry} does not delegate it; "
            "whoever comes to have it gets certificates for the domain",
            (f"remove the CNAME of {delegation.chain[-2]}", "or let it lead to a zone of your own"),
        )
    return Finding(
        "zone-missing",
        Severity.ERROR,
        delegation.name,
        not_delegated(delegation.name.removeprefix(PREFIX), registry),
        (
            "see whether the domain is registered, has name servers at the registrar, and is spelled right",
            "an internal zone wants `nameservers` in its section of the configuration",
        ),
    )


def _down(examined: Examined, delegation: Destination) -> Finding:
    """The domain's own zone, or one that is there for challenges alone."""
    own = is_within(delegation.name.removeprefix(PREFIX), delegation.zone)
    servers = ", ".join(server.name for server in delegation.servers)
    if unasked := _without_ipv6(examined, delegation):
        return unasked
    if own and (glue := _wrong_glue(examined, delegation)):
        return glue
    if deaf := deaf_to_edns(delegation.servers, delegation.zone, examined.discovery.timing):
        return edns_dropped_everywhere(delegation.zone, deaf)
    kind = "zone" if own else "challenge zone"
    likely, mend = _mending(delegation)
    return Finding(
        "zone-down" if own else "challenge-zone-down",
        Severity.ERROR,
        delegation.zone,
        f"no server of the {kind} {delegation.zone} ({servers}) answers for it ({delegation.trouble}): "
        f"{likely}",
        (*mend, *_undoing(delegation)),
    )


def _mending(delegation: Destination) -> tuple[str, tuple[str, ...]]:
    """What is likely where no server answers for a zone, and what to do, by what they all say."""
    zone = delegation.zone
    hosts = [server.name for server in delegation.servers]
    said = delegation.trouble.split("; ")
    if not any(server.addresses for server in delegation.servers):
        literal = next((host for host in hosts if host.replace(".", "").isdigit()), "")
        if literal:
            host = f"ns1.{zone}"
            step = f"write the name of a host into the NS record, and its address: {host}. A {literal}"
            return f"{literal} is an address, and NS takes the name of a host", (step,)
        inside = [host for host in hosts if is_within(host, zone)]
        if inside:
            glue = "; ".join(f"{host}. A ADDRESS" for host in inside)
            step = f"in the zone above {zone} (for a domain, at the registrar) write the glue: {glue}"
            return "the names of its servers are within it, and the zone above has no glue", (step,)
        steps = (
            f"give its servers their addresses: {'; '.join(f'{host}. A ADDRESS' for host in hosts)}",
            f"or, where these hosts are gone, have {zone} delegated to servers that there are",
        )
        return "the names of its servers do not exist, or have no address", steps
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
    if all("truncated" in word for word in said):
        return "their answers over UDP are truncated, and TCP is closed", (
            f"let TCP port 53 through to {', '.join(hosts)}: dig +tcp SOA {zone} +norec @{hosts[0]}",
        )
    if all("SERVFAIL" in word for word in said):
        return "its copies have expired, or do not load", (
            f"mend the zone transfer to {', '.join(hosts)}: a copy has expired or never came; their logs say "
            f"why, then: rndc retransfer {zone} (BIND), knotc zone-retransfer {zone} (Knot)",
            f"at the primary, check the zone's file: named-checkzone {zone} FILE",
        )
    if all("REFUSED" in word or "authority" in word for word in said):
        return "they do not have it, or not for everybody", (
            f"set {zone} up at {', '.join(hosts)}, and let everybody ask (BIND: allow-query {{ any; }})",
            f"or, if it has moved, have {zone} delegated to the servers that have it",
        )
    return "the record could not be seen", (
        f"see that {', '.join(hosts)} run and serve {zone}, and let UDP and TCP port 53 through to them",
    )


def _undoing(delegation: Destination) -> Iterator[str]:
    """What need not be there at all: a CNAME, or a delegation beneath the user's own domain."""
    zone, above = delegation.zone, delegation.zone.partition(".")[2]
    if len(delegation.chain) > 1:
        yield f"or remove the CNAME of {delegation.chain[-2]}"
    elif "." in above:
        yield f"or, if {zone} is to be no zone of its own, delete its NS records from the zone above it"


def _without_ipv6(examined: Examined, delegation: Destination) -> Finding | None:
    """Where the servers have addresses of a family alone that this machine does not have."""
    glue = examined.discovery.known_cut(delegation.zone).glue
    known = [address for addresses in glue.values() for address in addresses]
    if any(server.addresses for server in delegation.servers) or not known:
        return None
    if not all(":" in address.ip for address in known):
        return None
    shown = ", ".join(address.ip for address in known)
    return Finding(
        "no-ipv6-here",
        Severity.WARNING,
        delegation.zone,
        f"the name servers of {delegation.zone} have IPv6 addresses alone ({shown}), and this machine has no "
        "IPv6: nothing can be said of them from here",
        ("give this machine IPv6, or look from another one; there may be nothing to mend in the zone",),
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


def _foreign(examined: Examined, delegation: Destination) -> Iterator[Finding]:
    """What else may be wrong with the account is for the accounts' own check to say."""
    try:
        examined.places.find([examined.name])
    except (ConfigError, ZoneNotFound) as error:
        yield Finding(
            "cname-foreign",
            Severity.ERROR,
            delegation.name,
            f"{_drawn(delegation)}: no account reaches the zone {delegation.zone} ({error})",
            (
                *_final_dot(delegation),
                f'configure the account that has it: [zone."{delegation.zone}"] account = "NAME"',
                f"or remove the CNAME of {delegation.chain[-2]}, if it is not for challenges",
            ),
        )
    except Exception:
        return


def _final_dot(delegation: Destination) -> Iterator[str]:
    """A name without its final dot has the zone's own behind it (RFC 1035 §5.1)."""
    owner, target = delegation.chain[-2:]
    meant = target.removesuffix(f".{delegation.zone}")
    if "." in meant and meant != target and is_within(owner, delegation.zone):
        yield f"if {meant} is meant, the CNAME lacks its final dot: {owner}. CNAME {meant}."


def _drawn(delegation: Destination) -> str:
    return " -> ".join(delegation.chain)
