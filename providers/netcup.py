"""netcup, record by record, by the API of its customer control panel: one address, and sessions.

It allows 180 requests in a minute, and shuts out who errs often. It knows no list of domains: a zone is
found by asking for it. A record has no TTL of its own, the zone has it. The domains of CloudDNS, which came
in 2026, are not reachable by it.

Unverified: what it says to the wrong credentials, to a record that is there already and to one that is gone
(a reading tells); its codes are those of public reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Busy, ZoneNotFound
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Refused, Rest, base_url, listed

SESSION_LOST = 440  # it happens in the middle of one; for 401 credentials would be said to be wrong
STATUS = {4001: SESSION_LOST, 5028: 404, 5029: 404}  # of its codes, what HTTP would say; 400 for others
SHUT_OUT = "Too many error messages"


class Provider(Rest, RecordProvider):
    """With a customer's number, API key and API password."""

    title = "netcup"
    docs = "https://ccp.netcup.net/run/webservice/servers/endpoint.php"
    permission = "the API key and API password of a customer, and a domain whose DNS is in the control panel"
    options = (
        Option("customer", ("NETCUP_CUSTOMER_NUMBER", "NC_CID"), "customer's number", required=True),
        Option("key", ("NETCUP_API_KEY", "NC_Apikey"), "API key", required=True, secret=True),
        Option("password", ("NETCUP_API_PASSWORD", "NC_Apipw"), "API password", required=True, secret=True),
        base_url("NETCUP_BASE_URL", "https://ccp.netcup.net/run/webservice/servers/endpoint.php?JSON"),
    )
    profile = Profile(timeout=1800)  # its name servers take a quarter of an hour

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._session_id = ""
        self._shown: dict[str, Any] = {}  # records by id, as they were shown

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are among the parameters

    def status_of(self, status: int, body: Any) -> int:
        """The status by the code of the answer: all errors come as 200. One at the login is about the
        credentials."""
        if status >= 300 or body is None or body["status"] != "error":
            return status
        return 401 if body["action"] == "login" else STATUS.get(body["statuscode"], 400)

    def words(self, body: Any) -> str:
        return f"{body['longmessage']} ({body['statuscode']})"

    def zone_for(self, name: str) -> Zone:
        """With a session: that there is none is no answer about a zone."""
        self.attempt(name, self._log_in)
        return super().zone_for(name)

    def zones(self) -> Iterable[Zone]:
        raise ZoneNotFound(
            f"{self.whose}: it has no zone that holds {self._about}, and does not tell which it has",
            "see in the customer control panel that the domain's DNS is there, and is not CloudDNS",
        )

    def zone_at(self, apex: str) -> Zone | None:
        """Nothing that cannot be a domain is asked for: errors are counted."""
        if "." not in apex or apex.startswith("_"):
            return None
        try:
            return Zone(self._act("infoDnsZone", domainname=apex)["name"])
        except Refused as refusal:
            if SHUT_OUT in str(refusal):
                raise
            return None

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex)
        for record in listed(self._act("infoDnsRecords", domainname=zone.apex)["dnsrecords"]):
            if (record["type"], record["hostname"].lower()) == ("TXT", within):
                self._shown[record["id"]] = record
                yield record["id"], record["destination"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        made = {"hostname": relative(record.name, zone.apex), "type": "TXT", "destination": record.value}
        with self.unless(lambda: self.lists(zone, record)):
            self._update(zone, made)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self._update(zone, {**self._shown[id], "deleterecord": True})

    def _update(self, zone: Zone, record: Mapping[str, Any]) -> None:
        """Records that are not said stay as they are."""
        self._act("updateDnsRecords", domainname=zone.apex, dnsrecordset={"dnsrecords": [record]})

    def _act(self, action: str, **parameters: Any) -> Any:
        """What an action gives. Raises Busy where the session is lost: the next try has another one."""
        self._log_in()
        try:
            return self._call(action, apisessionid=self._session_id, **parameters)
        except Refused as refusal:
            if refusal.status != SESSION_LOST:
                raise
            self._session_id = ""
            raise Busy(str(refusal), refusal.hint) from refusal

    def _log_in(self) -> None:
        if not self._session_id:
            self._session_id = self._call("login", apipassword=self.given["password"])["apisessionid"]

    def _call(self, action: str, **parameters: Any) -> Any:
        who = {"customernumber": self.given["customer"], "apikey": self.given["key"]}
        return self.request("POST", (), body={"action": action, "param": {**who, **parameters}})[
            "responsedata"
        ]
