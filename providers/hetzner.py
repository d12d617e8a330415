"""Hetzner's Cloud API, which adds and removes single values of an RRset.

The API of the former DNS console is shut down, and its tokens are of no use here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from ..errors import Busy, ProviderError
from ._character_strings import quoted, unquoted
from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import after_writing
from .rest import NotFound, Refused, Rest, base_url

ACTION_POLL = 1.0  # seconds between two questions about an action, which takes 2 to 5
PASSING = {"conflict", "locked"}  # another action is at work; 409 and 423 have other reasons too
CHANGED_MEANWHILE = ("duplicate value", "differing record TTLs")


class Provider(Rest, ChecksZoneIds, ShowsNameServers):
    """With an API token of the project that has the zone."""

    title = "Hetzner"
    docs = "https://docs.hetzner.cloud/reference/cloud#dns"
    permission = "a Cloud API token with “Read & Write” for the zone's project (which had best have no other)"
    options = (
        Option(
            "token",
            ("HETZNER_API_TOKEN", "HCLOUD_TOKEN", "HETZNER_TOKEN"),
            "Cloud API token",
            required=True,
            secret=True,
        ),
        base_url("HCLOUD_ENDPOINT", "https://api.hetzner.cloud/v1"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"unable to authenticate": (
            "make a token in the Cloud Console, in the project that the zone is in, for {variables}: those of"
            " the former DNS console (dns.hetzner.com) are of no use"
        ),
    }
    profile = Profile(ttl=60)
    least_ttl = 60

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._actions: list[str] = []

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        following = page["meta"]["pagination"]["next_page"]
        return {"page": following} if following else {}

    def zones(self) -> Iterable[Zone]:
        """The primary zones: one that is copied from other servers takes no records."""
        found = self.items("zones", "zones", mode="primary", per_page=50)
        return [Zone(zone["name"], str(zone["id"])) for zone in found]

    def zone_at(self, apex: str) -> Zone | None:
        with suppress(NotFound):
            zone = self.get("zones", apex)["zone"]
            return Zone(apex, str(zone["id"])) if zone["mode"] == "primary" else None
        return None

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id)["zone"]["name"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        found = self.get_if_there("zones", zone.id, "rrsets", "@", "NS")
        return [record["value"] for record in found["rrset"]["records"]] if found else []

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().publish(zone, records)
        self._follow_all(zone)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().retract(zone, records)
        self._follow_all(zone)

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        present = self._values(zone, name)
        lacking = {record.value for record in wanted} - set(map(unquoted, present))
        if lacking:
            # An RRset that is there keeps its TTL: to say another one would be refused.
            ttl = {} if present else {"ttl": max(wanted[0].ttl, self.least_ttl)}
            self._act(zone, name, "add_records", map(quoted, sorted(lacking)), **ttl)

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        values = {record.value for record in unwanted}
        shown = self._values(zone, name)
        if not shown:
            self.apex_with_id(zone.id)  # of a zone in another project, it says the same
        if present := [value for value in shown if unquoted(value) in values]:
            with suppress(NotFound):
                self._act(zone, name, "remove_records", present)

    def _values(self, zone: Zone, name: str) -> list[str]:
        with suppress(NotFound):
            return [record["value"] for record in self.get(*_rrset(zone, name))["rrset"]["records"]]
        return []

    def _act(self, zone: Zone, name: str, verb: str, values: Iterable[str], **ttl: int) -> None:
        """Have values added or removed, all of them or none. What has changed since the reading may pass."""
        records = [{"value": value} for value in values]
        try:
            action = self.post(*_rrset(zone, name), "actions", verb, records=records, **ttl)["action"]
        except Refused as refusal:
            code = refusal.body["error"]["code"] if refusal.status in (409, 423) else ""
            if code in PASSING or any(words in str(refusal) for words in CHANGED_MEANWHILE):
                raise Busy(str(refusal), refusal.hint) from refusal
            raise
        self._actions.append(str(action["id"]))

    def _follow_all(self, zone: Zone) -> None:
        """Wait until the name servers have it: all actions are at work at the same time."""
        while self._actions:
            with after_writing():
                self.attempt(zone.apex, partial(self._follow, zone, self._actions.pop(0)))

    def _follow(self, zone: Zone, id: str) -> None:
        action = self.get("actions", id)["action"]
        about = f"{self.whose}: the action {id} ({action['command']}) for {zone.apex}"
        if action["status"] == "running":
            raise Busy(
                f"{about} takes long", "see the zone's status in the Cloud Console", retry_after=ACTION_POLL
            )
        if action["status"] != "success":
            raise ProviderError(
                f"{about} failed: {self.words(action)}", "try again, or see the zone in the Cloud Console"
            )


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    return ("zones", zone.id, "rrsets", relative(name, zone.apex), "TXT")
