"""What /proc says of processes. Only what ``os`` has loaded itself is imported."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from collections.abc import Iterator

    Status = tuple[str, str, int, int]


def status_of(pid: int) -> Status | None:
    """The name, the state, the parent and the start (clock ticks since the boot) of a process, as
    /proc/PID/stat says them (proc_pid_stat(5)); None where it says nothing. The name may hold spaces and
    parentheses."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
    except OSError:
        return None
    fields = after.split()  # from the third on
    if len(fields) < 20:  # it has ended meanwhile
        return None
    return before.partition("(")[2], fields[0], int(fields[1]), int(fields[19])


def upwards(pid: int) -> Iterator[tuple[int, Status]]:
    """The process, its parent, and so on, each with its status."""
    while pid and (status := status_of(pid)):
        yield pid, status
        pid = status[2]


def beneath(pid: int) -> list[int]:
    """The processes that the process has started, and those that they have; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit() and (status := status_of(int(name))):
            children.setdefault(status[2], []).append(int(name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def where() -> str:
    """The host, its boot, and the PID namespace that numbers here belong to; empty where the system does
    not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip()
        return f"{os.uname().nodename} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
