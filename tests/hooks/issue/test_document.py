"""What ``dns01 issue`` writes for programs keeps to its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import documents
from calls import Said
from checkout import ROOT
from issuing import Office


def document(said: Said) -> Any:
    """What it wrote, which keeps to its schema."""
    return documents.document("issue", said.stdout)


def test_every_certificate_is_there_with_its_verdict_and_what_has_come_of_it(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.want("good.example.org")
        office.want("nowhere.example.com")
        office.want("stray", "stray.example.org", account="nobody")
        target = tmp_path / "target"
        (target / "good.example.org").mkdir(parents=True)
        office.more = f'[deploy."*".web]\nto = "files"\ndirectory = "{target}/{{name}}"\n'

        planned = document(office.issue("--dry-run", "--json"))
        done = document(office.issue("--json"))
        again = document(office.issue("--json"))

    assert {each["name"]: each["verdict"] for each in planned["certificates"]} == {
        "good.example.org": "order",
        "nowhere.example.com": "set aside",
    }
    assert (planned["issued"], planned["deployed"]) == ([], [])
    (rejected,) = planned["rejected"]
    assert "nobody" in rejected["message"]
    (issued,) = done["issued"]
    assert (issued["name"], issued["stage"], issued["error"]) == ("good.example.org", "issued", "")
    assert list(issued["at"]) == sorted(issued["at"], key=issued["at"].get)
    assert [(row["name"], row["error"]) for row in done["deployed"]] == [("good.example.org", "")]
    due = {each["name"]: each["at"] for each in again["certificates"]}
    assert due["good.example.org"] > issued["at"]["issued"]


def test_the_schema_of_the_doctor_names_every_check_that_there_is() -> None:
    from dns01.hooks.commands.doctor.checks.registry import CHECKS

    schema = json.loads((ROOT / "docs" / "doctor.schema.json").read_text())
    said = schema["$defs"]["finding"]["properties"]["check"]["description"]
    assert not {check for check in (*CHECKS, "probe", "unfinished") if check not in said}
