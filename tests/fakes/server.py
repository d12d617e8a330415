"""What every fake has: its routes, the checks of what comes in, the zones, and faults on command."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import quote, unquote

from .faults import Altered, Drip, Fault, Hang, Shape, Status
from .wire import Answer, Request, Server

NAME_SERVERS = ("ns1.hoster.example", "ns2.hoster.example")  # of every zone, where an API tells them
FOREVER = 10**6
IDN, IDN_IN_U_LABELS = "xn--bcher-kva.example", "b\u00fccher.example"


@dataclass
class Record:
    """One record, its name an FQDN without the trailing dot, its value as the DNS has it."""

    id: str
    name: str
    type: str
    value: str
    ttl: int


@dataclass
class Zone:
    apex: str
    id: str
    records: list[Record]

    def texts(self, name: str) -> list[Record]:
        return [record for record in self.records if (record.name, record.type) == (name, "TXT")]


class Refusal(Exception):
    """The request is answered with an error; ``code`` is for APIs that number them."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class Optional(NamedTuple):
    type: type


def optional(type: type) -> Optional:
    """A field that may be left out."""
    return Optional(type)


class Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    query: Collection[str]
    fields: Mapping[str, type | Optional] | None
    writes: bool
    handler: Callable[..., Answer]


def route(
    method: str,
    path: str,
    *,
    query: Collection[str] = (),
    fields: Mapping[str, type | Optional] | None = None,
    writes: bool | None = None,
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Have the method answer such requests: ``@route("GET", "/zones/{zone}/records", query=["type"])``.

    It is called with the Request and with what stands in the braces, decoded. ``fields``: what the
    body has to have, each with its type. ``writes``: whether it changes anything; unless it is said,
    all but GET do.
    """
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def decorate(handler: Callable[..., Answer]) -> Callable[..., Answer]:
        does_write = method != "GET" if writes is None else writes
        handler.route = Route(method, pattern, query, fields, does_write, handler)  # type: ignore[attr-defined]
        return handler

    return decorate


class Fake:
    """An API with its zones. A subclass has a method for each of its calls (``route``), and says
    who is let in (``admit``) and what an error looks like (``error``).

    ``url`` is where it is; ``requests`` what it was asked, and ``refusals`` what it said no to;
    ``fail(fault)`` has something go wrong with the next request that the fault fits;
    ``repeats = True`` has every page of a list followed by the same page; ``late`` is how many
    requests that read, after one that writes, are told what was there before it; ``u_labels = True`` has
    the zone IDN shown in U-labels, while it is taken in either form; ``overtaken = True`` has another
    process write the same just before each request that writes.
    """

    prefix = ""
    former_prefix = ""
    hosts: ClassVar[Sequence[str]] = ()  # by which the world knows it
    invalid = 400  # the status for a request that is not as it should be
    gone = 404  # the status for a zone that is not there
    unexpected: ClassVar[Any] = {"unexpected": True}  # an answer with nothing of what the API promises
    token = "s3cret-t0ken-0f-the-test"
    knows_u_labels = False  # of its own accord
    name_servers: Sequence[str] = NAME_SERVERS  # that the zones are to be delegated to

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        """``tls``: a trustme.CA, where it shall speak HTTPS."""
        self._ids = count(1000)
        self.zones: dict[str, Zone] = {}
        self.add_zones(apexes)
        self.requests: list[Request] = []
        self.refusals: list[tuple[Request, int, str]] = []
        self.most: dict[str, int] = {}
        self.repeats = False
        self.late = 0
        self.u_labels = False
        self.overtaken = False
        self._shown_late = 0
        self._before: dict[str, list[Record]] = {}
        self._faults: list[Fault] = []
        self.trouble: Fault | None = None  # befalls the next request for a token, or for the time
        self._lock = threading.RLock()
        self._bugs: list[Exception] = []
        self._tls = tls

    def __enter__(self) -> Self:
        self._server = Server(self.respond, self.tls_context() if self._tls else None).__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.__exit__()
        if self._bugs:
            raise self._bugs[0]

    def tls_context(self) -> ssl.SSLContext:
        """Of TLS, where it is spoken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.issue_cert("127.0.0.1", *self.hosts).configure_cert(context)
        return context

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._server.port

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self._server.port}{self.prefix}"

    def admit(self, request: Request) -> None:
        """Raise Refusal for whoever does not have the right credentials."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unable to authenticate you")

    def error(self, refusal: Refusal) -> Any:
        """The JSON of an error."""
        raise NotImplementedError

    def new_id(self) -> str:
        return str(next(self._ids))

    def add_zones(self, apexes: Sequence[str]) -> None:
        self.zones |= {apex: Zone(apex, self.new_id(), []) for apex in apexes}

    def with_ns(self, zone: Zone) -> list[Record]:
        """All records of the zone, before them the NS records of its apex, which nobody changes here."""
        hosts = enumerate(self.name_servers, 1)
        return [*(Record(str(id), zone.apex, "NS", host, 3600) for id, host in hosts), *zone.records]

    def fail(self, *faults: Fault) -> None:
        with self._lock:
            self._faults += faults

    @property
    def patience(self) -> float:
        """Seconds to wait for an answer: no longer than it takes where one is not to come, and else for as
        long as a busy machine may need. (Without the lock: where a thread had it when a process was forked,
        nobody gives it back in there.)"""
        faults = (*self._faults, self.trouble)
        return 0.5 if any(isinstance(fault, Hang | Drip) for fault in faults) else 60.0

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def page(self, items: Sequence[Any], number: int, size: int) -> tuple[Sequence[Any], int, int]:
        """The items of a page, its number, and how many pages there are."""
        pages = max(1, -(-len(items) // size))
        if self.repeats:
            return items[:size], 1, pages + 1
        return items[(number - 1) * size : number * size], number, pages

    def zone(self, key: str) -> Zone:
        """The zone with this apex or id."""
        for zone in self.zones.values():
            if key in (zone.apex, zone.id):
                return zone
        raise Refusal(self.gone, "The resource you were accessing could not be found.")

    def add(self, zone: Zone, name: str, value: str, ttl: int, type: str = "TXT") -> Record:
        """One record more. Raises Refusal for a name that is not in the zone."""
        if name != zone.apex and not name.endswith(f".{zone.apex}"):
            raise Refusal(self.invalid, f"{name} is not in {zone.apex}")
        with self._lock:
            record = Record(self.new_id(), name, type, value, ttl)
            zone.records.append(record)
            self.most[name] = max(self.most.get(name, 0), len(zone.texts(name)))
            return record

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        """Someone else adds a record, by another way than the API."""
        fitting = [zone for zone in self.zones.values() if f".{name}".endswith(f".{zone.apex}")]
        self.add(max(fitting, key=lambda zone: len(zone.apex)), name, value, ttl)

    def texts(self, name: str) -> list[Record]:
        """What stands at the name, in whichever zone."""
        with self._lock:
            return [record for zone in self.zones.values() for record in zone.texts(name)]

    def values(self, name: str) -> set[str]:
        """The values at the name. No API serves the same value twice for long."""
        values = [record.value for record in self.texts(name)]
        assert len(values) == len(set(values)), f"{name} has a record twice: {values}"
        return set(values)

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        """What to say, and what befalls it on its way."""
        with self._lock:
            self.requests.append(request)
            fault = self._fault_for(request)
            answer = self._timely(request) if fault is None or fault.done else Answer(200, {})
            if isinstance(fault, Status):
                answer = self._refuse(request, Refusal(fault.status, fault.message), fault.headers)
            if isinstance(fault, Shape):
                answer = Answer(200, self.unexpected)
            if isinstance(fault, Altered):
                answer = answer._replace(body=fault.change(answer.body))
            if self.u_labels and not self.knows_u_labels:
                answer = _in_u_labels(answer)
            return answer, fault

    def _timely(self, request: Request) -> Answer:
        """The answer, which knows of the last change or does not yet (``late``)."""
        now = {apex: [*zone.records] for apex, zone in self.zones.items()}
        if self._writes(request):
            answer = self._answer(request)
            if self.late and any(zone.records != now[apex] for apex, zone in self.zones.items()):
                self._before, self._shown_late = now, self.late
            return answer
        if not self._shown_late:
            return self._answer(request)
        self._shown_late -= 1
        self._have(self._before)
        answer = self._answer(request)
        self._have(now)
        return answer

    def _have(self, records: Mapping[str, Sequence[Record]]) -> None:
        for apex, zone in self.zones.items():
            zone.records[:] = records[apex]

    def _answer(self, request: Request) -> Answer:
        try:
            self.admit(request)
            if self.u_labels and not self.knows_u_labels:
                request = _in_a_labels(request)
            found, captured = self._route(request)
            _check(request, found, self.invalid)
            if self.overtaken and found.writes:
                found.handler(self, request, **captured)
            return found.handler(self, request, **captured)
        except Refusal as refusal:
            return self._refuse(request, refusal)
        except Exception as bug:
            self._bugs.append(bug)
            return self._refuse(request, Refusal(500, repr(bug)))

    def _refuse(self, request: Request, refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
        self.refusals.append((request, refusal.status, refusal.message))
        return Answer(refusal.status, self.error(refusal), headers or {})

    def _route(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        path = request.path.removeprefix(self.former_prefix).removeprefix(self.prefix)
        matches = [(each, each.pattern.fullmatch(path)) for each in self._routes()]
        fitting = [(each, match) for each, match in matches if match]
        for each, match in fitting:
            if each.method == request.method:
                return each, {key: unquote(value) for key, value in match.groupdict().items()}
        if fitting:
            raise Refusal(405, f"{request.method} is not allowed here")
        raise Refusal(404, f"No route for {request.path}")

    def _routes(self) -> Iterator[Route]:
        for kind in type(self).__mro__:
            yield from (each.route for each in vars(kind).values() if hasattr(each, "route"))

    def _writes(self, request: Request) -> bool:
        try:
            return self._route(request)[0].writes
        except Refusal:
            return False

    def _fault_for(self, request: Request) -> Fault | None:
        writes = self._writes(request)
        for fault in self._faults:
            if fault.writing in (None, writes):
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None


def _in_a_labels(request: Request) -> Request:
    parts = (request.path.replace(quote(IDN_IN_U_LABELS), IDN), request.query, request.body)
    path, query, body = (_replaced(part, IDN_IN_U_LABELS, IDN) for part in parts)
    return request._replace(path=path, query=query, body=body)


def _in_u_labels(answer: Answer) -> Answer:
    return answer._replace(body=_replaced(answer.body, IDN, IDN_IN_U_LABELS))


def _replaced(body: Any, old: str, new: str) -> Any:
    """What is JSON or bytes, with one name in the place of another."""
    if isinstance(body, bytes):
        return body.replace(old.encode(), new.encode())
    return json.loads(json.dumps(body, ensure_ascii=False).replace(old, new))


def _check(request: Request, found: Route, invalid: int) -> None:
    """Refuse what the API does not know, and what it lacks."""
    if unknown := set(request.query) - set(found.query):
        raise Refusal(invalid, f"Unknown parameters: {sorted(unknown)}")
    if found.fields is None:
        if request.body:
            raise Refusal(invalid, "This call takes no body")
        return
    if not isinstance(request.body, dict):
        raise Refusal(invalid, "The body has to be a JSON object")
    if unknown := set(request.body) - set(found.fields):
        raise Refusal(invalid, f"Unknown fields: {sorted(unknown)}")
    for name, wanted in found.fields.items():
        if name not in request.body:
            if isinstance(wanted, Optional):
                continue
            raise Refusal(invalid, f"{name} is missing")
        kind = wanted.type if isinstance(wanted, Optional) else wanted
        if type(request.body[name]) is not kind:
            raise Refusal(invalid, f"{name} has to be {kind.__name__}")
