"""Questions at a terminal, each within 80 columns; what is answered wrongly is asked again.

They go to stderr. Without a terminal, or with --yes, nothing is asked: the default holds, and where
there is none, the error names the option that is missing.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from getpass import getpass
from typing import TypeVar

import click

from ..... import output
from .....errors import ConfigError, HookError, UsageError
from .....secret import redact
from .....wrapping import width, wrapped
from ..options import one_of

T = TypeVar("T")

COLUMNS = 79
SHORTEST_ANSWER = 4  # characters that a line has room for behind its question
LONGEST_ANSWER = 8192  # characters


class Questions:
    """Asks at the terminal. ``asks``: whether there is somebody to ask."""

    def __init__(self, asks: bool) -> None:
        self.asks = asks
        self._told: set[str] = set()

    def tell(self, text: str) -> None:
        """Say what an answer has to go by, if it was not yet said."""
        if text and text not in self._told:
            self._told.add(text)
            say(text)

    def text(
        self,
        question: str,
        option: str,
        check: Callable[[str], T],
        default: str | None = None,
        *,
        hidden: bool = False,
    ) -> T:
        """What ``check`` makes of the answer; it raises HookError for one that is wrong. ``option``: how
        to give it without being asked. ``default``: None if there is none. ``hidden``: without echo."""
        if not self.asks:
            if default is None:
                raise missing(option, question)
            return check(default)
        while True:
            try:
                return check(_printable(_line(question, default, hidden) or default or ""))
            except HookError as error:
                complain(error)
                if default and not error.hint:
                    say(f"   -> Enter: {default}")
            except UnicodeDecodeError:
                complain(ConfigError("that is not UTF-8"))

    def choice(
        self,
        question: str,
        option: str,
        words: Sequence[str],
        default: str | None = None,
        check: Callable[[str], str] | None = None,
    ) -> str:
        """Ask for one of the words, which are shown. ``check``: gives the word that an answer means, or
        raises HookError; else it is ``one_of``."""
        listed = f"{question}: {', '.join(words)}"
        if not self.asks and default is None:
            raise missing(option, listed)
        if self.asks:
            say(listed)
        return self.text(question, option, check or (lambda answer: one_of(answer, words)), default)

    def numbered(self, question: str, option: str, labels: Sequence[str]) -> int:
        """Ask for one of the labels, which are shown with their numbers; gives its index."""
        if not self.asks:
            raise missing(option, f"{question}: {'; '.join(labels)}")
        say(f"{question}:")
        for number, label in enumerate(labels, 1):
            say(f"  {number}. {label}")
        return self.text("Which (a number, or a part of its line)", option, partial(index_of, labels=labels))

    def agreed(self, question: str, option: str, default: bool = True) -> bool:
        """Ask for yes or no; without anybody to ask, it is the default."""
        return self.text(f"{question} (yes, no)", option, _yes_or_no, "yes" if default else "no")


def missing(option: str, question: str) -> UsageError:
    """The error about an option without which there is nothing to go by."""
    return UsageError(
        f"init: there is no {option}, and nobody to ask",
        f"{question}. (`dns01 init --help` lists all options; nothing has been written.)",
    )


def index_of(answer: str, labels: Sequence[str]) -> int:
    """The index of the label that is meant: by its number from 1 on, or by a part that no other has. Raises
    ConfigError."""
    typed = answer.strip().lower()
    if typed.isdecimal() and 0 < int(typed[:9]) <= len(labels):
        return int(typed) - 1
    found = [index for index, label in enumerate(labels) if typed and typed in label.lower()]
    if len(found) == 1:
        return found[0]
    shown = f"{answer!r} is in {len(found) or 'none'} of them" if answer else "nothing was chosen"
    raise ConfigError(shown, f"a number from 1 to {len(labels)}")


def say(text: str) -> None:
    """Print the text for the person who is asked, wrapped to the terminal."""
    click.echo(wrapped(output.harmless(text), width(sys.stderr) or COLUMNS), err=True)


def complain(error: HookError) -> None:
    """Print what was wrong with an answer."""
    say(f" ! {redact(str(error))}")
    if error.hint:
        say(f"   -> {redact(error.hint)}")


def _line(question: str, default: str | None, hidden: bool) -> str:
    try:
        return _hidden(f"{question}: ") if hidden else _shown(question, default)
    except UnicodeDecodeError:
        raise
    except BaseException:  # no line ends where somebody stops
        click.echo(err=True)
        raise


def _shown(question: str, default: str | None) -> str:
    asked = f"{question} [{default}]: " if default else f"{question}: "
    if len(asked) > COLUMNS - SHORTEST_ANSWER and default:
        is_short = len(default) < COLUMNS // 2
        say(question if is_short else f"Default: {default}")
        asked = f"[{default}]: " if is_short else f"{question} [default]: "
    click.echo(asked, nl=False, err=True)
    _await_answer()
    answer = sys.stdin.readline()
    if not answer:
        raise click.Abort
    return answer.strip()


def _await_answer() -> None:
    """Returns once there is something to read. A signal that comes as the question is printed would not wake
    up what has not begun to read; it does here, through a pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing)
    try:
        select.select([sys.stdin, reading], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _hidden(question: str) -> str:
    try:
        return getpass(question).strip()
    except EOFError:
        raise click.Abort from None


def _printable(answer: str) -> str:
    if len(answer) > LONGEST_ANSWER:
        raise ConfigError(f"that has more than {LONGEST_ANSWER} characters")
    if not answer.isprintable():
        raise ConfigError("there is a control character in it", "type it, or paste it anew")
    return answer


def _yes_or_no(answer: str) -> bool:
    return one_of(answer, ("yes", "no")) == "yes"
