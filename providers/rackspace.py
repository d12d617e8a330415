"""Rackspace Cloud DNS, where every write is a job, done when the job says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import uniform
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from ..errors import AuthRejected, Busy, ConfigError, ProviderError, Transient, Unreachable
from ..secret import hide
from ._http.answers import NotFound, Refused, retry_after
from ._rackspace_credentials import read_credentials
from .base import Option, Profile, TxtRecord, Zone, ZoneProvider, unquoted

T = TypeVar("T")

PAGE = 100  # as many as one answer holds
JOB = 120.0  # seconds that a job may take; two or three are usual
PAUSE = 1.0  # seconds before a job is asked about (again)

UK = "https://lon.identity.api.rackspacecloud.com/v2.0"
CONTROL_PANEL = "compare with the domain's records in the control panel"
STATUS_PAGE = "try later; Rackspace's status page may know more"


class Provider(ZoneProvider):
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

    timeout = 30.0  # seconds without a byte
    budget = 60.0  # seconds that one request may spend on waiting for its turn
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError."""
        self._identity = Identity(*read_credentials(options), options["base_url"])
        self._client = httpx.Client(auth=self._identity)
        self._about = ""

    def zones(self) -> Iterable[Zone]:
        return self._zones()

    def zone_at(self, apex: str) -> Zone | None:
        return next((zone for zone in self._zones(name=apex) if zone.apex == apex), None)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Returns when the records are in the zone; Cloud DNS has no later word to wait for."""
        self._until_settled(
            zone,
            lambda: self._lacking(zone, records),
            lambda lacking: self._work("POST", _records(zone), json={"records": lacking}),
        )

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._until_settled(
            zone,
            lambda: self._ids(zone, records),
            lambda ids: self._work("DELETE", _records(zone), params={"id": ids}),
        )

    def attempt(self, about: str, step: Callable[[], T]) -> T:
        self._about = about
        try:
            return step()
        except (LookupError, TypeError) as error:
            raise ProviderError(
                f"{self.whose}: an answer about {about} is not what its API promises ({error!r})",
                f"compare with {self.docs}, and see that RACKSPACE_IDENTITY_URL is right",
            ) from error

    @property
    def whose(self) -> str:
        return f"{super().whose}, user {self._identity.user}"

    def _until_settled(
        self, zone: Zone, left: Callable[[], list[T]], change: Callable[[list[T]], object]
    ) -> None:
        """Change what is left to be changed. A refusal may mean that somebody else was faster, or
        that it was done by a request whose answer was lost: then less is left when we look again."""
        todo = self.attempt(zone.apex, left)
        while todo:
            try:
                for start in range(0, len(todo), PAGE):
                    self.attempt(zone.apex, partial(change, todo[start : start + PAGE]))
                return
            except Refused:
                still = self.attempt(zone.apex, left)
                if still == todo:
                    raise
                todo = still

    def _zones(self, **query: str) -> list[Zone]:
        domains = self._list("domains", "domains", **query)
        return [Zone(_text(domain["name"]), str(domain["id"])) for domain in domains]

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
        return [id for id, name, value, _ in self._texts(zone) if (name, value) in unwanted]

    def _texts(self, zone: Zone) -> list[tuple[str, str, str, int]]:
        """Id, name, value and TTL of every TXT record in the zone."""
        found = self._list(_records(zone), "records", type="TXT")
        return [(each["id"], _text(each["name"]), unquoted(each["data"]), each["ttl"]) for each in found]

    def _list(self, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            try:
                page = self._send("GET", path, params={**query, "limit": PAGE, "offset": len(found)})
            except NotFound:
                return list(found.values())
            before = len(found)
            found |= {str(item["id"]): item for item in page[key]}
            following = any(link["rel"] == "next" for link in page.get("links", ()))
            if not following and len(found) >= page.get("totalEntries", 0):
                return list(found.values())
            if len(found) == before:
                raise ProviderError(
                    f"{self.whose}: the list of {key} gives the same page again after {before}",
                    "try again later; if it stays so, Rackspace's support has to know",
                )

    def _work(self, method: str, path: str, **content: Any) -> None:
        """Have a job done."""
        job = self._send(method, path, **content)
        for _ in range(int(JOB / PAUSE)):
            self.sleep(PAUSE)
            job = self._send("GET", f"status/{job['jobId']}", params={"showDetails": "true"})
            if job["status"] == "COMPLETED":
                return
            if job["status"] == "ERROR":
                raise Refused(
                    f"{self.whose}: the job {job['jobId']} failed: {_words(job['error'])}",
                    CONTROL_PANEL,
                    200,
                    job,
                )
        raise Busy(
            f"{self.whose}: the job {job['jobId']} is still {job['status']} after {JOB:.0f} s",
            STATUS_PAGE,
        )

    def _send(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """The answer to a request, which is sent again within the budget while what it meets may
        pass. That does no harm even if it was carried out: the API refuses to have a record twice."""
        spent, pause = 0.0, 1.0
        while True:
            try:
                return self._send_once(method, path, **content)
            except Transient as failure:
                wish = failure.retry_after if isinstance(failure, Busy) else None
                wait = pause * uniform(0.5, 1) if wish is None else wish
                if spent + wait > self.budget:
                    raise
            self.sleep(wait)
            spent, pause = spent + wait, pause * 2

    def _send_once(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        self._client.timeout = self.timeout
        try:
            if not self._identity.endpoint:
                self._identity.accept(self._client.send(self._identity.request(), auth=None))
            response = self._client.request(method, f"{self._identity.endpoint}/{path}", **content)
        except httpx.RequestError as error:
            raise Unreachable(
                f"{self.whose}: no answer of {error.request.url.host}: {_cause(error)}",
                "see that this machine reaches it, by HTTPS_PROXY if there has to be a proxy",
            ) from error
        return _content(response, f"{self.whose}, for {self._about}")


class Identity(httpx.Auth):
    """A token for every request, got by the API key, and once more when it is no longer accepted."""

    requires_response_body = True

    def __init__(self, user: str, key: str, url: str) -> None:
        """Raises ConfigError."""
        self.user = user
        self.endpoint = ""  # of this user's DNS; known with the first token
        self._key = key
        self._token = ""
        self._url = url.rstrip("/").removesuffix("/tokens") + "/tokens"
        if not urlsplit(url).hostname or not url.startswith(("https://", "http://")):
            raise ConfigError(f"RACKSPACE_IDENTITY_URL: {url!r} is no address", "it begins with https://")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Auth-Token"] = self._token
        response = yield request
        if response.status_code == 401:
            self.accept((yield self.request()))
            request.headers["X-Auth-Token"] = self._token
            yield request

    def request(self) -> httpx.Request:
        """Asks for a token."""
        credentials = {"username": self.user, "apiKey": self._key}
        return httpx.Request("POST", self._url, json={"auth": {"RAX-KSKEY:apiKeyCredentials": credentials}})

    def accept(self, response: httpx.Response) -> None:
        """Take the token and the DNS endpoint from the answer. Raises ProviderError."""
        if response.status_code in (401, 403):
            raise AuthRejected(
                f"rackspace: {response.url.host} does not know the user {self.user} with this API key",
                "copy RACKSPACE_API_KEY from the control panel (My Profile, Rackspace API Key); "
                f"for an account of the UK, set RACKSPACE_IDENTITY_URL to {UK}",
            )
        access = _content(response, "rackspace, for a token")["access"]
        self._token = access["token"]["id"]
        hide(self._token)
        services = [service for service in access["serviceCatalog"] if service["name"] == "cloudDNS"]
        if not services:
            raise AuthRejected(
                f"rackspace: the account of {self.user} has no Cloud DNS",
                "use a user of the account that has it, with the role DNS Admin",
            )
        self.endpoint = services[0]["endpoints"][0]["publicURL"].rstrip("/")


def _content(response: httpx.Response, whose: str) -> dict[str, Any]:
    """The JSON object that a good answer holds. Raises what any other one means."""
    status, host, content = response.status_code, response.url.host, None
    with suppress(ValueError, RecursionError):
        content = response.json()
    call = f"{status}, {response.request.method} {response.url.path}"
    said = f"{_words(content) or response.reason_phrase} ({call})"
    match status:
        case 200 | 202 if isinstance(content, dict):
            return content
        case 200 | 202:
            what = "JSON that is cut off" if response.text.startswith("{") else "no JSON"
            raise ProviderError(
                f"{whose}: {host} answers with {what}",
                "something in between may answer in its place; see that RACKSPACE_IDENTITY_URL is right",
            )
        case 401 | 403:
            raise AuthRejected(
                f"{whose}: {said}; needed is {Provider.permission}",
                "give that role to the user in the control panel",
            )
        case 404:
            raise NotFound(f"{whose}: {said}", "is the domain still in the control panel?", status, content)
        case 413 | 429:
            raise Busy(
                f"{whose}: over the limit: {said}",
                "try later, or have Rackspace's support raise the limit",
                retry_after=_retry_after(response, content),
            )
        case _ if status >= 500:
            raise Unreachable(f"{whose}: {host} fails: {said}", STATUS_PAGE)
        case _:
            raise Refused(f"{whose}: refused: {said}", CONTROL_PANEL, status, content)


def _retry_after(response: httpx.Response, content: Any) -> float | None:
    """Seconds until there is room again, from the fault or from the header."""
    with suppress(LookupError, TypeError, ValueError):
        then = datetime.fromisoformat(content["overLimit"]["retryAfter"])
        return max(0.0, then.timestamp() - time.time())
    return retry_after(response.headers.get("Retry-After", ""))


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


def _cause(error: BaseException) -> str:
    """What lies at the bottom of an exception of httpx, which often says nothing itself."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _text(name: str) -> str:
    return name.rstrip(".").lower()


def _records(zone: Zone) -> str:
    return f"domains/{zone.id}/records"
