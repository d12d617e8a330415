"""What a person sees is harmless on a terminal, whatever it was made from."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dns01 import output
from dns01.output import printable

HOSTILE = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;owned\x07",
    "C1 CSI": "\x9b2J",
    "bell": "\a",
    "back": "safe\b\b\b\bevil",
    "return": "safe\rdns01: all is well",
    "null": "a\0b",
    "delete": "a\x7fb",
    "right to left": "\u202egnp.exe",
    "isolate": "\u2066x\u2069",
    "zero width": "exa\u200bmple",
    "line separator": "a\u2028b",
    "lone surrogate": "a\udce4b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_what_moves_a_cursor_or_reorders_text_is_shown_as_an_escape(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for say in (output.step, output.warning, output.failure, lambda text: output.table([text])):
        say(text)
    shown = capsys.readouterr().err
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert len(shown.splitlines()) == 4


@pytest.mark.parametrize("text", ["Zürich", "例え.テスト", "a b", "→ “quoted” …", "tab\there"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_line_of_somebody_else_s_never_looks_like_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    output.failure("the API says: no\ndns01: all is well", "try again\n + ready")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("dns01: ")
    assert lines[1] == "      dns01: all is well"


def test_progress_on_stdout_has_an_end_for_it_travels_through_the_environment() -> None:
    program = """
from dns01 import output
output.progress_to_stdout()
for number in range(10_000):
    output.step(f"publishing {number}")
output.warning("a problem")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(" + publishing 0\n")
    assert len(done.stdout) <= output.MOST_ON_STDOUT
    assert done.stderr == " ! a problem\n"
