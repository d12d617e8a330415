"""Route 53's RRsets and change batches, and everything that it refuses about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from xml.etree import ElementTree as ET

from .awshttp import Refusal, Tree

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
KNOWN = {"Name", "Type", "SetIdentifier", "Weight", "TTL", "ResourceRecords"}
STRINGS = re.compile(r'"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*')


class RRset(NamedTuple):
    name: str  # as the API writes it
    type: str
    ttl: int
    values: tuple[str, ...]
    identifier: str = ""  # of one with a weight

    @property
    def key(self) -> tuple[str, str, str]:
        """What lists are in the order of."""
        return (backwards(self.name), self.type, self.identifier)

    def tree(self) -> Tree:
        records = [("ResourceRecord", [("Value", value)]) for value in self.values]
        routing = [("SetIdentifier", self.identifier), ("Weight", "1")] if self.identifier else []
        return (
            "ResourceRecordSet",
            [
                ("Name", self.name),
                ("Type", self.type),
                *routing,
                ("TTL", str(self.ttl)),
                ("ResourceRecords", records),
            ],
        )


class Change(NamedTuple):
    action: str
    rrset: RRset


def read_changes(body: bytes) -> Iterator[Change]:
    """Raises Refusal for what is not in the schema."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise Refusal(400, "InvalidInput", f"Invalid XML: {error}") from error
    for node in root.iter():
        if not node.tag.startswith(f"{{{NAMESPACE}}}"):
            raise Refusal(400, "InvalidInput", f"Invalid XML: {node.tag}")
        node.tag = node.tag.rpartition("}")[2]
    changes = root.findall("ChangeBatch/Changes/Change")
    if root.tag != "ChangeResourceRecordSetsRequest" or not changes:
        raise Refusal(400, "InvalidInput", "Invalid XML: no changes")
    for change in changes:
        rrset = change.find("ResourceRecordSet")
        action = change.findtext("Action", "")
        if rrset is None or action not in ("CREATE", "DELETE", "UPSERT"):
            raise Refusal(400, "InvalidInput", f"Invalid XML: {action}")
        tags = [node.tag for node in rrset]
        if not set(tags) <= KNOWN or len(set(tags)) < len(tags):
            raise Refusal(400, "InvalidInput", f"Invalid XML: {tags}")
        values = tuple(value.text or "" for value in rrset.findall("ResourceRecords/ResourceRecord/Value"))
        if "TTL" not in tags or not values:
            raise Refusal(400, "InvalidInput", "Invalid request: needs TTL and ResourceRecords")
        yield Change(
            action,
            RRset(
                escaped(rrset.findtext("Name", "")),
                rrset.findtext("Type", ""),
                int(rrset.findtext("TTL", "")),
                values,
                rrset.findtext("SetIdentifier", ""),
            ),
        )


def check_limits(changes: Sequence[Change]) -> None:
    values = [
        value for change in changes for value in change.rrset.values * (1 + (change.action == "UPSERT"))
    ]
    if len(values) > 1000:
        raise Refusal(400, "InvalidChangeBatch", "[Number of records limit of 1000 exceeded.]")
    if sum(map(len, values)) > 32_000:
        raise Refusal(400, "InvalidChangeBatch", "[Number of characters limit of 32000 exceeded.]")


def apply(change: Change, apex: str, rrsets: dict[tuple[str, str, str], RRset]) -> str:
    """Make the change, or say why not."""
    action, rrset = change
    named = f"[name='{rrset.name}', type='{rrset.type}']"
    there = rrsets.get(rrset.key)
    if not f".{rrset.name}".endswith(f".{apex}"):
        return f"RRSet with DNS name {rrset.name} is not permitted in zone {apex}"
    if rrset.type == "TXT":
        for value in rrset.values:
            if not STRINGS.fullmatch(value):
                return (
                    "Invalid Resource Record: 'FATAL problem: InvalidCharacterString "
                    f"(Value should be enclosed in quotation marks) encountered with '{value}''"
                )
    if len(set(rrset.values)) < len(rrset.values):
        return f"Duplicate Resource Record: '{rrset.values}'"
    if action == "DELETE":
        if there is None:
            return f"Tried to delete resource record set {named} but it was not found"
        if (there.ttl, sorted(there.values)) != (rrset.ttl, sorted(rrset.values)):
            return (
                f"Tried to delete resource record set {named} "
                "but the values provided do not match the current values"
            )
        del rrsets[rrset.key]
        return ""
    if action == "CREATE" and there is not None:
        return f"Tried to create resource record set {named} but it already exists"
    for other in rrsets.values():
        if other.name == rrset.name and "CNAME" in (other.type, rrset.type) and other.key != rrset.key:
            return (
                f"RRSet of type {rrset.type} with DNS name {rrset.name} is not permitted because a "
                f"conflicting RRSet of type {other.type} with the same DNS name already exists in zone {apex}"
            )
        if (other.name, other.type) == (rrset.name, rrset.type) and bool(other.identifier) != bool(
            rrset.identifier
        ):
            return f"RRSet with DNS name {rrset.name}, type {rrset.type} and routing policy conflict"
    rrsets[rrset.key] = rrset
    return ""


def conditions(body: bytes) -> dict[str, list[str]]:
    """The condition keys of ChangeResourceRecordSets."""
    changes = list(read_changes(body))
    prefix = "route53:ChangeResourceRecordSets"
    return {
        f"{prefix}NormalizedRecordNames": [change.rrset.name.rstrip(".") for change in changes],
        f"{prefix}RecordTypes": [change.rrset.type for change in changes],
        f"{prefix}Actions": [change.action for change in changes],
    }


@cache
def escaped(name: str) -> str:
    """In lower case with a trailing dot; all but a-z, 0-9, -, _ in octal: ``*`` is ``\\052``."""
    plain = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), name.lower().rstrip("."))
    return re.sub(r"[^a-z0-9_.-]", lambda char: f"\\{ord(char[0]):03o}", plain) + "."


def text(value: str) -> str:
    """What the character-strings of a TXT value say together."""
    return re.sub(r"\\(.)", r"\1", "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)))


def backwards(name: str) -> str:
    return ".".join(reversed(name.rstrip(".").split("."))) + "."
