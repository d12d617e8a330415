"""A hook's file: can the kernel run its first line (execve(2)), and does it pass on what it is told?"""

from __future__ import annotations

import os
import re

from ......regular_file import open_regular
from .....clients.setup.schedule import first_line
from .....clients.setup.schedule.command_line import script
from .....clients.setup.text_files import read_text
from ...finding import Examined, Finding, Severity

OURS = ("dns01", "hook.py")
MOST = 256  # octets of the first line that Linux reads

_FUNCTION = re.compile(r"\(\)\s*\{|^\s*\{\s*$|^\s*function\s+\w+\s*\{")
_END_OF_FUNCTION = re.compile(r"(?:^|[;\s])\}\s*$")
_ARGUMENT = re.compile(r"\$(?:[1-9@*]|\{[1-9@*])")
_ANY_ARGUMENT = re.compile(r"\$(?:[1-9@*]|\{[1-9@*])|\bshift\b")
_CALL = re.compile(r"^[^#\n]*?((?:/[\w./-]*/)?\b(?:dns01|hook\.py))(?=[\s;\"']|$)", re.MULTILINE)


def unfit(
    examined: Examined, hook: str, missing: Finding, closed: str, *, by_shell: bool = True
) -> Finding | None:
    """Why a hook's file cannot do what a client wants of it; None if nothing speaks against it. ``missing``:
    what to say where there is none; ``closed``: what if it may not be executed. ``by_shell``: a shell calls
    it, which runs a script without a first line as well."""
    file = examined.path(hook)
    if not os.path.isfile(file):
        return missing
    if not os.access(file, os.X_OK):
        return Finding("hook-not-executable", Severity.ERROR, hook, closed, (f"chmod +x {hook}",))
    if wrong := unusable(examined, hook) or without_arguments(examined, hook):
        return wrong
    why, mend = ("", "") if by_shell else first_line.unfit(hook, examined.root)
    return Finding("hook-not-executable", Severity.ERROR, hook, why, (mend,)) if why else None


def unusable(examined: Examined, path: str) -> Finding | None:
    """Why a script that is there cannot be run; None if nothing speaks against it."""
    try:
        with open_regular(examined.path(path)) as file:
            line = file.readline(MOST)
    except (OSError, ValueError):
        return None
    if not line.startswith(b"#!"):
        return None
    if line.rstrip(b"\n").endswith(b"\r"):
        return Finding(
            "carriage-returns",
            Severity.ERROR,
            path,
            f"{path} has the line ends of Windows (CR LF), with which no script can be run",
            (f"sed -i 's/\\r$//' {path}",),
        )
    interpreter = os.fsdecode(line[2:].strip().partition(b" ")[0])
    if not interpreter.startswith("/") or os.path.exists(examined.path(interpreter)):
        return None
    return Finding(
        "hook-interpreter-gone",
        Severity.ERROR,
        path,
        f"{path} is to be run by {interpreter}, which is not there (its first line names it): an upgrade of "
        "Python takes a virtual environment's away",
        (
            f"install it again, in a new virtual environment, or write what there is into line 1 of {path}",
            f"see for yourself: head -1 {path}; ls -lL {interpreter}",
        ),
    )


def without_arguments(examined: Examined, path: str) -> Finding | None:
    """What is wrong with a shell script that calls dns01 for a client, and keeps the client's words to
    itself; None where it does not."""
    text = read_text(path, examined.root) or ""
    call = _CALL.search(text)
    shell = re.match(r"#!\S*(?:/|\benv\s+)(?:ba|da|k|z)?sh\b", text)
    if not (shell and call) or _ANY_ARGUMENT.search(text):
        return None
    return Finding(
        "hook-without-arguments",
        Severity.ERROR,
        path,
        f"it calls {call[1]}, and does not pass on what the client says: dns01 gets no phase",
        (f'write in {path}: exec {call[1]} "$@"',),
    )


def uses_arguments(text: str) -> bool:
    """Whether a script asks for its arguments outside of functions, as hooks do and settings do not."""
    depth = 0
    for line in text.splitlines():
        code = line.partition(" #")[0]
        if depth == 0 and not code.lstrip().startswith("#") and _ARGUMENT.search(code):
            return True
        depth = max(0, depth + len(_FUNCTION.findall(code)) - len(_END_OF_FUNCTION.findall(code)))
    return False


def leads_to_dns01(examined: Examined, hook: str) -> bool:
    """Whether a hook is dns01, or a script that has the word in it."""
    return os.path.basename(hook) in OURS or "dns01" in script(hook, examined.root)


def leads_elsewhere(examined: Examined, hook: str) -> bool:
    """Whether a hook is a script without any word of dns01."""
    return bool(script(hook, examined.root)) and not leads_to_dns01(examined, hook)


def is_for_http(examined: Examined, hook: str) -> bool:
    """Whether a hook is a script that answers http-01, and has no word of dns-01 or of dns01."""
    text = script(hook, examined.root)
    return "http-01" in text and not re.search(r"\bdns-?01\b", text)
