"""Oracle Cloud's DNS API of 2018-01-15, as far as TXT records go
(https://docs.oracle.com/en-us/iaas/api/#/en/dns/20180115/, and the models of Oracle's SDK)."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from hashlib import md5, sha256
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from . import Answer, Fake, Record, Refusal, Request, Zone, route

TENANCY, USER = "ocid1.tenancy.oc1..a-tenancy", "ocid1.user.oc1..a-user"
PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = PRIVATE.public_key()
DIGEST = md5(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
KEY_ID = f"{TENANCY}/{USER}/{':'.join(re.findall('..', DIGEST))}"
SIGNATURE = re.compile(
    r'Signature (?=.*version="1")(?=.*algorithm="rsa-sha256")(?=.*keyId="([^"]+)")'
    r'(?=.*headers="([^"]+)")(?=.*signature="([^"]+)").*'
)
PAGED = ("limit", "page")
CODES = {401: "NotAuthenticated", 404: "NotAuthorizedOrNotFound", 429: "TooManyRequests"}
OPERATION = {"operation", "domain", "rtype", "rdata", "ttl", "isProtected", "recordHash"}


class OracleCloud(Fake):
    """A zone is named by its name or its OCID. An RRset has one TTL: a record that is added with another
    one gives it to all. The next page is in a header. ``secondary`` has the zones that are copies."""

    prefix = "/20180115"
    hosts = ("dns.eu-frankfurt-1.oraclecloud.com",)
    token = PEM

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.secondary: set[str] = set()

    def admit(self, request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = SIGNATURE.fullmatch(headers.get("authorization", ""))
        if not found or found[1] != KEY_ID or self.token != PEM:
            raise Refusal(401, "The required information to complete authentication was not provided.")
        needed = {"date", "(request-target)", "host"}
        if request.method == "PATCH":
            needed |= {"content-length", "content-type", "x-content-sha256"}
            bodies = [json.dumps(request.body, separators=ways) for ways in ((", ", ": "), (",", ":"))]
            digests = [b64encode(sha256(body.encode()).digest()).decode() for body in bodies]
            if headers.get("x-content-sha256") not in digests:
                raise Refusal(401, "The body is not the one that was signed.")
        if abs(parsedate_to_datetime(headers["date"]).timestamp() - time.time()) > 300:
            raise Refusal(401, "The date is too far from the server's.")
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers["(request-target)"] = f"{request.method.lower()} {request.path}{query}"
        text = "\n".join(f"{name}: {headers[name]}" for name in found[2].split())
        if not needed <= set(found[2].split()) or not _is_signed(text, found[3]):
            raise Refusal(401, "The signature is not valid.")

    def error(self, refusal: Refusal) -> Any:
        return {"code": CODES.get(refusal.status, "InvalidParameter"), "message": refusal.message}

    @route("GET", "/zones", query=("compartmentId", "scope", "zoneType", *PAGED))
    def list_zones(self, request: Request) -> Answer:
        if request.query.get("compartmentId") != TENANCY:
            raise Refusal(404, "Authorization failed or requested resource not found.")
        zones = [self._shown(zone) for zone in self.zones.values()]
        kind = request.query.get("zoneType")
        return self._list(request, [zone for zone in zones if kind in (None, zone["zoneType"])])

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        return Answer(200, self._shown(self.zone(zone)))

    @route("GET", "/zones/{zone}/records/{domain}", query=("rtype", *PAGED))
    def list_records(self, request: Request, zone: str, domain: str) -> Answer:
        return self._list(request, list(map(_record, self.zone(zone).texts(domain))), "items")

    @route("PATCH", "/zones/{zone}/records/{domain}", fields={"items": list})
    def change(self, request: Request, zone: str, domain: str) -> Answer:
        holder = self.zone(zone)
        for item in request.body["items"]:
            if not item.keys() <= OPERATION or item.get("operation", "ADD") not in ("ADD", "REMOVE"):
                raise Refusal(400, f"Invalid operation: {item}")
            if item.get("operation") == "REMOVE":
                gone = {"recordHash": item["recordHash"]}
                holder.records[:] = [each for each in holder.records if gone.items() - _record(each).items()]
            else:
                self._add(holder, domain, item)
        return Answer(200, {"items": list(map(_record, holder.texts(domain)))})

    def _add(self, zone: Zone, name: str, item: Mapping[str, Any]) -> None:
        if item["domain"] != name or item["rtype"] != "TXT" or item["ttl"] < 1:
            raise Refusal(400, f"Invalid record: {item}")
        value = re.sub(r'^"(.*)"$', r"\1", item["rdata"])
        if value == item["rdata"] and " " in value:
            raise Refusal(400, "TXT rdata with blanks has to be quoted.")
        if value not in {record.value for record in zone.texts(name)}:
            self.add(zone, name, value, item["ttl"])
        for record in zone.texts(name):
            record.ttl = item["ttl"]

    def _list(self, request: Request, items: Sequence[Any], key: str = "") -> Answer:
        size = int(request.query.get("limit", 50))
        if not 1 <= size <= 100:
            raise Refusal(400, "limit must be between 1 and 100")
        shown, number, pages = self.page(items, int(request.query.get("page", 1)), size)
        following = {"opc-next-page": str(number + 1)} if number < pages else {}
        return Answer(200, {key: shown} if key else shown, following)

    def _shown(self, zone: Zone) -> Mapping[str, Any]:
        kind = "SECONDARY" if zone.apex in self.secondary else "PRIMARY"
        where = {"compartmentId": TENANCY, "scope": "GLOBAL", "lifecycleState": "ACTIVE"}
        servers = [{"hostname": host} for host in self.name_servers]
        return {"id": zone.id, "name": zone.apex, "zoneType": kind, "nameservers": servers, **where}


def _is_signed(text: str, signature: str) -> bool:
    try:
        PUBLIC.verify(b64decode(signature), text.encode(), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _record(record: Record) -> Mapping[str, Any]:
    what = {"domain": record.name, "rtype": record.type, "rdata": f'"{record.value}"', "ttl": record.ttl}
    hashed = sha256(f"{record.name} {record.value}".encode()).hexdigest()[:32]
    return {**what, "recordHash": hashed, "isProtected": False, "rrsetVersion": "1"}
