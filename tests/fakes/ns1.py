"""NS1's API v1, as far as TXT RRsets go (https://developer.ibm.com/apis/catalog/ns1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

PAGE = 2500  # zones
WHOSE = {"zone": str, "domain": str, "type": str}
RECORD = {"ttl": optional(int), "filters": optional(list), "answers": list}
CHANGE = {**dict.fromkeys((*WHOSE, "name"), optional(str)), **RECORD}


class Ns1(Fake):
    """A PUT creates and a POST changes, each but for the other's case; of a POST, what it does not say
    stays. An answer may have more than its text (``extras``, by the records' ids). Those in ``copies``
    are copied from elsewhere."""

    prefix = "/v1"
    hosts = ("api.nsone.net",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.copies: set[str] = set()
        self.extras: dict[str, Mapping[str, Any]] = {}

    def admit(self, request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-nsone-key") != self.token:
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {"message": refusal.message}

    @route("GET", "/zones", query=["after"])
    def list_zones(self, request: Request) -> Answer:
        apexes = sorted(self.zones)
        if not self.repeats:
            apexes = [apex for apex in apexes if apex > request.query.get("after", "")]
        return Answer(200, [self._zone(self.zones[apex]) for apex in apexes[:PAGE]])

    @route("GET", "/zones/{zone}", query=["records"])
    def show_zone(self, request: Request, zone: str) -> Answer:
        return Answer(200, self._zone(self.zone(zone)))

    @route("GET", "/zones/{zone}/{name}/TXT")
    def read(self, request: Request, zone: str, name: str) -> Answer:
        return Answer(200, self._shown(self._there(zone, name)))

    @route("PUT", "/zones/{zone}/{name}/TXT", fields={**WHOSE, **RECORD})
    def create(self, request: Request, zone: str, name: str) -> Answer:
        holder, body = self.zone(zone), request.body
        if holder.texts(name):
            raise Refusal(400, "record already exists")
        if (body.get("zone"), body.get("domain"), body.get("type")) != (holder.apex, name, "TXT"):
            raise Refusal(400, "zone, domain and type have to be those of the record")
        self._have(holder, name, body["answers"], body.get("ttl", 3600))
        return Answer(200, self._shown(holder.texts(name)))

    @route("POST", "/zones/{zone}/{name}/TXT", fields=CHANGE)
    def change(self, request: Request, zone: str, name: str) -> Answer:
        there, body = self._there(zone, name), request.body
        holder = self.zone(zone)
        ttl = body.get("ttl", there[0].ttl)
        holder.records[:] = [record for record in holder.records if record not in there]
        self._have(holder, name, body["answers"], ttl)
        return Answer(200, self._shown(holder.texts(name)))

    @route("DELETE", "/zones/{zone}/{name}/TXT")
    def delete(self, request: Request, zone: str, name: str) -> Answer:
        there, holder = self._there(zone, name), self.zone(zone)
        holder.records[:] = [record for record in holder.records if record not in there]
        return Answer(200, {})

    def _have(self, zone: Zone, name: str, answers: Sequence[Mapping[str, Any]], ttl: int) -> None:
        texts = ["".join(answer["answer"]) for answer in answers]
        if not texts or len(set(texts)) < len(texts):
            raise Refusal(400, "answers: at least one, and no duplicates")
        for text, answer in zip(texts, answers, strict=True):
            record = self.add(zone, name, text, ttl)
            self.extras[record.id] = {key: more for key, more in answer.items() if key != "answer"}

    def _there(self, zone: str, name: str) -> Sequence[Record]:
        there = self.zone(zone).texts(name)
        if not there:
            raise Refusal(404, "record not found")
        return there

    def _answer_of(self, record: Record) -> Mapping[str, Any]:
        return {"answer": [record.value], **self.extras.get(record.id, {"id": f"answer-{record.id}"})}

    def _shown(self, records: Sequence[Record]) -> Mapping[str, Any]:
        about = {"domain": records[0].name, "type": "TXT", "ttl": records[0].ttl, "tier": 1}
        return {**about, "filters": [], "answers": [self._answer_of(record) for record in records]}

    def _zone(self, zone: Zone) -> Mapping[str, Any]:
        secondary = {"enabled": True, "primary_ip": "192.0.2.1"} if zone.apex in self.copies else None
        about = {"id": zone.id, "zone": zone.apex, "name": zone.apex, "ttl": 3600, "secondary": secondary}
        return {**about, "dns_servers": [*self.name_servers]}
