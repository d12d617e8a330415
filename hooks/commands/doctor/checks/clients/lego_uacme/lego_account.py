"""The account that lego's ``renew`` goes by: it makes none, and ends where there is none (version 4).

An account is known by the CA's host and the mail address: ``accounts/HOST/ADDRESS/account.json``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import escape
from urllib.parse import urlsplit

from ......caa.issuers import PRESETS
from ......clients.setup.schedule.command_line import Line, has_other_files
from ......clients.setup.text_files import find, is_gone
from ......clients.setup.users import find_user
from ....finding import Examined, Finding, Severity
from .check import LEGO_FOLDERS, Command, behind

ADDRESS = ("--email", "-m")


def check(examined: Examined, command: Command) -> Iterator[Finding]:
    """One call of lego."""
    line = command.line
    if has_other_files(line.command, "lego"):
        return
    known = [folder for folder in LEGO_FOLDERS[:2] if os.path.isdir(examined.path(f"{folder}/accounts"))]
    if command.values("--path") or "LEGO_PATH" in line.environ:
        yield from _account(examined, command)
    elif known and line.complete:
        yield from _path_missing(examined, line, known[0])


def _path_missing(examined: Examined, line: Line, folder: str) -> Iterator[Finding]:
    begins = _begins_in(examined, line)
    if begins and not is_gone(f"{begins}/.lego/accounts", examined.root):
        return
    place = os.path.join(begins, ".lego") if begins else ".lego of the folder that it is started in"
    message = f"lego is run without --path: it looks for its account in {place}, and not in {folder}"
    severity = Severity.ERROR if begins else Severity.WARNING
    step = line.instead(behind("lego", f"--path {folder}", line.command))
    yield Finding("lego-path-missing", severity, line.path, message, (step,))


def _begins_in(examined: Examined, line: Line) -> str:
    """The folder that the command is started in; empty where that is not known."""
    user = find_user(line.user, examined.root)
    if re.search(r"\bcd\b", line.command) or not (line.when or line.unit) or user is None:
        return ""  # a script may have gone anywhere
    if line.unit:
        folder = line.unit.last("Service.WorkingDirectory").lstrip("-") or "/"
        return user.home if folder == "~" else folder
    return line.environ.get("HOME", user.home)


def _account(examined: Examined, command: Command) -> Iterator[Finding]:
    line = command.line
    folder = (command.values("--path") or [line.environ.get("LEGO_PATH", "")])[-1].rstrip("/")
    address = "".join(command.values(*ADDRESS)[-1:]) or line.environ.get("LEGO_EMAIL", "")
    server = next(iter(command.values("--server", "-s")), line.environ.get("LEGO_SERVER", ""))
    host = urlsplit(server or PRESETS["letsencrypt"]).netloc.replace(":", "_")
    values = (folder, address, host)
    if "renew" not in command.words or not all(values) or "$" in "".join(values) or folder[:1] != "/":
        return
    if not is_gone(f"{folder}/accounts/{host}/{address}/account.json", examined.root):
        return
    steps = list(_steps(examined, line, folder, host, address))
    if steps:
        message = f"lego has no account of {address} at {host} in {folder}, and its renew ends there"
        yield Finding("account-missing", Severity.ERROR, line.path, message, tuple(steps))


def _steps(examined: Examined, line: Line, folder: str, host: str, address: str) -> Iterator[str]:
    """None before the first order: that makes the account."""
    same_ca = find(f"{escape(folder)}/accounts/{escape(host)}/*/account.json", examined.root)
    if same_ca:
        other = os.path.basename(os.path.dirname(same_ca[0]))
        yield _instead(line, "LEGO_EMAIL", address, other)
        return
    for place in LEGO_FOLDERS:
        if place != folder and not is_gone(f"{place}/accounts/{host}/{address}", examined.root):
            yield _instead(line, "LEGO_PATH", folder, place)
            return
    if find(f"{escape(folder)}/certificates/*.json", examined.root):
        first = line.command.partition(" renew")[0]
        yield f"make it by an order, once by hand: {behind('lego', '--accept-tos', first)} run"


def _instead(line: Line, variable: str, value: str, other: str) -> str:
    """The step that gives another value to an option, or to the variable that stands for it."""
    word = rf"(?<![^\s='\"]){re.escape(value)}/?(?![^\s'\"])"
    if re.search(word, line.command):
        return line.instead(re.sub(word, lambda _: other, line.command, count=1))
    return f"write in {line.path}: {variable}={other}"
