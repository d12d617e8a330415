"""dns01 doctor called by a person, and what it wrote for programs."""

from __future__ import annotations

from typing import Any

import dns.query
import dns.update
import documents
from calls import KEY, NAME, Client, Said, Stage
from testbed import TIME_LIMIT

HIDE = "; ".join(f"mount -t tmpfs none {folder}" for folder in ("/etc/dehydrated", "/etc/letsencrypt"))


def person(stage: Stage, **environ: str) -> Client:
    """Somebody at a machine without any ACME client."""
    client = stage.client("bash", **environ)
    client.run(HIDE)
    return client


def document(said: Said) -> Any:
    """What ``--json`` wrote, which keeps to its schema."""
    return documents.document("doctor", said.stdout)


def found(said: Said) -> dict[str, str]:
    """The severity of every code in the first domain."""
    return {each["code"]: each["severity"] for each in document(said)["domains"][0]["findings"]}


def plant(stage: Stage, *values: str) -> None:
    """TXT records that somebody else writes at the challenge name."""
    message = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
    message.add(f"{NAME}.", 60, "TXT", *values)
    dns.query.tcp(message, stage.bind.address, timeout=TIME_LIMIT)
