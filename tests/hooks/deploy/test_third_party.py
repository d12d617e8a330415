"""A target that another distribution brings, found by its entry point."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import issued

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.delivery import Deliverer
from dns01.hooks.deploy.ledger import Ledger
from dns01.hooks.deploy.section import read

MODULE = """
from pathlib import Path

from dns01.options import Option


class Pigeon:
    options = (Option("loft", (), "where it flies", required=True),)

    def __init__(self, options):
        self._letter = Path(options["loft"])

    def check(self, bundle):
        pass

    def changes(self, bundle):
        found = self._letter.read_bytes() if self._letter.exists() else b""
        return [] if found == bundle.fullchain else ["a pigeon takes off"]

    def install(self, bundle):
        self._letter.write_bytes(bundle.fullchain)
"""


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed beside us."""
    site = tmp_path / "site"
    info = site / "dns01_pigeon-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dns01-pigeon\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[dns01.targets]\npigeon = dns01_pigeon:Pigeon\n")
    (site / "dns01_pigeon.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("pigeon")
def test_a_third_party_s_target_is_delivered_to_and_cannot_go_back(tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    table = {"loft": str(letter), "test": ["false"]}
    sections = {"example.org": {"pigeon": table}}
    deployments = read(sections, lambda options, given: {each.key: given[each.key] for each in options})
    certificate = issued(tmp_path / "client", "example.org").facts.certificate
    deliverer = Deliverer(deployments, Ledger(str(tmp_path / "state")), None)

    deliverer.deliver(certificate, deployments)

    assert letter.read_bytes() == Path(certificate.fullchain).read_bytes()
    (failed,) = deliverer.failed
    assert failed.error.endswith("the new one stays: this kind of target cannot go back")


def test_a_kind_that_nobody_brings_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown kind of target 'flies'; did you mean 'files'") as caught:
        read({"example.org": {"web": {"to": "flies"}}}, lambda options, table: {})
    assert not isinstance(caught.value, DeployError)
