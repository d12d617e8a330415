"""Google Cloud DNS (v1), whose changes delete exactly what was read and add what shall stand there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

from ..errors import Busy, ConfigError
from ._character_strings import quoted
from ._cloud import Cloud
from ._gcloud_credentials import SCOPE, Credentials, ServiceAccountKey, read_credentials
from ._name_servers import ShowsNameServers
from .base import Option, Zone
from .rest import Refused, base_url, listed
from .rrsets import RRset

OVER_LIMIT = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}  # with 403, at times


class Provider(ShowsNameServers, Cloud):
    """With a service account's key or other credentials of Google's tools, or as the service account of the
    machine itself."""

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
            "file of such a key, or of a workload identity, an impersonation or a user's login",
        ),
        Option("zone_id", ("GCE_ZONE_ID",), "the only zone to use, by its name at Google"),
        Option(
            "project",
            ("GCE_PROJECT", "GOOGLE_CLOUD_PROJECT"),
            "id of the project, if not the key's",
        ),
        Option(
            "metadata_host",
            ("GCE_METADATA_HOST",),
            "without a key: who knows the machine's service account",
            default="metadata.google.internal",
        ),
        base_url("GCE_BASE_URL", "https://dns.googleapis.com/dns/v1"),
    )
    unread: ClassVar[Mapping[str, str]] = {
        "GCE_IMPERSONATE_SERVICE_ACCOUNT": "GOOGLE_APPLICATION_CREDENTIALS may have an"
        " impersonated_service_account",
        "GCE_ACCESS_TOKEN": "an access token lives for an hour: give what makes new ones",
        "GCE_ALLOW_PRIVATE_ZONE": "no public CA can see a private zone; for a CA of your own, GCE_ZONE_ID"
        " takes one"
        " by its name",
    }
    remedies: ClassVar[Mapping[str, str]] = {
        r"insufficient authentication scopes": (
            "give the machine the scope https://www.googleapis.com/auth/ndev.clouddns.readwrite (stop it"
            " first), or set GCE_SERVICE_ACCOUNT"
        ),
    }
    overtaken = (404, 409, 412)  # 404: what was to be deleted is gone
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for what is no service account's key."""
        super().__init__(options)
        self._credentials = _credentials(options)
        if self._credentials and not (options.get("project") or self._credentials.project):
            raise ConfigError(
                "these credentials do not say which project the zones are in",
                "set GCE_PROJECT to the project's id",
            )
        self._pending: dict[str, list[str]] = defaultdict(list)

    def grant(self) -> Any:
        if self._credentials is None:
            return self._metadata("instance", "service-accounts", "default", "token")
        return self._credentials.grant(self, SCOPE)

    def is_rejection(self, status: int, body: Any) -> bool:
        """A quota that is used up is a 403 as well."""
        return super().is_rejection(status, body) and OVER_LIMIT.isdisjoint(_reasons(body))

    def request(self, method: str, path: Sequence[str], *args: Any, **more: Any) -> Any:
        """Raises Busy where a quota is used up."""
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

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get(*self._zones(), zone.id).get("nameServers", []))

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = [*self.items("rrsets", *self._zones(), zone.id, "rrsets", name=f"{name}.", type="TXT")]
        return RRset(tuple(found[0]["rrdatas"]), found[0]["ttl"]) if found else None

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        sides = {"deletions": old, "additions": new}
        change = {side: [_rrset(name, rrset)] for side, rrset in sides.items() if rrset}
        made = self.post(*self._zones(), zone.id, "changes", **change)
        self._pending[zone.id].append(made["id"])

    def wait_until_in_sync(self, zone: Zone) -> None:
        """Wait until Google has sent what was changed here to its name servers. Raises Busy."""
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
        return str(
            self._credentials.project if self._credentials else self._metadata("project", "project-id")
        )

    def _metadata(self, *path: str) -> Any:
        url = f"http://{self.given['metadata_host']}/computeMetadata/v1"
        return self.metadata(url, path, {"Metadata-Flavor": "Google"}, alt="json")


def _credentials(options: Mapping[str, str]) -> Credentials | None:
    """Those that are given. Raises ConfigError."""
    if text := options.get("service_account", ""):
        try:
            return ServiceAccountKey(json.loads(text))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise ConfigError(
                "GCE_SERVICE_ACCOUNT is not the key of a service account, in JSON",
                "GCE_SERVICE_ACCOUNT_FILE names the file that the console gave you for the key",
            ) from None
    path = options.get("credentials_file", "")
    return read_credentials(path) if path else None


def _reasons(body: Any) -> set[str]:
    """Google's own words for what an error is about."""
    error = body.get("error") if isinstance(body, dict) else None
    return {each.get("reason", "") for each in error.get("errors", ())} if isinstance(error, dict) else set()


def _rrset(name: str, rrset: RRset) -> Mapping[str, Any]:
    return {"name": f"{name}.", "type": "TXT", "ttl": rrset.ttl, "rrdatas": rrset.values}
