"""ClouDNS, record by record.

Facts: https://www.cloudns.net/wiki/article/42/ (errors and credentials), 57 (records), 188 (TTLs).
Unverified: what a duplicate gets, and a record that is gone; both are found out by reading again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigError
from ._name_servers import ListsNameServers
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url

ROWS = 100  # on a page, at most
TTLS = (60, 300, 900, 1800, 3600, 21600, 43200, 86400, 172800, 259200, 604800, 1209600, 2419200)  # seconds
USERS = {"id": "auth-id", "sub_id": "sub-auth-id", "sub_user": "sub-auth-user"}


class Provider(Rest, ListsNameServers, RecordProvider):
    """With an API user or an API sub-user, and its password."""

    title = "ClouDNS"
    docs = "https://www.cloudns.net/wiki/article/42/"
    permission = (
        "an API user of a paid plan, better a sub-user to whom the zone is delegated, with this machine's"
        " address among those it may come from"
    )
    options = (
        Option("sub_id", ("CLOUDNS_SUB_AUTH_ID",), "number of an API sub-user"),
        Option("password", ("CLOUDNS_AUTH_PASSWORD",), "the user's password", secret=True),
        Option("sub_user", ("CLOUDNS_SUB_AUTH_USER",), "instead of sub_id: the sub-user's name"),
        Option("id", ("CLOUDNS_AUTH_ID",), "instead of sub_id: number of an API user"),
        base_url("CLOUDNS_BASE_URL", "https://api.cloudns.net/dns"),
    )
    least_ttl = TTLS[0]

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError unless there is a user; of several, the one with the least rights counts."""
        super().__init__(options)
        given = [key for key in USERS if options.get(key)]
        if not given:
            raise ConfigError(
                "ClouDNS wants an API user: CLOUDNS_AUTH_ID, CLOUDNS_SUB_AUTH_ID or CLOUDNS_SUB_AUTH_USER",
                "set one of them; a sub-user, who sees but the zones that are delegated to it, is best",
            )
        self._user = {USERS[given[-1]]: options[given[-1]], "auth-password": options["password"]}

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are among the parameters

    def status_of(self, status: int, body: Any) -> int:
        """The status by what the answer says: all errors come as 200."""
        if status != 200 or not isinstance(body, dict) or body.get("status") != "Failed":
            return status
        if self.words(body).startswith("Invalid authentication"):
            return 401
        return 404 if self.words(body) == "Missing domain-name" else 400

    def words(self, body: Any) -> str:
        return str(body.get("statusDescription", ""))

    def get(self, *path: str, **query: Any) -> Any:
        """Ask by POST, since a password is better no part of a URL."""
        return self.request("POST", path, form={**query, **self._user})

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if len(page) == ROWS else {}

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("list-zones.json", **{"page": 1, "rows-per-page": ROWS}):
            yield from (Zone(zone["name"]) for zone in page if zone["type"] == "master")

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("get-zone-info.json", **_of(Zone(apex)))
        return Zone(found["name"]) if found and found["type"] == "master" else None

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        """The records at the name; where there is none, an empty list stands for the object."""
        host = relative(name, zone.apex, "")
        wanted = {"type": type, **({"host": host} if host else {})}
        found = self.get("records.json", **_of(zone), **wanted)
        if found == []:
            return
        if not found:
            raise LookupError(found)
        for id, record in found.items():
            if (record["type"], record["host"]) == (type, host):
                yield id, record["record"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"record-type": "TXT", "host": relative(record.name, zone.apex, ""), "record": record.value}
        ttl = next((ttl for ttl in TTLS if ttl >= record.ttl), TTLS[-1])
        with self.unless(lambda: self.lists(zone, record)):
            self.get("add-record.json", **_of(zone), **fields, ttl=ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.get("delete-record.json", **_of(zone), **{"record-id": id})


def _of(zone: Zone) -> Mapping[str, str]:
    return {"domain-name": zone.apex}
