"""DNS Made Easy's API V2.0, as far as TXT records go (https://api-docs.dnsmadeeasy.com/)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

KEY = "1c1a3c91-4770-4ce7-96f4-54c0eb0e457a"
RECORD = {"type": str, "name": str, "value": str, "ttl": int, "gtdLocation": optional(str)}
LISTED = {**RECORD, "sourceId": optional(int), "source": optional(int), "id": optional(int)}
PAGE = 100
SKEW = 30  # seconds that a signature is good for, this way or that


class DnsMadeEasy(Fake):
    """A request is signed by its time. Pages count from 0, a value comes back quoted, the apex's name is
    empty. Each error is one of a list; over the limit is 400. ``ahead``: seconds, of its clock."""

    prefix = "/V2.0"
    hosts = ("api.dnsmadeeasy.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.ahead = 0.0

    def admit(self, request: Request) -> None:
        given = {name.lower(): value for name, value in request.headers.items()}
        moment = given.get("x-dnsme-requestdate", "")
        signed = hmac.new(self.token.encode(), moment.encode(), "sha1").hexdigest()
        if (given.get("x-dnsme-apikey"), given.get("x-dnsme-hmac")) != (KEY, signed):
            raise Refusal(403, "API key or signature is not valid")
        if abs(parsedate_to_datetime(moment).timestamp() - time.time() - self.ahead) > SKEW:
            raise Refusal(403, "Request sent with an invalid date")

    def error(self, refusal: Refusal) -> Any:
        return {"error": [refusal.message]}

    @route("GET", "/dns/managed", query=["page", "rows"])
    def list_domains(self, request: Request) -> Answer:
        return self._list([_zone(zone) for zone in self.zones.values()], request)

    @route("GET", "/dns/managed/name", query=["domainname"])
    def named(self, request: Request) -> Answer:
        apex = request.query["domainname"]
        if apex not in self.zones:
            raise Refusal(404, f"Cannot find domain: {apex}")
        return Answer(200, _zone(self.zones[apex]))

    @route("GET", "/dns/managed/{zone}")
    def show_domain(self, request: Request, zone: str) -> Answer:
        servers = [{"fqdn": host, "ipv4": "192.0.2.1", "ipv6": "2001:db8::1"} for host in self.name_servers]
        return Answer(200, {**_zone(self._by_id(zone)), "nameServers": servers})

    @route("GET", "/dns/managed/{zone}/records/?", query=["recordName", "type", "page", "rows"])
    def list_records(self, request: Request, zone: str) -> Answer:
        holder, query = self._by_id(zone), request.query
        shown = [_record(holder, record) for record in holder.records]
        wanted = {"name": query.get("recordName"), "type": query.get("type")}
        fitting = [each for each in shown if all(value in (None, each[key]) for key, value in wanted.items())]
        return self._list(fitting, request)

    @route("POST", "/dns/managed/{zone}/records/?", fields=LISTED)
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self._by_id(zone), request.body
        if body["type"] != "TXT" or body["ttl"] < 60:
            raise Refusal(400, "Record type or TTL is invalid")
        name = f"{body['name']}.{holder.apex}" if body["name"] else holder.apex
        value = unquoted(body["value"])
        if value in {record.value for record in holder.texts(name)}:
            raise Refusal(400, f"Record with this type (TXT), name ({name}), and value already exists.")
        return Answer(201, _record(holder, self.add(holder, name, value, body["ttl"])))

    @route("DELETE", "/dns/managed/{zone}/records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self._by_id(zone)
        if not any(record.id == id for record in holder.records):
            raise Refusal(404, f"Cannot find record {id}")
        holder.records[:] = [record for record in holder.records if record.id != id]
        return Answer(200)

    def _by_id(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        raise Refusal(404, f"Cannot find domain {id}")

    def _list(self, items: Sequence[Any], request: Request) -> Answer:
        shown, number, pages = self.page(items, int(request.query.get("page", 0)) + 1, PAGE)
        return Answer(
            200, {"data": shown, "page": number - 1, "totalPages": pages, "totalRecords": len(items)}
        )


def _zone(zone: Zone) -> Mapping[str, Any]:
    return {"id": int(zone.id), "name": zone.apex, "pendingActionId": 0, "gtdEnabled": False}


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    fields = {"name": name, "type": record.type, "value": quoted(record.value), "ttl": record.ttl}
    return {"id": int(record.id), **fields, "source": 1, "sourceId": int(zone.id), "gtdLocation": "DEFAULT"}
