"""Sends a message: by Apprise to the services that it knows, or to a command; within a time.

A URL of Apprise's holds secrets, and what Apprise says of a failure may quote them: neither is
ever said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from ...errors import HookError
from ...output import printable
from .section import Receivers

SEND_TIMEOUT = 10.0  # seconds for all receivers
LONGEST_VARIABLE = 16384  # characters of up to 4 octets; a variable may have 128 KiB (execve(2))
COMMAND_END_TIMEOUT = 1.0  # of them, to end a command in: left to itself it would outlive us


class Message(NamedTuple):
    """A message to those who are told. ``failing``: whether it tells of a failure, or of good news only."""

    subject: str
    body: str
    failing: bool = True


def deliver(
    receivers: Receivers,
    messages: Mapping[str, Message],
    environ: Mapping[str, str],
    within: float = SEND_TIMEOUT,
) -> dict[str, str]:
    """Give each receiver (by its name in ``called``) its message, to all at the same time; gives why
    not, for those that did not take it. One that takes longer is left to hang."""
    refused = dict.fromkeys(messages, f"it took more than {within:g} s")

    def attempt(name: str, send: Callable[[Message], None]) -> None:
        try:
            send(messages[name])
        except HookError as error:
            refused[name] = str(error)
        except Exception as error:  # its words may quote a secret
            refused[name] = f"{type(error).__name__} in it"
        else:
            del refused[name]

    senders: list[Callable[[Message], None]] = [partial(_by_apprise, url) for url in receivers.urls]
    if receivers.command:
        senders.append(partial(_by_command, receivers, environ, within - COMMAND_END_TIMEOUT))
    ways = dict(zip(receivers.called, senders, strict=True))
    workers = [threading.Thread(target=attempt, args=(name, ways[name]), daemon=True) for name in messages]
    end = time.monotonic() + within
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
    return dict(refused)


def _by_apprise(url: str, message: Message) -> None:
    import logging

    logging.getLogger("apprise").addHandler(logging.NullHandler())  # else it writes to stderr
    try:
        from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
    except ModuleNotFoundError:
        raise HookError("Apprise is not installed: pip install 'dns01-hook[notify]'") from None
    # With several services, or a limit of its own, it starts threads that Python waits for at its end.
    service = Apprise(asset=AppriseAsset(service_timeout=0))
    if not service.add(url):
        raise HookError("Apprise knows no such URL, or something is missing in it")
    kind = NotifyType.FAILURE if message.failing else NotifyType.SUCCESS
    text = NotifyFormat.TEXT
    if not service.notify(message.body, message.subject, notify_type=kind, body_format=text):
        raise HookError("the service did not take it (`apprise -vv -b test URL` shows why)")


def _by_command(receivers: Receivers, environ: Mapping[str, str], limit: float, message: Message) -> None:
    from ..deploy.targets.command import environment, run

    subject, body = printable(message.subject), printable(message.body)  # no variable has a null character
    variables = {"DNS01_SUBJECT": subject[:LONGEST_VARIABLE], "DNS01_BODY": body[:LONGEST_VARIABLE]}
    given = {**environment(environ, receivers.pass_environment), **variables}
    run(receivers.command, given, limit, "the command", f"{body}\n")
