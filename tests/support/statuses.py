"""dns01 status on a machine that only deploys, and its document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import documents
from calls import Said
from machine import Machine, deploy_cert

A_DAY = 86400


def status(machine: Machine, *words: str, **environ: str) -> Said:
    """As a person without any ACME client, who has certificates in a folder."""
    return machine.client("bash")("status", str(machine.folder / "certs"), *words, **environ)


def document(said: Said) -> Any:
    """What ``--json`` wrote, which keeps to its schema."""
    return documents.document("status", said.stdout)


def codes(written: Any) -> list[str]:
    """Of every problem, in the order of the document."""
    own = [problem["code"] for each in written["certificates"] for problem in each["problems"]]
    return own + [problem["code"] for problem in written["problems"]]


def deployed(machine: Machine, name: str = "a.example") -> Path:
    """A certificate that has arrived; gives its folder."""
    client = machine.client()
    certificate = machine.issue(name)
    assert deploy_cert(client, certificate).code == 0
    assert client("exit_hook").code == 0
    return Path(certificate.cert).parent
