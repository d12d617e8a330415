"""The program that runs here, as others are to call it."""

from __future__ import annotations

import os
import shutil
import sys


def own_path() -> str:
    """The path by which this program was called, whole."""
    called = shutil.which(sys.argv[0]) or sys.argv[0]
    if os.path.basename(called) == "__main__.py":
        called = os.path.join(os.path.dirname(sys.executable), "dns01")
    return os.path.abspath(called)
