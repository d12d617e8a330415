"""A network namespace for this process: loopback only, and all of it ours."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import subprocess
from contextlib import suppress

CLONE_NEWNET = 0x40000000  # sched.h; os.unshare came with Python 3.12

_entered = False


def enter() -> None:
    """Put this thread, and all threads and processes it starts from now on, into a fresh network
    that has nothing but loopback: 127.0.0.0/8, ::1 and fd53::1 to fd53::f.

    Raises PermissionError unless root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "unshare(CLONE_NEWNET)")
    global _entered
    _entered = True
    ours = [f"fd53::{last:x}" for last in range(1, 16)]
    _ip("link set lo up", *(f"addr add {address}/128 dev lo nodad" for address in ours))
    for address in ours:
        _wait_until_local(address)


def own(address: str) -> None:
    """Give this namespace's loopback the IPv4 or IPv6 address. It may have it already.

    An IPv6 address needs this before anything can listen there; within 127.0.0.0/8 only BIND
    does, which looks at the interfaces: ``own("127.1.0.1")``.
    """
    must_be_entered()
    ip = ipaddress.ip_address(address)
    _ip(f"addr replace {ip}/{ip.max_prefixlen} dev lo" + (" nodad" if ip.version == 6 else ""))
    if ip.version == 6:
        _wait_until_local(address)


def must_be_entered() -> None:
    """Raises RuntimeError where changes to the network would be changes to the host's own."""
    if not _entered:
        raise RuntimeError("this is the host's own network: call netns.enter() first")


def _wait_until_local(address: str) -> None:
    """The kernel enters the route to an IPv6 address of its own a while after the address: what is sent
    there before is lost, without an error."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        probe.settimeout(0.01)
        while True:
            probe.sendto(b"", probe.getsockname())
            with suppress(TimeoutError):
                probe.recv(1)
                return


def _ip(*commands: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)
