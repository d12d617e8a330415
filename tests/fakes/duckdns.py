"""Duck DNS's API, as far as TXT goes (https://www.duckdns.org/spec.jsp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from . import Answer, Fake, Record, Refusal, Request, Zone, route

KO = Refusal(200, "KO")


class DuckDns(Fake):
    """Says OK or KO, and nothing else, as text. A domain has one value, whatever the name beneath it."""

    hosts = ("www.duckdns.org",)
    unexpected: ClassVar[Any] = b"0"

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__([apex for apex in apexes if apex.endswith(".duckdns.org")], tls)

    def admit(self, request: Request) -> None:
        if request.query.get("token") != self.token:
            raise KO

    def error(self, refusal: Refusal) -> Any:
        return refusal.message.encode()

    @route("GET", "/update", query=("domains", "token", "txt", "clear"), writes=True)
    def update(self, request: Request) -> Answer:
        """Without ``txt``, it is the addresses that change: here it is refused."""
        domain = request.query.get("domains", "").removesuffix(".duckdns.org")
        if f"{domain}.duckdns.org" not in self.zones or "txt" not in request.query:
            raise KO
        zone = self.zones[f"{domain}.duckdns.org"]
        zone.records.clear()
        if request.query.get("clear") != "true":
            if not 0 < len(request.query["txt"]) <= 255:
                raise KO
            self.add(zone, zone.apex, request.query["txt"], 60)
        return Answer(200, b"OK")

    def texts(self, name: str) -> list[Record]:
        return [record for zone in self.zones.values() if _is_beneath(name, zone) for record in zone.records]


def _is_beneath(name: str, zone: Zone) -> bool:
    return f".{name}".endswith(f".{zone.apex}")
