"""What the doctor says of a proxy that its shell has, and the client by the clock has not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client_files import CRON, DEHYDRATED, RENEWAL, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.finding import Finding, Severity

PROXY = "http://proxy.example:3128"
DROP_IN = "/etc/systemd/system/dehydrated.service.d/a.conf"


@pytest.fixture
def closed() -> Iterator[str]:
    """The address of an API to which no connection can be made: nothing listens at the port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def open_api() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated by a timer, certbot by another one."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/cron.d/dehydrated"] = ""
    by_timer(machine, "dehydrated", "/usr/bin/dehydrated --cron")
    return machine


def found(machine: Machine, api: str, domain: str = "example.org", **environ: str) -> list[Finding]:
    file = machine.root / "etc/dns01/config.toml"
    machine["/etc/dns01/config.toml"] = (
        f'[account.a]\nprovider = "cloudflare"\ntoken = "the-token-of-a-test-4711"\nbase_url = "{api}"\n'
    )
    file.chmod(0o600)
    every = machine.findings(domain, DNS01_CONFIG=str(file), **environ)
    return [each for each in every if each.code == "proxy-in-shell-only"]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_the_shell_alone_has(machine: Machine, closed: str, variable: str) -> None:
    (finding,) = found(machine, closed, **{variable: PROXY})

    assert (finding.code, finding.severity) == ("proxy-in-shell-only", Severity.ERROR)
    assert finding.subject == "dehydrated.service"
    assert "127.0.0.1: Connection refused" in finding.message
    assert finding.remedy == (
        f"systemctl edit dehydrated.service\n[Service]\nEnvironment={variable}={PROXY}",
    )


def test_systemd_does_not_read_what_logins_do(machine: Machine, closed: str) -> None:
    machine["/etc/environment"] = f'HTTPS_PROXY="{PROXY}"\n'
    (finding,) = found(machine, closed, HTTPS_PROXY=PROXY)
    assert "(systemd does not read /etc/environment)" in finding.message


def test_the_password_of_a_proxy_is_not_shown(machine: Machine, closed: str) -> None:
    (finding,) = found(machine, closed, HTTPS_PROXY="http://acme:s3cret@proxy.example:3128")
    assert "s3cret" not in repr(finding)
    assert finding.remedy[0].endswith("HTTPS_PROXY=http://USER:PASSWORD@proxy.example:3128")


def test_cron_and_its_table(machine: Machine, closed: str) -> None:
    (machine.root / "etc/systemd/system/timers.target.wants/dehydrated.timer").unlink()
    machine["/etc/cron.d/dehydrated"] = CRON
    (finding,) = found(machine, closed, HTTPS_PROXY=PROXY)
    assert finding.remedy == (f"write in /etc/cron.d/dehydrated, above the command: HTTPS_PROXY={PROXY}",)
    machine["/etc/environment"] = f"HTTPS_PROXY={PROXY}\n"  # which Debian's cron reads (pam_env)
    assert found(machine, closed, HTTPS_PROXY=PROXY) == []


def test_certbot_by_its_timer(machine: Machine, closed: str) -> None:
    machine["/etc/letsencrypt/renewal/example.net.conf"] = RENEWAL
    machine["/usr/local/bin/dns01"] = "#!/bin/sh\n"
    machine.mode("/usr/local/bin/dns01", 0o755)
    by_timer(machine, "certbot", "/usr/bin/certbot -q renew")
    (finding,) = found(machine, closed, "example.net", HTTPS_PROXY=PROXY)
    assert finding.subject == "certbot.service"


def in_a_drop_in(machine: Machine) -> None:
    machine[DROP_IN] = f"[Service]\nEnvironment=https_proxy={PROXY}\n"


def in_a_file_of_the_unit(machine: Machine) -> None:
    machine[DROP_IN] = "[Service]\nEnvironmentFile=/etc/environment\n"
    machine["/etc/environment"] = f"HTTPS_PROXY={PROXY}\n"


def for_all_units(machine: Machine) -> None:
    machine["/etc/systemd/system.conf.d/proxy.conf"] = f"[Manager]\nDefaultEnvironment=HTTPS_PROXY={PROXY}\n"


def in_dehydrateds_configuration(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}export HTTPS_PROXY={PROXY}\n"


def passed_on(machine: Machine) -> None:
    machine[DROP_IN] = "[Service]\nPassEnvironment=HTTPS_PROXY\n"


@pytest.mark.parametrize(
    "way", [in_a_drop_in, in_a_file_of_the_unit, for_all_units, in_dehydrateds_configuration, passed_on]
)
def test_the_run_has_a_proxy_too(machine: Machine, closed: str, way: Callable[[Machine], None]) -> None:
    way(machine)
    assert found(machine, closed, HTTPS_PROXY=PROXY) == []


def test_an_api_that_is_reached_without_a_proxy(machine: Machine, open_api: str) -> None:
    assert found(machine, open_api, HTTPS_PROXY=PROXY) == []


def test_an_api_that_this_look_reaches_without_a_proxy(machine: Machine, closed: str) -> None:
    assert found(machine, closed) == []
    assert found(machine, closed, HTTP_PROXY=PROXY) == []
    assert found(machine, closed, HTTPS_PROXY=PROXY, NO_PROXY="127.0.0.1") == []
