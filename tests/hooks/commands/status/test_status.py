"""dns01 status: what it finds, where it looks, and what it ends with."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from calls import NAME, Client, Stage
from contract import validation
from lifetimes import lasting, write_chain
from machine import Machine
from statuses import codes, deployed, document, status

from dns01.hooks.commands.status.expiry import Level
from dns01.hooks.state.atomic import iso

NOBODY = 65534  # a user


# What it ends with, and its first line


LIMITED = "urn:ietf:params:acme:error:rateLimited"


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("too many, retry after 2999-12-01 10:04:58 UTC", "until 2999-12-01 10:04:58 UTC"),
        ("too many", "Retry-After"),
        (
            "visit https://portal.ca.example/unpause?jwt=a.b",
            "then open https://portal.ca.example/unpause?jwt=a.b",
        ),
        ("too many, retry after 2020-12-01 10:04:58 UTC", ""),
    ],
    ids=["with its end", "without its end", "names that are paused", "that is over"],
)
def test_a_limit_of_the_ca_is_shown_until_it_ends(machine: Machine, detail: str, shown: str) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=61)
    body = json.dumps({"type": LIMITED, "detail": detail})
    assert machine.client()("request_failure", "429", body, "post", "").code == 0

    said = status(machine)

    assert said.code == (1 if shown else 0)
    assert shown in said.stdout
    assert ("rate-limited" in codes(document(status(machine, "--json")))) == bool(shown)


def test_a_limit_of_the_ca_is_over_when_a_certificate_has_come(machine: Machine) -> None:
    machine.client()(
        "request_failure", "429", json.dumps({"type": LIMITED, "detail": "too many"}), "post", ""
    )
    deployed(machine)

    assert status(machine).code == 0


def test_all_is_well(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", "*.a.example", left=61)
    lasting(machine.folder / "certs" / "b.example", "b.example", left=80)

    said = status(machine)

    first, _, a, b = said.stdout.splitlines()
    assert (said.code, said.stderr) == (0, "")
    text, figures = first.split(" | ")
    assert text == "DNS01 OK - 2 certificates, the first to expire is a.example in 61 days"
    assert figures.startswith("certificates=2 warning=0 critical=0 pending=0 open_records=0 next_expiry=5")
    assert a.split()[:6] == ["OK", "a.example", "+1", a.split()[3], "in", "61"]
    assert "EC P-256" in b
    assert "Example CA" in b


@pytest.mark.parametrize(
    ("left", "of", "words", "level"),
    [
        (30, 90, (), Level.OK),  # where certbot renews
        (22, 90, (), Level.OK),
        (20, 90, (), Level.WARNING),
        (8, 90, (), Level.WARNING),
        (6, 90, (), Level.CRITICAL),
        (32, 365, (), Level.OK),  # where dehydrated renews, whatever the lifetime
        (3, 6, (), Level.OK),
        (1.4, 6, (), Level.WARNING),
        (0.5, 6, (), Level.CRITICAL),
        (-1, 90, (), Level.CRITICAL),
        (20, 90, ("--warning", "10"), Level.OK),
        (9, 90, ("--warning", "10"), Level.WARNING),
        (6, 90, ("--warning", "5"), Level.OK),
        (20, 90, ("--critical", "21"), Level.CRITICAL),
        (-1, 90, ("--critical", "0"), Level.CRITICAL),
    ],
)
def test_what_is_left_decides(
    machine: Machine, left: float, of: float, words: tuple[str, ...], level: Level
) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=left, of=of)
    said = status(machine, *words)
    assert said.code == level.value
    assert said.stdout.startswith(f"DNS01 {level.name} - ")


@pytest.mark.parametrize("days", [0.01, 5])
def test_what_is_not_valid_yet_is_critical(machine: Machine, days: float) -> None:
    """The certificate of a machine whose clock is slow, or began anew."""
    lasting(machine.folder / "certs" / "a.example", "a.example", left=90 + days)

    said = status(machine, "--json")

    assert said.code == Level.CRITICAL
    assert codes(document(said)) == ["not-yet-valid"]


def test_the_most_urgent_come_first(machine: Machine) -> None:
    for name, left in {"a.example": 80, "b.example": 5, "c.example": 15, "d.example": -2.5}.items():
        lasting(machine.folder / "certs" / name, name, left=left)

    said = status(machine)

    first, _, *rows = said.stdout.splitlines()
    assert first.startswith(
        "DNS01 CRITICAL - 3 of 4 certificates: d.example expired 2 days ago; b.example expires in 5 days; "
        "c.example expires in 15 days | certificates=4 warning=1 critical=2 "
    )
    assert [row.split()[:2] for row in rows[:4]] == [
        ["CRITICAL", "d.example"],
        ["CRITICAL", "b.example"],
        ["WARNING", "c.example"],
        ["OK", "a.example"],
    ]
    assert said.stdout.count("dns01 doctor") == 1  # what is to be done is said once


def test_nothing_known_is_unknown(machine: Machine) -> None:
    (machine.folder / "certs").mkdir()
    said = status(machine)
    assert said.code == 3
    assert said.stdout.startswith("DNS01 UNKNOWN - ")
    assert "has no certificate" in said.stdout


@pytest.mark.parametrize("words", [("--what",), ("--warning", "-1"), ("--probe", "no:service:at:all")])
def test_a_slip_is_unknown_and_not_critical(machine: Machine, words: tuple[str, ...]) -> None:
    assert status(machine, *words).code == 3


def test_a_file_that_is_no_certificate_is_unknown_and_the_others_are_shown(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    (machine.folder / "certs" / "b.example").mkdir()
    (machine.folder / "certs" / "b.example" / "cert.pem").write_text("not yet")

    said = status(machine, "--json")

    assert said.code == 3
    written = document(said)
    assert [(each["name"], each["state"]) for each in written["certificates"]] == [
        ("b.example", "unknown"),
        ("a.example", "ok"),
    ]
    assert codes(written) == ["unreadable"]


def monitoring_user(machine: Machine) -> Client:
    """Root without its capabilities: as weak as anybody else, even where the checkout is root's alone."""
    client = machine.client("bash")
    client.under = ["setpriv", "--bounding-set=-all"]
    return client


def test_a_folder_that_is_not_there_is_asked_for_and_no_other_user(machine: Machine) -> None:
    said = status(machine, "/nonexistent")
    assert said.code == Level.UNKNOWN
    assert "/nonexistent cannot be read: No such file or directory" in said.stderr + said.stdout
    assert "name the folder that holds it" in said.stderr + said.stdout
    assert "sudoers" not in said.stderr + said.stdout


def test_what_is_no_certificate_is_told_without_what_is_for_programmers(machine: Machine) -> None:
    folder = machine.folder / "garbage"
    folder.mkdir()
    (folder / "cert.pem").write_text("garbage")
    said = status(machine, str(folder))
    assert "cert.pem holds no certificate in PEM form: Unable to load PEM file" in said.stdout + said.stderr
    assert "cryptography.io" not in said.stdout + said.stderr


def test_a_state_folder_of_somebody_else_s_is_unknown_with_what_to_do(machine: Machine) -> None:
    deployed(machine)
    os.chown(machine.state, NOBODY, NOBODY)
    said = monitoring_user(machine)("status", "--json")
    assert said.code == 3
    assert {"unreadable"} == set(codes(document(said)))
    assert "sudoers" in said.stdout
    assert "Traceback" not in said.stderr


def test_a_monitoring_user_needs_neither_the_key_nor_the_configuration(machine: Machine) -> None:
    certificates, state = machine.folder / "certs", machine.folder / "none"
    lasting(certificates / "a.example", "a.example", left=80)
    machine.config.write_text('[account.web]\nprovider = "rfc2136"\n')
    machine.config.chmod(0)
    said = monitoring_user(machine)("status", str(certificates), DNS01_STATE_DIR=str(state))
    assert (said.code, said.stderr) == (0, "")
    assert not state.exists()


def test_a_monitoring_user_may_see_the_certificates_of_uacme_beside_the_keys(machine: Machine) -> None:
    lasting(machine.folder / "uacme" / "a.example", "a.example", left=80)
    (machine.folder / "uacme" / "private").mkdir(mode=0o700)
    environ = {"DNS01_STATE_DIR": str(machine.folder / "none"), "DNS01_CONFIG": ""}
    assert monitoring_user(machine)("status", str(machine.folder / "uacme"), **environ).code == 0


# Where it looks


def test_dehydrated_s_folder_is_found_by_its_configuration(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    config = machine.folder / "dehydrated"
    config.write_text(f'CERTDIR="{machine.folder}/certs"\n')
    said = machine.client("bash")("status", "--json", CONFIG=str(config))
    paths = [each["path"] for each in document(said)["certificates"]]
    assert f"{machine.folder}/certs/a.example/cert.pem" in paths


def test_a_certificate_s_own_folder_may_be_named_and_counts_once(machine: Machine) -> None:
    folder = deployed(machine)
    (machine.folder / "link").symlink_to(folder)
    said = machine.client("bash")("status", str(folder), str(machine.folder / "link"), "--json")
    (only,) = document(said)["certificates"]
    assert only["name"] == "a.example"
    assert [each["target"] for each in only["deployments"]] == ["web"]


@pytest.mark.parametrize(
    "files", [("{}.crt", "{}.issuer.crt", "{}.key", "{}.json"), ("{}.cer", "ca.cer", "{}.key")]
)
def test_certificates_beside_their_keys_are_found_in_other_clients_folders(
    machine: Machine, files: tuple[str, ...]
) -> None:
    above = machine.folder / "lego"
    folder = above / "certificates"
    for name in ("a.example", "b.example"):
        cert = lasting(machine.folder / "elsewhere" / name, name, left=61)
        folder.mkdir(parents=True, exist_ok=True)
        content = cert.read_bytes()
        for file in files:
            (folder / file.format(name)).write_bytes(content)

    for said in (
        machine.client("bash")("status", "--json", LEGO_PATH=str(above)),
        machine.client("bash")("status", "--json", str(above)),
        machine.client("bash")("status", "--json", str(folder)),
    ):
        assert [each["name"] for each in document(said)["certificates"]] == ["a.example", "b.example"]
        assert said.code == 0


@pytest.mark.parametrize(
    ("variable", "folder", "files"),
    [
        ("LEGO_PATH", "certificates", ("a.example.key", "a.example.crt")),
        ("LE_CONFIG_HOME", "a.example_ecc", ("a.example.key", "a.example.cer")),
    ],
)
def test_what_a_section_names_is_found_in_other_clients_folders_before_it_is_brought_anywhere(
    machine: Machine, variable: str, folder: str, files: tuple[str, str]
) -> None:
    machine.configure(section="a.example")
    certificate = machine.issue("a.example")
    kept = machine.folder / "kept" / folder
    kept.mkdir(parents=True)
    for path, name in zip((certificate.key, certificate.fullchain), files, strict=True):
        (kept / name).write_bytes(Path(path).read_bytes())
    environ = {variable: str(machine.folder / "kept")}

    said = machine.client("bash")("status", **environ)

    assert said.code == 0
    assert "web (not yet)" in said.stdout
    (only,) = [
        each
        for each in document(machine.client("bash")("status", "--json", **environ))["certificates"]
        if each["name"] == "a.example"
    ]
    assert [(each["target"], each["deployed"]) for each in only["deployments"]] == [("web", None)]


# Challenges


def test_a_publishing_that_failed_since_the_last_issuance_is_a_warning(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "*.a.example", left=30)
    said = machine.client()("deploy_challenge", "a.example", "token", validation("a"))
    assert said.code == 3  # there is no account

    said = status(machine, "--json")

    assert said.code == 1
    assert codes(document(said)) == ["renewal-failed"]
    lasting(machine.folder / "certs" / "a.example", "a.example", left=90)
    trail = machine.state / "audit.jsonl"
    old = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    trail.write_text(json.dumps({**json.loads(trail.read_text()), "time": old}) + "\n")
    assert status(machine).code == 0


def test_a_state_folder_that_others_may_write_to_is_unknown_with_what_to_do(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=90)
    machine.state.mkdir(exist_ok=True)
    machine.state.chmod(0o777)

    said = status(machine)

    assert said.code == 3
    assert f"-> chmod go-w {machine.state}" in said.stdout
    assert "sudoers" not in said.stdout


def test_a_corrupt_file_of_the_journal_is_a_warning_until_it_is_removed(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=90)
    (machine.state / "open").mkdir(parents=True)
    (machine.state / "open" / "_acme-challenge.a.example-01234567.json").write_text("{")

    for _ in range(2):
        said = status(machine)
        assert said.code == 1
        assert "_acme-challenge.a.example " in said.stdout
        assert f"rm {machine.state}/corrupt/open/_acme-challenge.a.example-01234567.json" in said.stdout

    (machine.state / "corrupt" / "open" / "_acme-challenge.a.example-01234567.json").unlink()
    assert status(machine).code == 0


def test_a_clean_up_that_fails_is_shown_at_once_and_a_warning_after_an_hour(stage: Stage) -> None:
    folder = stage.state.parent / "certs"
    lasting(folder / "example.org", "example.org", left=80)
    client = stage.client()
    assert client("deploy_challenge", "example.org", "token", validation("a")).code == 0
    client("clean_challenge", "example.org", "token", validation("a"), RFC2136_TSIG_SECRET="d3Jvbmc=")

    said = stage.client("bash")("status", str(folder))
    assert said.code == 0
    assert "open records: 1, 1 of them could not be taken back so far" in said.stdout

    (entry,) = stage.state.glob("open/*.json")
    content = json.loads(entry.read_text())
    opened = content["opened"] - 2 * 3600
    entry.write_text(json.dumps({**content, "opened": opened, "opened_at": iso(opened)}))
    said = stage.client("bash")("status", str(folder), "--json")
    written = document(said)
    assert (said.code, codes(written)) == (1, ["not-cleaned-up"])
    (record,) = written["open_records"]
    assert (record["target"], record["tries"] >= 1) == (NAME, True)
    assert validation("a") not in said.stdout


# The CA's own certificate, which ends before the one that was issued with it


@pytest.mark.parametrize("file", ["chain.pem", "fullchain.pem", "cert.pem"])
@pytest.mark.parametrize(
    ("left", "code", "problems"),
    [
        (-1, 2, ["issuer-expired"]),
        (3, 2, ["issuer-expiring"]),
        (15, 1, ["issuer-expiring"]),
        (30, 0, []),
        (3650, 0, []),
    ],
)
def test_the_end_of_the_cas_own_certificate_counts_by_the_same_rule(
    machine: Machine, file: str, left: float, code: int, problems: list[str]
) -> None:
    path = lasting(machine.folder / "certs" / "a.example", "a.example", left=61)
    write_chain(path.with_name(file), left=left)

    said = status(machine)

    assert said.code == code
    assert ("the CA's own certificate CN=Example CA,O=Example Trust" in said.stdout) == bool(problems)
    assert codes(document(status(machine, "--json"))) == problems


def test_of_two_certificates_of_a_ca_the_longer_one_counts(machine: Machine) -> None:
    path = lasting(machine.folder / "certs" / "a.example", "a.example", left=61)
    write_chain(path.with_name("fullchain.pem"), left=-3)
    write_chain(path.with_name("chain.pem"), left=3000)
    assert status(machine).code == 0


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\n"])
def test_a_chain_that_cannot_be_read_keeps_no_certificate_from_being_shown(
    machine: Machine, content: str
) -> None:
    path = lasting(machine.folder / "certs" / "a.example", "a.example", left=61)
    path.with_name("chain.pem").write_text(content)
    assert status(machine).code == 0
