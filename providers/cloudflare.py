"""Cloudflare, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .base import Option, RecordProvider, TxtRecord, Zone
from .rest import Refused, Rest, base_url, next_number

ALREADY_THERE = {81057, 81058}
MALFORMED_TOKEN = {6003}


class Provider(Rest, RecordProvider):
    """With an API token, or with the global API key and its owner's e-mail address."""

    title = "Cloudflare"
    docs = "https://developers.cloudflare.com/api/resources/dns/subresources/records/"
    permission = "Zone:Read and DNS:Edit for the zone (DNS:Edit alone where the zone's id is configured)"
    options = (
        Option("token", ("CF_DNS_API_TOKEN", "CLOUDFLARE_DNS_API_TOKEN"), "API token", secret=True),
        Option("key", ("CF_API_KEY", "CLOUDFLARE_API_KEY"), "or: the global API key", secret=True),
        Option("email", ("CF_API_EMAIL", "CLOUDFLARE_EMAIL"), "with the key: its owner's e-mail address"),
        base_url("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4"),
    )
    least_ttl = 60

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if "token" in self.given:
            return super().credentials(method, url, body)
        return {"X-Auth-Key": self.given["key"], "X-Auth-Email": self.given.get("email", "")}

    def is_rejection(self, status: int, body: Any) -> bool:
        return super().is_rejection(status, body) or _codes(body) == MALFORMED_TOKEN

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_number(page["result_info"]["page"], page["result_info"]["total_pages"])

    def zones(self) -> Iterable[Zone]:
        return [Zone(zone["name"], zone["id"]) for zone in self.items("result", "zones", per_page=50)]

    def zone_at(self, apex: str) -> Zone | None:
        """The active one, where others wait for the same name or have lost it."""
        found = sorted(self.items("result", "zones", name=apex), key=lambda zone: zone["status"] != "active")
        return Zone(apex, found[0]["id"]) if found else None

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        found = self.items("result", "zones", zone.id, "dns_records", type="TXT", name=name)
        return [(record["id"], record["content"]) for record in found]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": record.name, "content": record.value, "ttl": record.ttl}
        try:
            self.post("zones", zone.id, "dns_records", **fields)
        except Refused as refusal:
            if not _codes(refusal.body) & ALREADY_THERE:
                raise

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("zones", zone.id, "dns_records", id)


def _codes(body: Any) -> set[int]:
    return {error["code"] for error in body["errors"]} if body else set()
