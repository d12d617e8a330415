"""Long lines on a terminal: broken between words, and never inside what somebody copies."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from dns01 import output
from dns01.wrapping import LEAST_INDENT, width, wrapped

PROSE = "the CAA records of the zone let another authority issue certificates, and not the one that is asked"
COPIED = [
    "run 4711",
    "dig TXT _acme-challenge.example.org +norec @192.0.2.53",
    "dns01 audit show 4711",
    "dns01 doctor '*.example.org' --write",
    "chmod 600 /etc/dns01/config.toml",
    "chown root /etc/dns01 && chmod go-w /etc/dns01",
    "rndc retransfer example.org",
    "systemctl reload nginx",
    "certbot reconfigure --cert-name example.org --manual-auth-hook '/opt/dns01/bin/dns01 certbot auth'",
    "pip install 'dns01-hook[notify]'",
    "sudo dns01 sweep --forget example.org",
    "`update-policy { grant dns01 name _acme-challenge.example.org. TXT; };`",
    'example.org. CAA 0 issue "letsencrypt.org; validationmethods=dns-01"',
    "_acme-challenge.example.org. CNAME 8e5700ea-a4bf-41c7-8a77-e990661dcc6a.auth.example.net.",
    "example.org. 3600 IN DS 12345 13 2 49FD46E6C4B45C55D4AC",
    '_acme-challenge.example.org. TXT "one" "two"',
    'nameservers = ["192.0.2.53", "192.0.2.54"]',
    'token = { file = "/etc/dns01/cloudflare.token" }',
    "https://letsencrypt.org/docs/rate-limits/#new-orders-per-account",
]


@pytest.mark.parametrize("copied", COPIED)
@pytest.mark.parametrize("before", ["add this: ", "       1. ", "   -> ", "dns01: it says ", f" + {PROSE}: "])
def test_what_is_copied_stands_in_one_line_wherever_it_begins(copied: str, before: str) -> None:
    for columns in (40, 61, 79, 80, 100):
        lines = wrapped(f"{before}{copied}, {PROSE}", columns).splitlines()
        assert [line for line in lines if copied in line]
        assert [line for line in lines if len(line) > columns and copied not in line] == []


@pytest.mark.parametrize(
    "head", ["", " + ", " ! ", "   -> ", "dns01: ", "  ERROR   ", "       12. ", "     "]
)
@pytest.mark.parametrize("columns", [40, 80])
def test_a_long_line_is_broken_at_spaces_and_nothing_is_lost(head: str, columns: int) -> None:
    text = f"{head}{PROSE}, {PROSE}"
    lines = wrapped(text, columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert " ".join(line.strip() for line in lines) == text.strip()
    assert {len(line) - len(line.lstrip()) for line in lines[1:]} == {
        max(LEAST_INDENT, len(head) + (0 if head.strip() else 2))
    }


def test_no_word_from_outside_begins_where_lines_of_ours_do() -> None:
    forged = "-> ! + dns01: 1. " * 30
    for head in (" + ", " ! ", "dns01: "):
        lines = wrapped(f"{head}{forged}", 80).splitlines()
        assert [line for line in lines[1:] if not line.startswith(" " * LEAST_INDENT)] == []


def test_what_fits_stays_as_it_is() -> None:
    table = "       ns1.example.org  127.1.0.1  has it                since 6 s\n\n   odd   spaces"
    assert wrapped(table, 80) == table


def test_a_word_that_no_line_has_room_for_is_left_to_the_terminal() -> None:
    name = ".".join(["a" * 60] * 4)
    assert name in wrapped(f"   -> see {name} there", 80).splitlines()[1]


def test_a_tab_takes_as_many_columns_as_there_are_to_the_next_stop() -> None:
    lines = wrapped("name\tvalue " * 20, 40).splitlines()
    assert max(len(line.expandtabs()) for line in lines) <= 40


def test_wide_characters_take_two_columns() -> None:
    lines = wrapped(" ".join(["証明書"] * 20), 40).splitlines()
    assert max(len(line.strip().replace(" ", "")) * 2 + line.strip().count(" ") for line in lines) <= 40


@pytest.mark.parametrize(
    "beginning",
    [
        "`",
        "` ",
        '" ',
        "a. TXT ",
        'a. TXT "',
        "a.",
        "a = [ ",
        "x = { ",
        "dig -",
        "dig '",
        "/a",
        "sudo ",
        "1 s ",
        " ",
    ],
)
def test_what_looks_like_a_beginning_over_and_over_is_wrapped_nevertheless(beginning: str) -> None:
    text = beginning * (100_000 // len(beginning))
    assert re.sub(r"\s", "", wrapped(text, 80)) == re.sub(r"\s", "", text)


def test_only_a_terminal_gets_shorter_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    ours, theirs = pty.openpty()
    with open(theirs, "w") as terminal, open(tmp_path / "pipe", "w") as pipe:
        assert output.fitted(PROSE, terminal) == wrapped(PROSE, 60) != PROSE
        assert output.fitted(PROSE, pipe) == PROSE
        assert output.fitted(PROSE, None) == PROSE
    os.close(ours)


@pytest.mark.parametrize(
    ("columns", "expected"), [("72", 72), ("12", 0), ("many", 80), ("-9", 80), ("0", 80), ("²", 80), ("", 80)]
)
def test_the_width_is_the_terminal_s_unless_columns_says_it(
    columns: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ours, theirs = pty.openpty()
    with open(theirs, "w") as terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        assert width(terminal) == expected
    os.close(ours)


def at_a_terminal(show: Callable[[], None]) -> list[str]:
    """The lines that this prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with open(theirs, "w") as terminal, redirect_stdout(terminal):
        show()
        shown = os.read(ours, 65536)
    os.close(ours)
    return shown.decode().splitlines()


def test_a_line_for_programs_is_one_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    line = f'{{"error": "{PROSE}", "names": ["example.org"]}}'
    assert at_a_terminal(lambda: output.line_for_programs(line)) == [line]


def test_what_only_looks_like_a_command_is_broken_like_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    run = f"2026-11-22T03:00:12Z ok dns01 issue {' '.join(f'host{n}.example.org' for n in range(9))}"
    assert len(at_a_terminal(lambda: output.report(run))[1]) > 80
    assert max(map(len, at_a_terminal(lambda: output.report(run, plain=True)))) <= 80
