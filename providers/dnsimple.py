"""DNSimple, record by record.

It allows 2,400 requests in an hour, by account. Unverified: what a duplicate gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ..errors import ConfigError
from ._http.responses import words_in
from ._name_servers import ListsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed, next_number


class Provider(Rest, ChecksZoneIds, ListsNameServers, RecordProvider):
    """With a token of an account, or with a user's, who may have several accounts."""

    title = "DNSimple"
    docs = "https://developer.dnsimple.com/v2/zones/records/"
    permission = "an account's access token; where tokens have scopes, one that may change the zone's records"
    options = (
        Option(
            "token",
            ("DNSIMPLE_OAUTH_TOKEN", "DNSimple_OAUTH_TOKEN"),
            "access token",
            required=True,
            secret=True,
        ),
        Option("account_id", ("DNSIMPLE_ACCOUNT_ID",), "number of the account, for a token of several"),
        base_url("DNSIMPLE_BASE_URL", "https://api.dnsimple.com"),
    )
    least_ttl = 60
    zones_at_once = 4  # of 2,400 requests an hour

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = page["pagination"]
        return next_number(shown["current_page"], shown["total_pages"])

    def words(self, body: Any) -> str:
        """The error's message, with what is wrong with each field."""
        return ", ".join(words_in([body, *body.get("errors", {}).values()]))

    def zones(self) -> Iterable[Zone]:
        return [self._zone(zone) for zone in self.items("data", *self._zones, per_page=100)]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there(*self._zones, apex)
        return self._zone(found["data"]) if found else None

    def apex_with_id(self, id: str) -> Any:
        return self.get(*self._zones, id)["data"]["name"]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        for record in self.items("data", *self._records(zone), type=type, name=within, per_page=100):
            if (record["type"], record["name"]) == (type, within):
                yield str(record["id"]), record["content"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        name = relative(record.name, zone.apex, "")
        with self.unless(lambda: self.lists(zone, record)):
            self.post(*self._records(zone), name=name, type="TXT", content=record.value, ttl=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*self._records(zone), id)

    def _zone(self, shown: Any) -> Zone:
        return Zone(shown["name"], str(shown["id"]))

    def _records(self, zone: Zone) -> tuple[str, ...]:
        return (*self._zones, zone.id, "records")

    @cached_property
    def _zones(self) -> tuple[str, ...]:
        """Raises ConfigError where it is not said which of several accounts is meant."""
        if number := self.given.get("account_id"):
            return ("v2", number, "zones")
        numbers = [str(account["id"]) for account in listed(self.get("v2", "accounts")["data"])]
        if len(numbers) != 1:
            raise ConfigError(
                f"{self.whose}: the token is for {len(numbers)} accounts: {', '.join(numbers) or 'none'}",
                "say which by DNSIMPLE_ACCOUNT_ID, or use a token of that account alone",
            )
        return ("v2", numbers[0], "zones")
