"""The wire where this machine itself sets the limit."""

from __future__ import annotations

import os
import resource

from dns01.hooks.dns.message import TXT, Address, Question
from dns01.hooks.dns.transport import Wire

SERVER = Address("127.1.0.1")
NAME = "_acme-challenge.example.org"


def test_a_process_that_may_open_no_more_files_gets_that_for_an_answer() -> None:
    datagram, stream = Question(SERVER, NAME, TXT), Question(SERVER, NAME, TXT, stream=True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Wire() as wire:
        next_one = os.dup(0)
        os.close(next_one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, limits[1]))
        try:
            answers = wire.ask([datagram, stream], 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert {answer.problem for answer in answers.values()} == {"too many open files"}
