"""A client that ``dns01 init`` runs, when somebody stops that."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import FrameType

import pytest
from testbed import TIME_LIMIT

from dns01.hooks.commands.init.client_run import run

ENDLESS = TIME_LIMIT * 2  # seconds; whatever waits for so long is found by the limit of the test
HOOK = """\
for each in INT TERM HUP; do trap "echo $each >$1/$2; exit 1" $each; done
: >$1/$2.ready
while [ ! -e $1/end ]; do sleep 0.1; done
"""
CLIENT = 'sh -c "$HOOK" sh "$1" hook & ' + HOOK


class Stopped(BaseException):
    """What the handler of a signal raises."""


def stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    yield
    assert [signal.getsignal(number) for number in numbers] == [stop] * len(numbers)
    for number, handler in before.items():
        signal.signal(number, handler)


def content(path: Path) -> str:
    """What is in the file, once something is."""
    end = time.monotonic() + TIME_LIMIT
    while not (path.exists() and path.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    return path.read_text().strip()


def stopped(folder: Path, number: signal.Signals, limit: float) -> tuple[str, str]:
    """What the client and its hook are told, when we alone are sent the signal."""

    def send() -> None:
        while not ((folder / "client.ready").exists() and (folder / "hook.ready").exists()):
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    Thread(target=send, daemon=True).start()
    with pytest.raises(Stopped) as caught:
        run(["sh", "-c", CLIENT, "sh", str(folder), "client"], {**os.environ, "HOOK": HOOK}, limit)
    assert caught.value.args == (number,)
    client = content(folder / "client")
    hook = content(folder / "hook") if client == number.name.removeprefix("SIG") else ""
    (folder / "end").touch()
    return client, hook


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_us_is_passed_on_at_once_to_the_client_and_its_hook(
    number: signal.Signals, tmp_path: Path
) -> None:
    word = number.name.removeprefix("SIG")
    assert stopped(tmp_path, number, ENDLESS) == (word, word)


def test_a_ctrl_c_has_come_from_the_terminal_which_has_told_the_client_as_well(tmp_path: Path) -> None:
    assert stopped(tmp_path, signal.SIGINT, 0.1) == ("TERM", "")  # in the end, as nobody told it


def test_where_the_client_ends_at_once_it_is_still_said_what_it_may_have_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Stopped):
        run(["sh", "-c", f"sleep 0.5; kill -INT {os.getpid()}; kill -INT $$"], os.environ, ENDLESS)
    assert "dns01 sweep" in capsys.readouterr().err
