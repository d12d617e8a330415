#!/usr/bin/env python3
"""The executable that ACME clients call: it finds the rest of dns01.

Python compiles a script anew at every start, and a module once: what is to be done is in ``dispatch.py``.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Do what the words of the command line ask for; gives the exit code."""
    try:
        from dns01.hooks import dispatch

        return dispatch.main()
    except KeyboardInterrupt:  # before ``dispatch`` hears signals; nothing has been done yet
        return 130


def alone() -> bool:
    """Whether this file was copied to where the rest of dns01 is not."""
    from importlib.util import find_spec

    return find_spec("dns01") is None


if __name__ == "__main__":
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[0] = os.path.join(os.path.dirname(here), "src")
    if not os.path.isdir(f"{sys.path[0]}/dns01") and alone():
        sys.exit(
            f"dns01: {os.path.realpath(__file__)} is a copy that has lost the rest of dns01\n"
            "   -> let HOOK be the dns01 that pip installs, HOOK=/opt/dns01/bin/dns01, or a link to "
            "hooks/hook.py in the checkout"
        )
    sys.exit(main())
