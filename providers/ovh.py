"""OVHcloud, record by record, with requests that are signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from hashlib import sha1
from operator import index
from typing import Any

from ..errors import ConfigError
from .base import Option, RecordProvider, TxtRecord, Zone, relative
from .rest import NotFound, Rest, listed

ENDPOINTS = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
    "kimsufi-eu": "https://eu.api.kimsufi.com/1.0",
    "kimsufi-ca": "https://ca.api.kimsufi.com/1.0",
    "soyoustart-eu": "https://eu.api.soyoustart.com/1.0",
    "soyoustart-ca": "https://ca.api.soyoustart.com/1.0",
}
UNSIGNED = "/auth/time"
BAD_SIGNATURE = {"INVALID_SIGNATURE", "QUERY_TIME_OUT"}  # with 400


class Provider(Rest, RecordProvider):
    """With an application's key and secret, and the consumer key that a customer gave it."""

    title = "OVHcloud"
    docs = "https://eu.api.ovh.com/console/?section=%2Fdomain&branch=v1"
    permission = (
        "the access rules GET /domain/zone/ZONE, GET and POST /domain/zone/ZONE/record, GET and DELETE"
        " /domain/zone/ZONE/record/*, POST /domain/zone/ZONE/refresh"
        " (not the first where the zone's name is configured as its id)"
    )
    options = (
        Option(
            "base_url",
            ("OVH_ENDPOINT", "OVH_END_POINT"),
            f"{', '.join(ENDPOINTS)}, or a URL",
            default=ENDPOINTS["ovh-eu"],
        ),
        Option("application_key", ("OVH_APPLICATION_KEY", "OVH_AK"), "application key", required=True),
        Option("secret", ("OVH_APPLICATION_SECRET", "OVH_AS"), "its secret", required=True, secret=True),
        Option("consumer_key", ("OVH_CONSUMER_KEY", "OVH_CK"), "consumer key", required=True, secret=True),
    )
    least_ttl = 60
    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for an endpoint that is none."""
        url = ENDPOINTS.get(options["base_url"], options["base_url"])
        if "://" not in url:
            raise ConfigError(f"OVH has no endpoint {url!r}", f"there are {', '.join(ENDPOINTS)}")
        super().__init__({**options, "base_url": url})

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        key, consumer = self.given["application_key"], self.given["consumer_key"]
        if url.endswith(UNSIGNED):
            return {"X-Ovh-Application": key}
        now = str(int(self.clock() + self._ahead))
        signed = "+".join((self.given["secret"], consumer, method, url, body, now))
        return {
            "X-Ovh-Application": key,
            "X-Ovh-Consumer": consumer,
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": "$1$" + sha1(signed.encode()).hexdigest(),
        }

    @cached_property
    def _ahead(self) -> float:
        """By how many seconds OVH's clock is: a signature is good for a short time only."""
        return float(self.get(*UNSIGNED.strip("/").split("/")) - self.clock())

    def is_rejection(self, status: int, body: Any) -> bool:
        code = body.get("errorCode") if isinstance(body, dict) else None
        return super().is_rejection(status, body) or code in BAD_SIGNATURE

    def zones(self) -> Iterable[Zone]:
        return [Zone(name) for name in self.get("domain", "zone")]

    def zone_at(self, apex: str) -> Zone | None:
        """The usual recipes for keys allow /domain/zone/* and not the list of zones."""
        found = self.get_if_there("domain", "zone", apex)
        return Zone(found["name"]) if found else None

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """The filter is SQL's LIKE, to which the ``_`` of a challenge name is any character."""
        wanted = _subdomain(zone, name)
        for number in listed(self.get(*_records(zone), fieldType="TXT", subDomain=wanted)):
            id = str(index(number))
            with suppress(NotFound):
                record = self.get(*_records(zone), id)
                if record["subDomain"] == wanted:
                    yield id, record["target"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"subDomain": _subdomain(zone, record.name), "target": record.value, "ttl": record.ttl}
        self.post(*_records(zone), fieldType="TXT", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().publish(zone, records)
        self._refresh(zone)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().retract(zone, records)
        self._refresh(zone)

    def _refresh(self, zone: Zone) -> None:
        """Have the name servers know, in any case: a call that failed may have left it undone."""
        path = ("domain", "zone", zone.apex, "refresh")
        self.attempt(zone.apex, partial(self.request, "POST", path))


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domain", "zone", zone.apex, "record")


def _subdomain(zone: Zone, name: str) -> str:
    return relative(name, zone.apex).removesuffix("@")
