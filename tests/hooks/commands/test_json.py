"""What commands write with ``--json`` keeps to docs/NAME.schema.json, and every schema is some command's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from calls import NAME, Client, Stage
from checkout import ROOT
from contract import validation
from documents import document
from machine import Machine

from dns01.hooks.commands import dns01
from dns01.hooks.commands.command_line import commands
from dns01.providers import names

DOCS = ROOT / "docs"


def valid(name: str, stdout: str) -> dict[str, Any]:
    """The document, which keeps to its schema. A field that the schema does not name is a slip here."""
    found: dict[str, Any] = document(name, stdout, strict)
    return found


def strict(schema: Any) -> Any:
    """The schema, which lets no object have a field that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema and "allOf" not in schema else {}
    return closed | {key: strict(value) for key, value in schema.items()}


def test_every_schema_is_that_of_a_command_which_says_so() -> None:
    helps = [
        option.help for command in commands(dns01) for option in command.options if "--json" in option.flags
    ]

    named = {found for help in helps for found in re.findall(r"docs/([\w-]+)\.schema\.json", help)}
    assert named == {file.name.partition(".")[0] for file in DOCS.glob("*.schema.json")}


def test_config_check(shell: Client, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("""
        [account.a]
        provider = "memory"
        zones = "example.org"
        [account.b]
        provider = "memory"
        zones = "example.net"
        [zone."example.org"]
        account = "a"
        ttl = 30
        nameservers = ["192.0.2.1"]
        [zone."example.net"]
        account = "b"
        [deploy."*".copy]
        to = "files"
        directory = "/nonexistent/{name}"
        [ca]
        directory = "letsencrypt"
        [certificate."example.org"]
        names = ["example.org"]
        """)

    said = shell("config", "check", str(config), "--json")

    document = valid("config", said.stdout)
    assert document["accounts"][0] == {"name": "a", "provider": "memory", "zones": ["example.org"]}
    assert document["zones"][0]["overrides"] == {"ttl": 30}
    assert document["deployments"] == [{"certificate": "*", "target": "copy", "kind": "files"}]
    assert document["ordered"]["certificates"] == 1


def test_config_check_of_the_only_account_has_every_zone(shell: Client) -> None:
    said = shell("config", "check", "--json", DNS01_PROVIDER="memory", DNS01_MEMORY_ZONES="example.org")

    document = valid("config", said.stdout)
    assert (document["accounts"][0]["zones"], document["ordered"]) == (None, None)


def test_config_check_writes_nothing_where_something_is_wrong(shell: Client) -> None:
    said = shell("config", "check", "--json", DNS01_PROVIDER="nonesuch")

    assert (said.code, said.stdout) == (3, "")
    assert "nonesuch" in said.stderr


def test_providers(shell: Client) -> None:
    document = valid("providers", shell("providers", "--json").stdout)

    named = {each["name"]: each for each in document["providers"] if each["name"]}
    assert set(named) >= set(names())
    assert any(each["name"] is None and each["acmesh"] for each in document["providers"])
    assert "CF_DNS_API_TOKEN" in {
        variable for option in named["cloudflare"]["options"] for variable in option["variables"]
    }


@pytest.mark.parametrize("word", ["rfc2136", "digitalocean", "hetz"])
def test_providers_of_a_word(shell: Client, word: str) -> None:
    document = valid("providers", shell("providers", word, "--json").stdout)

    assert all(word in str(each).lower() for each in document["providers"])


def test_sweep(stage: Stage) -> None:
    stage.client("dehydrated")("deploy_challenge", "example.org", "token", validation("a"))
    shell = stage.client("bash")

    before = valid("sweep", shell("sweep", "--dry-run", "--json").stdout)
    after = valid("sweep", shell("sweep", "--json").stdout)

    (entry,) = [*before["open"], *after["open"]][:1]
    assert (entry["name"], entry["verdict"] in ("in use", "to be taken back")) == (NAME, True)
    assert before["dry_run"]
    assert not after["dry_run"]


def test_deploy(machine: Machine) -> None:
    machine.issue("a.example")
    shell, folder = machine.client("bash"), {"CERTDIR": str(machine.folder / "certs")}

    foreseen = valid("deploy", shell("deploy", "a.example", "--dry-run", "--json", **folder).stdout)
    done = valid("deploy", shell("deploy", "a.example", "--json", **folder).stdout)
    again = valid("deploy", shell("deploy", "a.example", "--dry-run", "--json").stdout)
    pending = valid("deploy", shell("deploy", "--json").stdout)

    assert [each["verdict"] for each in foreseen["deliveries"]] == ["would change"]
    assert foreseen["deliveries"][0]["changes"] != []
    assert [each["verdict"] for each in done["deliveries"]] == ["arrived"]
    assert [each["verdict"] for each in again["deliveries"]] == ["there already"]
    assert pending["deliveries"] == []


def test_deploy_of_what_does_not_arrive(machine: Machine) -> None:
    machine.issue("a.example")
    folder = {"CERTDIR": str(machine.folder / "certs")}
    machine.configure(test="false")

    said = machine.client("bash")("deploy", "a.example", "--json", **folder)

    (delivery,) = valid("deploy", said.stdout)["deliveries"]
    assert (said.code, delivery["verdict"]) == (9, "failed")
    assert delivery["error"]
