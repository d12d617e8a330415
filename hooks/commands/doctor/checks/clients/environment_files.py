"""The files of variables that a service has to have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .....clients.setup.text_files import is_gone
from .....clients.setup.units import Unit, environment_files
from ...finding import Examined, Finding, Severity


def gone(examined: Examined, unit: Unit) -> Iterator[Finding]:
    """Those without which the unit does not start."""
    for file in environment_files(unit):
        if re.match(r"/(?!run/)[^*?[%]*$", file) and is_gone(file, examined.root):
            message = f"{unit.name} does not start: its EnvironmentFile {file} is not there"
            steps = (f"write {file}  (chmod 600)",)
            yield Finding("environment-file-missing", Severity.ERROR, unit.files[0], message, steps)
