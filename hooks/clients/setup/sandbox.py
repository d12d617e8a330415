"""What a service may get at, by the settings of its unit (systemd.exec(5), systemd.resource-control(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from .text_files import is_gone
from .units import DIRECTORIES, Unit

NOTHING, READ, WRITE = 0, os.R_OK, os.R_OK | os.W_OK
EMPTY = os.W_OK  # a folder of its own, in which nothing is at first

SYSTEM = {"full": ("/usr", "/boot", "/efi", "/etc"), "yes": ("/usr", "/boot", "/efi")}
KERNEL = ("/dev", "/proc", "/sys")
HOMES = ("/home", "/root", "/run/user")
# What the hook needs of the kernel: a set of systemd's (systemd-analyze syscall-filter), and calls in it.
CALLS = {
    "open connections": ("@network-io", "socket", "connect"),
    "run programs": ("@process", "execve"),
    "open files": ("@file-system", "openat"),
}
ALL_CALLS = ("@system-service", "@known")  # sets that have all of them
FAMILIES = ("AF_INET", "AF_INET6")


class Rule(NamedTuple):
    """What is allowed beneath a path, and the setting that says so. ``mounted``: even in what is hidden."""

    path: str
    allowed: int
    setting: str
    mounted: bool = False


def access(unit: Unit, path: str, root: str = "/") -> Rule:
    """What the unit may do with the path, as the setting nearest to it says."""
    found = Rule("/", WRITE, "")
    fitting = (rule for rule in _rules(unit, root) if f"{path}/".startswith(f"{rule.path.rstrip('/')}/"))
    for rule in sorted(fitting, key=lambda rule: (len(rule.path), -rule.allowed)):
        if found.allowed & READ or rule.mounted or not rule.allowed:
            found = rule
    return found


def _rules(unit: Unit, root: str) -> Iterator[Rule]:
    system = unit.last("Service.ProtectSystem")
    dynamic = unit.is_on("Service.DynamicUser")
    if dynamic or system == "strict":
        setting = f"ProtectSystem={system}" if system == "strict" else "DynamicUser=yes"
        yield Rule("/", READ, setting)
        yield from (Rule(path, WRITE, setting) for path in KERNEL)
    elif system:
        protected = "yes" if unit.is_on("Service.ProtectSystem") else system
        yield from (Rule(path, READ, f"ProtectSystem={system}") for path in SYSTEM.get(protected, ()))
    home = unit.last("Service.ProtectHome")
    if home == "read-only" or (dynamic and not home):
        yield from (Rule(path, READ, f"ProtectHome={home}" if home else "DynamicUser=yes") for path in HOMES)
    elif home == "tmpfs" or unit.is_on("Service.ProtectHome"):
        yield from (Rule(path, NOTHING, f"ProtectHome={home}") for path in HOMES)
    if unit.is_on("Service.PrivateTmp") or dynamic:
        yield from (Rule(path, EMPTY, "PrivateTmp=yes", mounted=True) for path in ("/tmp", "/var/tmp"))
    for key, allowed in (("ReadWritePaths", WRITE), ("ReadOnlyPaths", READ), ("InaccessiblePaths", NOTHING)):
        yield from (Rule(path, allowed, f"{key}={path}") for path in _paths(unit, key, root))
    for key, allowed in (("BindPaths", WRITE), ("BindReadOnlyPaths", READ)):
        for path in _paths(unit, key, root):
            inside = path.split(":")[1] if ":" in path else path
            yield Rule(inside, allowed, f"{key}={path}", mounted=True)
    for path in _paths(unit, "TemporaryFileSystem", root):
        yield Rule(path.partition(":")[0], EMPTY, f"TemporaryFileSystem={path}", mounted=True)
    for key in DIRECTORIES:
        yield from (Rule(path, WRITE, f"{key}=", mounted=True) for path in unit.directories(key))


def missing_paths(unit: Unit, root: str = "/") -> Iterator[str]:
    """The paths that are not there, and without which systemd does not start the unit."""
    keys = ("ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "BindPaths", "BindReadOnlyPaths")
    paths = [word.partition(":")[0] for key in keys for word in unit.words(f"Service.{key}")]
    made = ["/run", *(path for key in DIRECTORIES for path in unit.directories(key))]  # by then
    for path in [*paths, unit.last("Service.WorkingDirectory")]:
        is_made = any(f"{path}/".startswith(f"{each}/") for each in made)
        if path.startswith("/") and not is_made and is_gone(path, root):
            yield path


def credentials(unit: Unit) -> Iterator[tuple[str, str]]:
    """The name of each credential that is read from a file, and its path, but for those that may be without
    (systemd.exec(5), LoadCredential=)."""
    keys = ("SetCredential", "SetCredentialEncrypted")
    without = {value.partition(":")[0] for key in keys for value in unit.every(f"Service.{key}")}
    for key in ("LoadCredential", "LoadCredentialEncrypted"):
        for value in unit.every(f"Service.{key}"):
            name, _, path = value.partition(":")
            if name not in without and "%" not in path:
                yield name, path


def _paths(unit: Unit, key: str, root: str) -> Iterator[str]:
    """Of a setting that lists some, without those that systemd passes over as they are not there."""
    for word in unit.words(f"Service.{key}"):
        path = word.lstrip("-+").rstrip("/") or "/"
        if not (word.startswith("-") and is_gone(path.partition(":")[0], root)):
            yield path


def families(unit: Unit) -> set[str]:
    """The address families, of IPv4 and IPv6, that the service may open sockets of."""
    allowed: set[str] | None = None
    for value in unit.every("Service.RestrictAddressFamilies"):
        words = set(value.lstrip("~").split())
        if value.startswith("~"):
            allowed = (set(FAMILIES) if allowed is None else allowed) - words
        else:
            allowed = (allowed or set()) | words
    return set(FAMILIES) if allowed is None else allowed & set(FAMILIES)


def denies_execution(unit: Unit, path: str, root: str = "/") -> str:
    """The setting by which nothing at the path may be run; empty where there is none."""
    found = (0, "")
    for key in ("NoExecPaths", "ExecPaths"):
        for above in _paths(unit, key, root):
            if f"{path}/".startswith(f"{above.rstrip('/')}/") and len(above) >= found[0]:
                found = (len(above), f"{key}={above}" if key == "NoExecPaths" else "")
    return found[1]


def denied_calls(unit: Unit) -> str:
    """Of what the hook needs of the kernel, the first that SystemCallFilter= denies; empty where it denies
    none. The first value says whether the list is of what is allowed or, with ``~``, of what is denied."""
    values = unit.every("Service.SystemCallFilter")
    for what, (group, *calls) in CALLS.items() if values else ():
        is_allowed, allowed_calls = values[0].startswith("~"), set[str]()
        for value in values:
            names = {word.partition(":")[0] for word in value.lstrip("~").split()}
            if value.startswith("~"):
                is_allowed = is_allowed and not names & {group, *calls, *ALL_CALLS}
            else:
                allowed_calls |= names
                is_allowed = (
                    is_allowed or bool(names & {group, *ALL_CALLS}) or allowed_calls.issuperset(calls)
                )
        if not is_allowed:
            return what
    return ""
