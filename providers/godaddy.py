"""GoDaddy, which replaces whole RRsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._http.answers import words_in
from .base import Option, Profile, RRset, RRsetProvider, Zone, relative
from .rest import Refused, Rest, listed


class Provider(Rest, RRsetProvider):
    """With a key and its secret, for production (those for OTE, GoDaddy's place for tests, differ)."""

    title = "GoDaddy"
    docs = "https://developer.godaddy.com/doc/endpoint/domains"
    permission = (
        "a production key (it is for all domains of its account), and an account that GoDaddy lets use"
        " the API: one with ten domains, or with the plan Discount Domain Club"
    )
    options = (
        Option("key", ("GODADDY_API_KEY",), "API key", required=True),
        Option("secret", ("GODADDY_API_SECRET",), "its secret", required=True, secret=True),
        Option(
            "base_url",
            ("GODADDY_BASE_URL",),
            "address of the API; OTE is at https://api.ote-godaddy.com",
            default="https://api.godaddy.com",
        ),
    )
    least_ttl = 600
    profile = Profile(ttl=least_ttl)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"Authorization": f"sso-key {self.given['key']}:{self.given['secret']}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"marker": page[-1]["domain"]} if len(page) == asked["limit"] else {}

    def words(self, body: Any) -> str:
        return ", ".join(words_in([body, body.get("fields")]))

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("v1", "domains", limit=100):
            yield from (Zone(domain["domain"]) for domain in page)

    def zone_at(self, apex: str) -> Zone | None:
        """Asked by way of its records, since small accounts may not see the domain itself."""
        try:
            self.get(*_rrset(Zone(apex), apex))
        except Refused as refusal:
            if refusal.status not in (404, 422):  # no domain of this account, or none that could be one
                raise
            return None
        return Zone(apex)

    def read(self, zone: Zone, name: str) -> RRset | None:
        """But for the empty ones, which is what some clients make of those that they remove."""
        found = [record for record in listed(self.get(*_rrset(zone, name))) if record["data"]]
        return RRset(tuple(record["data"] for record in found), found[0]["ttl"]) if found else None

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        if new:
            body = [{"data": value, "ttl": new.ttl} for value in new.values]
            self.request("PUT", _rrset(zone, name), body=body)
        else:
            self.delete_at(*_rrset(zone, name))  # an empty list is refused


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    return ("v1", "domains", zone.apex, "records", "TXT", relative(name, zone.apex))
