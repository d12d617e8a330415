"""Whether the provider would take the record, and pass it on: nothing is written to see it."""

from __future__ import annotations

from collections.abc import Iterator

from .....errors import AuthRejected, ProviderError
from .....providers.base import KeepsSerial, Provider, RehearsesUpdates, Zone
from ....config.settings import Account
from ....dns.destination import Destination
from ..finding import Finding, Severity


def rehearsed(delegation: Destination, account: Account, zone: Zone, provider: Provider) -> Iterator[Finding]:
    """What would become of a change of the zone that the world is led to."""
    if isinstance(provider, RehearsesUpdates):
        yield from _rehearsal(delegation, zone, provider)
    if isinstance(provider, KeepsSerial) and len(_addresses(delegation)) > 1:
        yield from _serial(delegation, account, zone, provider)


def _addresses(delegation: Destination) -> set[str]:
    return {address.ip for server in delegation.servers for address in server.addresses}


def _rehearsal(delegation: Destination, zone: Zone, provider: RehearsesUpdates) -> Iterator[Finding]:
    """Whether the server would take the record."""
    try:
        provider.rehearse(zone, delegation.target)
    except AuthRejected as error:
        grant = f"update-policy {{ grant KEY name {delegation.target}. TXT; }};"
        yield Finding(
            "update-refused",
            Severity.ERROR,
            zone.apex,
            f"{error}: either the key may not write TXT at {delegation.target}, or the zone is frozen, or "
            "the server takes no updates",
            (
                *_strayed(delegation, zone),
                f"a frozen zone: rndc thaw {zone.apex} (BIND; rndc zonestatus {zone.apex} says so), or "
                f"knotc zone-thaw {zone.apex} (Knot; knotc zone-status {zone.apex})",
                f"BIND, in the zone's clause: {grant}",
                f"Knot, in an acl of the zone {zone.apex}: key: [KEY], action: [update]; where it has "
                f"update-type, with TXT in it, and where it has update-owner-name, with {delegation.target}.",
                "PowerDNS: dnsupdate=yes in pdns.conf, without which it takes none, then pdnsutil add-meta "
                f"{zone.apex} TSIG-ALLOW-DNSUPDATE KEY, and this machine in ALLOW-DNSUPDATE-FROM: "
                f"pdnsutil get-meta {zone.apex}",
            ),
        )
    except ProviderError as error:
        yield Finding("update-fails", Severity.ERROR, zone.apex, str(error), (error.hint,))


def _strayed(delegation: Destination, zone: Zone) -> Iterator[str]:
    """A CNAME to the apex is hardly meant for challenges, and what it asks of the key is too much."""
    if len(delegation.chain) > 1 and delegation.target == zone.apex:
        yield (
            f"remove the CNAME of {delegation.chain[-2]}: it leads to {zone.apex} itself, where the key "
            "would have to be let write; or let it lead to a name that is for challenges alone"
        )


def _serial(
    delegation: Destination, account: Account, zone: Zone, provider: KeepsSerial
) -> Iterator[Finding]:
    """Secondaries fetch what has a greater serial, and nothing else (RFC 1996 §3.7, RFC 5936 §2.1)."""
    if steps := provider.serial_stays(zone):
        hosts = ", ".join(server.name for server in delegation.servers)
        yield Finding(
            "serial-stays",
            Severity.ERROR,
            zone.apex,
            f"a change by the account {account.name} ({account.provider}) leaves the serial of {zone.apex} "
            f"as it is: those of {hosts} that are secondaries never fetch the record",
            tuple(steps),
        )
