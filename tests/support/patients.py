"""dns01 doctor called by a person, and what it wrote for programs."""

from __future__ import annotations

import json
from typing import Any

import dns.query
import dns.update
from calls import KEY, NAME, Client, Said, Stage
from checkout import ROOT
from jsonschema import Draft202012Validator
from testbed import TIME_LIMIT

SCHEMA = ROOT / "docs" / "doctor.schema.json"
HIDE = "; ".join(f"mount -t tmpfs none {folder}" for folder in ("/etc/dehydrated", "/etc/letsencrypt"))


def person(stage: Stage, **environ: str) -> Client:
    """Somebody at a machine without any ACME client."""
    client = stage.client("bash", **environ)
    client.run(HIDE)
    return client


def document(said: Said) -> Any:
    """What ``--json`` wrote, which keeps to its schema."""
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    written = json.loads(said.stdout)
    Draft202012Validator(schema).validate(written)
    return written


def found(said: Said) -> dict[str, str]:
    """The severity of every code in the first domain."""
    return {each["code"]: each["severity"] for each in document(said)["domains"][0]["findings"]}


def plant(stage: Stage, value: str) -> None:
    """A TXT record that somebody else writes at the challenge name."""
    message = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
    message.add(f"{NAME}.", 60, "TXT", value)
    dns.query.tcp(message, stage.bind.address, timeout=TIME_LIMIT)
