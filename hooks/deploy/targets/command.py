"""A command: the test and the reload of every target, and a target of its own (``to = "command"``).

A command is a list of words, without a shell. What it works on, it finds in variables.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from .... import child_process
from ....errors import DeployError, ProviderError
from ....options import Option, seconds, words
from .base import CertificateFiles

# What every variable is called that a provider has declared as secret, and many another secret.
SECRET_NAMES = re.compile(
    "key|pass|secret|token|pswd|_pwd|apipw|_pat$"
    "|^OVH_(AS|CK)$|^GCE_SERVICE_ACCOUNT|^(ACMESH_ENV|EXEC_ENV|LEXICON)_",
    re.IGNORECASE,
)


class Target:
    """Runs a command once for each new certificate, which it finds where the client has put it."""

    blind: ClassVar[bool] = True
    options: ClassVar[Sequence[Option]] = (
        Option("command", (), "command to run, as a line of words", required=True),
        Option("time_limit", (), "how many seconds it may take", default="60"),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        self._command = words(options["command"])
        self._limit = seconds(options["time_limit"], "time_limit")
        self._passed = options.get("pass_environment", "").split()

    def check(self, bundle: CertificateFiles) -> None:
        """A command takes whatever it is given."""

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        return [f"runs {shlex.join(self._command)}"]

    def install(self, bundle: CertificateFiles) -> None:
        environ = environment(os.environ, self._passed)
        run(self._command, {**environ, **variables(bundle)}, self._limit, "the command")


def environment(environ: Mapping[str, str], passed: Iterable[str] = ()) -> dict[str, str]:
    """The variables for a program that is none of ours: those of ``passed``, and all that do not look like
    a secret by their name, as every secret of a provider's does."""
    given = set(passed)
    return {name: value for name, value in environ.items() if name in given or not SECRET_NAMES.search(name)}


def variables(bundle: CertificateFiles) -> dict[str, str]:
    """What a command is told; paths are the client's, empty where it gives none."""
    paths = bundle.facts.certificate
    return {
        "DNS01_DOMAIN": bundle.name,
        "DNS01_NAMES": " ".join(bundle.facts.names),
        "DNS01_PRIVKEY": paths.key,
        "DNS01_CERT": paths.cert,
        "DNS01_CHAIN": paths.chain,
        "DNS01_FULLCHAIN": paths.fullchain,
        "DNS01_OCSP": bundle.ocsp,
        "DNS01_FINGERPRINT": bundle.facts.fingerprint,
        "DNS01_NOT_AFTER": f"{bundle.facts.not_after:%Y-%m-%dT%H:%M:%SZ}",
    }


def run(argv: Sequence[str], environ: Mapping[str, str], timeout: float, what: str, given: str = "") -> None:
    """Run a command, which has to end with 0 within ``timeout`` seconds; then it is ended with all
    that it has started. ``what``: what it is for, as an error begins. ``given``: its standard input.

    Raises DeployError with the last that it said.
    """
    try:
        child_process.run(argv, environ, timeout, f"{what}: {shlex.join(argv)}", given)
    except ProviderError as error:
        raise DeployError(str(error), error.hint) from None
