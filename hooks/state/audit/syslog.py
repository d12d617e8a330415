"""Copies of the trail's lines, sent to systemd's journal or to syslog.

Who may rewrite the file can seldom rewrite these as well, above all where they go to another machine.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence

SOCKETS: Mapping[str, str] = {"journald": "/run/systemd/journal/socket", "syslog": "/dev/log"}
LONGEST_MESSAGE = {"journald": 64 << 10, "syslog": 2048}  # octets; RFC 5424 §6.1, and what a datagram holds
KEPT = ("seq", "prev", "time", "host", "client", "phase", "outcome", "hash")  # of a line that is longer
DAEMON, ERROR, INFO = 3 << 3, 3, 6  # RFC 5424 §6.2.1
SEND_TIMEOUT = 1.0  # seconds, for a receiver whose queue is full


def send(line: bytes, to: Sequence[str], sockets: Mapping[str, str] = SOCKETS) -> Iterator[str]:
    """Send the line to those in ``to``; gives what went wrong. A long one is cut down to what it is about,
    which still has the number and the hash that the file has."""
    if to:
        import socket
    for receiver in to:
        message = line if len(line) <= LONGEST_MESSAGE[receiver] else _summary(line)
        failed = json.loads(message).get("outcome") == "failed"
        packet = _for_journald(message, failed) if receiver == "journald" else _for_syslog(message, failed)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.settimeout(SEND_TIMEOUT)
                out.connect(sockets[receiver])
                out.send(packet)
        except OSError as error:
            why = "it is not running" if error.errno in (errno.ENOENT, errno.ECONNREFUSED) else error.strerror
            where = f"{receiver} ({sockets[receiver]})"
            yield f"no copy of the audit trail's line went to {where}: {why or error}"


def _summary(line: bytes) -> bytes:
    record = json.loads(line)
    return json.dumps({key: record[key] for key in KEPT if key in record}).encode()


def _for_journald(message: bytes, failed: bool) -> bytes:
    """https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: no field holds a line feed, as JSON escapes it."""
    record = json.loads(message)
    fields = {"MESSAGE": message.decode(), "SYSLOG_IDENTIFIER": "dns01"}
    fields |= {"PRIORITY": str(ERROR if failed else INFO), "SYSLOG_FACILITY": str(DAEMON >> 3)}
    fields |= {f"DNS01_{key.upper()}": json.dumps(record.get(key, "")).strip('"') for key in KEPT}
    return "".join(f"{key}={value}\n" for key, value in fields.items()).encode()


def _for_syslog(message: bytes, failed: bool) -> bytes:
    """As syslog(3) has it: the receiver adds time and host."""
    return b"<%d>dns01[%d]: %s" % (DAEMON | (ERROR if failed else INFO), os.getpid(), message)
