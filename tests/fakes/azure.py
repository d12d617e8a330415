"""Azure's resource manager, as far as TXT record sets go (https://learn.microsoft.com/rest/api/dns/)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from . import Answer, Refusal, Request, Zone, optional, route
from .oauth import TokenFake, form

CLIENT, TENANT, SUBSCRIPTION, GROUP = "a-client", "a-tenant", "a-subscription", "a-group"
TENANT_PATH, IMDS_PATH = f"/{TENANT}/oauth2/v2.0/token", "/metadata/identity/oauth2/token"
VERSION = ("api-version",)
PAGED = ("$top", "$skipToken", *VERSION)
ALL_ZONES = "/subscriptions/{subscription}/providers/Microsoft.Network/dnsZones"
GROUP_ZONES = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones"
RECORD_SET = GROUP_ZONES + "/{zone}/TXT/{name}"
RRSET = {"properties": dict, "etag": optional(str)}
CODES = {400: "BadRequest", 401: "InvalidAuthenticationToken", 403: "AuthorizationFailed", 404: "NotFound"}
CODES |= {412: "PreconditionFailed", 429: "TooManyRequests"}


ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Azure(TokenFake):
    """``metadata``: what others keep at a record set; ``groups``: the resource group of a zone that is
    in another one, by its key in ``zones``; ``lists = False``: the role is for each zone alone. Nothing is
    written without a guard.
    """

    hosts = ("management.azure.com", "login.microsoftonline.com")
    audience = ""  # what a token has to be for; else the fake itself
    PAGE = 100

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.groups: dict[str, str] = {}
        self.metadata: dict[str, Any] = {}
        self.lists = True
        self.certificate: x509.Certificate | None = None  # that the application has registered
        self._assertions: set[str] = set()
        self._etags: dict[str, str] = {}

    @property
    def wanted(self) -> str:
        return self.audience or self.url

    def issue(self, request: Request) -> Any:
        """What the tenant's endpoint and the metadata service say."""
        if (request.method, request.path) == ("POST", TENANT_PATH):
            given = dict(form(request))
            proof = given.pop("client_secret", "")
            if given.pop("client_assertion_type", "") == ASSERTION and not proof:
                proof = given.pop("client_assertion", "")
                if self.certificate and proof.count(".") == 2:
                    self._verify(proof, self.certificate)
                    proof = self.token
            if proof != self.token:
                raise Refusal(401, "invalid_client: AADSTS7000215: Invalid client secret provided.")
            resource, _, scope = given.pop("scope", "").rpartition("/")
            if given != {"grant_type": "client_credentials", "client_id": CLIENT} or scope != ".default":
                raise Refusal(400, f"invalid_request: {given} {scope}")
            granted = self.new_token()
            return granted if resource == self.wanted else {**granted, "access_token": "good for another API"}
        if request.path != IMDS_PATH:
            return None
        if request.headers.get("Metadata") != "true":
            raise Refusal(400, "bad_request_102: Required metadata header not specified")
        if request.query not in (
            {"api-version": "2018-02-01", "resource": f"{self.wanted}/"},
            {"api-version": "2018-02-01", "resource": f"{self.wanted}/", "client_id": CLIENT},
        ):
            raise Refusal(400, "invalid_request: Identity not found")
        granted = self.new_token()
        return {**granted, "expires_in": str(granted["expires_in"])}

    def _verify(self, assertion: str, certificate: x509.Certificate) -> None:
        """https://learn.microsoft.com/entra/identity-platform/certificate-credentials"""
        header, claims, signature = (urlsafe_b64decode(part + "==") for part in assertion.split("."))
        thumbprint = urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()
        if json.loads(header) != {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}:
            raise Refusal(401, "invalid_client: AADSTS700027: The certificate is not registered.")
        said = json.loads(claims)
        audience = f"{self.url}{TENANT_PATH}"
        if (said["aud"], said["iss"], said["sub"]) != (audience, CLIENT, CLIENT) or not said["jti"]:
            raise Refusal(401, "invalid_client: AADSTS50027: JWT token is invalid or malformed.")
        if (
            said["jti"] in self._assertions
            or not said["nbf"] <= self.now() < said["exp"] <= said["nbf"] + 600
        ):
            raise Refusal(401, "invalid_client: AADSTS700024: not within its valid time range.")
        self._assertions.add(said["jti"])
        key = certificate.public_key()
        assert isinstance(key, RSAPublicKey)
        try:
            signed = assertion.rpartition(".")[0].encode()
            key.verify(signature, signed, PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH), SHA256())
        except InvalidSignature:
            raise Refusal(401, "invalid_client: AADSTS700027: signature validation failed.") from None

    def error(self, refusal: Refusal) -> Any:
        code = CODES.get(refusal.status, "InternalServerError")
        return {"error": {"code": code, "message": refusal.message}}

    @route("GET", ALL_ZONES, query=PAGED)
    def list_all(self, request: Request, subscription: str) -> Answer:
        _check(request, subscription)
        self._check_list(f"/subscriptions/{subscription}")
        return self._list(request, [*self.zones])

    @route("GET", GROUP_ZONES, query=PAGED)
    def list_group(self, request: Request, subscription: str, group: str) -> Answer:
        _check(request, subscription)
        self._check_list(f"/subscriptions/{subscription}/resourceGroups/{group}")
        return self._list(request, [key for key in self.zones if self.groups.get(key, GROUP) == group])

    @route("GET", GROUP_ZONES + "/{zone}", query=VERSION)
    def show(self, request: Request, subscription: str, group: str, zone: str) -> Answer:
        _check(request, subscription)
        hosts = [f"{host}." for host in self.name_servers]
        shown = {"id": resource_id(self.zone(zone).apex, group), "properties": {"nameServers": hosts}}
        return Answer(200, shown)

    @route("GET", RECORD_SET, query=VERSION)
    def read(self, request: Request, subscription: str, group: str, zone: str, name: str) -> Answer:
        holder, owner = self._place(request, subscription, group, zone, name)
        return Answer(200, self._shown(holder, owner))

    @route("PUT", RECORD_SET, query=VERSION, fields=RRSET)
    def put(self, request: Request, subscription: str, group: str, zone: str, name: str) -> Answer:
        holder, owner = self._place(request, subscription, group, zone, name)
        was_there = bool(holder.texts(owner))
        self._guard(request, holder, owner)
        properties = request.body["properties"]
        if unknown := set(properties) - {"TTL", "TXTRecords", "metadata"}:
            raise Refusal(400, f"Could not find member {sorted(unknown)} on object of type RecordSet")
        if not 1 <= properties["TTL"] <= 2**31 - 1:
            raise Refusal(400, "The TTL is not in the range of 1 and 2147483647")
        values = [_joined(record) for record in properties["TXTRecords"]]
        if not values or len(values) != len(set(values)):
            raise Refusal(400, "The record set has no record, or one twice")
        self._drop(holder, owner)
        for value in values:
            self.add(holder, owner, value, properties["TTL"])
        self.metadata[owner] = properties.get("metadata", {})
        self._etags[owner] = super().new_id()
        return Answer(200 if was_there else 201, self._shown(holder, owner))

    @route("DELETE", RECORD_SET, query=VERSION)
    def delete(self, request: Request, subscription: str, group: str, zone: str, name: str) -> Answer:
        holder, owner = self._place(request, subscription, group, zone, name)
        if not holder.texts(owner):
            return Answer(204)
        self._guard(request, holder, owner)
        self._drop(holder, owner)
        return Answer(200)

    def _check_list(self, scope: str) -> None:
        if not self.lists:
            action = "perform action 'Microsoft.Network/dnsZones/read'"
            raise Refusal(
                403, f"The client '0b57' does not have authorization to {action} over scope '{scope}'"
            )

    def _guard(self, request: Request, holder: Zone, owner: str) -> None:
        headers, there = request.headers, bool(holder.texts(owner))
        etag = headers.get("If-Match")
        if etag is not None and not (there and etag == self._etag(holder, owner)):
            raise Refusal(412, "The Etag provided in the If-Match header does not match the resource's.")
        if headers.get("If-None-Match") == "*" and there:
            raise Refusal(412, "The condition '*' in the If-None-Match header was not satisfied.")
        if etag is None and headers.get("If-None-Match") is None:
            raise Refusal(400, "Azure would write over what others have written: nothing guards this")

    def _place(
        self, request: Request, subscription: str, group: str, apex: str, name: str
    ) -> tuple[Zone, str]:
        """The zone, and the owner name in full."""
        _check(request, subscription)
        for key, zone in self.zones.items():
            if zone.apex == apex and self.groups.get(key, GROUP) == group:
                return zone, apex if name == "@" else f"{name}.{apex}"
        raise Refusal(404, f"The parent resource dnsZones/{apex} could not be found.")

    def _shown(self, holder: Zone, owner: str) -> Any:
        records = holder.texts(owner)
        if not records:
            raise Refusal(404, f"The resource record '{owner}' does not exist.")
        properties = {
            "metadata": self.metadata.get(owner, {}),
            "fqdn": f"{owner}.",
            "TTL": records[0].ttl,
            "TXTRecords": [{"value": [record.value]} for record in records],
            "provisioningState": "Succeeded",
        }
        return {"name": owner, "etag": self._etag(holder, owner), "properties": properties}

    def _etag(self, holder: Zone, owner: str) -> str:
        """Another one for whatever others do."""
        return f"{self._etags.get(owner, '')}-{len(holder.texts(owner))}"

    def _drop(self, holder: Zone, owner: str) -> None:
        holder.records[:] = [record for record in holder.records if record.name != owner]

    def _list(self, request: Request, keys: Sequence[str]) -> Answer:
        number = int(request.query.get("$skipToken", 1))
        shown, number, pages = self.page(keys, number, self.PAGE)
        zones = [
            {
                "id": resource_id(self.zones[key].apex, self.groups.get(key, GROUP)),
                "name": self.zones[key].apex,
                "etag": "00000000-0000-0000",
                "properties": {"numberOfRecordSets": 2, "zoneType": "Public"},
            }
            for key in shown
        ]
        following = f"{self.url}{request.path}?api-version=2018-05-01&$skipToken={number + 1}"
        return Answer(200, {"value": zones, **({"nextLink": following} if number < pages else {})})


def resource_id(apex: str, group: str = GROUP) -> str:
    return GROUP_ZONES.format(subscription=SUBSCRIPTION, group=group) + f"/{apex}"


def _check(request: Request, subscription: str) -> None:
    if request.query.get("api-version") != "2018-05-01":
        raise Refusal(400, "The api-version query parameter (?api-version=) is required")
    if subscription != SUBSCRIPTION:
        raise Refusal(404, f"The subscription '{subscription}' could not be found.")


def _joined(record: Any) -> str:
    strings = record["value"]
    if set(record) != {"value"} or any(not isinstance(each, str) or len(each) > 255 for each in strings):
        raise Refusal(400, f"{record} is no TXT record")
    return "".join(strings)
