"""What a person sees: lines in dehydrated's manner, with every secret blotted out, harmless on a terminal.

They go to stderr: dehydrated takes what a phase writes to stdout for a CSR. certbot shows stderr as an
error, so its progress, and only that, goes to stdout, and not much of it: it travels through the
environment of later hooks.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple, TextIO

from .secret import redact

MOST_ON_STDOUT = 8192  # characters of progress; an environment variable may have 128 KiB (execve(2))

_left_on_stdout: int | None = None  # None: progress goes to stderr


class Writers(NamedTuple):
    """Who writes the lines where dns01 is a part of another program: ``progress``, and all the ``rest``."""

    progress: Callable[[str], None]
    rest: Callable[[str], None]


_writers: Writers | None = None


def write_with(writers: Writers | None) -> None:
    """Have these two functions write all lines from now on; None: on stdout and stderr, as ever."""
    global _writers
    _writers = writers


def is_terminal() -> bool:
    """Whether a picture that changes can be drawn where the lines go."""
    return _writers is None and sys.stderr.isatty()


def progress_to_stdout() -> None:
    """Let ``step`` write to stdout from now on."""
    global _left_on_stdout
    _left_on_stdout = MOST_ON_STDOUT


def printable(text: str) -> str:
    """The text with nothing in it that moves a cursor, colours, hides or reorders what stands around it:
    control characters and those of formatting (Unicode's Cc, Cf, Zl, Zp) are shown as escapes. Line feeds
    and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each in "\n\t" or _is_harmless(each) else _escape(each) for each in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character == "\u00a0"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def step(text: str) -> None:
    """Print one thing that was done or is about to be."""
    global _left_on_stdout
    if _writers:
        _writers.progress(harmless(f" + {text}"))
        return
    if _left_on_stdout is None:
        _write(f" + {text}")
        return
    _left_on_stdout -= len(text) + 4
    if _left_on_stdout >= 0:
        _write(f" + {text}", sys.stdout)


def warning(text: str) -> None:
    """Print something that did not stop the work, and that somebody should look at."""
    _write(f" ! {text}")


def failure(message: str, hint: str = "") -> None:
    """Print what went wrong in one line, and in the next what to do about it."""
    _write(f"dns01: {message}")
    if hint:
        _write(f"   -> {hint}")


def account(name: str, provider: str) -> str:
    """What an account is called, with its provider where that is another name."""
    return name if name == provider else f"{name} ({provider})"


def table(lines: Iterable[str]) -> None:
    """Print the lines of a report, indented beneath what was printed before."""
    for line in lines:
        _write(f"     {line}")


def report(text: str = "", *, aside: bool = False, plain: bool = False) -> None:
    """A line of what a command shows, on stdout; ``aside``: on stderr; ``plain``: nobody will copy a part of
    it. Raises BrokenPipeError."""
    file = sys.stderr if aside else sys.stdout
    print(fitted(harmless(text), file, plain=plain), file=file, flush=True)


def line_for_programs(text: str) -> None:
    """A line on stdout that no terminal makes shorter. Raises BrokenPipeError."""
    print(harmless(text), flush=True)


def document(value: object) -> None:
    """The JSON that a command gives to programs: ASCII without control characters, and without secrets.
    Raises BrokenPipeError."""
    print(redact(json.dumps(value, indent=2)).replace("\x7f", "\\u007f"), flush=True)


def content(text: str) -> None:
    """A file's text, which a command gives to programs in its own lines, without secrets. Raises
    BrokenPipeError."""
    print(printable(redact(text)), end="", flush=True)


def harmless(text: str) -> str:
    """The text without secrets, printable. What stands on several lines is indented from the second on, so
    that no text from outside can pass for a line of ours."""
    return re.sub(r"\n(?! {6})", "\n      ", printable(redact(text)))


def fitted(text: str, file: TextIO | None, *, plain: bool = False) -> str:
    """The text in lines that a terminal has room for; as it is, where the file is none."""
    if file is None or not file.isatty():
        return text
    from .wrapping import width, wrapped

    return wrapped(text, width(file), plain=plain)


def trace(error: BaseException) -> None:
    """The traceback of an error: only for DNS01_DEBUG, and without the secrets even there."""
    import traceback

    with suppress(OSError, ValueError):
        print(printable(redact("".join(traceback.format_exception(error)))), file=sys.stderr, flush=True)


def _write(text: str, file: TextIO | None = None) -> None:
    if _writers:
        _writers.rest(harmless(text))
        return
    with suppress(OSError, ValueError):  # a client that closed our stderr is no reason to stop
        file = file or sys.stderr
        # In one write: another thread may write a line of its own at the same time.
        print(f"{fitted(harmless(text), file)}\n", end="", file=file, flush=True)
