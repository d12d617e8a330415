"""What a person runs, and what a person sees."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from calls import BOTH, HOOK, NAME, SECONDARY, Client, Stage
from contract import validation

A, B = validation("a"), validation("b")
APEX = ("example.org", "token", A)


def test_a_package_that_is_missing_is_called_as_the_index_calls_it(shell: Client, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['dns'] = None")

    said = shell("doctor", "example.org", PYTHONPATH=str(tmp_path))

    assert (said.code, said.stdout) == (1, "")
    problem, hint = said.stderr.splitlines()
    assert problem.startswith("dns01: ")
    assert problem.endswith(" lacks the package dnspython")
    assert hint == (
        "   -> `pip install dns01-hook` in a virtual environment, and let HOOK be the dns01 of that:"
        " HOOK=/opt/dns01/bin/dns01"
    )


def test_a_module_that_belongs_to_python_is_not_called_a_package(shell: Client, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['json'] = None")

    said = shell("sweep", PYTHONPATH=str(tmp_path))

    problem, hint = said.stderr.splitlines()
    assert problem.endswith(" lacks json, which is Python's own")
    assert hint == "   -> install all of it; in Debian, python3 beside python3-minimal"


def test_an_extension_that_cannot_be_loaded_is_no_fault_of_dns01_s(shell: Client, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "dns").mkdir(parents=True)
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.path.insert(0, {str(packages)!r})")
    (packages / "dns" / "__init__.py").write_text("import dns._built")
    (extension := packages / "dns" / "_built.abi3.so").write_bytes(b"\0" * 4096)

    said = shell("doctor", "example.org", PYTHONPATH=str(tmp_path))

    problem, hint = said.stderr.splitlines()
    assert said.code == 1
    assert f" cannot load {extension}: " in problem
    assert "noexec" in hint


def test_a_module_of_its_own_that_is_missing_is_not_called_a_package(shell: Client, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['dns01.hooks.state.journal'] = None")

    said = shell("sweep", PYTHONPATH=str(tmp_path))

    assert (said.code, said.stdout) == (1, "")
    problem, hint = said.stderr.splitlines()
    assert problem == "dns01: this installation of dns01 is incomplete: it lacks dns01.hooks.state.journal"
    assert hint.endswith("-m pip install --force-reinstall .")


def test_a_copy_of_the_script_says_that_it_is_not_all(tmp_path: Path) -> None:
    copy = tmp_path / "lib" / "hook.py"
    copy.parent.mkdir()
    shutil.copy(HOOK, copy)

    # -S: without the packages that are installed here
    done = subprocess.run([sys.executable, "-ES", copy, "startup_hook"], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (1, "")
    problem, hint = done.stderr.splitlines()
    assert problem == f"dns01: {copy} is a copy that has lost the rest of dns01"
    assert hint == (
        "   -> let HOOK be the dns01 that pip installs, HOOK=/opt/dns01/bin/dns01, or a link to hooks/hook.py"
        " in the checkout"
    )


# slips, help and version


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("deploy-challenge", "did you mean `dns01 deploy_challenge`?"),
        ("clean-challenge", "did you mean `dns01 clean_challenge`?"),
        ("deploy_challange", "did you mean `dns01 deploy_challenge`?"),
        ("deploy_challenges", "did you mean `dns01 deploy_challenge`?"),
        ("cleanup_challenge", "did you mean `dns01 clean_challenge`?"),
        ("Deploy_Challenge", "did you mean `dns01 deploy_challenge`?"),
        ("dpeloy_challenge", "did you mean `dns01 deploy_challenge`?"),
        ("DEPLOY_CERT", "did you mean `dns01 deploy_cert`?"),
        ("presnt", "did you mean `dns01 present`?"),
        ("certbott", "did you mean `dns01 certbot`?"),
        ("hook", "write the phase right behind dns01"),
    ],
)
def test_a_slip_in_a_phase_is_said_and_does_not_fail_for_it_may_be_somebody_s_new_phase(
    shell: Client, word: str, meant: str
) -> None:
    said = shell(word, "example.org", "token", "value")
    assert (said.code, said.stdout) == (0, "")
    assert said.stderr == f" ! '{word}' is no phase, and nothing was done: {meant}\n"


def test_a_hook_without_its_words_is_no_call_for_help(shell: Client) -> None:
    said = shell(CERTBOT_DOMAIN="example.org", CERTBOT_VALIDATION="value")
    assert said.code == 2
    assert "'dns01 certbot auth'" in said.stderr
    assert "'dns01 certbot deploy'" in said.stderr

    said = shell(RENEWED_LINEAGE="/etc/letsencrypt/live/example.org")
    assert (said.code, said.stdout) == (2, "")


def test_a_link_in_certbots_folder_for_deploy_hooks_is_its_deploy_hook(tmp_path: Path) -> None:
    link = tmp_path / "renewal-hooks" / "deploy" / "dns01"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(sys.executable).with_name("dns01"))

    done = subprocess.run(
        [link], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "certbot deploy: RENEWED_LINEAGE is not set" in done.stderr


def test_lego_s_hook_needs_no_words(shell: Client, tmp_path: Path) -> None:
    said = shell(LEGO_HOOK_CERT_PATH=str(tmp_path / "a.crt"), LEGO_HOOK_CERT_KEY_PATH=str(tmp_path / "a.key"))
    assert "Usage" not in said.stdout + said.stderr


VALUE = "gfj9Xq-Rg85nM-P1oSyYnoNAUCVXGqxb1rNkjWxhqR8"


@pytest.mark.parametrize(
    "words",
    [
        ["example.org", VALUE],  # getssl
        ["add", "_acme-challenge.example.org", VALUE],
        ["rm", "_acme-challenge.example.org", VALUE],
        ["create", "example.org", "token", VALUE],
        ["delete", "_acme-challenge.example.org."],
    ],
)
def test_a_challenge_that_is_given_in_another_way_is_said_to_be_left_alone(
    shell: Client, words: list[str]
) -> None:
    said = shell(*words)
    assert (said.code, said.stdout) == (0, "")
    assert said.stderr.startswith(f" ! '{words[0]}' is no phase, and nothing was done: ")
    assert "dns01 deploy_challenge DOMAIN TOKEN VALUE" in said.stderr


@pytest.mark.parametrize(
    "words",
    [["timeout"], ["renewed", "example.org"], ["new_phase", "example.org", VALUE], ["deploy_key", VALUE]],
)
def test_what_has_no_challenge_may_be_somebody_s_new_phase(shell: Client, words: list[str]) -> None:
    said = shell(*words)
    assert (said.code, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("module", ["dns", "click", "cryptography", "requests", "dns01"])
def test_the_python_modules_of_the_caller_are_not_ours(shell: Client, tmp_path: Path, module: str) -> None:
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").write_text("raise SystemExit('not this one')")

    said = shell("sweep", PYTHONPATH=f"{tmp_path}:/nowhere")

    assert (said.code, said.stderr) == (0, "")


def test_a_slip_gets_a_suggestion(shell: Client) -> None:
    said = shell("sweeep")

    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == "dns01: there is no command 'sweeep'\n   -> did you mean `dns01 sweep`?\n"


@pytest.mark.parametrize("words", [("sweep", "--dryrun"), ("audit", "--sinc", "2020"), ("config", "chek")])
def test_a_slip_in_what_follows_a_command_is_told_like_any_other(
    shell: Client, words: tuple[str, ...]
) -> None:
    said = shell(*words)

    assert (said.code, said.stdout) == (2, "")
    problem, hint = said.stderr.splitlines()
    kind = "option" if words[1].startswith("-") else "command"
    assert problem == f"dns01: {words[0]}: no such {kind} '{words[1]}'"
    assert hint.startswith("   -> did you mean ")
    assert f" `dns01 {words[0]} --help` " in hint


def test_a_command_that_is_one_of_two_words_wants_the_other(shell: Client) -> None:
    said = shell("config")

    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == "dns01: config: missing command\n   -> `dns01 config --help` says what it takes\n"


@pytest.mark.parametrize("words", [("help",), ("--help",), ("-h",), ()])
def test_help_lists_the_commands(shell: Client, words: tuple[str, ...]) -> None:
    said = shell(*words)

    assert (said.code, said.stderr) == (0, "")
    assert all(command in said.stdout for command in ("audit", "config", "sweep", "--manual-auth-hook"))
    assert not re.search(r"^  (?!status)\w.*\.\.\.$", said.stdout, re.MULTILINE)  # each line is whole


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version(shell: Client, word: str) -> None:
    assert shell(word).stdout.startswith("dns01, version ")


# What a person sees


def test_lines_are_in_dehydrated_s_manner_and_stdout_is_empty(stage: Stage) -> None:
    stage.world.zone("other.net", {"ns1.other.net": "127.2.0.1"}, f"_acme-challenge CNAME other.{NAME}.")

    said = stage.client()("deploy_challenge", "other.net", "token", A, "*.other.net", "token", B)

    assert (said.code, said.stdout) == (0, "")
    first, second, third = said.stderr.splitlines()
    assert first == (
        f" + publishing 2 values at other.{NAME} (a CNAME leads from _acme-challenge.other.net)"
        " in example.org through rfc2136"
    )
    assert second == " + waiting for ns1.example.org"
    assert third.startswith(" + ready after 0.")


def test_a_resolver_that_cannot_be_asked_is_said_once(stage: Stage) -> None:
    client = stage.client(DNS01_RESOLVERS=f"{stage.world.resolver.address},127.9.9.9")

    said = client("deploy_challenge", *APEX, "www.example.org", "token", B)

    assert said.code == 0
    (warning,) = [line for line in said.stderr.splitlines() if "127.9.9.9" in line]
    assert warning == " ! the resolver 127.9.9.9 cannot be asked: connection refused"


def test_what_the_ca_complains_of_is_shown_in_its_own_words(shell: Client) -> None:
    problem = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": f"Nothing at {NAME}"}

    said = shell("invalid_challenge", "example.org", json.dumps({"token": "token", "error": problem}))

    assert (said.code, said.stdout) == (0, "")
    assert f"Nothing at {NAME} (urn:ietf:params:acme:error:unauthorized)" in said.stderr


def test_a_wait_without_a_terminal_names_the_server_that_holds_it_up(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()
        call = stage.client().start("deploy_challenge", *APEX)

        call.says(" s) still waiting for ns2.example.org\n")


def test_a_wait_of_more_than_two_seconds_shows_a_live_table_on_a_terminal(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()

        code, seen = on_a_terminal(stage, "deploy_challenge", *APEX, release_at="1 of 2 have it after")

    assert code == 0
    assert re.search(r"1 of 2 have it after \d+ s, \d+ s at most", seen)
    assert re.search(rf"{NAME}[^a-z]*m? *\r\n", seen)
    assert re.search(rf"ns2\.example\.org +{SECONDARY} ", seen)
    assert re.search(r"\+ ready after \d+\.\d s", seen)


def on_a_terminal(stage: Stage, *words: str, release_at: str = "") -> tuple[int, str]:
    """The exit code, and all that came to a terminal of 120 columns on stderr. The second server is let
    go once ``release_at`` is seen there."""
    ours, theirs = pty.openpty()
    environ = {**stage.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    with subprocess.Popen(
        [sys.executable, HOOK, *words], env=environ, stderr=theirs, stdout=subprocess.PIPE
    ) as hook:
        os.close(theirs)
        seen = b""
        while data := _read(ours):
            seen += data
            if release_at and release_at.encode() in seen:
                stage.hold(False)
        os.close(ours)
        assert hook.stdout
        assert hook.stdout.read() == b""
    return hook.returncode, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: nobody has it open any more
        return b""
