#!/usr/bin/env python3
"""``make lock``: the versions that the tests need, each with the hash of the file that pip would take here.

    python packaging/lock.py > requirements.lock
    pip install --require-hashes --requirement requirements.lock

It is for the Python and the machine that it was made on: elsewhere pip takes other files, and refuses.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", f"{ROOT}[test]"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    print(f"# Made by make lock, for Python {platform.python_version()} on {platform.machine()}.")
    print("\n".join(lines(json.loads(done.stdout)["install"])))


def lines(installs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Those of a requirements file, from pip's report (https://pip.pypa.io/en/stable/reference/installation-report/).

    Raises KeyError where a file has no SHA-256. The project itself, which has none, is left out.
    """
    for each in sorted(installs, key=lambda each: _normalised(each["metadata"]["name"])):
        if "archive_info" in each["download_info"]:
            digest = each["download_info"]["archive_info"]["hashes"]["sha256"]
            name, version = _normalised(each["metadata"]["name"]), each["metadata"]["version"]
            yield f"{name}=={version} \\\n    --hash=sha256:{digest}"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
