"""Route 53 against ministack, an emulator made by others: another reading of AWS's documentation."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import boto3
import pytest
from contract import ZONES, FindsZones, KeepsRecords
from fakes.awshttp import forget_aws
from testbed.process import Server, free_port

from dns01.providers import load
from dns01.providers.base import Provider, TxtRecord

KEYS = {"access_key_id": "test", "secret_access_key": "test"}


class Ministack(Server):
    def prepare(self) -> list[str]:
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "SERVICES": "route53",
            "HOME": str(self.folder),
        }
        return [str(Path(sys.executable).with_name("ministack"))]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class OnMinistack:
    outside = "deep.example.com, example.co.uk, example.com"

    def __init__(self, url: str) -> None:
        self._url = url
        self._api: Any = boto3.client(
            "route53",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._ids = {apex: self._create(apex) for apex in ZONES}

    def provider(self) -> Provider:
        return load("route53")({**KEYS, "endpoint": self._url})

    def _create(self, apex: str) -> str:
        answer = self._api.create_hosted_zone(Name=apex, CallerReference=apex)
        return str(answer["HostedZone"]["Id"]).rpartition("/")[2]

    def _texts(self, name: str) -> Iterator[tuple[int, str]]:
        """(TTL, value) of all there is, as the XML has it."""
        where = f"{self._url}/2013-04-01/hostedzone/{self._ids['example.com']}/rrset"
        query = urlencode({"name": name, "type": "TXT", "maxitems": "1"})
        with urllib.request.urlopen(f"{where}?{query}") as answer:
            tree = ET.parse(answer)
        for rrset in tree.iterfind(".//{*}ResourceRecordSet"):
            if (rrset.findtext("{*}Name"), rrset.findtext("{*}Type")) == (f"{name}.", "TXT"):
                for value in rrset.iterfind(".//{*}Value"):
                    yield int(rrset.findtext("{*}TTL", "")), (value.text or "").strip('"')

    def world_sees(self, name: str) -> set[str]:
        return {value for _, value in self._texts(name)}

    def ttl_of(self, name: str, value: str) -> int:
        return next(ttl for ttl, each in self._texts(name) if each == value)

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        rrset = {"Name": name, "Type": "TXT", "TTL": ttl, "ResourceRecords": [{"Value": f'"{value}"'}]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": rrset}]}
        self._api.change_resource_record_sets(HostedZoneId=self._ids["example.com"], ChangeBatch=batch)


@pytest.fixture(scope="module")
def ministack() -> Iterator[OnMinistack]:
    with Ministack() as server:
        yield OnMinistack(server.url)


@pytest.fixture
def case(ministack: OnMinistack, monkeypatch: pytest.MonkeyPatch) -> OnMinistack:
    forget_aws(monkeypatch)
    return ministack


class TestContract(FindsZones, KeepsRecords):
    pass


def test_what_is_pending_is_waited_for(case: OnMinistack) -> None:
    provider: Any = case.provider()
    provider.sleep = lambda seconds: None
    record = TxtRecord("_acme-challenge.settled.example.com", "v")
    zone = provider.zone_for(record.name)
    provider.publish(zone, [record])
    provider.wait_until_in_sync(zone)
    assert case.world_sees(record.name) == {"v"}
