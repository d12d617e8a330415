"""A program of your own, called as lego calls it: ``PROGRAM present|cleanup FQDN. VALUE``.

It has to add a TXT record to what is there, or remove exactly that one, and to end with 0 also
where there is nothing to do. It is called once for each record, never twice at once in a zone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..child_process import run
from ..options import seconds
from ._bridge import ProgramBridge, entries
from .base import Option, Profile, TxtRecord


class Provider(ProgramBridge):
    """What it prints is shown when it fails. The TTL is its own affair. Where it removes more than
    it was told to, the zone's name servers tell: what another order waits for is put back, and what
    else is lost is said.
    """

    title = "a program of your own"
    docs = "https://go-acme.github.io/lego/dns/exec/"
    options = (
        Option("path", ("EXEC_PATH",), "the program", required=True),
        Option("time_limit", ("EXEC_TIME_LIMIT",), "how many seconds one call may take", default="120"),
        Option(
            "env",
            ("EXEC_ENV_*",),
            "a variable for the program, once for each that is not in the environment anyway",
            secret=True,
            table=True,
        ),
    )
    profile = Profile()
    adds, removes = "present", "cleanup"

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__()
        self._path = os.path.expanduser(options["path"])
        self._limit = seconds(options["time_limit"], "EXEC_TIME_LIMIT")
        self._variables = entries(options, "env")

    def run(self, verb: str, record: TxtRecord) -> None:
        command = [self._path, verb, f"{record.name}.", record.value]
        run(command, {**os.environ, **self._variables}, self._limit, self.doing(verb, record.name))

    def doing(self, verb: str, name: str) -> str:
        return f"{self.whose}: {self._path} {verb} {name}"
