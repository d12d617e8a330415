"""What the doctor says of a client that runs in a container: its paths are not of this machine."""

from __future__ import annotations

import json
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


LOOP = f"#!/bin/sh\ntrap exit TERM\nwhile :; do\n  {RUN}\n  sleep 1d & wait $!\ndone\n"


def renewed(machine: Machine) -> bool:
    return "no-timer" not in [found.code for found in machine.findings()]


@pytest.mark.parametrize(
    "files",
    [
        {"/proc/1/cmdline": "/bin/sh\0-c\0while :; do dehydrated -c; sleep 1d; done\0"},
        {"/proc/1/cmdline": "/bin/sh\0/app/renew\0", "/app/renew": LOOP},
        {"/proc/1/cmdline": "/sbin/tini\0--\0/renew.sh\0", "/renew.sh": LOOP},
        {"/entrypoint.sh": LOOP},
        {"/usr/local/bin/docker-entrypoint.sh": LOOP},
        {"/etc/services.d/acme/run": LOOP.replace("#!/bin/sh", "#!/usr/bin/with-contenv bash")},
        {"/etc/s6-overlay/s6-rc.d/acme/run": LOOP},
        {"/etc/sv/acme/run": LOOP},
        {"/etc/supervisor/conf.d/a.conf": "command=sh -c 'while dehydrated -c; do sleep 9; done'\n"},
        {"/etc/supervisord.conf": "[program:acme]\ncommand = /app/renew\n", "/app/renew": LOOP},
        {"/etc/rc.local": "#!/bin/sh\n/app/renew &\n(while sleep 86400; do dehydrated -c; done) &\n"},
    ],
)
def test_a_script_that_sleeps_between_two_runs(machine: Machine, files: dict[str, str]) -> None:
    assert not renewed(machine)
    for path, text in files.items():
        machine[path] = text
    assert renewed(machine)


@pytest.mark.parametrize(
    "files",
    [
        {"/entrypoint.sh": f"#!/bin/sh\n{RUN}\nexec nginx\n"},
        {"/entrypoint.sh": f"#!/bin/sh\n# while :; do {RUN}; sleep 1d; done\nexec nginx\n"},
        {"/entrypoint.sh": "#!/bin/sh\nwhile :; do nginx -s reload; sleep 6h; done\n"},
        {"/proc/1/cmdline": "/sbin/init\0splash\0"},
        {"/proc/1/cmdline": ""},
    ],
)
def test_a_script_that_renews_once_or_nothing(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    assert not renewed(machine)


def container(image: str, *words: str, running: bool = True) -> str:
    return json.dumps(
        {"State": {"Running": running}, "Config": {"Image": image}, "Path": words[0], "Args": words[1:]}
    )


CONFIG = "/var/lib/docker/containers/4f/config.v2.json"


@pytest.mark.parametrize(
    "files",
    [
        {CONFIG: container("alpine", "/bin/sh", "-c", "while :; do dehydrated -c; sleep 1d; done")},
        {CONFIG: container("ghcr.io/acme/dehydrated:latest", "/start")},
        {"/var/lib/containers/storage/overlay-containers/4f/userdata/config.json":
         json.dumps({"process": {"args": ["sh", "-c", "while :; do dehydrated -c; sleep 1d; done"]}})},
    ],
)  # fmt: skip
def test_a_container_of_this_machine_that_renews(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace("/opt/dns01/bin", "/hook")
    assert machine.findings() == []


@pytest.mark.parametrize(
    "text",
    [
        container("dehydrated", "/start", running=False),
        container("nginx", "/docker-entrypoint.sh"),
        "[" * 99999,
        "[]",
        '{"State": [], "Path": 1}',
        '{"State": {"Running": true}, "Args": {"a": 1}, "Config": null}',
        "",
    ],
)
def test_a_container_that_renews_nothing(machine: Machine, text: str) -> None:
    machine[CONFIG] = text
    machine["/var/lib/containers/storage/overlay-containers/4f/userdata/config.json"] = text
    assert not renewed(machine)
