"""Azure DNS, whose RRsets have etags that guard them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from ..errors import AuthRejected
from ._azure_identity import IDENTITY, AzureIdentity
from ._character_strings import quoted, unquoted
from ._cloud import Cloud
from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, Zone, ancestors, relative
from .rest import NotFound, Refused, base_url, listed, next_link
from .rrsets import RRset

VERSION = {"api-version": "2018-05-01"}
LOST_RACES = {"Conflict", "PreconditionFailed"}  # with 409


class Provider(AzureIdentity, ChecksZoneIds, ShowsNameServers, Cloud):
    """With an application's secret, certificate or workload identity, or as the machine's own managed
    identity."""

    title = "Azure DNS"
    docs = "https://learn.microsoft.com/rest/api/dns/record-sets"
    permission = (
        "a custom role with Microsoft.Network/dnsZones/TXT/read, /write and /delete on the zone and"
        " Microsoft.Network/dnsZones/read on the resource group, or else on the subscription (on the zone"
        " alone"
        " where the resource group is configured, not at all where the zone's resource id is)"
    )
    options = (
        *IDENTITY,
        Option(
            "subscription_id",
            ("AZURE_SUBSCRIPTION_ID", "AZUREDNS_SUBSCRIPTIONID"),
            "that the zones are in",
            required=True,
        ),
        Option("resource_group", ("AZURE_RESOURCE_GROUP",), "that the zones are in, if it is but one"),
        base_url("AZURE_BASE_URL", "https://management.azure.com"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"perform action \S*dnsZones/read": (
            "where it may do so for the zone alone, set AZURE_RESOURCE_GROUP to the zone's, or write the"
            " zone's"
            " resource id into config.toml"
        ),
        r"resource ?group .*not be found": (
            "see that AZURE_RESOURCE_GROUP is the group of the zone, in AZURE_SUBSCRIPTION_ID"
        ),
        r"subscription .*not be found": (
            "see that AZURE_SUBSCRIPTION_ID is right, and that the identity may see the subscription"
        ),
        r"AADSTS7000215": (
            "give AZURE_CLIENT_SECRET the value of the secret, which is shown once, and not its id"
        ),
        r"AADSTS90002": (
            "see that AZURE_TENANT_ID is right, and AZURE_ENVIRONMENT, where it is not the public cloud"
        ),
        r"AADSTS700016": "see that AZURE_CLIENT_ID is right, and of the tenant AZURE_TENANT_ID",
    }
    unread: ClassVar[Mapping[str, str]] = {
        **AzureIdentity.unread,
        "AZURE_PRIVATE_ZONE": "private zones, which no public CA can see, are another API's",
    }
    least_ttl = 1
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._read: dict[str, Mapping[str, Any]] = {}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_link(page.get("nextLink"))

    def zone_for(self, name: str) -> Zone:
        """Asked for by its name where the list is refused: a role for the zone alone does not allow that."""
        try:
            return super().zone_for(name)
        except AuthRejected:
            if "resource_group" in self.given:
                for apex in ancestors(name):
                    with suppress(AuthRejected):
                        if found := self.attempt(
                            name, partial(self.get_if_there, *self._zones, apex, **VERSION)
                        ):
                            return Zone(apex, found["id"])
            raise

    def zones(self) -> Iterable[Zone]:
        """The public zones; private ones are another type of resource."""
        return [Zone(zone["name"], zone["id"]) for zone in self.items("value", *self._zones, **VERSION)]

    @property
    def _zones(self) -> tuple[str, ...]:
        group = ("resourceGroups", self.given["resource_group"]) if "resource_group" in self.given else ()
        subscription = ("subscriptions", self.given["subscription_id"])
        return (*subscription, *group, "providers", "Microsoft.Network", "dnsZones")

    def apex_with_id(self, id: str) -> str:
        """A resource's id is a path that ends in its name."""
        found = re.search(r"/dnsZones/([^/]+)/?$", id, re.IGNORECASE)
        return found[1] if found else ""

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get(*_path(zone), **VERSION)["properties"].get("nameServers", []))

    def read(self, zone: Zone, name: str) -> RRset | None:
        with suppress(NotFound):
            self._read[name] = found = self.get(*_rrset(zone, name), **VERSION)
            records = found["properties"].get("TXTRecords", ())
            values = tuple(" ".join(map(quoted, record["value"])) for record in records)
            return RRset(values, found["properties"]["TTL"])
        return None

    def check_zone(self, zone: Zone) -> None:
        self.get(*_path(zone), **VERSION)

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
    return (*_path(zone), "TXT", relative(name, zone.apex))


def _path(zone: Zone) -> list[str]:
    """The id of a zone is the path of a resource."""
    return zone.id.strip("/").split("/")


def _strings(value: str) -> list[str]:
    """The character-strings of a TXT record in master-file notation."""
    return [unquoted(string) for string in re.findall(r'"(?:[^"\\]|\\.)*"', value)]
