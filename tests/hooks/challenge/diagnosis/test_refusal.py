"""What the hook says when the CA says no: the CA's reason, and what the world sees at that moment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import dns.query
import dns.update
import pytest
from calls import BOTH, KEY, NAME, PRIMARY, SECONDARY, Said, Stage
from testbed import TIME_LIMIT

from dns01.hooks.clients.ca_rate_limits import limit
from dns01.hooks.clients.detection import read

VALUE = "x" * 43
UNAUTHORIZED = "urn:ietf:params:acme:error:unauthorized"
CAA = "urn:ietf:params:acme:error:caa"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, BOTH) as stage:
        yield stage


def invalid(token: str, detail: str = "No TXT record found", kind: str = UNAUTHORIZED) -> list[str]:
    """dehydrated's call: the domain is the last one of the certificate."""
    challenge = {"type": "dns-01", "token": token, "error": {"type": kind, "detail": detail}}
    return ["invalid_challenge", "last.example.org", json.dumps(challenge)]


def refused(body: dict[str, object], status: str = "403") -> list[str]:
    return ["request_failure", status, json.dumps(body), "post"]


def refusing(tmp_path: Path, caa: str, *call: str) -> Said:
    with Stage(tmp_path, text=f'@ CAA 0 issue "{caa}"') as stage:
        return stage.client()(*call, DNS01_CA="letsencrypt")


def test_the_name_is_found_by_the_token_and_its_servers_are_asked(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE, "www.example.org", "token-2", VALUE)
    stage.hold()

    said = client(*invalid("token-2"))

    assert (said.code, said.stdout) == (0, "")
    assert f"dns01: invalid_challenge: No TXT record found ({UNAUTHORIZED})" in said.stderr
    assert "for www.example.org:" in said.stderr
    now = "now, _acme-challenge.www.example.org:"
    assert re.search(rf"{now} ns1\.example\.org \({PRIMARY}\): .* serial 2$", said.stderr, re.MULTILINE)
    assert re.search(rf"{now} ns2\.example\.org \({SECONDARY}\): .* serial 1$", said.stderr, re.MULTILINE)
    assert "\ndns01: the likeliest cause: ns2.example.org has " in said.stderr
    assert "last.example.org" not in said.stderr


def test_a_record_that_everybody_has_by_now_came_too_late(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)

    said = client(*invalid("token-1"))

    assert "likeliest cause: every " in said.stderr
    assert "DNS01_TIMEOUT" in said.stderr


def remove(stage: Stage, *records: str) -> None:
    """As another program would that may write the zone."""
    update = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
    for name in records:
        update.delete(f"{name}.", "TXT")
    dns.query.tcp(update, stage.bind.address, timeout=TIME_LIMIT)


@pytest.mark.parametrize("everywhere", [True, False], ids=["gone everywhere", "a secondary is behind"])
def test_a_record_that_another_program_has_removed_is_said_to_be_gone(stage: Stage, everywhere: bool) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)
    if not everywhere:
        stage.hold()
    remove(stage, NAME)

    said = client(*invalid("token-1"))

    assert f"likeliest cause: {NAME} was at every name server when the hook was done" in said.stderr
    assert "something else has removed it" in said.stderr


def test_a_refusal_of_the_cas_is_among_what_failed(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)
    client(*invalid("token-1"))
    client("exit_hook", "Challenge is invalid!")

    shown = client("audit", "--failed").stdout

    assert "failed dehydrated invalid_challenge" in shown
    assert "failed dehydrated exit_hook" in shown
    assert "deploy_challenge" not in shown


def test_what_failed_is_still_there_to_be_taken_back(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)
    client(*invalid("token-1"))

    assert client("clean_challenge", "example.org", "token-1", VALUE).code == 0
    assert not stage.bind.txt(NAME)
    assert not stage.journal()


def test_a_token_that_the_journal_does_not_know_leaves_the_cas_reason(stage: Stage) -> None:
    said = stage.client()(*invalid("of another machine"))

    assert said.code == 0
    assert UNAUTHORIZED in said.stderr
    assert "likeliest" not in said.stderr


def test_a_configuration_that_cannot_be_read_leaves_the_cas_reason(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)

    said = client(*invalid("token-1"), DNS01_PROVIDER="nonsense")

    assert said.code == 0
    assert UNAUTHORIZED in said.stderr
    assert "nonsense" not in said.stderr


def test_uacmes_failed_tells_before_it_takes_back(stage: Stage) -> None:
    client = stage.client("uacme")
    assert client("begin", "dns-01", "example.org", "token-1", VALUE).code == 0
    stage.hold()

    said = client("failed", "dns-01", "example.org", "token-1", VALUE)

    assert said.code == 0
    assert "uacme failed: the CA did not accept the challenge for example.org" in said.stderr
    assert "likeliest cause: ns2.example.org " in said.stderr
    assert not stage.bind.txt(NAME)


def test_uacmes_done_tells_nothing(stage: Stage) -> None:
    client = stage.client("uacme")
    client("begin", "dns-01", "example.org", "token-1", VALUE)

    assert "likeliest" not in client("done", "dns-01", "example.org", "token-1", VALUE).stderr


# An order that is refused


def caused(said: Said, name: str, issuer: str) -> bool:
    """Whether the CAA records that name the issuer are given as the likeliest cause."""
    cause = rf": {re.escape(name)}: .*CAA .*example\.org .*{re.escape(issuer)}"
    return bool(re.search(cause, said.stderr))


def test_a_caa_refusal_at_the_end_shows_the_record_to_add(tmp_path: Path) -> None:
    detail = "While processing CAA for www.example.org: CAA record for www.example.org prevents issuance"

    said = refusing(tmp_path, "other.net", *refused({"type": CAA, "detail": detail}))

    assert said.code == 0
    assert f" 403: {detail} ({CAA})\n" in said.stderr
    assert caused(said, "www.example.org", "other.net")
    assert 'example.org. CAA 0 issue "letsencrypt.org"' in said.stderr


def test_every_identifier_of_a_refused_order_is_asked_for(tmp_path: Path) -> None:
    parts = [
        {"type": CAA, "detail": "it prevents issuance", "identifier": {"type": "dns", "value": f"{name}.org"}}
        for name in ("a.example", "b.example")
    ]

    said = refusing(
        tmp_path, "other.net", *refused({"type": CAA, "detail": "Rechecking CAA", "subproblems": parts})
    )

    assert caused(said, "a.example.org", "other.net")
    assert caused(said, "b.example.org", "other.net")


def test_a_caa_refusal_that_the_records_of_now_do_not_explain_is_left_at_the_cas_words(
    tmp_path: Path,
) -> None:
    said = refusing(tmp_path, "letsencrypt.org", *refused({"type": CAA, "detail": "CAA for example.org"}))

    assert CAA in said.stderr
    assert "likeliest" not in said.stderr


def test_a_caa_refusal_of_a_challenge_is_explained_by_its_name(tmp_path: Path) -> None:
    said = refusing(tmp_path, "other.net", *invalid("token-1", "CAA record for example.org", CAA))

    assert caused(said, "example.org", "other.net")


def test_too_many_orders_have_nothing_to_do_with_the_dns(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", "example.org", "token-1", VALUE)
    body: dict[str, object] = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"}

    said = client(*refused(body, "429"))

    assert said.code == 0
    assert " 429: too many" in said.stderr
    assert "now, " not in said.stderr


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([{"type": CAA, "detail": "no", "identifier": {"value": "a.org"}}], f"all; a.org: no ({CAA})"),
        ([{"detail": "no"}], "all; no"),
        (["nonsense"], "all; nonsense"),
        ("nonsense", "all"),
    ],
)
def test_subproblems_are_part_of_the_problem(parts: object, words: str) -> None:
    body = json.dumps({"detail": "all", "subproblems": parts})

    call = read(["request_failure", "403", body, "post"], {})

    assert call.problem.endswith(f" 403: {words}")


# Limits of the CA

LIMITED = "urn:ietf:params:acme:error:rateLimited"


def test_a_limit_is_said_with_its_end_and_what_to_do_meanwhile() -> None:
    detail = (
        'too many failed authorizations (5) for "example.org", retry after 2026-12-01 10:04:58 UTC: see …'
    )

    said = limit(f"POST was answered with 429: {detail} ({LIMITED})")

    assert "until 2026-12-01 10:04:58 UTC" in said
    assert "staging" in said


def test_a_limit_without_its_end_points_to_retry_after() -> None:
    assert "Retry-After" in limit(f"POST was answered with 429: busy ({LIMITED})")


def test_names_that_the_ca_has_paused_come_with_the_page_that_lets_them_go_on() -> None:
    page = "https://portal.ca.example/sfe/v1/unpause?jwt=abc.def"

    assert f"then open {page}" in limit(f"Your account is paused. Please visit {page} ({LIMITED})")


def test_what_is_no_limit_has_no_such_words() -> None:
    assert limit("POST was answered with 403: forbidden (urn:ietf:params:acme:error:caa)") == ""
