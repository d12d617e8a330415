"""A target that another distribution brings: the example of CONTRIBUTING.rst, found by its entry point."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import issued
from checkout import ROOT
from fakes import FOREVER, Answer, Fake, Refusal, Request, Status, route

from dns01.errors import ConfigError, DeployError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.delivery.certificate_files import read as read_files
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.deploy.section import Deployment, read

EXAMPLE = ROOT / "examples" / "dns01_consul.py"
ENTRY_POINT = "[dns01.targets]\nconsul = dns01_consul:Target\n"


class Consul(Fake):
    """https://developer.hashicorp.com/consul/api-docs/kv"""

    def __init__(self) -> None:
        super().__init__([])
        self.keys: dict[str, bytes] = {}

    def error(self, refusal: Refusal) -> str:
        return refusal.message

    @route("GET", "/v1/kv/(?P<key>.+)")
    def read(self, request: Request, key: str) -> Answer:
        if key not in self.keys:
            return Answer(404)
        return Answer(200, [{"Key": key, "Value": base64.b64encode(self.keys[key]).decode()}])

    @route("PUT", "/v1/kv/(?P<key>.+)", fields={"cert": str, "key": str})
    def write(self, request: Request, key: str) -> Answer:
        self.keys[key] = json.dumps(request.body).encode()
        return Answer(200, True)


@pytest.fixture
def consul() -> Iterator[Consul]:
    with Consul() as consul:
        yield consul


@pytest.fixture
def deployments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, consul: Consul) -> tuple[Deployment, ...]:
    """One for the example, which is installed beside us; its service does not like what it gets."""
    info = tmp_path / "site" / "dns01_consul-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dns01-consul\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINT)
    (tmp_path / "site" / EXAMPLE.name).write_text(EXAMPLE.read_text())
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    table = {"base_url": consul.url, "token": Consul.token, "key": "tls/{name}", "test": ["false"]}
    sections = {"example.org": {"consul": table}}
    return read(sections, lambda options, given: {each.key: str(given[each.key]) for each in options})


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issued(tmp_path / "client", "example.org").facts.certificate


def test_the_example_is_delivered_to_and_cannot_go_back(
    tmp_path: Path, deployments: tuple[Deployment, ...], certificate: Certificate, consul: Consul
) -> None:
    deliverer = Deliverer(deployments, Ledger(str(tmp_path / "state")), None)
    assert deliverer.would_change(certificate, deployments[0]) == ["the key of example.org is written"]

    deliverer.deliver(certificate, deployments)

    written = json.loads(consul.keys["tls/example.org"])
    assert written["cert"] == Path(certificate.fullchain).read_text()
    (failed,) = deliverer.failed
    assert failed.target == "consul"
    assert deployments[0].target().changes(read_files(certificate)) == []


def test_what_the_example_is_refused_is_an_error_of_the_delivery(
    tmp_path: Path, deployments: tuple[Deployment, ...], certificate: Certificate, consul: Consul
) -> None:
    consul.fail(Status(403, message="Permission denied", times=FOREVER))
    deliverer = Deliverer(deployments, Ledger(str(tmp_path / "state")), None)

    deliverer.deliver(certificate, deployments)

    (failed,) = deliverer.failed
    assert "Permission denied" in failed.error
    assert Consul.token not in failed.error
    assert consul.keys == {}


def test_the_example_has_less_than_60_lines() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 60


def test_a_kind_that_nobody_brings_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'flies'.* 'files'") as caught:
        read({"example.org": {"web": {"to": "flies"}}}, lambda options, table: {})
    assert not isinstance(caught.value, DeployError)
