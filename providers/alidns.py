"""Alibaba Cloud DNS, record by record, with requests that are signed.

Longer than most: nearly every error is 400, so that codes have to say what HTTP would.

Unverified: the code for a record that is gone, of which two are taken for it, and that another clock than
Alibaba's is ``InvalidTimeStamp``.
"""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha1
from typing import Any, ClassVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import NotFound, Refused, Rest, base_url, listed

# What a code begins with, and the status that it would be, were HTTP's used for more than 400.
MEANT = {
    "Throttling": 429,
    "LastOperationNotFinished": 429,
    "InvalidDomainName.": 404,
    "InvalidRecordId": 404,
    "DomainRecordNotBelongToUser": 404,
    "InvalidAccessKeyId": 401,
    "InvalidSecurityToken": 401,
    "InvalidTimeStamp": 401,
    "SignatureDoesNotMatch": 401,
    "IncompleteSignature": 401,
    "Forbidden": 403,
    "NoPermission": 403,
    "IncorrectDomainUser": 403,
}


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an access key, or with a temporary one and its security token."""

    title = "Alibaba Cloud DNS"
    docs = "https://www.alibabacloud.com/help/en/dns/api-alidns-2015-01-09-overview"
    permission = (
        "a RAM user whose policy has alidns:DescribeDomains, DescribeDomainInfo, DescribeSubDomainRecords,"
        " AddDomainRecord and DeleteDomainRecord"
        " (not the first two where the domain's name is configured as its id)"
    )
    options = (
        Option(
            "access_key",
            ("ALICLOUD_ACCESS_KEY", "Ali_Key", "LEXICON_ALIYUN_AUTH_KEY_ID"),
            "id of the access key",
            required=True,
        ),
        Option(
            "secret_key",
            ("ALICLOUD_SECRET_KEY", "Ali_Secret", "LEXICON_ALIYUN_AUTH_SECRET"),
            "its secret",
            required=True,
            secret=True,
        ),
        Option("security_token", ("ALICLOUD_SECURITY_TOKEN",), "of a temporary access key", secret=True),
        base_url("ALICLOUD_BASE_URL", "https://alidns.aliyuncs.com"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"forbidden\.ram": (
            "attach a policy with those actions (or AliyunDNSFullAccess) to the RAM user of"
            " ALICLOUD_ACCESS_KEY"
        ),
    }
    least_ttl = 600  # that a domain without a paid edition has
    clock: Callable[[], float] = staticmethod(time.time)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are in the query

    def status_of(self, status: int, body: Any) -> int:
        """The status by the beginning of the error's code: HTTP's own status is 400 for most."""
        return next((meant for start, meant in MEANT.items() if _code(body).startswith(start)), status)

    def words(self, body: Any) -> str:
        return f"{body['Code']}: {body['Message']}"

    def get(self, *path: str, **query: Any) -> Any:
        """What an action answers; all of them are POST, with a query."""
        parameters = {
            "Action": path[0],
            "Version": "2015-01-09",
            "Format": "JSON",
            "AccessKeyId": self.given["access_key"],
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": str(uuid4()),
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock())),
            **{name: str(value) for name, value in query.items()},
        }
        if token := self.given.get("security_token"):
            parameters["SecurityToken"] = token
        signature = _signature("POST", parameters, self.given["secret_key"])
        return self.request("POST", (), {**parameters, "Signature": signature})

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number, size = page["PageNumber"], page["PageSize"]
        return {"PageNumber": number + 1} if number * size < page["TotalCount"] else {}

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("DescribeDomains", PageNumber=1, PageSize=100):
            yield from (_zone(domain) for domain in listed(page["Domains"]["Domain"]))

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("DescribeDomainInfo", DomainName=apex)
        return _zone(found) if found else None

    def apex_with_id(self, id: str) -> str:
        """Its id is the domain's name as the API has it."""
        return id

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get("DescribeDomainInfo", DomainName=zone.id)["DnsServers"]["DnsServer"])

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        where = {"DomainName": zone.id, "SubDomain": f"{relative(name, zone.apex)}.{zone.id}"}
        for page in self.pages("DescribeSubDomainRecords", **where, Type="TXT", PageNumber=1, PageSize=100):
            yield from (
                (record["RecordId"], record["Value"]) for record in listed(page["DomainRecords"]["Record"])
            )

    def create(self, zone: Zone, record: TxtRecord) -> None:
        where = {"DomainName": zone.id, "RR": relative(record.name, zone.apex)}
        try:
            self.get("AddDomainRecord", **where, Type="TXT", Value=record.value, TTL=record.ttl)
        except Refused as refusal:
            if _code(refusal.body) != "DomainRecordDuplicate":
                raise

    def delete(self, zone: Zone, name: str, id: str) -> None:
        try:
            self.get("DeleteDomainRecord", RecordId=id)
        except NotFound:
            return


def _code(body: Any) -> str:
    return str(body.get("Code", "")) if isinstance(body, dict) else ""


def _zone(domain: Mapping[str, Any]) -> Zone:
    """A domain is called as its owner wrote it, perhaps in U-labels, and PunyCode beside that."""
    return Zone(domain.get("PunyCode") or domain["DomainName"], domain["DomainName"])


def _signature(method: str, parameters: Mapping[str, str], secret: str) -> str:
    """The signature of an RPC call (version 1.0): HMAC-SHA1 of the sorted query."""
    query = urlencode(sorted(parameters.items()), quote_via=quote, safe="~")
    signed = f"{method}&{quote('/', safe='')}&{quote(query, safe='~')}"
    return b64encode(hmac.digest(f"{secret}&".encode(), signed.encode(), sha1)).decode()
