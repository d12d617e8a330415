"""What this machine sees of the DNS: port 53 blocked or intercepted, resolvers of another mind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .....errors import ConfigError, DelegationError
from .....threads import in_background_once
from ....clients.setup.text_files import read_text
from ....config.environment import PUBLIC_RESOLVERS, PUBLIC_RESOLVERS_6
from ....config.validators import addresses
from ....dns.address import Address
from ....dns.cname_chain import Discovery
from ....dns.destination import Destination, NoRoot, PortBarred, Server
from ....dns.inspect.split_horizon import differences
from ....dns.message import NS, SOA, Query, Response
from ....dns.transports.transport import Transport
from ..finding import Examined, Finding, Severity
from .name_servers.intercepted import answered_in_their_place, barred, diverted
from .subjects.ca import is_of_ones_own
from .zone_copies.seen_outside import findings as seen_outside
from .zone_copies.seen_outside import look_from_outside

RESOLV_CONF = "/etc/resolv.conf"
PUBLIC = {*PUBLIC_RESOLVERS, *PUBLIC_RESOLVERS_6}
RESOLVER_TIMEOUT = 2.5  # seconds: a lost datagram is sent again after 2
ROOT_SERVERS = ("198.41.0.4", "199.9.14.201", "192.33.4.12")  # a, b and c.root-servers.net


def check(examined: Examined) -> Iterator[Finding]:
    """Whether the name servers of the world can be asked from here, and whether the resolvers of this
    machine say the same as they do."""
    if examined.settings.nameservers_for(examined.name):
        return  # a zone that the world need not see
    try:
        delegation = examined.discovery.find(examined.name)
    except PortBarred as error:
        _ask_for_the_root(examined.discovery, _configured(examined))  # meanwhile
        open_elsewhere = error.barrier == "nothing answers" and _others_answer(examined)
        dead = list(_dead_resolvers(examined)) if open_elsewhere else []
        yield from dead or [barred(examined, error)]
    except NoRoot as error:
        unknown = Finding("zone-unknown", Severity.ERROR, examined.name, str(error), (error.hint,))
        yield from list(_dead_resolvers(examined)) or [unknown]
    except DelegationError:
        return  # the delegation's own check finds it
    else:
        yield from _dead_resolvers(examined)
        if found := answered_in_their_place(examined, delegation):
            yield found
        elif not delegation.trouble:  # else there is nothing to compare with
            yield from _seen_elsewhere(examined, delegation)
        elif delegation.intercepted:
            own = [address for server in delegation.servers for address in server.addresses]
            if found := diverted(examined, delegation.zone, own):
                yield found


def _dead_resolvers(examined: Examined) -> Iterator[Finding]:
    """Those that somebody has configured; of the public ones, any will do."""
    answers = _ask_for_the_root(examined.discovery, _configured(examined)).result()
    dead = {
        resolver: answer
        for resolver, answer in answers.items()
        if answer.message is None or not answer.message.answer
    }
    for resolver, answer in dead.items():
        yield Finding(
            "resolver-dead",
            Severity.ERROR if len(dead) == len(examined.settings.resolvers) else Severity.WARNING,
            str(resolver),
            f"the configured resolver {resolver} is of no use: {answer.summary}",
            (
                f"take {resolver} out of `resolvers` (DNS01_RESOLVERS), or have it answer this "
                "machine (access-control, allow-recursion)",
                f"see for yourself: dig NS . @{resolver.ip}",
            ),
        )


def _configured(examined: Examined) -> tuple[Address, ...]:
    return tuple(each for each in examined.settings.resolvers if each not in PUBLIC)


def _others_answer(examined: Examined) -> bool:
    """Whether port 53 of other addresses than the resolvers' answers: of the root's servers; of the account's
    own, which may be near, as far as the resolvers are nobody's public ones."""
    others = [Address(ip) for ip in ROOT_SERVERS]
    if not {*examined.settings.resolvers} & PUBLIC:
        for account in examined.settings.accounts.values():
            with suppress(ConfigError):  # the name of a host, which no resolver is there to look up
                others += addresses([account.options.get("nameserver", "")])
    with Transport(examined.discovery.timing) as wire:
        answers = wire.ask((Query(each, ".", SOA) for each in others), RESOLVER_TIMEOUT)
    return any(answer.message is not None for answer in answers.values())


# What is asked once for all domains


@in_background_once(4)
def _ask_for_the_root(discovery: Discovery, configured: tuple[Address, ...]) -> dict[Address, Response]:
    with Transport() as wire:
        asked = [Query(each, ".", NS, recurse=True) for each in configured]
        answers = wire.ask(asked, RESOLVER_TIMEOUT)
    return {question.server: answers[question] for question in asked}


@in_background_once(256)
def _compare(
    discovery: Discovery, resolvers: tuple[Address, ...], apex: str, servers: tuple[Server, ...]
) -> dict[Address, str]:
    return differences(resolvers, apex, servers, discovery.timing)


def _seen_elsewhere(examined: Examined, delegation: Destination) -> Iterator[Finding]:
    if delegation.zone == delegation.target:
        return  # no resolver hears of the record's own name
    looking = look_from_outside(examined.discovery, examined.settings.resolvers, delegation.zone)
    split = _split(examined, delegation)
    outside = looking.result()
    if outside is None or is_of_ones_own(examined):
        yield from split.values()
        return
    if 2 * len(outside.resolvers) > len(
        outside.seen
    ):  # else it is they that are inside, as the one finding says
        split = {each: finding for each, finding in split.items() if each not in outside.resolvers}
    yield from split.values()
    warned_of = {each for each, finding in split.items() if finding.severity > Severity.NOTE}
    if outside.resolvers - warned_of or not warned_of:
        yield from seen_outside(examined, outside)


def _split(examined: Examined, delegation: Destination) -> dict[Address, Finding]:
    """What each resolver has that is not the world's."""
    found: dict[Address, Finding] = {}
    apex, servers = delegation.zone, delegation.servers
    resolvers = tuple(dict.fromkeys([*_local_resolvers(examined), *examined.settings.resolvers]))
    comparing = _compare(examined.discovery, resolvers, apex, examined.discovery.responsive(servers))
    for resolver, words in comparing.result().items():
        if words and resolver in examined.settings.resolvers:
            remedy = f"take {resolver} out of DNS01_RESOLVERS (`resolvers`): a CA has the world's view"
            finding = _horizon(resolver, apex, words, Severity.WARNING, remedy)
            inside = (
                f"or, if {resolver} is outside, and this machine is shown an inside view of {apex}: "
                "have the updates reach the view of the world (its match-clients, in BIND)"
            )
            found[resolver] = finding._replace(remedy=(*finding.remedy, inside))
        elif words:
            remedy = f"nothing, as long as {resolver} is not in DNS01_RESOLVERS: others are asked"
            found[resolver] = _horizon(resolver, apex, words, Severity.NOTE, remedy)
    return found


def _horizon(resolver: Address, apex: str, words: str, severity: Severity, remedy: str) -> Finding:
    compare = f"compare: dig NS {apex} @{resolver.ip}; dig +trace NS {apex}"
    return Finding("split-horizon", severity, str(resolver), f"split horizon: {words}", (remedy, compare))


def _local_resolvers(examined: Examined) -> list[Address]:
    """Those of resolv.conf(5), as far as they are addresses."""
    found: list[Address] = []
    for line in (read_text(RESOLV_CONF, examined.root) or "").splitlines():
        keyword, *values = line.split() or [""]
        if keyword == "nameserver":
            with suppress(ConfigError):
                found += addresses(values[:1])
    return found
