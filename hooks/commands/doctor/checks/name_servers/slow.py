"""Servers that answer, and take so long for it that resolvers ask another one, or give up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .....dns.address import Address
from .....dns.destination import Server
from .....dns.inspect.response_time import ResponseTime
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Finding, Severity
from ...wording import the_server

FIRST_TRY = 2.0  # seconds, by which resolvers have asked again: BIND after 0.8, PowerDNS after 1.5


def slow(apex: str, servers: Sequence[Server], measured: Mapping[Address, ResponseTime]) -> Iterator[Finding]:
    """A warning where another one is quicker; an error where none is heard before resolvers ask again, as
    they do at each question: an order asks a dozen, one after the other."""
    times = of_slow_ones(measured)
    if not times:
        return
    late = _late(servers, times)
    hosts = ", ".join(server.name for server in late)
    hopeless = min(each.seconds for each in measured.values() if each.seconds) >= FIRST_TRY
    yield Finding(
        "slow-zone" if hopeless else "slow-server",
        Severity.ERROR if hopeless else Severity.WARNING,
        apex if hopeless else hosts,
        f"{the_server(hosts)} of {apex} takes long to answer ({_shown(late, times)}): "
        + (
            "resolvers have given up by then, or ask again at each question, and no other server is quicker"
            if hopeless
            else "resolvers wait for it, or ask another one, at each question"
        ),
        (
            _see(apex, hosts, times),
            f"or move the zone {apex} to name servers that are quicker"
            if len(late) == len(servers)
            else f"or remove {hosts} from the NS records of {apex}, at the parent and in the zone",
        ),
    )


def slow_named(
    apex: str, servers: Sequence[Server], measured: Mapping[Address, ResponseTime]
) -> Iterator[Finding]:
    """The same of servers that the configuration names: a wait has the patience to hear them, and who else
    asks them is not known."""
    times = of_slow_ones(measured)
    if not times:
        return
    late = _late(servers, times)
    hosts = ", ".join(server.name for server in late)
    yield Finding(
        "slow-server",
        Severity.WARNING,
        hosts,
        f"of the configured `nameservers`, {hosts} takes long to answer ({_shown(late, times)}): a wait asks "
        "it in every round, and the resolvers of a CA that come to it may give up before",
        (_see(apex, hosts, times), f"or take {hosts} out of `nameservers` (DNS01_NAMESERVERS)"),
    )


def _late(servers: Sequence[Server], times: Mapping[Address, ResponseTime]) -> list[Server]:
    return [server for server in servers if any(each in times for each in server.addresses)]


def _shown(late: Sequence[Server], times: Mapping[Address, ResponseTime]) -> str:
    spots = [each for server in late for each in server.addresses if each in times]
    return ", ".join(f"{times[each].seconds:.1f} s at {each}" for each in spots)


def _see(apex: str, hosts: str, times: Mapping[Address, ResponseTime]) -> str:
    return (
        f"see what keeps {hosts} busy: its load, a database behind it, a queue or filter before it; or "
        f"how far away it is: dig SOA {apex} +norec +time=9 +tries=1 @{next(iter(times)).ip} (Query time)"
    )


def of_slow_ones(measured: Mapping[Address, ResponseTime]) -> dict[Address, ResponseTime]:
    """The times of those that are slow."""
    return {server: each for server, each in measured.items() if each.slow}


def as_if_quick(survey: ZoneSurvey, times: Mapping[Address, ResponseTime]) -> ZoneSurvey:
    """The survey without what is said of slow servers only because it had no more time for them."""
    servers = [
        _as_if_quick(server, times[server.address]) if server.address in times else server
        for server in survey.answers
    ]
    return survey._replace(
        answers=tuple(server for server in servers if server.address not in times or not server.silent)
    )


def _as_if_quick(server: ServerAnswers, took: ResponseTime) -> ServerAnswers:
    came = server.soa_response if took.tcp is not None and server.stream.message is None else server.stream
    udp = server.udp or took.udp is not None
    return server._replace(stream=came, udp=udp, edns=True, do=True, lost=frozenset())
