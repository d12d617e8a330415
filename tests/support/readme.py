"""README's literal blocks."""

from __future__ import annotations

import re
import textwrap

from checkout import ROOT

README = (ROOT / "README.rst").read_text()


def block(first: str) -> str:
    """The block that begins with these words."""
    found = re.search(rf"::\n\n((?:    {re.escape(first)}.*\n)(?:(?:    .*)?\n)*)", README)
    assert found, f"README has no block that begins with {first}"
    return textwrap.dedent(found[1])


def append(path: str, text: str) -> str:
    """The shell command that puts the text at the end of a file."""
    return f"cat >>{path} <<'END'\n{text}END\n"
