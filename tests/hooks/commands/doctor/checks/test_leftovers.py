"""What the doctor says of earlier runs: values that nobody waits for, entries never taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from contract import validation
from examined import codes, examine
from testbed import HostedZone, World

from dns01.hooks.clients.process import ClientProcess, this_process
from dns01.hooks.clients.setup.users import User
from dns01.hooks.commands.doctor.checks.leftovers import check
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.state.journal import Entry, Journal

NAME = "_acme-challenge.example.org"
A, B = validation("a"), validation("b")
GONE = this_process()._replace(pid=2**22 - 1)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def zone(world: World) -> HostedZone:
    return world.zone("example.org", {"ns1.example.org": "127.1.0.1", "ns2.example.org": "127.1.0.2"})


def found(world: World, state: Path, **environ: str) -> list[Finding]:
    return list(check(examine(world, "*.example.org", DNS01_STATE_DIR=str(state), **environ)))


def entered(state: Path, value: str, client: ClientProcess, name: str = NAME, target: str = NAME) -> Entry:
    apex = "example.org"
    entry = Entry(apex, "token", name, target, value, 60, "memory", "memory", apex, "", client)
    return Journal(str(state)).open([entry])[0]


def test_nothing_is_left(world: World, zone: HostedZone, state_dir: Path) -> None:
    assert found(world, state_dir) == []
    assert not state_dir.exists()


@pytest.mark.parametrize("lacking", ["f_bfree", "f_ffree"])
def test_a_disk_that_is_full(
    world: World, zone: HostedZone, state_dir: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    figures = {"f_blocks": 9, "f_bfree": 9, "f_bavail": 9, "f_files": 9, "f_ffree": 9, lacking: 0}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=0, **figures))

    (finding,) = found(world, state_dir)

    assert (finding.code, finding.severity) == ("state-unusable", Severity.ERROR)
    assert finding.message.endswith("No space left on device")
    assert finding.remedy[0].startswith("make room there")
    assert not state_dir.exists()


def test_so_many_values_that_they_fill_a_datagram(world: World, zone: HostedZone, state_dir: Path) -> None:
    values = [validation(str(number)) for number in range(21)]
    zone.set(NAME, "TXT", *values[:20])
    assert [finding.severity for finding in found(world, state_dir)] == [Severity.NOTE]
    zone.set(NAME, "TXT", *values)
    assert [finding.severity for finding in found(world, state_dir)] == [Severity.WARNING]


def test_values_that_no_entry_explains(world: World, zone: HostedZone, state_dir: Path) -> None:
    zone.set(NAME, "TXT", A, B)

    (finding,) = found(world, state_dir)

    assert (finding.code, finding.severity, finding.subject) == ("stale-txt", Severity.NOTE, NAME)
    assert finding.message == (
        "2 TXT values stand there that no run of this machine has open:"
        " many of them make the CA's lookup fail"
    )
    assert f'remove from the zone example.org: {NAME}. TXT "{A}"' in finding.remedy


def test_a_value_that_one_server_of_two_has(world: World, zone: HostedZone, state_dir: Path) -> None:
    zone.servers[0].freeze()
    zone.set(NAME, "TXT", A)
    assert codes(found(world, state_dir)) == ["stale-txt"]


def test_a_value_at_the_target_of_a_cname(world: World, zone: HostedZone, state_dir: Path) -> None:
    zone.set(NAME, "CNAME", "challenge.example.org.")
    zone.set("challenge.example.org", "TXT", A)
    (finding,) = found(world, state_dir)
    assert finding.subject == "challenge.example.org"


def test_a_value_that_a_run_waits_for_right_now(world: World, zone: HostedZone, state_dir: Path) -> None:
    entered(state_dir, A, this_process())
    zone.set(NAME, "TXT", A)
    assert found(world, state_dir) == []


def test_an_entry_whose_client_is_gone(world: World, zone: HostedZone, state_dir: Path) -> None:
    entered(state_dir, A, GONE)
    zone.set(NAME, "TXT", A)

    (finding,) = found(world, state_dir)

    assert (finding.code, finding.severity, finding.subject) == ("open-entry", Severity.WARNING, NAME)
    assert A in finding.message
    assert finding.remedy == ("dns01 sweep",)


def test_an_entry_whose_clean_up_failed_says_why(world: World, zone: HostedZone, state_dir: Path) -> None:
    Journal(str(state_dir)).failed(entered(state_dir, A, this_process()), "the provider was down")
    (finding,) = found(world, state_dir)
    assert finding.message == (
        f"the value {A} of an earlier run was never taken back;"
        " failed tries: 1, the last one: the provider was down"
    )


def test_a_journal_file_that_cannot_be_read(world: World, zone: HostedZone, state_dir: Path) -> None:
    entered(state_dir, A, this_process())
    (file,) = (state_dir / "open").iterdir()
    file.write_text("{")

    again = [found(world, state_dir) for _ in range(2)]  # it stays there, moved aside

    (finding,), _ = again
    assert again[0] == again[1]
    assert (finding.code, finding.severity) == ("corrupt-entry", Severity.WARNING)
    assert f"{NAME} " in finding.message
    assert finding.remedy[0].endswith(f"rm {state_dir}/corrupt/open/{file.name}")


def test_a_journal_file_of_another_name_that_cannot_be_read_is_a_note(
    world: World, zone: HostedZone, state_dir: Path
) -> None:
    entered(state_dir, A, this_process(), name="_acme-challenge.www.example.org")
    (file,) = (state_dir / "open").iterdir()
    file.write_text("{")

    (finding,) = found(world, state_dir)

    assert (finding.code, finding.severity) == ("corrupt-entry", Severity.NOTE)


def test_an_entry_of_another_name(world: World, zone: HostedZone, state_dir: Path) -> None:
    entered(state_dir, A, GONE, "_acme-challenge.www.example.org", "_acme-challenge.www.example.org")
    assert found(world, state_dir) == []


def test_a_provider_that_keeps_old_values_by_design(
    world: World, zone: HostedZone, state_dir: Path, tmp_path: Path
) -> None:
    zone.set(NAME, "TXT", A)
    storage = tmp_path / "accounts.json"
    storage.write_text("{}")
    storage.chmod(0o600)
    acmedns = {
        "DNS01_PROVIDER": "acmedns",
        "ACME_DNS_API_BASE": "http://127.0.0.1:1",
        "ACME_DNS_STORAGE_PATH": str(storage),
    }
    assert found(world, state_dir, **acmedns) == []


def test_a_zone_whose_servers_the_configuration_names(
    world: World, zone: HostedZone, state_dir: Path
) -> None:
    zone.set(NAME, "TXT", A)
    assert codes(found(world, state_dir, DNS01_NAMESERVERS="127.1.0.1")) == ["stale-txt"]


def test_a_state_folder_that_is_a_file(world: World, zone: HostedZone, state_dir: Path) -> None:
    state_dir.write_text("")
    for folder in (state_dir, state_dir / "dns01", state_dir / "var" / "dns01"):
        (finding,) = found(world, folder)
        assert (finding.code, finding.severity) == ("state-unusable", Severity.ERROR)
        assert "a file is in its place" in finding.remedy[0]
        assert finding.subject == str(folder)


def test_a_state_folder_that_a_phase_would_not_use(world: World, zone: HostedZone, state_dir: Path) -> None:
    """It is said by whose fault: a phase looks at the owner, the mode and a link as well."""
    state_dir.mkdir(mode=0o700)
    os.chown(state_dir, 65534, 65534)
    (finding,) = found(world, state_dir)
    assert finding.code == "state-unusable"
    assert f"chown -R root: {state_dir}; else run it as the user 65534" in finding.remedy[0]
    os.chown(state_dir, os.geteuid(), os.getegid())
    state_dir.chmod(0o770)
    assert [each.code for each in found(world, state_dir)] == ["state-unusable"]
    state_dir.chmod(0o700)
    link = state_dir.with_name("link")
    link.symlink_to(state_dir)
    assert found(world, link) == []
    os.chown(link, 65534, 65534, follow_symlinks=False)
    assert [each.code for each in found(world, link)] == ["state-unusable"]


def test_a_state_folder_of_the_user_whom_the_clients_run_as(
    world: World, zone: HostedZone, state_dir: Path
) -> None:
    acme = User("acme", 65534, frozenset({65534}), "acme", "/home/acme")
    examined = examine(world, "*.example.org", DNS01_STATE_DIR=str(state_dir))._replace(user=acme)
    state_dir.mkdir(mode=0o700)
    assert [each.code for each in check(examined)] == ["state-unusable"]
    os.chown(state_dir, 65534, 65534)
    assert list(check(examined)) == []


def test_servers_that_do_not_answer_are_the_delegations_finding(
    world: World, zone: HostedZone, state_dir: Path
) -> None:
    for server in zone.servers:
        server.rcode = "REFUSED"
    assert found(world, state_dir) == []


def test_a_name_that_leads_nowhere_is_the_delegations_finding(
    world: World, zone: HostedZone, state_dir: Path
) -> None:
    zone.set(NAME, "CNAME", f"{NAME}.")
    assert found(world, state_dir) == []
