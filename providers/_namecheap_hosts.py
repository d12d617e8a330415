"""A zone at Namecheap: all its hosts, which are written together or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree as XML

from ..errors import ProviderError
from ._character_strings import unquoted

# What getHosts calls an attribute, and setHosts the parameter that carries it.
CARRIED = {"Name": "HostName", "Type": "RecordType", "Address": "Address", "MXPref": "MXPref", "TTL": "TTL"}
LABELS = {"HostId", "AssociatedAppTitle", "FriendlyName"}  # are the dashboard's own, and not in the DNS
USUAL = {"IsActive": "true", "IsDDNSEnabled": "false"}  # as every host is that setHosts writes
TYPES = {"A", "AAAA", "ALIAS", "CAA", "CNAME", "FRAME", "MX", "MXE", "NS", "TXT", "URL", "URL301"}
MAIL = {"FWD", "GMAIL", "MX", "MXE", "NONE", "OX"}

Host = tuple[str, ...]  # the values of CARRIED, in its order


class NamecheapHosts(NamedTuple):
    """What getHosts says of a zone, as far as setHosts can say the same."""

    apex: str
    mail: str  # who gets the zone's mail: its EmailType
    all: tuple[Host, ...]

    @classmethod
    def of(cls, apex: str, result: XML.Element) -> NamecheapHosts:
        """Read them from a DomainDNSGetHostsResult. Raises ProviderError for what cannot be carried."""
        mail = result.attrib["EmailType"]
        if mail not in MAIL:
            raise _not_to_be_carried(apex, f"its mail setting {mail}")
        hosts = [host for host in result if host.tag.rpartition("}")[2].lower() == "host"]
        return cls(apex, mail, tuple(_carried(apex, host.attrib) for host in hosts))

    def texts(self, within: str) -> set[str]:
        """The TXT values at a name, which is relative to the apex."""
        return {value for name, value in map(_text, self.all) if name == within}

    def with_texts(self, texts: Iterable[tuple[str, str, int]]) -> NamecheapHosts:
        """These, and the (name, value, TTL) besides that are not there yet."""
        lacking = {(name, value): ttl for name, value, ttl in texts if value not in self.texts(name)}
        new = ((name, "TXT", value, "10", str(ttl)) for (name, value), ttl in lacking.items())
        return self._replace(all=(*self.all, *new))

    def without_texts(self, texts: Container[tuple[str, str]]) -> NamecheapHosts:
        """These, but for the (name, value) among them."""
        return self._replace(all=tuple(host for host in self.all if _text(host) not in texts))

    def parameters(self) -> Iterator[tuple[str, str]]:
        """What setHosts has to be told."""
        yield "EmailType", self.mail
        for number, host in enumerate(self.all, 1):
            for parameter, value in zip(CARRIED.values(), host, strict=True):
                yield f"{parameter}{number}", value

    def lost_in(self, later: NamecheapHosts) -> str:
        """What of these is not in a later reading; nothing, if all is."""
        lost = [" ".join(host) for host in Counter(self.all) - Counter(later.all)]
        return ", ".join(lost if self.mail == later.mail else [*lost, f"EmailType {self.mail}"])


def _text(host: Host) -> tuple[str, str]:
    """(name, value) of a TXT record, and of anything else nothing that any of them has."""
    name, type, address, *_ = host
    return (name.lower().rstrip("."), unquoted(address)) if type == "TXT" else ("", "")


def _carried(apex: str, attributes: Mapping[str, str]) -> Host:
    """Raises ProviderError for a host that setHosts would write differently."""
    known = f"{attributes['Name']} {attributes['Type']}"
    if attributes["Type"] not in TYPES:
        raise _not_to_be_carried(apex, f"the host {known}")
    for name in attributes.keys() - CARRIED.keys() - LABELS:
        if attributes[name] != USUAL.get(name, ""):
            raise _not_to_be_carried(apex, f"{name}={attributes[name]} of the host {known}")
    return tuple(attributes[name] for name in CARRIED)


def _not_to_be_carried(apex: str, what: str) -> ProviderError:
    return ProviderError(
        f"nothing is changed in {apex}: Namecheap's API can only write whole zones, and would lose {what}",
        "change that at Namecheap, or let a CNAME lead from the challenge's name to a zone elsewhere",
    )
