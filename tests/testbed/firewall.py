"""What stands between this machine and port 53 of others, by nftables in this namespace."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from . import netns
from .process import TIME_LIMIT

WORLD = "127.0.0.60"  # who sends from here is not stopped: the part of the world behind the wall


@contextmanager
def swallowing(addresses: str = "127.0.0.0/8") -> Iterator[None]:
    """Nothing arrives at port 53 of the addresses: ``swallowing("127.1.0.1, 127.1.0.2")``."""
    with _table(
        "type filter hook input priority 0;",
        f"ip saddr != {WORLD} ip daddr {{ {addresses} }} meta l4proto {{ tcp, udp }} th dport 53 drop",
    ):
        yield


@contextmanager
def diverting(to: str) -> Iterator[None]:
    """All that is sent to anybody's port 53 over UDP arrives at this address, which seems to be theirs."""
    with _table("type nat hook output priority -100;", f"ip saddr != {WORLD} udp dport 53 dnat to {to}"):
        yield


@contextmanager
def answering_from(address: str, source: str) -> Iterator[None]:
    """What the name server at the address answers over UDP seems to come from another one."""
    with _table(
        "type filter hook output priority -300;", f"ip saddr {address} udp sport 53 ip saddr set {source}"
    ):
        yield


@contextmanager
def _table(hook: str, rule: str) -> Iterator[None]:
    netns.must_be_entered()
    _nft(f"table ip wall {{\n chain here {{\n {hook}\n {rule}\n }}\n}}\n")
    try:
        yield
    finally:
        _nft("delete table ip wall\n")


def _nft(commands: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=commands, text=True, check=True, timeout=TIME_LIMIT)
