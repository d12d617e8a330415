"""As whom root looks: as the one user whom all clients run as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from client_files import RENEWAL, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.checks.clients.unattended.sole_user import sole_user

RUN = "/usr/bin/dehydrated --cron"
CRONTAB = "/etc/cron.d/dehydrated"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = with_dehydrated(tmp_path / "root")
    users = (
        "root:x:0:0::/root:/bin/sh",
        "acme:x:990:990::/home/acme:/bin/sh",
        "bob:x:991:991::/home/bob:/bin/sh",
    )
    machine["/etc/passwd"] = "\n".join((*users, ""))
    machine["/etc/group"] = "acme:x:990:\n"
    return machine


def found(machine: Machine) -> tuple[str, str] | None:
    other = sole_user({}, str(machine.root))
    return (other.user.name, other.state) if other else None


def cron(user: str, command: str) -> Callable[[Machine], None]:
    def write(machine: Machine) -> None:
        machine[CRONTAB] = f"17 3 * * * {user} {command}\n"

    return write


def unit_of_acme(machine: Machine) -> None:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", RUN, "User=acme")


def table_of_acme(machine: Machine) -> None:
    machine[CRONTAB] = ""
    machine["/var/spool/cron/crontabs/acme"] = f"17 3 * * * {RUN}\n"


def dehydrated_user(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = "HOOK=/opt/dns01/bin/dns01\nDEHYDRATED_USER=acme\n"


@pytest.mark.parametrize(
    "way",
    [
        cron("acme", RUN),
        cron("root", f"sudo -u acme {RUN}"),
        cron("root", f"su acme -s /bin/sh -c '{RUN}'"),
        cron("root", f"runuser -u acme -- {RUN}"),
        cron("root", f"setpriv --reuid acme --clear-groups {RUN}"),
        unit_of_acme,
        table_of_acme,
        dehydrated_user,
    ],
)
def test_one_user_runs_the_client(machine: Machine, way: Callable[[Machine], None]) -> None:
    way(machine)
    assert found(machine) == ("acme", "/home/acme/.local/state/dns01")


def test_the_state_is_where_the_run_has_it(machine: Machine) -> None:
    machine[CRONTAB] = f"DNS01_STATE_DIR=/var/lib/dns01\n17 3 * * * acme {RUN}\n"
    assert found(machine) == ("acme", "/var/lib/dns01")
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", RUN, "User=acme", "StateDirectory=acme-dns")
    assert found(machine) == ("acme", "/var/lib/acme-dns")


def two_users(machine: Machine) -> None:
    machine[CRONTAB] = f"17 3 * * * acme {RUN}\n18 3 * * * bob {RUN}\n"


def nothing_by_the_clock(machine: Machine) -> None:
    machine[CRONTAB] = ""


def a_user_of_systemds(machine: Machine) -> None:
    machine[CRONTAB] = ""
    by_timer(machine, "dehydrated", RUN, "DynamicUser=yes")


def certbot_as_root_too(machine: Machine) -> None:
    cron("acme", RUN)(machine)
    machine["/etc/letsencrypt/renewal/example.net.conf"] = RENEWAL
    by_timer(machine, "certbot", "/usr/bin/certbot -q renew")


@pytest.mark.parametrize(
    "way",
    [cron("root", RUN), cron("nobody-here", RUN), two_users, nothing_by_the_clock, a_user_of_systemds,
     certbot_as_root_too],
)  # fmt: skip
def test_root_looks_as_itself(machine: Machine, way: Callable[[Machine], None]) -> None:
    way(machine)
    assert found(machine) is None


def test_the_timer_of_debians_certbot_is_no_user_without_a_certificate(machine: Machine) -> None:
    cron("acme", RUN)(machine)
    by_timer(machine, "certbot", "/usr/bin/certbot -q renew")
    assert found(machine) == ("acme", "/home/acme/.local/state/dns01")


def test_a_word_in_another_command_is_no_client(machine: Machine) -> None:
    machine[CRONTAB] = ""
    machine["/var/spool/cron/crontabs/bob"] = "17 3 * * * make -C lego\n"
    assert found(machine) is None


def test_traefik_as_root_beside_it(machine: Machine) -> None:
    cron("acme", RUN)(machine)
    machine["/etc/systemd/system/traefik.service"] = "[Service]\nExecStart=/usr/bin/traefik\n"
    assert found(machine) is not None
    machine["/etc/systemd/system/traefik.service.d/a.conf"] = "[Service]\nEnvironment=EXEC_PATH=/opt/dns01\n"
    assert found(machine) is None
