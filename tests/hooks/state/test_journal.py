"""The journal: what is open survives everything, and leaves only when it was taken back."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dns01.errors import StateError
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.process import ClientProcess, this_process
from dns01.hooks.state.journal import Entry, Journal
from dns01.hooks.state.pending_work import anything_open

HOUR = 3600.0
NAME = "_acme-challenge.example.org"


class Clock:
    """Stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def journal(state_dir: Path, clock: Clock, warnings: list[str]) -> Journal:
    return Journal(str(state_dir), clock, warn=warnings.append)


def entry(value: str = "one", name: str = NAME, client: ClientProcess | None = None) -> Entry:
    return Entry(
        domain=name.removeprefix("_acme-challenge."),
        token=f"token of {value}",
        name=name,
        target=name,
        value=value,
        ttl=60,
        account="web",
        provider="memory",
        zone="example.org",
        zone_id="",
        client=client,
    )


def files(state_dir: Path, folder: str = "open") -> list[Path]:
    return sorted((state_dir / folder).iterdir()) if (state_dir / folder).exists() else []


def values(entries: list[Entry]) -> set[str]:
    return {entry.value for entry in entries}


def in_a_child(act: Callable[[], object]) -> int:
    """Fork a process that acts and ends; its id."""
    if child := os.fork():
        return child
    try:
        act()
    finally:
        os._exit(0)


class TestOpening:
    def test_an_entry_is_read_back_as_it_was_written_with_its_time(
        self, journal: Journal, clock: Clock
    ) -> None:
        written = journal.open([entry("one", client=this_process())])
        assert journal.entries() == written
        assert written == [entry("one", client=this_process())._replace(opened=clock.now)]

    def test_the_file_can_be_read_at_3_am(self, journal: Journal, state_dir: Path) -> None:
        journal.open([entry("one")])
        (file,) = files(state_dir)
        content = json.loads(file.read_text())
        assert file.name.startswith(f"{NAME}-")
        assert file.name.endswith(".json")
        assert file.read_text().count("\n") > 10
        assert content["version"] == 1
        assert content["value"] == "one"
        assert content["opened_at"].startswith(time.strftime("%Y-%m-%dT%H:", time.gmtime(content["opened"])))

    @pytest.mark.parametrize("umask", [0o000, 0o277])
    def test_nobody_else_may_look_whatever_the_umask(
        self, journal: Journal, state_dir: Path, umask: int
    ) -> None:
        before = os.umask(umask)
        try:
            journal.open([entry("one")])
            with journal.lock("example.org"):
                pass
            journal.close(journal.entries())
            journal.open([entry("two")])
        finally:
            os.umask(before)
        for path in (state_dir, *state_dir.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0, path
            assert path.is_file() or mode == 0o700, path

    def test_a_folder_that_is_there_keeps_its_mode(self, journal: Journal, state_dir: Path) -> None:
        state_dir.mkdir()
        state_dir.chmod(0o755)
        journal.open([entry("one")])
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o755

    def test_two_values_at_one_name_are_two_entries(self, journal: Journal) -> None:
        journal.open([entry("apex"), entry("wildcard")])
        assert values(journal.entries()) == {"apex", "wildcard"}

    def test_the_same_value_again_takes_the_place_of_its_entry(self, journal: Journal, clock: Clock) -> None:
        journal.open([entry("one", client=this_process()._replace(pid=1))])
        clock.now += 10
        second = journal.open([entry("one", client=this_process())])
        assert journal.entries() == second

    def test_what_was_closed_failed_or_opened_anew_meanwhile_is_not_unchanged(
        self, journal: Journal, clock: Clock
    ) -> None:
        read = journal.open(map(entry, ("kept", "closed", "failed", "anew")))
        kept, closed, failed, anew = read
        clock.now += 10
        journal.close([closed])
        journal.failed(failed, "no answer")
        journal.open([anew])
        assert journal.unchanged(read) == [kept]

    @pytest.mark.parametrize("name", ["a." * 120 + "example.org", "../../etc/passwd", "ü\n.example.org", "."])
    def test_any_name_makes_a_file_name(self, journal: Journal, state_dir: Path, name: str) -> None:
        journal.open([entry("one", name), entry("two", name)])
        with journal.lock(name):
            assert [found.name for found in journal.entries()] == [name, name]
        assert len(files(state_dir)) == 2

    @pytest.mark.parametrize(
        ("reason", "remedy"),
        [
            (errno.ENOSPC, "make room"),
            (errno.EROFS, "mount it writable"),
            (errno.EACCES, "run as the user who owns it"),
            (errno.EIO, "set DNS01_STATE_DIR"),
        ],
    )
    @pytest.mark.parametrize("step", ["fsync", "rename"])
    def test_a_disk_that_fails_halfway_leaves_nothing_of_the_batch(
        self,
        journal: Journal,
        state_dir: Path,
        monkeypatch: pytest.MonkeyPatch,
        reason: int,
        remedy: str,
        step: str,
    ) -> None:
        old = journal.open([entry("old")])
        fail_at_the_second(monkeypatch, step, OSError(reason, os.strerror(reason)))
        with pytest.raises(StateError, match=os.strerror(reason)) as caught:
            journal.open([entry("one"), entry("old"), entry("three")])
        assert remedy in caught.value.hint
        assert len(files(state_dir)) == 1
        assert values(journal.entries()) == values(old)

    def test_a_file_in_the_place_of_the_folder_is_said(self, journal: Journal, state_dir: Path) -> None:
        state_dir.write_text("")
        with pytest.raises(StateError, match=str(state_dir)):
            journal.open([entry("one")])
        with pytest.raises(StateError, match=str(state_dir)):
            journal.entries()


def fail_at_the_second(monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException) -> None:
    real = getattr(os, function)
    calls: Iterator[int] = iter(range(100))

    def once_only(*arguments: object) -> object:
        if next(calls) == 1:
            raise error
        return real(*arguments)

    monkeypatch.setattr(os, function, once_only)


class TestBeingKilled:
    @pytest.mark.parametrize("step", ["fchmod", "fsync", "rename"])
    @pytest.mark.parametrize("nth", [1, 2, 3])
    def test_at_any_instant_leaves_whole_entries_only(
        self, journal: Journal, warnings: list[str], step: str, nth: int
    ) -> None:
        def die() -> None:
            calls = iter(range(1, 100))

            def deadly(real: Callable[..., object]) -> Callable[..., object]:
                def call(*arguments: object, **named: object) -> object:
                    if next(calls) == nth:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*arguments, **named)

                return call

            setattr(os, step, deadly(getattr(os, step)))
            journal.open([entry("one"), entry("two"), entry("three")])

        _, status = os.waitpid(in_a_child(die), 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert values(journal.entries()) <= {"one", "two", "three"}
        assert not warnings

    def test_leaves_a_temporary_file_that_counts_for_nothing_and_goes_in_time(
        self, journal: Journal, state_dir: Path, clock: Clock
    ) -> None:
        (state_dir / "open").mkdir(mode=0o700, parents=True)
        left = state_dir / "open" / "x.json.1234.tmp"
        left.write_text('{"vers')
        assert journal.entries() == []
        assert not anything_open({"DNS01_STATE_DIR": str(state_dir)})
        journal.close([])
        assert left.exists()
        clock.now += 2 * HOUR
        journal.close([])
        assert not left.exists()

    def test_leaves_no_lock(self, journal: Journal) -> None:
        def hold() -> None:
            with journal.lock("example.org"):
                os.kill(os.getpid(), signal.SIGKILL)

        os.waitpid(in_a_child(hold), 0)
        with journal.lock("example.org", timeout=0):
            pass


class TestReading:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe\x00",
            b"null",
            b"[]",
            b"{}",
            b"[" * 100_000,
            b'{"version": 1}',
            b'{"version": "1"}',
            b'{"version": 0.5, "client": {}}',
        ],
    )
    def test_a_corrupt_file_is_moved_aside_and_said(
        self, journal: Journal, state_dir: Path, warnings: list[str], content: bytes
    ) -> None:
        journal.open([entry("good")])
        (state_dir / "open" / "bad.json").write_bytes(content)
        assert values(journal.entries()) == {"good"}
        assert (state_dir / "corrupt" / "open" / "bad.json").read_bytes() == content
        (said,) = warnings
        assert str(state_dir / "corrupt" / "open" / "bad.json") in said
        assert "Error(" not in said

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("value", None),
            ("ttl", "60"),
            ("opened", "now"),
            ("opened", 1e300),
            ("opened", float("nan")),
            ("opened", float("inf")),
            ("client", ""),
            ("client", {"pid": 1}),
            ("client", {"name": "certbot", "pid": "1", "start": 1, "where": ""}),
            ("value", "another"),
            ("surplus", 1),
        ],
    )
    def test_a_file_with_a_field_that_cannot_be_is_corrupt(
        self, journal: Journal, state_dir: Path, warnings: list[str], field: str, value: object
    ) -> None:
        journal.open([entry("one")])
        (file,) = files(state_dir)
        file.write_text(json.dumps({**json.loads(file.read_text()), field: value}))
        assert journal.entries() == []
        assert [aside.name for aside in files(state_dir, "corrupt/open")] == [file.name]
        assert len(warnings) == 1

    def test_a_copy_of_an_entry_is_no_second_entry(self, journal: Journal, state_dir: Path) -> None:
        journal.open([entry("one")])
        (file,) = files(state_dir)
        (state_dir / "open" / "copy.json").write_bytes(file.read_bytes())
        assert len(journal.entries()) == 1

    def test_what_a_newer_version_wrote_is_said_once_and_left_alone(
        self, journal: Journal, state_dir: Path, warnings: list[str]
    ) -> None:
        newer = state_dir / "open" / "newer.json"
        journal.open([entry("one")])
        newer.write_text('{"version": 2}')
        assert values(journal.entries()) == values(journal.entries()) == {"one"}
        assert newer.exists()
        (said,) = warnings
        assert "newer" in said

    def test_a_file_that_another_process_closes_meanwhile_is_passed_over(
        self, journal: Journal, state_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal.open([entry("one")])
        (file,) = files(state_dir)
        file.unlink()
        monkeypatch.setattr(os, "listdir", lambda _: [file.name])
        assert journal.entries() == []

    def test_no_folder_is_no_entries(self, journal: Journal) -> None:
        assert journal.entries() == []

    def test_anything_open_is_known_without_reading(self, journal: Journal, state_dir: Path) -> None:
        environ = {"DNS01_STATE_DIR": str(state_dir)}
        assert not anything_open(environ)
        opened = journal.open([entry("one")])
        assert anything_open(environ)
        journal.close(opened)
        assert not anything_open(environ)

    def test_a_folder_that_cannot_be_read_counts_as_open(self, state_dir: Path) -> None:
        state_dir.mkdir()
        (state_dir / "open").write_text("")
        assert anything_open({"DNS01_STATE_DIR": str(state_dir)})


class TestFinding:
    def test_by_name_and_value(self, journal: Journal) -> None:
        journal.open([entry("one"), entry("two"), entry("one", "_acme-challenge.example.net")])
        ((found,),) = journal.find([Challenge("Example.ORG.", "any", "one")]).values()
        assert (found.name, found.value) == (NAME, "one")

    def test_by_token_where_the_client_says_no_domain(self, journal: Journal) -> None:
        journal.open([entry("one"), entry("two")])
        ((found,),) = journal.find([Challenge("", "token of two", "any")]).values()
        assert found.value == "two"

    def test_what_is_of_one_run_of_a_client(self, journal: Journal) -> None:
        mine = this_process("certbot")
        journal.open(
            [
                entry("mine", client=mine),
                entry("before", client=mine._replace(start=mine.start - 1)),
                entry("elsewhere", client=mine._replace(where="another host")),
                entry("nobody's"),
            ]
        )
        assert values(journal.of(mine)) == {"mine"}


class TestOrphans:
    def test_are_those_whose_client_is_gone(self, journal: Journal) -> None:
        alive = this_process("dehydrated")
        journal.open(
            [entry("alive", client=alive), entry("gone", client=alive._replace(start=alive.start - 1))]
        )
        assert values(journal.orphans()) == {"gone"}

    def test_are_those_older_than_two_hours_but_for_a_client_that_is_seen_to_live(
        self, journal: Journal, clock: Clock
    ) -> None:
        journal.open([entry("alive", client=this_process()), entry("unknown")])
        clock.now += 2 * HOUR
        assert journal.orphans() == []
        clock.now += 1
        assert values(journal.orphans()) == {"unknown"}

    def test_are_those_that_could_not_be_taken_back(self, journal: Journal) -> None:
        first, _ = journal.open([entry("one", client=this_process()), entry("two", client=this_process())])
        journal.failed(first, "503 Service Unavailable")
        (orphan,) = journal.orphans()
        assert (orphan.value, orphan.state, orphan.tries, orphan.error) == (
            "one",
            "retract",
            1,
            "503 Service Unavailable",
        )
        assert orphan.opened == first.opened
        journal.failed(orphan, "504")
        assert [(again.tries, again.error) for again in journal.orphans()] == [(2, "504")]

    def test_a_failure_does_not_bring_back_what_another_process_has_closed(self, journal: Journal) -> None:
        (opened,) = journal.open([entry("one")])
        journal.close([opened])
        journal.failed(opened, "too late")
        assert journal.entries() == []


class TestRetractions:
    def test_a_name_never_retracted_has_none(self, journal: Journal) -> None:
        assert journal.retracted_at(NAME) == 0

    def test_the_last_retraction_counts(self, journal: Journal, clock: Clock) -> None:
        opened = journal.open([entry("one"), entry("two")])
        journal.close(opened[:1])
        clock.now += 30
        journal.close(opened[1:])
        assert journal.retracted_at(NAME) == clock.now

    def test_an_orphan_counts_only_until_its_authorization_expired(
        self, journal: Journal, clock: Clock
    ) -> None:
        clock.now -= 10 * HOUR
        start, opened = clock.now, journal.open([entry("one")])
        clock.now += 10 * HOUR
        journal.close(opened)
        assert journal.retracted_at(NAME) == start + HOUR

    def test_what_is_forgotten_was_never_there(self, journal: Journal) -> None:
        journal.forget(journal.open([entry("one")]))
        assert journal.entries() == []
        assert journal.retracted_at(NAME) == 0

    def test_what_no_cache_holds_any_more_is_purged(
        self, journal: Journal, state_dir: Path, clock: Clock
    ) -> None:
        journal.close(journal.open([entry("one")]))
        assert len(files(state_dir, "retracted")) == 1
        clock.now += 2 * HOUR
        journal.close([])
        assert files(state_dir, "retracted") == []

    def test_a_full_disk_does_not_keep_an_entry_open(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = journal.open([entry("one")])
        monkeypatch.setattr(os, "fchmod", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with journal.lock("example.org"):
            journal.close(opened)
        assert journal.entries() == []

    def test_closing_twice_is_no_error(self, journal: Journal) -> None:
        opened = journal.open([entry("one")])
        journal.close(opened)
        journal.close(opened)


class TestLocks:
    def test_a_lock_that_does_not_come_free_names_its_holder(self, state_dir: Path) -> None:
        slept: list[float] = []
        waiting = Journal(str(state_dir), sleep=slept.append)
        with (
            Journal(str(state_dir)).lock("example.org"),
            pytest.raises(StateError, match=f"the zone example.org .* process {os.getpid()} ") as caught,
            waiting.lock("example.net", "example.org", timeout=30),
        ):
            pass
        assert f"ps -fp {os.getpid()}" in caught.value.hint
        assert sum(slept) == pytest.approx(30, abs=1)

    def test_a_wait_that_fails_lets_go_of_the_other_zones(self, state_dir: Path) -> None:
        journal = Journal(str(state_dir), sleep=lambda _: None)
        with journal.lock("example.org"):
            with pytest.raises(StateError), journal.lock("example.net", "example.org", timeout=0):
                pass
            with journal.lock("example.net", timeout=0):
                pass

    def test_zones_in_any_order_never_wait_for_each_other(self, journal: Journal, state_dir: Path) -> None:
        held: list[int] = []

        def take(zones: tuple[str, ...]) -> None:
            for _ in range(50):
                with Journal(str(state_dir), sleep=lambda _: None, warn=print).lock(*zones, timeout=1e9):
                    held.append(1)
                    assert held == [1]
                    held.pop()

        orders = (("a.org", "b.org"), ("b.org", "a.org"), ("b.org", "a.org", "b.org"))
        threads = [threading.Thread(target=take, args=(order,), daemon=True) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        assert held == []

    def test_an_error_inside_stays_what_it_is(self, journal: Journal) -> None:
        with pytest.raises(FileNotFoundError), journal.lock("example.org"):
            raise FileNotFoundError
        with journal.lock("example.org", timeout=0):
            pass
