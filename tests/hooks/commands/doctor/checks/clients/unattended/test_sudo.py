"""What the doctor says of a client that a user has run by sudo, as the rules of sudo are."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import DEHYDRATED, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

CRONTAB = "/var/spool/cron/crontabs/acme"
RUN = "/usr/bin/dehydrated --cron"
DEBIAN = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """acme has a crontab, and gets at nothing of root's; its sudo asks for a password."""
    machine = with_dehydrated(tmp_path / "root")
    machine.root.chmod(0o755)
    machine["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nacme:x:990:990::/home/acme:/bin/sh\n"
    machine["/etc/group"] = "sudo:x:27:acme\nacme:x:990:\n"
    machine["/etc/dns01/config.toml"] = ""
    machine.mode("/etc/dns01/config.toml", 0o600)
    machine["/etc/sudoers"] = DEBIAN
    machine["/etc/cron.d/dehydrated"] = ""
    machine[CRONTAB] = f"17 3 * * * sudo {RUN}\n"
    return machine


@pytest.mark.parametrize(
    "command",
    [
        f"sudo {RUN}",
        f"sudo -n {RUN} >/dev/null 2>&1",
        f"sudo -nH -u root {RUN}",
        "sudo dehydrated --cron",
        f"sudo nice -n 10 {RUN}",
        f"flock -n /run/lock/acme sudo --user=root {RUN}",
        f"sh -c 'sudo DNS01_CONFIG=/etc/dns01/other.toml {RUN}'",
    ],
)
def test_a_password_that_nobody_gives(machine: Machine, command: str) -> None:
    machine["/etc/dns01/other.toml"] = ""
    machine[CRONTAB] = f"17 3 * * * {command}\n"

    finding = machine.finding()

    assert (finding.code, finding.severity, finding.subject) == (
        "sudo-asks-password",
        Severity.ERROR,
        CRONTAB,
    )
    assert "acme ALL=(root) NOPASSWD: " in finding.remedy[0]
    assert finding.remedy[1] == "or write the line into root's crontab, without sudo: crontab -u root -e"


@pytest.mark.parametrize(
    "rule",
    [
        "acme ALL=(root) NOPASSWD: /usr/bin/dehydrated",
        "acme ALL = NOPASSWD: /usr/bin/dehydrated --cron",
        "%sudo ALL=(ALL:ALL) NOPASSWD:ALL",
        "ALL ALL=(ALL) NOPASSWD: ALL",
        "acme\tweb1=(root) PASSWD: /bin/true, NOPASSWD: /bin/false, /usr/bin/dehyd*",
        "User_Alias CERT = bob, acme\nCmnd_Alias RENEW = /usr/bin/certbot, \\\n  /usr/bin/dehydrated\n"
        "CERT ALL=(ALL, !bob) NOPASSWD: SETENV: RENEW",
        "#990 ALL=(root) NOPASSWD: /usr/bin/",
        "Defaults:acme !authenticate",
    ],
)
def test_a_rule_that_lets_the_user_through_has_it_run_as_root(machine: Machine, rule: str) -> None:
    machine["/etc/sudoers.d/acme"] = f"# who renews\n{rule}\n"
    for command in (f"sudo {RUN}", f"sudo -n {RUN} 2>/dev/null"):
        machine[CRONTAB] = f"17 3 * * * {command}\n"
        assert machine.findings() == []


@pytest.mark.parametrize(
    "rule",
    [
        "acme ALL=(root) /usr/bin/dehydrated",
        "bob ALL=(root) NOPASSWD: ALL",
        "acme ALL=(bob) NOPASSWD: /usr/bin/dehydrated",
        "acme ALL=(root) NOPASSWD: /usr/local/bin/dehydrated",
        "acme ALL=(root) NOPASSWD: /usr/bin/dehydrated --version",
        "acme ALL=(root) NOPASSWD: /bin/true, PASSWD: /usr/bin/dehydrated",
    ],
)
def test_a_rule_for_something_else(machine: Machine, rule: str) -> None:
    machine["/etc/sudoers.d/acme"] = f"{rule}\n"
    assert machine.finding().code == "sudo-asks-password"


def test_a_file_of_rules_that_sudo_passes_over(machine: Machine) -> None:
    machine["/etc/sudoers.d/acme.disabled"] = "acme ALL=(root) NOPASSWD: ALL\n"
    assert machine.finding().code == "sudo-asks-password"


def no_rules_here(machine: Machine) -> None:
    machine["/etc/sudoers"] = ""


def rules_of_a_directory(machine: Machine) -> None:
    machine["/etc/nsswitch.conf"] = "sudoers: files sss\n"


def a_password_from_a_file(machine: Machine) -> None:
    machine[CRONTAB] = f"17 3 * * * sudo -S {RUN} </home/acme/password\n"


def by_root(machine: Machine) -> None:
    machine[CRONTAB] = ""
    machine["/etc/cron.d/dehydrated"] = f"17 3 * * * root sudo {RUN}\n"


@pytest.mark.parametrize("way", [no_rules_here, rules_of_a_directory, a_password_from_a_file, by_root])
def test_what_nobody_can_tell_is_no_finding(machine: Machine, way: object) -> None:
    assert callable(way)
    way(machine)
    assert machine.findings() == []


def test_a_unit_of_the_user(machine: Machine) -> None:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", f"/usr/bin/sudo {RUN}", "User=acme")
    assert machine.finding().code == "sudo-asks-password"
    machine["/etc/sudoers.d/acme"] = "acme ALL=(root) NOPASSWD: /usr/bin/dehydrated\n"
    assert machine.findings() == []


def test_a_script_that_the_user_has_run_by_sudo(machine: Machine) -> None:
    machine["/usr/local/bin/renew"] = f"#!/bin/sh\n{RUN}\n"
    machine.mode("/usr/local/bin/renew", 0o755)
    machine[CRONTAB] = "17 3 * * * sudo /usr/local/bin/renew\n"
    assert machine.finding().code == "sudo-asks-password"
    machine["/etc/sudoers.d/acme"] = "acme ALL=(root) NOPASSWD: /usr/local/bin/renew\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    "command",
    [
        f"sudo -u acme {RUN}",
        f"sudo -uacme {RUN}",
        f"su - acme -s /bin/sh -c '{RUN}'",
        f"su -c '{RUN}' acme",
        f"runuser -u acme -- {RUN}",
        f"runuser acme -c '{RUN}'",
        f"setpriv --reuid=acme --regid=acme --clear-groups {RUN}",
        f"setpriv --reuid 990 --clear-groups {RUN}",
        f"gosu acme {RUN}",
        f"chpst -u acme:acme {RUN}",
        f"systemd-run --uid=acme --pipe {RUN}",
    ],
)
def test_root_has_the_user_run_it(machine: Machine, command: str) -> None:
    machine[CRONTAB] = ""
    machine["/etc/cron.d/dehydrated"] = f"17 3 * * * root {command}\n"
    assert any("runs as acme, who may not" in finding.message for finding in machine.findings())


@pytest.mark.parametrize(
    ("path", "crontab", "remedy"),
    [
        (CRONTAB, f"17 3 * * * sudo -n {RUN}\n", "crontab -u root -e"),
        ("/etc/cron.d/dehydrated", f"17 3 * * * root sudo -u acme {RUN}\n", "crontab -u acme -e"),
        ("/etc/cron.d/dehydrated", f"17 3 * * * root flock /run/x sudo -Hu acme {RUN}\n", "crontab -u acme"),
    ],
)
def test_a_sudo_that_is_not_installed(machine: Machine, path: str, crontab: str, remedy: str) -> None:
    machine[CRONTAB] = ""
    machine[path] = crontab
    machine.remove("/usr/bin/sudo")
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("sudo-missing", Severity.ERROR)
    assert finding.remedy[0] == "apt-get install sudo"
    assert remedy in finding.remedy[1]


def test_a_unit_with_a_sudo_that_is_not_installed(machine: Machine) -> None:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", f"/usr/bin/sudo -u acme {RUN}")
    machine.remove("/usr/bin/sudo")
    assert machine.finding().remedy[1] == "or have dehydrated.service run it as acme, without sudo: User=acme"


@pytest.mark.parametrize("crontab", ["", f"17 3 * * * root {RUN}\n"])
def test_dehydrated_that_cannot_become_its_user_without_sudo(machine: Machine, crontab: str) -> None:
    machine[CRONTAB] = ""
    machine["/etc/cron.d/dehydrated"] = crontab
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=acme\n"
    machine.remove("/usr/bin/sudo")
    (finding,) = [each for each in machine.findings() if each.code != "no-timer"]
    assert (finding.code, finding.severity) == ("sudo-missing", Severity.ERROR)
    assert "DEHYDRATED_USER is acme" in finding.message


def test_dehydrated_that_its_user_runs_needs_no_sudo(machine: Machine) -> None:
    machine[CRONTAB] = f"17 3 * * * {RUN}\n"
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=acme\n"
    machine.remove("/usr/bin/sudo")
    assert "sudo-missing" not in [each.code for each in machine.findings()]
