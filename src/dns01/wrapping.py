"""Long lines, broken for a terminal between words: never inside what somebody will copy from there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO
from unicodedata import combining, east_asian_width

LEAST_WIDTH = 20  # columns; a narrower terminal breaks the lines itself
LEAST_INDENT = 6  # columns: deeper than any line that begins with a mark of ours
JOINT = "\0"  # stands for a space that no line ends at

HEAD = re.compile(r" *(?:(?:[+!]|->|\d+\.|NOTE|WARNING|ERROR) +|(?:dns01|UNKNOWN|WARNING|CRITICAL): +)?")
TYPES = "A|AAAA|CAA|CNAME|DNSKEY|DS|MX|NS|PTR|SOA|TLSA|TXT"
PROGRAMS = (
    "apt-get|aws|bash|cat|certbot|chmod|chown|cp|curl|dehydrated|dig|dns01|export|getfacl|install|ip|"
    "journalctl|knotc|kubectl|lego|ln|ls|mkdir|mv|named-checkconf|named-checkzone|nginx|nsupdate|openssl|"
    "pdns_control|pdnsutil|pip|rm|rndc|setfacl|sh|ssh|sudo|systemctl|timedatectl|tsig-keygen|uacme|vault"
)
WITH_SUBCOMMANDS = (
    "apt-get|aws|certbot|dns01|ip|knotc|kubectl|openssl|pdns_control|pdnsutil|pip|rndc|systemctl|vault"
)
WORD = r"(?:(?![,;:]+(?:\s|$))\S)+"  # without the punctuation that a sentence has after it
COPIED = re.compile(
    rf"""
    `[^`]{{0,400}}`
    | (?<!\S)(?:\S+\.|@)(?:\ \d+)?(?:\ IN)?\ (?:{TYPES})
      \ (?:(?:\d+|issue\w*|iodef)\ ){{0,3}}(?:"[^"]{{0,400}}"(?:\ "[^"]{{0,400}}"){{0,20}}|{WORD})
    | (?<!\S)[\w."-]+\ =\ (?:\[[^\]]{{0,400}}\]|\{{[^}}]{{0,400}}\}}|"[^"]{{0,400}}"|{WORD})
    | (?<![\w./-])(?:sudo\ |[\w./-]*/)?
      (?:systemctl\ [a-z-]+\ [\w@.-]+|chown\ \S+|(?:{WITH_SUBCOMMANDS})\ [a-z][\w-]*|(?:{PROGRAMS})(?![\w-]))
      (?:\ (?:'[^']{{0,400}}'|"[^"]{{0,400}}"|(?:&&|\|)\ \S+
            |(?=[-+@/~$<>|&*\d]|\S*[-./=@<>*:\[]|[A-Z][A-Z0-9_]*\b){WORD}))*
    | \d[\d,.]*\ (?:s|ms|h|KiB|MiB|MB)\b
    | \brun\ \d+\b
    """,
    re.VERBOSE,
)


def width(file: TextIO | None) -> int:
    """Columns of the terminal that the file is, or 0 where it is none or too narrow."""
    if file is None or not file.isatty():
        return 0
    chosen = os.environ.get("COLUMNS", "")
    with suppress(OSError):  # a terminal that has just gone
        columns = int(chosen) if chosen.isdecimal() else 0
        columns = columns or os.get_terminal_size(file.fileno()).columns
        return columns if columns >= LEAST_WIDTH else 0
    return 0


def wrapped(text: str, width: int, *, plain: bool = False) -> str:
    """The text with no line longer than ``width`` columns, where that can be; 0: as it is.

    Lines are broken at spaces, and go on beneath the first word of theirs. A command, a record, a setting
    and what stands between backquotes is not broken: where one is longer than a line, it stands on lines of
    its own that the terminal breaks, and that are copied as one. ``plain``: there is nothing to be copied in
    it, whatever it looks like.
    """
    if not width:
        return text
    return "\n".join(line for each in text.split("\n") for line in _lines(each, width, plain))


def _lines(line: str, width: int, plain: bool) -> Iterator[str]:
    if _columns(line) <= width:
        yield line
        return
    found = HEAD.match(line)
    head = found[0] if found else ""
    indent = " " * min(max(LEAST_INDENT, len(head) + (2 if not head.strip() else 0)), width // 2)
    text = line[len(head) :]
    kept = text if plain else COPIED.sub(lambda copied: copied[0].replace(" ", JOINT), text)
    begun, empty = head, True
    for word in re.findall(r"[^ ]+ *", kept):
        if not empty and _columns(begun) + _columns(word.rstrip()) > width:
            yield begun.rstrip().replace(JOINT, " ")
            begun = indent
        begun, empty = begun + word, False
    yield begun.rstrip().replace(JOINT, " ")


def _columns(text: str) -> int:
    """How much room it takes on a terminal."""
    if "\t" in text:
        text = text.expandtabs()
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)
