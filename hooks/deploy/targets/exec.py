"""A program of your own that brings the certificate somewhere.

It is told by variables alone: DNS01_DOMAIN, DNS01_NAMES, DNS01_PRIVKEY, DNS01_CERT, DNS01_CHAIN,
DNS01_FULLCHAIN, DNS01_OCSP, DNS01_FINGERPRINT, DNS01_NOT_AFTER, and those of ``env``. It has to
end with 0 also where there is nothing to do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ....errors import DeployError
from ....options import Option, seconds, words
from ....providers._bridge import entries
from .base import CertificateFiles
from .command import environment, run, variables


class Target:
    """Runs the program of the option ``command``; what that prints is shown when it fails."""

    blind: ClassVar[bool] = True
    options: ClassVar[Sequence[Option]] = (
        Option("command", (), "program that installs the certificate", required=True),
        Option("undo", (), "program that brings back what was there before"),
        Option("time_limit", (), "how many seconds it may take", default="60"),
        Option("env", (), "variables for it, besides those of the environment", secret=True, table=True),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        self._command = words(options["command"])
        self._undo = words(options["undo"]) if options.get("undo") else []
        self._limit = seconds(options["time_limit"], "time_limit")
        self._passed = options.get("pass_environment", "").split()
        self._variables = entries(options, "env")

    def check(self, bundle: CertificateFiles) -> None:
        """What it takes is the program's own affair."""

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        return [f"runs {self._command[0]}"]

    def install(self, bundle: CertificateFiles) -> None:
        self._run(self._command, bundle, "the program")

    def undo(self, bundle: CertificateFiles) -> None:
        if not self._undo:
            raise DeployError(
                f"what {self._command[0]} did cannot be undone", 'name the program that can: undo = "…"'
            )
        self._run(self._undo, bundle, "the program that undoes")

    def _run(self, command: Sequence[str], bundle: CertificateFiles, what: str) -> None:
        environ = environment(os.environ, self._passed)
        run(command, {**environ, **variables(bundle), **self._variables}, self._limit, what)
