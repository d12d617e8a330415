"""dns01 status: where certificates were brought."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from bundles import issued
from lifetimes import lasting
from machine import Machine, deploy_cert
from statuses import A_DAY, codes, deployed, document, status
from trustme import KeyType

from dns01.hooks.clients.call import Certificate

# Deployments


def test_it_says_where_a_certificate_was_brought_and_when(machine: Machine) -> None:
    deployed(machine)
    said = status(machine)
    assert said.code == 0
    assert f"web ({datetime.now(UTC):%Y-%m-%d})" in said.stdout
    assert "last run: " in said.stdout
    assert "dehydrated exit_hook: ok" in said.stdout


def test_a_deployment_that_fails_is_a_warning(machine: Machine) -> None:
    machine.configure(test="echo a | cat; false")
    deploy_cert(machine.client(), machine.issue("a.example"))

    said = status(machine, "--json")

    assert said.code == 1
    written = document(said)
    (certificate,) = written["certificates"]
    (destination,) = certificate["deployments"]
    assert codes(written) == ["not-deployed"]
    assert destination["deployed"] is None
    assert destination["pending"]["tries"] == 1
    assert "the test: " in destination["pending"]["error"]
    assert (written["last_run"]["phase"], written["last_run"]["outcome"]) == ("deploy_cert", "failed")

    plain = status(machine).stdout
    assert "web (pending)" in plain
    assert plain.count("|") == 1  # a second one would begin figures, to a monitoring system


def test_a_deployment_that_fails_for_long_is_critical(machine: Machine) -> None:
    machine.configure(test="false")
    deploy_cert(machine.client(), machine.issue("a.example"))
    (pending,) = machine.state.glob("pending/*.json")
    content = json.loads(pending.read_text())
    content["since"] -= 8 * A_DAY
    pending.write_text(json.dumps(content))
    said = status(machine)
    assert said.code == 2
    assert "a.example → web is pending for 8 days" in said.stdout


@pytest.mark.parametrize("folder", ["deployed", "pending"])
def test_a_corrupt_file_about_a_deployment_is_a_warning_until_it_is_removed(
    machine: Machine, folder: str
) -> None:
    """Its certificate is not among those that are shown: nothing else tells that it is missing."""
    deployed(machine, "a.example")
    (machine.state / folder / "b.example_web-01234567.json").write_text("{")

    for _ in range(2):
        said = status(machine, "--json")
        assert said.code == 1
        assert codes(document(said)) == ["corrupt"]

    (machine.state / "corrupt" / folder / "b.example_web-01234567.json").unlink()
    assert status(machine).code == 0


def test_what_a_run_has_just_queued_is_no_problem(machine: Machine) -> None:
    deploy_cert(machine.client(), machine.issue("a.example"))
    said = status(machine)
    assert said.code == 0
    assert "web (pending)" in said.stdout


def test_a_newer_certificate_that_nobody_brought_is_a_warning(machine: Machine) -> None:
    deployed(machine)
    machine.issue("a.example")
    written = document(status(machine, "--json"))
    assert codes(written) == ["outdated"]


def issue_with_rsa(machine: Machine) -> Certificate:
    """What was issued for a.example with ECDSA until now."""
    return issued(machine.folder / "certs" / "a.example", "a.example", key=KeyType.RSA).facts.certificate


RSA_NOW = "RSA 2048 instead of EC P-256"


def test_what_would_break_clients_is_said_before_it_is_brought(machine: Machine) -> None:
    deployed(machine)
    issue_with_rsa(machine)
    said = status(machine)
    assert said.code == 1
    (only,) = document(status(machine, "--json"))["certificates"]
    difference = only["deployments"][0]["differences"][0]
    assert RSA_NOW in difference
    assert f"web has an older certificate than there is; careful: {difference}" in said.stdout


def test_what_may_have_broken_clients_is_said_until_the_next_renewal(machine: Machine) -> None:
    deployed(machine)
    client = machine.client()
    told = deploy_cert(client, issue_with_rsa(machine)).stderr
    difference = told.partition("a.example → web: careful: ")[2].partition("\n")[0]
    assert RSA_NOW in difference
    client("exit_hook")

    said = status(machine)

    assert said.code == 0
    assert f"a.example → web: since {datetime.now(UTC):%Y-%m-%d}, {difference}" in said.stdout
    deploy_cert(client, issue_with_rsa(machine))
    client("exit_hook")
    assert RSA_NOW not in status(machine).stdout


def test_a_target_that_is_not_configured_any_more_is_not_shown(machine: Machine) -> None:
    deployed(machine)
    machine.issue("a.example")
    machine.config.write_text("")
    said = status(machine, "--json")
    (certificate,) = document(said)["certificates"]
    assert (said.code, certificate["deployments"]) == (0, [])


def test_a_certificate_that_is_gone_is_unknown_and_it_is_said_how_to_forget_it(machine: Machine) -> None:
    folder = deployed(machine)
    (folder / "cert.pem").unlink()
    lasting(machine.folder / "certs" / "b.example", "b.example", left=80)
    said = status(machine)
    assert said.code == 3
    assert f"remove what {machine.state}/deployed has of it" in said.stdout
