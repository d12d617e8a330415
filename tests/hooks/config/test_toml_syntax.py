"""A file that is not TOML: the line, where in it, and what was probably meant."""

from __future__ import annotations

import tomllib

import pytest

from dns01.hooks.config.toml_syntax import explain

ACCOUNT = "[account.web]\n"
CURLY = "curly quotes came with a copy: write them as \" or '"
TWICE = "it is there already, further up: make one of the two"
SECRET = "Zm9vYmFyYmF6MTIzNDU2Nzg5"


def explained(text: str) -> tuple[str, str]:
    with pytest.raises((tomllib.TOMLDecodeError, RecursionError)) as caught:
        tomllib.loads(text)
    error = explain(text, caught.value)
    return str(error), error.hint


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (ACCOUNT + "provider = rfc2136\n", 2, 'a string wants quotes: provider = "…"'),
        (ACCOUNT + "nameserver = 192.0.2.53\n", 2, 'a string wants quotes: nameserver = "…"'),
        (ACCOUNT + "tsig_file = /etc/bind/key\n", 2, 'a string wants quotes: tsig_file = "…"'),
        (ACCOUNT + "provider = \u201crfc2136\u201d\n", 2, CURLY),
        (ACCOUNT + "provider = \u2018rfc2136\u2019\n", 2, CURLY),
        (ACCOUNT + 'provider = "a"\nprovider = "b"\n', 3, TWICE),
        (ACCOUNT + 'provider = "a"\n[account.web]\n', 3, TWICE),
        (ACCOUNT + "provider =\n", 2, 'nothing stands behind "=": write provider = "…"'),
        (ACCOUNT + "provider: rfc2136\n", 2, 'write "=", not ":", between a key and its value'),
        ('[account.web\nprovider = "a"\n', 1, 'the "]" at the end is missing'),
        (ACCOUNT + 'provider = "rfc2136\n', 2, 'a string that begins with " wants one at its end as well'),
        (
            ACCOUNT + 'directory = "C:\\win"\n',
            2,
            "a backslash in \"…\" begins an escape: write '…', where it does not, or double it",
        ),
        ("\ufeff" + ACCOUNT, 1, "the file begins with a byte order mark: save it as UTF-8 without one"),
        ("; of the web server\n" + ACCOUNT, 1, 'a comment begins with "#"'),
        (ACCOUNT + "  // of the web server\n", 2, 'a comment begins with "#"'),
        (ACCOUNT + "a = 'b'; c = 'd'\n", 2, "the format: https://toml.io"),
    ],
)
def test_the_line_is_shown_and_the_likely_cause(text: str, line: int, cause: str) -> None:
    message, hint = explained(text)
    assert message.startswith(f"it is not TOML: line {line}: ")
    assert hint == cause


def test_a_file_that_is_nested_without_end_is_no_fault_of_ours() -> None:
    message, hint = explained(ACCOUNT + "a = " + "[" * 5000 + "\n")
    assert " line 2: " in message
    assert hint


def test_a_caret_stands_under_the_place() -> None:
    message, _ = explained(ACCOUNT + "provider = rfc2136\n")
    shown, caret = message.splitlines()[1:]
    assert shown.strip() == "provider = rfc2136"
    assert shown[caret.index("^")] == "r"


@pytest.mark.parametrize(
    "line",
    [
        f"token = {SECRET}",
        "tsig_secret = hunter2",
        f"url = ntfy://host/{SECRET}",
        f"value = {SECRET}",
        f'urls = ["ntfy://host/{SECRET}"',
        SECRET,
        f'token = "{SECRET}',
    ],
)
def test_what_may_be_a_secret_is_not_shown(line: str) -> None:
    message, hint = explained(ACCOUNT + line + "\n")
    assert "hunter2" not in message + hint
    assert SECRET[:12] not in message + hint
