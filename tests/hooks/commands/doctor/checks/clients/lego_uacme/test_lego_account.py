"""The account that lego's renew goes by, and the folder that it is looked for in."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine, by_timer

from dns01.hooks.commands.doctor.finding import Finding, Severity

HOOK = "/opt/dns01/bin/dns01"
CRONTAB = "/etc/cron.d/lego"
WHEN = "1 2 * * * root "
ENVIRON = f"EXEC_PATH={HOOK}\nEXEC_SEQUENCE_INTERVAL=1\n"
MINE = "hostmaster@example.org"
LETSENCRYPT = "acme-v02.api.letsencrypt.org"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """lego's files in /etc/lego: an account, and a certificate of it."""
    machine = Machine(tmp_path / "root")
    for program in ("/bin/sh", HOOK):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o755)
    machine["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nacme:x:990:990::/home/acme:/bin/sh\n"
    account(machine)
    machine["/etc/lego/certificates/example.org.json"] = "{}"
    return machine


def account(
    machine: Machine, folder: str = "/etc/lego", host: str = LETSENCRYPT, address: str = MINE
) -> None:
    machine[f"{folder}/accounts/{host}/{address}/account.json"] = "{}"


def by_cron(machine: Machine, options: str, command: str = "renew", environ: str = "") -> None:
    machine[CRONTAB] = f"{ENVIRON}{environ}{WHEN}lego {options} -d example.org --dns exec {command}\n"


def missing(machine: Machine) -> list[Finding]:
    return [each for each in machine.findings() if each.code == "account-missing"]


@pytest.mark.parametrize(
    ("options", "environ", "remedy"),
    [
        ("--path /etc/lego --email admin@example.org", "", f"lego --path /etc/lego --email {MINE} -d"),
        ("--path=/etc/lego/ -m=admin@example.org", "", f"-m={MINE} -d"),
        ("--path /etc/lego", "LEGO_EMAIL=admin@example.org\n", f"LEGO_EMAIL={MINE}"),
        (f"--path /etc/leog --email {MINE}", "", f"lego --path /etc/lego --email {MINE} -d"),
        (f"--email {MINE}", "LEGO_PATH=/var/lib/lego\n", "LEGO_PATH=/etc/lego"),
        (
            f"--path /etc/lego --email {MINE} --server https://acme.zerossl.com/v2/DV90",
            "",
            f"lego --accept-tos --path /etc/lego --email {MINE} --server https://acme.zerossl.com/v2/DV90 -d "
            "example.org --dns exec run",
        ),
    ],
)
def test_an_account_that_is_not_there(machine: Machine, options: str, environ: str, remedy: str) -> None:
    by_cron(machine, options, environ=environ)
    (finding,) = missing(machine)
    assert finding.severity == Severity.ERROR
    assert remedy in finding.remedy[0]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (f"--path /etc/lego --email {MINE}", "renew"),
        (f"--path /etc/lego -m {MINE} -s https://{LETSENCRYPT}/directory", "renew --days 30"),
        ("--path /etc/lego --email admin@example.org", "run"),  # which makes it
        ("--path /etc/lego --email $ADDRESS", "renew"),
        (f"--path /srv/lego --email {MINE} --server https://ca.example:14000/dir", "renew"),
    ],
)
def test_an_account_that_is_there_or_may_be(machine: Machine, options: str, command: str) -> None:
    account(machine, "/srv/lego", "ca.example_14000")
    by_cron(machine, options, command)
    assert missing(machine) == []


def test_before_the_first_order_there_is_none(machine: Machine) -> None:
    by_cron(machine, "--path /srv/lego --email admin@example.org")
    assert missing(machine) == []


@pytest.mark.parametrize(
    ("environ", "severity"),
    [("", Severity.ERROR), ("HOME=/srv\n", Severity.ERROR), ("HOME=/home/acme\n", None)],
)
def test_a_folder_that_is_looked_for_in_a_home(
    machine: Machine, environ: str, severity: Severity | None
) -> None:
    account(machine, "/home/acme/.lego")
    by_cron(machine, f"--email {MINE}", environ=environ)
    assert [each.severity for each in machine.findings()] == [severity] * (severity is not None)


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        ((), Severity.ERROR),
        (("WorkingDirectory=/srv",), None),
        (("WorkingDirectory=~", "User=acme"), None),
        (("WorkingDirectory=/opt",), Severity.ERROR),
    ],
)
def test_a_folder_that_is_looked_for_where_a_unit_is_started(
    machine: Machine, settings: tuple[str, ...], severity: Severity | None
) -> None:
    account(machine, "/srv/.lego")
    account(machine, "/home/acme/.lego")
    command = f"/usr/bin/lego --email {MINE} -d example.org --dns exec renew"
    by_timer(machine, "lego", command, f"Environment=EXEC_PATH={HOOK}", *settings)
    found = [each for each in machine.findings() if each.code == "lego-path-missing"]
    assert [each.severity for each in found] == [severity] * (severity is not None)


def test_a_command_that_goes_elsewhere_first(machine: Machine) -> None:
    machine[CRONTAB] = f"{ENVIRON}{WHEN}cd /srv && lego -m {MINE} -d example.org --dns exec renew\n"
    assert [each.severity for each in machine.findings()] == [Severity.WARNING]
