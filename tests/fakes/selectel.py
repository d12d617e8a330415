"""Selectel's DNS API v2 and its Keystone, as far as TXT RRsets go
(https://developers.selectel.com/docs/cloud-services/dns_api/dns_api_actual/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import idna

from . import Answer, Fault, Record, Refusal, Request, Zone, optional, route
from .oauth import TokenFake
from .texts import quoted, unquoted

USER, ACCOUNT, PROJECT = "a-service-user", "123456", "0b5a1d0e3f"
PATH = "/identity/v3/auth/tokens"
CHANGE = {"ttl": int, "records": list, "comment": optional(str)}
WHICH = {"name": str, "type": str}
PAGED = ("limit", "offset")
RECORD = {"content", "disabled"}


class Selectel(TokenFake):
    """Names are in U-labels, with a dot at the end, and TXT records are quoted. A token is in a header
    of Keystone's answer. ``disabled`` has the records' ids that are switched off, ``comments`` those of
    RRsets, by name."""

    prefix = "/domains/v2"
    hosts = ("api.selectel.ru", "cloud.api.selcloud.ru")
    knows_u_labels = True

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.disabled: set[str] = set()
        self.comments: dict[str, str] = {}

    def issue(self, request: Request) -> Any:
        if (request.method, request.path) != ("POST", PATH):
            return None
        user = {"name": USER, "domain": {"name": ACCOUNT}, "password": self.token}
        identity = {"methods": ["password"], "password": {"user": user}}
        if request.body != {"auth": {"identity": identity, "scope": {"project": {"id": PROJECT}}}}:
            raise Refusal(401, "The request you have made requires authentication.")
        return {"token": {"methods": ["password"], **self.new_token()}}

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        answer, fault = super().respond(request)
        if answer.status == 200 and isinstance(answer.body, dict) and "token" in answer.body:
            token = answer.body["token"]
            header = {"X-Subject-Token": token.pop("access_token")}
            return Answer(201, {"token": {"expires_at": "2027-01-01T00:00:00.000000Z"}}, header), fault
        return answer, fault

    def _refused(self, request: Request, refusal: Refusal) -> Answer:
        self.refusals.append((request, refusal.status, refusal.message))
        return Answer(refusal.status, {"error": {"code": refusal.status, "message": refusal.message}})

    def admit(self, request: Request) -> None:
        token = request.headers.get("X-Auth-Token", "")
        super().admit(request._replace(headers={"Authorization": f"Bearer {token}"}))

    def error(self, refusal: Refusal) -> Any:
        return {"error": "an_error", "code": refusal.status, "description": refusal.message}

    @route("GET", "/zones", query=[*PAGED, "filter"])
    def list_zones(self, request: Request) -> Answer:
        return self._page(
            request, [{"id": zone.id, "name": _shown(zone.apex)} for zone in self.zones.values()]
        )

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        holder = self.zone(zone)
        return Answer(200, {"id": holder.id, "name": _shown(holder.apex)})

    @route("GET", "/zones/{zone}/rrset", query=[*PAGED, "name", "rrset_types"])
    def list_rrsets(self, request: Request, zone: str) -> Answer:
        """The filter is a part of the name."""
        holder, part = self.zone(zone), request.query.get("name", "")
        names = dict.fromkeys(record.name for record in holder.records if record.type == "TXT")
        return self._page(
            request, [self._rrset(holder.texts(name)) for name in names if part in _shown(name)]
        )

    @route("POST", "/zones/{zone}/rrset", fields={**WHICH, **CHANGE})
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self.zone(zone), request.body
        if not body["name"].endswith(".") or "xn--" in body["name"] or body["type"] != "TXT":
            raise Refusal(400, "name: in U-labels, with a dot at its end; type: TXT")
        labels = body["name"].rstrip(".").split(".")
        name = ".".join(label if label.isascii() else idna.encode(label).decode() for label in labels)
        if holder.texts(name):
            raise Refusal(409, "This RRSet is already exists.")
        self._have(holder, name, body)
        return Answer(200, self._rrset(holder.texts(name)))

    @route("PATCH", "/zones/{zone}/rrset/{id}", fields=CHANGE)
    def change(self, request: Request, zone: str, id: str) -> Answer:
        holder, there = self.zone(zone), self._there(zone, id)
        holder.records[:] = [record for record in holder.records if record not in there]
        self._have(holder, there[0].name, request.body)
        return Answer(204)

    @route("DELETE", "/zones/{zone}/rrset/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder, there = self.zone(zone), self._there(zone, id)
        holder.records[:] = [record for record in holder.records if record not in there]
        return Answer(204)

    def _have(self, zone: Zone, name: str, body: Mapping[str, Any]) -> None:
        contents = [record["content"] for record in body["records"]]
        if any(set(record) - RECORD for record in body["records"]) or not 60 <= body["ttl"] <= 604800:
            raise Refusal(400, f"records: {sorted(RECORD)}; ttl: from 60 to 604800")
        if not contents or len(set(contents)) < len(contents) or not all(each[0] == '"' for each in contents):
            raise Refusal(400, "records: at least one, in quotes, and no duplicates")
        self.comments[name] = body.get("comment", "")
        for each in body["records"]:
            record = self.add(zone, name, unquoted(each["content"]), body["ttl"])
            self.disabled |= {record.id} if each.get("disabled") else set()

    def _there(self, zone: str, id: str) -> Sequence[Record]:
        there = self.zone(zone).texts(id.removeprefix("rrset-"))
        if not there:
            raise Refusal(404, "rrset not found")
        return there

    def _rrset(self, records: Sequence[Record]) -> Mapping[str, Any]:
        shown = [{"content": quoted(each.value), "disabled": each.id in self.disabled} for each in records]
        about = {"id": f"rrset-{records[0].name}", "type": "TXT", "ttl": records[0].ttl, "records": shown}
        return {**about, "name": _shown(records[0].name), "comment": self.comments.get(records[0].name, "")}

    def _page(self, request: Request, items: Sequence[Any]) -> Answer:
        limit, offset = int(request.query.get("limit", 100)), int(request.query.get("offset", 0))
        offset = 0 if self.repeats else offset
        following = offset + limit if self.repeats or offset + limit < len(items) else 0
        shown = items[offset : offset + limit]
        return Answer(200, {"count": len(items), "next_offset": following, "result": shown})


def _shown(name: str) -> str:
    labels = (idna.decode(label) if label.startswith("xn--") else label for label in name.split("."))
    return ".".join(labels) + "."
