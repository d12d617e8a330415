"""``dns01 config check``: what a person learns of the configuration before a client does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY, Client


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Client]:
    """A person's, without any configuration."""
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state")}
    with Client(tmp_path / "shell", "bash", environ) as client:
        yield client


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
    assert said.stderr.startswith(f"dns01: {tmp_path}/other.toml: it cannot be read: No such file")


def test_config_check_names_file_section_key_and_what_was_meant(shell: Client, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[account.web]\nprovider = "rfc2136"\nnamesrever = "192.0.2.53"\n')

    said = shell("config", "check", str(config))

    assert (said.code, said.stdout) == (3, "")
    assert (
        f"dns01: {config}: [account.web]: unknown key 'namesrever'; did you mean 'nameserver'?" in said.stderr
    )
