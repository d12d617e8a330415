"""DNS Made Easy, record by record, with requests that are signed by the time.

It allows 150 requests in five minutes. Unverified: the least TTL.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from typing import Any

from ._character_strings import quoted
from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed, next_number

BUSY = ("Rate limit exceeded", "pending a create or delete action")  # with 400


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an API key and its secret key."""

    title = "DNS Made Easy"
    docs = "https://api-docs.dnsmadeeasy.com/"
    permission = "an API key and secret key of a user who may change the domain, and a clock that is right"
    options = (
        Option("key", ("DNSMADEEASY_API_KEY", "ME_Key"), "API key", required=True),
        Option(
            "secret_key", ("DNSMADEEASY_API_SECRET", "ME_Secret"), "secret key", required=True, secret=True
        ),
        base_url("DNSMADEEASY_BASE_URL", "https://api.dnsmadeeasy.com/V2.0"),
    )
    profile = Profile(timeout=900)
    least_ttl = 60
    clock: Callable[[], float] = staticmethod(time.time)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        now = formatdate(self.clock(), usegmt=True)
        return {
            "x-dnsme-apiKey": self.given["key"],
            "x-dnsme-requestDate": now,
            "x-dnsme-hmac": hmac.digest(self.given["secret_key"].encode(), now.encode(), "sha1").hex(),
        }

    def status_of(self, status: int, body: Any) -> int:
        """The status, and 429 for what comes as 400 and will pass: the rate limit, and a zone that is about
        to be made or deleted."""
        is_busy = status == 400 and any(words in self.words(body) for words in BUSY)
        return 429 if is_busy else status

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pages count from 0."""
        return next_number(page["page"], page["totalPages"] - 1)

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["name"], str(domain["id"])) for domain in self.items("data", "dns", "managed")]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("dns", "managed", "name", domainname=apex)
        return Zone(found["name"], str(found["id"])) if found else None

    def apex_with_id(self, id: str) -> Any:
        return self.get("dns", "managed", id)["name"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [server["fqdn"] for server in listed(self.get("dns", "managed", zone.id)["nameServers"])]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        wanted = {"type": "TXT", **({"recordName": within} if within else {})}
        for record in self.items("data", *_records(zone), **wanted):
            if (record["type"], record["name"].lower()) == ("TXT", within):
                yield str(record["id"]), record["value"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {
            "name": relative(record.name, zone.apex, ""),
            "value": quoted(record.value),
            "ttl": record.ttl,
        }
        with self.unless(lambda: self.lists(zone, record)):
            self.post(*_records(zone), "", type="TXT", gtdLocation="DEFAULT", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)


def _records(zone: Zone) -> tuple[str, ...]:
    return ("dns", "managed", zone.id, "records")
