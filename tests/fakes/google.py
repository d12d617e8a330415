"""Google's Cloud DNS API v1, as far as TXT RRsets go (https://cloud.google.com/dns/docs/reference/rest/v1)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import Answer, Record, Refusal, Request, Zone, optional, route
from .oauth import TokenFake, form
from .texts import STRINGS, quoted, unquoted

PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
KEY_ID, EMAIL, PROJECT = "0123456789abcdef", "hook@a-project.iam.gserviceaccount.com", "a-project"
PUBLIC_URI = "https://oauth2.googleapis.com/token"

DNS_SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"
AUDIENCE = (
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a-pool/providers/a-provider"
)
ROLE_PATH = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
IDENTITY_PATH = "/identity"
REFRESH_TOKEN = "the-refresh-token"

ALL = ("alt", "prettyPrint")  # any call may have these
PAGED = ("maxResults", "pageToken", *ALL)
REASONS = {400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 409: "alreadyExists"}
REASONS |= {412: "conditionNotMet", 429: "rateLimitExceeded"}


def key_file(token_uri: str = PUBLIC_URI, **changes: str) -> str:
    """What Google hands out for a service account, in JSON."""
    key = {"type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": PEM}
    return json.dumps({**key, "client_email": EMAIL, "token_uri": token_uri, **changes})


class Google(TokenFake):
    """A zone that is in ``zones`` under another key than its apex is its twin, private if the key
    says so. ``lag``: how often a change is found pending; the changes that were seen to be done are
    in ``done``. A deletion has to say what is there to the letter, but for the quotes.
    """

    prefix = "/dns/v1"
    hosts = ("dns.googleapis.com", "oauth2.googleapis.com")
    token = PEM
    lag = 0

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.done: list[str] = []
        self._changes: dict[str, int] = {}
        self._others: dict[str, str] = {}  # the scope of tokens that are not good for the DNS
        self.subject_token = "a-token-of-another-provider"
        self.delegates: list[str] = []

    @property
    def token_uri(self) -> str:
        return self.url.removesuffix(self.prefix) + "/token"

    def new_id(self) -> str:
        return f"zone-{super().new_id()}"

    def issue(self, request: Request) -> Any:
        """What the token endpoint and the metadata server say."""
        if (request.method, request.path) == ("POST", "/v1/token"):
            return self._exchange(form(request))
        if (request.method, request.path) == ("POST", ROLE_PATH):
            return self._in_a_role(request)
        if (request.method, request.path) == ("GET", IDENTITY_PATH):
            if request.headers.get("X-Identity") != "please":
                raise Refusal(403, "forbidden: a header is missing")
            return {"value": self.subject_token}
        if (request.method, request.path) == ("POST", "/token"):
            fields = form(request)
            if fields.get("grant_type") == "refresh_token":
                return self._refreshed(fields)
            if fields.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
                raise Refusal(400, "unsupported_grant_type: Invalid grant_type")
            scope = self._verify(fields["assertion"])
            return self.new_token() if scope == DNS_SCOPE else self._of_another(scope)
        if not request.path.startswith("/computeMetadata/v1/"):
            return None
        if request.headers.get("Metadata-Flavor") != "Google":
            raise Refusal(403, "forbidden: Missing Metadata-Flavor:Google header.")
        if request.query != {"alt": "json"}:
            raise Refusal(400, "invalid: without alt=json the answer is text")
        known = {
            "/computeMetadata/v1/instance/service-accounts/default/token": self.new_token,
            "/computeMetadata/v1/project/project-id": lambda: PROJECT,
        }
        if request.path not in known:
            raise Refusal(404, "not_found: no such metadata")
        return known[request.path]()

    def _refreshed(self, fields: Mapping[str, str]) -> Any:
        """What the user has agreed to is good for both."""
        client = {"client_id": "a-client", "client_secret": "the-client's-secret"}
        if fields != {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, **client}:
            raise Refusal(400, "invalid_grant: Bad Request")
        granted = self.new_token()
        self._others[granted["access_token"]] = IAM_SCOPE
        return granted

    def _exchange(self, fields: Mapping[str, str]) -> Any:
        """https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"""
        scope = fields.get("scope", "")
        if fields != {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": AUDIENCE,
            "scope": scope,
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token": fields.get("subject_token"),
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        }:
            raise Refusal(400, "invalid_request: Invalid value for some field")
        if fields["subject_token"] != self.subject_token:
            raise Refusal(400, "invalid_grant: ID Token issued is not valid.")
        kind = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        return {**(self.new_token() if scope == DNS_SCOPE else self._of_another(scope)), **kind}

    def _of_another(self, scope: str) -> Mapping[str, Any]:
        """A token that is not good for the DNS."""
        token = f"good for {scope.rpartition('/')[2]}, {len(self._others)}"
        self._others[token] = scope
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def _in_a_role(self, request: Request) -> Any:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self._others.get(token) != IAM_SCOPE:
            raise Refusal(403, "forbidden: Permission 'iam.serviceAccounts.getAccessToken' denied")
        if request.body != {"scope": [DNS_SCOPE], "lifetime": "3600s", "delegates": self.delegates}:
            raise Refusal(400, f"invalid: {request.body}")
        expiry = datetime.fromtimestamp(self.now() + self.lifetime, UTC)
        return {"accessToken": self.new_token()["access_token"], "expireTime": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"}

    def _verify(self, assertion: str) -> str:
        """Its scope. Raises Refusal for an assertion that is not the service account's (RFC 7523 §3)."""
        try:
            header, claims, signature = (_decoded(part) for part in assertion.split("."))
            said, head = json.loads(claims), json.loads(header)
        except ValueError:
            raise Refusal(400, "invalid_grant: Invalid JWT.") from None
        if self.token != PEM or head != {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}:
            raise Refusal(400, "invalid_grant: Invalid JWT Signature.")
        try:
            signed = assertion.rpartition(".")[0].encode()
            PRIVATE.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Refusal(400, "invalid_grant: Invalid JWT Signature.") from None
        if said["iss"] != EMAIL:
            raise Refusal(400, "invalid_grant: Invalid grant: account not found")
        if said["aud"] not in (PUBLIC_URI, self.token_uri):
            raise Refusal(400, "invalid_grant: Failed audience check.")
        now = self.now()
        if not (said["iat"] <= now + 60 and now < said["exp"] <= said["iat"] + 3600):
            raise Refusal(400, "invalid_grant: Token must be a short-lived token (60 minutes)")
        if said["scope"] not in (DNS_SCOPE, IAM_SCOPE):
            raise Refusal(400, "invalid_scope: more than DNS")
        return str(said["scope"])

    def error(self, refusal: Refusal) -> Any:
        reason = REASONS.get(refusal.status, "backendError")
        if refusal.message.startswith("Rate Limit"):
            reason = "rateLimitExceeded"
        errors = [{"domain": "global", "reason": reason, "message": refusal.message}]
        return {"error": {"code": refusal.status, "message": refusal.message, "errors": errors}}

    @route("GET", "/projects/{project}/managedZones", query=("dnsName", *PAGED))
    def list_zones(self, request: Request, project: str) -> Answer:
        _check(project)
        shown = [
            {
                "kind": "dns#managedZone",
                "name": zone.id,
                "dnsName": f"{zone.apex}.",
                "visibility": "private" if "private" in key else "public",
            }
            for key, zone in self.zones.items()
            if request.query.get("dnsName") in (None, f"{zone.apex}.")
        ]
        return self._list("managedZones", shown, request)

    @route("GET", "/projects/{project}/managedZones/{zone}", query=ALL)
    def show_zone(self, request: Request, project: str, zone: str) -> Answer:
        _check(project)
        holder = self._zone(zone)
        hosts = [f"{host}." for host in self.name_servers]
        shown = {
            "name": holder.id,
            "dnsName": f"{holder.apex}.",
            "visibility": "public",
            "nameServers": hosts,
        }
        return Answer(200, shown)

    @route("GET", "/projects/{project}/managedZones/{zone}/rrsets", query=("name", "type", *PAGED))
    def list_rrsets(self, request: Request, project: str, zone: str) -> Answer:
        _check(project)
        holder, name = self._zone(zone), request.query["name"]
        if not name.endswith(".") or request.query["type"] != "TXT":
            raise Refusal(400, f"Invalid value for 'parameters.name': '{name}'")
        records = holder.texts(name.removesuffix("."))
        return self._list("rrsets", [_rrset(name, records)] if records else [], request)

    @route(
        "POST",
        "/projects/{project}/managedZones/{zone}/changes",
        query=ALL,
        fields={"additions": optional(list), "deletions": optional(list)},
    )
    def change(self, request: Request, project: str, zone: str) -> Answer:
        """All of it, or nothing."""
        _check(project)
        holder = self._zone(zone)
        deletions = [_read(each, holder) for each in request.body.get("deletions", ())]
        additions = [_read(each, holder) for each in request.body.get("additions", ())]
        for number, (name, ttl, values) in enumerate(deletions):
            there = holder.texts(name)
            where = f"'entity.change.deletions[{number}]'"
            if not there:
                raise Refusal(404, f"The {where} resource named '{name}. (TXT)' does not exist.")
            if {record.ttl for record in there} != {ttl} or sorted(values) != sorted(_values(there)):
                raise Refusal(412, f"Precondition not met for {where}")
        gone = {name for name, _, _ in deletions}
        for number, (name, _, _) in enumerate(additions):
            if name not in gone and holder.texts(name):
                where = f"'entity.change.additions[{number}]'"
                raise Refusal(409, f"The resource {where} named '{name}. (TXT)' already exists")
        holder.records[:] = [record for record in holder.records if record.name not in gone]
        for name, ttl, values in additions:
            for value in values:
                self.add(holder, name, value, ttl)
        id = str(len(self._changes) + 1)
        self._changes[id] = self.lag
        return self._status(id)

    @route("GET", "/projects/{project}/managedZones/{zone}/changes/{id}", query=ALL)
    def get_change(self, request: Request, project: str, zone: str, id: str) -> Answer:
        _check(project)
        self._zone(zone)
        if id not in self._changes:
            raise Refusal(404, f"The 'parameters.changeId' resource named '{id}' does not exist.")
        answer = self._status(id)
        self._changes[id] -= 1
        return answer

    def _status(self, id: str) -> Answer:
        status = "pending" if self._changes[id] > 0 else "done"
        if status == "done":
            self.done.append(id)
        return Answer(200, {"kind": "dns#change", "id": id, "status": status})

    def _zone(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        raise Refusal(404, f"The 'parameters.managedZone' resource named '{id}' does not exist.")

    def _list(self, key: str, items: Sequence[Any], request: Request) -> Answer:
        size = min(int(request.query.get("maxResults", 100)), 100)
        number = int(request.query.get("pageToken", "page1").removeprefix("page"))
        shown, number, pages = self.page(items, number, size)
        more = {"nextPageToken": f"page{number + 1}"} if number < pages else {}
        return Answer(200, {"kind": f"dns#{key}ListResponse", key: shown, **more})


def _check(project: str) -> None:
    if project != PROJECT:
        raise Refusal(403, f"Project {project} does not exist, or access is denied")


def _read(rrset: Mapping[str, Any], zone: Zone) -> tuple[str, int, list[str]]:
    """Name, TTL and values of an RRset in a change."""
    if not set(rrset) - {"kind"} == {"name", "type", "ttl", "rrdatas"} or rrset["type"] != "TXT":
        raise Refusal(400, f"Invalid value for 'entity.change': {rrset}")
    if not f".{rrset['name']}".endswith(f".{zone.apex}."):
        raise Refusal(400, f"Invalid value for 'entity.change.additions[0].name': '{rrset['name']}'")
    values = [_unquoted(text) for text in rrset["rrdatas"]]
    if not values or len(values) != len(set(values)):
        raise Refusal(400, f"Invalid value for 'entity.change.additions[0].rrdata': {rrset['rrdatas']}")
    return rrset["name"].removesuffix("."), rrset["ttl"], values


def _rrset(name: str, records: Sequence[Record]) -> Mapping[str, Any]:
    rrdatas = [quoted(value) for value in _values(records)]
    return {
        "kind": "dns#resourceRecordSet",
        "name": name,
        "type": "TXT",
        "ttl": records[0].ttl,
        "rrdatas": rrdatas,
    }


def _values(records: Sequence[Record]) -> list[str]:
    return [record.value for record in records]


def _unquoted(text: str) -> str:
    """A character-string; one without white space may go without quotes (RFC 1035 §5.1)."""
    if not STRINGS.fullmatch(text) and ('"' in text or " " in text):
        raise Refusal(400, f"Invalid value for 'entity.change.additions[0].rrdata': {text}")
    return unquoted(text)


def _decoded(part: str) -> bytes:
    if "=" in part:
        raise ValueError("base64url has no padding in a JWT (RFC 7515 §2)")
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
