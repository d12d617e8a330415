"""deSEC, which replaces RRsets in bulk: all names of a zone in one request, since it counts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from ..errors import Busy
from ._character_strings import quoted
from ._name_servers import ShowsNameServers
from .base import Option, Profile, TxtRecord, Zone, dns_name, relative
from .records import after_writing
from .rest import Refused, Rest, base_url, listed, next_link
from .rrsets import RRset, RRsetProvider

LINK = re.compile(r'<([^>]*)>; *rel="?(\w+)')  # RFC 8288 §3, as deSEC writes it


class Provider(Rest, ShowsNameServers, RRsetProvider):
    """With a token. It may write 2 times a second to a zone, 15 a minute, 100 an hour, 300 a day."""

    title = "deSEC"
    docs = "https://desec.readthedocs.io/en/latest/dns/rrsets.html"
    permission = (
        "a token with a policy of perm_write for the domain, the subname (_acme-challenge, say) and type TXT,"
        " beside the default policy without"
    )
    options = (
        Option("token", ("DESEC_TOKEN", "DEDYN_TOKEN"), "token", required=True, secret=True),
        base_url("DESEC_BASE_URL", "https://desec.io/api/v1"),
    )
    least_ttl = 3600  # where support has not lowered the domain's minimum_ttl
    profile = Profile(ttl=least_ttl)
    guarded = True  # it is not, but its requests are counted, and a bulk is read again after it is written
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._rrsets: dict[str, RRset] = {}
        self._least_ttls: dict[str, int] = {}  # of each domain: support may have lowered it
        self._changes: dict[str, Mapping[str, Any]] = {}

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"Authorization": f"Token {self.given['token']}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        links = {rel: url for url, rel in LINK.findall(self.answer_headers.get("Link", ""))}
        return next_link(links.get("next"))

    def words(self, body: Any) -> str:
        return ", ".join(_texts(body))

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("domains", "", cursor=""):
            yield from (Zone(domain["name"]) for domain in page)

    def zone_for(self, name: str) -> Zone:
        return self.attempt(name, partial(self._owner, name)) or super().zone_for(name)

    def _owner(self, name: str) -> Zone | None:
        for domain in listed(self.get("domains", "", owns_qname=name)):
            zone = Zone(dns_name(domain["name"]))
            self._least_ttls[zone.apex] = int(domain.get("minimum_ttl", self.least_ttl))
            return zone
        return None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        found = self.get_if_there("domains", zone.apex, "rrsets", "@", "NS", "")
        return listed(found["records"]) if found else []

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self.least_ttl = self._least_ttls.get(zone.apex, type(self).least_ttl)
        self.attempt(zone.apex, partial(self._in_bulk, zone, partial(super().publish, zone, records)))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self.attempt(zone.apex, partial(self._in_bulk, zone, partial(super().retract, zone, records)))

    def read(self, zone: Zone, name: str) -> RRset | None:
        return self._rrsets.get(name)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        rrset = new or RRset((), 0)
        subname = relative(name, zone.apex).replace("@", "")
        ttl = {} if old else {"ttl": rrset.ttl}
        self._changes[name] = {"subname": subname, "type": "TXT", "records": rrset.values, **ttl}
        self._rrsets[name] = rrset

    def _in_bulk(self, zone: Zone, verb: Callable[[], None]) -> None:
        """Have the verb work on what one request has read; send what it changes by another, until
        there is nothing that it would change."""
        place = ("domains", zone.apex, "rrsets", "")
        for number in self.readings():
            with after_writing() if number else nullcontext():
                self._rrsets = {
                    dns_name(rrset["name"]): RRset(tuple(rrset["records"]), rrset["ttl"])
                    for page in self.pages(*place, type="TXT", cursor="")
                    for rrset in listed(page)
                }
            self._changes = {}
            verb()
            if not self._changes:
                return
            try:
                self.request("PATCH", place, body=list(self._changes.values()))
            except Refused as refusal:
                if refusal.status == 409:
                    raise Busy(str(refusal), refusal.hint) from refusal
                raise
        raise Busy(
            f"{self.whose}: what is written to {zone.apex} does not stay there",
            "something else keeps writing there: find it, or try again later",
        )


def _texts(body: Any) -> Iterator[str]:
    """Of a bulk request, an error is a list that has for each RRset what is wrong with its fields."""
    match body:
        case str():
            yield body
        case list():
            for each in body:
                yield from _texts(each)
        case dict():
            for field, texts in body.items():
                yield from (text if field == "detail" else f"{field}: {text}" for text in _texts(texts))
