"""INWX (DomRobot), record by record, by JSON-RPC within a session.

Facts: https://www.inwx.com/en/help/apidoc (result codes are those of EPP, RFC 5730 §3), and what users
ran into: a TAN is taken once, so that logins within 30 seconds of each other wait for the next one; a
list has 20 entries unless more are asked for. Unverified: the least TTL, and in which labels (A or U)
zones are shown: both are understood. It is longer than most for its sessions and their second factor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ..errors import AuthRejected, ConfigError
from ._inwx_totp import STEP, totp
from ._name_servers import ListsNameServers
from .base import Option, TxtRecord, Zone, dns_name
from .records import RecordProvider
from .rest import NotFound, Refused, Rest, base_url, listed

PAGE = 100  # zones
TANS = 3  # that are tried: others may log in at the same time
EXISTS = 409
STATUSES = {
    2200: 401,
    2201: 403,
    2202: 401,
    2302: EXISTS,
    2303: 404,
    2400: 500,
    2500: 500,
    2501: 401,
    2502: 429,
}


class Provider(Rest, ListsNameServers, RecordProvider):
    """With a user and its password, and the secret of its second factor if it has one."""

    title = "INWX"
    docs = "https://www.inwx.com/en/help/apidoc"
    permission = "a sub-account with the role “DNS” and no more"
    options = (
        Option("user", ("INWX_USERNAME", "INWX_User"), "user name", required=True),
        Option("password", ("INWX_PASSWORD", "INWX_Password"), "password", required=True, secret=True),
        Option(
            "shared_secret",
            ("INWX_SHARED_SECRET", "INWX_Shared_Secret"),
            "the second factor's secret, in base32, from which TANs are made",
            secret=True,
        ),
        base_url("INWX_BASE_URL", "https://api.domrobot.com/jsonrpc"),
    )
    least_ttl = 300
    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a secret that is no base32."""
        super().__init__(options)
        self._is_open = False
        if options.get("shared_secret"):
            totp(options["shared_secret"], 0)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # the session has a cookie

    def status_of(self, status: int, body: Any) -> int:
        """The status by the code of the answer: all errors come as 200."""
        code = body.get("code", 0) if status == 200 and body is not None else 0
        return STATUSES.get(code, 400) if code >= 2000 else status

    def words(self, body: Any) -> str:
        return ": ".join(str(body[key]) for key in ("msg", "reason") if body.get(key))

    def get(self, *path: str, **query: Any) -> Any:
        """What a method of the API returns; ``path``: the method's name."""
        return self._in_session(*path, **query)["resData"]

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if asked["page"] * PAGE < page["count"] else {}

    def zones(self) -> Iterable[Zone]:
        for zone in self.items("domains", "nameserver.list", page=1, pagelimit=PAGE):
            if zone["type"] == "MASTER":
                yield Zone(zone["domain"])

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("nameserver.info", domain=apex, type="SOA")
        return Zone(apex) if found and found["type"] == "MASTER" else None

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        """The records at the name; where there is none, the list is left out."""
        found = self.get("nameserver.info", domain=zone.apex, name=name, type=type)
        for record in listed(found.get("record", [] if found["domain"] else None)):
            if (record["type"], dns_name(record["name"])) == (type, name):
                yield str(record["id"]), record["content"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"domain": zone.apex, "type": "TXT", "name": record.name, "content": record.value}
        try:
            self.get("nameserver.createRecord", **fields, ttl=record.ttl)
        except Refused as refusal:
            if refusal.status != EXISTS:
                raise

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with suppress(NotFound):
            self._in_session("nameserver.deleteRecord", id=int(id))

    def _in_session(self, method: str, **params: Any) -> Any:
        """In a new one, once, if one that was open is refused: it may have been left alone too long."""
        was_open = self._is_open
        if not was_open:
            self._log_in()
        try:
            return self._call(method, **params)
        except AuthRejected:
            self._is_open = False
            if not was_open:
                raise
        return self._in_session(method, **params)

    def _call(self, method: str, **params: Any) -> Any:
        return self.request("POST", ("",), body={"method": method, "params": params})

    def _log_in(self) -> None:
        """Raises ConfigError for want of a second factor."""
        account = {"user": self.given["user"], "pass": self.given["password"], "lang": "en"}
        factor = self._call("account.login", **account)["resData"].get("tfa", "0")
        if str(factor) != "0":
            self._unlock()
        self._is_open = True

    def _unlock(self) -> None:
        """With the TAN of now; with the next ones, if somebody else has used it already."""
        secret = self.given.get("shared_secret")
        if not secret:
            raise ConfigError(
                f"{self.whose}: INWX wants a TAN from {self.given['user']}",
                "set INWX_SHARED_SECRET to the second factor's secret, or take a sub-account without one",
            )
        for left in reversed(range(TANS)):
            now = self.clock()
            try:
                self._call("account.unlock", tan=totp(secret, now))
                return
            except AuthRejected:
                if not left:
                    raise
            self.sleep(STEP - now % STEP)
