"""Route 53's fake as the tests see it: the provider at it, others' view of it, and their way to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from contract import ZONES, validation
from fakes.awshttp import forget_aws
from fakes.route53 import SECRET, HostedZone, Route53
from fakes.rrsets import RRset, escaped

from dns01.providers import route53
from dns01.providers.base import TxtRecord, Zone

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}
NAME = "_acme-challenge.example.com"
RECORD = TxtRecord(NAME, validation("a"))
EXAMPLE = Zone("example.com", "Z1EXAMPLE")
LIST, READ, WRITE, ASK = (
    "ListHostedZonesByName",
    "ListResourceRecordSets",
    "ChangeResourceRecordSets",
    "GetChange",
)


class OnRoute53:
    """An account with the zones of the contract."""

    outside = "deep.example.com, example.co.uk, example.com"

    def __init__(self, aws: Route53) -> None:
        self.aws = aws
        self.options = {**KEYS, "endpoint": aws.url}
        self.clock: FakeClock | None = None
        self.kind = route53.Provider

    def provider(self, **options: str) -> Any:
        provider = self.kind({**self.options, **options})
        if self.clock:
            provider.clock, provider.sleep = self.clock.monotonic, self.clock.sleep
        return provider

    def world_sees(self, name: str) -> set[str]:
        return self.aws.values(name)

    def ttl_of(self, name: str, value: str) -> int:
        return next(rrset.ttl for rrset in self.zone(name).texts if f'"{value}"' in rrset.values)

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        self.put(name, ttl, f'"{value}"')

    def put(self, name: str, ttl: int, *values: str, type: str = "TXT", identifier: str = "") -> None:
        self.aws.put(self.zone(name), RRset(escaped(name), type, ttl, values, identifier))

    def zone(self, name: str) -> HostedZone:
        fitting = [zone for zone in self.aws.zones.values() if f".{name}.".endswith(f".{zone.name}")]
        return max(fitting, key=lambda zone: len(zone.name))


class FakeClock:
    """Seconds pass only when someone sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)

    @classmethod
    def installed(cls, case: OnRoute53, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
        """In the place of the provider's, and of boto3's."""
        clock = case.clock = cls()
        monkeypatch.setattr("botocore.endpoint.time", clock)
        return clock


@contextmanager
def on_route53(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnRoute53]:
    """Nothing of this machine's own AWS configuration is seen."""
    forget_aws(monkeypatch)
    with Route53(ZONES) as aws:
        yield OnRoute53(aws)
