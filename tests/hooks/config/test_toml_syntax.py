"""A file that is not TOML: the line, where in it, and what was probably meant."""

from __future__ import annotations

import tomllib

import pytest

from dns01.hooks.config.toml_syntax import explain

ACCOUNT = "[account.web]\n"
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
        (ACCOUNT + "provider = \u201crfc2136\u201d\n", 2, "curly quotes"),
        (ACCOUNT + "provider = \u2018rfc2136\u2019\n", 2, "curly quotes"),
        (ACCOUNT + 'provider = "a"\nprovider = "b"\n', 3, "it is there already"),
        (ACCOUNT + 'provider = "a"\n[account.web]\n', 3, "it is there already"),
        (ACCOUNT + "provider =\n", 2, 'nothing stands behind "="'),
        (ACCOUNT + "provider: rfc2136\n", 2, 'write "=", not ":"'),
        ('[account.web\nprovider = "a"\n', 1, 'the "]" at the end is missing'),
        (ACCOUNT + 'provider = "rfc2136\n', 2, "wants one at its end as well"),
        (ACCOUNT + 'directory = "C:\\win"\n', 2, "a backslash"),
        ("\ufeff" + ACCOUNT, 1, "byte order mark"),
    ],
)
def test_the_line_is_shown_and_the_likely_cause(text: str, line: int, cause: str) -> None:
    message, hint = explained(text)
    assert message.startswith(f"it is not TOML: line {line}: ")
    assert cause in hint


def test_a_file_that_is_nested_without_end_is_no_fault_of_ours() -> None:
    message, _ = explained(ACCOUNT + "a = " + "[" * 5000 + "\n")
    assert message.startswith("it is not TOML: line 2: ")


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
