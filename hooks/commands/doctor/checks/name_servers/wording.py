"""How servers and their answers are named in a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .....dns.inspect.faults import by_host
from .....dns.inspect.server_answers import Look
from .....dns.inspect.survey import Survey


def looks_by_host(survey: Survey, fault: Callable[[Look], bool]) -> Iterator[tuple[str, list[Look]]]:
    """(NS name, what its addresses with the fault have shown), for each server that has such addresses."""
    return by_host(look for look in survey.looks if fault(look))


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
    return ", ".join(str(look.address) for look in looks)


def deletion(zone: str) -> str:
    """The commands that delete a zone, by the software that serves it."""
    return (
        f"rndc delzone {zone} (BIND), knotc conf-unset 'zone[{zone}]' (Knot), "
        f"pdnsutil delete-zone {zone} (PowerDNS)"
    )


def or_drop(survey: Survey, host: str) -> str:
    """The remedy that does without the name server."""
    return f"or remove {host} from the NS records of {survey.apex}, at the parent and in the zone"
