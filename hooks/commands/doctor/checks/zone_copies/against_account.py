"""Whether the world reads what the account writes to, or another copy of the zone, view or serial."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from dns.serial import Serial

from ......errors import DelegationError, HookError
from ......names import is_within
from .....dns.inspect.faults import copy_at, reference_copy
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey, recheck_serials
from .....dns.message import AAAA, A, addresses_in
from ...finding import Examined, Finding, Severity
from ...wording import deletion
from ..subjects.account_copy import AccountCopy, look_again, names
from ..subjects.zones import zone_of

_PARKING = re.compile(r"park|expir|suspen|renew|hold|delet")  # in the names of name servers
# The same as a whole label: in the primary's name, where nothing else tells.
_PARKED = re.compile(
    r"(?:^|[.-])(?:park(?:ed|ing)?|expired?|suspended|pending-?(?:renewal|delete))\d*(?:[.-]|$)"
)
HOSTS = 13  # of the account's own name servers that are looked up


def copy_elsewhere(survey: ZoneSurvey, account: AccountCopy) -> Finding | None:
    """None of the servers has a copy of what the account has."""
    speaking = [server for server in survey.answers if server.authority]
    ours = account.copy
    if not speaking or any(server.address.ip == ours.where for server in speaking):
        return None
    if ours.mname:
        related = [server for server in speaking if copy_at(server).mname == ours.mname]
        older = [server for server in related if _is_older(ours.serial, server)]
        moved = _names_other_machines(survey, account)
        if related and not moved and not (len(older) == len(related) and not _is_signed(survey)):
            return None
    else:
        # Of vanity names, and of servers that copy the zone, the SOA still names the account's primary.
        copied = {name for server in speaking for name in (*server.hosts, copy_at(server).mname)}
        reached = copied | {*survey.delegated}
        if reached & ours.hosts or _same_machines(survey, account) or not _are_looked_up(account):
            return None
    own_hosts, delegated_hosts = names(ours.hosts), names(survey.delegated)
    if own_hosts == delegated_hosts:  # what differs is where they are
        own_hosts = _with_addresses(account.apex.addresses)
        delegated_hosts = _with_addresses(
            {host: [each.ip for each in found] for host, found in survey.own.items()}
        )
    reference = reference_copy(survey)
    serial = "" if ours.serial is None else f", serial {ours.serial}"
    theirs = f", serial {reference.serial}" if reference and ours.serial is not None else ""
    steps = (
        f"if {survey.apex} has moved to {delegated_hosts}: use an account there, and delete the "
        f"old copy ({account.account.options.get('nameserver', account.account.name)})",
        f"if not, give the registrar the name servers of the account: {own_hosts}",
        f"compare: dig NS {survey.apex} +trace",
    )
    renew = f"if the registration of {survey.apex} has run out, renew it: whois {survey.apex}"
    parked = bool(_PARKING.search(delegated_hosts)) or {*survey.delegated} <= ours.hosts
    return Finding(
        "account-elsewhere",
        Severity.ERROR,
        survey.apex,
        f"{account.label} has a copy of {survey.apex} that the world does not read: it names "
        f"{own_hosts}{serial}; the world is led to {delegated_hosts}{theirs}",
        (renew, *steps) if parked else (*steps, f"or, {renew}"),
    )


def looks_parked(survey: ZoneSurvey, account: AccountCopy) -> Finding | None:
    """Where an API shows NS names alone, and these are the world's, the hoster may still have put the zone of
    a parked domain there; the name of its primary often says so."""
    if account.apex.primary:
        return None
    primaries = {copy_at(server).mname for server in survey.answers if server.authority} - account.copy.hosts
    parked = sorted(each for each in primaries if _PARKED.search(each) and not is_within(each, survey.apex))
    if not parked:
        return None
    return Finding(
        "account-elsewhere",
        Severity.WARNING,
        survey.apex,
        f"the world is led to the name servers that {account.label} names for {survey.apex}, and these show "
        f"a zone whose primary is called {', '.join(parked)}, as that of a parked domain: it may be another "
        "one than the account writes to",
        (
            f"see whether the registration of {survey.apex} (whois {survey.apex}), or its contract with the "
            "hoster, has run out, and renew it",
            f"see whether a record arrives: dns01 doctor {survey.apex} --write",
        ),
    )


def _names_other_machines(survey: ZoneSurvey, account: AccountCopy) -> bool:
    """Whether the account's copy, which is no newer than the world's, has the delegated hosts at other
    addresses than that: names of one's own stay when a zone moves. Of a newer one, the change may just be on
    its way."""
    delegated = survey.delegated
    in_copy = {address for host in delegated for address in account.apex.addresses.get(host, ())}
    in_world = {address.ip for host in delegated for address in survey.own.get(host, ())}
    serial = account.apex.serial
    newer = any(
        server.serial != serial and not _is_older(serial, server)
        for server in survey.answers
        if server.authority
    )
    return bool(in_copy and in_world) and not in_copy & in_world and not newer


def _with_addresses(hosts: Mapping[str, Sequence[str]]) -> str:
    return names(f"{host} ({', '.join(addresses)})" for host, addresses in hosts.items())


def beneath_a_zone(examined: Examined, survey: ZoneSurvey, elsewhere: Finding) -> Finding:
    """The same where it is a zone, and no registry, that delegates: its servers may have the child as well,
    from before, and then answer for it in the place of a referral."""
    above = zone_of(examined, survey.apex.partition(".")[2])
    if above is None:
        return elsewhere
    # Nobody registers it.
    moved, delegate, *more = (step for step in elsewhere.remedy if "the registration of" not in step)
    apex, speaking = survey.apex, {server.address for server in survey.answers if server.authority}
    steps = [
        delegate.replace("give the registrar the name servers of", f"delegate it in {above.apex} to those of")
    ]
    if speaking <= {server.address for server in above.answers}:
        steps = [
            f"if not, and {above.apex} delegates {apex} to the account's: the servers of {above.apex} still "
            f"have a zone {apex} of their own, which hides that; delete it: "
            f"{deletion(apex)}",
            *steps,
        ]
    return elsewhere._replace(remedy=(moved, *steps, *more))


def refreshed(examined: Examined, survey: ZoneSurvey, account: AccountCopy) -> AccountCopy:
    """The account's copy as it is after the survey, where all others are ahead of it: the zone may have
    changed between the two looks."""
    speaking = [server for server in survey.answers if server.authority]
    if not speaking or not all(_is_older(account.apex.serial, server) for server in speaking):
        return account
    with suppress(HookError):
        if again := look_again(examined.places, account.account.name, survey.apex):
            return account._replace(apex=again[2])
    return account


def hidden_and_behind(survey: ZoneSurvey, account: AccountCopy) -> bool:
    """Whether the account's copy is that of a primary which is not public, for its SOA or its name servers
    are those that the world sees, and has a serial below everybody's."""
    speaking = [server for server in survey.answers if server.authority]
    primary = account.apex.addresses.get(account.apex.primary, ())
    related = [server for server in speaking if copy_at(server).mname == account.copy.mname]
    return (
        (account.server in primary or _same_servers(survey, account))
        and not any(server.address.ip == account.server for server in survey.answers)
        and not _names_other_machines(survey, account)
        and bool(related)
        and all(_is_older(account.apex.serial, server) for server in related)
        and not _is_signed(survey)
    )


def _same_servers(survey: ZoneSurvey, account: AccountCopy) -> bool:
    """Whether the account's copy names the delegated servers, at the addresses where they are."""
    known = {address for host in survey.delegated for address in account.apex.addresses.get(host, ())}
    return account.copy.hosts == {*survey.delegated} and (not known or _same_machines(survey, account))


def _is_older(serial: int | None, server: ServerAnswers) -> bool:
    return serial is not None and server.serial is not None and Serial(serial) < Serial(server.serial)


def _is_signed(survey: ZoneSurvey) -> bool:
    """Whether the world's copies have signatures: whoever makes those counts by himself."""
    return any(server.keys.message and server.keys.message.answer for server in survey.answers)


def _same_machines(survey: ZoneSurvey, account: AccountCopy) -> bool:
    """Whether the account's servers go by other names: vanity names have the same addresses."""
    known = {address for addresses in account.apex.addresses.values() for address in addresses}
    return bool(known & {server.address.ip for server in survey.answers})


def with_addresses(examined: Examined, survey: ZoneSurvey, account: AccountCopy) -> AccountCopy:
    """The account's servers with their addresses, where none of them is delegated to by its name; those that
    come before the first whose look-up fails."""
    if account.apex.primary or set(survey.delegated) & account.copy.hosts:
        return account
    found: dict[str, tuple[str, ...]] = {}
    with suppress(DelegationError):
        for host in account.apex.name_servers[:HOSTS]:
            rrsets = [rrset for kind in (A, AAAA) for rrset in examined.discovery.ask(host, kind).answer]
            found[host] = tuple(each.ip for rrset in rrsets for each in addresses_in(rrset))
    return account._replace(apex=account.apex._replace(addresses=found))


def _are_looked_up(account: AccountCopy) -> bool:
    """Whether all addresses of the account's servers are known: else the world may well be led to one."""
    return account.apex.addresses.keys() >= {*account.apex.name_servers[:HOSTS]}


def other_view(examined: Examined, survey: ZoneSurvey, account: AccountCopy) -> Finding | None:
    """The server that takes the updates shows its key one zone and the world another one."""
    if not any(_differs(server, account) for server in survey.answers):
        return None
    with suppress(HookError):  # it may be changing just now
        again = look_again(examined.places, account.account.name, survey.apex)
        account = account._replace(apex=again[2]) if again else account
    fresh = recheck_serials(survey._replace(behind=()), account.apex.serial)
    strange = [
        server
        for server in survey.answers
        if _differs(server, account)
        and (
            copy_at(server).hosts != account.copy.hosts
            or server.address in {each.address for each in fresh.behind}
        )
    ]
    if not strange:
        return None
    server = strange[0]
    key = account.account.options.get("tsig_key", "")
    return Finding(
        "account-view",
        Severity.ERROR,
        survey.apex,
        f"{server} has views: the account's {f'key {key}' if key else 'address'} sees {survey.apex} at "
        f"serial {account.apex.serial}, the world sees another zone of that name, at serial {server.serial}",
        (
            "use a key that leads into the view that the world sees: in its match-clients, put "
            '{ key "KEY"; any; }, and { !key "KEY"; … } in that of the other view',
            f"compare: dig SOA {survey.apex} +norec @{server.address.ip}, with and without -k KEYFILE",
        ),
    )


def _differs(server: ServerAnswers, account: AccountCopy) -> bool:
    if server.authority is None or server.address.ip != account.server or account.apex.serial is None:
        return False
    return (server.serial, copy_at(server).hosts) != (account.apex.serial, account.copy.hosts)
