"""Route 53's change batches: RRsets as its API writes them, and what to change in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ..errors import ProviderError
from ._character_strings import quoted, unquoted
from .base import TxtRecord

if TYPE_CHECKING:
    from mypy_boto3_route53.type_defs import (
        ChangeTypeDef,
        ResourceRecordSetOutputTypeDef,
        ResourceRecordTypeDef,
    )

    RRset: TypeAlias = ResourceRecordSetOutputTypeDef
    Swap: TypeAlias = tuple[RRset | None, RRset | None]  # what stands there, and what shall
    Edit: TypeAlias = Callable[[RRset | None, Sequence[TxtRecord]], RRset | None]

# Of one batch: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
RECORDS = 1000
CHARACTERS = 32_000  # of all values


def added(current: RRset | None, records: Sequence[TxtRecord]) -> RRset:
    """The RRset with the records; what else is in it stays as it is spelt. Raises ProviderError."""
    name, _, ttl = records[0]
    if current is None:
        current = {"Name": name, "Type": "TXT", "TTL": ttl, "ResourceRecords": []}
    if _is_routed(current):
        raise ProviderError(
            f"the TXT record {name} is an alias at Route 53 or has a routing policy: nothing is added to it",
            "make it a simple record in the console, or lead the name elsewhere with a CNAME",
        )
    records_before = current["ResourceRecords"]
    present = {unquoted(record["Value"]) for record in records_before}
    lacking = dict.fromkeys(record.value for record in records if record.value not in present)
    ours: list[ResourceRecordTypeDef] = [{"Value": quoted(value)} for value in lacking]
    return {**current, "ResourceRecords": records_before + ours}


def removed(current: RRset | None, records: Sequence[TxtRecord]) -> RRset | None:
    """The RRset without the records, or None if nothing is left of it.

    What is published here has no routing policy, and cannot stand beside what has one: it is gone.
    """
    if current is None or _is_routed(current):
        return current
    values = {record.value for record in records}
    kept = [record for record in current["ResourceRecords"] if unquoted(record["Value"]) not in values]
    return {**current, "ResourceRecords": kept} if kept else None


def _is_routed(rrset: RRset) -> bool:
    return "SetIdentifier" in rrset or "AliasTarget" in rrset


def batches(swaps: Mapping[str, Swap]) -> Iterator[dict[str, Swap]]:
    """As many of the swaps at a time as a batch holds; those that change nothing are left out."""
    batch: dict[str, Swap] = {}
    records = characters = 0
    for name, (old, new) in swaps.items():
        if old == new:
            continue
        rrsets = [rrset for rrset in (old, new) if rrset]
        lengths = [len(record["Value"]) for rrset in rrsets for record in rrset["ResourceRecords"]]
        if batch and (records + len(lengths) > RECORDS or characters + sum(lengths) > CHARACTERS):
            yield batch
            batch, records, characters = {}, 0, 0
        batch[name] = old, new
        records += len(lengths)
        characters += sum(lengths)
    if batch:
        yield batch


def changes(batch: Mapping[str, Swap]) -> Iterator[ChangeTypeDef]:
    """A DELETE is refused unless it says exactly what stands there, a CREATE if anything does."""
    for old, new in batch.values():
        if old:
            yield {"Action": "DELETE", "ResourceRecordSet": old}
        if new:
            yield {"Action": "CREATE", "ResourceRecordSet": new}


def plain_name(text: str) -> str:
    """The name without the API's octal escapes, which stand for all but letters, digits, hyphens and
    underscores: ``\\052`` is ``*``."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text).rstrip(".").lower()


def plain_id(text: str) -> str:
    """The id without ``/hostedzone/`` or ``/change/`` before it."""
    return text.rpartition("/")[2]


def sort_key(name: str) -> str:
    """What Route 53's lists are sorted by: ``com.example.www.`` for ``www.example.com``."""
    return ".".join(reversed(name.rstrip(".").lower().split("."))) + "."
