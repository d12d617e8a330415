"""Cloudflare: one record by itself, several in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from ..errors import ConfigError, ZoneNotFound
from ._character_strings import unquoted
from ._name_servers import ShowsNameServers
from .base import Option, TxtRecord, Zone, by_name, dns_name, u_labels
from .records import RecordProvider
from .rest import Refused, Rest, base_url, listed, next_number

E = TypeVar("E")

ALREADY_THERE = {81057, 81058}
MALFORMED_TOKEN = {6003}
BATCH = 200  # changes of one request, on the plans that take the fewest
PAGE = 1000  # records of a list
NAME_SERVERS = ("name_servers", "vanity_name_servers")


class Provider(Rest, ShowsNameServers, RecordProvider):
    """With an API token, or with the global API key and its owner's e-mail address."""

    title = "Cloudflare"
    docs = "https://developers.cloudflare.com/api/resources/dns/subresources/records/"
    permission = "Zone:Read and DNS:Edit for the zone (DNS:Edit alone where the zone's id is configured)"
    options = (
        Option(
            "token", ("CF_DNS_API_TOKEN", "CLOUDFLARE_DNS_API_TOKEN", "CF_Token"), "API token", secret=True
        ),
        Option("key", ("CF_API_KEY", "CLOUDFLARE_API_KEY", "CF_Key"), "or: the global API key", secret=True),
        Option(
            "email",
            ("CF_API_EMAIL", "CLOUDFLARE_EMAIL", "CF_Email"),
            "with the key: its owner's e-mail address",
        ),
        Option(
            "zone_token",
            ("CF_ZONE_API_TOKEN", "CLOUDFLARE_ZONE_API_TOKEN"),
            "another API token that sees the zones (Zone:Read), where the first may do no more than DNS:Edit",
            secret=True,
        ),
        base_url("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"invalid format for": (
            "give {variables} nothing but the value itself (no quotes, no “Bearer”): CF_DNS_API_TOKEN an API"
            " token, CF_API_KEY the global API key"
        ),
    }
    least_ttl = 60
    zones_at_once = 20  # of one user's 1,200 requests in 5 minutes

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for half of what is needed."""
        super().__init__(options)
        if options.get("key") and not options.get("email") and not options.get("token"):
            raise ConfigError(
                "CF_API_KEY is of no use without CF_API_EMAIL",
                "set the e-mail address of the key's owner, or an API token as CF_DNS_API_TOKEN",
            )
        if not options.get("key") and not options.get("token"):
            raise ConfigError(
                "CF_ZONE_API_TOKEN is of no use without CF_DNS_API_TOKEN",
                "the one finds the zone, the other changes its records; one token may do both",
            )

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if "zone_token" in self.given and "token" in self.given and "/dns_records" not in url:
            return {"Authorization": f"Bearer {self.given['zone_token']}"}
        if "token" in self.given:
            return super().credentials(method, url, body)
        return {"X-Auth-Key": self.given["key"], "X-Auth-Email": self.given.get("email", "")}

    def is_rejection(self, status: int, body: Any) -> bool:
        """A token that is malformed is a 400."""
        return super().is_rejection(status, body) or _codes(body) == MALFORMED_TOKEN

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_number(page["result_info"]["page"], page["result_info"]["total_pages"])

    def zones(self) -> Iterable[Zone]:
        return [Zone(zone["name"], zone["id"]) for zone in self.items("result", "zones", per_page=50)]

    def zone_at(self, apex: str) -> Zone | None:
        """The active one, where others wait for the same name or have lost it."""
        found = sorted(self.items("result", "zones", name=apex), key=lambda zone: zone["status"] != "active")
        return Zone(apex, found[0]["id"]) if found else None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        """Cloudflare's own, and those by the owner's names (vanity), which have other addresses."""
        found = self.get("zones", zone.id)["result"]
        return [host for key in NAME_SERVERS for host in listed(found.get(key) or [])]

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Several records are one request, all of it or nothing: where one of them is there already, or
        refused, each by itself tells which."""
        for batch in _batches(records):
            if len(batch) < 2:
                super().publish(zone, batch)
                continue
            try:
                made = self._change(zone, posts=[self._fields(record) for record in batch])
            except Refused:
                super().publish(zone, batch)
            else:
                self._check_names(zone, batch, made)
                for record in batch:
                    self._created[zone, record.name].add(record.value)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """What is shown of several names goes in one request; where that is refused, each by itself."""
        if len(by_name(records)) > 1:
            with suppress(Refused):
                records = self._retract_shown(zone, records)
        super().retract(zone, records)

    def _retract_shown(self, zone: Zone, records: Sequence[TxtRecord]) -> list[TxtRecord]:
        """Those of the records that are left: this process has created them, and they are not shown yet."""
        wanted = {(record.name, record.value) for record in records}
        shown = self.attempt(zone.apex, partial(self._shown, zone))
        ids = {id: where for id, where in shown.items() if where in wanted}
        for batch in _batches([id for id, (name, _) in ids.items() if id not in self._deleted[zone, name]]):
            self._change(zone, deletes=[{"id": id} for id in batch])
        for id, (name, value) in ids.items():
            self._deleted[zone, name].add(id)
            self._created[zone, name].discard(value)
        return [record for record in records if record.value in self._created[zone, record.name]]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """Asks for both forms of an IDN: which one the zone has, is not known."""
        for form in dict.fromkeys((name, u_labels(name))):
            for record in self.items("result", "zones", zone.id, "dns_records", type="TXT", name=form):
                yield record["id"], record["content"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        try:
            made = self.post("zones", zone.id, "dns_records", **self._fields(record))
        except Refused as refusal:
            if not _codes(refusal.body) & ALREADY_THERE:
                raise
        else:
            self._check_names(zone, [record], made)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("zones", zone.id, "dns_records", id)

    def _shown(self, zone: Zone) -> dict[str, tuple[str, str]]:
        """Name and value of every TXT record of the zone, by its id."""
        found = self.items("result", "zones", zone.id, "dns_records", type="TXT", per_page=PAGE)
        return {each["id"]: (dns_name(each["name"]), unquoted(each["content"])) for each in found}

    def _change(self, zone: Zone, **changes: Any) -> Any:
        return self.attempt(
            zone.apex, partial(self.post, "zones", zone.id, "dns_records", "batch", **changes)
        )

    def _check_names(self, zone: Zone, wanted: Sequence[TxtRecord], answer: Any) -> None:
        """A name that is in another zone than the id's, Cloudflare puts beneath that zone's apex: there it is
        removed again. Raises ZoneNotFound."""
        names = tuple(f"{record.name}." for record in wanted)
        astray = [each for each in _made(answer) if dns_name(each["name"]).startswith(names)]
        for each in astray:
            self.delete(zone, each["name"], each["id"])
        if astray:
            shown = dns_name(astray[0]["name"])
            other = next(shown.removeprefix(name) for name in names if shown.startswith(name))
            raise ZoneNotFound(
                f"{self.whose}: the zone with the id {zone.id} is {other}, and not {zone.apex}",
                f"correct the id in the [zone] section of {zone.apex}, or leave it out",
            )

    def _fields(self, record: TxtRecord) -> dict[str, Any]:
        ttl = max(record.ttl, self.least_ttl)
        return {"type": "TXT", "name": record.name, "content": record.value, "ttl": ttl}


def _batches(changes: Sequence[E]) -> Iterator[Sequence[E]]:
    for start in range(0, len(changes), BATCH):
        yield changes[start : start + BATCH]


def _made(answer: Any) -> list[Mapping[str, Any]]:
    """The records that an answer says were made; none of what has another shape."""
    result = answer.get("result") if isinstance(answer, dict) else None
    made = result.get("posts", [result]) if isinstance(result, dict) else []
    return [each for each in made if isinstance(each, dict) and each.keys() >= {"id", "name"}]


def _codes(body: Any) -> set[int]:
    return {error["code"] for error in body["errors"]} if body else set()
