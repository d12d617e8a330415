"""Porkbun, record by record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ShowsNameServers
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url

ABOUT_KEYS = re.compile("API (key|access|requests)", re.IGNORECASE)  # there is 400 for that as well

# Of every zone (https://kb.porkbun.com/article/63)
NAME_SERVERS = tuple(f"{host}.ns.porkbun.com" for host in ("curitiba", "fortaleza", "maceio", "salvador"))


class Provider(Rest, ShowsNameServers, RecordProvider):
    """With a pair of API keys."""

    title = "Porkbun"
    docs = "https://porkbun.com/api/json/v3/documentation"
    permission = "a pair of API keys, and “API Access” switched on for the domain"
    options = (
        Option("key", ("PORKBUN_API_KEY",), "API key", required=True, secret=True),
        Option("secret_key", ("PORKBUN_SECRET_API_KEY",), "secret API key", required=True, secret=True),
        base_url("PORKBUN_BASE_URL", "https://api.porkbun.com/api/json/v3"),
    )
    profile = Profile(timeout=900)  # its name servers can be slow
    least_ttl = 600

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-API-Key": self.given["key"], "X-Secret-API-Key": self.given["secret_key"]}

    def status_of(self, status: int, body: Any) -> int:
        """Some errors come with 200."""
        return 400 if status == 200 and body and body.get("status") == "ERROR" else status

    def is_rejection(self, status: int, body: Any) -> bool:
        """Wrong keys are a 400 as well."""
        about_keys = status == 400 and ABOUT_KEYS.search(self.words(body))
        return bool(about_keys) or super().is_rejection(status, body)

    def pause_wanted(self, headers: Mapping[str, str], body: Any) -> float | None:
        """The seconds to wait, which are in the body of the answer."""
        wish = body.get("ttlRemaining") if isinstance(body, dict) else None
        return float(wish) if isinstance(wish, int) else super().pause_wanted(headers, body)

    def get(self, *path: str, **query: Any) -> Any:
        """Ask by POST: the API takes nothing else."""
        return self.post(*path, **query)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """A page has a thousand at most; that there are no more, an empty one says for sure."""
        return {"start": asked["start"] + len(page["domains"])} if page["domains"] else {}

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["domain"]) for domain in self.items("domains", "domain", "listAll", start=0)]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return NAME_SERVERS

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        found = self.get("dns", "retrieveByNameType", zone.apex, "TXT", *([within] if within else []))
        return [(str(record["id"]), record["content"]) for record in found["records"]]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": relative(record.name, zone.apex, ""), "content": record.value}
        with self.unless(lambda: self.lists(zone, record)):
            self.post("dns", "create", zone.apex, **fields, ttl=str(record.ttl))

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.post("dns", "delete", zone.apex, id)
