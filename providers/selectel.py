"""Selectel's DNS hosting (API v2, the “actual” one), which replaces whole RRsets.

Facts: https://developers.selectel.com/docs/cloud-services/dns_api/dns_api_actual/ and Selectel's own
client; names are in U-labels there, and end with a dot. Unverified: what creating an RRset gets where
there is one by now. The zones of the former API (v1, “legacy”) are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._character_strings import quoted
from ._tokens import Tokens
from ._zone_ids import ChecksZoneIds
from .base import Option, Zone, dns_name, u_labels
from .rest import base_url
from .rrsets import RRset, RRsetProvider

PAGE = 1000
TOKEN_LIFETIME = 3600  # seconds that one is used; Selectel's last a day


class Provider(Tokens, ChecksZoneIds, RRsetProvider):
    """With a service user of a project, for whom Keystone grants a token."""

    title = "Selectel"
    docs = "https://developers.selectel.com/docs/cloud-services/dns_api/dns_api_actual/"
    permission = "a service user with the role “member” in the project that the zone is in, and no other"
    options = (
        Option("user", ("SELECTELV2_USERNAME", "SL_Login_Name"), "service user", required=True),
        Option("password", ("SELECTELV2_PASSWORD", "SL_Pswd"), "its password", required=True, secret=True),
        Option("account", ("SELECTELV2_ACCOUNT_ID", "SL_Login_ID"), "number of the account", required=True),
        Option("project_id", ("SELECTELV2_PROJECT_ID",), "id of the project", required=True),
        Option("user_domain", ("SELECTELV2_USER_DOMAIN_NAME",), "the user's account, if it is another one"),
        Option(
            "auth_url",
            ("SELECTELV2_AUTH_URL",),
            "address of Keystone",
            default="https://cloud.api.selcloud.ru/identity/v3",
        ),
        base_url("SELECTELV2_BASE_URL", "https://api.selectel.ru/domains/v2"),
    )
    least_ttl = 60
    spell = staticmethod(quoted)

    def grant(self) -> Any:
        domain = {"name": self.given.get("user_domain") or self.given["account"]}
        user = {"name": self.given["user"], "domain": domain, "password": self.given["password"]}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": self.given["project_id"]}}}}
        path, keystone = ("auth", "tokens"), self.issuer(self.given["auth_url"])
        token = keystone.request("POST", path, body=body, wanted="X-Subject-Token")
        return {"access_token": token, "expires_in": TOKEN_LIFETIME}

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-Auth-Token": self.token()}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"offset": page["next_offset"]} if page["next_offset"] else {}

    def zones(self) -> Iterable[Zone]:
        found = self.items("result", "zones", limit=PAGE, offset=0)
        return [Zone(zone["name"], zone["id"]) for zone in found]

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id)["name"]

    def read(self, zone: Zone, name: str) -> RRset | None:
        wanted = {"name": u_labels(name), "rrset_types": "TXT"}  # a part of the name would do as well
        for rrset in self.items("result", *_rrsets(zone), **wanted, limit=PAGE, offset=0):
            if (rrset["type"], dns_name(rrset["name"])) == ("TXT", name):
                records = rrset["records"]
                return RRset(tuple(each["content"] for each in records), rrset["ttl"], tuple(records), rrset)
        return None

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """A record that is switched off has to be written back as such, and a comment as it is."""
        path = (*_rrsets(zone), *([old.whole["id"]] if old else []))
        if not new:
            self.delete_at(*path)
            return
        fields = {"ttl": new.ttl, "records": new.items_after(old, lambda value: {"content": value})}
        if old and old.whole.get("comment"):
            fields["comment"] = old.whole["comment"]
        if not old:
            fields |= {"name": f"{u_labels(name)}.", "type": "TXT"}
        with self.unless(lambda: self.is_overtaken(zone, name, old)):
            self.request("PATCH" if old else "POST", path, body=fields)


def _rrsets(zone: Zone) -> tuple[str, ...]:
    return ("zones", zone.id, "rrset")
