"""NameSilo, record by record.

Facts: https://www.namesilo.com/api-reference (codes, parameters). Since 2026 the hosts that its list has
are within the domain; before, they were FQDNs: both are understood. There is no documented way to send
the key but in the query. Unverified: how an apex is written (it is left out), and the paging of the list
of domains (the next page is asked for where a page tells of one).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._http.responses import xml
from .base import Option, Profile, TxtRecord, Zone, dns_name, relative
from .records import RecordProvider
from .rest import Rest, base_url

DONE = "300"
REJECTED = {"109", "110", "111", "112", "113"}  # of the key, the account, or the address it comes from
NOT_THERE = "200"  # no domain of this account
FAILED = {"115", "201"}  # of the registry, of NameSilo itself


class Provider(Rest, RecordProvider):
    """With an API key."""

    title = "NameSilo"
    docs = "https://www.namesilo.com/api-reference"
    permission = "an API key (it is for all domains of its account) that is not read-only"
    options = (
        Option("key", ("NAMESILO_API_KEY", "Namesilo_Key"), "API key", required=True, secret=True),
        base_url("NAMESILO_BASE_URL", "https://www.namesilo.com/api"),
    )
    profile = Profile(ttl=3600, timeout=1800)  # zones are published every 15 minutes
    least_ttl = 3600
    language = "XML"
    decoded = staticmethod(xml)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # the key is among the parameters

    def status_of(self, status: int, body: Any) -> int:
        """The status by the code of the answer: all errors come as 200."""
        code = None if body is None else body.findtext("reply/code")
        if status != 200 or code in (None, DONE):
            return status
        if code in REJECTED:
            return 401
        return 404 if code == NOT_THERE else 500 if code in FAILED else 400

    def words(self, body: Any) -> str:
        return body.findtext("reply/detail") or ""

    def get(self, *path: str, **query: Any) -> Any:
        return super().get(*path, version="1", type="xml", key=self.given["key"], **query)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        pager = page.find("reply/pager")
        if pager is None:
            return {}
        number, size, total = (int(pager.findtext(name)) for name in ("page", "pageSize", "total"))
        return {"page": str(number + 1)} if number * size < total else {}

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("listDomains"):
            yield from (Zone(domain.text.lower()) for domain in page.find("reply/domains"))

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        hosts = {name, relative(name, zone.apex)} | ({""} if name == zone.apex else set())
        for record in self.get("dnsListRecords", domain=zone.apex).find("reply").iterfind("resource_record"):
            if record.findtext("type") == "TXT" and dns_name(record.findtext("host")) in hosts:
                yield record.findtext("record_id"), record.findtext("value")

    def create(self, zone: Zone, record: TxtRecord) -> None:
        host = relative(record.name, zone.apex, "")
        fields = {"rrtype": "TXT", "rrvalue": record.value, "rrttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.get("dnsAddRecord", domain=zone.apex, **fields, **({"rrhost": host} if host else {}))

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.get("dnsDeleteRecord", domain=zone.apex, rrid=id)
