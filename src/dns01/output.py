"""What a person sees: lines on stderr in dehydrated's manner, with every secret blotted out.

Nothing is ever written to stdout: dehydrated takes the output of one phase for a CSR, and
certbot carries that of another through the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress

from .secret import redact


def step(text: str) -> None:
    """One thing that was done or is about to be."""
    _write(f" + {text}")


def warning(text: str) -> None:
    """Something that did not stop the work, and that somebody should look at."""
    _write(f" ! {text}")


def failure(message: str, hint: str = "") -> None:
    """What went wrong in one line, and in the next what to do about it."""
    _write(f"dns01: {message}")
    if hint:
        _write(f"   -> {hint}")


def account(name: str, provider: str) -> str:
    """What an account is called, with its provider where that is another name."""
    return name if name == provider else f"{name} ({provider})"


def table(lines: Iterable[str]) -> None:
    """The lines of a report, beneath what was said before."""
    for line in lines:
        _write(f"     {line}")


def trace(error: BaseException) -> None:
    """The traceback of an error: only for DNS01_DEBUG, and without the secrets even there."""
    import traceback

    _write("".join(traceback.format_exception(error)))


def _write(text: str) -> None:
    with suppress(OSError, ValueError):  # a client that closed our stderr is no reason to stop
        print(redact(text), file=sys.stderr, flush=True)
