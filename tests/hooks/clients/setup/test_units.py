"""systemd's units: which files count, in which order, and what an empty assignment takes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine

from dns01.hooks.clients.setup.units import Unit, environment, is_masked, read_unit

ETC, LIB = "/etc/systemd/system", "/usr/lib/systemd/system"
SERVICE = "[Unit]\nDescription=Renewal\n\n[Service]\nExecStart=/usr/bin/lego run\nEnvironment=A=1 B=2\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine[f"{LIB}/lego.service"] = SERVICE
    return machine


def unit(machine: Machine, name: str = "lego.service") -> Unit:
    found = read_unit(name, str(machine.root))
    assert found
    return found


def variables(machine: Machine, name: str = "lego.service") -> dict[str, str]:
    return environment(unit(machine, name), str(machine.root))


def test_a_unit_that_is_not_there(machine: Machine) -> None:
    assert read_unit("certbot.service", str(machine.root)) is None


def test_the_administrators_unit_takes_the_place_of_the_packages(machine: Machine) -> None:
    machine[f"{ETC}/lego.service"] = "[Service]\nEnvironment=C=3\n"
    assert variables(machine) == {"C": "3"}
    assert unit(machine).every("Service.ExecStart") == ()


@pytest.mark.parametrize(
    ("drop_in", "expected"),
    [
        ("[Service]\nEnvironment=B=3 C=4\n", {"A": "1", "B": "3", "C": "4"}),
        ("[Service]\nEnvironment=\nEnvironment=C=4\n", {"C": "4"}),
        ("[Service]\nUnsetEnvironment=A\n", {"B": "2"}),
        ('[Service]\nEnvironment= \nEnvironment="C=4 5" \\\n  # not D=6\n  "D=7"\n', {"C": "4 5", "D": "7"}),
        ("[Unit]\nEnvironment=C=4\n", {"A": "1", "B": "2"}),
        ("Environment=C=4\n; Environment=D=5\n", {"A": "1", "B": "2"}),
        ("[Service]\nStateDirectory=dns01:x acme\n",
         {"A": "1", "B": "2", "STATE_DIRECTORY": "/var/lib/dns01:/var/lib/acme"}),
    ],
)  # fmt: skip
def test_drop_ins_add_to_it_and_take_back(machine: Machine, drop_in: str, expected: dict[str, str]) -> None:
    machine[f"{ETC}/lego.service.d/override.conf"] = drop_in
    assert variables(machine) == expected


def test_drop_ins_are_read_by_their_names_wherever_they_are(machine: Machine) -> None:
    machine[f"{LIB}/lego.service.d/90-last.conf"] = "[Service]\nUser=last\n"
    machine[f"{ETC}/service.d/50-all.conf"] = "[Service]\nUser=all\n"
    machine[f"{ETC}/lego.service.d/10-first.conf"] = "[Service]\nUser=first\n"
    assert unit(machine).last("Service.User") == "last"
    machine[f"{ETC}/lego.service.d/90-last.conf"] = "[Service]\nGroup=other\n"
    assert unit(machine).last("Service.User") == "all"
    assert unit(machine).files == (
        f"{LIB}/lego.service",
        f"{ETC}/lego.service.d/10-first.conf",
        f"{ETC}/service.d/50-all.conf",
        f"{ETC}/lego.service.d/90-last.conf",
    )


def test_files_of_variables_go_before_the_units_own(machine: Machine) -> None:
    machine["/etc/default/lego"] = 'A="from the file"\nexport C=4\n# D=5\n'
    machine[f"{ETC}/lego.service.d/env.conf"] = "[Service]\nEnvironmentFile=-/etc/default/%N\n"
    assert variables(machine) == {"A": "from the file", "B": "2"}


def test_what_the_manager_gives_to_all(machine: Machine) -> None:
    machine["/etc/systemd/system.conf.d/dns01.conf"] = (
        "[Manager]\nDefaultEnvironment=A=0 DNS01_PROVIDER=memory\n"
    )
    assert variables(machine) == {"A": "1", "B": "2", "DNS01_PROVIDER": "memory"}


def test_an_instance_of_a_template(machine: Machine) -> None:
    machine[f"{ETC}/acme@.service"] = "[Service]\nEnvironment=DOMAIN=%i HOST=100%%\n"
    machine[f"{ETC}/acme@example.org.service.d/a.conf"] = "[Service]\nEnvironment=C=%p\n"
    assert variables(machine, "acme@example.org.service") == {
        "DOMAIN": "example.org",
        "HOST": "100%",
        "C": "acme",
    }


def test_a_unit_that_is_masked(machine: Machine) -> None:
    path = machine.root / "etc/systemd/system/lego.service"
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/null")
    assert is_masked("lego.service", str(machine.root))
    assert unit(machine).files == (f"{LIB}/lego.service",)
