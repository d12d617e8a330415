"""dehydrated's domains.txt: is the domain in it, as itself, and does nothing above it end the run?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from ......clients.setup.dehydrated_config import Dehydrated
from ......clients.setup.text_files import read_text
from ....finding import Examined, Finding, Severity

BYTE_ORDER_MARK = "\ufeff"
NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def check(examined: Examined, config: Dehydrated, arguments: Sequence[str]) -> Iterator[Finding]:
    """``arguments``: what dehydrated is given where it is run by the clock."""
    path = config.domains_txt
    by_option = [line for line in arguments if re.search(r"\s(-d|--domain|--domains-txt)\b", line)]
    if "$" in path or by_option:
        return
    text = read_text(path, examined.root)
    if text is None:
        if arguments and not _is_there(examined, path):
            message = "it is missing, and dehydrated ends: it orders what stands there"
            steps = (*_another(examined, config), f"write in {path} a line: {_line_for(examined.domain)}")
            yield Finding("domains-txt-missing", Severity.ERROR, path, message, steps)
        return
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    names = [name for _, line in lines for name in _names(line)]
    yield from _one_folder(examined, path, lines)
    for number, line in lines:
        yield from _line(examined, path, number, line)
        if examined.domain in _names(line):
            return  # what comes after it is another certificate's affair
    if lines and not any(_meant(name) == examined.domain for name in names):
        yield Finding(
            "not-in-domains-txt",
            Severity.NOTE,
            path,
            f"no line has {examined.domain}: dehydrated orders nothing for it",
            (_added(examined.domain, path, lines),),
        )


def _another(examined: Examined, config: Dehydrated) -> Iterator[str]:
    """The step that has it read a list that is there, where its setting names one that is not."""
    folders = (
        os.path.dirname(config.domains_txt),
        os.path.dirname(config.files[0]),
        config.settings["BASEDIR"],
    )
    for path in dict.fromkeys(f"{folder}/domains.txt" for folder in folders):
        if path.startswith("/") and "$" not in path and read_text(path, examined.root):
            yield f'write in {config.origins.get("DOMAINS_TXT", config.files[0])}: DOMAINS_TXT="{path}", or'
            return


def _line_for(domain: str) -> str:
    """A line must not begin with a wildcard."""
    base = domain.removeprefix("*.")
    return base if base == domain else f"{base} {domain}"


def _added(domain: str, path: str, lines: Sequence[tuple[int, str]]) -> str:
    """The step that has it ordered: a wildcard in the line of the name that it is of."""
    for number, line in lines:
        names, arrow, alias = line.partition(">")
        if domain.removeprefix("*.") in _names(line):
            return f"write in {path}, line {number}: {names.strip()} {domain} {arrow}{alias}".rstrip()
    return f"write in {path} a line: {_line_for(domain)}"


def _one_folder(examined: Examined, path: str, lines: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """Two lines whose certificates take each other's place, as both are kept under one name."""
    first: dict[str, tuple[int, set[str]]] = {}
    for number, line in lines:
        names = _names(line)
        alias = line.lower().partition(">")[2].strip() or (names[0] if names else "")
        before, others = first.setdefault(alias, (number, set(names)))
        if others != set(names) and examined.domain in others.union(names):
            message = (
                f"lines {before} and {number} have different names, and one folder, certs/{alias}: every run "
                "orders both again, up to the CA's limit, and each takes the other's place"
            )
            one = f"write in line {number}: {line.partition('>')[0].strip()} > {alias}-{number}"
            yield Finding(
                "domains-txt-twice", Severity.WARNING, path, message, (one, "or make one line of both")
            )


def _is_there(examined: Examined, path: str) -> bool:
    return os.path.lexists(examined.path(path))


def _names(line: str) -> list[str]:
    return line.lower().partition(">")[0].split()


def _meant(name: str) -> str:
    """The name that somebody meant: without what a list of another kind has around it."""
    return re.sub(r"^https?://|[/:].*$|^[\ufeff,;\"']+|[.,;\"']+$", "", name)


def _line(examined: Examined, path: str, number: int, line: str) -> Iterator[Finding]:
    """What is wrong with a line that dehydrated reads before or for the domain."""
    names = _names(line)
    odd = [name for name in names if not NAME.fullmatch(name) and name.isascii()]
    if line.startswith(BYTE_ORDER_MARK):
        message = "it begins with a byte order mark (U+FEFF), which the first name has in it then"
        remedy = f"sed -i '1s/^\\xEF\\xBB\\xBF//' {path}"
        yield Finding("domains-txt-line", Severity.ERROR, path, message, (remedy,))
    elif odd and examined.domain in map(_meant, names):
        kept = takewhile(lambda name: not name.startswith("#"), names)
        alias = line.partition("#")[0].partition(">")[2].strip()
        right = " ".join((*map(_meant, kept), *([f"> {alias}"] if alias else [])))
        why = "blanks stand between names there"
        if odd[0].startswith("#"):
            why = "a comment has a line of its own there"
        message = f"line {number} has {odd[0]}, which no CA takes for a name: {why}"
        yield Finding(
            "domains-txt-line", Severity.ERROR, path, message, (f"write in line {number}: {right}",)
        )
    elif line.count(">") > 1:
        message = f"line {number} has two aliases, and dehydrated ends there: {line}"
        remedy = f"write in line {number}: {line.rpartition('>')[0].strip()}"
        yield Finding("domains-txt-line", Severity.ERROR, path, message, (remedy,))
    elif names and names[0].startswith("*.") and ">" not in line:
        alias = names[0].replace("*.", "star.", 1)
        message = f"line {number} begins with a wildcard, and dehydrated ends there: it wants an alias for it"
        remedy = f"write in line {number}: {line} > {alias}"
        yield Finding("domains-txt-line", Severity.ERROR, path, message, (remedy,))
