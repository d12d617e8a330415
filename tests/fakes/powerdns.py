"""The API of PowerDNS's authoritative server, as far as TXT RRsets go.

What it refuses, and in which words, is what a real one says: test_powerdns_server.py asks both. That
one is Debian's, which has no EXTEND and PRUNE yet; they are here as its manual describes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import Answer, Fake, Refusal, Request, Zone, route
from .texts import STRINGS, quoted, unquoted

SERVER = "/api/v1/servers/localhost"


class PowerDNS(Fake):
    """Names are canonical, which is to say that they end with a dot."""

    hosts = ("pdns.example.net",)
    invalid = 422
    changetypes = ("REPLACE", "EXTEND", "PRUNE")

    def admit(self, request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-api-key") != self.token:
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {"error": refusal.message}

    def zone(self, key: str) -> Zone:
        """With or without its dot."""
        return super().zone(key.rstrip("."))

    @route("GET", "/api")
    def versions(self, request: Request) -> Answer:
        return Answer(200, [{"url": "/api/v1", "version": 1}])

    @route("GET", f"{SERVER}/zones", query=["zone"])
    def list_zones(self, request: Request) -> Answer:
        asked = _undotted(request.query.get("zone", "."))
        return Answer(200, [_zone(zone) for zone in self.zones.values() if asked in ("", zone.apex)])

    @route("GET", f"{SERVER}/zones/{{zone}}", query=["rrset_name", "rrset_type", "rrsets"])
    def read(self, request: Request, zone: str) -> Answer:
        holder = self.zone(zone)
        names = {record.name for record in holder.records}
        if asked := request.query.get("rrset_name"):
            names &= {_undotted(asked)}
        rrsets = [_rrset(holder, name) for name in sorted(names)]
        if not asked:
            rrsets += self._of_the_apex(holder)
        return Answer(200, {**_zone(holder), "edited_serial": 1, "rrsets": rrsets})

    @route("PATCH", f"{SERVER}/zones/{{zone}}", fields={"rrsets": list})
    def change(self, request: Request, zone: str) -> Answer:
        """All of it or nothing; of a name, one change."""
        holder = self.zone(zone)
        changed = [(each.get("name"), each.get("type")) for each in request.body["rrsets"]]
        if len(set(changed)) < len(changed):
            raise Refusal(422, "Duplicate RRset")
        before = list(holder.records)
        try:
            for rrset in request.body["rrsets"]:
                self._change(holder, rrset)
        except Refusal:
            holder.records[:] = before
            raise
        return Answer(204)

    @route("PUT", f"{SERVER}/zones/{{zone}}/notify")
    def notify(self, request: Request, zone: str) -> Answer:
        self.zone(zone)
        return Answer(200, {"result": "Notification queued"})

    def _of_the_apex(self, zone: Zone) -> Iterator[Mapping[str, Any]]:
        primary = next(iter(self.name_servers), "ns1.example")
        soa = [f"{primary}. hostmaster.{zone.apex}. 1 10800 3600 604800 3600"]
        for type, contents in (("NS", [f"{host}." for host in self.name_servers]), ("SOA", soa)):
            records = [{"content": content, "disabled": False} for content in contents]
            yield {"name": f"{zone.apex}.", "type": type, "ttl": 3600, "records": records, "comments": []}

    def _change(self, zone: Zone, rrset: Mapping[str, Any]) -> None:
        name = _undotted(rrset["name"])
        if not isinstance(rrset.get("changetype"), str):
            raise Refusal(422, "Key 'changetype' not present or not a String")
        if not f".{name}".endswith(f".{zone.apex}"):
            raise Refusal(422, f"RRset {name}. IN TXT: Name is out of zone")
        changetype = rrset["changetype"].upper()
        if changetype == "DELETE":
            self._replace(zone, name, {**rrset, "records": [], "ttl": 0})
        elif changetype not in self.changetypes:
            raise Refusal(422, "Changetype not understood")
        elif changetype == "REPLACE":
            self._replace(zone, name, rrset)
        elif len(rrset["records"]) != 1:
            raise Refusal(422, f"{changetype} takes exactly one record")
        else:
            given = rrset["records"][0]["content"]
            rest = [quoted(each.value) for each in zone.texts(name) if quoted(each.value) != given]
            values = [*rest, given] if changetype == "EXTEND" else rest
            self._replace(zone, name, {**rrset, "records": [{"content": value} for value in values]})

    def _replace(self, zone: Zone, name: str, rrset: Mapping[str, Any]) -> None:
        if "records" not in rrset:
            raise Refusal(422, f"No change for RRset {name}. IN TXT")
        if not isinstance(rrset.get("ttl"), int):
            raise Refusal(422, "Key 'ttl' not an Integer or not present")
        contents = [record["content"] for record in rrset["records"]]
        for content in contents:
            if not STRINGS.fullmatch(content):
                told = f"Record {name}./TXT '{content}': Not in expected format (parsed as '\"{content}\"')"
                raise Refusal(422, told)
            if contents.count(content) > 1:
                raise Refusal(422, f'Duplicate record in RRset {name}. IN TXT with content "{content}"')
        old = zone.texts(name)
        zone.records[:] = [record for record in zone.records if record not in old]
        for content in contents:
            self.add(zone, name, unquoted(content), rrset["ttl"])


class OldPowerDNS(PowerDNS):
    """Before 4.9.12 and 5.0.2."""

    changetypes = ("REPLACE",)


def _undotted(name: str) -> str:
    if not name.endswith("."):
        raise Refusal(422, f"DNS Name '{name}' is not canonical")
    return name[:-1].lower()


def _zone(zone: Zone) -> Mapping[str, Any]:
    name = f"{zone.apex}."
    return {
        "id": name,
        "name": name,
        "kind": "Native",
        "url": f"{SERVER}/zones/{name}",
        "serial": 1,
        "soa_edit": "",
        "soa_edit_api": "",
    }


def _rrset(zone: Zone, name: str) -> Mapping[str, Any]:
    texts = zone.texts(name)
    records = [{"content": quoted(record.value), "disabled": False} for record in texts]
    return {"name": f"{name}.", "type": "TXT", "ttl": texts[0].ttl, "records": records, "comments": []}
