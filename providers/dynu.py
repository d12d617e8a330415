"""Dynu, record by record.

Unverified: that a TTL below 90 s is refused (Dynu's own script for acme.sh sends 90), and that a domain's
name is in A-labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, dns_name, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed


class Provider(Rest, ChecksZoneIds, RecordProvider):
    """With the account's API key. An account without membership has room for four records of a domain."""

    title = "Dynu"
    docs = "https://www.dynu.com/Support/API"
    permission = "the account's API key (“API Credentials”); there is none that can do less"
    options = (
        Option(
            "token", ("DYNU_API_KEY", "LEXICON_DYNU_AUTH_TOKEN"), "the API key", required=True, secret=True
        ),
        base_url("DYNU_BASE_URL", "https://api.dynu.com/v2"),
    )
    least_ttl = 90

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"API-Key": self.given["token"]}

    def status_of(self, status: int, body: Any) -> int:
        """501 is what it says of a domain that it does not have, of a record that is gone, and of one
        that is there already."""
        return 404 if status == 501 else status

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["name"], str(domain["id"])) for domain in listed(self.get("dns")["domains"])]

    def zone_at(self, apex: str) -> Zone | None:
        """The zone at the apex: the API answers with the domain that the name is in."""
        root = self.get_if_there("dns", "getroot", apex)
        return Zone(apex, str(root["id"])) if root and root["domainName"].lower() == apex else None

    def apex_with_id(self, id: str) -> Any:
        return self.get("dns", id)["name"]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        for record in listed(self.get("dns", zone.id, "record")["dnsRecords"]):
            if record["recordType"] == "TXT" and dns_name(record["hostname"]) == name:
                yield str(record["id"]), record["textData"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"recordType": "TXT", "textData": record.value, "ttl": record.ttl, "state": True}
        with self.unless(lambda: record.value in dict(self.texts(zone, record.name)).values()):
            self.post("dns", zone.id, "record", nodeName=relative(record.name, zone.apex, ""), **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.request("DELETE", ("dns", zone.id, "record", id))
