"""Links that have become files, accounts that stayed on another machine, and hooks that say another phase."""

from __future__ import annotations

import shutil
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


def linked(machine: Machine, *numbers: int) -> None:
    """The live folder as certbot makes it, and an archive with all four files of each number."""
    machine[CONF] = "".join(f"{key} = {LIVE}/{key}.pem\n" for key in KEYS) + RENEWAL
    for key in KEYS:
        for number in numbers:
            machine[f"{ARCHIVE}/{key}{number}.pem"] = ""
        link = machine.root / LIVE.lstrip("/") / f"{key}.pem"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../archive/example.org/{key}{numbers[-1]}.pem")


def gone(machine: Machine, *paths: str) -> None:
    for path in paths:
        file = machine.root / path.lstrip("/")
        file.unlink() if file.is_symlink() or file.is_file() else shutil.rmtree(file)


def test_links_as_certbot_makes_them(machine: Machine) -> None:
    linked(machine, 1, 2)
    assert machine.findings() == []


@pytest.mark.parametrize("lacking", [("fullchain",), ("cert",), ("chain", "privkey")])
def test_a_path_that_the_renewal_file_does_not_say(machine: Machine, lacking: Sequence[str]) -> None:
    linked(machine, 1)
    said = "".join(f"{key} = {LIVE}/{key}.pem\n" for key in KEYS if key not in lacking)
    machine[CONF] = said + RENEWAL
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-renewal-broken", Severity.ERROR)
    assert all(f"{key} = {LIVE}/{key}.pem" in finding.remedy[0].splitlines() for key in lacking)


AGAIN = f"cd {LIVE} && for f in cert privkey chain fullchain; do ln -sf {ARCHIVE}/${{f}}1.pem $f.pem; done"


@pytest.mark.parametrize(
    ("removed", "remedy"),
    [
        ((f"{ARCHIVE}/privkey2.pem",), AGAIN),  # what was before it is there
        ((f"{LIVE}/chain.pem",), AGAIN.replace("f}1", "f}2")),
        ((LIVE,), f"mkdir -p {LIVE}; {AGAIN.replace('f}1', 'f}2')}"),
        ((f"{ARCHIVE}/cert1.pem", f"{ARCHIVE}/cert2.pem"), "certbot delete --cert-name example.org"),
        ((LIVE, ARCHIVE), "certbot delete --cert-name example.org"),
    ],
)
def test_links_that_lead_nowhere(machine: Machine, removed: Sequence[str], remedy: str) -> None:
    linked(machine, 1, 2)
    gone(machine, *removed)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-renewal-broken", Severity.ERROR)
    assert finding.remedy[0] == remedy
    assert finding.remedy[1].startswith("certbot cert")  # the list of them, or the order


def account(
    machine: Machine, host: str = HOST, name: str = ACCOUNT, files: Sequence[str] = OF_ACCOUNT
) -> None:
    for file in files:
        machine[f"/etc/letsencrypt/accounts/{host}/{name}/{file}"] = "{}"


def with_account(machine: Machine, server: str = HOST, text: str = "") -> None:
    machine[CONF] = f"{RENEWAL}account = {ACCOUNT}\nserver = https://{server}\n{text}"


@pytest.mark.parametrize("file", OF_ACCOUNT)
def test_a_file_of_the_account_that_a_full_disk_has_emptied(machine: Machine, file: str) -> None:
    with_account(machine)
    account(machine)
    assert machine.findings() == []
    machine[f"/etc/letsencrypt/accounts/{HOST}/{ACCOUNT}/{file}"] = ""
    finding = machine.finding()
    assert finding.code == "certbot-account-missing"
    assert f"{ACCOUNT}/{file} is not there, or is empty" in finding.message


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
