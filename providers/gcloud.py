"""Google Cloud DNS (v1), whose changes delete exactly what was read and add what shall stand there."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..errors import Busy, ConfigError
from ..secret import hide, read_secret
from ._cloud import Cloud
from .base import Option, Zone, ZoneApex, quoted
from .rest import Refused, base_url
from .rrsets import RRset

SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
OVER_LIMIT = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}  # with 403, at times


class Provider(Cloud):
    """With a service account's key, or as the service account of the machine itself."""

    title = "Google Cloud DNS"
    docs = "https://cloud.google.com/dns/docs/reference/rest/v1"
    permission = (
        "a custom role with dns.managedZones.list on the project, and one with dns.changes.create,"
        " dns.changes.get and dns.resourceRecordSets.list, .create, .update and .delete on the zone"
        " (that alone where the zone's name at Google is configured as its id)"
    )
    options = (
        Option("service_account", ("GCE_SERVICE_ACCOUNT",), "key of a service account, in JSON", secret=True),
        Option(
            "credentials_file",
            ("GOOGLE_APPLICATION_CREDENTIALS",),
            "file of such a key",
        ),
        Option("zone_id", ("GCE_ZONE_ID",), "the only zone to use, by its name at Google"),
        Option("project", ("GCE_PROJECT",), "id of the project, if not the service account's"),
        Option(
            "metadata_host",
            ("GCE_METADATA_HOST",),
            "without a key: who knows the machine's service account",
            default="metadata.google.internal",
        ),
        base_url("GCE_BASE_URL", "https://dns.googleapis.com/dns/v1"),
    )
    overtaken = (404, 409, 412)  # 404: what was to be deleted is gone
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for what is no service account's key."""
        super().__init__(options)
        text, path = options.get("service_account", ""), options.get("credentials_file", "")
        if path and not text:
            text = read_secret(path)
            if (kind := _type_of(text)) not in ("", "service_account"):
                raise ConfigError(
                    f"GOOGLE_APPLICATION_CREDENTIALS: {path} has credentials of the type {kind[:40]!r}, which"
                    " are not supported here",
                    "give a service account's key, or leave it unset on a machine of Google's own",
                )
        self._key = _Key(text) if text else None
        self._pending: dict[str, list[str]] = defaultdict(list)

    def grant(self) -> Any:
        if self._key is None:
            return self._metadata("instance", "service-accounts", "default", "token")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": self._key.assertion(int(self.clock())),
        }
        issuer, _, token = self._key.token_uri.rpartition("/")
        return self.issuer(issuer).request("POST", (token,), form=form)

    def is_rejection(self, status: int, body: Any) -> bool:
        return super().is_rejection(status, body) and OVER_LIMIT.isdisjoint(_reasons(body))

    def request(self, method: str, path: Sequence[str], *args: Any, **more: Any) -> Any:
        try:
            return super().request(method, path, *args, **more)
        except Refused as refusal:
            if OVER_LIMIT.isdisjoint(_reasons(refusal.body)):
                raise
            raise Busy(str(refusal), "try later, or have the project's quota raised") from None

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"pageToken": page["nextPageToken"]} if page.get("nextPageToken") else {}

    def zones(self) -> Iterable[Zone]:
        if only := self.given.get("zone_id"):
            zone = self.get(*self._zones(), only)
            yield Zone(zone["dnsName"].rstrip("."), zone["name"])
            return
        for zone in self.items("managedZones", *self._zones(), maxResults=100):
            if zone.get("visibility") != "private":
                yield Zone(zone["dnsName"].rstrip("."), zone["name"])

    def apex_of(self, zone: Zone) -> ZoneApex:
        hosts = self.get(*self._zones(), zone.id).get("nameServers", ())
        return ZoneApex(tuple(host.rstrip(".").lower() for host in hosts))

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = [*self.items("rrsets", *self._zones(), zone.id, "rrsets", name=f"{name}.", type="TXT")]
        return RRset(tuple(found[0]["rrdatas"]), found[0]["ttl"]) if found else None

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        sides = {"deletions": old, "additions": new}
        change = {side: [_rrset(name, rrset)] for side, rrset in sides.items() if rrset}
        made = self.post(*self._zones(), zone.id, "changes", **change)
        self._pending[zone.id].append(made["id"])

    def settled(self, zone: Zone) -> None:
        """Until Google has sent what was changed here to its name servers. Raises Busy."""
        for change in self._pending.pop(zone.id, ()):
            self.attempt(zone.apex, partial(self._follow, zone, change))

    def _follow(self, zone: Zone, change: str) -> None:
        status = self.get(*self._zones(), zone.id, "changes", change)["status"]
        if status != "done":
            raise Busy(
                f"{self.whose}: the change {change} of {zone.apex} is {status} at Google still",
                "try again later; https://status.cloud.google.com says whether it is in trouble",
                retry_after=1,
            )

    def _zones(self) -> tuple[str, ...]:
        return ("projects", self._project, "managedZones")

    @cached_property
    def _project(self) -> str:
        if given := self.given.get("project"):
            return given
        return str(self._key.project if self._key else self._metadata("project", "project-id"))

    def _metadata(self, *path: str) -> Any:
        url = f"http://{self.given['metadata_host']}/computeMetadata/v1"
        return self.metadata(url, path, {"Metadata-Flavor": "Google"}, alt="json")


class _Key:
    """A service account's key, as Google hands it out. Raises ConfigError."""

    def __init__(self, text: str) -> None:
        try:
            key = json.loads(text)
            hide(key["private_key"])
            private = load_pem_private_key(key["private_key"].encode(), None)
            self.project, self.token_uri = key["project_id"], key["token_uri"]
            self._id, self._email = key["private_key_id"], key["client_email"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            private = None
        if not isinstance(private, RSAPrivateKey):
            raise ConfigError(
                "GCE_SERVICE_ACCOUNT is not the key of a service account, in JSON",
                "GCE_SERVICE_ACCOUNT_FILE names the file that the console gave you for the key",
            )
        self._private = private

    def assertion(self, now: int) -> str:
        """Who we are, signed, for an hour at most (RFC 7523 §2.1): ``now`` is in seconds."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self._id}
        claims = {
            "iss": self._email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + 3600,
        }
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self._private.sign(signed, PKCS1v15(), SHA256())
        return b".".join((signed, _base64url(signature))).decode()


def _type_of(text: str) -> str:
    """What kind of credentials these are, in Google's words; "" for what is no JSON object."""
    with suppress(ValueError, RecursionError):
        content = json.loads(text)
        return str(content.get("type", "")) if isinstance(content, dict) else ""
    return ""


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _reasons(body: Any) -> set[str]:
    """Google's own words for what an error is about."""
    error = body.get("error") if isinstance(body, dict) else None
    return {each.get("reason", "") for each in error.get("errors", ())} if isinstance(error, dict) else set()


def _rrset(name: str, rrset: RRset) -> Mapping[str, Any]:
    return {"name": f"{name}.", "type": "TXT", "ttl": rrset.ttl, "rrdatas": rrset.values}
