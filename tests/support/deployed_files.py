"""Certificates installed as files, and what is there then."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from dns01.errors import DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target

NOBODY = pwd.getpwnam("nobody").pw_uid


def deploy(options: Mapping[str, str], bundle: CertificateFiles) -> None:
    """As the core does it, once all is well with what was there; and then there is nothing left to change."""
    target = Target(options)
    target.commit(bundle)
    target.check(bundle)
    assert target.changes(bundle)
    target.install(bundle)
    assert target.changes(bundle) == []


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*.versions/[0-9]*"))


def in_a_child(work: Callable[[], str]) -> str:
    """What the work says, done by a process of its own, whose privileges and mounts are its own too."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with suppress(BaseException):
            try:
                said = work()
            except BaseException as error:
                said = repr(error)
            os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def refusal(target: Target, bundle: CertificateFiles) -> str:
    """What is said when it cannot be installed, and the hint beneath."""
    with pytest.raises(DeployError) as caught:
        target.install(bundle)
    return f"{caught.value}\n{caught.value.hint}"


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
