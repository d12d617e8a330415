"""Cloudflare's API v4, as far as TXT records go (https://developers.cloudflare.com/api/)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

RECORD = {"type": str, "name": str, "content": str, "ttl": int, "data": optional(type(None))}
GOOD: Mapping[str, Any] = {"success": True, "errors": [], "messages": []}


class Cloudflare(Fake):
    """Contents come back quoted, as those do that the dashboard creates; a zone that the token does
    not see is none, rather than one that is forbidden. What is in ``zones`` under another key than
    its apex has moved to another account."""

    prefix = "/client/v4"
    hosts = ("api.cloudflare.com",)
    zone_token = ""  # of those that may do no more than see zones
    vanity_name_servers: Sequence[str] = ()  # names within its own domain that the owner has for them

    def admit(self, request: Request) -> None:
        headers = request.headers
        if "X-Auth-Key" in headers:
            if (headers["X-Auth-Key"], headers.get("X-Auth-Email")) != (self.token, "me@example.com"):
                raise Refusal(403, "Unknown X-Auth-Key or X-Auth-Email", 9103)
        elif not re.fullmatch(r"Bearer [\w-]+", headers.get("Authorization", "")):
            raise Refusal(400, "Invalid request headers", 6003)
        elif headers["Authorization"] != f"Bearer {self._token_for(request.path)}":
            raise Refusal(403, "Invalid access token", 9109)

    def _token_for(self, path: str) -> str:
        return self.token if "/dns_records" in path else self.zone_token or self.token

    def error(self, refusal: Refusal) -> Any:
        errors = [{"code": refusal.code or 1000, "message": refusal.message}]
        return {"success": False, "errors": errors, "messages": [], "result": None}

    @route("GET", "/zones", query=["name", "status", "page", "per_page"])
    def list_zones(self, request: Request) -> Answer:
        if not 5 <= int(request.query.get("per_page", 20)) <= 50:
            raise Refusal(400, "Invalid list options", 6007)
        shown = [
            {"id": zone.id, "name": zone.apex, "status": "active" if key == zone.apex else "moved"}
            for key, zone in self.zones.items()
            if request.query.get("name") in (None, zone.apex)
        ]
        return self._list(shown, request.query, 20)

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        shown = {
            "id": zone,
            "name": self.zone(zone).apex,
            "status": "active",
            "name_servers": [*self.name_servers],
            "vanity_name_servers": [*self.vanity_name_servers],
        }
        return Answer(200, {**GOOD, "result": shown})

    @route("GET", "/zones/{zone}/dns_records", query=["type", "name", "content", "page", "per_page"])
    def list_records(self, request: Request, zone: str) -> Answer:
        def fits(record: Record) -> bool:
            return all(
                request.query.get(key) in (None, value)
                for key, value in (("type", record.type), ("name", record.name), ("content", record.value))
            )

        holder = self._zone(zone)
        return self._list([_shown(record) for record in holder.records if fits(record)], request.query, 100)

    @route("POST", "/zones/{zone}/dns_records", fields=RECORD)
    def create(self, request: Request, zone: str) -> Answer:
        return Answer(200, {**GOOD, "result": self._create(self._zone(zone), request.body)})

    @route(
        "POST",
        "/zones/{zone}/dns_records/batch",
        fields={"deletes": optional(list), "posts": optional(list)},
    )
    def batch(self, request: Request, zone: str) -> Answer:
        """All of it or nothing; 200 changes at most on a free plan."""
        holder = self._zone(zone)
        deletes, posts = request.body.get("deletes", []), request.body.get("posts", [])
        if not 1 <= len(deletes) + len(posts) <= 200:
            raise Refusal(400, "The batch has too few or too many changes.", 9000)
        if any(each.keys() != {"id"} for each in deletes) or any(
            each.keys() - {"data"} != RECORD.keys() - {"data"} for each in posts
        ):
            raise Refusal(400, "Unknown or missing fields", 9000)
        before = list(holder.records)
        try:
            gone = [self._delete(holder, each["id"]) for each in deletes]
            made = [self._create(holder, each) for each in posts]
        except Refusal:
            holder.records[:] = before
            raise
        return Answer(200, {**GOOD, "result": {"deletes": gone, "posts": made}})

    def _create(self, holder: Zone, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body["ttl"] != 1 and not 60 <= body["ttl"] <= 86400:
            raise Refusal(400, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.", 9021)
        name, value = body["name"], unquoted(body["content"])
        if not f".{name}".endswith(f".{holder.apex}"):
            name = f"{name}.{holder.apex}"
        if any(record.value == value for record in holder.texts(name)):
            raise Refusal(400, "An identical record already exists.", 81058)
        return _shown(self.add(holder, name, value, body["ttl"], body["type"]))

    @route("DELETE", "/zones/{zone}/dns_records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        return Answer(200, {**GOOD, "result": self._delete(self._zone(zone), id)})

    def _delete(self, holder: Zone, id: str) -> Mapping[str, str]:
        for record in holder.records:
            if record.id == id:
                holder.records.remove(record)
                return {"id": id}
        raise Refusal(404, "Record does not exist.", 81044)

    def _zone(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        words = "perhaps your object identifier is invalid?"
        raise Refusal(404, f"Could not route to /zones/{id}, {words}", 7003)

    def _list(self, items: Sequence[Any], query: Mapping[str, str], usual: int) -> Answer:
        size = int(query.get("per_page", usual))
        shown, number, pages = self.page(items, int(query.get("page", 1)), size)
        info = {
            "page": number,
            "per_page": size,
            "count": len(shown),
            "total_count": len(items),
            "total_pages": pages,
        }
        return Answer(200, {**GOOD, "result": shown, "result_info": info})


def _shown(record: Record) -> Mapping[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "content": quoted(record.value),
        "ttl": record.ttl,
        "proxied": False,
    }
