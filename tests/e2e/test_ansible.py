"""The Ansible role: a host converges, stays as it is, changes no more than it has to, and is cleared."""

from __future__ import annotations

import stat
import subprocess
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed import Bind, Key

from .clients import ROOT, Host, Issued
from .playbook import Managed, build_wheel, pinned
from .stage import BIND, TTL, Stage, world_and_ca
from .verify import verify

FILES = ("privkey.pem", "fullchain.pem")
NAMES = ["example.org", "*.example.org"]
KEY = Key("dns01.now", "hmac-sha256", "VGhlIGtleSBvZiB0aGUgQW5zaWJsZSB0ZXN0cyEhISE=")
NEXT_KEY = Key("dns01.next", "hmac-sha256", "VGhlIG5leHQga2V5IG9mIHRoZXNlIHRlc3RzISEhISE=")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """One zone, on a BIND that takes two keys."""
    with world_and_ca() as (world, ca), Bind(BIND, {"example.org": ""}, keys=[KEY, NEXT_KEY]) as server:
        world.delegate("example.org", {"ns.example.org": BIND})
        yield Stage(world, ca, {}, {"example.org": server})


@pytest.fixture
def managed(host: Host, stage: Stage) -> Managed:
    """A host with a certificate for NAMES, which is brought to the folder ``tls``."""
    account = {"provider": "rfc2136", "nameserver": BIND, "ttl": TTL}
    managed = Managed(
        host,
        {
            "dns01_certificates": [{"names": NAMES}],
            "dns01_settings": {"resolvers": [stage.world.resolver.address]},
        },
    )
    managed.variables["dns01_accounts"] = {
        "own": {**account, "tsig_file": str(managed.path("etc", "secrets", "tsig.key"))}
    }
    managed.variables["dns01_secrets"] = {"tsig.key": KEY.bind()}
    managed.variables["dns01_deploy"] = {
        "example.org": {"tls": {"to": "files", "directory": str(managed.path("tls"))}}
    }
    return managed


def test_with_dehydrated_from_nothing_to_a_rotated_key_and_back_to_nothing(
    stage: Stage, managed: Managed, wheel: Path
) -> None:
    requirements = managed.host.folder / "requirements.txt"
    requirements.write_text(pinned(wheel))
    links = f"{managed.variables['dns01_pip_extra_args']} --find-links {wheel.parent}"
    managed.variables |= {"dns01_requirements": str(requirements), "dns01_pip_extra_args": links}
    managed.variables["dns01_dehydrated_settings"] = dehydrated_settings(managed.host)
    issued = Issued(*(managed.path("dehydrated", "certs", "example.org", name) for name in FILES))

    foretold = managed.play("--check", "--diff")
    assert managed.files() == set()

    first = managed.play("--diff", "-vvv")
    verify(issued, NAMES, stage.ca.roots())
    verify(managed.deployed, NAMES, stage.ca.roots())
    assert "Run the client without systemd" in first.changed
    assert stage.texts() == set()
    check_the_units(managed)

    again = managed.play()
    assert again.changed == []

    checked = managed.play("--check", "--diff")
    assert checked.changed == []

    rotated = managed.play("--diff", "-vvv", dns01_secrets={"tsig.key": NEXT_KEY.bind()})
    assert rotated.changed == ["Write the secrets"]
    before = issued.fullchain.read_bytes()
    dehydrated = ("dehydrated", "--cron", "--force", "--config", managed.path("etc", "dehydrated.conf"))
    managed.host.run(*dehydrated, environment={})
    assert issued.fullchain.read_bytes() != before
    verify(managed.deployed, NAMES, stage.ca.roots())

    removed = managed.play("--diff", dns01_state="absent")
    verify(issued, NAMES, stage.ca.roots())
    verify(managed.deployed, NAMES, stage.ca.roots())
    assert managed.files() == set()

    for run in (foretold, first, again, checked, rotated, removed):
        assert KEY.secret not in run.said
        assert NEXT_KEY.secret not in run.said


def test_with_certbot_secrets_are_credentials_and_dns01_is_a_wheel(
    stage: Stage, managed: Managed, wheel: Path
) -> None:
    credentials = managed.path("etc", "secrets")
    own = managed.variables["dns01_accounts"]["own"]
    del own["tsig_file"]
    own |= {"tsig_key": KEY.name, "tsig_secret": {"credential": "tsig-secret"}}
    managed.variables |= {
        "dns01_client": "certbot",
        "dns01_wheel": str(wheel),
        "dns01_secrets": {"tsig-secret": KEY.secret},
        "dns01_secrets_as": "credentials",
    }
    issued = Issued(*(managed.path("letsencrypt", "live", "example.org", name) for name in FILES))

    first = managed.play("--diff", "-vvv")
    verify(issued, NAMES, stage.ca.roots())
    verify(managed.deployed, NAMES, stage.ca.roots())
    check_the_units(managed)
    unit = managed.path("systemd", "dns01.service").read_text()
    assert f"LoadCredential=tsig-secret:{credentials}/tsig-secret\n" in unit

    again = managed.play("--check", "--diff")
    assert again.changed == []
    script = managed.path("dns01-renew")
    assert "not yet due" in managed.host.run(script, environment={"CREDENTIALS_DIRECTORY": str(credentials)})

    wrong = managed.fail("--diff", dns01_secrets={"tsig-secret": NEXT_KEY.secret})
    assert wrong.changed == ["Write the secrets"]
    assert f"auth-rejected: own: {BIND} " in wrong.said
    assert "(BADSIG)" in wrong.said

    removed = managed.play("--diff", dns01_state="absent")
    verify(issued, NAMES, stage.ca.roots())
    assert managed.files() == set()

    for run in (first, again, wrong, removed):
        assert KEY.secret not in run.said
        assert NEXT_KEY.secret not in run.said


def test_without_systemd_cron_runs_it_and_what_did_not_arrive_is_a_failure_until_it_has(
    stage: Stage, managed: Managed, wheel: Path
) -> None:
    checkout = wheel.parent / "checkout"
    git = ["git", "-C", checkout, "-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    for words in ("init --quiet", "add .", "commit --quiet --message all", "tag v1"):
        subprocess.run([*git, *words.split()], check=True)
    cron = managed.path("cron", "dns01")
    cron.parent.mkdir()

    managed.variables |= {
        "dns01_git": f"git+file://{checkout}@v1",
        "dns01_scheduler": "cron",
        "dns01_cron_file": str(cron),
        "dns01_failure_command": 'echo "not renewed on $(date +%F)"',
        "dns01_dehydrated_settings": dehydrated_settings(managed.host),
    }

    targets = managed.variables["dns01_deploy"]["example.org"]
    targets["tls"]["test"] = "false"
    assert "example.org → tls" in managed.fail().said
    targets["tls"]["test"] = "true"
    targets["added"] = {"to": "files", "fullchain": str(managed.path("tls", "added.pem"))}
    mended = managed.play()
    assert mended.changed == ["Write config.toml", "Run the client without systemd"]
    verify(managed.deployed, NAMES, stage.ca.roots())
    assert managed.path("tls", "added.pem").read_bytes() == managed.deployed.fullchain.read_bytes()
    (line,) = [line for line in cron.read_text().splitlines() if not line.startswith("#")]
    minute, hour, *days, _, command = line.split(None, 6)
    assert int(minute) < 60
    assert int(hour) < managed.variables.get("dns01_jitter_hours", 12)
    assert days == ["*"] * 3
    assert r"$(date +\%F)" in command  # to cron, a bare % ends the line
    before = managed.deployed.fullchain.read_bytes()
    managed.host.run("sh", "-c", command, environment={})
    assert managed.deployed.fullchain.read_bytes() == before  # not due

    managed.play(dns01_state="absent")
    assert managed.files() == set()


def test_what_is_configured_arrives_in_the_file_as_it_was_said(managed: Managed) -> None:
    said = {
        "account": {"our own": {"provider": "rfc2136", "nameserver": BIND, "ttl": 30, "pace": 0.1}},
        "zone": {"example.org": {"account": "our own", "nameservers": ["192.0.2.53", "[2001:db8::53]:5353"]}},
        "deploy": {
            "*.example.org": {
                "files": {
                    "directory": str(managed.path("tls", "{name}")),
                    "reload": ["sh", "-c", 'echo "Zürich" \\ $HOME'],
                    "mode": {"privkey": "0640"},
                    "staging": True,
                }
            },
            "example.org": {"real": {"to": "exec", "command": "true"}},
        },
        "resolvers": ["192.0.2.1"],
    }
    trial = {"*.example.org": said["deploy"]["*.example.org"]}
    key = '{ "private_key":  "-----BEGIN\\n", "n": [1,  2] }\n'

    managed.play(
        only="config",
        dns01_prefix=str(ROOT / ".venv"),
        dns01_accounts=said["account"],
        dns01_zones=said["zone"],
        dns01_deploy=said["deploy"],
        dns01_settings={"resolvers": said["resolvers"]},
        dns01_secrets={"key.json": key},
    )

    assert tomllib.loads(managed.path("etc", "config.toml").read_text()) == said
    secret = managed.path("etc", "secrets", "key.json")
    assert secret.read_text() == key
    assert [stat.S_IMODE(path.stat().st_mode) for path in (secret, secret.parent)] == [0o600, 0o700]
    assert managed.path("tls").is_dir()

    managed.play(only="config", dns01_secrets={}, dns01_production=False)
    assert not secret.exists()
    assert tomllib.loads(managed.path("etc", "config.toml").read_text())["deploy"] == trial


def test_a_folder_that_is_somebody_else_s_is_left_alone(managed: Managed) -> None:
    prefix = managed.path("dns01")
    venv.create(prefix)
    theirs = managed.files()

    assert "not by this role: give dns01 a folder of its own" in managed.fail(dns01_wheel="some.whl").said
    managed.play(dns01_state="absent")

    assert managed.files() == theirs


def test_a_secret_in_the_configuration_itself_is_refused_and_not_shown(managed: Managed) -> None:
    managed.variables["dns01_accounts"] = {"own": {"provider": "cloudflare", "token": KEY.secret}}

    failed = managed.fail("--diff", only="config", dns01_prefix=str(ROOT / ".venv"))

    assert "[account.own]: token: " in failed.said
    assert KEY.secret not in failed.said
    assert not managed.path("etc", "config.toml").exists()


def test_a_variable_that_is_wrong_is_named_before_anything_is_done(managed: Managed) -> None:
    failed = managed.fail("-vvv", dns01_client="lego", dns01_secrets=KEY.secret)

    assert "value of dns01_client must be one of: dehydrated, certbot, got: lego" in failed.said
    assert KEY.secret not in failed.said
    assert managed.files() == set()


def dehydrated_settings(host: Host) -> dict[str, str]:
    """It has to trust the CA; with an account's key of its usual size it takes seconds longer."""
    return {"CURL_OPTS": f"--cacert {host.ca_file}", "ACCOUNT_KEYSIZE": "2048"}


def check_the_units(managed: Managed) -> None:
    """They say what systemd understands, and leave little of the host in reach of the client."""
    units = sorted(managed.path("systemd").iterdir())
    assert [unit.name for unit in units] == ["dns01-failure.service", "dns01.service", "dns01.timer"]
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", units[1]],
        capture_output=True,
        text=True,
    )
    assert rated.returncode == 0, rated.stdout
