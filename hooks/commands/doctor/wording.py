"""How servers and their answers are named in a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ...dns.address import Address
from ...dns.inspect.server_answers import ServerAnswers
from ...dns.inspect.zone_survey import ZoneSurvey


def affected(
    survey: ZoneSurvey, fault: Callable[[ServerAnswers], bool]
) -> Iterator[tuple[str, list[ServerAnswers]]]:
    """(NS names, what their addresses with the fault have shown), for all servers that have it together."""
    if servers := [server for server in survey.answers if fault(server)]:
        yield hosts_of(servers), servers


def hosts_of(servers: Iterable[ServerAnswers]) -> str:
    """The NS names, each once, in a list for a sentence."""
    return ", ".join(dict.fromkeys(server.host for server in servers))


def the_server(hosts: str) -> str:
    """The one or several, as the subject of a sentence in the singular."""
    return f"each of the name servers {hosts}" if ", " in hosts else f"the name server {hosts}"


def answers(servers: Iterable[ServerAnswers]) -> str:
    """What each address answers, in a list for a sentence."""
    return ", ".join(f"{server.address} says {server.soa_response.summary}" for server in servers)


def ips(servers: Iterable[ServerAnswers]) -> str:
    """The addresses alone, in a list for a sentence."""
    return ", ".join(server.address.ip for server in servers)


def in_order(addresses: Iterable[Address]) -> str:
    """The addresses in order, without ports, in a list for a sentence."""
    return ", ".join(sorted(address.ip for address in addresses))


def address_type(ip: str) -> str:
    """The type of the record that holds the address."""
    return "AAAA" if ":" in ip else "A"


def located(servers: Iterable[ServerAnswers]) -> str:
    """The addresses, each with its port if that is not 53, in a list for a sentence."""
    return ", ".join(dict.fromkeys(str(server.address) for server in servers))


def deletion(zone: str) -> str:
    """The commands that delete a zone, by the software that serves it."""
    return (
        f"rndc delzone {zone} (BIND), knotc conf-unset 'zone[{zone}]' (Knot), "
        f"pdnsutil delete-zone {zone} (PowerDNS)"
    )


def make_secondary(survey: ZoneSurvey, host: str) -> str:
    """The remedy for a name server that fetches the zone from nobody."""
    return (
        f"make {host} a secondary of the server that the account updates: in BIND "
        f'zone "{survey.apex}" {{ type secondary; primaries {{ ADDRESS; }}; }};'
    )


def or_drop(survey: ZoneSurvey, host: str) -> str:
    """The remedy that does without the name servers."""
    if set(survey.delegated).isdisjoint(host.split(", ")):
        return f"or {write_as_above(survey)}"
    return f"or remove {host} from the NS records of {survey.apex}, at the parent and in the zone"


def write_as_above(survey: ZoneSurvey) -> str:
    """The remedy where the zone itself names servers that the zone above does not: without them it might be
    left without any."""
    records = "; ".join(f"{survey.apex}. NS {host}." for host in survey.delegated)
    return f"have the zone itself name the servers that the zone above names, and no others: {records}"
