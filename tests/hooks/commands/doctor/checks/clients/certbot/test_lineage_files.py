"""Links that have become files, accounts that stayed on another machine, and hooks that say another phase."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from client_files import RENEWAL, Machine, with_certbot

from dns01.hooks.commands.doctor.finding import Severity

CONF = "/etc/letsencrypt/renewal/example.org.conf"
LIVE = "/etc/letsencrypt/live/example.org"
ARCHIVE = "/etc/letsencrypt/archive/example.org"
KEYS = ("cert", "privkey", "chain", "fullchain")
ACCOUNT = "8f7e408abe6ff5832f20529fb812abad"
HOST = "acme-v02.api.letsencrypt.org/directory"
OF_ACCOUNT = ("private_key.json", "regr.json", "meta.json")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return with_certbot(tmp_path / "root")


def copied(machine: Machine, keys: Sequence[str], *archived: str) -> None:
    """The live folder with files instead of links, and what the archive has."""
    machine[CONF] = "".join(f"{key} = {LIVE}/{key}.pem\n" for key in KEYS) + RENEWAL
    for key in keys:
        machine[f"{LIVE}/{key}.pem"] = "a copy"
    for name in archived:
        machine[f"{ARCHIVE}/{name}.pem"] = ""


def test_files_of_another_program_s_layout(machine: Machine) -> None:
    copied(machine, KEYS)
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("keys", "archived", "command"),
    [
        (KEYS, [f"{key}1" for key in KEYS], f"ln -sf {ARCHIVE}/${{f}}1.pem $f.pem"),
        (KEYS, [f"{key}{number}" for key in KEYS for number in (9, 10)], "/${f}10.pem $f.pem"),
        (("privkey",), [f"{key}3" for key in KEYS], "/${f}3.pem $f.pem"),
        (KEYS, [*(f"{key}2" for key in KEYS), "cert3"], "/${f}2.pem $f.pem"),  # of which all four are there
        (KEYS, ["README"], f"mv $f.pem {ARCHIVE}/${{f}}1.pem; ln -sf {ARCHIVE}/${{f}}1.pem $f.pem"),
        (KEYS, ["cert4", "privkey4"], f"mv $f.pem {ARCHIVE}/${{f}}5.pem; ln -sf"),
    ],
)
def test_one_command_makes_all_four_links(
    machine: Machine, keys: Sequence[str], archived: Sequence[str], command: str
) -> None:
    copied(machine, keys, *archived)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-renewal-broken", Severity.ERROR)
    assert finding.remedy[0].startswith(f"cd {LIVE} && for f in cert privkey chain fullchain; do ")
    assert command in finding.remedy[0]
    assert all(f"{LIVE}/{key}.pem" in finding.message for key in keys)


def account(
    machine: Machine, host: str = HOST, name: str = ACCOUNT, files: Sequence[str] = OF_ACCOUNT
) -> None:
    for file in files:
        machine[f"/etc/letsencrypt/accounts/{host}/{name}/{file}"] = "{}"


def with_account(machine: Machine, server: str = HOST, text: str = "") -> None:
    machine[CONF] = f"{RENEWAL}account = {ACCOUNT}\nserver = https://{server}\n{text}"


def test_an_account_that_is_nowhere(machine: Machine) -> None:
    with_account(machine)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-account-missing", Severity.ERROR)
    assert f"/etc/letsencrypt/accounts/{HOST}/{ACCOUNT} is not there" in finding.message
    assert finding.remedy[1:] == (
        f"certbot register --server https://{HOST}",
        f"take account = {ACCOUNT} out of {CONF}",
    )


@pytest.mark.parametrize(
    ("host", "name", "files", "step"),
    [
        (HOST, "another", OF_ACCOUNT, f"write in {CONF}: account = another"),
        ("acme-v01.api.letsencrypt.org/directory", "another", OF_ACCOUNT, "account = another"),
        ("ca.example.net/directory", ACCOUNT, OF_ACCOUNT, "restore "),
        (HOST, ACCOUNT, OF_ACCOUNT[:2], "restore "),
        (HOST, "another", OF_ACCOUNT[1:], "restore "),
    ],
)
def test_an_account_that_is_not_this_one(
    machine: Machine, host: str, name: str, files: Sequence[str], step: str
) -> None:
    with_account(machine)
    account(machine, host, name, files)
    assert machine.finding().code == "certbot-account-missing"
    assert step in machine.finding().remedy[0]


@pytest.mark.parametrize(
    ("server", "host"),
    [
        (HOST, HOST),
        (HOST, "acme-v01.api.letsencrypt.org/directory"),  # an old one, which certbot goes on with
        ("ca.example.net/acme/acme/directory/", "ca.example.net/acme/acme/directory"),
    ],
)
def test_an_account_that_is_there(machine: Machine, server: str, host: str) -> None:
    with_account(machine, server)
    account(machine, host)
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (CONF, f"{RENEWAL}account = None\nserver = https://{HOST}\n"),
        ("/etc/letsencrypt/cli.ini", f"account = {ACCOUNT}\n"),
        ("/etc/letsencrypt/cli.ini", "server = https://ca.example.net/acme\n"),
        (
            "/lib/systemd/system/certbot.service",
            "[Service]\nExecStart=/usr/bin/certbot -q renew --config-dir /srv/le\n",
        ),
    ],
)
def test_an_account_of_which_another_place_tells(machine: Machine, path: str, text: str) -> None:
    with_account(machine)
    machine[path] = text
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("key", "phase", "said", "effect"),
    [
        ("manual_auth_hook", "auth", "cleanup", "nothing is published"),
        ("manual_auth_hook", "auth", "deploy", "nothing is published"),
        ("manual_cleanup_hook", "cleanup", "auth", "it stays"),
        ("manual_cleanup_hook", "cleanup", "deploy", "it stays"),
        ("renew_hook", "deploy", "auth", "the old one stays in use"),
        ("renew_hook", "deploy", "cleanup", "the old one stays in use"),
    ],
)
def test_a_hook_that_says_another_phase(
    machine: Machine, key: str, phase: str, said: str, effect: str
) -> None:
    machine[CONF] = RENEWAL.replace(f"certbot {phase}", f"certbot {said}")
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-hook-wrong-phase", Severity.ERROR)
    assert f"{key} = " in finding.message
    assert f"says the phase {said}" in finding.message
    assert effect in finding.message
    assert finding.remedy == (f"write in {CONF}: {key} = /opt/dns01/bin/dns01 certbot {phase}",)
