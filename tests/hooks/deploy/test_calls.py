"""Whole calls, as processes: dehydrated's and certbot's, and a person's, who has nothing but targets."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from calls import Client, Said, until
from machine import Machine, content, deploy_cert

from dns01.hooks.clients.call import Certificate


def unchanged_cert(client: Client, certificate: Certificate) -> Said:
    paths = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain)
    return client("unchanged_cert", certificate.domain, *paths)


# dehydrated


def test_a_run_reloads_the_service_once_at_its_end(machine: Machine) -> None:
    certificates = [machine.issue("a.example"), machine.issue("b.example")]
    client = machine.client()
    client("startup_hook")

    for certificate in certificates:
        said = deploy_cert(client, certificate)
        assert (said.code, said.stdout) == (0, "")
        assert machine.installed(certificate.domain) == content(certificate)
    assert machine.done() == ["test a.example", "test b.example"]

    assert client("exit_hook").code == 0
    assert machine.done() == ["reload a.example b.example"]
    assert machine.pending() == []


def test_a_certificate_that_is_there_touches_no_service(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    first, second = machine.client(), machine.client()
    deploy_cert(first, certificate)
    first("exit_hook")
    machine.done()

    said = deploy_cert(second, certificate)
    unchanged_cert(second, certificate)
    second("exit_hook")

    assert "a.example → web: it is there already\n" in said.stderr
    assert machine.done() == []


def test_a_failure_costs_dehydrated_nothing_and_the_next_run_tries_again(machine: Machine) -> None:
    machine.configure(section="a.example")
    client = machine.client()
    deploy_cert(client, machine.issue("a.example"))
    client("exit_hook")
    machine.configure(test="echo no >&2; false", section="a.example")
    old = machine.installed("a.example")
    certificate = machine.issue("a.example")

    said = deploy_cert(client, certificate)
    assert said.code == 0
    assert "the test: sh -c" in said.stderr
    assert machine.installed("a.example") == old
    machine.done()
    unchanged_cert(client, machine.issue("b.example"))
    client("exit_hook")
    assert machine.done() == []  # once in a run is enough
    client.kill()

    machine.configure(section="a.example")
    said = unchanged_cert(machine.client(), certificate)
    assert (said.code, said.stdout) == (0, "")
    assert machine.installed("a.example") == content(certificate)
    assert machine.done() == ["test a.example", "reload a.example"]
    assert machine.pending() == []


def test_a_failure_ends_the_run_where_that_is_wanted(machine: Machine) -> None:
    machine.configure(test="false", more='on_failure = "abort"\n')
    said = deploy_cert(machine.client(), machine.issue("a.example"))
    assert said.code == 9
    assert said.stderr.splitlines()[-2].startswith("dns01: a.example → web: the test: ")
    assert len(machine.pending()) == 1


@pytest.mark.parametrize("instant", ["test", "reload"])
def test_a_hook_that_is_killed_leaves_it_to_the_next_run(machine: Machine, instant: str) -> None:
    hang = "sleep 60" if instant == "test" else "true"
    machine.configure(test=hang)
    if instant == "reload":
        text = machine.config.read_text().replace(f'>> {machine.log}"]\n', f'>> {machine.log}; sleep 60"]\n')
        machine.config.write_text(text)
    certificate = machine.issue("a.example")
    client = machine.client()
    if instant == "reload":
        deploy_cert(client, certificate)
        call = client.start("exit_hook")
    else:
        call = client.start("deploy_cert", "a.example", *certificate[1:5], "1800000000")
    until(lambda: machine.log.exists() and instant in machine.log.read_text())
    call.send(signal.SIGKILL)
    assert call.end().code == 128 + signal.SIGKILL
    client.kill()
    machine.done()
    machine.configure()

    assert machine.client()("startup_hook").code == 0

    assert machine.done()[-1] == "reload a.example"
    assert machine.installed("a.example") == content(certificate)
    assert machine.pending() == []


def test_what_a_run_that_died_had_queued_is_done_by_the_next(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    deploy_cert(client, certificate)
    client.kill()
    machine.done()

    assert unchanged_cert(machine.client(), certificate).code == 0

    assert machine.done() == ["reload a.example"]


def test_a_renewal_that_the_hook_was_never_told_of_is_noticed_at_the_next_run(machine: Machine) -> None:
    """The client was killed before it could call, or the hook before it could write anything down."""
    client = machine.client()
    deploy_cert(client, machine.issue("a.example"))
    client("exit_hook")
    machine.done()
    renewed = machine.issue("a.example")

    said = unchanged_cert(client, renewed)
    client("exit_hook")

    assert (said.code, said.stdout) == (0, "")
    assert "a.example: renewed, and never brought anywhere since" in said.stderr
    assert machine.installed("a.example") == content(renewed)
    assert machine.done() == ["test a.example", "reload a.example"]


def test_a_certificate_that_only_looks_renewed_is_compared_once(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    deploy_cert(client, certificate)
    client("exit_hook")
    machine.done()
    Path(certificate.cert).touch()

    assert "a.example → web: " in unchanged_cert(client, certificate).stderr
    assert unchanged_cert(client, certificate).stderr == ""
    assert machine.done() == []


def test_a_first_delivery_that_was_killed_before_it_was_written_down_is_made_at_the_next_run(
    machine: Machine,
) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    client.under = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "inject=rename:signal=KILL:when=1"]
    assert deploy_cert(client, certificate).code == 128 + signal.SIGKILL
    client.under = []
    assert machine.pending() == []

    said = unchanged_cert(client, certificate)
    client("exit_hook")

    assert (said.code, said.stdout) == (0, "")
    assert "a.example: not yet brought to web\n" in said.stderr
    assert machine.installed("a.example") == content(certificate)
    assert machine.done() == ["test a.example", "reload a.example"]
    assert unchanged_cert(client, certificate).stderr == ""


def test_a_target_that_is_new_gets_the_certificate_at_the_next_run_and_the_others_are_left_alone(
    machine: Machine,
) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    deploy_cert(client, certificate)
    client("exit_hook")
    machine.done()
    new = f'[deploy."a.example".told]\nto = "command"\ncommand = "touch {machine.folder}/told"\n'
    machine.configure(more=new)

    assert re.search(r"a\.example: .* told\n", unchanged_cert(client, certificate).stderr)
    client("exit_hook")
    assert (machine.folder / "told").exists()
    assert machine.done() == []
    assert unchanged_cert(client, certificate).stderr == ""


def test_a_certificate_without_a_target_is_compared_once(machine: Machine) -> None:
    machine.config.write_text(machine.config.read_text().replace('"*"', '"b.example"'))
    client, certificate = machine.client(), machine.issue("a.example")
    for _ in range(2):
        assert unchanged_cert(client, certificate).stderr == ""
    (compared,) = (machine.state / "compared").iterdir()
    assert compared.name == "a.example"


def test_what_failed_in_this_run_is_not_tried_at_its_other_certificates(machine: Machine) -> None:
    machine.configure(test="false", section="a.example")
    client = machine.client()
    deploy_cert(client, machine.issue("a.example"))
    other = machine.issue("b.example")
    unchanged_cert(client, other)  # which has no target, as is known from here on
    client.under = ["strace", "-f", "-e", "trace=openat", "-o", str(machine.folder / "trace")]

    assert unchanged_cert(client, other).stderr == ""

    assert "config.toml" not in (machine.folder / "trace").read_text()  # not even asked for


@pytest.mark.parametrize("mistake", ["[deploy", 'on_failure = "abort"\n'])
def test_an_ocsp_response_fails_for_nothing(machine: Machine, mistake: str) -> None:
    certificate = machine.issue("a.example")
    response = Path(certificate.cert).with_name("ocsp.der")
    response.write_bytes(b"a response")
    machine.configure(test="false", more=mistake)

    assert machine.client()("deploy_ocsp", "a.example", str(response), "1800000000").code == 0


def test_a_configuration_that_cannot_be_read_leaves_it_to_a_later_call(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    machine.configure(more="reloda = true\n")
    client = machine.client()

    said = deploy_cert(client, certificate)
    assert said.code == 3
    assert "unknown key 'reloda'; did you mean 'reload'?" in said.stderr
    client.kill()
    machine.configure()

    assert machine.client()("startup_hook").code == 0
    assert machine.installed("a.example") == content(certificate)
    assert machine.pending() == []


def test_an_unchanged_certificate_fails_for_nothing(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    deploy_cert(client, certificate)
    client.kill()
    machine.config.write_text("[deploy")

    said = unchanged_cert(machine.client(), certificate)

    assert (said.code, said.stdout) == (0, "")
    assert str(machine.config) in said.stderr


def test_an_ocsp_response_is_brought_to_the_targets_of_its_certificate(machine: Machine) -> None:
    tell = f"echo response $DNS01_OCSP for $DNS01_CERT >> {machine.log}"
    command = json.dumps(f"sh -c '{tell}'")
    machine.config.write_text(f'[deploy."*".told]\nto = "exec"\ncommand = {command}\n')
    certificate = machine.issue("a.example")
    response = Path(certificate.cert).with_name("ocsp.der")
    response.write_bytes(b"a response")
    client = machine.client()
    deploy_cert(client, certificate)

    said = client("deploy_ocsp", "a.example", str(response), "1800000000")

    assert (said.code, said.stdout) == (0, "")
    assert machine.done() == [
        f"response for {certificate.cert}",
        f"response {response} for {certificate.cert}",
    ]


def test_files_are_brought_to_the_disk_for_sync_cert(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    paths = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain)
    client = machine.client()
    client.under = [
        "strace",
        "--follow-forks",
        "-y",
        "-e",
        "trace=fsync",
        "-o",
        str(machine.folder / "trace"),
    ]

    said = client("sync_cert", *paths, "")

    assert (said.code, said.stdout) == (0, "")
    trace = (machine.folder / "trace").read_text()
    for path in (*paths, os.path.dirname(certificate.cert)):
        assert f"<{path}>" in trace


@pytest.mark.parametrize("missing", ["key", "cert", "fullchain", "chain", "all", "the folder", "a FIFO"])
def test_what_sync_cert_names_need_not_be_there(machine: Machine, missing: str) -> None:
    """dehydrated with PRIVATE_KEY_RENEW="no" names a new key that it does not make."""
    certificate = machine.issue("a.example")
    paths = dict(zip(("key", "cert", "fullchain", "chain"), certificate[1:5], strict=True))
    if missing == "the folder":
        paths = {name: f"{path}.d/none/file.pem" for name, path in paths.items()}
    for path in paths.values() if missing == "all" else filter(None, [paths.get(missing)]):
        os.unlink(path)
    if missing == "a FIFO":
        os.unlink(paths["key"])
        os.mkfifo(paths["key"])
    said = machine.client()("sync_cert", *paths.values(), "")
    assert (said.code, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("phase", ["deploy_cert", "unchanged_cert", "deploy_ocsp", "sync_cert"])
@pytest.mark.parametrize("kind", ["missing", "a FIFO", "a folder"])
def test_no_phase_hangs_or_breaks_for_a_path_that_is_no_file(machine: Machine, phase: str, kind: str) -> None:
    certificate = machine.issue("a.example")
    client = machine.client()
    for path in certificate[1:5]:
        os.unlink(path)
        if kind == "a FIFO":
            os.mkfifo(path)
        elif kind == "a folder":
            os.mkdir(path)
    arguments = {
        "deploy_cert": ("a.example", *certificate[1:5], "1800000000"),
        "unchanged_cert": ("a.example", *certificate[1:5]),
        "deploy_ocsp": ("a.example", certificate.key, "1800000000"),
        "sync_cert": (*certificate[1:5], ""),
    }
    said = client(phase, *arguments[phase])
    assert said.code == 0
    assert machine.installed("a.example") == b""
    if phase == "deploy_cert":  # it is pending, and why is said
        assert "a.example → web: " in said.stderr
        assert len(machine.pending()) == 1


def test_a_service_that_refuses_gets_what_it_had_before_the_run_though_two_came_in_it(
    machine: Machine,
) -> None:
    client = machine.client()
    deploy_cert(client, machine.issue("a.example"))
    client("exit_hook")
    old = machine.installed("a.example")
    machine.config.write_text(machine.config.read_text().replace(f'>> {machine.log}"]\n', 'no; false"]\n'))

    for _ in range(2):
        deploy_cert(client, machine.issue("a.example"))
    said = client("exit_hook")

    assert "sh -c" in said.stderr
    assert machine.installed("a.example") == old


# Other clients


def test_certbot_has_its_services_reloaded_at_once(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    said = machine.client("certbot")(
        "certbot", "deploy", RENEWED_LINEAGE=os.path.dirname(certificate.cert), RENEWED_DOMAINS="a.example"
    )
    assert (said.code, said.stderr) == (0, "")  # certbot shows the one as progress, the other as an error
    assert machine.done() == ["test a.example", "reload a.example"]


def test_lego_s_deploy_hook_brings_the_certificate_as_it_is(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    said = machine.client("lego")(
        "lego",
        "deploy",
        LEGO_HOOK_CERT_PATH=certificate.fullchain,
        LEGO_HOOK_CERT_KEY_PATH=certificate.key,
        LEGO_HOOK_CERT_DOMAINS="a.example",
    )
    assert (said.code, said.stdout) == (0, "")
    assert machine.installed("a.example") == content(certificate)
    assert machine.done() == ["test a.example", "reload a.example"]


def test_a_command_gets_no_secret_unless_the_configuration_says_so(machine: Machine) -> None:
    certificate = machine.issue("a.example")
    machine.configure(
        test=f"env > {machine.folder}/env-test",
        more=f"""pass_environment = "OTHER_TOKEN"
[deploy."*".told]
to = "command"
command = "sh -c 'env > {machine.folder}/env-command'"
""",
    )
    secrets = {"RFC2136_TSIG_SECRET": "c2VjcmV0", "OTHER_TOKEN": "t0ken", "OVH_CK": "k", "HARMLESS": "1"}
    client = machine.client()
    paths = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain)
    assert client("deploy_cert", "a.example", *paths, "1800000000", **secrets).code == 0
    of_test, of_command = (
        dict(line.split("=", 1) for line in (machine.folder / name).read_text().splitlines() if "=" in line)
        for name in ("env-test", "env-command")
    )
    assert secrets.keys() & of_test.keys() == {"OTHER_TOKEN", "HARMLESS"}
    assert secrets.keys() & of_command.keys() == {"HARMLESS"}
    assert of_test["DNS01_PRIVKEY"] == certificate.key


def test_without_any_target_it_is_shown_what_has_arrived(machine: Machine) -> None:
    machine.config.write_text("")
    certificate = machine.issue("a.example")
    said = deploy_cert(machine.client(), certificate)
    assert said.code == 0
    assert f" + certificate: {certificate.cert}\n" in said.stderr


# The audit trail


def test_the_trail_has_every_target_and_what_came_of_it(machine: Machine) -> None:
    more = '[deploy."a.example".other]\nto = "exec"\ncommand = "false"\n'
    machine.configure(more=more)
    certificate = machine.issue("a.example")
    client = machine.client()
    deploy_cert(client, certificate)
    client("exit_hook")

    deploy, end = machine.trail()
    assert (deploy["phase"], deploy["names"], deploy["outcome"]) == ("deploy_cert", ["a.example"], "failed")
    (failed,) = deploy["deployed"]
    assert (failed["name"], failed["target"], failed["section"]) == ("a.example", "other", "a.example")
    assert failed["error"].startswith("the program: false ended with 1")
    assert end["deployed"] == [{"name": "a.example", "target": "web", "section": "*", "error": ""}]

    shown = machine.client("bash")("audit").stdout
    assert "    not deployed a.example → other\n" in shown
    assert "    deployed a.example → web\n" in shown
