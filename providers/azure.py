"""Azure DNS, whose RRsets have etags that guard them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ..errors import Busy, ConfigError
from ._cloud import Cloud
from .base import Option, RRset, Zone, ZoneApex, quoted, relative, unquoted
from .rest import NotFound, Refused, base_url, next_link

VERSION = {"api-version": "2018-05-01"}
IMDS_VERSION = "2018-02-01"
LOST_RACES = {"Conflict", "PreconditionFailed"}  # with 409
RESTARTING = (404, 410)  # says IMDS; 70 seconds at most


class Provider(Cloud):
    """With an application's secret, or as the machine's own managed identity."""

    title = "Azure DNS"
    docs = "https://learn.microsoft.com/rest/api/dns/record-sets"
    permission = (
        "a custom role with Microsoft.Network/dnsZones/TXT/read, /write and /delete on the zone and"
        " Microsoft.Network/dnsZones/read on the resource group, or else on the subscription"
        " (not that where the zone's resource id is configured)"
    )
    options = (
        Option(
            "client_id",
            ("AZURE_CLIENT_ID", "AZUREDNS_APPID"),
            "of the application, or of one identity of several",
        ),
        Option("client_secret", ("AZURE_CLIENT_SECRET", "AZUREDNS_CLIENTSECRET"), "its secret", secret=True),
        Option("tenant_id", ("AZURE_TENANT_ID", "AZUREDNS_TENANTID"), "with the secret: its tenant"),
        Option(
            "subscription_id",
            ("AZURE_SUBSCRIPTION_ID", "AZUREDNS_SUBSCRIPTIONID"),
            "that the zones are in",
            required=True,
        ),
        Option("resource_group", ("AZURE_RESOURCE_GROUP",), "that the zones are in, if it is but one"),
        Option(
            "authority",
            ("AZURE_AUTHORITY_HOST",),
            "with the secret: who issues tokens (login.microsoftonline.us, login.chinacloudapi.cn)",
            default="https://login.microsoftonline.com",
        ),
        Option(
            "metadata",
            ("AZURE_METADATA_ENDPOINT",),
            "without the secret: who knows the machine's identity",
            default="http://169.254.169.254",
        ),
        base_url("AZURE_BASE_URL", "https://management.azure.com"),
    )
    least_ttl = 1
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a secret without what it belongs to."""
        super().__init__(options)
        if "client_secret" in options and not (options.get("client_id") and options.get("tenant_id")):
            raise ConfigError(
                "AZURE_CLIENT_SECRET is of no use without AZURE_CLIENT_ID and AZURE_TENANT_ID",
                "the portal shows them in the application's overview",
            )
        self._read: dict[str, Mapping[str, Any]] = {}

    def grant(self) -> Any:
        if "client_secret" not in self.given:
            return self._own_identity()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.given["client_id"],
            "client_secret": self.given["client_secret"],
            "scope": f"{self._base}/.default",
        }
        issuer = self.issuer(self.given["authority"])
        return issuer.request("POST", (self.given["tenant_id"], "oauth2", "v2.0", "token"), form=form)

    def _own_identity(self) -> Any:
        which = {"client_id": self.given["client_id"]} if "client_id" in self.given else {}
        query = {"api-version": IMDS_VERSION, "resource": f"{self._base}/", **which}
        path = ("metadata", "identity", "oauth2", "token")
        try:
            return self.metadata(self.given["metadata"], path, {"Metadata": "true"}, **query)
        except Refused as refusal:
            if refusal.status not in RESTARTING:
                raise
            raise Busy(str(refusal), "try again in a minute") from None

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_link(page.get("nextLink"))

    def zones(self) -> Iterable[Zone]:
        """Private zones are another type of resource."""
        group = ("resourceGroups", self.given["resource_group"]) if "resource_group" in self.given else ()
        place = ("subscriptions", self.given["subscription_id"], *group, "providers", "Microsoft.Network")
        return [Zone(zone["name"], zone["id"]) for zone in self.items("value", *place, "dnsZones", **VERSION)]

    def apex_of(self, zone: Zone) -> ZoneApex:
        hosts = self.get(zone.id, **VERSION)["properties"].get("nameServers", ())
        return ZoneApex(tuple(host.rstrip(".").lower() for host in hosts))

    def read(self, zone: Zone, name: str) -> RRset | None:
        with suppress(NotFound):
            self._read[name] = found = self.get(*_rrset(zone, name), **VERSION)
            records = found["properties"].get("TXTRecords", ())
            values = tuple(" ".join(map(quoted, record["value"])) for record in records)
            return RRset(values, found["properties"]["TTL"])
        return None

    def is_lost_race(self, refusal: Refused) -> bool:
        """409 is about locks and the like as well, which no repetition opens (ScopeLocked)."""
        return refusal.status == 412 or _code(refusal.body) in LOST_RACES

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """What is not said of an RRset is taken from it, so its metadata is said again."""
        guard = {"If-Match": self._read[name]["etag"]} if old else {"If-None-Match": "*"}
        if new is None:
            self.request("DELETE", _rrset(zone, name), VERSION, headers=guard)
            return
        kept = self._read[name]["properties"].get("metadata", {}) if old else {}
        records = [{"value": _strings(value)} for value in new.values]
        properties = {"metadata": kept, "TTL": new.ttl, "TXTRecords": records}
        self.request("PUT", _rrset(zone, name), VERSION, {"properties": properties}, headers=guard)


def _code(body: Any) -> str:
    """Azure's own word for what an error is about."""
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    """The id of a zone is the path of a resource."""
    return (*zone.id.strip("/").split("/"), "TXT", relative(name, zone.apex))


def _strings(value: str) -> list[str]:
    """The character-strings of a TXT record in master-file notation."""
    return [unquoted(string) for string in re.findall(r'"(?:[^"\\]|\\.)*"', value)]
