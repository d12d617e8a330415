"""Rackspace Cloud DNS, where every write is a job, done when the job says so.

It has 110 lines and more since its tokens, which come with the address of the DNS, its jobs and its
faults are like nobody else's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import AuthRejected, Busy, ConfigError
from ..secret import hide
from ._character_strings import unquoted
from ._http.body import UnreadableAnswer
from ._http.responses import NotFound, Refused
from ._name_servers import ShowsNameServers
from ._rackspace_credentials import read_credentials
from ._zone_ids import ChecksZoneIds
from .base import Option, Profile, TxtRecord, Zone, dns_name
from .records import after_writing
from .rest import OTHER_SHAPE, Rest, listed

T = TypeVar("T")

PAGE = 100  # as many as one answer holds, and as one job takes
JOB_TIMEOUT = 120.0  # seconds that a job may take; two or three are usual
JOB_POLL = 1.0  # seconds before a job is asked about (again)

UK = "https://lon.identity.api.rackspacecloud.com/v2.0"
CONTROL_PANEL = "compare with the domain's records in the control panel"


class Provider(Rest, ChecksZoneIds, ShowsNameServers):
    """The Cloud DNS of one Rackspace user."""

    title = "Rackspace Cloud DNS"
    docs = "https://docs.rackspace.com/reference/cloud-dns-domains-operations"
    permission = "the role DNS Admin (a DNS Creator may add records, but not remove them)"
    options = (
        Option("user", ("RACKSPACE_USER",), "the user's name"),
        Option("api_key", ("RACKSPACE_API_KEY",), "the user's API key", secret=True),
        Option("credentials", ("PYRAX_CREDS",), "in place of both: a credentials file as pyrax has it"),
        Option(
            "base_url",
            ("RACKSPACE_IDENTITY_URL",),
            f"address of the identity service; UK accounts: {UK}",
            default="https://identity.api.rackspacecloud.com/v2.0",
        ),
    )
    least_ttl = 300
    profile = Profile(ttl=least_ttl)

    budget = 60.0  # seconds that a step may take until it is no longer repeated

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError."""
        user, key = read_credentials(options)
        super().__init__({**options, "user": user, "api_key": key})
        self._token = ""
        self._identity = _tokens_url(options["base_url"])
        self._base = self._identity.removesuffix("/tokens")  # until the first token says where the DNS is

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-Auth-Token": self._token}

    def request(self, method: str, path: Sequence[str], *args: Any, **more: Any) -> Any:
        """With a token, and with a new one if it is no longer accepted."""
        in_use = self._token
        if not in_use:
            self._log_in()
        try:
            return super().request(method, path, *args, **more)
        except AuthRejected:
            if not in_use:
                raise
        self._log_in()
        return super().request(method, path, *args, **more)

    def status_of(self, status: int, body: Any) -> int:
        """413 is what its limit of requests has, beside 429."""
        return 429 if status == 413 else status

    def pause_wanted(self, headers: Mapping[str, str], body: Any) -> float | None:
        """The seconds to wait, until a time that is in the body of the answer."""
        with suppress(*OTHER_SHAPE):
            then = datetime.fromisoformat(body["overLimit"]["retryAfter"])
            return max(0.0, then.timestamp() - time.time())
        return super().pause_wanted(headers, body)

    def words(self, body: Any) -> str:
        return _words(body)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = next(len(items) for items in page.values() if isinstance(items, list))
        following = asked["offset"] + shown
        more = (
            any(link["rel"] == "next" for link in page.get("links", ())) or following < page["totalEntries"]
        )
        return {"offset": following} if more else {}

    def zones(self) -> Iterable[Zone]:
        return self._zones()

    def zone_at(self, apex: str) -> Zone | None:
        return next((zone for zone in self._zones(name=apex) if zone.apex == apex), None)

    def apex_with_id(self, id: str) -> Any:
        return self.get("domains", id, showRecords="false", showSubdomains="false")["name"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        found = self.get("domains", zone.id, showRecords="false", showSubdomains="false")
        return [server["name"] for server in listed(found["nameservers"])]

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Returns when the records are in the zone; Cloud DNS has no later word to wait for."""
        self._until_done(
            zone,
            lambda: self._lacking(zone, records),
            lambda lacking: self._work("POST", zone, body={"records": lacking}),
        )

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._until_done(
            zone,
            lambda: self._ids(zone, records),
            lambda ids: self._work("DELETE", zone, query={"id": ids}),
        )

    @property
    def whose(self) -> str:
        """With the user, for an account has several."""
        return f"{super().whose}, user {self.given['user']}"

    def _until_done(
        self, zone: Zone, left: Callable[[], list[T]], change: Callable[[list[T]], object]
    ) -> None:
        self.attempt(zone.apex, partial(self._change_all, left, change))

    def _change_all(self, left: Callable[[], list[T]], change: Callable[[list[T]], object]) -> None:
        """Change what is left to be changed. A refusal may mean that somebody else was faster, or
        that it was done by a request whose answer was lost: then less is left at the next reading."""
        todo = left()
        while todo:
            try:
                for start in range(0, len(todo), PAGE):
                    change(todo[start : start + PAGE])
                return
            except Refused:
                still = left()
                if still == todo:
                    raise
                todo = still

    def _zones(self, **query: str) -> list[Zone]:
        domains = self._list("domains", "domains", **query)
        return [Zone(dns_name(domain["name"]), str(domain["id"])) for domain in domains]

    def _lacking(self, zone: Zone, records: Sequence[TxtRecord]) -> list[dict[str, Any]]:
        """The records that the zone does not have, in the API's form, with their RRset's TTL."""
        texts = self._texts(zone)
        present = {(name, value) for _, name, value, _ in texts}
        ttls = {name: ttl for _, name, _, ttl in texts}
        return [
            {"type": "TXT", "name": name, "data": value, "ttl": ttls.get(name, max(ttl, self.least_ttl))}
            for name, value, ttl in dict.fromkeys(records)
            if (name, value) not in present
        ]

    def _ids(self, zone: Zone, records: Sequence[TxtRecord]) -> list[str]:
        unwanted = {(record.name, record.value) for record in records}
        texts = self._texts(zone)
        if not texts:
            self.apex_with_id(zone.id)  # of a zone that is not shown, it says the same
        return [id for id, name, value, _ in texts if (name, value) in unwanted]

    def _texts(self, zone: Zone) -> list[tuple[str, str, str, int]]:
        """Id, name, value and TTL of every TXT record in the zone."""
        found = self._list("records", *_records(zone), type="TXT")
        return [(each["id"], dns_name(each["name"]), unquoted(each["data"]), each["ttl"]) for each in found]

    def _list(self, key: str, *path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list; 404 is what an empty one has."""
        with suppress(NotFound):
            return list(self.items(key, *path, **query, limit=PAGE, offset=0))
        return []

    def _work(self, method: str, zone: Zone, **content: Any) -> None:
        """Have a job done. Raises Refused if it fails, Busy if it takes too long."""
        job = self.request(method, _records(zone), **content)
        for _ in range(int(JOB_TIMEOUT / JOB_POLL)):
            self.sleep(JOB_POLL)
            with after_writing():
                job = self.get("status", job["jobId"], showDetails="true")
            if job["status"] == "COMPLETED":
                return
            if job["status"] == "ERROR":
                reason = self._clean(_words(job["error"]))
                raise Refused(
                    f"{self.whose}: the job {job['jobId']} failed: {reason}", CONTROL_PANEL, 200, job
                )
        raise Busy(
            f"{self.whose}: the job {job['jobId']} is still {job['status']} after {JOB_TIMEOUT:.0f} s",
            "try later; Rackspace's status page may know more",
            retry_after=self.budget,
        )

    def _log_in(self) -> None:
        """Get a token by the API key, and with it the address of this user's DNS. Raises ProviderError."""
        access = self._token_for({"username": self.given["user"], "apiKey": self.given["api_key"]})["access"]
        services = [service for service in access["serviceCatalog"] if service["name"] == "cloudDNS"]
        if not services:
            raise AuthRejected(
                f"{self.whose}: the account has no Cloud DNS",
                "use a user of the account that has it, with the role DNS Admin",
            )
        self._token = str(access["token"]["id"])
        self._secrets.append(self._token)
        hide(self._token)
        self._base = str(services[0]["endpoints"][0]["publicURL"]).rstrip("/")

    def _token_for(self, credentials: Mapping[str, str]) -> Any:
        """What the identity service answers."""
        import httpx  # what else this module needs has no use for it

        from ._http.httpx_post import open_client, post

        self._base = self._identity.removesuffix("/tokens")
        sought = {"auth": {"RAX-KSKEY:apiKeyCredentials": credentials}}
        try:
            with open_client(self.timeout) as client:
                response = post(client, self._identity, self.timeout, self.largest, json=sought)
        except UnreadableAnswer as reason:
            raise self._sent.unreadable("POST /tokens", str(reason)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._sent.failed_with_httpx(error) from None
        try:
            return self._content(response, "POST /tokens")
        except AuthRejected:
            raise AuthRejected(
                f"{self.whose}: {self._host} does not know the user {self.given['user']} with this API key"
                f" ({response.status})",
                "copy RACKSPACE_API_KEY from the control panel (My Profile, Rackspace API Key); "
                f"for an account of the UK, set RACKSPACE_IDENTITY_URL to {UK}",
            ) from None


def _tokens_url(url: str) -> str:
    """Where tokens are had; lego and pyrax write the address with and without the end."""
    with suppress(ValueError):
        if urlsplit(url).hostname and url.startswith(("https://", "http://")):
            return url.rstrip("/").removesuffix("/tokens") + "/tokens"
    raise ConfigError(f"RACKSPACE_IDENTITY_URL: {url!r} is no address", "it begins with https://")


def _words(fault: object) -> str:
    """What a fault says of itself, its details, and every item that failed."""
    match fault:
        case str():
            return fault
        case list():
            parts = fault
        case dict():
            parts = [part for key, part in fault.items() if key != "retryAfter"]
        case _:
            return ""
    return "; ".join(dict.fromkeys(filter(None, map(_words, parts))))


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domains", zone.id, "records")
