"""The name servers of every zone on the way: are all of them there, and do they agree?

How grave a fault is follows from what a wait does with such a server (docs/readiness.rst).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import dns.rdatatype
from dns.serial import Serial

from .....errors import DelegationError, HookError
from ....dns.inspect.faults import (
    ServerFault,
    by_host,
    copy_at,
    listed,
    primary_addresses,
    reference_copy,
    server_faults,
)
from ....dns.inspect.survey import Look, Survey, settle
from ....dns.message import A, addresses_in
from ....dns.negative_ttl import negative_ttl
from ..finding import Examined, Finding, Severity
from . import _addresses
from ._zones import named_survey, surveys
from .account_copy import AccountCopies, AccountCopy, account_copies, look_again, names

LONG = 3600  # seconds that a resolver keeps a "no" before an order had better wait for it
HOSTS = 8  # of the account's own name servers that are looked up
SEVERAL = 3  # servers with the same thing wrong, beyond which they have one finding together
NEIGHBOURS = {4: 24, 6: 48}  # the prefix that one site is given: what fails in it fails together


def check(examined: Examined) -> Iterator[Finding]:
    """Everything that is wrong with the servers of the zones that the challenge depends on."""
    copies = account_copies(examined)
    if examined.settings.nameservers_for(examined.name):
        if survey := named_survey(examined):
            yield from _unexpected(_named(survey, copies.only), survey, copies)
        return
    for survey in surveys(examined):
        owned = [copy for copy in copies.found if copy.zone == survey.apex]
        if views := [view for each in owned if (view := _view(examined, survey, each))]:
            yield from views
            continue
        if owned and copies.accounts > 1:
            yield from _of_several(examined, survey, copies._replace(found=tuple(owned)))
            continue
        own = copies.only if owned else None
        if own:
            survey = settle(survey, own.apex.serial)
            own = _with_addresses(examined, survey, own)
        yield from findings(survey, own, _addresses.of_the_root(examined))


def findings(
    survey: Survey, account: AccountCopy | None = None, root: Iterable[str] = ()
) -> Iterator[Finding]:
    """Everything that is wrong with the servers of one zone. ``account``: what is to be seen there;
    ``root``: the addresses of the root's servers, which are of the world's kind."""
    if account and _hidden_and_behind(survey, account):
        yield _serial_went_back(survey, account)
        return
    if account and (elsewhere := _elsewhere(survey, account)):
        yield elsewhere
        return
    faults = (
        []
        if survey.intercepted
        else server_faults(survey, account.copy if account and account.apex.primary else None)
    )
    addresses = list(_addresses.findings(survey, faults, root))
    yield from addresses
    explained = {ip for finding in addresses for ip in _addresses.mentioned(finding)}
    faults = [fault for fault in faults if not {look.address.ip for look in fault.looks} <= explained]
    if any(fault.kind == "ahead" for fault in faults):
        yield _serial_went_back(survey, account)
    for fault in faults:
        if report := _REPORTS.get(fault.kind):
            yield report(survey, fault)
    if not any(fault.kind in ("foreign", "primary") for fault in faults):
        yield from _ns_mismatch(survey)
    yield from _ns_cname(survey)
    yield from _ns_without_address(survey)
    blocked = list(_blocked(survey))
    codes = {finding.code for finding in blocked}
    yield from _silent(survey, codes, explained)
    yield from _one_transport(survey, codes)
    yield from _large_udp(survey)
    yield from blocked
    yield from _single_network(survey)
    yield from _long_negative_ttl(survey)


# Several accounts, each with servers and an SOA of its own (RFC 8901)


def _of_several(examined: Examined, survey: Survey, copies: AccountCopies) -> Iterator[Finding]:
    """What is wrong with the servers of a zone that several accounts serve side by side. That the world does
    not read one of the copies keeps no order from passing while it reads another."""
    complete = [_with_addresses(examined, survey, copy) for copy in copies.found]
    unread = [finding for copy in complete if (finding := _elsewhere(survey, copy))]
    severity = Severity.ERROR if len(unread) == copies.accounts else Severity.WARNING
    yield from (finding._replace(severity=severity) for finding in unread)
    found = findings(survey, None, _addresses.of_the_root(examined))
    yield from _unexpected(found, survey, copies)


def _unexpected(found: Iterable[Finding], survey: Survey, copies: AccountCopies) -> Iterator[Finding]:
    """The findings without what is as it should be where several accounts serve the zone: servers with
    copies of their own, and lists of name servers that are complete only together."""
    if copies.accounts < 2:
        yield from found
        return
    expected = {host for copy in copies.found for host in copy.apex.name_servers}
    complete = {host for look in survey.looks for host in look.hosts} == set(survey.delegated)
    for finding in found:
        known = finding.subject in expected or len(copies.found) < copies.accounts
        if finding.code == "two-primaries" or (finding.code == "foreign-copy" and known):
            continue
        if finding.code != "ns-mismatch" or not complete:
            yield finding


# What the account writes to, and what the world reads


def _elsewhere(survey: Survey, account: AccountCopy) -> Finding | None:
    """None of the servers has a copy of what the account has."""
    speaking = [look for look in survey.looks if look.authority]
    ours = account.copy
    if not speaking or any(look.address.ip == ours.where for look in speaking):
        return None
    if ours.mname:
        related = [look for look in speaking if copy_at(look).mname == ours.mname]
        older = [look for look in related if _is_older(ours.serial, look)]
        if related and not (len(older) == len(related) and not _is_signed(survey)):
            return None
        if related and ours.mname in survey.delegated:
            return None
    else:
        reached = {*survey.delegated, *(host for look in speaking for host in look.hosts)}
        if reached & ours.hosts or _same_machines(survey, account):
            return None
    reference = reference_copy(survey)
    serial = "" if ours.serial is None else f", serial {ours.serial}"
    theirs = f", serial {reference.serial}" if reference and ours.serial is not None else ""
    return Finding(
        "account-elsewhere",
        Severity.ERROR,
        survey.apex,
        f"{account.label} has a copy of {survey.apex} that the world does not read: it names "
        f"{names(ours.hosts)}{serial}; the world is led to {names(survey.delegated)}{theirs}",
        (
            f"if {survey.apex} has moved to {names(survey.delegated)}: use an account there, and delete the "
            f"old copy ({account.account.options.get('nameserver', account.account.name)})",
            f"if not, give the registrar the name servers of the account: {names(ours.hosts)}",
            f"compare: dig NS {survey.apex} +trace",
        ),
    )


def _hidden_and_behind(survey: Survey, account: AccountCopy) -> bool:
    """Whether the primary that the SOA names is not public, and has a serial below everybody's."""
    speaking = [look for look in survey.looks if look.authority]
    primary = account.apex.addresses.get(account.apex.primary, ())
    related = [look for look in speaking if copy_at(look).mname == account.copy.mname]
    return (
        account.server in primary
        and not any(look.address.ip == account.server for look in survey.looks)
        and bool(related)
        and all(_is_older(account.apex.serial, look) for look in related)
        and not _is_signed(survey)
    )


def _is_older(serial: int | None, look: Look) -> bool:
    return serial is not None and look.serial is not None and Serial(serial) < Serial(look.serial)


def _is_signed(survey: Survey) -> bool:
    """Whether the world's copies have signatures: whoever makes those counts by himself."""
    return any(look.keys.message and look.keys.message.answer for look in survey.looks)


def _same_machines(survey: Survey, account: AccountCopy) -> bool:
    """Whether the account's servers go by other names: vanity names have the same addresses."""
    known = {address for addresses in account.apex.addresses.values() for address in addresses}
    return bool(known & {look.address.ip for look in survey.looks})


def _with_addresses(examined: Examined, survey: Survey, account: AccountCopy) -> AccountCopy:
    """The account's servers with their addresses, where none of them is delegated to by its name."""
    if account.apex.primary or set(survey.delegated) & account.copy.hosts:
        return account
    found: dict[str, tuple[str, ...]] = {}
    for host in account.apex.name_servers[:HOSTS]:
        with suppress(DelegationError):
            reply = examined.discovery.ask(host, A)
            found[host] = tuple(each.ip for rrset in reply.answer for each in addresses_in(rrset))
    return account._replace(apex=account.apex._replace(addresses=found))


def _view(examined: Examined, survey: Survey, account: AccountCopy) -> Finding | None:
    """The server that takes the updates shows its key one zone and the world another one."""
    if not any(_differs(look, account) for look in survey.looks):
        return None
    with suppress(HookError):  # it may be changing just now
        again = look_again(examined.places, account.account.name, survey.apex)
        account = account._replace(apex=again[2]) if again else account
    fresh = settle(survey._replace(behind=()), account.apex.serial)
    strange = [
        look
        for look in survey.looks
        if _differs(look, account)
        and (
            copy_at(look).hosts != account.copy.hosts
            or look.address in {each.address for each in fresh.behind}
        )
    ]
    if not strange:
        return None
    look = strange[0]
    key = account.account.options.get("tsig_key", "")
    return Finding(
        "account-view",
        Severity.ERROR,
        survey.apex,
        f"{look} has views: the account's {f'key {key}' if key else 'address'} sees {survey.apex} at serial "
        f"{account.apex.serial}, the world sees another zone of that name, at serial {look.serial}",
        (
            "use a key that leads into the view that the world sees: in its match-clients, put "
            '{ key "KEY"; any; }, and { !key "KEY"; … } in that of the other view',
            f"compare: dig SOA {survey.apex} +norec @{look.address.ip}, with and without -k KEYFILE",
        ),
    )


def _differs(look: Look, account: AccountCopy) -> bool:
    if look.authority is None or look.address.ip != account.server or account.apex.serial is None:
        return False
    return (look.serial, copy_at(look).hosts) != (account.apex.serial, account.copy.hosts)


def _named(survey: Survey, account: AccountCopy | None) -> Iterator[Finding]:
    """The servers that ``nameservers`` names, where no other is asked."""
    useful = [look for look in survey.looks if look.authority]
    if not useful:
        where = f"{account.server}" if account and account.server else "ADDRESS"
        yield Finding(
            "nameservers-useless",
            Severity.ERROR,
            survey.apex,
            f"none of the configured `nameservers` answers for {survey.apex}: {_said(survey.looks)}; they "
            "alone are asked, so that no record is ever seen",
            (
                f'name servers that serve {survey.apex} with authority: nameservers = ["{where}"] '
                "(DNS01_NAMESERVERS)",
                "or remove `nameservers`: the zone's own are found by themselves, unless it is an internal "
                "zone; a resolver is named in `resolvers`",
            ),
        )
        return
    if account:
        survey = settle(survey, account.apex.serial)
    for fault in server_faults(survey, account.copy if account and account.server else None):
        if report := _REPORTS.get(fault.kind):
            finding = report(survey, fault)
            drop = f"or take {', '.join(str(look.address) for look in fault.looks)} out of `nameservers`"
            yield finding._replace(remedy=(finding.remedy[0], drop))
    yield from _silent(survey, (), ())


# Copies that are not what they should be


def _lame(survey: Survey, fault: ServerFault) -> Finding:
    ip = fault.looks[0].address.ip
    return Finding(
        "lame-server",
        Severity.WARNING,
        fault.host,
        f"the name server {fault.host} does not serve {survey.apex}: {_said(fault.looks)}",
        (
            f"add the zone {survey.apex} to {fault.host} (dig SOA {survey.apex} +norec @{ip} "
            "is to show the flag aa)",
            *(
                ["or, if it has the zone, let everybody ask it (BIND: allow-query { any; };)"]
                if fault.kind == "refuses"
                else []
            ),
            _or_drop(survey, fault.host),
        ),
    )


def _fails(survey: Survey, fault: ServerFault) -> Finding:
    ip = fault.looks[0].address.ip
    return Finding(
        "server-fails",
        Severity.WARNING,
        fault.host,
        f"the name server {fault.host} has no usable copy of {survey.apex} ({_said(fault.looks)}): it is a "
        "secondary whose copy has expired or never came, or its zone file does not load",
        (
            f"mend the zone transfer: see why in the log of {fault.host} (allow-transfer and the TSIG key at "
            f"the primary, TCP port 53 between the two), then: rndc retransfer {survey.apex} (BIND), "
            f"knotc zone-retransfer {survey.apex} (Knot), pdns_control retrieve {survey.apex} (PowerDNS)",
            f"if {fault.host} is the primary, check its file: named-checkzone {survey.apex} FILE",
            f"see for yourself: dig SOA {survey.apex} +norec @{ip}",
        ),
    )


def _parent(survey: Survey, fault: ServerFault) -> Finding:
    ip = fault.looks[0].address.ip
    return Finding(
        "parent-answers",
        Severity.ERROR,
        fault.host,
        f"the name server {fault.host} has no zone {survey.apex}, and answers for it from the zone above "
        f"({listed(fault.looks)}): with authority, so that the record is waited for there in vain",
        (
            f"add the zone {survey.apex} to {fault.host}, as a secondary of its primary",
            _or_drop(survey, fault.host),
            f"see for yourself: dig SOA {survey.apex} +norec @{ip} names another zone",
        ),
    )


def _foreign(survey: Survey, fault: ServerFault) -> Finding:
    copy = copy_at(fault.looks[0])
    others = [host for host in survey.delegated if host != fault.host]
    return Finding(
        "foreign-copy",
        Severity.ERROR,
        fault.host,
        f"the name server {fault.host} has another zone {survey.apex} than the others, and speaks for it: "
        f"the primary is {copy.mname}, the name servers are {names(copy.hosts)} (an old hoster's, or the "
        "registrar's parking)",
        (
            f"at the registrar, take {fault.host} out of the name servers of {survey.apex}; these stay: "
            f"{names(others)}",
            f"compare: dig SOA {survey.apex} +norec @{fault.looks[0].address.ip}",
        ),
    )


def _primary(survey: Survey, fault: ServerFault) -> Finding:
    look = fault.looks[0]
    copy = copy_at(look)
    return Finding(
        "two-primaries",
        Severity.ERROR,
        fault.host,
        f"the name server {fault.host} has {survey.apex} as a primary of its own ({copy.mname}, serial "
        f"{look.serial}): what the account publishes never gets there",
        (
            f"make {fault.host} a secondary of the server that the account updates: in BIND "
            f'zone "{survey.apex}" {{ type secondary; primaries {{ ADDRESS; }}; }};',
            _or_drop(survey, fault.host),
        ),
    )


def _stale(survey: Survey, fault: ServerFault) -> Finding:
    newest = survey.newest
    serials = ", ".join(f"{look.address} has {look.serial}" for look in fault.looks)
    newer = [each for each in survey.looks if each.address not in {late.address for late in survey.behind}]
    known = f"; {newest} has {newest.serial}" if newest and newer else "; the primary has a newer one"
    return Finding(
        "stale-secondary",
        Severity.ERROR,
        fault.host,
        f"the name server {fault.host} has an old copy of {survey.apex}: serial {serials}{known}; a record "
        "is waited for there until the time-out",
        (
            f"see in the log of {fault.host} why the zone transfer fails: allow-transfer and the TSIG key at "
            "the primary, TCP port 53 between the two",
            "see that the primary notifies it (also-notify), and have it fetch the zone: "
            f"rndc retransfer {survey.apex} (BIND), knotc zone-retransfer {survey.apex} (Knot), "
            f"pdns_control retrieve {survey.apex} (PowerDNS)",
        ),
    )


def _serial_went_back(survey: Survey, account: AccountCopy | None) -> Finding:
    primaries = primary_addresses(survey, account.copy if account else None)
    primary = next((look for look in survey.looks if look.address.ip in primaries), None)
    late = [look for look in survey.looks if look.authority and look.address.ip not in primaries]
    highest = max((look.serial or 0 for look in late), default=0)
    mine = primary.serial if primary else account.apex.serial if account else 0
    return Finding(
        "serial-went-back",
        Severity.ERROR,
        primary.host if primary else survey.apex,
        f"the serial of {survey.apex} went back at its primary, {primary or 'the account'}: {mine} there, "
        f"{highest} at {listed(late)}, which fetch nothing until it is greater",
        (
            f"raise the SOA's serial at the primary above {highest}, for example to {highest + 1}",
            f"or have each secondary fetch the zone as it is: rndc retransfer {survey.apex} (BIND), "
            f"knotc zone-retransfer {survey.apex} (Knot), pdns_control retrieve {survey.apex} (PowerDNS)",
        ),
    )


_REPORTS: dict[str, Callable[[Survey, ServerFault], Finding]] = {
    "refuses": _lame,
    "resolver": _lame,
    "lame": _lame,
    "fails": _fails,
    "parent": _parent,
    "foreign": _foreign,
    "primary": _primary,
    "stale": _stale,
}


# Names and transports


def _ns_mismatch(survey: Survey) -> Iterator[Finding]:
    """A parent that names only some of the zone's servers is of no consequence where all of them serve it:
    resolvers take the zone's own word (RFC 2181 §5.4.1)."""
    own = survey.newest.hosts if survey.newest else ()
    if not own or set(own) == set(survey.delegated):
        return
    serving = {look.host for look in survey.looks if look.authority}
    harmless = set(survey.delegated) < set(own) <= serving
    sides = {"at its parent": {*survey.delegated} - {*own}, "in the zone": {*own} - {*survey.delegated}}
    alone = [f"{', '.join(sorted(hosts))} only {where}" for where, hosts in sides.items() if hosts]
    yield Finding(
        "ns-mismatch",
        Severity.NOTE if harmless else Severity.WARNING,
        survey.apex,
        f"{survey.apex} is delegated to other name servers than it names itself: {', '.join(alone)}",
        (
            f"decide which servers {survey.apex} is to have, and see that all of them serve it",
            f"give the registrar, or whoever runs the parent zone, these: {', '.join(own)}",
            f"or change the zone's own NS records to: {', '.join(survey.delegated)}",
        ),
    )


def _ns_cname(survey: Survey) -> Iterator[Finding]:
    for host, target in survey.aliases.items():
        yield Finding(
            "ns-cname",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} is a CNAME, to {target}: many resolvers do not "
            "follow it (RFC 2181 §10.3)",
            (
                f"name the server itself, at the parent and in the zone: {survey.apex}. NS {target}.",
                f"or give {host} addresses of its own (A, AAAA) in place of the CNAME",
            ),
        )


def _ns_without_address(survey: Survey) -> Iterator[Finding]:
    for host in survey.homeless:
        yield Finding(
            "ns-without-address",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} has no address",
            (
                f"give {host} its A or AAAA record, and glue at the parent where it is in the zone",
                _or_drop(survey, host),
            ),
        )


def _silent(survey: Survey, blocked: Container[str], explained: Container[str]) -> Iterator[Finding]:
    """A dead IPv6 address beside a live IPv4 one is a case of its own: mostly a forgotten record."""
    dead: dict[str, list[Look]] = {}
    for host, looks in _by_host(survey, lambda look: look.silent and look.address.ip not in explained):
        alive = any(look.host == host and not look.silent for look in survey.looks)
        if alive and all(":" in look.address.ip for look in looks):
            if "ipv6-blocked" not in blocked:
                yield _dead_ipv6(survey, host, looks)
        else:
            dead[host] = looks
    if len(dead) > SEVERAL:
        yield _many_silent(survey, dead)
        return
    for host, looks in dead.items():
        alive = any(look.host == host and not look.silent for look in survey.looks)
        yield Finding(
            "silent-server",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} does not answer at {_ips(looks)}, over UDP or TCP",
            (
                "see whether it runs, and whether a firewall lets port 53 through: "
                f"dig SOA {survey.apex} +norec @{looks[0].address.ip}",
                f"or remove the address from {host}" if alive else _or_drop(survey, host),
            ),
        )


def _many_silent(survey: Survey, dead: Mapping[str, Sequence[Look]]) -> Finding:
    shown = ", ".join(f"{host} ({_ips(looks)})" for host, looks in dead.items())
    first = next(iter(dead.values()))[0]
    return Finding(
        "silent-server",
        Severity.WARNING,
        survey.apex,
        f"{len(dead)} of {len(survey.servers)} name servers of {survey.apex} do not answer, over UDP or TCP: "
        f"{shown}",
        (
            "see whether they run, and whether a firewall lets port 53 through: "
            f"dig SOA {survey.apex} +norec @{first.address.ip}",
            f"or remove them from the NS records of {survey.apex}, at the parent and in the zone",
        ),
    )


def _dead_ipv6(survey: Survey, host: str, looks: Sequence[Look]) -> Finding:
    return Finding(
        "dead-ipv6",
        Severity.WARNING,
        host,
        f"the name server {host} of {survey.apex} does not answer over IPv6, at {_ips(looks)}",
        (
            f"mend its IPv6: dig -6 SOA {survey.apex} +norec @{looks[0].address.ip}",
            f"or remove the AAAA record of {host}, and its glue at the parent",
        ),
    )


def _one_transport(survey: Survey, blocked: Container[str]) -> Iterator[Finding]:
    """RFC 7766 §5: both are required."""
    faults = {
        "TCP": lambda look: not look.silent and look.stream.message is None,
        "UDP": lambda look: not look.silent and not look.udp,
    }
    for way, fault in faults.items():
        if f"{way.lower()}-blocked" in blocked:
            continue
        for host, looks in _by_host(survey, fault):
            option = " +tcp" if way == "TCP" else ""
            yield Finding(
                f"no-{way.lower()}",
                Severity.WARNING,
                host,
                f"the name server {host} of {survey.apex} does not answer over {way}, at {_at(looks)}",
                (
                    f"let {way} port 53 through to {host}: "
                    f"dig{option} SOA {survey.apex} +norec @{looks[0].address.ip}",
                ),
            )


def _large_udp(survey: Survey) -> Iterator[Finding]:
    """Small datagrams come, larger ones vanish: fragments or EDNS are dropped on the way."""
    for host, looks in _by_host(survey, lambda look: look.udp and bool(look.lost)):
        kinds = ", ".join(sorted(looks[0].lost))
        yield Finding(
            "large-udp-lost",
            Severity.WARNING,
            host,
            f"answers of the name server {host} of {survey.apex} of more than 512 octets are lost over "
            f"UDP ({kinds}), and come over TCP alone: resolvers have to find that out at each question",
            (
                "let datagrams of 1232 octets through (a firewall that still limits DNS to 512, or drops "
                f"EDNS): dig DNSKEY {survey.apex} +norec +dnssec +notcp +ignore @{looks[0].address.ip}",
                "in BIND: edns-udp-size 1232; max-udp-size 1232;",
            ),
        )


def _blocked(survey: Survey) -> Iterator[Finding]:
    """What goes through to none of several servers ends near to us, and is not for them to mend."""
    speaking = [look for look in survey.looks if not look.silent]
    ways = {
        "IPv6": [(look, not look.silent) for look in survey.looks if ":" in look.address.ip],
        "TCP": [(look, look.stream.message is not None) for look in speaking],
        "UDP": [(look, look.udp) for look in speaking],
    }
    for way, tried in ways.items():
        several = len({look.host for look, _ in tried}) > 1
        if speaking and several and not any(through for _, through in tried):
            yield Finding(
                f"{way.lower()}-blocked",
                Severity.NOTE if way == "IPv6" else Severity.WARNING,
                survey.apex,
                f"no name server of {survey.apex} answers over {way}, though they do otherwise: {way} is "
                "blocked nearer to this machine than to them",
                (f"let {way} through to port 53 from this machine, or look from another one",),
            )


def _single_network(survey: Survey) -> Iterator[Finding]:
    """RFC 2182 §3.1. Of one server there is nothing to say that its owner does not know, and of
    addresses that are not the internet's nothing at all."""
    addresses = [ipaddress.ip_address(look.address.ip) for look in survey.looks]
    networks = {ipaddress.ip_network((ip, NEIGHBOURS[ip.version]), strict=False) for ip in addresses}
    several = len({look.host for look in survey.looks}) > 1
    if several and len(networks) == 1 and all(ip.is_global for ip in addresses):
        yield Finding(
            "single-network",
            Severity.NOTE,
            survey.apex,
            f"all name servers of {survey.apex} are in one network, {networks.pop()}: they fail together",
            ("have a secondary elsewhere (RFC 2182 §3.1)",),
        )


def _long_negative_ttl(survey: Survey) -> Iterator[Finding]:
    """RFC 2308 §5: the lesser of the SOA's TTL and its last figure."""
    newest = survey.newest
    if newest is None or newest.authority is None or newest.heard.message is None:
        return
    soa = next(each for each in newest.heard.message.answer if each.rdtype == dns.rdatatype.SOA)
    ttl = negative_ttl(soa)
    if ttl > LONG:
        yield Finding(
            "long-negative-ttl",
            Severity.NOTE,
            survey.apex,
            f'resolvers keep the "no" of {survey.apex} for {ttl} s: whoever asks for a challenge too early '
            "spoils it for so long",
            (f"lower the last figure of the SOA record of {survey.apex} to {LONG} or less",),
        )


def _by_host(survey: Survey, fault: Callable[[Look], bool]) -> Iterator[tuple[str, list[Look]]]:
    """The addresses with the fault, host by host."""
    return by_host(look for look in survey.looks if fault(look))


def _said(looks: Iterable[Look]) -> str:
    return ", ".join(f"{look.address} says {look.heard.words}" for look in looks)


def _ips(looks: Iterable[Look]) -> str:
    return ", ".join(look.address.ip for look in looks)


def _at(looks: Iterable[Look]) -> str:
    return ", ".join(str(look.address) for look in looks)


def _or_drop(survey: Survey, host: str) -> str:
    return f"or remove {host} from the NS records of {survey.apex}, at the parent and in the zone"
