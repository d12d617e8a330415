"""INWX's DomRobot, as far as TXT records go (https://www.inwx.com/en/help/apidoc)."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, optional, route

USER = "me"
CODES = {400: 2005, 401: 2200, 403: 2201, 404: 2303, 409: 2302, 429: 2502}
DONE = {"code": 1000, "msg": "Command completed successfully"}
LIST = {"domain": optional(str), "page": optional(int), "pagelimit": optional(int)}
INFO = {"domain": str, "name": optional(str), "type": optional(str), "content": optional(str)}
RECORD = {"domain": str, "name": str, "type": str, "content": str, "ttl": optional(int)}


class Inwx(Fake):
    """It takes JSON-RPC and XML-RPC, and 200 is the answer to all of it. A call is routed here with its
    domain: ``CALL /nameserver.info/example.com``; logins are in ``logins`` instead of ``requests``.

    ``tans``: those that unlock, each of them once; None, if there is no second factor. ``copies`` has
    the zones that are copied from elsewhere.
    """

    prefix = "/jsonrpc"
    hosts = ("api.domrobot.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.tans: set[str] | None = None
        self.copies: set[str] = set()
        self.logins: list[Mapping[str, Any]] = []
        self._sessions: dict[str, bool] = {}  # by their cookies: whether they are unlocked
        self._numbers = count()

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        speaks_xml = request.path == "/xmlrpc/"
        if speaks_xml:
            (params,), method = xmlrpc.client.loads(request.body)
        else:
            method, params = request.body["method"], request.body["params"]
        params.pop("lang", None)
        if method.startswith("account."):
            self.logins.append({"method": method, **params})
            answer, fault = self._account(method, params, request), None
        else:
            path = "/".join(filter(None, (f"/{method}", params.get("domain"))))
            call = request._replace(method="CALL", path=path, body=params, query={})
            answer, fault = super().respond(call)
        if answer.status == 200 and "code" not in answer.body:
            answer = answer._replace(body={**DONE, "resData": answer.body})
        answer = answer._replace(status=200 if answer.status in CODES else answer.status)
        if speaks_xml:
            answer = answer._replace(
                body=xmlrpc.client.dumps((answer.body,), methodresponse=True, allow_none=True).encode(),
                headers={**answer.headers, "Content-Type": "text/xml"},
            )
        return answer, fault

    def end_sessions(self) -> None:
        self._sessions.clear()

    def _account(self, method: str, params: Mapping[str, Any], request: Request) -> Answer:
        if method == "account.login":
            if (params["user"], params["pass"]) != (USER, self.token):
                return self._refuse(request, Refusal(401, "Invalid user or password"))
            cookie = f"session-{next(self._numbers)}"
            self._sessions[cookie] = self.tans is None
            factor = "0" if self.tans is None else "GOOGLE-AUTH"
            return Answer(200, {"customerId": 1, "tfa": factor}, {"Set-Cookie": f"domrobot={cookie}; path=/"})
        if method == "account.unlock":
            if params["tan"] not in (self.tans or ()):
                return self._refuse(request, Refusal(401, "The confirmation code is invalid."))
            self.tans = (self.tans or set()) - {params["tan"]}
            self._sessions[_cookie(request)] = True
        return Answer(200, dict(DONE))

    def admit(self, request: Request) -> None:
        if not self._sessions.get(_cookie(request)):
            raise Refusal(401, "You need to unlock your account with your mobile TAN.")

    def error(self, refusal: Refusal) -> Any:
        code = refusal.code or CODES.get(refusal.status, 2400)
        return {"code": code, "msg": "Command failed", "reason": refusal.message, "reasonCode": "X"}

    @route("CALL", "/nameserver.list", fields=LIST, writes=False)
    def list_zones(self, request: Request) -> Answer:
        asked, size = request.body.get("page", 1), request.body.get("pagelimit", 20)
        shown, _, pages = self.page(list(self.zones), asked, size)
        domains = [
            {"roId": int(self.zones[apex].id), "domain": apex, "type": self._type(apex)} for apex in shown
        ]
        return Answer(200, {"count": size * pages if self.repeats else len(self.zones), "domains": domains})

    @route("CALL", "/nameserver.info/{domain}", fields=INFO, writes=False)
    def info(self, request: Request, domain: str) -> Answer:
        wanted = {key: text for key, text in request.body.items() if key != "domain"}
        shown = [_shown(record) for record in self.with_ns(self.zone(domain))]
        found = [each for each in shown if {**each, **wanted} == each]
        about = {"domain": domain, "type": self._type(domain), "count": len(found)}
        return Answer(200, {**about, **({"record": found} if found else {})})

    @route("CALL", "/nameserver.createRecord/{domain}", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        if body.get("ttl", 3600) < 300:
            raise Refusal(400, "ttl: 300 at least")
        if any(record.value == body["content"] for record in zone.texts(body["name"])):
            raise Refusal(409, "Object exists")
        record = self.add(zone, body["name"], body["content"], body.get("ttl", 3600), body["type"])
        return Answer(200, {"id": int(record.id)})

    @route("CALL", "/nameserver.deleteRecord", fields={"id": int})
    def delete(self, request: Request) -> Answer:
        for zone in self.zones.values():
            for record in zone.records:
                if record.id == str(request.body["id"]):
                    zone.records.remove(record)
                    return Answer(200, dict(DONE))
        raise Refusal(404, "Object does not exist")

    def _type(self, apex: str) -> str:
        return "SLAVE" if apex in self.copies else "MASTER"


def _cookie(request: Request) -> str:
    headers = {name.lower(): text for name, text in request.headers.items()}
    return headers.get("cookie", "").removeprefix("domrobot=")


def _shown(record: Record) -> Mapping[str, Any]:
    about = {"id": int(record.id), "name": record.name, "type": record.type, "content": record.value}
    return {**about, "ttl": record.ttl, "prio": 0}
