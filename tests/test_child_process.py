"""A program of somebody else's: neither its time nor its output is without an end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "start",
    [
        lambda command: child_process.run(command, ENVIRON, 600, "the reload"),
        lambda command: child_process.communicate(command, ENVIRON, 600, "the reload", b"", 64 << 10),
    ],
    ids=["run", "communicate"],
)
def test_one_that_is_being_started_as_a_signal_ends_us_is_ended(
    number: signal.Signals, start: Callable[[list[str]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class InterruptedStart(subprocess.Popen[bytes]):
        def __init__(self, *words: object, **options: object) -> None:
            super().__init__(*words, **options)  # type: ignore[call-overload]
            started.append(self)
            signal.raise_signal(number)

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    monkeypatch.setattr(subprocess, "Popen", InterruptedStart)
    handler = signal.signal(number, stop)
    try:
        with pytest.raises(Stopped):
            start(["sleep", "600"])
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, handler)
        for process in started:
            process.kill()
    assert started[0].returncode == -signal.SIGKILL
