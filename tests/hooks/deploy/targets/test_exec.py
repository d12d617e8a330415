"""A program of one's own that brings a certificate somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import issued
from programs import script

from dns01.errors import DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.exec import Target


@pytest.fixture
def bundle(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "client")


def target(command: str, **options: str) -> Target:
    return Target({"command": command, "time_limit": "300", **options})


def test_it_is_told_by_variables_alone_and_can_read_the_files(
    bundle: CertificateFiles, tmp_path: Path
) -> None:
    copy = f'cat "$DNS01_FULLCHAIN" "$DNS01_PRIVKEY" >{tmp_path}/copy; echo $# $DNS01_NAMES >{tmp_path}/said'
    program = target(script(tmp_path / "program", f"#!/bin/sh\n{copy}\n"))
    program.check(bundle)
    assert program.changes(bundle) == [f"runs {tmp_path}/program"]
    program.install(bundle)
    assert (tmp_path / "copy").read_bytes() == bundle.fullchain + bundle.key
    assert (tmp_path / "said").read_text() == "0 example.org www.example.org\n"


def test_it_has_variables_of_its_own(bundle: CertificateFiles, tmp_path: Path) -> None:
    program = script(tmp_path / "program", f'#!/bin/sh\necho "$HOST $HOME" >{tmp_path}/said\n')
    target(program, **{"env.HOST": "router", "env.HOME": "/nowhere"}).install(bundle)
    assert (tmp_path / "said").read_text() == "router /nowhere\n"


def test_a_secret_among_them_is_not_shown(bundle: CertificateFiles) -> None:
    with pytest.raises(DeployError, match=r"ended with 1: \[secret\]$"):
        target("sh -c 'echo $PASSWORD; exit 1'", **{"env.PASSWORD": "swordfish"}).install(bundle)


def test_a_program_that_hangs_is_ended(bundle: CertificateFiles) -> None:
    with pytest.raises(DeployError, match=r"sleep 100 .* 0\.2 s"):
        target("sleep 100", time_limit="0.2").install(bundle)


def test_undo_is_a_program_as_well(bundle: CertificateFiles, tmp_path: Path) -> None:
    program = target("true", undo=f"sh -c 'echo $DNS01_DOMAIN >{tmp_path}/undone'")
    program.undo(bundle)
    assert (tmp_path / "undone").read_text() == "example.org\n"


def test_without_one_it_is_said_that_nothing_can_be_undone(bundle: CertificateFiles) -> None:
    with pytest.raises(DeployError, match="what true did cannot be undone") as caught:
        target("true").undo(bundle)
    assert 'undo = "…"' in caught.value.hint
