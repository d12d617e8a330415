"""What ``dns01 init --production`` has the client run by: a file for cron, or a systemd timer."""

from __future__ import annotations

import pytest
from fresh import KEY_FILE, FreshMachine

CRON = "/etc/cron.d"
UNITS = "/etc/systemd/system"
NAMES = ("example.org", "*.example.org")


@pytest.fixture
def machine(machine: FreshMachine) -> FreshMachine:
    machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
    return machine


def words(client: str, *more: str) -> list[str]:
    given = ["--client", client, "--email", "ops@example.edu", "--no-doctor", "--yes", *more]
    return ["dns01", "init", *given, *NAMES]


@pytest.mark.parametrize(
    ("client", "command"),
    [
        ("dehydrated", "root dehydrated --cron"),
        ("lego", "root EXEC_PATH=/opt/dns01/bin/dns01 EXEC_SEQUENCE_INTERVAL=1 lego --accept-tos"),
        ("uacme", "root uacme -v -y -c /etc/ssl/uacme -h /opt/dns01/bin/dns01 issue"),
    ],
)
def test_cron_runs_it_every_night_from_the_first_real_certificate_on(
    client: str, command: str, machine: FreshMachine
) -> None:
    machine.run(*words(client, "--staging"))
    assert not machine.path(f"{CRON}/{client}").exists()

    said = machine.run(*words(client, "--production"))
    assert said.code == 0, said.stderr
    *head, line = machine.path(f"{CRON}/{client}").read_text().splitlines()
    assert command in line
    assert line.split()[2:5] == ["*", "*", "*"]
    assert f"+{line}" in said.stdout
    assert any(each.startswith("PATH=/usr/local/sbin:") for each in head)
    assert "have it renewed" not in said.stdout

    before = machine.path(f"{CRON}/{client}").read_text()
    assert machine.run(*words(client, "--production")).code == 0
    assert machine.path(f"{CRON}/{client}").read_text() == before


def test_a_line_of_its_own_is_kept_up_to_date(machine: FreshMachine) -> None:
    machine.run(*words("lego", "--production"))
    said = machine.run(*words("lego", "--production", "www.example.org"))
    assert said.code == 0
    assert "www.example.org" in machine.path(f"{CRON}/lego").read_text()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{CRON}/dehydrated", "1 2 * * * root dehydrated -c\n"),
        ("/etc/crontab", "1 2 * * * root dehydrated -c\n"),
        ("/etc/cron.daily/certificates", "#!/bin/sh\ndehydrated -c\n"),
    ],
)
def test_what_runs_it_already_is_enough(path: str, text: str, machine: FreshMachine) -> None:
    machine.write(path, text, 0o755)
    before = machine.files(CRON)
    said = machine.run(*words("dehydrated", "--production"))
    assert said.code == 0
    assert "have it renewed" not in said.stdout
    assert machine.files(CRON) == before


def test_no_renewal_writes_nothing_and_shows_what_to_write(machine: FreshMachine) -> None:
    said = machine.run(*words("dehydrated", "--production", "--no-renewal"))
    assert not machine.path(f"{CRON}/dehydrated").exists()
    assert "cat > /etc/cron.d/dehydrated" in said.stdout


def test_a_percent_sign_does_not_end_the_command(machine: FreshMachine) -> None:
    url = "https://ca.example.net/a%20b"
    machine.run(*words("lego", "--ca", url))
    assert "a\\%20b" in machine.path(f"{CRON}/lego").read_text()


def test_without_cron_it_is_a_timer_that_systemd_takes(machine: FreshMachine) -> None:
    """The machine has the programs of systemd, which is not at work."""
    machine.run("mount", "-t", "tmpfs", "none", "/run")
    machine.path("/run/systemd/system").mkdir(parents=True)
    machine.run("mkdir", "/mnt/bin")
    machine.write("/mnt/bin/systemctl", '#!/bin/sh\necho "$@" >>/mnt/asked\n', 0o755)
    machine.write("/mnt/not-executable", "", 0o644)
    machine.run("mount", "--bind", "/mnt/not-executable", "/usr/sbin/cron")
    path = f"/mnt/bin:{machine.environ['PATH']}"

    said = machine.run(*words("lego", "--ca", "https://ca.example.net/$a%20b"), PATH=path)

    assert said.code == 0, said.stderr
    asked = machine.path("/mnt/asked").read_text().splitlines()
    assert asked == ["daemon-reload", "enable --now dns01-lego.timer"]
    service = machine.path(f"{UNITS}/dns01-lego.service").read_text()
    assert "$$a%%20b" in service
    verified = machine.run("systemd-analyze", "verify", f"{UNITS}/dns01-lego.timer")
    assert "dns01-lego" not in verified.stderr, verified.stderr


def test_what_its_own_steps_do_is_no_finding_of_its_doctor(machine: FreshMachine) -> None:
    machine.write("/var/lib/dehydrated/accounts/of-another-ca/account_key.pem", "-")
    given = [word for word in words("dehydrated", "--production") if word != "--no-doctor"]
    said = machine.run(*given, "--no-renewal", "--no-order", DNS01_DOH="")
    assert "$ dns01 doctor example.org" in said.stdout
    told = machine.run("dns01", "doctor", "example.org", DNS01_DOH="").stdout
    for code in ("no-timer", "account-missing"):
        assert code in told
        assert code not in said.stdout
