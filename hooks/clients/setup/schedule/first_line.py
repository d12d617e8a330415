"""A script's first line: does it keep the kernel from running the script (execve(2))?"""

from __future__ import annotations

import re

from ..text_files import is_gone
from .command_line import script

BYTE_ORDER_MARK = "\ufeff"


def unfit(path: str, root: str, *, by_shell: bool = False) -> tuple[str, str]:
    """Why the script cannot be run, and what mends that; empty where nothing speaks against it. ``by_shell``:
    a shell calls it, which runs a file without ``#!`` itself; run-parts, systemd, lego and uacme do not."""
    text = script(path, root)
    line = text.partition("\n")[0]
    if not text:
        return "", ""
    if line.endswith("\r") and line.startswith("#!"):
        return f"{path} has the line ends of Windows (CR LF)", f"sed -i 's/\\r$//' {path}"
    if line.startswith("#!"):
        named = re.match(r"#!\s*(/\S+)", line)
        gone = named and is_gone(named[1], root)
        why = f"{path} is to be run by {named[1]}, which is not there" if named and gone else ""
        return (why, f"mend the first line of {path}") if why else ("", "")
    if by_shell:
        return "", ""
    if line.startswith(f"{BYTE_ORDER_MARK}#!"):
        why = f"{path} has a byte order mark (U+FEFF) in front of its #!"
        return why, f"sed -i '1s/^\\xEF\\xBB\\xBF//' {path}"
    return f"the first line of {path} does not say what runs it", f"sed -i '1i #!/bin/sh' {path}"
