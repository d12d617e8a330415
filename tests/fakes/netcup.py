"""netcup's API of the customer control panel, as far as TXT records go
(https://ccp.netcup.net/run/webservice/servers/endpoint.php)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route

CUSTOMER, KEY = "12345", "4pi-k3y"
SESSION = "0f-this-s3ssion"
RECORD = {
    "id": optional(str),
    "hostname": str,
    "type": str,
    "destination": str,
    "priority": optional(str),
    "deleterecord": optional(bool),
    "state": optional(str),
    "ttl": optional(int),
}
CODES = {401: 4013, 400: 4013, 404: 5029}


class Netcup(Fake):
    """200 for everything, and an error's code in the body. An action is routed here as if it were a path:
    ``POST /infoDnsZone/example.com``. Records that are not said stay as they are. ``forgets``: how many
    requests to come find their session lost; ``errors``: how many there were."""

    prefix = "/run/webservice/servers/endpoint.php"
    hosts = ("ccp.netcup.net",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.forgets = 0
        self.errors = 0

    @property
    def url(self) -> str:
        return f"{super().url}?JSON"

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if (request.path, dict(request.query)) != (self.prefix, {"JSON": ""}):
            return Answer(404, b"<html>"), None
        action, parameters = request.body["action"], dict(request.body["param"])
        names = ("customernumber", "apikey", "apipassword", "apisessionid")
        who = {name: str(parameters.pop(name, "")) for name in names}
        domain = parameters.pop("domainname", None)
        path = f"/{action}" + (f"/{domain}" if domain else "")
        routed = request._replace(path=path, query={}, headers=who, body=parameters or None)
        answer, fault = super().respond(routed)
        if answer.status in CODES and not fault:
            self.errors += 1
            answer = answer._replace(status=200, body={**answer.body, "action": action})
        return answer, fault

    def admit(self, request: Request) -> None:
        who = request.headers
        if (who["customernumber"], who["apikey"]) != (CUSTOMER, KEY):
            raise Refusal(401, "The login to the API failed.")
        if request.path == "/login" and who["apipassword"] != self.token:
            raise Refusal(401, "The login to the API failed.")
        if request.path != "/login" and (self.forgets or who["apisessionid"] != SESSION):
            self.forgets -= bool(self.forgets)
            raise Refusal(400, "The session id is not in a valid format.", 4001)

    def error(self, refusal: Refusal) -> Any:
        code = refusal.code or CODES.get(refusal.status, 5000)
        told = {"shortmessage": "Error.", "longmessage": refusal.message, "responsedata": ""}
        return {"action": "", "status": "error", "statuscode": code, **told}

    @route("POST", "/login", writes=False)
    def login(self, request: Request) -> Answer:
        return _success("login", {"apisessionid": SESSION})

    @route("POST", "/logout", writes=False)
    def logout(self, request: Request) -> Answer:
        return _success("logout", "")

    @route("POST", "/infoDnsZone/{domain}", writes=False)
    def show_zone(self, request: Request, domain: str) -> Answer:
        zone = self._named(domain, 5029)
        return _success("infoDnsZone", {"name": zone.apex, "ttl": "86400", "dnssecstatus": False})

    @route("POST", "/infoDnsRecords/{domain}", writes=False)
    def list_records(self, request: Request, domain: str) -> Answer:
        return self._records("infoDnsRecords", self._named(domain, 5029))

    @route("POST", "/updateDnsRecords/{domain}", fields={"dnsrecordset": dict})
    def update(self, request: Request, domain: str) -> Answer:
        zone = self._named(domain, 5028)
        for record in request.body["dnsrecordset"]["dnsrecords"]:
            self._check(record)
            name = zone.apex if record["hostname"] == "@" else f"{record['hostname']}.{zone.apex}"
            there = {text.id: text for text in zone.texts(name)}
            if record.get("deleterecord"):
                if record.get("id") not in there or there[record["id"]].value != record["destination"]:
                    raise Refusal(400, "There is no such record.")
                zone.records.remove(there[record["id"]])
            elif record.get("id") in there:
                there[record["id"]].value = record["destination"]
            elif record["destination"] in {text.value for text in there.values()}:
                raise Refusal(400, "The record is there already.")
            else:
                self.add(zone, name, record["destination"], 86400)
        return self._records("updateDnsRecords", zone)

    def _check(self, record: Mapping[str, Any]) -> None:
        lacking = [name for name in ("hostname", "type", "destination") if not record.get(name)]
        if lacking or set(record) - set(RECORD) or record["type"] != "TXT":
            raise Refusal(400, f"Value in field {lacking} does not match requirements.")
        if set(record["destination"]) & set("\"'\\"):
            raise Refusal(400, "Please put no quotation marks around the value.")

    def _named(self, domain: str, code: int) -> Zone:
        if domain.startswith("_") or "." not in domain:
            raise Refusal(400, "Value in field domainname does not match requirements of type: domainname.")
        if domain not in self.zones:
            raise Refusal(404, f"The zone {domain} could not be found.", code)
        return self.zones[domain]

    def _records(self, action: str, zone: Zone) -> Answer:
        return _success(action, {"dnsrecords": [_shown(zone, record) for record in zone.records]})


def _success(action: str, data: Any) -> Answer:
    return Answer(200, {"action": action, "status": "success", "statuscode": 2000, "responsedata": data})


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    hostname = record.name.removesuffix(zone.apex).rstrip(".") or "@"
    fields = {"hostname": hostname, "type": record.type, "destination": record.value}
    return {"id": record.id, **fields, "priority": "0", "deleterecord": False, "state": "yes"}
