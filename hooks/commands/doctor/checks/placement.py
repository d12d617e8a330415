"""Where the record would go: the zone cut, the CNAME chain, and who has an account for its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import dns.rcode
import dns.rdatatype

from .....errors import ConfigError, DelegationError, HookError, ZoneNotFound
from .....names import PREFIX
from .....providers.base import NeedsAlias, is_within
from ....config.settings import Account
from ....dns.cname_chain import ChainError
from ....dns.destination import Destination, NoRoot, PortBarred, not_delegated
from ....dns.message import TXT, text
from ..finding import Examined, Finding, Severity
from .account import undelegated
from .name_servers.zone_down import zone_down
from .other_accounts import others_with
from .subjects.account_copy import account_copies
from .subjects.ca import is_of_ones_own
from .subjects.catch_all import CatchAll, catch_all
from .zone_copies.faults import naming, parked


def check(examined: Examined) -> Iterator[Finding]:
    """What stands between the challenge name and a zone that one of the accounts can write to."""
    if examined.settings.nameservers_for(examined.name):
        return  # the configuration says where it goes
    try:
        delegation = examined.discovery.find(examined.name)
    except ChainError as error:
        yield _with_dnames(examined, error.chain, _endless(examined, error))
    except (PortBarred, NoRoot):
        return  # what keeps this machine from asking anybody is in the views' check
    except DelegationError as error:
        yield Finding("zone-unknown", Severity.ERROR, examined.name, str(error), (error.hint,))
    else:
        if found := catch_all(examined):
            copies = account_copies(examined)
            yield naming(_parked(delegation, found), next(iter(copies.found), None))
            return
        yield from _wildcard(delegation)
        if "." not in delegation.zone and (private := _private(examined)):
            yield private
        elif "." not in delegation.zone:
            yield _with_dnames(examined, delegation.chain, _nowhere(examined, delegation))
        elif delegation.trouble:
            yield _with_dnames(examined, delegation.chain, zone_down(examined, delegation))
        elif len(delegation.chain) > 1 and examined.settings.accounts:
            for finding in _foreign(examined, delegation):
                yield _with_dnames(examined, delegation.chain, finding)


def _parked(delegation: Destination, found: CatchAll) -> Finding:
    address = found.servers[0]
    hosts = [server.name for server in delegation.servers if {*server.addresses} & {*found.servers}]
    words = f"takes every name for a zone of its own, even dns01-doctor.{found.apex}"
    return parked(found.apex, ", ".join(hosts), words, address)


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


def _nowhere(examined: Examined, delegation: Destination) -> Finding:
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
            (
                *_to_delegate(examined, delegation),
                f"remove the CNAME of {delegation.chain[-2]}",
                "or let it lead to a zone of your own",
            ),
        )
    return Finding(
        "zone-missing",
        Severity.ERROR,
        delegation.name,
        not_delegated(delegation.name.removeprefix(PREFIX), registry),
        (
            "see whether its registration has run out, or is on hold (whois; then renew it), whether it has "
            "name servers at the registrar, and is spelled right",
            "an internal zone wants `nameservers` in its section of the configuration",
        ),
    )


def _to_delegate(examined: Examined, delegation: Destination) -> Iterator[str]:
    """The zone of a server for challenges alone (acme-dns) has to be delegated to it."""
    zone = delegation.target.partition(".")[2]
    with suppress(HookError):
        for account in examined.settings.accounts_for(delegation.target, examined.name):
            provider = examined.places.accounts.provider(account)
            if isinstance(provider, NeedsAlias) and provider.takes(delegation.target):
                yield (
                    f"have {zone} delegated to the server of {account.provider}, and let port 53 through to "
                    f"it: {zone}. NS HOST"
                )


def _foreign(examined: Examined, delegation: Destination) -> Iterator[Finding]:
    """What else may be wrong with the account is for the accounts' own check to say."""
    try:
        place = examined.places.find([examined.name])[examined.name]
    except (ConfigError, ZoneNotFound) as error:
        if child := _undelegated(examined, delegation):
            yield child
            return
        # The account that has it may be there, and be another zone's alone.
        names = others_with(examined, delegation.zone, _accounts(examined, delegation))
        yield Finding(
            "cname-foreign",
            Severity.ERROR,
            delegation.name,
            f"{_drawn(delegation)}: no account reaches the zone {delegation.zone} ({error})",
            (
                *_final_dot(delegation),
                f'have the account {names[0]} do it: [zone."{delegation.zone}"] account = "{names[0]}"'
                if names
                else f'configure the account that has it: [zone."{delegation.zone}"] account = "NAME"',
                f"or remove the CNAME of {delegation.chain[-2]}, if it is not for challenges",
            ),
        )
    except Exception:
        return
    else:
        if place.private and not is_of_ones_own(examined) and (child := _undelegated(examined, delegation)):
            yield child
            return
        yield from _past_the_server(examined, delegation)


def _undelegated(examined: Examined, delegation: Destination) -> Finding | None:
    """A zone of an account's that the one of the target does not delegate: a public CA cannot see it."""
    for account in _accounts(examined, delegation):
        with suppress(HookError):
            if child := undelegated(delegation, account, examined.places.accounts.provider(account)):
                return child
    return None


def _past_the_server(examined: Examined, delegation: Destination) -> Iterator[Finding]:
    """acme-dns has a zone of its own around the names of its accounts. Where that is not delegated, the zone
    above denies them."""
    above, zone = delegation.zone, delegation.target.partition(".")[2]
    if zone == above or not is_within(zone, above) or _lacks_the_final_dot(examined, delegation):
        return
    steps = tuple(_to_delegate(examined, delegation))
    with suppress(DelegationError):
        if steps and examined.discovery.ask(delegation.target, TXT).rcode() == dns.rcode.NXDOMAIN:
            yield Finding(
                "wrong-zone",
                Severity.ERROR,
                zone,
                f"{_drawn(delegation)}: {above} does not delegate {zone}, and says that there is no "
                f"{delegation.target}: nobody is led to what is published there",
                steps,
            )


def _lacks_the_final_dot(examined: Examined, delegation: Destination) -> bool:
    """Whether the CNAME is meant to lead to the account's own name, of which the accounts' check tells."""
    with suppress(HookError):
        for account in _accounts(examined, delegation):
            provider = examined.places.accounts.provider(account)
            if isinstance(provider, NeedsAlias) and (meant := provider.alias_for(delegation.name)):
                return "." in meant and delegation.target == f"{meant}.{delegation.zone}"
    return False


def _accounts(examined: Examined, delegation: Destination) -> Sequence[Account]:
    with suppress(ConfigError):
        return examined.settings.accounts_for(delegation.target, examined.name)
    return ()


def _final_dot(delegation: Destination) -> Iterator[str]:
    """A name without its final dot has the zone's own behind it (RFC 1035 §5.1)."""
    owner, target = delegation.chain[-2:]
    meant = target.removesuffix(f".{delegation.zone}")
    if "." in meant and meant != target and is_within(owner, delegation.zone):
        yield f"if {meant} is meant, the CNAME lacks its final dot: {owner}. CNAME {meant}."


def _drawn(delegation: Destination) -> str:
    return " -> ".join(delegation.chain)
