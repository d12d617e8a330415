"""``dns01 deploy``: by hand, by name, and what is pending."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import issued
from calls import Client
from machine import Machine, content, deploy_cert
from trustme import KeyType

from dns01.hooks.clients.setup import certificate_paths


@pytest.fixture
def shell(machine: Machine) -> Client:
    return machine.client("bash")


def dehydrated(machine: Machine) -> dict[str, str]:
    """What dehydrated's configuration exports."""
    return {"CERTDIR": str(machine.folder / "certs")}


def test_a_certificate_is_found_in_the_client_s_folder_and_brought_at_once(
    machine: Machine, shell: Client
) -> None:
    certificate = machine.issue("a.example")

    said = shell("deploy", "a.example", **dehydrated(machine))

    assert (said.code, said.stdout) == (0, "")
    assert "a.example → web: done" in said.stderr
    assert machine.installed("a.example") == content(certificate)
    assert machine.done() == ["test a.example", "reload a.example"]
    assert shell("deploy", "a.example").code == 0  # its folder is remembered
    assert machine.done() == []


def without_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def without_a_key(folder: Path) -> None:
    (folder / "privkey.pem").unlink()


def with_another_certificate(folder: Path) -> None:
    other = issued(folder.parent / "other", "a.example")
    (folder / "cert.pem").unlink()
    (folder / "cert.pem").write_bytes(other.cert)


def with_half_a_certificate(folder: Path) -> None:
    (folder / "fullchain.pem").write_text("-----BEGIN CERTIFICATE-----")


def without_versions(folder: Path) -> None:
    shutil.rmtree(folder / ".fullchain.pem.versions")


CHANGES = [without_folder, without_a_key, with_another_certificate, with_half_a_certificate, without_versions]


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_has_removed_or_replaced_is_a_warning_and_brought_again(
    machine: Machine, shell: Client, change: Callable[[Path], None]
) -> None:
    certificate = machine.issue("a.example")
    shell("deploy", "a.example", **dehydrated(machine))
    assert shell("status", **dehydrated(machine)).code == 0
    change(machine.folder / "tls" / "a.example")
    machine.done()

    state = shell("status", **dehydrated(machine))
    foreseen = shell("deploy", "a.example", "--dry-run")
    said = shell("deploy", "a.example")

    assert (state.code, foreseen.code, said.code) == (1, 0, 0)
    assert f"a.example → web: {machine.folder}/tls/a.example/" in state.stdout
    assert f"a.example → web: {machine.folder}/tls/a.example/" in foreseen.stdout
    assert machine.installed("a.example") == content(certificate)
    assert machine.done() == ["test a.example", "reload a.example"]
    assert shell("status", **dehydrated(machine)).code == 0


@pytest.mark.parametrize("change", CHANGES)
def test_the_client_s_next_call_brings_it_again_too(
    machine: Machine, shell: Client, change: Callable[[Path], None]
) -> None:
    certificate = machine.issue("a.example")
    shell("deploy", "a.example", **dehydrated(machine))
    change(machine.folder / "tls" / "a.example")

    deploy_cert(machine.client(), certificate)

    assert machine.installed("a.example") == content(certificate)
    assert shell("status", **dehydrated(machine)).code == 0


def test_a_target_that_cannot_be_looked_at_is_believed(machine: Machine, shell: Client) -> None:
    machine.configure(
        more=f'[deploy."*".run]\nto = "command"\ncommand = "sh -c \'echo run >> {machine.log}\'"\n'
    )
    machine.issue("a.example")
    shell("deploy", "a.example", **dehydrated(machine))
    assert "run" in machine.done()

    assert shell("deploy", "a.example").code == 0
    assert machine.done() == []


def test_what_leads_to_another_target_s_files_by_now_is_not_written_through(
    machine: Machine, shell: Client
) -> None:
    """The configuration cannot know: the link is at the place that {name} stands for."""
    tls = machine.folder / "tls"
    machine.configure(more=f'[deploy."b.example".mail]\nto = "files"\ndirectory = "{tls}/mail"\n')
    (tls / "mail").mkdir()
    (tls / "a.example").rmdir()
    (tls / "a.example").symlink_to("mail")
    certificate = machine.issue("b.example")
    shell("deploy", "b.example", **dehydrated(machine))
    machine.issue("a.example")

    foreseen = shell("deploy", "a.example", "--dry-run", **dehydrated(machine))
    said = shell("deploy", "a.example", **dehydrated(machine))

    assert (foreseen.code, said.code) == (9, 9), said.stderr
    assert '[deploy."b.example".mail]' in said.stderr
    assert (tls / "mail" / "cert.pem").read_bytes() == content(certificate)


def test_by_force_it_is_brought_once_more(machine: Machine, shell: Client) -> None:
    machine.issue("a.example")
    shell("deploy", "a.example", **dehydrated(machine))
    machine.done()

    assert shell("deploy", "a.example", "--force").code == 0

    assert machine.done() == ["test a.example", "reload a.example"]


def test_a_dry_run_tells_what_would_change_and_changes_nothing(machine: Machine, shell: Client) -> None:
    machine.issue("a.example")

    said = shell("deploy", "a.example", "--dry-run", **dehydrated(machine))

    assert (said.code, said.stderr) == (0, "")
    assert f"a.example → web: {machine.folder}/tls/a.example/cert.pem: is made\n" in said.stdout
    assert machine.installed("a.example") == b""
    assert not machine.state.exists()
    shell("deploy", "a.example", **dehydrated(machine))
    said = shell("deploy", "a.example", "--dry-run")
    assert said.stdout == "a.example → web: it is there already\n"


def test_a_dry_run_says_first_what_would_break_clients(machine: Machine, shell: Client) -> None:
    machine.issue("a.example")
    shell("deploy", "a.example", **dehydrated(machine))
    issued(machine.folder / "certs" / "a.example", "a.example", key=KeyType.RSA)

    first, *_ = shell("deploy", "a.example", "--dry-run").stdout.splitlines()

    assert first.startswith("a.example → web: careful: ")
    assert "RSA 2048" in first


def test_a_dry_run_fails_where_the_run_would(machine: Machine, shell: Client) -> None:
    certificate = machine.issue("a.example")
    Path(certificate.key).write_bytes(Path(machine.issue("b.example").key).read_bytes())

    said = shell("deploy", "a.example", "--dry-run", "--from", str(Path(certificate.key).parent))

    assert said.code == 9
    assert str(certificate.key) in said.stderr
    assert machine.installed("a.example") == b""


def test_one_target_may_be_chosen(machine: Machine, shell: Client) -> None:
    machine.configure(more='[deploy."a.example".other]\nto = "exec"\ncommand = "false"\n')
    machine.issue("a.example")

    assert shell("deploy", "a.example", "--target", "web", **dehydrated(machine)).code == 0
    said = shell("deploy", "a.example", "--target", "nothing", **dehydrated(machine))

    assert said.code == 3
    assert "dns01: no target 'nothing' is configured for a.example\n" in said.stderr


def test_a_failure_ends_with_9_once_all_others_have_it(machine: Machine, shell: Client) -> None:
    machine.configure(more='[deploy."*".first]\nto = "exec"\ncommand = "false"\n')
    certificate = machine.issue("a.example")

    said = shell("deploy", "a.example", **dehydrated(machine))

    assert said.code == 9
    assert "dns01: it did not arrive: a.example → first\n" in said.stderr
    assert machine.installed("a.example") == content(certificate)
    assert machine.trail()[-1]["outcome"] == "failed"


def test_a_certificate_that_is_nowhere_is_said_with_where_it_was_looked_for(
    machine: Machine, shell: Client
) -> None:
    said = shell("deploy", "a.example", **dehydrated(machine))
    assert said.code == 9
    assert f"{machine.folder}/certs/a.example" in said.stderr
    assert "/etc/letsencrypt/live/a.example" in said.stderr
    assert "--from" in said.stderr


def test_a_folder_may_be_called_otherwise_than_its_certificate(machine: Machine, shell: Client) -> None:
    issued(machine.folder / "certs" / "a-lineage", "a.example")

    said = shell("deploy", "a-lineage", **dehydrated(machine))

    assert said.code == 0
    assert "a.example → web: done" in said.stderr


def test_without_a_name_all_that_is_pending_is_tried_again(machine: Machine, shell: Client) -> None:
    machine.configure(test="false")
    certificate = machine.issue("a.example")
    deploy_cert(machine.client(), certificate)

    said = shell("deploy", "--dry-run")
    assert "a.example → web: " in said.stdout
    assert shell("deploy").code == 9
    machine.configure()
    said = shell("deploy")

    assert (said.code, said.stdout) == (0, "nothing is pending any more\n")
    assert machine.installed("a.example") == content(certificate)
    assert machine.pending() == []


def test_missing_brings_what_a_target_lacks_and_passes_over_the_rest(machine: Machine, shell: Client) -> None:
    certificate = machine.issue("a.example")
    names = ("a.example", "not-issued.example")
    shell("deploy", "a.example", **dehydrated(machine))
    before = machine.trail()

    said = shell("deploy", "--missing", *names, **dehydrated(machine))
    assert (said.code, said.stdout, said.stderr) == (0, "", "")
    assert machine.trail() == before

    new = f'[deploy."a.example".new]\nto = "files"\nfullchain = "{machine.folder}/new.pem"\n'
    machine.configure(more=new)
    said = shell("deploy", "--missing", *names, "--dry-run", **dehydrated(machine))
    assert said.stdout == f"a.example → new: {machine.folder}/new.pem: is made\n"
    assert shell("deploy", "--missing", *names, **dehydrated(machine)).code == 0
    assert (machine.folder / "new.pem").read_bytes() == Path(certificate.fullchain).read_bytes()
    assert machine.done() == ["test a.example", "reload a.example"]  # as it was: only the new one has got it
    assert shell("deploy", "--missing", *names, "--dry-run", **dehydrated(machine)).stdout == ""


def test_missing_tries_again_what_is_pending_and_fails_for_it(machine: Machine, shell: Client) -> None:
    machine.configure(test="false")
    deploy_cert(machine.client(), machine.issue("a.example"))

    assert shell("deploy", "--missing", "a.example", **dehydrated(machine)).code == 9

    machine.configure()
    assert shell("deploy", "--missing", "a.example", **dehydrated(machine)).code == 0
    assert machine.pending() == []


def test_missing_knows_nothing_of_a_certificate_without_a_target(machine: Machine, shell: Client) -> None:
    machine.config.write_text('[deploy."b.example".web]\nto = "exec"\ncommand = "false"\n')
    machine.issue("a.example")

    said = shell("deploy", "--missing", "a.example", **dehydrated(machine))

    assert (said.code, said.stdout, said.stderr) == (0, "", "")


def test_config_check_shows_what_goes_where_and_refuses_what_cannot_work(
    machine: Machine, shell: Client
) -> None:
    assert "certificate *: web (files)\n" in shell("config", "check").stdout

    machine.configure(more='verify = "gopher://example.org"\n')
    said = shell("config", "check")
    assert said.code == 3
    assert "[deploy.\"*\".web]: 'gopher://example.org' " in said.stderr


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", "{base}/certs"),
        ('BASEDIR="/srv/acme"\n', "/srv/acme/certs"),
        ("#CERTDIR=/commented/out\nexport CERTDIR='/srv/certs' # here\n", "/srv/certs"),
        ('BASEDIR=/srv/acme\nCERTDIR="${BASEDIR}/tls"\n', "/srv/acme/tls"),
    ],
)
def test_dehydrated_s_configuration_says_where_its_certificates_are(
    tmp_path: Path, text: str, folder: str
) -> None:
    (tmp_path / "config").write_text(text)
    assert folder.format(base=tmp_path) in certificate_paths.roots({"CONFIG": str(tmp_path / "config")})
