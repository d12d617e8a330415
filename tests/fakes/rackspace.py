"""Rackspace's identity service and its Cloud DNS, as far as domains and TXT records go
(https://docs.rackspace.com/reference/cloud-dns-domains-operations)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from . import Answer, Fake, Record, Refusal, Request, route

TENANT = "1100111"
PAGE = 100


class Conflict(Exception):
    """A job fails; the items that are at fault, each with a code."""

    def __init__(self, *faults: tuple[int, str]) -> None:
        self.faults = faults


class Rackspace(Fake):
    """Every write is a job, carried out when it has been asked about ``polls`` times.

    ``expire()`` makes every token bad; ``job_fails`` has the next job end in such an error;
    ``retry_after`` (epoch seconds) is what it says over the limit; ``finish()`` has all jobs done.
    """

    hosts = ("identity.api.rackspacecloud.com", "dns.api.rackspacecloud.com")
    user = "jdoe"
    token = "0123456789abcdef0123456789abcdef"  # the API key
    polls = 2

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.retry_after = 0.0
        self.job_fails: list[tuple[int, str]] = []
        self.services = ["cloudServers", "cloudDNS"]
        self.logins = 0
        self._tokens: set[str] = set()
        self._jobs: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        super().__enter__()
        handler: Any = self._server.RequestHandlerClass

        class ManyIds(handler):
            """A query may have many ids; here they come as one, with commas between."""

            def parse_request(self) -> bool:
                good: bool = super().parse_request()
                self.path = self.path.replace("&id=", ",")
                return good

        self._server.RequestHandlerClass = ManyIds
        return self

    @property
    def identity_url(self) -> str:
        return f"{self.url}/v2.0"

    def expire(self) -> None:
        self._tokens.clear()

    def finish(self) -> None:
        for state in self._jobs.values():
            if state["status"] in ("INITIALIZED", "RUNNING"):
                self._carry_out(state)

    def admit(self, request: Request) -> None:
        if request.path != "/v2.0/tokens" and request.headers.get("X-Auth-Token") not in self._tokens:
            raise Refusal(401, "No valid token provided. Please use the 'X-Auth-Token' header.")

    def error(self, refusal: Refusal) -> Any:
        names = {400: "badRequest", 401: "unauthorized", 404: "itemNotFound", 413: "overLimit"}
        name = names.get(refusal.status, "dnsFault")
        fault = {"code": refusal.status, "message": name, "details": refusal.message}
        if refusal.status != 413:
            return fault
        again = {"retryAfter": f"{datetime.fromtimestamp(self.retry_after, UTC):%Y-%m-%dT%H:%M:%SZ}"}
        return {"overLimit": {**fault, **(again if self.retry_after else {})}}

    @route("POST", "/v2.0/tokens", fields={"auth": dict}, writes=False)
    def log_in(self, request: Request) -> Answer:
        if request.body["auth"] != {
            "RAX-KSKEY:apiKeyCredentials": {"username": self.user, "apiKey": self.token}
        }:
            raise Refusal(401, "Unable to authenticate user with credentials provided.")
        self.logins += 1
        token = f"AAD-token-{self.logins}-0123456789"
        self._tokens.add(token)
        endpoint = {"tenantId": TENANT, "publicURL": f"{self._dns_url}/v1.0/{TENANT}"}
        catalog = [{"name": name, "type": f"rax:{name}", "endpoints": [endpoint]} for name in self.services]
        return Answer(
            200, {"access": {"token": {"id": token}, "serviceCatalog": catalog, "user": {"id": "1"}}}
        )

    @route("GET", "/v1.0/{tenant}/domains", query=["name", "limit", "offset"])
    def list_domains(self, request: Request, tenant: str) -> Answer:
        name = request.query.get("name")
        domains = [
            {"id": zone.id, "name": zone.apex, "accountId": int(tenant)}
            for zone in self.zones.values()
            if name is None or zone.apex == name
        ]
        return self._page(request, "domains", domains)

    @route("GET", "/v1.0/{tenant}/domains/{id}", query=["showRecords", "showSubdomains"])
    def show_domain(self, request: Request, tenant: str, id: str) -> Answer:
        about = {"id": id, "name": self._domain(id).apex, "accountId": int(tenant), "ttl": 3600}
        return Answer(200, {**about, "nameservers": [{"name": host} for host in self.name_servers]})

    @route("GET", "/v1.0/{tenant}/domains/{id}/records", query=["type", "name", "data", "limit", "offset"])
    def list_records(self, request: Request, tenant: str, id: str) -> Answer:
        if request.query.get("type") != "TXT":
            raise Refusal(400, "Only a search by type is made here.")
        name = request.query.get("name")
        records = [_shown(each) for each in self._domain(id).records if name in (None, each.name)]
        if not records:
            raise Refusal(404, "Object not Found.")
        return self._page(request, "records", records)

    @route("POST", "/v1.0/{tenant}/domains/{id}/records", fields={"records": list})
    def add_records(self, request: Request, tenant: str, id: str) -> Answer:
        zone, records = self._domain(id), request.body["records"]
        if not 0 < len(records) <= PAGE:
            raise Refusal(413, f"The number of records is {len(records)}, of which {PAGE} is the limit.")
        for record in records:
            _check(record)

        def carry_out() -> None:
            there = {(each.name, each.value) for each in zone.records}
            wanted = [(record["name"], record["data"]) for record in records]
            if there.intersection(wanted) or len(set(wanted)) < len(wanted):
                raise Conflict((409, "Record is a duplicate of another record in the zone."))
            for record in records:
                self.add(zone, record["name"], record["data"], record.get("ttl", 3600))

        return self._job(request, carry_out)

    @route("DELETE", "/v1.0/{tenant}/domains/{id}/records", query=["id"])
    def delete_records(self, request: Request, tenant: str, id: str) -> Answer:
        zone, ids = self._domain(id), request.query.get("id", "").split(",")

        def carry_out() -> None:
            if gone := set(ids) - {record.id for record in zone.records}:
                raise Conflict(*((404, f"Record {id} not found.") for id in sorted(gone)))
            zone.records[:] = [record for record in zone.records if record.id not in ids]

        return self._job(request, carry_out)

    @route("GET", "/v1.0/{tenant}/status/{job}", query=["showDetails"])
    def status(self, request: Request, tenant: str, job: str) -> Answer:
        if job not in self._jobs:
            raise Refusal(404, "Object not Found.")
        state = self._jobs[job]
        state["polls"] += 1
        if state["status"] in ("INITIALIZED", "RUNNING"):
            state["status"] = "RUNNING"
            if state["polls"] >= self.polls:
                self._carry_out(state)
        shown = {key: value for key, value in state.items() if key not in ("polls", "work", "error")}
        detailed = request.query.get("showDetails") == "true" and "error" in state
        return Answer(200, {**shown, **({"error": state["error"]} if detailed else {})})

    @property
    def _dns_url(self) -> str:
        """Where the catalogue says that the DNS is: with TLS, by the name that the world knows."""
        return f"https://{self.hosts[1]}" if self._tls else self.url

    def _domain(self, id: str) -> Any:
        if id not in {zone.id for zone in self.zones.values()}:
            raise Refusal(404, "Domain not found.")
        return self.zone(id)

    def _job(self, request: Request, work: Callable[[], None]) -> Answer:
        job = {
            "jobId": f"852a1e4a-45b4-409b-9d46-{self.new_id()}",
            "callbackUrl": f"{self._dns_url}/v1.0/{TENANT}/status/…",
            "requestUrl": f"{self._dns_url}{request.path}",
            "verb": request.method,
            "status": "INITIALIZED",
        }
        state = self._jobs[job["jobId"]] = {**job, "polls": 0, "work": work}
        if not self.polls:
            self._carry_out(state)
        return Answer(202, job)

    def _carry_out(self, state: dict[str, Any]) -> None:
        try:
            if self.job_fails:
                raise Conflict(self.job_fails.pop(0))
            state["work"]()
            state["status"] = "COMPLETED"
        except Refusal as refusal:
            state["status"], state["error"] = "ERROR", self.error(refusal)
        except Conflict as conflict:
            faults = [
                {"code": code, "message": "Conflict", "details": details} for code, details in conflict.faults
            ]
            several = {
                "message": "See errors list for details.",
                "code": 500,
                "failedItems": {"faults": faults},
            }
            state["status"], state["error"] = "ERROR", faults[0] if len(faults) == 1 else several

    def _page(self, request: Request, key: str, items: list[dict[str, Any]]) -> Answer:
        limit, offset = (
            int(request.query.get(name, default)) for name, default in (("limit", PAGE), ("offset", 0))
        )
        if not 0 < limit <= PAGE:
            raise Refusal(400, f"limit: {limit} is not from 1 to {PAGE}")
        shown = items[:limit] if self.repeats else items[offset : offset + limit]
        body: dict[str, Any] = {key: shown, "totalEntries": len(items) + (limit if self.repeats else 0)}
        if offset + limit < len(items) or self.repeats:
            body["links"] = [
                {"rel": "next", "href": f"{self._dns_url}{request.path}?offset={offset + limit}"}
            ]
        return Answer(200, body)


def _shown(record: Record) -> dict[str, Any]:
    return {"id": record.id, "name": record.name, "type": "TXT", "data": record.value, "ttl": record.ttl}


def _check(record: dict[str, Any]) -> None:
    kinds = {"type": str, "name": str, "data": str, "ttl": int}
    if set(record) - {*kinds, "comment"} or {"type", "name", "data"} - set(record):
        raise Refusal(400, f"These are not the fields of a record: {sorted(record)}")
    if any(type(record[key]) is not kind for key, kind in kinds.items() if key in record):
        raise Refusal(400, "A field has the wrong type.")
    if record["type"] != "TXT" or record.get("ttl", 3600) < 300:
        raise Refusal(400, "Invalid TTL. Must be between 300 and 86400 seconds.")
    if record["name"].endswith(".") or record["data"].startswith('"'):
        raise Refusal(400, "Name and data are plain here.")
