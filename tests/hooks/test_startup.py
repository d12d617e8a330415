"""What a phase costs before it begins: which modules it loads (bench/startup.py has the times).

dehydrated calls its hook twice for every certificate that is not due, so those lists are short. And
who publishes through rfc2136 pays for dnspython alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from bundles import issued
from calls import NAME, Stage
from checkout import HOOK
from contract import validation

from dns01.hooks import dispatch
from dns01.hooks.commands import COMMANDS

IMPORT_TIME = "import time:"  # how each line of ``python -X importtime`` begins

PROBE = "this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"
NOTHING_TO_DO = {
    "the probe": (PROBE,),
    "an unknown phase": ("a_phase_of_the_future", "example.org"),
    "generate_csr": ("generate_csr", "example.org", "certs/example.org", "example.org *.example.org "),
    "unchanged_cert": ("unchanged_cert", "example.org", "key.pem", "cert.pem", "fullchain.pem", "chain.pem"),
    "startup_hook with nothing to sweep": ("startup_hook",),
    "exit_hook with nothing to sweep": ("exit_hook", ""),
}

# What it may import beyond what the bare interpreter does: no more than the state folder's place.
ALLOWED = {
    "__future__",
    "dns01",
    "dns01.hooks",
    "dns01.hooks.dispatch",
    "dns01.hooks.state",
    "dns01.hooks.state.folder",
    "dns01.hooks.state.pending_work",
}

# What other phases and providers need, each of which costs as much as all of dnspython.
HEAVY = {
    "asyncio", "boto3", "botocore", "click", "cryptography", "dns.query", "dns.resolver", "http", "httpx",
    "lexicon", "requests", "rich", "smtplib", "ssl", "tenacity", "tldextract", "urllib3", "xml",
}  # fmt: skip


# What a call that publishes has no use for, where its configuration is in variables and all is well.
NEEDLESS = {
    "concurrent.futures", "difflib", "email", "idna", "importlib.metadata", "logging", "tomllib", "zipfile",
    "dns01.hooks.deploy", "dns01.hooks.notify", "dns01.providers._rfc2136_key_files",
}  # fmt: skip


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str
    modules: set[str]


def python(*arguments: str, **environment: str) -> Outcome:
    """Run this interpreter, and tell which modules it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
    )
    lines = done.stderr.splitlines()
    stderr = "\n".join(line for line in lines if not line.startswith(IMPORT_TIME))
    return Outcome(done.returncode, done.stdout, stderr, imported(done.stderr))


def imported(stderr: str) -> set[str]:
    """The modules that ``-X importtime`` has listed."""
    return {line.rpartition("|")[2].strip() for line in stderr.splitlines() if line.startswith(IMPORT_TIME)}


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What ``python -c pass`` imports."""
    return python("-c", "pass").modules


@pytest.fixture
def broken_config(tmp_path: Path) -> Path:
    """A configuration that cannot be read without an error."""
    file = tmp_path / "config.toml"
    file.write_text("[account")
    return file


@pytest.fixture(params=["no state folder", "an empty state folder", "nothing left in its folders"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    if request.param == "an empty state folder":
        folder.mkdir(mode=0o700)
    elif request.param == "nothing left in its folders":
        for each in ("open", "pending", "deployed"):
            (folder / each).mkdir(parents=True)
        (folder / "deployed" / "example.org_web-00000000.json").touch()
    return folder


@pytest.mark.parametrize("words", NOTHING_TO_DO.values(), ids=NOTHING_TO_DO)
def test_a_phase_with_nothing_to_do_says_nothing_reads_no_config_and_imports_next_to_nothing(
    words: tuple[str, ...], bare: set[str], broken_config: Path, state: Path
) -> None:
    before = list(state.parent.rglob("*"))

    outcome = python(str(HOOK), *words, DNS01_CONFIG=str(broken_config), DNS01_STATE_DIR=str(state))

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")
    assert outcome.modules - bare <= ALLOWED
    assert list(state.parent.rglob("*")) == before


def test_a_call_in_the_middle_of_a_run_of_certbot_is_noted_and_imports_next_to_nothing(
    bare: set[str], tmp_path: Path
) -> None:
    names = ("a.example.org", "*.b.example.org", "c.example.org")
    with Stage(tmp_path) as stage:
        client = stage.client("certbot", PYTHONPROFILEIMPORTTIME="1")
        for remaining, name in zip((2, 1, 0), names, strict=True):
            challenge = {"CERTBOT_DOMAIN": name, "CERTBOT_VALIDATION": validation(name)}
            said = client("certbot", "auth", **challenge, CERTBOT_REMAINING_CHALLENGES=str(remaining))
            if remaining == 1:
                middle = said

        assert (middle.code, middle.stdout) == (0, "")
        assert imported(middle.stderr) - bare <= ALLOWED | {
            "dns01.hooks.clients",
            "dns01.hooks.clients.procfs",
            "dns01.hooks.state.certbot_batch",
        }
        assert said.code == 0
        assert stage.bind.txt("_acme-challenge.b.example.org") == {validation("*.b.example.org")}


def test_publishing_through_rfc2136_waiting_and_taking_back_load_nothing_heavy_but_dnspython(
    tmp_path: Path,
) -> None:
    challenge = ("example.org", "token", validation("a"))
    with Stage(tmp_path) as stage:
        client = stage.client(DNS01_CA="letsencrypt.org", PYTHONPROFILEIMPORTTIME="1")

        deploy = client("deploy_challenge", *challenge)
        seen = stage.bind.txt(NAME)
        clean = client("clean_challenge", *challenge)

    assert (deploy.code, clean.code, seen) == (0, 0, {validation("a")})
    for said in (deploy, clean):
        modules = imported(said.stderr)
        assert "dns.message" in modules
        assert sorted(modules & NEEDLESS) == []
        assert not {module for module in modules if {module, module.partition(".")[0]} & HEAVY}


def test_deploy_cert_loads_nothing_of_dns(tmp_path: Path) -> None:
    certificate = issued(tmp_path / "client", "example.org").facts.certificate
    config = tmp_path / "config.toml"
    config.write_text(f'[deploy."example.org".files]\ndirectory = "{tmp_path}/tls"\nreload = "true"\n')
    environ = {"DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(tmp_path / "state")}

    outcome = python(str(HOOK), "deploy_cert", "example.org", *certificate[1:5], "1800000000", **environ)

    assert (outcome.code, outcome.stdout) == (0, "")
    assert (tmp_path / "tls" / "cert.pem").exists()
    assert not {module for module in outcome.modules if module.partition(".")[0] == "dns"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_none_of_those_that_it_does_not_call(name: str) -> None:
    program = "import sys; from dns01.hooks.commands import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, name, "--help"], capture_output=True, text=True)

    usage, *_, modules = done.stdout.splitlines()
    loaded = {each for each in COMMANDS if f"dns01.hooks.commands{COMMANDS[each]}" in modules.split()}
    assert usage.startswith(f"Usage: dns01 {name}")
    assert loaded == {name}


def test_what_is_taken_for_a_command_is_one() -> None:
    assert sorted(dispatch.COMMANDS) == sorted([*COMMANDS, "help", "version"])


INTERRUPTED = """
import sys
from importlib.abc import MetaPathFinder

module = sys.argv.pop(1)

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == module:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.modules.pop(module, None)
from dns01.hooks.hook import main
sys.exit(main())
"""


@pytest.mark.parametrize("at", ["dns01.hooks.dispatch", "signal", "gc", "dns01.hooks.clients.detection"])
def test_an_interrupt_before_anything_has_begun_is_no_traceback(at: str) -> None:
    command = [
        sys.executable,
        "-c",
        INTERRUPTED,
        at,
        "deploy_challenge",
        "example.org",
        "token",
        validation("a"),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in said.stderr
    assert said.returncode == 130
