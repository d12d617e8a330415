"""Hurricane Electric's dynamic TXT records (https://dns.he.net/, “Dynamic TXT Records”)."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl

from . import Answer, Fake, Fault, Refusal, Request, route

LEFT = "."  # a record that is not in use


class Hurricane(Fake):
    """Says a code, as dyndns2 has them, with 200. A record has a key and one value, and neither can be
    created nor deleted here; one at ``.`` counts as none. There is one for each zone, at its challenge name.
    """

    hosts = ("dyn.dns.he.net",)
    unexpected: ClassVar[Any] = b"0"

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if isinstance(request.body, str):
            form = dict(parse_qsl(request.body, strict_parsing=True))
            request = request._replace(body=form)
        return super().respond(request)

    def admit(self, request: Request) -> None:
        if not request.headers.get("User-Agent"):
            raise Refusal(200, "badagent")

    def error(self, refusal: Refusal) -> Any:
        return refusal.message.encode()

    @route("POST", "/nic/update", fields={"hostname": str, "password": str, "txt": str})
    def update(self, request: Request) -> Answer:
        name, key, value = (request.body[field] for field in ("hostname", "password", "txt"))
        if "." not in name or name.endswith("."):
            raise Refusal(200, "notfqdn")
        zone = self.zones.get(name.removeprefix("_acme-challenge."))
        if zone is None or key != self.token or not name.startswith("_acme-challenge."):
            raise Refusal(200, "badauth")
        if zone.texts(name) and zone.texts(name)[0].value == value:
            return Answer(200, b"nochg")
        zone.records.clear()
        if value != LEFT:
            self.add(zone, name, value, 300)
        return Answer(200, b"good")
