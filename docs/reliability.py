#!/usr/bin/env python3
"""Writes the figures of docs/reliability.rst from what tests/trust has written down.

python docs/reliability.py FIGURES
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PAGE = Path(__file__).with_name("reliability.rst")
FIGURES = re.compile(r"(?<=^\.\. figures\n).*?(?=^\.\. until here$)", re.MULTILINE | re.DOTALL)


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    PAGE.write_text(updated(PAGE.read_text(), rows))


def updated(text: str, rows: Iterable[Mapping[str, object]]) -> str:
    """The page with these figures; of one thing that was tried twice, the last."""
    latest = {str(row["what"]): row for row in rows}
    return FIGURES.sub(lambda _: "\n" + "\n".join(table(latest.values())) + "\n\n", text)


def table(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1\n"
    for row in ({"what": "what", "tried": "tried", "outcome": "outcome", "command": "command"}, *rows):
        command = row["command"] if row["command"] == "command" else f"``{row['command']}``"
        yield f"   * - {row['what']}"
        yield from (f"     - {cell}" for cell in (row["tried"], row["outcome"], command))


if __name__ == "__main__":
    main()
