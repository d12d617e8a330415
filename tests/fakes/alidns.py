"""Alibaba Cloud DNS's API of 2015-01-09, as far as TXT records go
(https://www.alibabacloud.com/help/en/dns/api-alidns-2015-01-09-overview, and the models of its SDK)."""

from __future__ import annotations

import hmac
import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any
from urllib.parse import quote, quote_plus

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, route

COMMON = (
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
)
PAGED = ("PageNumber", "PageSize")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00)?Z")  # the one in brackets is dns-lexicon's
NO_DOMAIN = "InvalidDomainName.NoExist: The specified domain name does not exist."
CODES = {
    401: "InvalidAccessKeyId.Inactive",
    403: "Forbidden.RAM",
    429: "Throttling.User",
    500: "InternalError",
}


class AliDns(Fake):
    """An action is routed here as if it were a method: ``CALL /AddDomainRecord/example.com``. Everything
    that is wrong is 400, but for keys (404) and permissions (403). ``names`` has the domains that are
    called otherwise than by their A-labels. A record may belong to any of them.
    """

    hosts = ("alidns.aliyuncs.com",)
    key = "LTAI-0f-the-test"

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.names: dict[str, str] = {}
        self.nonces: set[str] = set()
        self.security_token = ""

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        action, domain = request.query.get("Action", ""), request.query.get("DomainName", "")
        if request.method not in ("GET", "POST") or request.path != "/":
            return Answer(404, b""), None
        return super().respond(request._replace(method="CALL", path=f"/{action}/{domain}".rstrip("/")))

    def admit(self, request: Request) -> None:
        query = dict(request.query)
        given = query.pop("Signature", "")
        if query.get("AccessKeyId") != self.key:
            raise Refusal(404, "InvalidAccessKeyId.NotFound: Specified access key is not found.")
        if query.get("SecurityToken", "") != self.security_token:
            raise Refusal(400, "InvalidSecurityToken.Malformed: The specified SecurityToken is malformed.")
        if not STAMP.fullmatch(query.get("Timestamp", "")):
            raise Refusal(400, "InvalidTimeStamp.Format: The timestamp is not as it should be.")
        there = time.strptime(query["Timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
        if abs(time.mktime(there) - time.mktime(time.gmtime())) > 900:
            raise Refusal(400, "InvalidTimeStamp.Expired: Specified time stamp or date value is expired.")
        if query["SignatureNonce"] in self.nonces:
            raise Refusal(400, "SignatureNonceUsed: Specified signature nonce was used already.")
        self.nonces.add(query["SignatureNonce"])
        if given not in {_signed(method, query, self.token) for method in ("GET", "POST")}:
            raise Refusal(400, "SignatureDoesNotMatch: The request signature does not match.")

    def error(self, refusal: Refusal) -> Any:
        code, colon, message = refusal.message.partition(": ")
        if not colon:
            code, message = CODES.get(refusal.status, "InvalidParameter"), refusal.message
        return {"RequestId": "a-request", "HostId": self.hosts[0], "Code": code, "Message": message}

    @route("CALL", "/DescribeDomains", query=(*COMMON, *PAGED), writes=False)
    def list_domains(self, request: Request) -> Answer:
        return self._list(request, "Domains", "Domain", list(map(self._domain, self.zones.values())))

    @route("CALL", "/DescribeDomainInfo/{domain}", query=(*COMMON, "DomainName"), writes=False)
    def domain(self, request: Request, domain: str) -> Answer:
        if "." not in domain:
            raise Refusal(400, "InvalidDomainName.Format: Invalid domain name.")
        return Answer(200, self._domain(self.zone(domain)))

    @route(
        "CALL",
        "/DescribeSubDomainRecords/{domain}",
        query=(*COMMON, *PAGED, "DomainName", "SubDomain", "Type"),
        writes=False,
    )
    def list_records(self, request: Request, domain: str) -> Answer:
        zone, name = self.zone(domain), request.query["SubDomain"]
        if not name.endswith(f".{domain}"):
            raise Refusal(400, "InvalidSubDomain: The subdomain is not one of the domain.")
        host = name.removesuffix(f".{domain}")
        found = zone.texts(zone.apex if host == "@" else f"{host}.{zone.apex}")
        return self._list(request, "DomainRecords", "Record", [_shown(domain, zone, each) for each in found])

    @route(
        "CALL",
        "/DescribeDomainRecords/{domain}",
        query=(*COMMON, "DomainName", "RRKeyWord", "TypeKeyWord", "ValueKeyWord"),
        writes=False,
    )
    def search_records(self, request: Request, domain: str) -> Answer:
        """As dns-lexicon asks: what has the words in it."""
        zone = self.zone(domain)
        found = [_shown(domain, zone, record) for record in zone.records]
        for field in ("RR", "Type", "Value"):
            found = [each for each in found if request.query.get(f"{field}KeyWord", "") in each[field]]
        return self._list(request, "DomainRecords", "Record", found)

    @route(
        "CALL",
        "/AddDomainRecord/{domain}",
        query=(*COMMON, "DomainName", "RR", "Type", "Value", "TTL"),
        writes=True,
    )
    def create(self, request: Request, domain: str) -> Answer:
        zone, query = self.zone(domain), request.query
        name = zone.apex if query["RR"] == "@" else f"{query['RR']}.{zone.apex}"
        if int(query.get("TTL", 600)) < 600:
            raise Refusal(400, "InvalidTTL: The TTL is below what the edition has.")
        if any(record.value == query["Value"] for record in zone.texts(name)):
            raise Refusal(400, "DomainRecordDuplicate: The DNS record already exists.")
        record = self.add(zone, name, query["Value"], int(query.get("TTL", 600)), query["Type"])
        return Answer(200, {"RequestId": "a-request", "RecordId": record.id})

    @route("CALL", "/DeleteDomainRecord", query=(*COMMON, "RecordId"), writes=True)
    def delete(self, request: Request) -> Answer:
        for zone in self.zones.values():
            for record in zone.records:
                if record.id == request.query["RecordId"]:
                    zone.records.remove(record)
                    return Answer(200, {"RequestId": "a-request", "RecordId": record.id})
        raise Refusal(400, "DomainRecordNotBelongToUser: The DNS record does not belong to you.")

    @route("CALL", "/DeleteDomainRecord/{domain}", query=(*COMMON, "RecordId", "DomainName"), writes=True)
    def delete_there(self, request: Request, domain: str) -> Answer:
        """As dns-lexicon asks: a domain's name is not needed."""
        return self.delete(request)

    def zone(self, key: str) -> Zone:
        for zone in self.zones.values():
            if key in (zone.apex, self.names.get(zone.apex)):
                return zone
        raise Refusal(400, NO_DOMAIN)

    def _domain(self, zone: Zone) -> Mapping[str, Any]:
        return {
            "DomainId": zone.id,
            "DomainName": self.names.get(zone.apex, zone.apex),
            "PunyCode": zone.apex,
            "DnsServers": {"DnsServer": [*self.name_servers]},
        }

    def _list(self, request: Request, key: str, item: str, items: Sequence[Any]) -> Answer:
        size = int(request.query.get("PageSize", 20))
        if not 1 <= size <= 100:
            raise Refusal(400, "InvalidPageSize: It has to be between 1 and 100.")
        shown, number, _ = self.page(items, int(request.query.get("PageNumber", 1)), size)
        total = len(items) * (2 if self.repeats else 1)
        page = {"TotalCount": total, "PageNumber": number, "PageSize": size, key: {item: shown}}
        return Answer(200, {"RequestId": "a-request", **page})


def _shown(domain: str, zone: Zone, record: Record) -> dict[str, Any]:
    host = record.name.removesuffix(zone.apex).rstrip(".") or "@"
    what = {"RR": host, "Type": record.type, "Value": record.value, "TTL": record.ttl}
    return {"RecordId": record.id, "DomainName": domain, **what, "Line": "default", "Status": "ENABLE"}


def _signed(method: str, query: Mapping[str, str], secret: str) -> str:
    pairs = [f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items())]
    text = "&".join((method, quote_plus("/"), quote("&".join(pairs), safe="~")))
    return b64encode(hmac.new(f"{secret}&".encode(), text.encode(), sha1).digest()).decode()
