"""Amazon Route 53's API as its documentation has it, and as strict: nothing is let pass or guessed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import trustme

from .awshttp import Answer, HttpFake, Refusal, Request, Tree, signer, xml
from .iam import allows
from .rrsets import NAMESPACE, RRset, apply, backwards, check_limits, conditions, escaped, read_changes, text

SECRET = "s3cret-0f-the-test"

ROUTES = {
    ("GET", r"/2013-04-01/hostedzonesbyname"): "ListHostedZonesByName",
    ("GET", r"/2013-04-01/hostedzone/(\w+)"): "GetHostedZone",
    ("GET", r"/2013-04-01/hostedzone/(\w+)/rrset"): "ListResourceRecordSets",
    ("POST", r"/2013-04-01/hostedzone/(\w+)/rrset/?"): "ChangeResourceRecordSets",
    ("GET", r"/2013-04-01/change/(\w+)"): "GetChange",
}


class Record(NamedTuple):
    name: str
    value: str


@dataclass
class HostedZone:
    id: str
    name: str
    private: bool
    servers: Sequence[str]
    rrsets: dict[tuple[str, str, str], RRset] = field(default_factory=dict)

    @property
    def texts(self) -> list[RRset]:
        return [rrset for rrset in self.rrsets.values() if rrset.type == "TXT"]

    @property
    def records(self) -> list[Record]:
        return [Record(rrset.name, text(value)) for rrset in self.texts for value in rrset.values]

    def tree(self) -> Tree:
        config = [("PrivateZone", str(self.private).lower())]
        return (
            "HostedZone",
            [
                ("Id", f"/hostedzone/{self.id}"),
                ("Name", self.name),
                ("CallerReference", self.id),
                ("Config", config),
            ],
        )


class Route53(HttpFake):
    """One account with public zones: ``with Route53(["example.com"]) as aws: aws.url``.

    ``calls`` has the actions that were asked for; ``policy`` is the JSON that decides what is
    allowed, ``denied`` what is not; ``page`` is the most that a list gives at once;
    ``repeats = True`` has every page of zones followed by the same one; ``polls`` is how often
    GetChange says PENDING. ``keys`` are those that may sign. ``most``: how many values there
    were at a name at one time. ``meanwhile``: what somebody else does after each reading of records.
    """

    hosts = ("route53.amazonaws.com",)

    def __init__(self, apexes: Sequence[str] = (), tls: trustme.CA | None = None) -> None:
        super().__init__(tls)
        self.calls: list[str] = []
        self.keys = {"AKIDEXAMPLE": (SECRET, "")}
        self.policy = ""
        self.denied: set[str] = set()
        self.page = 1000
        self.repeats = False
        self.polls = 1
        self.meanwhile: Callable[[], None] = lambda: None
        self.zones: dict[str, HostedZone] = {}
        self._changes: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self._ids = itertools.count(1)
        for apex in apexes:
            self.add_zone(apex)

    def add_zone(self, apex: str, *, private: bool = False, servers: Sequence[str] = ()) -> HostedZone:
        """Its id says which zone it is, in the order of their making: Z1EXAMPLE, Z2EXAMPLE…"""
        zone = HostedZone(f"Z{len(self.zones) + 1}EXAMPLE", escaped(apex), private, servers)
        self.zones[zone.id] = zone
        self.put(zone, RRset(zone.name, "SOA", 900, ("ns. hostmaster. 1 7200 900 1209600 86400",)))
        return zone

    def put(self, zone: HostedZone, rrset: RRset) -> None:
        """Someone else writes."""
        zone.rrsets[rrset.key] = rrset

    def values(self, name: str) -> set[str]:
        """What TXT says at the name, in any zone."""
        rrsets = [rrset for zone in self.zones.values() for rrset in zone.texts]
        return {text(value) for rrset in rrsets if rrset.name == escaped(name) for value in rrset.values}

    # The API

    def refuse(self, refusal: Refusal) -> Answer:
        error = [("Type", "Sender"), ("Code", refusal.code), ("Message", str(refusal))]
        return Answer(
            refusal.status, xml(("ErrorResponse", [("Error", error), ("RequestId", "r")]), NAMESPACE)
        )

    def answer(self, request: Request) -> Answer:
        signer(request, "route53", self.keys)
        for (method, pattern), action in ROUTES.items():
            if method == request.method and (path := re.fullmatch(pattern, request.path)):
                self.calls.append(action)
                writes = action == "ChangeResourceRecordSets"
                context = conditions(request.body) if self.policy and writes else {}
                self._authorize(action, request.path, context)
                tree: Tree = getattr(self, f"_{action}")(request, *path.groups())
                if action == "ListResourceRecordSets":
                    self.meanwhile()
                return Answer(200, xml((f"{action}Response", tree), NAMESPACE))
        raise Refusal(404, "UnknownOperationException", request.path)

    def _authorize(self, action: str, path: str, context: Mapping[str, Sequence[str]]) -> None:
        said = re.search(r"/((?:hostedzone|change)/\w+)", path)
        resource = f"arn:aws:route53:::{said[1]}" if said else "*"
        if action in self.denied or (
            self.policy and not allows(self.policy, f"route53:{action}", resource, context)
        ):
            on = f" on resource: {resource}" if said else ""
            raise Refusal(
                403,
                "AccessDenied",
                f"User: arn:aws:iam::123456789012:user/dns01 is not authorized to perform: "
                f"route53:{action}{on} because no identity-based policy allows the route53:{action} action",
            )

    def _zone(self, id: str) -> HostedZone:
        if id not in self.zones:
            raise Refusal(404, "NoSuchHostedZone", f"No hosted zone found with ID: {id}")
        return self.zones[id]

    def _ListHostedZonesByName(self, request: Request) -> list[Tree]:
        query = taken(request, {"dnsname", "hostedzoneid", "maxitems"})
        start = (backwards(escaped(query.get("dnsname", "."))), query.get("hostedzoneid", ""))
        zones = sorted(self.zones.values(), key=lambda zone: (backwards(zone.name), zone.id))
        rest = [zone for zone in zones if self.repeats or (backwards(zone.name), zone.id) >= start]
        limit = min(int(query.get("maxitems", 100)), 100, self.page)
        more: list[Tree] = []
        if rest[limit:]:
            more = [("NextDNSName", rest[limit].name), ("NextHostedZoneId", rest[limit].id)]
        return [
            ("HostedZones", [zone.tree() for zone in rest[:limit]]),
            ("IsTruncated", str(bool(more)).lower()),
            *more,
            ("MaxItems", str(limit)),
        ]

    def _GetHostedZone(self, request: Request, id: str) -> list[Tree]:
        zone = self._zone(id)
        servers = [("NameServer", server) for server in zone.servers]
        return [zone.tree(), ("DelegationSet", [("NameServers", servers)])]

    def _ListResourceRecordSets(self, request: Request, id: str) -> list[Tree]:
        query = taken(request, {"name", "type", "identifier", "maxitems"})
        if "type" in query and "name" not in query:
            raise Refusal(400, "InvalidInput", "Type needs a name.")
        start = (
            backwards(escaped(query.get("name", "."))),
            query.get("type", ""),
            query.get("identifier", ""),
        )
        rest = sorted(each for each in self._zone(id).rrsets.items() if each[0] >= start)
        limit = min(int(query.get("maxitems", 300)), 300, self.page)
        more: list[Tree] = []
        if rest[limit:]:
            following = rest[limit][1]
            more = [("NextRecordName", following.name), ("NextRecordType", following.type)]
            more += [("NextRecordIdentifier", following.identifier)] if following.identifier else []
        return [
            ("ResourceRecordSets", [rrset.tree() for _, rrset in rest[:limit]]),
            ("IsTruncated", str(bool(more)).lower()),
            *more,
            ("MaxItems", str(limit)),
        ]

    def _ChangeResourceRecordSets(self, request: Request, id: str) -> list[Tree]:
        zone = self._zone(id)
        changes = list(read_changes(request.body))
        check_limits(changes)
        rrsets = dict(zone.rrsets)
        if wrong := [words for change in changes if (words := apply(change, zone.name, rrsets))]:
            raise Refusal(400, "InvalidChangeBatch", f"[{', '.join(wrong)}]")
        zone.rrsets = rrsets
        for rrset in zone.texts:
            name = rrset.name.rstrip(".")
            self.most[name] = max(self.most.get(name, 0), len(rrset.values))
        change = f"C{next(self._ids)}EXAMPLE"
        self._changes[change] = self.polls
        return [change_info(change, "PENDING")]

    def _GetChange(self, request: Request, id: str) -> list[Tree]:
        if id not in self._changes:
            raise Refusal(404, "NoSuchChange", f"A change with the specified change ID does not exist: {id}")
        self._changes[id] -= 1
        return [change_info(id, "PENDING" if self._changes[id] >= 0 else "INSYNC")]


def change_info(id: str, status: str) -> Tree:
    info = [("Id", f"/change/{id}"), ("Status", status), ("SubmittedAt", "2026-01-01T00:00:00Z")]
    return ("ChangeInfo", info)


def taken(request: Request, known: set[str]) -> Mapping[str, str]:
    if unknown := request.query.keys() - known:
        raise Refusal(400, "InvalidInput", f"unknown parameters: {unknown}")
    return request.query
