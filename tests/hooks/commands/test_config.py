"""``dns01 config check``: what a person learns of the configuration before a client does."""

from __future__ import annotations

from pathlib import Path

import pytest
from calls import KEY, Client


def test_config_check_tells_which_account_serves_what(shell: Client, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("""
        [account.web]
        provider = "rfc2136"
        nameserver = "192.0.2.53"
        tsig_key = "hook"
        tsig_secret = { env = "THE_SECRET" }
        [account.lab]
        provider = "memory"
        zones = "example.net"
        [zone."example.org"]
        account = "web"
        [zone."example.net"]
        account = "lab"
        """)

    said = shell("config", "check", str(config), THE_SECRET=KEY.secret)

    assert (said.code, said.stderr) == (0, "")
    assert said.stdout.startswith("account web (rfc2136): example.org\naccount lab (memory): example.net\n")
    assert said.stdout.endswith("the configuration is right\n")
    assert KEY.secret not in said.stdout


def test_config_check_tells_the_terms_of_each_zone(shell: Client, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("""
        [account.lab]
        provider = "memory"
        zones = "example.net"
        [zone."example.org"]
        id = "Z1"
        nameservers = ["10.0.0.53", "10.0.0.54:5353"]
        readiness = "strict"
        ttl = 30
        pace = 0.5
        [zone."example.net"]
        account = "lab"
        """)

    said = shell("config", "check", str(config)).stdout

    assert said.startswith("account lab (memory): every zone\nzone example.org: ")
    terms = "id Z1, nameservers 10.0.0.53 10.0.0.54:5353, readiness strict, ttl 30, pace 0.5"
    assert f"zone example.org: {terms}\n" in said
    assert "zone example.net" not in said


@pytest.mark.parametrize("variable", ["DNS01_PROVIDER", "DNS01_NAMESERVERS", "DNS01_TTL", "DNS01_CONFIG"])
def test_config_check_of_a_file_leaves_the_account_of_the_environment_aside(
    shell: Client, tmp_path: Path, variable: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[account.lab]\nprovider = "memory"\nzones = "example.net"\n')

    said = shell("config", "check", str(config), **{variable: "192"})

    assert (said.code, said.stderr) == (0, "")
    assert said.stdout.startswith("account lab (memory): every zone\n")


def test_config_check_of_a_file_that_is_not_there_says_so_first(shell: Client, tmp_path: Path) -> None:
    said = shell("config", "check", str(tmp_path / "other.toml"), DNS01_PROVIDER="rfc2136")

    assert (said.code, said.stdout) == (3, "")
    assert said.stderr.startswith(f"dns01: {tmp_path}/other.toml: ")


def test_config_check_of_a_slip_names_file_section_key_and_what_was_meant(
    shell: Client, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[account.web]\nprovider = "rfc2136"\nnamesrever = "192.0.2.53"\n')

    said = shell("config", "check", str(config))

    assert (said.code, said.stdout) == (3, "")
    assert said.stderr.startswith(f"dns01: {config}: [account.web]: ")
    assert "'namesrever'" in said.stderr
    assert "'nameserver'" in said.stderr


ACCOUNT = '[account.lab]\nprovider = "memory"\nzones = "example.net"\n'
WEB = '[deploy."example.net".web]: '
FILES = '[deploy."example.net".web]\nto = "files"\ndirectory = "/tmp"\n'


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        ('[notify]\nurl = "x"', "[notify]: ", "'url'"),  # before it is said that there is no account
        ('[audit]\nto = "nowhere"', "[audit]: to: ", "'nowhere'"),
        ('[account.""]\nprovider = "memory"', '[account.""]: ', ""),
        ('[account." "]\nprovider = "memory"', '[account." "]: ', ""),
        ('[account."a\\u0007"]\nprovider = "memory"', r"[account.a\x07]: ", ""),
        (f'{ACCOUNT}{FILES}owner.privkey = "nosuch"', WEB, "user 'nosuch'"),
        (f'{ACCOUNT}{FILES}group.privkey = "nosuch"', WEB, "group 'nosuch'"),
        (f'{ACCOUNT}{FILES}owner.cert = "4294967295"', WEB, "user '4294967295'"),
        (f'{ACCOUNT}{FILES}owner.cert = "99999999999999999999"', WEB, "user '99999999999999999999'"),
    ],
)
def test_config_check_finds_what_a_phase_would_find_later(
    shell: Client, tmp_path: Path, text: str, place: str, wrong: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)

    said = shell("config", "check", str(config))

    assert (said.code, said.stdout) == (3, "")
    problem, hint = said.stderr.splitlines()
    assert place in problem
    assert wrong in problem
    assert hint.startswith("   -> ")


def test_what_is_no_toml_is_said_once_by_a_phase(shell: Client, tmp_path: Path) -> None:
    """Nobody can be notified of it, which goes without saying."""
    config = tmp_path / "config.toml"
    config.write_text("a = [")

    said = shell("deploy_challenge", "example.org", "token", "a" * 43, DNS01_CONFIG=str(config))

    assert said.code == 3
    assert said.stderr.count(f"{config}: ") == 1


def test_status_without_its_state_folder_says_which_that_is(shell: Client, tmp_path: Path) -> None:
    said = shell("status")

    assert said.code == 3
    assert (
        "   -> have the client issue one, or name the folder that holds it: dns01 status FOLDER;"
        f" there is no state folder {tmp_path}/state: a client that runs as another user has its own,"
        " which DNS01_STATE_DIR names\n"
    ) in said.stdout
