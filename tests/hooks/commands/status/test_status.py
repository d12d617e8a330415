"""dns01 status: what it finds, what it shows, and what it ends with."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import documents
import pytest
from bundles import issued
from calls import HOOK, NAME, Client, Said, Stage
from checkout import ROOT
from contract import validation
from lifetimes import lasting
from machine import Machine, deploy_cert
from prometheus_client.parser import text_string_to_metric_families
from testbed import TIME_LIMIT
from tls_server import at_once, served
from trustme import KeyType

from dns01.hooks.clients.call import Certificate
from dns01.hooks.commands.status import prometheus
from dns01.hooks.commands.status.expiry import Level
from dns01.hooks.commands.status.services import Wanted, look
from dns01.hooks.state.atomic import iso

A_DAY = 86400
NOBODY = 65534  # a user


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine(tmp_path) as machine:
        yield machine


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


RSA_NOW = "the key is RSA 2048 instead of EC P-256"


def test_what_would_break_clients_is_said_before_it_is_brought(machine: Machine) -> None:
    deployed(machine)
    issue_with_rsa(machine)
    said = status(machine)
    assert said.code == 1
    assert f"web has an older certificate than there is; careful: {RSA_NOW}" in said.stdout
    (only,) = document(status(machine, "--json"))["certificates"]
    assert only["deployments"][0]["differences"][0].startswith(RSA_NOW)


def test_what_may_have_broken_clients_is_said_until_the_next_renewal(machine: Machine) -> None:
    deployed(machine)
    client = machine.client()
    assert f"a.example → web: careful: {RSA_NOW}" in deploy_cert(client, issue_with_rsa(machine)).stderr
    client("exit_hook")

    said = status(machine)

    assert said.code == 0
    assert f"a.example → web: since {datetime.now(UTC):%Y-%m-%d}, {RSA_NOW}" in said.stdout
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


# What is live


def verified(machine: Machine, where: str) -> None:
    """The machine's only target has this service looked at."""
    machine.config.write_text(
        f'[deploy."*".web]\nto = "files"\ndirectory = "{machine.folder}/tls/{{name}}"\nverify = "{where}"\n'
        '[deploy."other.example".cdn]\nto = "fastly"\ntoken = { file = "/nowhere" }\n'  # is not asked for
    )


def test_the_service_of_a_target_is_looked_at(machine: Machine) -> None:
    folder = deployed(machine)
    new = issued(folder, "a.example")
    old = issued(machine.folder / "old", "a.example", days=60)
    for bundle, verdict, found in ((new, "matches", ["outdated"]), (old, "other", ["outdated"])):
        with served(at_once, bundle) as server:
            verified(machine, f"localhost:{server.port}")
            written = document(status(machine, "--json"))
            live = written["certificates"][0]["deployments"][0]["live"]
            assert (live["verdict"], live["leaf"]["fingerprint"]) == (verdict, bundle.facts.fingerprint)
            assert codes(written) == found


def test_a_service_that_was_not_reloaded_is_a_warning(machine: Machine) -> None:
    old = issued(machine.folder / "old", "a.example")
    deployed(machine)
    with served(at_once, old) as server:
        verified(machine, f"localhost:{server.port}")
        said = status(machine)
    assert said.code == 1
    assert f"localhost:{server.port} another certificate" in said.stdout
    assert "see that the service was reloaded" in said.stdout


def test_what_a_service_shows_and_is_about_to_expire_is_critical(machine: Machine) -> None:
    old = issued(machine.folder / "old", "a.example", days=2)
    deployed(machine)
    with served(at_once, old) as server:
        verified(machine, f"localhost:{server.port}")
        said = status(machine)
    assert said.code == 2
    assert f"the certificate that localhost:{server.port} shows expires in " in said.stdout


def test_a_service_that_does_not_answer_is_a_warning(machine: Machine) -> None:
    deployed(machine)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    verified(machine, f"127.0.0.1:{port}")
    said = status(machine)
    assert said.code == 1
    assert f"127.0.0.1:{port} unreachable" in said.stdout


def test_a_service_can_be_probed_by_hand(machine: Machine) -> None:
    known = issued(machine.folder / "certs" / "a.example", "a.example")
    other = issued(machine.folder / "other", "b.example")
    with served(at_once, known) as good, served(at_once, other) as bad:
        both = [f"localhost:{good.port}", f"localhost:{bad.port}"]
        said = status(machine, "--json", "--probe", both[0], "--probe", both[1])
    written = document(said)
    assert said.code == 1
    assert [probe["leaf"]["names"] for probe in written["probes"]] == [["a.example"], ["b.example"]]
    assert codes(written) == ["other-certificate"]


def three_services(server: socket.socket) -> list[Wanted]:
    return [Wanted(f"{dialect}127.0.0.1:{server.getsockname()[1]}") for dialect in ("", "smtp://", "imap://")]


def test_services_that_hang_are_left_to_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shown = look(three_services(silent), within=1)
    assert [each.error for each in shown.values()] == [f"{each.service} took more than 1 s" for each in shown]


def test_services_are_looked_at_in_parallel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up_on_all_at_once() -> None:
            for connection in [server.accept()[0] for _ in range(3)]:
                connection.close()

        threading.Thread(target=hang_up_on_all_at_once, daemon=True).start()
        shown = look(three_services(server), within=TIME_LIMIT)
    assert not [each.error for each in shown.values() if "took more than" in each.error]


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
        assert "_acme-challenge.a.example may still be published" in said.stdout

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


# How it shows it


def at_terminal(machine: Machine, columns: int) -> tuple[int, str]:
    """The exit code, and what is shown at a terminal of so many columns."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def watch() -> None:
        try:
            while some := os.read(ours, 4096):
                shown.append(some)
        except OSError:  # the other end is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    words = [sys.executable, str(HOOK), "status", str(machine.folder / "certs")]
    environ = {"TERM": "xterm-256color", "DNS01_STATE_DIR": str(machine.state), "COLUMNS": str(columns)}
    done = subprocess.run(words, env=environ, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    watcher.join()
    os.close(ours)
    return done.returncode, b"".join(shown).decode()


def test_a_terminal_gets_a_table_with_colours(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=-2)
    code, shown = at_terminal(machine, 140)
    assert code == 2
    assert "\x1b[1;31mCRITICAL" in shown


def test_a_terminal_gets_a_line_for_each_certificate_and_no_figures(machine: Machine) -> None:
    names = ["a.example", "a-rather-long-name-of-a-host.example"]
    for name in names:
        lasting(machine.folder / "certs" / name, name, left=5)
    _, shown = at_terminal(machine, 80)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    of_certificates = [line for line in lines if line.startswith(("WARNING ", "CRITICAL "))]
    assert sorted(line.split()[1] for line in of_certificates) == sorted(names)
    assert all(len(line) <= 80 for line in of_certificates)
    assert "|" not in lines[0]


def test_nothing_that_a_certificate_says_reaches_the_terminal_raw(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", "\x1b[31m|x.example", left=5)
    said = status(machine)
    assert "\x1b" not in said.stdout
    assert said.stdout.count("|") == 1


def test_the_trail_s_steps_and_the_last_run_are_in_the_document(machine: Machine) -> None:
    deployed(machine)
    last = document(status(machine, "--json"))["last_run"]
    assert (last["client"], last["phase"], last["outcome"]) == ("dehydrated", "exit_hook", "ok")


# Prometheus


def metrics(path: Path) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of each metric, as Prometheus' own parser has them."""
    families = list(text_string_to_metric_families(path.read_text()))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {each.name: [(sample.labels, sample.value) for sample in each.samples] for each in families}


def test_the_metrics_say_the_same(machine: Machine) -> None:
    folder = deployed(machine)
    machine.configure(test="false")
    deploy_cert(machine.client(), machine.issue("a.example"))
    leaf = lasting(machine.folder / "certs" / "b.example", "b.example", left=5)
    path = machine.folder / "dns01.prom"

    said = status(machine, "--prometheus", str(path))

    found = metrics(path)
    a, b = (machine.folder / "certs" / f"{name}.example" / "cert.pem" for name in "ab")
    assert said.code == 2
    assert found["dns01_state"] == [({}, 2.0)]
    assert found["dns01_certificate_state"] == [
        ({"name": "b.example", "path": str(b)}, 2.0),
        ({"name": "a.example", "path": str(a)}, 1.0),
    ]
    ends = {labels["name"]: seconds for labels, seconds in found["dns01_certificate_not_after_seconds"]}
    assert ends["b.example"] == pytest.approx(datetime.now(UTC).timestamp() + 5 * A_DAY, abs=60)
    assert leaf == b
    assert folder == a.parent
    to_web = {"name": "a.example", "section": "*", "target": "web"}
    assert found["dns01_deployment_pending"] == [(to_web, 1.0)]
    assert found["dns01_deployment_failing"] == [(to_web, 1.0)]
    ((_, last),) = found["dns01_last_run_timestamp_seconds"]
    assert last == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert found["dns01_open_records"] == [({}, 0.0)]
    assert set(found) <= set(prometheus.METRICS)


def test_the_metrics_are_written_at_once_for_everybody_to_read(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    folder = machine.folder / "textfiles"
    folder.mkdir()
    path = folder / "dns01.prom"
    path.write_text("# HELP dns01_state old\n")
    before = path.stat().st_ino
    client = machine.client("bash")
    client.run("umask 077")
    assert client("status", str(machine.folder / "certs"), "--prometheus", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.stat().st_ino != before
    assert os.listdir(folder) == ["dns01.prom"]


@pytest.mark.parametrize("kind", ["link", "folder", "file"])
def test_what_is_none_of_our_files_is_not_replaced(machine: Machine, kind: str) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    path, other = machine.folder / "there", machine.folder / "other"
    other.write_text("precious")
    if kind == "link":
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("precious")

    said = status(machine, "--html", str(path))

    assert said.code == 3
    assert f"{path} " in said.stdout
    assert other.read_text() == "precious"
    assert kind != "file" or path.read_text() == "precious"


def test_a_device_is_written_to_and_stays_one(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    null = machine.folder / "null"
    os.mknod(null, stat.S_IFCHR | 0o600, os.makedev(1, 3))

    assert status(machine, "--prometheus", str(null)).code == 0
    assert stat.S_ISCHR(null.stat().st_mode)


def test_metrics_may_go_to_standard_output(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    assert "# TYPE dns01_state gauge\n" in status(machine, "--prometheus", "-").stdout


@pytest.mark.parametrize("days", ["nan", "inf", "1e400", "-1"])
def test_what_is_no_number_of_days_is_wrong_use(machine: Machine, days: str) -> None:
    said = status(machine, "--warning", days)
    assert said.code == 3
    assert "fault of dns01" not in said.stderr


def test_a_full_disk_beneath_standard_output_is_said_and_is_unknown(machine: Machine) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(HOOK), "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={"DNS01_STATE_DIR": str(machine.state), "DNS01_CONFIG": ""},
        )
    assert done.returncode == 3
    assert "standard output cannot be written: No space left on device" in done.stderr


def test_metrics_that_cannot_be_written_are_unknown(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    said = status(machine, "--prometheus", "/nowhere/dns01.prom")
    assert said.code == 3
    assert "/nowhere/dns01.prom cannot be written: No such file" in said.stdout


def test_labels_may_hold_anything(machine: Machine) -> None:
    odd = machine.folder / "certs" / 'a "quoted" \\ back'
    lasting(odd, "a.example", left=80)
    path = machine.folder / "dns01.prom"
    status(machine, "--prometheus", str(path))
    ((labels, _),) = metrics(path)["dns01_certificate_state"]
    assert labels["path"] == f"{odd}/cert.pem"


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "status.rst").read_text()
    assert [name for name in prometheus.METRICS if f"``{name}``" not in text] == []


def test_it_changes_nothing_and_shows_no_key(machine: Machine) -> None:
    folder = deployed(machine)
    before = contents(machine)
    key = "".join((folder / "privkey.pem").read_text().splitlines()[1:-1])
    client: Client = machine.client("bash")
    trace = machine.folder / "client.trace"
    client.under = ["strace", "--follow-forks", "-e", "trace=openat", "-o", str(trace)]
    said = client("status", str(machine.folder / "certs"), "--json")
    assert said.code == 0
    assert key[:40] not in said.stdout + said.stderr
    assert "privkey.pem" not in trace.read_text()
    assert contents(machine) == before


def contents(machine: Machine) -> dict[Path, int]:
    """When each file was last changed, but for those of the clients."""
    files = (path for path in machine.folder.rglob("*") if "client" not in str(path))
    return {path: path.lstat().st_mtime_ns for path in files}
