"""DNSimple's API v2, as far as TXT records go (https://developer.dnsimple.com/v2/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

RECORD = {
    "name": str,
    "type": str,
    "content": str,
    "ttl": optional(int),
    "priority": optional(int),
    "regions": optional(list),
}
PAGED = ("page", "per_page", "sort")


class DNSimple(Fake):
    """A token of several accounts sees each of them; ``accounts`` has their numbers. The apex's name is
    empty. A zone goes by its name or its number."""

    prefix = ""
    hosts = ("api.dnsimple.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.accounts = [1010]

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Authentication failed")

    def error(self, refusal: Refusal) -> Any:
        if refusal.status == 400:
            return {"message": "Validation failed", "errors": {"base": [refusal.message]}}
        return {"message": refusal.message}

    @route("GET", "/v2/accounts")
    def list_accounts(self, request: Request) -> Answer:
        plan = {"email": "me@example.com", "plan_identifier": "solo-v2-monthly"}
        return Answer(200, {"data": [{"id": number, **plan} for number in self.accounts]})

    @route("GET", "/v2/{account}/domains", query=["name_like", *PAGED])
    def list_domains(self, request: Request, account: str) -> Answer:
        """All zones are registered domains as well."""
        answer: Answer = self.list_zones(request, account)
        return answer

    @route("GET", "/v2/{account}/zones", query=["name_like", *PAGED])
    def list_zones(self, request: Request, account: str) -> Answer:
        self._check(account)
        like = request.query.get("name_like", "")
        return self._list([_zone(zone) for zone in self.zones.values() if like in zone.apex], request)

    @route("GET", "/v2/{account}/zones/{zone}")
    def show_zone(self, request: Request, account: str, zone: str) -> Answer:
        self._check(account)
        return Answer(200, {"data": _zone(self.zone(zone))})

    @route("GET", "/v2/{account}/zones/{zone}/records", query=["name", "name_like", "type", *PAGED])
    def list_records(self, request: Request, account: str, zone: str) -> Answer:
        self._check(account)
        holder, query = self.zone(zone), request.query
        shown = [_record(holder, record) for record in self.with_ns(holder)]
        fitting = [
            each for each in shown if all(query.get(key) in (None, each[key]) for key in ("name", "type"))
        ]
        return self._list(fitting, request)

    @route("POST", "/v2/{account}/zones/{zone}/records", fields=RECORD)
    def create(self, request: Request, account: str, zone: str) -> Answer:
        self._check(account)
        holder, body = self.zone(zone), request.body
        if body.get("ttl", 3600) < 60:
            raise Refusal(400, "TTL must be greater than or equal to 60")
        name = f"{body['name']}.{holder.apex}" if body["name"] else holder.apex
        if body["content"] in {record.value for record in holder.texts(name)}:
            raise Refusal(400, "Zone record already exists")
        record = self.add(holder, name, body["content"], body.get("ttl", 3600), body["type"])
        return Answer(201, {"data": _record(holder, record)})

    @route("DELETE", "/v2/{account}/zones/{zone}/records/{id}")
    def delete(self, request: Request, account: str, zone: str, id: str) -> Answer:
        self._check(account)
        holder = self.zone(zone)
        if not any(record.id == id for record in holder.records):
            raise Refusal(404, f"Record `{id}` not found")
        holder.records[:] = [record for record in holder.records if record.id != id]
        return Answer(204)

    def _check(self, account: str) -> None:
        if account not in map(str, self.accounts):
            raise Refusal(404, f"Account `{account}` not found")

    def _list(self, items: Sequence[Any], request: Request) -> Answer:
        size = int(request.query.get("per_page", 30))
        if not 1 <= size <= 100:
            raise Refusal(400, "per_page has to be between 1 and 100")
        shown, number, pages = self.page(items, int(request.query.get("page", 1)), size)
        counted = {"total_entries": len(items), "total_pages": pages}
        return Answer(
            200, {"data": shown, "pagination": {"current_page": number, "per_page": size, **counted}}
        )


def _zone(zone: Zone) -> Mapping[str, Any]:
    return {"id": int(zone.id), "account_id": 1010, "name": zone.apex, "reverse": False, "active": True}


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    fields = {"name": name, "type": record.type, "content": record.value, "ttl": record.ttl}
    return {"id": int(record.id), "zone_id": zone.apex, **fields, "priority": None}
