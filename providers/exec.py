"""A program of your own, called as lego calls it: ``PROGRAM present|cleanup FQDN. VALUE``.

It has to add a TXT record to what is there, or remove exactly that one, and to end with 0 also
where there is nothing to do. It is called once for each record, never twice at once in a zone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ._bridge import Bridge, entries
from ._program import run, seconds
from .base import Option, Profile, TxtRecord, Zone


class Provider(Bridge):
    """What it prints is shown when it fails. The TTL is its own affair."""

    title = "a program of your own"
    docs = "https://go-acme.github.io/lego/dns/exec/"
    options = (
        Option("path", ("EXEC_PATH",), "the program", required=True),
        Option("time_limit", ("EXEC_TIME_LIMIT",), "how many seconds one call may take", default="120"),
        Option(
            "env",
            ("EXEC_ENV_*",),
            "variables for the program, besides those of the environment",
            secret=True,
            table=True,
        ),
    )
    profile = Profile()
    keyless = True

    def __init__(self, options: Mapping[str, str]) -> None:
        self._path = os.path.expanduser(options["path"])
        self._limit = seconds(options["time_limit"], "EXEC_TIME_LIMIT")
        self._variables = entries(options, "env")

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for record in records:
            self._run("present", record)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for record in records:
            self._run("cleanup", record)

    def _run(self, verb: str, record: TxtRecord) -> None:
        command = [self._path, verb, f"{record.name}.", record.value]
        doing = f"{self.whose}: {self._path} {verb} {record.name}"
        run(command, {**os.environ, **self._variables}, self._limit, doing)
