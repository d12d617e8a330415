"""Azure DNS, whose RRsets have etags that guard them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import Busy, ConfigError
from ..secret import hide, shown
from ._cloud import Cloud
from .base import Option, Zone, ZoneApex, quoted, relative, unquoted
from .rest import NotFound, Refused, base_url, next_link
from .rrsets import RRset

VERSION = {"api-version": "2018-05-01"}
IMDS_VERSION = "2018-02-01"
LOST_RACES = {"Conflict", "PreconditionFailed"}  # with 409
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2
CLOUDS = {  # who issues tokens, and where the API is
    "public": ("https://login.microsoftonline.com", "https://management.azure.com"),
    "usgovernment": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
    "china": ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
}
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
            "federated_token_file",
            ("AZURE_FEDERATED_TOKEN_FILE",),
            "in place of the secret: the file of a workload identity's token",
        ),
        Option("environment", ("AZURE_ENVIRONMENT",), f"{', '.join(CLOUDS)}: which of Azure's clouds"),
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
        """Raises ConfigError for a secret without what it belongs to, and for a cloud that is none."""
        super().__init__(_in_cloud(options))
        is_application = {"client_secret", "federated_token_file"} & options.keys()
        if is_application and not (options.get("client_id") and options.get("tenant_id")):
            raise ConfigError(
                "AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE is of no use without AZURE_CLIENT_ID and"
                " AZURE_TENANT_ID",
                "the portal shows them in the application's overview",
            )
        self._read: dict[str, Mapping[str, Any]] = {}

    def grant(self) -> Any:
        if "client_secret" in self.given:
            proof = {"client_secret": self.given["client_secret"]}
        elif "federated_token_file" in self.given:
            proof = {"client_assertion_type": ASSERTION, "client_assertion": self._federated_token()}
        else:
            return self._own_identity()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.given["client_id"],
            "scope": f"{self._base}/.default",
            **proof,
        }
        issuer = self.issuer(self.given["authority"])
        return issuer.request("POST", (self.given["tenant_id"], "oauth2", "v2.0", "token"), form=form)

    def _federated_token(self) -> str:
        """It is replaced every hour or so. Raises ConfigError."""
        path = self.given["federated_token_file"]
        try:
            token = Path(path).read_text().strip()
        except (OSError, ValueError):
            raise ConfigError(
                f"AZURE_FEDERATED_TOKEN_FILE: {shown(path)} cannot be read",
                "the webhook of workload identities puts it into the pod of a labelled service account",
            ) from None
        hide(token)
        return token

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


def _in_cloud(options: Mapping[str, str]) -> Mapping[str, str]:
    """The options, with the addresses of the cloud that they name, unless they have others."""
    if not (name := options.get("environment", "")):
        return options
    wanted = name.lower().removeprefix("azure").removesuffix("cloud") or "public"
    if wanted not in CLOUDS:
        raise ConfigError(f"AZURE_ENVIRONMENT: there is no cloud {name!r}", f"there are {', '.join(CLOUDS)}")
    usual, places = CLOUDS["public"], dict(zip(("authority", "base_url"), CLOUDS[wanted], strict=True))
    return {**options, **{key: url for key, url in places.items() if options.get(key) in (None, *usual)}}


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
