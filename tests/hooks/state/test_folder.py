"""Whose the state folder is: nothing is written or deleted where another user may lead it astray."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from checkout import HOOK
from contract import validation

from dns01.errors import StateError
from dns01.hooks.clients.process import this_process
from dns01.hooks.state.audit.trail import Trail
from dns01.hooks.state.journal import Entry, Journal
from dns01.hooks.state.pending_work import anything_open

ANOTHER = 65534
ENTRY = Entry(
    domain="example.org",
    token="token",
    name="_acme-challenge.example.org",
    target="_acme-challenge.example.org",
    value="value",
    ttl=60,
    account="web",
    provider="memory",
    zone="example.org",
    zone_id="",
    client=this_process(),
)


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of ours elsewhere, with a file that no one may touch."""
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "kept.json").write_text("{}")
    os.utime(folder / "kept.json", (0, 0))
    return folder


def test_a_state_folder_of_another_user_is_refused(state_dir: Path) -> None:
    state_dir.mkdir()
    os.chown(state_dir, ANOTHER, ANOTHER)

    with pytest.raises(StateError, match=f"it belongs to the user {ANOTHER}") as caught:
        Journal(str(state_dir)).open([ENTRY])

    assert "ls -ld" in caught.value.hint
    assert list(state_dir.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777, 0o722, 0o2770])
@pytest.mark.parametrize("part", ["", "open", "locks"])
def test_a_folder_that_others_may_write_to_is_refused_before_anything_is_moved(
    part: str, mode: int, state_dir: Path
) -> None:
    journal = Journal(str(state_dir), warn=lambda _: None)
    with journal.lock("example.org"):
        journal.open([ENTRY])
    broken = state_dir / "open" / "broken.json"
    broken.write_text("no JSON")
    (state_dir / part).chmod(mode)

    message = f"{state_dir / part} cannot be used: others may write to it"
    with pytest.raises(StateError, match=message) as caught, journal.lock("example.org"):
        journal.entries()

    assert caught.value.hint.startswith(f"chmod go-w {state_dir / part}")
    assert broken.exists()
    assert anything_open({"DNS01_STATE_DIR": str(state_dir)})


@pytest.mark.parametrize(
    "use",
    [
        lambda journal: journal.entries(),
        lambda journal: journal.orphans(),
        lambda journal: journal.of(this_process()),
        lambda journal: journal.unchanged([ENTRY]),
        lambda journal: journal.forget([ENTRY]),
        lambda journal: journal.open([ENTRY]),
        lambda journal: journal.failed(ENTRY, "refused"),
    ],
)
def test_nothing_is_read_or_moved_through_a_link_in_a_folder_that_others_may_write_to(
    use: Callable[[Journal], object], state_dir: Path, precious: Path
) -> None:
    (precious / "daemon.json").write_text("of another program")
    state_dir.mkdir()
    state_dir.chmod(0o777)
    (state_dir / "open").symlink_to(precious)

    with pytest.raises(StateError, match=f"{state_dir}.* others"):
        use(Journal(str(state_dir), warn=lambda _: None))

    assert {path.name for path in precious.iterdir()} == {"kept.json", "daemon.json"}
    assert not (state_dir / "corrupt").exists()


@pytest.mark.parametrize(
    ("state", "words", "code"),
    [
        ("state", ["deploy_challenge", "example.org", "token", validation("a")], 4),
        ("./state", ["startup_hook"], 0),  # it never fails
        ("~/state", ["exit_hook"], 0),
        ("../state", ["unchanged_cert", "example.org", "/key.pem", "/cert.pem"], 0),
        ("var/lib/dns01", ["sweep"], 4),
        (".", ["status"], 3),
        ("state/", ["audit"], 4),
        ("state", ["doctor", "example.org"], 4),
    ],
)
def test_each_call_refuses_a_relative_state_folder_and_makes_none(
    state: str, words: list[str], code: int, tmp_path: Path
) -> None:
    environ = {"DNS01_STATE_DIR": state, "DNS01_PROVIDER": "memory", "DNS01_CONFIG": ""}
    command = [sys.executable, str(HOOK), *words]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert f"the state folder {state} is another one in each working folder" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert done.returncode == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("owner", [0, ANOTHER])
def test_no_link_in_the_place_of_the_records_folder_is_read_through(
    owner: int, state_dir: Path, precious: Path
) -> None:
    state_dir.mkdir()
    (state_dir / "open").symlink_to(precious)
    os.chown(state_dir / "open", owner, owner, follow_symlinks=False)

    with pytest.raises(StateError, match=f"{state_dir}/open cannot be used: it is a link"):
        Journal(str(state_dir), warn=lambda _: None).entries()

    assert [path.name for path in precious.iterdir()] == ["kept.json"]


def test_a_phase_that_is_not_in_the_audit_trail_names_the_folder_and_what_to_do(state_dir: Path) -> None:
    state_dir.mkdir()
    os.chown(state_dir, ANOTHER, ANOTHER)
    warnings: list[str] = []

    Trail(str(state_dir / "audit.jsonl"), {}, warn=warnings.append).write({"phase": "publish"})

    (warning,) = warnings
    assert f" {state_dir} " in warning
    assert f"user {ANOTHER}" in warning


@pytest.mark.parametrize("part", ["open", "retracted", "locks", "corrupt"])
def test_a_link_of_another_user_in_the_place_of_a_part_leads_nowhere(
    part: str, state_dir: Path, precious: Path
) -> None:
    state_dir.mkdir()
    (state_dir / part).symlink_to(precious)
    os.chown(state_dir / part, ANOTHER, ANOTHER, follow_symlinks=False)
    if part == "corrupt":
        (state_dir / "open").mkdir()
        (state_dir / "open" / "x.json").write_text("no JSON")
    journal = Journal(str(state_dir), warn=lambda _: None)

    with suppress(StateError), journal.lock("example.org"):
        journal.close(journal.open([ENTRY]))
        journal.entries()

    assert {path.name for path in precious.iterdir()} == {"kept.json"}
    assert (precious / "kept.json").read_text() == "{}"


def test_a_state_folder_that_root_has_linked_elsewhere_is_used(state_dir: Path, precious: Path) -> None:
    state_dir.symlink_to(precious)
    Journal(str(state_dir)).open([ENTRY])
    assert Journal(str(state_dir)).entries()


def test_the_audit_trail_is_not_written_through_a_link(state_dir: Path, precious: Path) -> None:
    state_dir.mkdir()
    (state_dir / "audit.jsonl").symlink_to(precious / "kept.json")
    warnings: list[str] = []

    Trail(str(state_dir / "audit.jsonl"), {}, warn=warnings.append).write({"phase": "publish"})

    assert (precious / "kept.json").read_text() == "{}"
    assert "this phase is not in the audit trail" in warnings[0]


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "loop", "large"])
def test_what_is_no_file_of_ours_in_the_journal_costs_a_message_and_never_a_hang(
    kind: str, state_dir: Path, precious: Path
) -> None:
    warnings: list[str] = []
    journal = Journal(str(state_dir), warn=warnings.append)
    journal.open([ENTRY])
    strange = state_dir / "open" / "strange.json"
    match kind:
        case "fifo":
            os.mkfifo(strange)
        case "folder":
            strange.mkdir()
        case "link":
            strange.symlink_to(precious / "kept.json")
        case "loop":
            strange.symlink_to(strange)
        case "large":
            with strange.open("wb") as file:
                file.truncate(1 << 32)

    assert [entry.value for entry in journal.entries()] == ["value"]

    (warning,) = warnings
    assert str(state_dir / "corrupt") in warning
    assert [entry.value for entry in journal.entries()] == ["value"]
    assert (precious / "kept.json").exists()
