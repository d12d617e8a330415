"""What the doctor says of a client that runs in a container: its paths are not of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import DEHYDRATED, RENEWAL, Machine, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

RUN = "dehydrated --cron"
WHEN = "17 4 * * * root "
INTO = (
    "docker run --rm -v /srv/hook:/hook img",
    "podman exec acme",
    "docker compose -f /srv/c.yml run --rm acme",
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated, which nothing runs."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/cron.d/dehydrated"] = ""
    return machine


@pytest.mark.parametrize("into", INTO)
def test_a_hook_in_a_container(machine: Machine, into: str) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace("/opt/dns01/bin", "/hook")
    machine["/etc/letsencrypt/renewal/example.net.conf"] = RENEWAL.replace("/opt/dns01/bin", "/hook").replace(
        "= dns01", "= /hook/dns01"
    )
    machine["/etc/cron.d/acme"] = (
        f"{WHEN}{into} {RUN}\n{WHEN}{into} certbot renew -q\n"
        f"{WHEN}{into} uacme -h /hook/dns01 issue example.com\n"
        f"{WHEN}docker run -e EXEC_PATH=/hook/dns01 goacme/lego --dns exec -d example.edu renew\n"
    )
    for domain in ("example.org", "example.net", "example.com", "example.edu"):
        assert [found for found in machine.findings(domain) if found.severity > Severity.NOTE] == []


def test_a_hook_that_only_one_of_two_runs_has_in_a_container(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace("/opt/dns01/bin", "/hook")
    machine["/etc/cron.d/acme"] = f"{WHEN}docker restart web; {RUN}\n{WHEN}{INTO[0]} {RUN}\n"
    assert machine.finding().code == "hook-missing"
