"""What an HTTP API answers: its refusals, what its errors say, and where its lists go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as XML

from ...errors import ProviderError

REASONS = (
    "message",
    "description",
    "detail",
    "reason",
    "error",
    "errors",
    "error_chain",
    "details",
    "fields",
    "help_message",
    "parameters",
    "invalidFields",
)
FIELDS = ("field", "path", "argument_name")  # what an error calls the field that it is about


class Refused(ProviderError):
    """The API said no: ``status`` of HTTP, and ``body``, the JSON that came with it or None."""

    definite = True

    def __init__(self, message: str, hint: str, status: int, body: Any) -> None:
        super().__init__(message, hint)
        self.status = status
        self.body = body


class NotFound(Refused):
    """404: there is no such thing, or the account does not see it."""


def listed(answer: Any) -> list[Any]:
    """The answer, which is a list. Raises TypeError for anything else, of which an empty object would
    look like a list of nothing."""
    if not isinstance(answer, list):
        raise TypeError(f"no list but {type(answer).__name__}")
    return answer


def next_number(page: int, pages: int) -> Mapping[str, Any]:
    """The page after this one, of that many."""
    return {"page": page + 1} if page < pages else {}


def next_link(url: str | None) -> Mapping[str, Any]:
    """What the next page's URL asks for. Its host is left aside: no credentials go there."""
    return dict(parse_qsl(urlsplit(url or "").query))


def words_in(body: Any) -> Iterator[str]:
    """The texts of an error's JSON, from under the keys that APIs usually have them under."""
    match body:
        case str():
            yield body
        case list():
            for each in body:
                yield from words_in(each)
        case dict():
            field = next((f"{body[key]}: " for key in FIELDS if isinstance(body.get(key), str)), "")
            for key in REASONS:
                yield from (f"{field}{text}" for text in words_in(body.get(key)))
            for text in words_in(body.get("messages")):  # of a field, which is called by its name
                yield f"{body['name']}: {text}" if isinstance(body.get("name"), str) else text


def xml(content: bytes) -> XML.Element:
    """The document's root. Raises ValueError if it is no XML."""
    try:
        return XML.fromstring(content)
    except XML.ParseError as error:
        raise ValueError from error
