"""The host whose name the account has for the server of its updates: which machines that name leads to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from dns.rdatatype import SOA
from dns.serial import Serial

from ......errors import DelegationError
from .....dns.address import Address
from .....dns.message import AAAA, A, Query, addresses_in
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity
from ..subjects.account_copy import AccountCopy

TIMEOUT = 1.5  # seconds for the serials of the machines behind one name
SETTING = "RFC2136_NAMESERVER"  # which the doctor writes as the configuration has it


def uneven_machines(examined: Examined, account: AccountCopy) -> Finding | None:
    """The host has several addresses, and the machines there do not have the same zone: an update goes to one
    of them by chance."""
    if len(account.host.addresses) < 2:
        return None
    serials = _serials(examined, account)
    if len({*serials.values()}) < 2:
        return None
    time.sleep(examined.discovery.timing.catch_up)  # one may be fetching from another just now
    again = _serials(examined, account)
    newest = max((serial for serial in again.values() if serial is not None), key=Serial, default=None)
    if newest is None:
        return None
    strange = {
        server: serial
        for server, serial in again.items()
        if serial is None or (Serial(serial) < Serial(newest) and serials.get(server) == serial)
    }
    if not strange:
        return None
    host = account.host.name
    good = ", ".join(str(server) for server, serial in again.items() if server not in strange)
    others = ", ".join(str(server) for server in strange)
    shown = ", ".join(
        f"{server} has {'no such zone' if serial is None else f'serial {serial}'}"
        for server, serial in again.items()
    )
    return Finding(
        "account-host-uneven",
        Severity.ERROR,
        account.zone,
        f"{host}, where the account {account.account.name} sends its updates, has several addresses, and "
        f"{account.zone} is not the same there: {shown}; an update goes to one of them by chance",
        (
            f"name the primary by its address: {SETTING} is to be {good}",
            f"or take {others} out of the addresses of {host}, if a former server is left there",
        ),
    )


def _serials(examined: Examined, account: AccountCopy) -> Mapping[Address, int | None]:
    """The serial at each address that answers; None where it does not have the zone."""
    queries = {Query(server, account.zone, SOA): server for server in account.host.addresses}
    with Transport(examined.discovery.timing) as transport:
        answers = transport.ask(queries, TIMEOUT)
    found: dict[Address, int | None] = {}
    for query, answer in answers.items():
        if answer.message is not None:
            records = [rr for rrset in answer.message.answer if rrset.rdtype == SOA for rr in rrset]
            found[query.server] = records[0].serial if records and answer.authoritative else None
    return found


def host_elsewhere(examined: Examined, account: AccountCopy) -> Finding | None:
    """This machine's own resolver leads the host's name to another machine than the world's name servers do,
    and that one has a zone that the world does not read."""
    host = account.host.name
    here = {server.ip for server in account.host.addresses}
    world: list[str] = []
    with suppress(DelegationError):
        for rdtype in (A, AAAA) if host not in here else ():
            answer = examined.discovery.ask(host, rdtype).answer
            world += [each.ip for rrset in answer for each in addresses_in(rrset)]
    if not here or not world or here & {*world}:
        return None
    return Finding(
        "account-host-elsewhere",
        Severity.ERROR,
        account.zone,
        f"{host}, where the account {account.account.name} sends its updates, is {', '.join(sorted(here))} "
        f"to this machine's resolver, and {', '.join(world)} to the world: that copy of {account.zone} "
        f"(serial {account.apex.serial}) is not the one that the world reads",
        (
            f"name the server by the address that it has in the world: {SETTING} is to be {world[0]}",
            f"or mend what this machine's resolver says of it: getent hosts {host} (/etc/hosts, "
            "/etc/resolv.conf)",
            f"compare: dig SOA {account.zone} +norec @{min(here)}; dig SOA {account.zone} +norec @{world[0]}",
        ),
    )
