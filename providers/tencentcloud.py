"""Tencent Cloud DNS, which is DNSPod (API 3.0), record by record, with requests that are signed.

Longer than most: everything comes as 200, so that codes have to say what HTTP would, and a record that has
just been created is not listed for up to half a minute.

Unverified: the code for a record that is gone, of which two are taken for it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from ._character_strings import unquoted
from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import NotFound, Refused, Rest, base_url, listed

VERSION = "2021-03-23"
DEFAULT_LINE = {"RecordLine": "默认", "RecordLineId": "0"}  # the id counts, whatever the line is called
UNTIL_LISTED = (10, 10, 11)  # seconds between readings: a new record is in the index after 30

# What a code begins with, and the status that it would be.
MEANT = {
    "RequestLimitExceeded": 429,
    "FailedOperation.FrequencyLimit": 429,
    "InvalidParameter.DomainIsModifyingDns": 429,
    "InternalError": 500,
    "ResourceNotFound": 404,
    "InvalidParameterValue.DomainNotExists": 404,
    "InvalidParameter.DomainInvalid": 404,
    "InvalidParameter.RecordIdInvalid": 404,
    "AuthFailure": 401,
    "InvalidParameter.LoginToken": 401,
    "InvalidParameter.RequestIpLimited": 403,
    "UnauthorizedOperation": 403,
    "OperationDenied": 403,
    "FailedOperation.NotDomainOwner": 403,
}


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With a key pair of a CAM user, or with a temporary one and its token."""

    title = "Tencent Cloud DNS (DNSPod)"
    docs = "https://cloud.tencent.com/document/api/1427/56193"
    permission = (
        "a CAM user whose policy has dnspod:DescribeDomainList, DescribeDomain, DescribeRecordList,"
        " CreateRecord and DeleteRecord (not the first two where the domain's name is configured as its id)"
    )
    options = (
        Option(
            "secret_id",
            ("TENCENTCLOUD_SECRET_ID", "Tencent_SecretId", "LEXICON_QCLOUD_SECRET_ID"),
            "SecretId",
            required=True,
        ),
        Option(
            "secret_key",
            ("TENCENTCLOUD_SECRET_KEY", "Tencent_SecretKey", "LEXICON_QCLOUD_SECRET_KEY"),
            "SecretKey",
            required=True,
            secret=True,
        ),
        Option("session_token", ("TENCENTCLOUD_SESSION_TOKEN",), "of a temporary key pair", secret=True),
        base_url("TENCENTCLOUD_BASE_URL", "https://dnspod.tencentcloudapi.com"),
    )
    least_ttl = 600  # that a domain without a paid plan has
    clock: Callable[[], float] = staticmethod(time.time)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        now = int(self.clock())
        day = time.strftime("%Y-%m-%d", time.gmtime(now))
        headers = f"content-type:application/json\nhost:{urlsplit(url).netloc}\n"
        asked = f"{method}\n/\n\n{headers}\ncontent-type;host\n{sha256(body.encode()).hexdigest()}"
        scope = f"{day}/dnspod/tc3_request"
        text = f"TC3-HMAC-SHA256\n{now}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
        key = f"TC3{self.given['secret_key']}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), sha256)
        who = f"Credential={self.given['secret_id']}/{scope}, SignedHeaders=content-type;host"
        token = self.given.get("session_token")
        return {
            "Authorization": f"TC3-HMAC-SHA256 {who}, Signature={key.hex()}",
            "X-TC-Timestamp": str(now),
            **({"X-TC-Token": token} if token else {}),
        }

    def status_of(self, status: int, body: Any) -> int:
        """Errors come with 200: by the beginning of the error's code."""
        code = _code(body)
        meant = (meant for start, meant in MEANT.items() if code.startswith(start))
        return next(meant, 400) if code else status

    def words(self, body: Any) -> str:
        return (
            f"{code}: {body['Response']['Error']['Message']}"
            if (code := _code(body))
            else super().words(body)
        )

    def get(self, *path: str, **query: Any) -> Any:
        """The answer of an action, which ``path`` names."""
        headers = {"X-TC-Action": path[0], "X-TC-Version": VERSION}
        return self.request("POST", (), body=query, headers=headers)["Response"]

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        following = asked["Offset"] + len(page["DomainList"])
        return {"Offset": following} if following < page["DomainCountInfo"]["DomainTotal"] else {}

    def zones(self) -> Iterable[Zone]:
        try:
            for page in self.pages("DescribeDomainList", Offset=0, Limit=3000):
                yield from (_zone(domain, domain["Name"]) for domain in listed(page["DomainList"]))
        except NotFound:
            return  # that is what it says of an account that has none

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("DescribeDomain", Domain=apex)
        return _zone(found["DomainInfo"], found["DomainInfo"]["Domain"]) if found else None

    def apex_with_id(self, id: str) -> str:
        """Its id is the domain's name as the API has it."""
        return id

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get("DescribeDomain", Domain=zone.id)["DomainInfo"]["DnspodNsList"])

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        where = {"Domain": zone.id, "Subdomain": relative(name, zone.apex)}
        try:
            found = self.get("DescribeRecordList", **where, RecordType="TXT", Limit=3000)
        except NotFound as refusal:
            if _code(refusal.body) != "ResourceNotFound.NoDataOfRecord":
                raise
            return []
        return [(str(record["RecordId"]), record["Value"]) for record in listed(found["RecordList"])]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        where = {"Domain": zone.id, "SubDomain": relative(record.name, zone.apex), **DEFAULT_LINE}
        try:
            self.get("CreateRecord", **where, RecordType="TXT", Value=record.value, TTL=record.ttl)
        except Refused as refusal:
            if _code(refusal.body) != "InvalidParameter.DomainRecordExist":
                raise

    def delete(self, zone: Zone, name: str, id: str) -> None:
        try:
            self.get("DeleteRecord", Domain=zone.id, RecordId=int(id))
        except NotFound:
            return

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        """What is not listed may be gone, or not be listed yet: only time tells."""
        values = {record.value for record in unwanted}
        for pause in UNTIL_LISTED:
            if values <= {unquoted(value) for _, value in self.texts(zone, name)}:
                break
            self.sleep(pause)
        super()._remove(zone, name, unwanted)


def _code(body: Any) -> str:
    match body:
        case {"Response": {"Error": {"Code": code}}}:
            return str(code)
    return ""


def _zone(domain: Mapping[str, Any], name: str) -> Zone:
    """A domain is called as its owner wrote it, perhaps in U-labels, and Punycode beside that."""
    return Zone(domain.get("Punycode") or name, name)
