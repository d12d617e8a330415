"""How servers and their answers are named in a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ...dns.inspect.server_answers import Look
from ...dns.inspect.survey import Survey


def affected(survey: Survey, fault: Callable[[Look], bool]) -> Iterator[tuple[str, list[Look]]]:
    """(NS names, what their addresses with the fault have shown), for all servers that have it together."""
    if looks := [look for look in survey.looks if fault(look)]:
        yield hosts_of(looks), looks


def hosts_of(looks: Iterable[Look]) -> str:
    """The NS names, each once, in a list for a sentence."""
    return ", ".join(dict.fromkeys(look.host for look in looks))


def the_server(hosts: str) -> str:
    """The one or several, as the subject of a sentence in the singular."""
    return f"each of the name servers {hosts}" if ", " in hosts else f"the name server {hosts}"


def answers(looks: Iterable[Look]) -> str:
    """What each address answers, in a list for a sentence."""
    return ", ".join(f"{look.address} says {look.heard.words}" for look in looks)


def ips(looks: Iterable[Look]) -> str:
    """The addresses alone, in a list for a sentence."""
    return ", ".join(look.address.ip for look in looks)


def address_type(ip: str) -> str:
    """The type of the record that holds the address."""
    return "AAAA" if ":" in ip else "A"


def located(looks: Iterable[Look]) -> str:
    """The addresses, each with its port if that is not 53, in a list for a sentence."""
    return ", ".join(dict.fromkeys(str(look.address) for look in looks))


def deletion(zone: str) -> str:
    """The commands that delete a zone, by the software that serves it."""
    return (
        f"rndc delzone {zone} (BIND), knotc conf-unset 'zone[{zone}]' (Knot), "
        f"pdnsutil delete-zone {zone} (PowerDNS)"
    )


def or_drop(survey: Survey, host: str) -> str:
    """The remedy that does without the name server."""
    return f"or remove {host} from the NS records of {survey.apex}, at the parent and in the zone"
