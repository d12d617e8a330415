"""A program of somebody else's: neither its time nor its output is without an end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from threading import Timer
from types import FrameType

import pytest

from dns01 import child_process
from dns01.errors import ProviderError, Unreachable

ENVIRON = {"PATH": os.environ["PATH"]}


def test_one_that_says_something_without_end_is_ended_before_the_disk_is_full() -> None:
    with pytest.raises(ProviderError) as caught:
        child_process.run(["yes", "and again"], ENVIRON, 600, "the reload")
    message, _, said = str(caught.value).partition("; the last that it said: ")
    assert message == "the reload prints more than 65536 KiB, and was ended"
    assert said.startswith("and again | and again")
    assert caught.value.hint == "see that it is the right one, and that its output has an end"


def test_one_that_is_asked_for_something_and_does_not_end_is_ended_as_well() -> None:
    with pytest.raises(ProviderError, match=r"^the inventory .* 64 KiB"):
        child_process.output_of(["yes"], ENVIRON, 600, "the inventory", 64 << 10)


def test_of_much_that_was_said_the_last_is_shown() -> None:
    command = ["sh", "-c", "yes x | head -c 3000000; echo; echo the reason; exit 3"]
    with pytest.raises(ProviderError, match=r"ended with 3: .*the reason"):
        child_process.run(command, ENVIRON, 600, "the reload")


def test_one_that_ignores_everything_is_ended_in_time_with_what_it_has_started() -> None:
    command = ["sh", "-c", "trap '' TERM INT HUP; sleep 600 & wait"]
    with pytest.raises(Unreachable) as caught:
        child_process.run(command, ENVIRON, 0.5, "the reload")
    assert str(caught.value) == "the reload was ended after 0.5 s; the last that it said: nothing"
    assert caught.value.hint == "see what it waits for, or give it more time with time_limit"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "kill -SEGV $$"], "the test was killed by SIGSEGV: nothing"),
        (["sh", "-c", "kill -35 $$"], "the test was killed by signal 35: nothing"),
        (["nul\0"], "the test cannot be run: embedded null byte"),
    ],
    ids=["a signal", "a signal without a name", "a null character"],
)
def test_however_one_ends_is_said(command: list[str], said: str) -> None:
    with pytest.raises(ProviderError) as caught:
        child_process.run(command, ENVIRON, 60, "the test")
    assert str(caught.value) == said


class Stopped(BaseException):
    """What the handler of a signal raises."""


def stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
Start = Callable[[list[str]], object]
starts = pytest.mark.parametrize(
    "start",
    [
        lambda command: child_process.run(command, ENVIRON, 600, "the reload"),
        lambda command: child_process.communicate(command, ENVIRON, 600, "the reload", b"", 64 << 10),
    ],
    ids=["run", "communicate"],
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """What is started, with SIGINT, SIGTERM and SIGHUP raising Stopped; none is left at the end."""
    programs: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *words: object, **options: object) -> None:
            super().__init__(*words, **options)  # type: ignore[call-overload]
            programs.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    handlers = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield programs
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for program in programs:
            program.kill()


def signalled(work: Callable[..., object], number: signal.Signals) -> Callable[..., object]:
    """The function, with a signal before what it does and another one behind that."""

    def interrupted(*words: object, **options: object) -> object:
        signal.raise_signal(number)
        done = work(*words, **options)
        signal.raise_signal(number)
        return done

    return interrupted


@pytest.mark.parametrize("number", SIGNALS)
@starts
def test_one_that_is_being_started_as_a_signal_ends_us_is_ended(
    number: signal.Signals,
    start: Start,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess, "Popen", signalled(subprocess.Popen, number))

    with pytest.raises(Stopped):
        start(["sleep", "60"])

    assert started[0].returncode == -signal.SIGKILL
    assert signal.getsignal(number) is stop


@pytest.mark.parametrize("second", SIGNALS)
@starts
def test_one_that_is_being_ended_as_a_second_signal_comes_is_ended(
    second: signal.Signals,
    start: Start,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "killpg", signalled(os.killpg, second))
    Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()

    with pytest.raises(Stopped):
        start(["sleep", "60"])

    assert started[0].returncode == -signal.SIGKILL
    assert [signal.getsignal(number) for number in SIGNALS] == [stop, stop, stop]


def test_every_signal_that_was_put_off_is_delivered_in_its_turn() -> None:
    """A program that embeds this may go on after one of them (SIGHUP: read the configuration anew)."""
    delivered: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: delivered.append(number)) for number in SIGNALS
    }
    try:
        with child_process.signals_put_off() as outer, child_process.signals_put_off() as inner:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            inner()
            assert delivered == []
            outer()
            assert delivered == [signal.SIGHUP, signal.SIGTERM]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_signal_that_is_ignored_stays_so() -> None:
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        child_process.run(["sh", "-c", "kill -HUP $PPID"], ENVIRON, 60, "the reload")
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_comes_while_the_handlers_change_leaves_none_of_ours_behind(
    number: signal.Signals, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    change = signal.signal

    def changed(which: int, handler: signal._HANDLER) -> signal._HANDLER:
        before = change(which, handler)
        signal.raise_signal(number)
        return before

    with monkeypatch.context() as patched:
        patched.setattr(signal, "signal", changed)
        with pytest.raises(Stopped):
            child_process.run(["true"], ENVIRON, 60, "the reload")

    for each in SIGNALS:
        with pytest.raises(Stopped):
            signal.raise_signal(each)


def test_what_a_handler_puts_in_its_own_place_stays_there() -> None:
    """One that is to be called once, as that of SIGTERM in dispatch.py."""

    def once(number: int, frame: FrameType | None) -> None:
        signal.signal(number, heard_already)

    def heard_already(number: int, frame: FrameType | None) -> None:
        pass

    before = signal.signal(signal.SIGTERM, once)
    try:
        with child_process.signals_put_off() as outer, child_process.signals_put_off() as inner:
            signal.raise_signal(signal.SIGTERM)
            inner()
            outer()
        assert signal.getsignal(signal.SIGTERM) is heard_already
    finally:
        signal.signal(signal.SIGTERM, before)
