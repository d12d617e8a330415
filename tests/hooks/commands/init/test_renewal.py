"""What ``dns01 init --production`` has the client run by: a file for cron, or a systemd timer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from calls import Said
from fresh import KEY_FILE, FreshMachine

from dns01.hooks.caa.issuers import PRESETS
from dns01.hooks.commands.init.clients import SetupRequest
from dns01.hooks.commands.init.clients.registry import CLIENTS
from dns01.hooks.commands.init.next_steps import say_what_comes_next

CRON = "/etc/cron.d"
UNITS = "/etc/systemd/system"
NAMES = ("example.org", "*.example.org")
WITH_SYSTEMD = "mount -t tmpfs none /run; mkdir -p /run/systemd/system"
WITHOUT_CRON = "touch /mnt/not-executable; mount --bind /mnt/not-executable /usr/sbin/cron"


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
        ("dehydrated", "root out=$(dehydrated --cron) ||"),
        ("lego", "root EXEC_PATH=/opt/dns01/bin/dns01 EXEC_SEQUENCE_INTERVAL=1 lego --accept-tos"),
        ("uacme", "root uacme -y -c /etc/ssl/uacme -h /opt/dns01/bin/dns01 issue"),
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
    assert f"cat > {CRON}/" not in said.stdout

    before = machine.path(f"{CRON}/{client}").read_text()
    assert machine.run(*words(client, "--production")).code == 0
    assert machine.path(f"{CRON}/{client}").read_text() == before


def test_a_line_of_its_own_is_kept_up_to_date(machine: FreshMachine) -> None:
    machine.run(*words("lego", "--production"))
    said = machine.run(*words("lego", "--production", "www.example.org"))
    assert said.code == 0
    assert "www.example.org" in machine.path(f"{CRON}/lego").read_text()


@pytest.mark.parametrize(("client", "lines"), [("lego", 2), ("uacme", 2), ("dehydrated", 1)])
def test_a_second_certificate_leaves_the_first_one_s_renewal(
    client: str, lines: int, machine: FreshMachine
) -> None:
    given = words(client, "--production")[: -len(NAMES)]
    for names in (["*.example.org"], ["www.example.org", "example.org"], ["*.example.org", "example.org"]):
        assert machine.run(*given, *names).code == 0
    renewing = [line for line in machine.path(f"{CRON}/{client}").read_text().splitlines() if "root" in line]
    assert len(renewing) == lines
    if lines == 2:
        assert "www.example.org" in renewing[0]
        assert re.search(r"'\*.example.org' (-d )?example.org", renewing[1])


def test_a_second_certificate_leaves_the_first_one_s_in_a_unit(machine: FreshMachine) -> None:
    machine.run("sh", "-c", f"{WITH_SYSTEMD}; {WITHOUT_CRON}; mkdir /mnt/bin")
    machine.write("/mnt/bin/systemctl", "#!/bin/sh\n", 0o755)
    given = words("lego", "--production")[: -len(NAMES)]
    for names in (["*.example.org"], ["www.example.org"], ["*.example.org"]):
        said = machine.run(*given, *names, PATH=f"/mnt/bin:{machine.environ['PATH']}")
        assert said.code == 0, said.stderr
    service = machine.path(f"{UNITS}/dns01-lego.service").read_text()
    assert service.count("ExecStart=") == service.count(" renew ") == 2
    verified = machine.run("systemd-analyze", "verify", f"{UNITS}/dns01-lego.timer")
    assert "dns01-lego" not in verified.stderr, verified.stderr


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
    assert f"cat > {CRON}/" not in said.stdout
    assert machine.files(CRON) == before


ENTRY = f"{CRON}/mine"


def test_an_entry_that_no_cron_goes_by_is_not_enough(machine: FreshMachine) -> None:
    machine.write(ENTRY, "1 2 * * * root dehydrated -c\n", 0o644)
    machine.run("sh", "-c", f"{WITH_SYSTEMD}; {WITHOUT_CRON}; mkdir /mnt/bin")
    machine.write("/mnt/bin/systemctl", "#!/bin/sh\n", 0o755)
    said = machine.run(*words("dehydrated", "--production"), PATH=f"/mnt/bin:{machine.environ['PATH']}")
    assert said.code == 0, said.stderr
    assert machine.path(f"{UNITS}/dns01-dehydrated.timer").exists()


def test_where_nothing_goes_by_the_clock_cron_is_all_that_an_entry_lacks(machine: FreshMachine) -> None:
    machine.write(ENTRY, "1 2 * * * root dehydrated -c\n", 0o644)
    machine.run("sh", "-c", WITHOUT_CRON)
    said = machine.run(*words("dehydrated", "--production"))
    assert "apt-get install cron" in said.stdout
    assert "cat > /etc/cron.d/" not in said.stdout


def test_no_renewal_writes_nothing_and_shows_what_to_write(machine: FreshMachine) -> None:
    said = machine.run(*words("dehydrated", "--production", "--no-renewal"))
    assert not machine.path(f"{CRON}/dehydrated").exists()
    assert "cat > /etc/cron.d/dehydrated" in said.stdout


@pytest.mark.parametrize(("ends", "expected"), [(0, 0), (1, 0), (2, 1)])
def test_uacme_that_has_nothing_to_do_is_no_failure_of_cron_or_systemd(
    ends: int, expected: int, machine: FreshMachine
) -> None:
    machine.run(*words("uacme", "--production"))
    command = machine.path(f"{CRON}/uacme").read_text().splitlines()[-1].partition(" root ")[2]
    machine.write("/mnt/bin/uacme", f"#!/bin/sh\nexit {ends}\n", 0o755)
    assert machine.run("sh", "-c", command, PATH=f"/mnt/bin:{machine.environ['PATH']}").code == expected


# Debian's dehydrated 0.7.0 and lego 4.9.1: the stream, and what is on it.
NOTHING_DUE = {
    "dehydrated": "echo ' + Valid till Feb 27 23:58:52 2027 GMT (Longer than 30 days). Skipping renew!'",
    "lego": "echo '2026/12/01 00:00:22 [example.org] The certificate expires in 89 days, the number of days"
    " defined to perform the renewal is 30: no renewal.' >&2",
}
FAILS = "echo Processing; echo ' ! of the hook' >&2; echo ERROR >&2; exit 1"
RENEWED = "echo Processing; echo ' ! not taken back' >&2"


def by_cron(client: str, script: str, machine: FreshMachine) -> Said:
    """What the line of cron's does, where the client is this script."""
    machine.run(*words(client, "--production"))
    command = machine.path(f"{CRON}/{client}").read_text().splitlines()[-1].partition(" root ")[2]
    machine.write(f"/mnt/bin/{client}", f"#!/bin/sh\n{script}\n", 0o755)
    command = command.replace("\\%", "%")
    return machine.run("sh", "-c", command, PATH=f"/mnt/bin:{machine.environ['PATH']}")


@pytest.mark.parametrize("client", NOTHING_DUE)
def test_cron_has_nothing_to_mail_where_nothing_is_due(client: str, machine: FreshMachine) -> None:
    said = by_cron(client, NOTHING_DUE[client], machine)
    assert said.stdout + said.stderr == ""


@pytest.mark.parametrize("client", NOTHING_DUE)
def test_cron_mails_all_that_a_client_prints_that_fails(client: str, machine: FreshMachine) -> None:
    said = by_cron(client, f"{NOTHING_DUE[client]}; {FAILS}", machine)
    assert {"Processing", " ! of the hook", "ERROR"} <= {*said.stdout.splitlines(), *said.stderr.splitlines()}
    assert said.code == (client == "dehydrated")  # to cron it is all the same


@pytest.mark.parametrize("client", NOTHING_DUE)
def test_cron_mails_what_the_hook_says_of_a_renewal(client: str, machine: FreshMachine) -> None:
    said = by_cron(client, RENEWED, machine)
    assert " ! not taken back" in (said.stdout + said.stderr).splitlines()


@pytest.mark.parametrize("client", ["dehydrated", "lego", "uacme"])
def test_the_line_of_cron_s_is_enough_for_the_doctor(client: str, machine: FreshMachine) -> None:
    given = [word for word in words(client, "--production") if word != "--no-doctor"]
    machine.run(*given, "--no-order", DNS01_DOH="")
    told = machine.run("dns01", "doctor", "example.org", DNS01_DOH="").stdout
    for code in ("no-timer", "cron-entry-ignored", "hook-missing", "timer-too-rare"):
        assert code not in told


def test_a_percent_sign_does_not_end_the_command(machine: FreshMachine) -> None:
    url = "https://ca.example.net/a%20b"
    machine.run(*words("lego", "--ca", url))
    assert "a\\%20b" in machine.path(f"{CRON}/lego").read_text()


def test_without_cron_it_is_a_timer_that_systemd_takes(machine: FreshMachine) -> None:
    """The machine has the programs of systemd, which is not at work."""
    machine.run("sh", "-c", f"{WITH_SYSTEMD}; {WITHOUT_CRON}; mkdir /mnt/bin")
    machine.write("/mnt/bin/systemctl", '#!/bin/sh\necho "$@" >>/mnt/asked\n', 0o755)
    path = f"/mnt/bin:{machine.environ['PATH']}"

    said = machine.run(*words("lego", "--ca", "https://ca.example.net/$a%20b"), PATH=path)

    assert said.code == 0, said.stderr
    asked = machine.path("/mnt/asked").read_text().splitlines()
    assert asked == ["daemon-reload", "enable --now dns01-lego.timer"]
    service = machine.path(f"{UNITS}/dns01-lego.service").read_text()
    assert "$$a%%20b" in service
    verified = machine.run("systemd-analyze", "verify", f"{UNITS}/dns01-lego.timer")
    assert "dns01-lego" not in verified.stderr, verified.stderr


def test_a_timer_that_a_run_has_written_and_not_enabled_is_enabled_by_the_next(machine: FreshMachine) -> None:
    machine.run("sh", "-c", f"{WITH_SYSTEMD}; {WITHOUT_CRON}; mkdir /mnt/bin")
    machine.write("/mnt/bin/systemctl", '#!/bin/sh\necho "$@" >>/mnt/asked\nexit 1\n', 0o755)
    path = f"/mnt/bin:{machine.environ['PATH']}"
    for _ in range(2):
        said = machine.run(*words("dehydrated", "--production"), PATH=path)
        assert said.code == 3
        assert "systemctl enable --now /etc/systemd/system/dns01-dehydrated.timer" in said.stderr
    assert machine.path("/mnt/asked").read_text() == "daemon-reload\n" * 2
    machine.run(*words("dehydrated", "--production", "--no-renewal"), PATH=path)
    assert machine.path("/mnt/asked").read_text() == "daemon-reload\n" * 2


CERTBOT_TIMER = "/etc/systemd/system/timers.target.wants/certbot.timer"
ENABLE = "systemctl enable --now certbot.timer"
DRY_RUN = "certbot renew --dry-run"
CERTBOT_CRON = f"{CRON}/certbot"


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ("", [DRY_RUN]),
        (WITHOUT_CRON, ["apt-get install cron", DRY_RUN]),
        (
            f"rm {CERTBOT_CRON}",
            [f"cat > {CERTBOT_CRON} <<'END'", "17 4 * * * root certbot -q renew", "END", DRY_RUN],
        ),
        (WITH_SYSTEMD, [DRY_RUN]),
        (f"{WITH_SYSTEMD}; rm {CERTBOT_TIMER}", [ENABLE, DRY_RUN]),
    ],
    ids=["cron", "no cron", "not Debian's", "systemd", "a timer that is not enabled"],
)
def test_certbot_s_own_timer_or_entry_is_enough_where_something_goes_by_it(
    changes: str, steps: list[str], machine: FreshMachine
) -> None:
    machine.path(CERTBOT_TIMER).parent.mkdir(parents=True, exist_ok=True)
    machine.run("ln", "-sf", "/lib/systemd/system/certbot.timer", CERTBOT_TIMER)
    assert machine.run("sh", "-c", changes).code == 0

    said = machine.run(*words("certbot", "--production"))

    assert said.code == 0, said.stderr
    shown = said.stdout.partition("have it renewed:\n")[2].partition("\n  3. ")[0]
    assert [line.partition("    #")[0].strip() for line in shown.splitlines()] == steps


def test_what_its_own_steps_do_is_no_finding_of_its_doctor(machine: FreshMachine) -> None:
    machine.write("/var/lib/dehydrated/accounts/of-another-ca/account_key.pem", "-")
    given = [word for word in words("dehydrated", "--production") if word != "--no-doctor"]
    said = machine.run(*given, "--no-renewal", "--no-order", DNS01_DOH="")
    assert "$ dns01 doctor example.org" in said.stdout
    told = machine.run("dns01", "doctor", "example.org", DNS01_DOH="").stdout
    for code in ("no-timer", "account-missing"):
        assert code in told
        assert code not in said.stdout

    trial = [word for word in words("dehydrated", "--staging") if word != "--no-doctor"]
    said = machine.run(*trial, "--no-order", DNS01_DOH="")
    assert "staging-ca" in machine.run("dns01", "doctor", "example.org", DNS01_DOH="").stdout
    assert "staging-ca" not in said.stdout


def test_what_dehydrated_orders_does_not_matter_to_another_client(machine: FreshMachine) -> None:
    machine.run(*words("dehydrated", "--production"))
    machine.write("/etc/dehydrated/domains.txt", "example.net\n", 0o644)
    given = [word for word in words("certbot", "--production") if word != "--no-doctor"]
    said = machine.run(*given, "--no-order", DNS01_DOH="")
    assert "not-in-domains-txt" in machine.run("dns01", "doctor", "example.org", DNS01_DOH="").stdout
    assert "$ dns01 doctor example.org" in said.stdout
    assert "not-in-domains-txt" not in said.stdout


def test_a_staging_ca_that_another_s_entry_goes_on_with_is_a_finding(machine: FreshMachine) -> None:
    server = "--server https://acme-staging-v02.api.letsencrypt.org/directory"
    command = (
        f"EXEC_PATH=/opt/dns01/bin/dns01 lego --path /var/lib/lego {server} -d example.org --dns exec renew"
    )
    machine.write(f"{CRON}/mine", f"1 2 * * * root {command}\n", 0o644)
    given = [word for word in words("lego", "--production") if word != "--no-doctor"]
    said = machine.run(*given, "--no-order", DNS01_DOH="")
    assert "staging-ca: /etc/cron.d/mine" in said.stdout


def test_the_pause_of_an_order_right_behind_another_is_said_before(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    order = SetupRequest(
        NAMES, PRESETS["letsencrypt-test"], "letsencrypt-test", "", "/opt/dns01/bin/dns01", ""
    )
    say_what_comes_next(CLIENTS["certbot"], order, "rfc2136", str(tmp_path / "config.toml"), issued=True)
    assert "right away it waits up to a minute" in capsys.readouterr().out
