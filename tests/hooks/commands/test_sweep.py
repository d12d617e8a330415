"""``dns01 sweep``: what nobody waits for is taken back."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

from calls import KEY, NAME, PRIMARY, Stage
from contract import validation

A, B = validation("a"), validation("b")
APEX = ("example.org", "token", A)


def orphan(stage: Stage, domain: str, value: str, **environ: str) -> None:
    """A record whose client is gone."""
    client = stage.client(**environ)
    assert client("deploy_challenge", domain, "token", value).code == 0
    client.kill()


def test_sweep_shows_what_is_open_and_takes_back_only_what_nobody_waits_for(stage: Stage) -> None:
    living = stage.client()
    living("deploy_challenge", "www.example.org", "token", B)
    orphan(stage, "example.org", A)
    shell = stage.client("bash")

    said = shell("sweep", "--dry-run")
    assert said.code == 0
    assert sorted(re.sub(r"\(process \d+\)", "(process N)", said.stdout).splitlines()) == [
        f"in use: _acme-challenge.www.example.org TXT {B} in example.org, account rfc2136,"
        " for dehydrated (process N)",
        f"to be taken back: {NAME} TXT {A} in example.org, account rfc2136, for dehydrated (process N)",
    ]
    assert stage.bind.txt(NAME) == {A}

    said = shell("sweep")
    assert said.code == 0
    assert f" {NAME}\n" in said.stderr
    assert NAME + " " not in said.stdout
    assert stage.bind.txt(NAME) == set()
    assert stage.bind.txt("_acme-challenge.www.example.org") == {B}

    living("clean_challenge", "www.example.org", "token", B)
    assert shell("sweep").stdout == f"nothing is open in {stage.state}\n"


def test_sweep_fails_while_something_cannot_be_taken_back(stage: Stage) -> None:
    orphan(stage, "example.org", A)

    said = stage.client("bash")("sweep", RFC2136_TSIG_SECRET="d3Jvbmc=")

    assert said.code == 1
    (entry,) = stage.journal()
    assert "(BADSIG)" in entry["error"]
    assert said.stdout.endswith(f"; failed tries: 1, the last one: {entry['error']}\n")


def test_sweep_names_the_record_of_a_corrupt_file_until_the_file_is_removed(stage: Stage) -> None:
    orphan(stage, "example.org", A)
    (file,) = stage.state.glob("open/*.json")
    file.write_text("{")
    aside = stage.state / "corrupt" / "open" / file.name
    shell = stage.client("bash")
    assert f"is corrupt (it is no JSON) and lies at {aside}" in shell("sweep").stderr

    said = shell("sweep")
    assert said.code == 1
    assert said.stderr == (
        f" ! {NAME} may still be published: its journal file is corrupt and lies at {aside}\n"
        f" ! see whether it is still in the zone, remove it there, then: rm {aside}\n"
    )
    assert json.loads(shell("sweep", "--json").stdout)["corrupt"] == [{"name": NAME, "path": str(aside)}]

    aside.unlink()
    assert shell("sweep").code == 0


def test_sweep_forget_gives_up_the_records_of_an_account_that_is_gone(stage: Stage, tmp_path: Path) -> None:
    orphan(stage, "example.org", A)
    config = tmp_path / "config.toml"
    config.write_text('[account.other]\nprovider = "memory"\nzones = "example.net"\n')
    shell = stage.client("bash", DNS01_PROVIDER="", DNS01_TIMEOUT="", DNS01_CONFIG=str(config))

    said = shell("sweep")
    assert said.code == 1
    assert f"{config} " in said.stderr
    assert "'rfc2136'" in said.stderr
    assert "--forget" in said.stderr

    said = shell("sweep", "--forget", "--dry-run")
    assert said.stdout.startswith(f"to be given up: {NAME} TXT {A} ")
    assert len(stage.journal()) == 1

    said = shell("sweep", "--forget")
    assert said.code == 0
    assert said.stdout.startswith(f"given up, see whether it is still in the zone: {NAME} TXT {A} ")
    assert stage.journal() == []
    assert stage.bind.txt(NAME) == {A}


def test_sweep_keeps_the_records_of_an_account_that_is_another_providers_now(
    stage: Stage, tmp_path: Path
) -> None:
    """That one has nothing at the name, which is no sign that the record is gone."""
    config = tmp_path / "config.toml"
    environ = {"DNS01_PROVIDER": "", "DNS01_TIMEOUT": "", "DNS01_CONFIG": str(config)}
    bind = f'nameserver = "{PRIMARY}"\ntsig_key = "{KEY.name}"\ntsig_secret = "{KEY.secret}"\n'
    config.touch(mode=0o600)
    config.write_text(f'[account.web]\nprovider = "rfc2136"\n{bind}')
    orphan(stage, "example.org", A, **environ)
    before = config.read_text()
    config.write_text('[account.web]\nprovider = "memory"\nzones = "example.org"\n')
    shell = stage.client("bash", **environ)

    said = shell("sweep")
    assert said.code == 1
    assert "the account web was rfc2136's when this was published, and is memory's now" in said.stderr
    assert "took back" not in said.stderr
    assert shell("sweep", "--forget", "--dry-run").stdout.startswith(f"to be given up: {NAME} TXT {A} ")
    assert len(stage.journal()) == 1

    config.write_text(before)
    assert shell("sweep").code == 0
    assert stage.bind.txt(NAME) == set()


def test_sweep_forget_without_any_configuration_gives_nothing_up(stage: Stage) -> None:
    orphan(stage, "example.org", A)

    said = stage.client("bash", DNS01_PROVIDER="")("sweep", "--forget")

    assert (said.code, said.stdout) == (3, "")
    assert "DNS01_PROVIDER" in said.stderr
    assert len(stage.journal()) == 1


def test_sweep_says_until_when_an_unknown_client_may_need_its_record(stage: Stage) -> None:
    living = stage.client()
    living("deploy_challenge", *APEX)
    (file,) = (stage.state / "open").iterdir()
    entry = json.loads(file.read_text())
    opened_at = entry["opened_at"]
    file.write_text(json.dumps(entry | {"client": None}))

    said = stage.client("bash")("sweep", "--dry-run").stdout

    until = datetime.fromisoformat(opened_at) + timedelta(hours=2)
    assert f"in use until {until:%Y-%m-%dT%H:%M:%S}" in said
    assert f"Z at the latest: {NAME} TXT {A} in example.org, account rfc2136, for an unknown client" in said


def test_sweep_is_in_the_audit_trail(stage: Stage) -> None:
    orphan(stage, "example.org", A)

    stage.client("bash")("sweep")

    record = stage.trail()[-1]
    assert (record["client"], record["phase"], record["outcome"]) == ("dns01", "sweep", "ok")
    assert [place["target"] for place in record["retracted"]] == [NAME]
