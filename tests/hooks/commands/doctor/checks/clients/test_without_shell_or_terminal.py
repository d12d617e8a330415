"""Commands that go well at a prompt: with a shell's words in a unit, or into a container with a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine, by_timer, with_certbot, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

RUN = "/usr/bin/dehydrated -c"
WHEN = "17 4 * * * root "
CRONTAB = "/etc/cron.d/acme"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated, which nothing runs."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/cron.d/dehydrated"] = ""
    machine["/usr/bin/dehydrated"] = ""
    return machine


@pytest.mark.parametrize(
    ("behind", "operator"),
    [
        ("> /var/log/acme.log 2>&1", ">"),
        (">>/var/log/acme.log", ">>/var/log/acme.log"),
        ("2>/dev/null", "2>/dev/null"),
        ("&& systemctl reload nginx", "&&"),
        ("|| true", "||"),
        ("| logger -t acme", "|"),
        ("--accept-terms; systemctl reload nginx", "--accept-terms;"),
    ],
)
def test_a_shell_s_words_in_a_unit(machine: Machine, behind: str, operator: str) -> None:
    by_timer(machine, "dehydrated", f"-{RUN} {behind}")
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert f"dehydrated gets {operator} as an argument" in finding.message
    assert finding.remedy == (
        f"systemctl edit dehydrated.service\n[Service]\nExecStart=\nExecStart=/bin/sh -c '{RUN} {behind}'",
    )

    by_timer(machine, "dehydrated", f"/bin/sh -c '{RUN} {behind}'")
    assert machine.findings() == []


def test_the_step_keeps_quotes_and_per_cents(tmp_path: Path) -> None:
    machine = with_certbot(tmp_path)
    machine["/lib/systemd/system/certbot.service"] = (
        "[Service]\nExecStart=/usr/bin/certbot renew --deploy-hook 'nginx -s reload' > /var/log/%%H.log\n"
    )
    assert machine.finding().remedy[0].splitlines()[-1] == (
        "ExecStart=/bin/sh -c \"/usr/bin/certbot renew --deploy-hook 'nginx -s reload' > /var/log/%%H.log\""
    )


@pytest.mark.parametrize(
    "command",
    [
        f"{RUN} ; /usr/bin/systemctl reload nginx",  # systemd's own
        f"/usr/bin/flock -n /run/lock/acme {RUN}",
        f"/bin/bash -c '{RUN} >/dev/null 2>&1 && systemctl reload nginx'",
        f"{RUN} --alias 'a&&b; c'",
        f"/usr/local/bin/renew >/dev/null\nExecStart={RUN}",  # which is no client
    ],
)
def test_commands_that_no_shell_has_to_read(machine: Machine, command: str) -> None:
    by_timer(machine, "dehydrated", command)
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("into", "right"),
    [
        ("docker exec -it acme", "docker exec -i acme"),
        ("/usr/bin/docker exec -ti dehydrated", "/usr/bin/docker exec -i dehydrated"),
        ("docker run --rm -ti -v /srv:/srv --name x img", "docker run --rm -i -v /srv:/srv --name x img"),
        ("docker container exec -i -t -u acme box", "docker container exec -i -u acme box"),
        ("sudo docker exec --tty --interactive acme", "sudo docker exec --interactive acme"),
        ("docker exec --user acme -itw /srv acme", "docker exec --user acme -iw /srv acme"),
        ("nerdctl -n web exec -it acme", "nerdctl -n web exec -i acme"),
    ],
)
def test_a_container_that_is_entered_with_a_terminal(machine: Machine, into: str, right: str) -> None:
    machine[CRONTAB] = f"{WHEN}{into} {RUN} >/dev/null\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert "with a terminal" in finding.message
    assert finding.remedy == (f"write in {CRONTAB}: {WHEN}{right} {RUN} >/dev/null",)


def test_a_terminal_in_a_unit_and_in_a_script(machine: Machine) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/docker exec -it acme {RUN}")
    assert machine.finding().code == "service-fails"
    assert "ExecStart=/usr/bin/docker exec -i acme" in machine.finding().remedy[0]
    by_timer(machine, "dehydrated", "/usr/local/sbin/renew")
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\ndocker exec -it acme sh -c '{RUN}'\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    assert machine.finding().remedy == (f"write in /usr/local/sbin/renew: docker exec -i acme sh -c '{RUN}'",)


@pytest.mark.parametrize(
    "into",
    [
        "docker exec acme",
        "docker exec -t acme",  # which reads nothing
        "docker exec -i acme",
        "docker run --rm -itd img",  # which nobody is attached to
        "docker exec -i --tty=false acme",
        "docker exec -w /srv/-it -i acme",
        "docker compose exec acme",
        "podman exec -it acme",  # which warns
        "unbuffer docker exec -it acme",
        "docker exec -i $TTY acme",
    ],
)
def test_a_container_that_is_entered_without_one(machine: Machine, into: str) -> None:
    machine[CRONTAB] = f"{WHEN}{into} {RUN}\n"
    assert machine.findings() == []


def test_a_script_that_asks_whether_there_is_a_terminal(machine: Machine) -> None:
    executable = "/usr/local/sbin/renew"
    machine[executable] = (
        f"#!/bin/sh\nif [ -t 0 ]; then\n  docker exec -it acme {RUN}\nelse\n  docker exec acme {RUN}\nfi\n"
    )
    machine.mode(executable, 0o755)
    machine[CRONTAB] = f"{WHEN}{executable}\n"
    assert machine.findings() == []


def test_a_unit_that_has_a_terminal(machine: Machine) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/docker exec -it acme {RUN}", "StandardInput=tty")
    assert machine.findings() == []


def test_a_container_alone_has_the_client(tmp_path: Path) -> None:
    """Its certificates are not known from here."""
    machine = Machine(tmp_path / "root")
    machine[CRONTAB] = f"{WHEN}docker exec -it acme dehydrated -c\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.WARNING)
    machine["/etc/cron.d/other"] = f"{WHEN}docker exec acme dehydrated -c\n"
    assert machine.findings() == []
