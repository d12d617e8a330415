#!/usr/bin/env python3
"""Draws docs/pictures/: terminals of 80 columns in which the commands have run, in a DNS of our own.

As root, who may have a network of their own: ``make pictures``.
"""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from calls import BOTH, Stage
from contract import validation
from issuing import Office
from lifetimes import lasting
from testbed import netns

COLUMNS, LINES = 80, 60
PICTURES = Path(__file__).parent / "pictures"
DNS01 = Path(sys.executable).with_name("dns01")
TIME_LIMIT = 60.0  # seconds


class Terminal:
    """A terminal, and the program that runs in it."""

    def __init__(self, *command: str, environ: Mapping[str, str]) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        environ = {**environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        self.process = subprocess.Popen(
            [*command], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True
        )
        os.close(theirs)

    def until(self, come: Callable[[], bool]) -> None:
        """Show what it prints until that is so, or it has ended."""
        end = time.monotonic() + TIME_LIMIT
        while not come() and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self._stream.feed(os.read(self._ours, 65536))
                except OSError:  # it has closed the terminal
                    return

    def __contains__(self, words: str) -> bool:
        return any(words in line for line in self.screen.display)

    def draw(self, name: str, title: str) -> None:
        """The screen as it is now, as docs/pictures/NAME.svg."""
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        lines = list(self._lines())
        while lines and not "".join(segment.text for segment in lines[-1]).strip():
            lines.pop()
        for line in lines:
            console.print(Segments([*line, Segment.line()]), end="")
        console.save_svg(str(PICTURES / f"{name}.svg"), title=title, unique_id=f"dns01-{name}")

    def _lines(self) -> Iterator[list[Segment]]:
        for number in range(LINES):
            row = self.screen.buffer[number]
            yield [Segment(row[x].data, _style(row[x])) for x in range(COLUMNS)]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _style(cell: pyte.screens.Char) -> Style:
    colour = None if cell.fg == "default" else {"brown": "yellow"}.get(cell.fg, cell.fg)
    if colour and len(colour) == 6 and all(each in "0123456789abcdef" for each in colour):
        colour = f"#{colour}"
    return Style(color=colour, bold=cell.bold, italic=cell.italics)


@contextmanager
def terminal(*command: str, environ: Mapping[str, str]) -> Iterator[Terminal]:
    running = Terminal(*command, environ=environ)
    try:
        yield running
    finally:
        running.end()


def draw_wait(folder: Path) -> None:
    """A record that one of two name servers lacks for a while."""
    words = ("deploy_challenge", "example.org", "token", validation("a"))
    with Stage(folder, BOTH) as stage:
        stage.hold()
        with terminal(str(DNS01), *words, environ=stage.environ) as shown:
            shown.until(lambda: "does not have it yet" in shown)
            began = time.monotonic()
            shown.until(lambda: time.monotonic() - began > 4)
            shown.draw("wait", "$ dehydrated -c")


def draw_doctor(folder: Path) -> None:
    """A name server that has stopped to follow, and a CAA record for another CA."""
    with Stage(folder, BOTH, text='@ CAA 0 issue "sectigo.com"\n') as stage:
        stage.hold()
        environ = {**stage.environ, "DNS01_CA": "letsencrypt"}
        with terminal(str(DNS01), "doctor", "example.org", environ=environ) as shown:
            shown.until(lambda: shown.process.poll() is not None)
            shown.draw("doctor", "$ dns01 doctor example.org")


def draw_status(folder: Path) -> None:
    """Certificates in all states."""
    for name, left in (("mail.example.org", 3), ("www.example.org", 18), ("shop.example.org", 61)):
        lasting(folder / "certs" / name, name, left=left)
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(folder / "state"), "DNS01_CONFIG": ""}
    with terminal(str(DNS01), "status", str(folder / "certs"), environ=environ) as shown:
        shown.until(lambda: shown.process.poll() is not None)
        shown.draw("status", "$ dns01 status")


def draw_wave(folder: Path) -> None:
    """Some certificates in one wave."""
    with Office(folder) as office:
        for name in ("mail", "shop", "vpn", "www"):
            office.want(name, f"{name}.example.org", f"*.{name}.example.org")
        office.config.touch(0o600)
        office.config.write_text(office.configuration())
        with terminal(str(DNS01), "issue", environ=office.environ) as shown:
            shown.until(lambda: shown.process.poll() is not None)
            shown.draw("issue", "$ dns01 issue")


def main() -> None:
    netns.enter()
    PICTURES.mkdir(exist_ok=True)
    for draw in (draw_wait, draw_doctor, draw_status, draw_wave):
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder))


if __name__ == "__main__":
    main()
