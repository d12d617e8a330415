"""Loopia, record by record, by XML-RPC.

Unverified: what it says of a domain that is not the account's (it has ``UNKNOWN_ERROR`` for much), and
that names are in A-labels.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from xml.parsers.expat import ExpatError

from ._name_servers import ListsNameServers
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, listed

STATUS = {"OK": 200, "AUTH_ERROR": 401, "RATE_LIMITED": 429, "BAD_INDATA": 400, "UNKNOWN_ERROR": 400}


class Provider(Rest, ListsNameServers, RecordProvider):
    """With an API user, who is made in the customer zone and is not the one who logs in there.

    60 calls a minute are allowed. A name that has had a record stays in the customer zone, without any.
    """

    title = "Loopia"
    docs = "https://support.loopia.com/wiki/loopiaapi-overview/"
    permission = "an API user with getDomains, getZoneRecords, addZoneRecord and removeZoneRecord"
    options = (
        Option("user", ("LOOPIA_API_USER", "LOOPIA_User"), "API user: NAME@loopiaapi", required=True),
        Option(
            "password",
            ("LOOPIA_API_PASSWORD", "LOOPIA_Password"),
            "the API user's password",
            required=True,
            secret=True,
        ),
        Option(
            "base_url",
            ("LOOPIA_API_URL", "LOOPIA_Api"),
            "address of the API, which is another in Norway (api.loopia.no) and Serbia (api.loopia.rs)",
            default="https://api.loopia.se/RPCSERV",
        ),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"access denied": (
            "have Loopia let the API user do what it needs: its methods are chosen in the customer zone"
        ),
    }
    profile = Profile(timeout=3600)  # its name servers take up to 40 minutes
    least_ttl = 300
    language = "XML"

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are the first parameters

    def decoded(self, content: bytes) -> Any:
        """The value that a method returns, or the fault."""
        try:
            (value,), _ = xmlrpc.client.loads(content)
        except xmlrpc.client.Fault as fault:
            return fault
        except (ExpatError, xmlrpc.client.Error, LookupError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error
        return value

    def status_of(self, status: int, body: Any) -> int:
        """The status by what the answer says, for all errors are 200: a fault, a code, or a list with a code
        in it."""
        if status == 200 and isinstance(body, xmlrpc.client.Fault):
            return body.faultCode if body.faultCode in (401, 429) else 400
        return STATUS.get(_code(body), 400) if status == 200 and _code(body) else status

    def words(self, body: Any) -> str:
        return str(body.faultString if isinstance(body, xmlrpc.client.Fault) else _code(body))

    def _call(self, method: str, *parameters: Any) -> Any:
        who = (self.given["user"], self.given["password"])
        content = xmlrpc.client.dumps((*who, *parameters), method).encode()
        return self.request("POST", (), form=content, headers={"Content-Type": "text/xml"})

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["domain"]) for domain in listed(self._call("getDomains"))]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        for record in listed(self._call("getZoneRecords", zone.apex, relative(name, zone.apex))):
            if record["type"] == type:
                yield str(record["record_id"]), record["rdata"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "ttl": record.ttl, "priority": 0, "rdata": record.value, "record_id": 0}
        self._change("addZoneRecord", zone, record.name, fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self._change("removeZoneRecord", zone, name, int(id))

    def _change(self, method: str, zone: Zone, name: str, what: Any) -> None:
        answer = self._call(method, zone.apex, relative(name, zone.apex), what)
        if answer != "OK":
            raise TypeError(f"{method} returns {type(answer).__name__}")


def _code(body: Any) -> str:
    """The code that a value is, if it is one."""
    match body:
        case str() | [str()]:
            code = body if isinstance(body, str) else body[0]
            return str(code.strip())
    return ""
