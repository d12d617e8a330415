"""What the doctor says of a client that runs as somebody who may not do what it has to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from client_files import DEHYDRATED, RENEWAL, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.finding import Finding, Severity

ACME, OTHERS = 990, 991  # the user acme, and a group that it is in as well
RUN = "/usr/bin/dehydrated --cron"
CRONTAB = "/etc/cron.d/dehydrated"
AS_ACME = f"17 4 * * * acme {RUN}\n"
FILE = "/etc/dns01/config.toml"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated of the user acme, who has a home, a state folder and dehydrated's folders."""
    machine = with_dehydrated(tmp_path / "root")
    machine.root.chmod(0o755)
    machine["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nacme:x:990:990::/var/lib/acme:/bin/sh\n"
    machine["/etc/group"] = "acme:x:990:\nothers:x:991:acme\n"
    machine["/var/lib/acme/.local/state/dns01/journal/x"] = ""
    for folder in ("/var/lib/acme", "/var/lib/acme/.local", "/var/lib/acme/.local/state", "/etc/dehydrated"):
        machine.owner(folder, ACME)
    for folder in ("/var/lib/acme/.local/state/dns01", "/etc/dehydrated/accounts"):
        machine.owner(folder, ACME)
    machine[CRONTAB] = AS_ACME
    return machine


def test_a_user_who_may_do_everything(machine: Machine) -> None:
    machine[FILE] = ""
    assert machine.findings() == []


def closed_configuration(machine: Machine) -> None:
    machine[FILE] = ""
    machine.mode(FILE, 0o600)


def closed_folder(machine: Machine) -> None:
    machine[FILE] = ""
    machine.mode("/etc/dns01", 0o700)


def closed_secret(machine: Machine) -> None:
    machine[FILE] = '[account.a]\nprovider = "desec"\ntoken = { file = "token" }\n'
    machine["/etc/dns01/token"] = ""
    machine.mode("/etc/dns01/token", 0o640)


def hook_at_roots(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace("/opt/dns01/bin", "/root/venv")
    machine["/root/venv/dns01"] = "#!/bin/sh\n"
    machine.mode("/root/venv/dns01", 0o755)
    machine.mode("/root", 0o700)


def closed_hook(machine: Machine) -> None:
    machine.mode("/opt/dns01/bin/dns01", 0o750)


def hook_of_roots_alone(machine: Machine) -> None:
    machine.mode("/opt/dns01/bin/dns01", 0o744)


def state_of_roots(machine: Machine) -> None:
    machine.owner("/var/lib/acme/.local/state/dns01", 0)


def state_where_nothing_can_be_made(machine: Machine) -> None:
    machine[CRONTAB] = f"DNS01_STATE_DIR=/var/lib/dns01\n{AS_ACME}"


def certificates_of_roots(machine: Machine) -> None:
    machine["/etc/dehydrated/certs/x"] = ""


@pytest.mark.parametrize(
    ("break_it", "code", "step"),
    [
        (
            closed_configuration,
            "user-may-not-read",
            f"chgrp acme {FILE}; chmod 640 {FILE}  (its secrets: in files of acme's)",
        ),
        (closed_folder, "user-may-not-read", "chmod o+x /etc/dns01"),
        (closed_secret, "user-may-not-read", "chown acme /etc/dns01/token"),
        (
            hook_at_roots,
            "user-may-not-read",
            "put the hook where acme gets to it, in /opt or /etc for example",
        ),
        (hook_of_roots_alone, "user-may-not-read", "chmod o+rx /opt/dns01/bin/dns01"),
        (closed_hook, "user-may-not-read", "chmod o+rx /opt/dns01/bin/dns01"),
        (state_of_roots, "user-may-not-write", "chown -R acme: /var/lib/acme/.local/state/dns01"),
        (state_where_nothing_can_be_made, "user-may-not-write", "install -d -m 700 -o acme /var/lib/dns01"),
        (certificates_of_roots, "user-may-not-write", "chown -R acme: /etc/dehydrated/certs"),
    ],
)
def test_a_user_who_may_not(machine: Machine, break_it: object, code: str, step: str) -> None:
    assert callable(break_it)
    break_it(machine)

    finding = machine.finding()

    assert (finding.code, finding.severity, finding.subject) == (code, Severity.ERROR, CRONTAB)
    assert finding.remedy == (step, f"or have {CRONTAB} run it as root")


def test_all_steps_at_once_where_folder_and_file_are_closed(machine: Machine) -> None:
    """Whoever takes them all has nothing left to do."""
    closed_secret(machine)
    machine.mode("/etc/dns01/token", 0o600)
    closed_folder(machine)
    machine[FILE] = '[account.a]\nprovider = "desec"\ntoken = { file = "token" }\n'
    machine.mode(FILE, 0o600)

    configuration, token = machine.findings()

    root = f"or have {CRONTAB} run it as root"
    step = f"chgrp acme {FILE}; chmod 640 {FILE}  (its secrets: in files of acme's)"
    assert configuration.remedy == ("chmod o+x /etc/dns01", step, root)
    assert token.remedy == ("chmod o+x /etc/dns01", "chown acme /etc/dns01/token", root)
    machine.mode("/etc/dns01", 0o701)
    machine.mode(FILE, 0o640)
    os.chown(machine.root / FILE.lstrip("/"), 0, ACME)
    machine.owner("/etc/dns01/token", ACME)
    assert machine.findings() == []


def test_root_does_not_get_at_the_state_of_another(machine: Machine) -> None:
    closed_configuration(machine)
    machine["/var/lib/dns01/journal/x"] = ""
    machine.owner("/var/lib/dns01", ACME)
    assert machine.finding().remedy[-1] == "where root runs it, also: chown -R root: /var/lib/dns01"
    machine.owner("/var/lib/dns01", 0)
    assert machine.finding().remedy[-1] == f"or have {CRONTAB} run it as root"


def by_cron_d(machine: Machine) -> str:
    return CRONTAB


def by_a_table_of_ones_own(machine: Machine) -> str:
    machine[CRONTAB] = ""
    machine["/var/spool/cron/crontabs/acme"] = f"17 4 * * * {RUN}\n"
    return "/var/spool/cron/crontabs/acme"


def by_a_service(machine: Machine) -> str:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", RUN, "User=acme")
    return "dehydrated.service"


def by_a_number(machine: Machine) -> str:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", RUN, "User=990")
    return "dehydrated.service"


def by_dehydrated_itself(machine: Machine) -> str:
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=acme\n"
    machine[CRONTAB] = AS_ACME.replace("acme", "root")
    return CRONTAB


def by_sudo(machine: Machine) -> str:
    machine[CRONTAB] = f"17 4 * * * root sudo -n -u acme {RUN}\n"
    return CRONTAB


USERS = (by_cron_d, by_a_table_of_ones_own, by_a_service, by_a_number, by_dehydrated_itself, by_sudo)


@pytest.mark.parametrize("run", USERS)
def test_whoever_says_who_it_runs_as(machine: Machine, run: object) -> None:
    assert callable(run)
    source = run(machine)
    machine[FILE] = ""
    assert machine.findings() == []
    machine.mode(FILE, 0o600)
    assert (machine.finding().code, machine.finding().subject) == ("user-may-not-read", source)


def test_groups_of_the_user_and_of_the_unit(machine: Machine) -> None:
    closed_configuration(machine)
    machine.mode(FILE, 0o640)
    machine.owner(FILE, OTHERS)
    assert machine.findings() == []
    machine["/etc/group"] = "acme:x:990:\nothers:x:991:\n"
    assert machine.finding().code == "user-may-not-read"
    by_a_service(machine)
    machine["/etc/systemd/system/dehydrated.service.d/a.conf"] = "[Service]\nSupplementaryGroups=others\n"
    assert machine.findings() == []


def test_root_may_do_everything(machine: Machine) -> None:
    closed_configuration(machine)
    for crontab in (AS_ACME.replace("acme", "root"), AS_ACME.replace("acme", "root sudo")):
        machine[CRONTAB] = crontab
        assert machine.findings() == []


def test_a_file_of_crons_for_several_users(machine: Machine) -> None:
    closed_configuration(machine)
    machine[CRONTAB] = f"17 4 * * * root {RUN}\n{AS_ACME}"
    assert [finding.code for finding in machine.findings()] == ["user-may-not-read"]


def test_a_command_that_the_unit_has_run_by_root(machine: Machine) -> None:
    closed_configuration(machine)
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", f"!{RUN}", "User=acme", "PrivateNetwork=yes")
    assert [finding.code for finding in machine.findings()] == ["sandbox-no-network"]


def test_a_user_whom_another_directory_knows(machine: Machine) -> None:
    machine["/etc/nsswitch.conf"] = "passwd: files sss\n"
    machine[CRONTAB] = AS_ACME.replace("acme", "ldap-user")
    assert machine.findings() == []


def test_a_user_who_is_not_there(machine: Machine) -> None:
    by_a_service(machine)
    machine["/etc/systemd/system/dehydrated.service.d/a.conf"] = "[Service]\nUser=acmee\n"
    assert (machine.finding().code, machine.finding().severity) == ("user-missing", Severity.ERROR)
    machine["/etc/systemd/system/dehydrated.service.d/a.conf"] = "[Service]\nUser=acme\n"
    assert machine.findings() == []


def test_the_state_folder_that_systemd_makes(machine: Machine) -> None:
    by_a_service(machine)
    state_of_roots(machine)
    drop_in = "[Service]\nStateDirectory=dns01\nStateDirectoryMode=0700"
    assert machine.finding().remedy[0] == f"systemctl edit dehydrated.service\n{drop_in}"
    machine["/etc/systemd/system/dehydrated.service.d/a.conf"] = f"{drop_in}\n"
    assert machine.findings() == []


def test_a_user_of_systemds_making(machine: Machine) -> None:
    machine[CRONTAB] = ""
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}BASEDIR=/var/lib/acme-state\n"
    machine["/var/lib/acme-state/domains.txt"] = "example.org\n"
    closed_configuration(machine)
    by_timer(machine, "dehydrated", RUN, "DynamicUser=yes", "StateDirectory=dns01 acme-state")
    (finding,) = (each for each in machine.findings() if each.code == "user-may-not-read")
    assert "LoadCredential=" in finding.remedy[0]


def of(machine: Machine, domain: str = "example.net") -> list[Finding]:
    return [finding for finding in machine.findings(domain) if finding.severity == Severity.ERROR]


def test_lego_and_uacme_and_certbot_as_a_user(machine: Machine) -> None:
    lego = "EXEC_PATH=/opt/dns01/bin/dns01 lego --path /srv/lego -d example.net --dns exec renew"
    machine["/srv/lego/x"] = ""
    machine[CRONTAB] = f"1 2 * * * acme {lego}\n"
    assert [finding.code for finding in of(machine)] == ["user-may-not-write"]
    machine.owner("/srv/lego", ACME)
    assert of(machine) == []

    machine[CRONTAB] = "1 2 * * * acme uacme -c /srv/uacme -h /opt/dns01/bin/dns01 issue example.net\n"
    (finding,) = [finding for finding in of(machine) if finding.code == "user-may-not-write"]
    assert finding.remedy[0] == "install -d -m 700 -o acme /srv/uacme"

    machine[CRONTAB] = "1 2 * * * acme certbot -q renew\n"
    machine["/etc/letsencrypt/renewal/example.net.conf"] = RENEWAL.replace(
        "= dns01", "= /opt/dns01/bin/dns01"
    )
    assert {finding.code for finding in of(machine)} == {"user-may-not-write"}
    machine[CRONTAB] = "1 2 * * * acme certbot -q renew --config-dir /a --work-dir /b --logs-dir /c\n"
    assert of(machine) == []


def test_a_key_s_file_that_the_configuration_names_by_a_key_of_the_provider_s(machine: Machine) -> None:
    machine[FILE] = '[account.own]\nprovider = "rfc2136"\ntsig_file = "/etc/dns01/tsig.key"\n'
    machine["/etc/dns01/tsig.key"] = "x"
    machine.mode("/etc/dns01/tsig.key", 0o600)
    finding = machine.finding()
    assert (finding.code, finding.remedy[0]) == ("user-may-not-read", "chown acme /etc/dns01/tsig.key")


OF_CERTBOT = ("/etc/letsencrypt", "/var/lib/letsencrypt", "/var/log/letsencrypt")
MINE = "/var/spool/cron/crontabs/acme"


def certbot_of_roots(machine: Machine) -> None:
    """Renewal file, folders and configuration are root's."""
    machine["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL.replace(
        "= dns01", "= /opt/dns01/bin/dns01"
    )
    machine[CRONTAB] = machine["/var/lib/letsencrypt/x"] = machine["/var/log/letsencrypt/x"] = ""
    closed_configuration(machine)


@pytest.mark.parametrize(
    ("table", "line", "remedy"),
    [
        (
            MINE,
            "12 3 * * * certbot -q renew\n",
            f"take the line out of acme's crontab ({MINE}), and write it into",
        ),
        (
            "/etc/cron.d/certbot",
            "12 3 * * * acme certbot -q renew\n",
            "have /etc/cron.d/certbot run it as root",
        ),
    ],
)
def test_a_table_of_the_wrong_user_s(machine: Machine, table: str, line: str, remedy: str) -> None:
    """That the user may not do the rest either follows from it, and is mended by the same step."""
    certbot_of_roots(machine)
    machine[table] = line
    (finding,) = [each for each in machine.findings() if each.subject == table]
    assert (finding.code, finding.severity) == ("user-may-not-write", Severity.ERROR)
    assert all(folder in finding.message for folder in OF_CERTBOT)
    assert finding.remedy[0].startswith(remedy)
    assert finding.remedy[1] == f"or give acme all of it: chown -R acme: {' '.join(OF_CERTBOT)}"


def test_a_user_who_has_a_part_of_it(machine: Machine) -> None:
    certbot_of_roots(machine)
    machine[MINE] = "12 3 * * * certbot -q renew\n"
    for folder in OF_CERTBOT[:2]:
        machine.owner(folder, ACME)
    found = [each for each in machine.findings() if each.subject == MINE]
    assert "chown -R acme: /var/log/letsencrypt" in [step for each in found for step in each.remedy]
    assert "user-may-not-read" in [each.code for each in found]
