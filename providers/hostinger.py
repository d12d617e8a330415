"""Hostinger, whose zones are read as a whole and written RRset by RRset.

Facts: https://developers.hostinger.com (``overwrite`` is about the RRsets that are said and no others;
without it, values are added, and one that is there already is refused). Unverified: the least TTL, and
what a domain of others gets (any refusal that is not about the token counts as "no such zone").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from typing import Any

from .base import Option, Zone, relative
from .rest import NotFound, Refused, Rest, base_url, listed
from .rrsets import RRset, RRsetProvider


class Provider(Rest, RRsetProvider):
    """With an API token."""

    title = "Hostinger"
    docs = "https://developers.hostinger.com/#tag/dns-zone"
    permission = "an API token (it is for all that its account has), best with a date when it expires"
    options = (
        Option("token", ("HOSTINGER_API_TOKEN", "HOSTINGER_Token"), "API token", required=True, secret=True),
        base_url("HOSTINGER_BASE_URL", "https://developers.hostinger.com"),
    )
    least_ttl = 60

    def words(self, body: Any) -> str:
        """The error's message: of each field that is wrong, all that is wrong with it."""
        fields = body.get("errors") or {}
        return ", ".join([str(body.get("error") or body.get("message") or ""), *_texts(fields)])

    def zones(self) -> Iterable[Zone]:
        """The domains that are registered there; others are found by their names alone."""
        return [Zone(domain["domain"]) for domain in listed(self.get("api", "domains", "v1", "portfolio"))]

    def zone_at(self, apex: str) -> Zone | None:
        try:
            self.get(*_zone(Zone(apex)))
        except NotFound:
            return None
        except Refused as refusal:
            if refusal.status not in (400, 422):
                raise
            return None
        return Zone(apex)

    def read(self, zone: Zone, name: str) -> RRset | None:
        """A record that is switched off has to be written back as such."""
        for rrset in listed(self.get(*_zone(zone))):
            if (rrset["type"], rrset["name"]) == ("TXT", relative(name, zone.apex)):
                records = [
                    {key: record[key] for key in ("content", "is_disabled") if record.get(key)}
                    for record in rrset["records"]
                ]
                return RRset(tuple(record["content"] for record in records), rrset["ttl"], tuple(records))
        return None

    @cached_property
    def _added(self) -> defaultdict[tuple[Zone, str], set[str]]:
        """The values of this process at each name: to add one again is refused, shown yet or not."""
        return defaultdict(set)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """What is only added is sent alone, so that nothing of others' is written at all."""
        values, had = (set(rrset.values) if rrset else set() for rrset in (new, old))
        added = self._added[zone, name]
        if new and had <= values:
            for value in sorted(values - had):
                with self.unless(partial(self._is_there, zone, name, old, value)):
                    self._put(zone, name, new.ttl, [_item(value)], overwrite=False)
                added.add(value)
            return
        added &= values
        with self.unless(lambda: self.is_overtaken(zone, name, old)):
            if new:
                self._put(zone, name, new.ttl, new.items_after(old, _item), overwrite=True)
            else:
                filters = [{"name": relative(name, zone.apex), "type": "TXT"}]
                self.request("DELETE", _zone(zone), body={"filters": filters})

    def _is_there(self, zone: Zone, name: str, old: RRset | None, value: str) -> bool:
        """Whether it is because of what stands there that a value is refused."""
        return value in self._added[zone, name] or self.is_overtaken(zone, name, old)

    def _put(self, zone: Zone, name: str, ttl: int, items: list[Any], *, overwrite: bool) -> None:
        rrset = {"name": relative(name, zone.apex), "type": "TXT", "ttl": ttl, "records": items}
        self.put(*_zone(zone), overwrite=overwrite, zone=[rrset])


def _item(value: str) -> dict[str, str]:
    return {"content": value}


def _zone(zone: Zone) -> tuple[str, ...]:
    return ("api", "dns", "v1", "zones", zone.apex)


def _texts(errors: Any) -> Iterator[str]:
    for field, texts in errors.items():
        yield f"{field}: {' '.join(map(str, texts))}"
