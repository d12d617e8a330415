"""A CA's test directory, where certificates are for keeping: nobody trusts what it issues."""

from __future__ import annotations

import os
import time

from .....caa.issuers import PRESETS, host_of
from ...finding import Examined, Finding, Severity

HOSTS = {host_of(url) for name, url in PRESETS.items() if name.endswith("-test")}
TRIAL = 7 * 86400.0  # seconds after which a test certificate is no trial any more


def is_staging(ca: str) -> bool:
    """Whether a CA, by its address or by a short name, is one for tests."""
    return ca.endswith(("-test", "-staging")) or host_of(ca) in HOSTS


def is_old(examined: Examined, file: str) -> bool:
    """Whether a file was written longer ago than a trial takes; one that is not there was not."""
    try:
        return time.time() - os.stat(examined.path(file)).st_mtime > TRIAL
    except OSError:
        return False


def staging(path: str, ca: str, steps: tuple[str, ...], *, kept: bool) -> Finding:
    """``kept``: whether its certificates are renewed, or have been there for long."""
    return Finding(
        "staging-ca",
        Severity.WARNING if kept else Severity.NOTE,
        path,
        f"the CA is {ca}, which is for tests: nobody trusts its certificates",
        steps,
    )
