"""No secret is in any argument, any child's environment, any output, the audit trail or the state folder."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from amounts import figure
from bundles import issued
from calls import HOOK, KEY, Stage
from contract import validation
from fakes.rude import Rude

A = validation("a")
CHALLENGE = ["deploy_challenge", "example.org", "token", A]
TOKEN = "t0ken-Of-An-Api-4f9a81c27be3"
MALFORMED = "n0t-a-base64-secret-7d1e"

Case = Callable[[Stage, str], tuple[list[str], dict[str, str]]]


def deploying(stage: Stage, folder: Path) -> dict[str, str]:
    config = folder / "deploy.toml"
    commands = 'test = ["sh", "-c", "env"]\nreload = ["sh", "-c", "env >&2; exit 1"]\n'
    config.write_text(f'[deploy."example.org".web]\nto = "files"\ndirectory = "{folder}/tls"\n{commands}')
    (folder / "tls").mkdir(exist_ok=True)
    return {"DNS01_CONFIG": str(config)}


def api(url: str) -> dict[str, str]:
    return {"DNS01_PROVIDER": "digitalocean", "DO_API_URL": url, "DO_AUTH_TOKEN": TOKEN}


CASES: dict[str, Case] = {
    "publish": lambda stage, url: (CHALLENGE, {}),
    "clean": lambda stage, url: (["clean_challenge", *CHALLENGE[1:]], {}),
    "a key that is wrong": lambda stage, url: (CHALLENGE, {"RFC2136_TSIG_KEY": "other"}),
    "name and secret swapped": lambda stage, url: (
        CHALLENGE,
        {"RFC2136_TSIG_KEY": KEY.secret, "RFC2136_TSIG_SECRET": KEY.name},
    ),
    "the secret as algorithm": lambda stage, url: (CHALLENGE, {"RFC2136_TSIG_ALGORITHM": KEY.secret}),
    "the secret as path": lambda stage, url: (
        CHALLENGE,
        {"RFC2136_TSIG_SECRET": "", "RFC2136_TSIG_SECRET_FILE": KEY.secret},
    ),
    "a secret that is none": lambda stage, url: (CHALLENGE, {"RFC2136_TSIG_SECRET": MALFORMED}),
    "an API that echoes it": lambda stage, url: (CHALLENGE, api(url)),
    "the token as the address of the API": lambda stage, url: (
        CHALLENGE,
        {**api(TOKEN), "DO_AUTH_TOKEN": "t"},
    ),
    "config check": lambda stage, url: (["config", "check"], {}),
    "doctor": lambda stage, url: (["doctor", "--ca", "letsencrypt", "example.org"], {}),
    "doctor --json": lambda stage, url: (["doctor", "--ca", "letsencrypt", "--json", "example.org"], {}),
    "status": lambda stage, url: (["status"], {}),
    "sweep": lambda stage, url: (["sweep"], {}),
    "a traceback": lambda stage, url: (CHALLENGE, {"RFC2136_TSIG_KEY": "other", "DNS01_DEBUG": "1"}),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of an API that says the token in all ways."""
    encoded = base64.b64encode(TOKEN.encode()).decode()
    with Rude(f"{TOKEN} {encoded} {json.dumps(TOKEN)} Bearer%20{TOKEN}", 400) as api:
        yield api.url


def spellings(secret: str) -> list[str]:
    """As it is, in hexadecimal, and as base64 would have it within something longer."""
    inner = [base64.b64encode(secret.encode()[cut:]).decode().rstrip("=")[4:-4] for cut in range(3)]
    return [secret, secret.encode().hex(), *inner]


def ran(tmp_path: Path, words: list[str], environ: dict[str, str]) -> tuple[str, str]:
    """All that it said and left behind, and the arguments and environments of all that it started."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-v", "-s", "65536", "-e", "trace=execve", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, str(HOOK), *words],
        capture_output=True,
        text=True,
        env=environ,
        timeout=300,
    )
    left = [
        path.read_text(errors="replace")
        for path in Path(environ["DNS01_STATE_DIR"]).rglob("*")
        if path.is_file()
    ]
    children = trace.read_text().splitlines()[1:]  # the first is the hook itself
    return "\n".join([done.stdout, done.stderr, *left]), "\n".join(children)


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_said_kept_or_handed_on(stage: Stage, url: str, tmp_path: Path, name: str) -> None:
    words, more = CASES[name](stage, url)
    environ = {**stage.environ, "DNS01_STATE_DIR": str(tmp_path / "state"), "DNS01_TIMEOUT": "5", **more}

    said, started = ran(tmp_path, words, {key: value for key, value in environ.items() if value})

    for secret in (KEY.secret, TOKEN, MALFORMED):
        assert not [each for each in spellings(secret) if each in said]
        assert not [each for each in spellings(secret) if each in started]
    figure(f"secrets searched: {name}", 3, "none found", "pytest tests/trust/test_secrets.py")


def test_the_commands_of_a_target_get_no_secret(stage: Stage, tmp_path: Path) -> None:
    paths = issued(tmp_path / "certs", "example.org").facts.certificate[1:5]
    environ = {**stage.environ, "DO_AUTH_TOKEN": TOKEN, "DNS01_STATE_DIR": str(tmp_path / "state")}
    environ |= deploying(stage, tmp_path)

    said, started = ran(tmp_path, ["deploy_cert", "example.org", *paths, "1800000000"], environ)
    more, again = ran(tmp_path, ["exit_hook"], environ)

    assert "execve(" in started + again, said + more
    for secret in (KEY.secret, TOKEN):
        assert secret not in said + more
        assert secret not in started + again
    figure("secrets searched: commands of a target", 2, "none found", "pytest tests/trust/test_secrets.py")
