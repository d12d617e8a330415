"""Start the server: bind, give up root, detach.

``python -m dns01.providers._standalone ADDRESSES PORT NS SOCKET`` exits with 0 as soon as the
server answers, or with CANNOT_SERVE.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import socket
import struct
import sys

import dns.rdata

from . import CANNOT_SERVE, LOG
from .server import ChallengeServer, Sockets
from .zones import Zones

IP_PKTINFO = 8  # Linux; the socket module does not have it
NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class CannotServe(Exception):
    """Two arguments: what is wrong, and what to do about it."""


def main() -> None:
    """Bind, give up root, and serve in another process. Arguments: addresses, port, name server, path."""
    settings, path = sys.argv[1:4], sys.argv[4]
    addresses, port, ns = settings
    try:
        sockets = listen(addresses.split(","), int(port), path)
        zones = Zones(ns)
        log = os.open(
            path + LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600
        )
        dns.rdata.load_all_types()  # type: ignore[no-untyped-call]  # nobody may not read the modules
        give_up_root()
    except CannotServe as error:
        print(*error.args, sep="\n")
        sys.exit(CANNOT_SERVE)
    if os.fork():
        os._exit(0)  # the caller need not wait for the server itself, nor bury it
    close_standard_streams(log)
    ChallengeServer(sockets, zones, settings).run()


def listen(addresses: list[str], port: int, path: str) -> Sockets:
    """All the sockets. An IPv6 wildcard is left out where the host has no IPv6."""
    udp, tcp = [], []
    for address in addresses:
        try:
            udp.append(bound(address, port, socket.SOCK_DGRAM))
            tcp.append(bound(address, port, socket.SOCK_STREAM))
        except OSError as error:
            if not (address == "::" and udp and error.errno in NO_IPV6):
                raise cannot_bind(error, address, port) from error
    return Sockets(udp, tcp, control(path))


def bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """One socket that answers on one address."""
    family, _, _, _, where = socket.getaddrinfo(address, port, type=kind, flags=socket.AI_NUMERICHOST)[0]
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    if kind == socket.SOCK_DGRAM:
        sock.bind(where)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the last server's may be in TIME_WAIT
        sock.bind(where)
        sock.listen(128)
    return sock


def control(path: str) -> socket.socket:
    """The Unix socket, for this user alone. One that is there is a dead server's: the caller
    has the lock, and found nobody behind it."""
    if os.path.exists(path):
        os.unlink(path)
    os.umask(0o077)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(1024)
    return sock


def cannot_bind(error: OSError, address: str, port: int) -> CannotServe:
    """What it means that an address cannot be bound, and what to do about it."""
    where = f"port {port} of {address}"
    if error.errno == errno.EADDRINUSE:
        return CannotServe(
            f"{where} is taken by another program",
            f"`ss -lntup 'sport = :{port}'` shows which; if it keeps to one address, like systemd-resolved, "
            "set STANDALONE_ADDRESS to the one that the NS record leads to",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CannotServe(
            f"no right to bind {where}",
            "run the hook as root or with CAP_NET_BIND_SERVICE, or set STANDALONE_PORT to a port above 1023 "
            f"and redirect port {port} to it",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotServe(
            f"{address} is no address of this host",
            "set STANDALONE_ADDRESS to one that `ip address` shows",
        )
    return CannotServe(f"cannot bind {where}: {error.strerror}", "see STANDALONE_ADDRESS and STANDALONE_PORT")


def give_up_root() -> None:
    """Become nobody, and keep no capability (capabilities(7)) that was granted otherwise."""
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
            os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        if sys.platform == "linux":
            version_3 = 0x20080522
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.capset(struct.pack("Ii", version_3, 0), bytes(24)):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except (OSError, KeyError) as error:
        raise CannotServe(
            f"cannot become the user nobody: {error}",
            "run the hook as an ordinary user, with STANDALONE_PORT above 1023",
        ) from error


def close_standard_streams(log: int) -> None:
    """lego, certbot and dehydrated wait for as long as somebody holds their pipes. What the server
    says last, should it fail, goes to ``log``."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream, place in enumerate((null, null, log)):
        os.dup2(place, stream)
    os.close(null)
    os.close(log)


if __name__ == "__main__":
    main()
