"""Options of lego's on either side of its command."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine, by_timer

from dns01.hooks.commands.doctor.finding import Severity

HOOK = "/opt/dns01/bin/dns01"
CRONTAB = "/etc/cron.d/lego"
WHEN = f"1 2 * * * root EXEC_PATH={HOOK} "


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "root")
    for program in ("/bin/sh", HOOK):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o755)
    return machine


@pytest.mark.parametrize(
    ("written", "right", "named"),
    [
        (
            "/usr/bin/lego renew --path /x -m me@example.org --dns exec --domains example.org --days 30",
            "/usr/bin/lego --path /x -m me@example.org --dns exec --domains example.org renew --days 30",
            "--path, -m, --dns, --domains",
        ),
        (
            "lego --dns exec --path=/x renew -d example.org -d '*.example.org' >/dev/null 2>&1",
            "lego --dns exec --path=/x -d example.org -d '*.example.org' renew >/dev/null 2>&1",
            "-d",
        ),
        (
            "lego --dns exec -d example.org renew -a --path=/x --renew-hook 'nginx -s reload'",
            "lego --dns exec -d example.org -a --path=/x renew --renew-hook 'nginx -s reload'",
            "-a, --path",
        ),
        (
            "lego --path /x -d example.org renew --dns exec && nginx -s reload",
            "lego --path /x -d example.org --dns exec renew && nginx -s reload",
            "--dns",
        ),
        (
            "sh -c 'lego --path /x --dns exec renew -d example.org'",
            "sh -c 'lego --path /x --dns exec -d example.org renew'",
            "-d",
        ),
        (
            "docker run goacme/lego renew --path /x --dns exec --email=a@b.example -d example.org",
            "docker run goacme/lego --path /x --dns exec --email=a@b.example -d example.org renew",
            "--path, --dns, --email, -d",
        ),
    ],
)
def test_options_behind_the_command(machine: Machine, written: str, right: str, named: str) -> None:
    machine[CRONTAB] = f"{WHEN}{written}\n"
    (finding,) = (each for each in machine.findings() if each.code == "lego-options-misplaced")
    assert (finding.severity, finding.subject) == (Severity.ERROR, CRONTAB)
    assert f"knows no {named}, and ends" in finding.message
    assert finding.remedy == (f"write in {CRONTAB}: {WHEN}{right}",)


def test_options_behind_the_command_in_a_unit(machine: Machine) -> None:
    command = "/usr/bin/lego renew --path /x --dns exec -d example.org"
    by_timer(machine, "lego", command, f"Environment=EXEC_PATH={HOOK}")
    (finding,) = (each for each in machine.findings() if each.code == "lego-options-misplaced")
    assert "ExecStart=/usr/bin/lego --path /x --dns exec -d example.org renew" in finding.remedy[0]


@pytest.mark.parametrize(
    "command",
    [
        "lego --path /x --dns exec -d example.org renew",
        "lego -a --path /x --dns exec -d example.org renew --days 45 --reuse-key --no-bundle",
        "lego --path /x --dns exec -d example.org renew --renew-hook='cp --path /x /y' --no-random-sleep",
        "lego --path /x --dns exec -d example.org renew --preferred-chain 'ISRG Root X1' 2>&1",
        "lego run --path /x --dns exec -d example.org",  # of version 5
        "lego --path /x --dns exec -d example.org renew; systemctl reload -d nginx",
    ],
)
def test_options_where_they_belong(machine: Machine, command: str) -> None:
    machine[CRONTAB] = f"{WHEN}{command}\n"
    assert machine.findings() == []
