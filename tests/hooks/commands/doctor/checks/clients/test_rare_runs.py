"""Schedules that are too rare for the days before a certificate's end in which its client renews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from client_files import RENEWAL, Machine, all_four, with_certbot

from dns01.hooks.commands.doctor.finding import Severity

CONF = "/etc/letsencrypt/renewal/example.org.conf"
CERTIFICATE = "/etc/letsencrypt/live/example.org/cert.pem"
CRONTAB = "/var/spool/cron/crontabs/root"
TIMER = "/etc/systemd/system/certbot.timer.d/when.conf"
RENEW = "/usr/bin/certbot -q renew"
HOOK = "/opt/dns01/bin/dns01"
LEGO = f"EXEC_PATH={HOOK} lego --path /var/lib/lego -d example.org --dns exec"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """certbot with cron alone."""
    machine = with_certbot(tmp_path / "root")
    (machine.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    return machine


def issue(machine: Machine, days: int, path: str = CERTIFICATE) -> None:
    until = datetime.now(UTC) + timedelta(days=days)
    leaf = trustme.CA().issue_cert("example.org", not_before=until - timedelta(days=days), not_after=until)
    machine[path] = leaf.cert_chain_pems[0].bytes().decode()


def rare(machine: Machine) -> bool:
    return [finding.code for finding in machine.findings()] == ["timer-too-rare"]


@pytest.mark.parametrize(
    ("when", "days"),
    [
        ("0 1 1 */2 *", 62),
        ("0 1 1 */3 *", 92),
        ("0 1 1 jan,apr,jul,oct *", 92),
        ("@yearly", 365),
        ("@monthly", 30),
        ("0 1 1 * *", 31),  # a certificate of the 1st of January ends on the 1st of April
    ],
)
def test_a_line_of_cron_s(machine: Machine, when: str, days: int) -> None:
    machine[CRONTAB] = f"{when} {RENEW}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("timer-too-rare", Severity.WARNING)
    assert f"every {days} days, and renews with 30 days left" in finding.message
    assert finding.remedy == (f"write in {CRONTAB}: 17 4 * * * {RENEW}",)


@pytest.mark.parametrize(
    "when", ["0 1 1,15 * *", "@weekly", "0 1 * * 1", "0 1 1 */2 *\n@daily", "0 1 */10 * *"]
)
def test_a_line_of_cron_s_that_will_do(machine: Machine, when: str) -> None:
    machine[CRONTAB] = "".join(f"{each} {RENEW}\n" for each in when.splitlines())
    assert machine.findings() == []


@pytest.mark.parametrize(
    "time",
    ["*-1/2-1", "*-01,04,07,10-01 02:00", "quarterly", "yearly", "semiannually", "*-*-01 03:00:00"],
)
def test_a_calendar_of_systemd_s(machine: Machine, time: str) -> None:
    machine.link("/etc/systemd/system/timers.target.wants/certbot.timer")
    machine[TIMER] = f"[Timer]\nOnCalendar=\nOnCalendar={time}\n"
    assert rare(machine)
    assert machine.finding().remedy == (
        "systemctl edit certbot.timer\n[Timer]\nOnCalendar=\nOnCalendar=daily",
    )


@pytest.mark.parametrize("span", ["60d", "8w 4d", "2months", "1y", "5184000", "1500h"])
def test_a_span_of_systemd_s(machine: Machine, span: str) -> None:
    machine.link("/etc/systemd/system/timers.target.wants/certbot.timer")
    machine[TIMER] = f"[Timer]\nOnCalendar=\nOnBootSec=5min\nOnUnitActiveSec={span}\n"
    assert rare(machine)


@pytest.mark.parametrize(
    "times",
    ["OnUnitActiveSec=12h", "OnUnitActiveSec=1w", "OnUnitInactiveSec=86400", "OnCalendar=weekly",
     "OnCalendar=*-*-1,15", "OnCalendar=quarterly\nOnUnitActiveSec=2d", "OnUnitActiveSec=90min"],
)  # fmt: skip
def test_times_of_systemd_s_that_will_do(machine: Machine, times: str) -> None:
    machine.link("/etc/systemd/system/timers.target.wants/certbot.timer")
    machine[TIMER] = f"[Timer]\nOnCalendar=\n{times}\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("days", "setting", "when", "is_rare"),
    [
        (90, "renew_before_expiry = 45 days", "@monthly", False),
        (90, "renew_before_expiry = 1 week", "@weekly", True),
        (6, "", "@weekly", True),
        (6, "", "@daily", False),
        (398, "", "@monthly", False),
        (398, "", "0 1 1 1,7 *", True),
    ],
)
def test_what_the_certificate_and_its_renewal_file_say(
    machine: Machine, days: int, setting: str, when: str, is_rare: bool
) -> None:
    issue(machine, days)
    machine[CONF] = f"{setting}\n{all_four(CERTIFICATE)}{RENEWAL}"
    machine[CRONTAB] = f"{when} {RENEW}\n"
    assert rare(machine) == is_rare


@pytest.mark.parametrize(
    ("days", "version", "when", "is_rare"),
    [
        (6, "5.8.0", "0 1 */3 * *", True),  # renewed with three of six days left
        (6, "4.0.0", "0 1 * * *", False),
        (6, "2.1.0", "0 1 */5 * *", False),  # by this one, at every run
        (45, "5.8.0", "0 1 */16 * *", True),
        (45, "5.8.0", "@weekly", False),
        (90, "5.8.0", "@weekly", False),
    ],
)
def test_the_share_of_the_days_by_which_newer_ones_go(
    machine: Machine, days: int, version: str, when: str, is_rare: bool
) -> None:
    issue(machine, days)
    machine[CONF] = all_four(CERTIFICATE) + RENEWAL.replace("2.1.0", version)
    machine[CRONTAB] = f"{when} {RENEW}\n"
    assert rare(machine) == is_rare


def test_a_run_that_always_orders_may_be_rarer(machine: Machine) -> None:
    machine[CRONTAB] = f"0 1 1 */2 * {RENEW} --force-renewal\n"
    assert not rare(machine)
    machine[CRONTAB] = f"0 1 1 */3 * {RENEW} --force-renewal\n"
    assert "timer-too-rare" in [finding.code for finding in machine.findings()]


@pytest.mark.parametrize(
    ("command", "is_rare"),
    [
        (f"{LEGO} renew", True),
        (f"{LEGO} renew --days 20", True),
        (f"{LEGO} renew --days 60", False),
        (f"{LEGO} run", False),
        (f"uacme -h {HOOK} issue example.org", True),
        (f"uacme -h {HOOK} -d 45 issue example.org", False),
        (f"uacme -f -h {HOOK} issue example.org", False),
    ],
)
def test_lego_and_uacme_once_a_month(tmp_path: Path, command: str, is_rare: bool) -> None:
    machine = Machine(tmp_path / "root")
    machine["/etc/ssl/uacme/private/key.pem"] = "key"
    for program in ("/bin/sh", HOOK):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o755)
    machine[CRONTAB] = f"0 1 1 * * {command}\n"
    assert rare(machine) == is_rare
