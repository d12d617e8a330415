"""mittwald mStudio, which replaces RRsets and keeps those of each name in an object of its own.

The API calls such an object a zone. One is made for a name that has none, and stays there without records:
what comes to a name that has one is on the name servers in half the time.

Unverified: that the list of domains has no pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import AuthRejected, Busy
from .base import Option, Profile, Zone, a_labels, relative
from .rest import NotFound, Refused, Rest, base_url, listed
from .rrsets import RRset, RRsetProvider

AUTO = 0  # the TTL of an RRset that leaves it to mittwald, which serves 60 s


class Provider(Rest, RRsetProvider):
    """With a user's API token."""

    title = "mittwald"
    docs = "https://developer.mittwald.de/docs/v2/reference/domain/"
    permission = "an API token that may write, of a user who has access to the domain's project"
    options = (
        Option("token", ("MITTWALD_TOKEN",), "API token", required=True, secret=True),
        base_url("MITTWALD_BASE_URL", "https://api.mittwald.de/v2"),
    )
    profile = Profile(timeout=900)
    least_ttl = 60

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._objects: dict[str, Mapping[str, Any]] = {}
        self._event = ""  # of the last write, which what follows has to know of

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        event = {"If-Event-Reached": self._event} if self._event else {}
        return {**super().credentials(method, url, body), **event}

    def request(self, method: str, path: Sequence[str], *args: Any, **more: Any) -> Any:
        """Raises Busy as well where a server does not know of the last write yet."""
        try:
            answer = super().request(method, path, *args, **more)
        except Refused as refusal:
            if refusal.status == 412 and refusal.body["type"] == "FailedPrecondition":
                raise Busy(str(refusal), "try again in a minute") from refusal
            raise
        if method != "GET":
            self._event = self.answer_headers.get("ETag", self._event)
        return answer

    def zones(self) -> Iterable[Zone]:
        found = listed(self.get("domains"))
        return [Zone(domain["domain"], domain["projectId"]) for domain in found if domain.get("projectId")]

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = listed(self.get("projects", zone.id, "dns-zones"))
        self._objects = {a_labels(each["domain"]): each for each in found}
        texts = self._objects[name]["recordSet"]["txt"] if name in self._objects else {}
        if not texts.get("entries"):
            return None
        return RRset(tuple(listed(texts["entries"])), texts["settings"]["ttl"].get("seconds", AUTO))

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        is_new = name not in self._objects
        id = self._make(zone, name) if is_new else self._objects[name]["id"]
        body: Mapping[str, Any] = {}
        if new:
            ttl = {"auto": True} if new.ttl == AUTO else {"seconds": new.ttl}
            body = {"entries": new.values, "settings": {"ttl": ttl}}
        try:
            self.request("PUT", ("dns-zones", id, "record-sets", "txt"), body=body)
        except (AuthRejected, NotFound) as error:
            if not is_new:
                raise
            # Whose it is becomes known a moment after it is there.
            raise Busy(str(error), error.hint) from error

    def _make(self, zone: Zone, name: str) -> str:
        """Make the object of a name. Raises Busy if somebody else has just made it."""
        within, parent = relative(name, zone.apex), self._objects[zone.apex]["id"]
        try:
            made = self.post("dns-zones", name=within, parentZoneId=parent)
        except Refused as refusal:
            if refusal.status == 409:
                raise Busy(str(refusal), refusal.hint) from refusal
            raise
        return str(made["id"])
