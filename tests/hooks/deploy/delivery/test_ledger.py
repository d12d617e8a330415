"""The ledger: what was brought where, and what is pending."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
from recording import MAIL, WEB, Call, Recording

from dns01.errors import DeployError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import Ledger


class TestTheLedger:
    def test_is_the_owner_s_alone_and_has_no_key_in_it(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        Recording.faults["install web"] = DeployError("refused")
        call().deliver(certificate, [WEB, MAIL])
        files = [*state_dir.glob("pending/*.json"), *state_dir.glob("deployed/*.json")]
        assert len(files) == 2
        key = Path(certificate.key).read_text().splitlines()[1]
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            assert key not in file.read_text()
        assert not list(state_dir.rglob("*.tmp"))

    def test_files_are_called_so_that_a_person_finds_them(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        assert [file.name.rpartition("-")[0] for file in state_dir.glob("deployed/*")] == ["example.org_web"]

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', "null"])
    def test_a_corrupt_file_is_moved_aside_and_said(
        self,
        call: Call,
        certificate: Certificate,
        ledger: Ledger,
        state_dir: Path,
        capsys: pytest.CaptureFixture[str],
        content: str,
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        file.write_text(content)
        assert ledger.deployed() == []
        assert str(state_dir / "corrupt" / "deployed" / file.name) in capsys.readouterr().err
        assert (state_dir / "corrupt" / "deployed" / file.name).read_text() == content

    def test_a_file_of_a_newer_version_is_left_to_it(
        self, call: Call, certificate: Certificate, ledger: Ledger, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        file.write_text(json.dumps({**json.loads(file.read_text()), "version": 99}))
        assert ledger.deployed() == []
        assert file.exists()

    def test_a_file_of_an_older_version_which_knew_no_traits_is_read_as_it_was(
        self, call: Call, certificate: Certificate, ledger: Ledger, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        record = json.loads(file.read_text())
        assert record.pop("traits")["names"] == ["example.org"]
        file.write_text(json.dumps(record))
        (delivery,) = ledger.deployed()
        assert (delivery.traits, delivery.differences) == ({}, ())

    def test_a_target_is_held_against_other_processes(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        other = Ledger(str(state_dir), sleep=lambda seconds: None)
        with other.lock([WEB]):
            deliverer = Deliverer([WEB], other, None)
            deliverer.deliver(certificate, [WEB])
        (failed,) = deliverer.failed
        assert re.search(f"the target web .* process {os.getpid()} ", failed.error)
