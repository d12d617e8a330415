"""``dns01 audit``: every phase of every client, and which of them are wanted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from calls import HOOK, NAME, Client, Stage
from contract import validation

from dns01.hooks.state.audit.record import who_and_what

A, B = validation("a"), validation("b")
APEX = ("example.org", "token", A)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The state folder after a good order of dehydrated's and a bad one of certbot's."""
    with Stage(tmp_path_factory.mktemp("lived")) as stage:
        dehydrated, certbot = stage.client(), stage.client("certbot", RFC2136_TSIG_SECRET="d3Jvbmc=")
        dehydrated("deploy_challenge", *APEX)
        dehydrated("clean_challenge", *APEX)
        certbot("certbot", "auth", CERTBOT_DOMAIN="www.example.org", CERTBOT_VALIDATION=B)
    return str(stage.state)


@pytest.mark.parametrize(
    ("client", "phase", "expected"),
    [
        ("lego", "lego present", "lego present"),
        ("certbot", "certbot auth", "certbot auth"),
        ("dehydrated", "deploy_cert", "dehydrated deploy_cert"),
        ("dns01", "sweep", "dns01 sweep"),
    ],
)
def test_a_client_is_named_once(client: str, phase: str, expected: str) -> None:
    assert who_and_what({"client": client, "phase": phase}) == expected


def test_audit_tells_every_phase(lived: str, shell: Client) -> None:
    said = shell("audit", DNS01_STATE_DIR=lived)

    assert (said.code, said.stderr) == (0, "")
    deploy, clean, auth = [part.splitlines() for part in _paragraphs(said.stdout)]
    assert " ok     dehydrated deploy_challenge example.org [root@" in deploy[0]
    assert deploy[1] == f"    published {NAME} in example.org, account rfc2136"
    assert clean[1] == f"    retracted {NAME} in example.org, account rfc2136"
    assert " failed certbot auth www.example.org [root@" in auth[0]
    assert re.fullmatch(r"    AuthRejected: 127\.1\.0\.1 .* \(BADSIG\)", auth[-1])


def _paragraphs(text: str) -> list[str]:
    """Every line that is not indented begins one."""
    return text.replace("\n    ", "\0").rstrip("\n").replace("\n", "\1").replace("\0", "\n    ").split("\1")


@pytest.mark.parametrize(
    ("filters", "phases"),
    [
        ((), ["deploy_challenge", "clean_challenge", "certbot auth"]),
        (("--failed",), ["certbot auth"]),
        (("--client", "dehydrated"), ["deploy_challenge", "clean_challenge"]),
        (("--name", "example.org"), ["deploy_challenge", "clean_challenge"]),
        (("--phase", "clean_challenge"), ["clean_challenge"]),
        (("--since", "2999"), []),
        (("--since", "2020-01-01", "--name", "www.example.org"), ["certbot auth"]),
    ],
)
def test_audit_filters(lived: str, shell: Client, filters: tuple[str, ...], phases: list[str]) -> None:
    said = shell("audit", "--json", *filters, DNS01_STATE_DIR=lived)

    records = [json.loads(line) for line in said.stdout.splitlines()]
    assert [record["phase"] for record in records] == phases


def test_a_clean_up_that_failed_is_among_the_failed_phases(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", *APEX)
    client("clean_challenge", *APEX, RFC2136_TSIG_SECRET="d3Jvbmc=")

    assert "(BADSIG)" in stage.client("bash")("audit", "--failed", "--phase", "clean_challenge").stdout


def test_audit_does_not_complain_of_a_pipe_that_is_closed(lived: str) -> None:
    command = f"{sys.executable} {HOOK} audit | head -c 1"

    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={"DNS01_STATE_DIR": lived, "PATH": os.environ["PATH"]},
    )

    assert (done.returncode, len(done.stdout), done.stderr) == (0, 1, "")
