"""The wire where this machine itself sets the limit."""

from __future__ import annotations

import os
import resource

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.message import TXT, Query
from dns01.hooks.dns.transport import Transport

SERVER = Address("127.1.0.1")
NAME = "_acme-challenge.example.org"


def test_a_process_that_may_open_no_more_files_gets_that_for_an_answer() -> None:
    datagram, stream = Query(SERVER, NAME, TXT), Query(SERVER, NAME, TXT, stream=True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Transport() as transport:
        next_one = os.dup(0)
        os.close(next_one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, limits[1]))
        try:
            answers = transport.ask([datagram, stream], 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert {answer.problem for answer in answers.values()} == {"too many open files"}
