"""For APIs that take a JSON array where others take an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .faults import Fault
from .server import Fake, Optional, Refusal
from .wire import Answer, Request

Fields = Mapping[str, type | Optional]
LIST = {"items": list}  # the ``fields`` of a route whose body is an array


class TakesLists(Fake):
    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if isinstance(request.body, list):
            request = request._replace(body={"items": request.body})
        return super().respond(request)

    def each(self, items: Sequence[Any], fields: Fields) -> Iterator[Mapping[str, Any]]:
        """The items, each of which has to have the fields."""
        for item in items:
            if not isinstance(item, dict):
                raise Refusal(self.invalid, "Each item has to be a JSON object")
            if unknown := set(item) - set(fields):
                raise Refusal(self.invalid, f"Unknown fields: {sorted(unknown)}")
            for name, wanted in fields.items():
                if name not in item and not isinstance(wanted, Optional):
                    raise Refusal(self.invalid, f"{name} is missing")
                kind = wanted.type if isinstance(wanted, Optional) else wanted
                if name in item and type(item[name]) is not kind:
                    raise Refusal(self.invalid, f"{name} has to be {kind.__name__}")
            yield item
