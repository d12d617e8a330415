"""``dns01 issue`` against a real CA and a real name server: a wave from the plan to its targets."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from pathlib import Path

from calls import KEY, SECONDARY
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from issuing import Office, account_section
from testbed import Bind


def test_several_certificates_are_issued_in_one_wave_and_nothing_is_left(office: Office) -> None:
    office.want("example.org", "example.org", "*.example.org")
    office.want("www", "www.example.org", "www.example.net")
    office.want("mail.example.net")

    said = office.issue()

    assert said.code == 0
    assert said.stdout.endswith("3 certificates: 3 issued\n")
    assert office.names_of("example.org") == {"example.org", "*.example.org"}
    assert office.names_of("www") == {"www.example.org", "www.example.net"}
    assert office.names_of("mail.example.net") == {"mail.example.net"}
    assert office.texts("example.org", "www.example.org", "www.example.net", "mail.example.net") == set()
    assert not list(office.state.glob("open/*"))
    (record,) = office.trail()
    assert (record["client"], record["phase"], record["outcome"]) == ("dns01", "issue", "ok")
    assert {row["stage"] for row in record["certificates"]} == {"issued"}
    assert {"plan", "order", "publish", "ready"} <= record["steps"].keys()


def test_many_names_of_one_zone_are_published_in_one_batch_and_said_in_one_line(office: Office) -> None:
    for number in range(12):
        office.want(f"c{number}.example.org")

    said = office.issue()

    assert said.code == 0
    assert " + publishing 12 values at 12 names in example.org through bind (rfc2136)\n" in said.stderr
    assert " + took back 12 values at 12 names\n" in said.stderr
    assert " + 12 ordered, 12 published, 12 ready, 12 valid, 12 issued of 12\n" in said.stderr


def test_what_is_not_due_is_not_ordered_again(office: Office) -> None:
    office.want("www.example.org")
    office.issue()
    serial = office.leaf("www.example.org").serial_number

    said = office.issue()

    assert (said.code, office.leaf("www.example.org").serial_number) == (0, serial)
    assert "1 certificate: 1 not due" in said.stdout
    assert len(office.trail()) == 1


def test_key_and_certificate_belong_together_and_nobody_else_can_read_them(office: Office) -> None:
    office.want("www.example.org")
    office.issue()
    folder = office.certificate("www.example.org")

    key = load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert key.public_key() == office.leaf("www.example.org").public_key()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("privkey", "cert", "chain", "fullchain"):
        assert (folder / f"{name}.pem").is_symlink()
        assert stat.S_IMODE((folder / f"{name}.pem").stat().st_mode) == 0o600
    assert (
        os.path.realpath(folder / "privkey.pem").rpartition("/")[0]
        == os.path.realpath(folder / "cert.pem").rpartition("/")[0]
    )


def test_a_dry_run_says_what_is_due_and_why_and_asks_the_ca_for_nothing(office: Office) -> None:
    office.want("www.example.org")

    said = office.issue("--dry-run")

    assert said.code == 0
    assert "www.example.org: to be ordered: " in said.stdout
    assert not list(office.state.glob("accounts/*"))
    assert not list(office.state.glob("certificates/*"))


# Targets


def test_what_is_issued_is_brought_to_its_targets_and_a_shared_service_is_reloaded_once(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "tls").mkdir()
    for number in range(3):
        office.want(f"c{number}.example.org")
        (tmp_path / "tls" / f"c{number}.example.org").mkdir()
    office.more = (
        f'[deploy."*".web]\nto = "files"\ndirectory = "{tmp_path}/tls/{{name}}"\n'
        f'reload = ["sh", "-c", "echo reloaded >> {tmp_path}/log"]\n'
    )

    said = office.issue()

    assert said.code == 0
    for number in range(3):
        name = f"c{number}.example.org"
        deployed = (tmp_path / "tls" / name / "cert.pem").read_bytes()
        assert deployed == (office.certificate(name) / "cert.pem").read_bytes()
    assert (tmp_path / "log").read_text() == "reloaded\n"
    assert {row["target"] for row in office.trail()[-1]["deployed"]} == {"web"}


def test_what_was_issued_and_not_delivered_is_delivered_by_the_next_run(
    office: Office, tmp_path: Path
) -> None:
    office.want("www.example.org")
    office.issue()
    (tmp_path / "tls" / "www.example.org").mkdir(parents=True)
    office.more = f'[deploy."*".web]\nto = "files"\ndirectory = "{tmp_path}/tls/{{name}}"\n'
    office.age("www.example.org", undelivered=True)  # as a kill after the download leaves it

    said = office.issue()

    assert said.code == 0
    assert (tmp_path / "tls" / "www.example.org" / "cert.pem").exists()


# What is seen of it afterwards


def test_the_audit_trail_shows_a_wave_as_one_run(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="elsewhere", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]):
        office.more = account_section("elsewhere", SECONDARY, "example.com")
        office.issue()

    shown = office.run("audit", "--name", "good.example.org").stdout

    assert shown.count("dns01 issue") == 1
    assert "    good: issued\n" in shown
    assert re.search(r"^    bad: failed: .*bad\.example\.com: ", shown, re.MULTILINE)
    assert "published _acme-challenge.good.example.org in example.org, account bind (rfc2136)\n" in shown


def test_status_finds_the_certificates_without_being_told_where(office: Office) -> None:
    office.want("www.example.org")
    office.issue()

    said = office.run("status", "--json")

    (certificate,) = json.loads(said.stdout)["certificates"]
    assert certificate["path"] == str(office.certificate("www.example.org") / "cert.pem")
    assert (certificate["name"], certificate["state"]) == ("www.example.org", "ok")


def test_the_configuration_is_checked_before_anything_is_ordered(office: Office) -> None:
    office.want("www.example.org")
    assert f"certificates ordered from {office.directory}: 1\n" in office.run("config", "check").stdout

    office.want("bad", "x y.example.org")
    said = office.run("config", "check")

    assert said.code == 3
    assert '[certificate."bad"]: names: ' in said.stderr


def test_a_customer_s_account_is_bound_to_the_ca_s_own(tmp_path: Path) -> None:
    """RFC 8555 §7.3.4."""
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    with Office(tmp_path, external_accounts={"kid-1": key}) as office:
        office.want("www.example.org")

        refused = office.issue()
        office.ca_more = f'eab_kid = "kid-1"\neab_hmac_key = "{key}"'
        taken = office.issue()

    assert (refused.code, taken.code) == (10, 0)
    assert "makes an account for none but its customers" in refused.stderr
    assert key not in f"{refused}{taken}"
