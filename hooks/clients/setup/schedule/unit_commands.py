"""What only a shell understands in a unit's command: systemd gives it to the program as arguments
(systemd.service(5), "Command lines")."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ..shell.calls import SHELLS
from ..units import drop_in, words
from .command_line import Line

REFUSING = ("dehydrated", "certbot", "uacme")  # clients that end at an argument that they do not know

# A redirection, what joins commands, or a semicolon that is not a word of its own, as systemd's is.
_OF_A_SHELL = re.compile(r"(?:\d|&)?>{1,2}\S*|<{1,3}\S*|\|{1,2}&?|&{1,2}|\S+;")


def for_a_shell(client: str, lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Why the client ends at a command of its unit's, and what mends that."""
    unit = lines[0].unit
    if unit is None or client not in REFUSING:
        return
    for key in ("ExecStartPre", "ExecStart", "ExecStartPost"):
        values = unit.every(f"Service.{key}")
        for value in values:
            command = value.lstrip("-@:|+!")
            if not (operator := _operator(client, words(command))):
                continue
            quoted = command.replace("%", "%%")
            quoted = f"'{quoted}'" if "'" not in quoted else '"' + re.sub(r'(["\\])', r"\\\1", quoted) + '"'
            right = f"{key}=/bin/sh -c {quoted}"
            yield (
                f"no shell reads {key}= of {unit.name}: {client} gets {operator} as an argument, and ends",
                drop_in(unit.name, f"{key}=", right)
                if len(values) == 1
                else f"write in {unit.files[-1]}: {right}",
            )


def _operator(client: str, called: Sequence[str]) -> str:
    """The first word behind the client that is a shell's."""
    names = [os.path.basename(word) for word in called]
    if client not in names:
        return ""
    place = names.index(client)
    if any(name in SHELLS[:6] for name in names[:place]):
        return ""
    behind = called[place + 1 :]
    if ";" in behind:
        behind = behind[: behind.index(";")]
    return next((word for word in behind if _OF_A_SHELL.fullmatch(word)), "")
