"""Tencent Cloud's API for DNSPod of 2021-03-23, as far as TXT records go
(https://cloud.tencent.com/document/api/1427/56193, and the models and error codes of its SDK)."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route

CODES = {
    401: "AuthFailure.SignatureFailure",
    403: "UnauthorizedOperation",
    404: "InvalidParameterValue.DomainNotExists",
    429: "RequestLimitExceeded",
    500: "InternalError",
    502: "InternalError",
    503: "RequestLimitExceeded",
}
NO_DOMAIN = "InvalidParameterValue.DomainNotExists: 当前域名有误"
LIST = {"Domain": str, "Subdomain": optional(str), "RecordType": optional(str), "Limit": optional(int)}
RECORD = {
    "Domain": str,
    "SubDomain": optional(str),
    "RecordType": str,
    "RecordLine": str,
    "RecordLineId": optional(str),
    "Value": str,
    "TTL": optional(int),
}
LINES = {"默认": "0", "境外": "3=0"}  # by their names, and the ids, which count where both are said
WHO = re.compile(r"TC3-HMAC-SHA256 Credential=([^/]+)/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)")


class TencentCloud(Fake):
    """One address, an action in a header, and 200 for everything. An action is routed here as if it were
    a method: ``CALL /CreateRecord/example.com``. ``names`` has the domains that are called otherwise than
    by their A-labels.
    """

    hosts = ("dnspod.tencentcloudapi.com",)
    id = "AKID-0f-the-test"

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.names: dict[str, str] = {}
        self.session_token = ""

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        action, body = headers.get("x-tc-action", ""), request.body
        if request.method != "POST" or request.path != "/" or not isinstance(body, dict):
            return Answer(404, b""), None
        path = f"/{action}/{body.get('Domain', '')}".rstrip("/")
        answer, fault = super().respond(request._replace(method="CALL", path=path, headers=headers))
        return answer._replace(status=200), fault

    def admit(self, request: Request) -> None:
        headers = request.headers
        found = WHO.fullmatch(headers.get("authorization", ""))
        if not found or found[1] != self.id:
            raise Refusal(400, "AuthFailure.SecretIdNotFound: The SecretId is not found.")
        if headers.get("x-tc-token", "") != self.session_token:
            raise Refusal(400, "AuthFailure.TokenFailure: The token is invalid.")
        stamp, names = headers["x-tc-timestamp"], found[3].split(";")
        if abs(int(stamp) - time.time()) > 300:
            raise Refusal(400, "AuthFailure.SignatureExpire: The timestamp is too far from the server's.")
        if headers.get("x-tc-version") != "2021-03-23":
            raise Refusal(400, "NoSuchVersion: There is no such version.")
        if not {"content-type", "host"} <= set(names):
            raise Refusal(400, "AuthFailure.InvalidAuthorization: content-type and host have to be signed.")
        lines = "".join(f"{name}:{headers[name].lower()}\n" for name in names)
        if found[4] not in {self._signed(body, stamp, lines, found[3]) for body in _bodies(request)}:
            raise Refusal(400, "AuthFailure.SignatureFailure: The signature does not match.")

    def error(self, refusal: Refusal) -> Any:
        code, colon, message = refusal.message.partition(": ")
        if not colon:
            code, message = CODES.get(refusal.status, "InvalidParameter"), refusal.message
        return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "a-request"}}

    @route(
        "CALL",
        "/DescribeDomainList",
        fields={"Offset": optional(int), "Limit": optional(int)},
        writes=False,
    )
    def list_domains(self, request: Request) -> Answer:
        body = request.body
        # Three thousand in truth, which would take the tests a while.
        size, start = min(body.get("Limit", 3000), 100), 0 if self.repeats else body.get("Offset", 0)
        found = list(self.zones.values())
        if not found:
            raise Refusal(400, "ResourceNotFound.NoDataOfDomain: 域名列表为空。")
        count = {"DomainTotal": len(found) * (2 if self.repeats else 1)}
        shown = [{**self._domain(zone), "Name": self._name(zone)} for zone in found[start : start + size]]
        return _answer(DomainCountInfo=count, DomainList=shown)

    @route("CALL", "/DescribeDomain/{domain}", fields={"Domain": str}, writes=False)
    def domain(self, request: Request, domain: str) -> Answer:
        if "." not in domain:
            raise Refusal(400, "InvalidParameter.DomainInvalid: 域名不正确")
        zone = self.zone(domain)
        servers = {"DnspodNsList": [*self.name_servers], "ActualNsList": ["ns1.parking.example"]}
        return _answer(DomainInfo={**self._domain(zone), "Domain": self._name(zone), **servers})

    @route("CALL", "/DescribeRecordList/{domain}", fields=LIST, writes=False)
    def list_records(self, request: Request, domain: str) -> Answer:
        zone, host = self.zone(domain), request.body.get("Subdomain")
        found = [_shown(zone, record) for record in zone.records]
        found = [each for each in found if host in (None, each["Name"])][: request.body.get("Limit", 100)]
        if not found:
            raise Refusal(400, "ResourceNotFound.NoDataOfRecord: 记录列表为空。")
        return _answer(RecordCountInfo={"TotalCount": len(found)}, RecordList=found)

    @route("CALL", "/CreateRecord/{domain}", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        host, ttl = body.get("SubDomain", "@"), body.get("TTL", 600)
        name = zone.apex if host == "@" else f"{host}.{zone.apex}"
        if body.get("RecordLineId", "0") != "0" or (
            "RecordLineId" not in body and body["RecordLine"] != "默认"
        ):
            raise Refusal(400, "InvalidParameter.RecordLineInvalid: 记录线路不正确")
        if ttl < 600:
            raise Refusal(400, "LimitExceeded.RecordTtlLimit: 记录的TTL值超出了限制")
        if any(record.value == body["Value"] for record in zone.texts(name)):
            raise Refusal(400, "InvalidParameter.DomainRecordExist: 记录已经存在")
        record = self.add(zone, name, body["Value"], ttl, body["RecordType"])
        return _answer(RecordId=int(record.id))

    @route("CALL", "/DeleteRecord/{domain}", fields={"Domain": str, "RecordId": int})
    def delete(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == str(request.body["RecordId"]) for record in zone.records):
            raise Refusal(400, "InvalidParameter.RecordIdInvalid: 记录编号错误。")
        zone.records[:] = [each for each in zone.records if each.id != str(request.body["RecordId"])]
        return _answer()

    def zone(self, key: str) -> Zone:
        for zone in self.zones.values():
            if key == self._name(zone):
                return zone
        raise Refusal(400, NO_DOMAIN)

    def _name(self, zone: Zone) -> str:
        return self.names.get(zone.apex, zone.apex)

    def _domain(self, zone: Zone) -> Mapping[str, Any]:
        return {"DomainId": int(zone.id), "Punycode": zone.apex, "Status": "ENABLE", "Grade": "DP_FREE"}

    def _signed(self, body: bytes, stamp: str, lines: str, names: str) -> str:
        asked = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        day = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
        scope = f"{day}/dnspod/tc3_request"
        text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
        key = hmac.new(b"TC3" + self.token.encode(), day.encode(), sha256).digest()
        key = hmac.new(key, b"dnspod", sha256).digest()
        key = hmac.new(key, b"tc3_request", sha256).digest()
        return hmac.new(key, text.encode(), sha256).hexdigest()


def _bodies(request: Request) -> Sequence[bytes]:
    """The body as it may have been sent: of the two ways to write JSON, either."""
    return [json.dumps(request.body, separators=ways).encode() for ways in ((", ", ": "), (",", ":"))]


def _answer(**fields: Any) -> Answer:
    return Answer(200, {"Response": {**fields, "RequestId": "a-request"}})


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    host = record.name.removesuffix(zone.apex).rstrip(".") or "@"
    what = {"Name": host, "Type": record.type, "Value": record.value, "TTL": record.ttl}
    return {"RecordId": int(record.id), **what, "Line": "默认", "LineId": "0", "Status": "ENABLE"}
