"""What the unit of a service keeps from the client and its hook: files, folders, the network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ......clients.setup.sandbox import (
    READ,
    WRITE,
    Rule,
    access,
    credentials,
    denied_calls,
    denies_execution,
    families,
    missing_paths,
)
from ......clients.setup.text_files import is_gone, read_text
from ......clients.setup.units import Unit, drop_in, read_unit
from ....finding import Examined, Finding, Severity
from .. import environment_files
from .runs import CLIENT, HOOK, STATE, Need

# Of a unit that is started for nothing where the path is not there (systemd.unit(5)).
CONDITIONS = ("ConditionPathExists", "ConditionPathIsDirectory", "ConditionFileNotEmpty",
              "ConditionFileIsExecutable", "AssertPathExists")  # fmt: skip
HOSTS = ("ConditionHost", "AssertHost")
PROGRAMS = (HOOK, CLIENT)
OUTSIDE = (ip_address("192.0.2.1"), ip_address("2001:db8::1"))  # stand for any other machine
SHOWN = 8  # paths that are missing
# What IPAddressDeny= may have in the place of a network.
NETWORKS = {
    "any": ("0.0.0.0/0", "::/0"),
    "localhost": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/64"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
}


def check(
    examined: Examined, unit: Unit, needs: Sequence[Need], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Nothing is known of a unit with a root folder of its own."""
    if unit.last("Service.RootDirectory") or unit.last("Service.RootImage"):
        return
    yield from _lacking(examined, unit)
    for need in needs:
        rule = access(unit, need.path, examined.root)
        if need.use & ~rule.allowed:
            yield _read_only(examined, unit, need, rule) if rule.allowed & READ else _hidden(unit, need, rule)
        elif need.what in PROGRAMS and (barred := denies_execution(unit, need.path, examined.root)):
            message = f"{unit.name} may not run {need.path}, {need.what} ({barred})"
            step = drop_in(unit.name, f"ExecPaths={need.path}")
            yield Finding("sandbox-no-exec", Severity.ERROR, unit.files[0], message, (step,))
    if denied := denied_calls(unit):
        value = " ".join(unit.every("Service.SystemCallFilter"))
        message = f"{unit.name} may not {denied} (SystemCallFilter={value})"
        step = drop_in(unit.name, "SystemCallFilter=", "SystemCallFilter=@system-service")
        yield Finding("sandbox-no-calls", Severity.ERROR, unit.files[0], message, (step,))
    yield from _network(examined, unit, environ)


def _lacking(examined: Examined, unit: Unit) -> Iterator[Finding]:
    """What has to be there for the unit to start."""
    yield from environment_files.gone(examined, unit)
    for name, path in credentials(unit):
        if path.startswith("/") and not path.startswith("/run/") and is_gone(path, examined.root):
            message = f"{unit.name} does not start: {path}, its credential {name}, is not there"
            step = f"write {path}  (chmod 600)"
            yield Finding("credential-missing", Severity.ERROR, unit.files[0], message, (step,))
    yield from _conditions(examined, unit)
    yield from _other_host(examined, unit)
    if missing := " ".join(list(dict.fromkeys(missing_paths(unit, examined.root)))[:SHOWN]):
        message = f"{unit.name} does not start: what it names is not there ({missing})"
        yield Finding("unit-path-missing", Severity.ERROR, unit.files[0], message, (f"mkdir -p {missing}",))


def _conditions(examined: Examined, unit: Unit) -> Iterator[Finding]:
    """What has to be there for it to run anything at all."""
    for key in CONDITIONS:
        for path in unit.every(f"Unit.{key}"):
            if re.match(r"!/(?!run/|proc/|sys/)[^%]*$", path) and not is_gone(path[1:], examined.root):
                message = f"{unit.name} is passed over: {path[1:]} is there ({key}={path})"
                step = drop_in(unit.name, f"{key}=", section="Unit")
                if key.endswith("PathExists"):
                    yield Finding("unit-condition-failed", Severity.ERROR, unit.files[0], message, (step,))
            if re.match(r"/(?!run/|proc/|sys/)[^%]*$", path) and is_gone(path, examined.root):
                message = f"{unit.name} is passed over: {path} is not there ({key})"
                step = drop_in(unit.name, f"{key}=", section="Unit")
                steps = (step, f"or put {path} back")
                yield Finding("unit-condition-failed", Severity.ERROR, unit.files[0], message, steps)


def _other_host(examined: Examined, unit: Unit) -> Iterator[Finding]:
    """Whether it is for a machine of another name, or with another /etc/machine-id (systemd.unit(5))."""
    files = (read_text(path, examined.root) or "" for path in ("/etc/hostname", "/etc/machine-id"))
    name, machine = (text.strip() for text in files)
    for value in (value for key in HOSTS for value in unit.every(f"Unit.{key}")):
        wanted, negated = value.removeprefix("!"), value.startswith("!")
        is_this = fnmatchcase(name.lower(), wanted.lower()) or wanted.replace("-", "").lower() == machine
        if name and "%" not in value and not value.startswith("|") and is_this == negated:
            message = f"{unit.name} is passed over: this machine is {name} (it is for {value})"
            step = drop_in(
                unit.name, *(f"{key}=" for key in HOSTS if unit.every(f"Unit.{key}")), section="Unit"
            )
            yield Finding("unit-condition-failed", Severity.ERROR, unit.files[0], message, (step,))


def _read_only(examined: Examined, unit: Unit, need: Need, rule: Rule) -> Finding:
    message = f"{unit.name} may not write to {need.path}, {need.what} ({rule.setting})"
    beneath = need.path.removeprefix("/var/lib/")
    if need.what == STATE and beneath != need.path:
        steps = [drop_in(unit.name, f"StateDirectory={beneath}", "StateDirectoryMode=0700")]
    else:
        made = [f"mkdir -p -m 700 {need.path}"] if is_gone(need.path, examined.root) else []
        steps = [*made, drop_in(unit.name, f"ReadWritePaths={need.path}")]
    return Finding("sandbox-read-only", Severity.ERROR, unit.files[0], message, tuple(steps))


def _hidden(unit: Unit, need: Need, rule: Rule) -> Finding:
    key = rule.setting.partition("=")[0]
    softer = {"ProtectHome": "ProtectHome=read-only", "PrivateTmp": "PrivateTmp=no"}.get(key, f"{key}=")
    more = [f"ReadWritePaths={need.path}"] if need.use == WRITE and key == "ProtectHome" else []
    message = f"{unit.name} does not see {need.path}, {need.what} ({rule.setting})"
    steps = (drop_in(unit.name, softer, *more), f"or put {need.path} elsewhere, beneath /etc for example")
    return Finding("sandbox-hides", Severity.ERROR, unit.files[0], message, steps)


def _network(examined: Examined, unit: Unit, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether it gets at any resolver, by which everything begins, and at anything but this machine."""
    resolvers = [ip_address(each.ip) for each in examined.settings.resolvers]
    barred = next(_barriers(examined, unit, resolvers or OUTSIDE), None)
    if not barred and all(each.is_loopback for each in resolvers) and not _has_proxy(environ):
        barred = next(_barriers(examined, unit, OUTSIDE), None)
        if barred and barred[0] == "IPAddressDeny" and not _only_here(_addresses(examined, unit, "Allow")):
            return  # of what it is allowed nobody knows whether it will do
    if barred:
        key, *right = barred
        value = " ".join(unit.every(f"Service.{key}")) or "in its slice"
        message = f"{unit.name} gets at neither name servers nor a CA ({key}={value})"
        step = drop_in(unit.name, *(f"{key}={value}" for value in right))
        yield Finding("sandbox-no-network", Severity.ERROR, unit.files[0], message, (step,))


def _has_proxy(environ: Mapping[str, str]) -> bool:
    return any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in environ)


def _barriers(
    examined: Examined, unit: Unit, addresses: Sequence[IPv4Address | IPv6Address]
) -> Iterator[tuple[str, ...]]:
    """A setting that keeps it from all of these, and the values that it should have."""
    shared = unit.last("Unit.JoinsNamespaceOf") or unit.last("Service.NetworkNamespacePath")
    if unit.is_on("Service.PrivateNetwork") and not shared:
        yield ("PrivateNetwork", "no")
    wanted = {"AF_INET6" if each.version == 6 else "AF_INET" for each in addresses}
    if not wanted & families(unit):
        yield ("RestrictAddressFamilies", "", "AF_INET AF_INET6 AF_NETLINK AF_UNIX")
    denied, allowed = _addresses(examined, unit, "Deny"), _addresses(examined, unit, "Allow")
    if all(_is_among(each, denied) and not _is_among(each, allowed) for each in addresses):
        yield ("IPAddressDeny", "") if unit.every("Service.IPAddressDeny") else ("IPAddressAllow", "any")
    only_inside = set(unit.words("Service.RestrictNetworkInterfaces")) == {"lo"}
    if only_inside and not any(each.is_loopback for each in addresses):
        yield ("RestrictNetworkInterfaces", "")


def _addresses(examined: Examined, unit: Unit, which: str) -> list[str]:
    """What IPAddressDeny=, or IPAddressAllow=, says, of the unit and of the slices that it is in; what is
    allowed goes before what is denied (systemd.resource-control(5))."""
    name = unit.last("Service.Slice") or "system.slice"
    stems = name.removesuffix(".slice").split("-")
    slices = ["-.slice", *("-".join(stems[: number + 1]) + ".slice" for number in range(len(stems)))]
    found = [each for name in slices if (each := read_unit(name, examined.root))]
    own = unit.words(f"Service.IPAddress{which}")
    return [*own, *(word for each in found for word in each.words(f"Slice.IPAddress{which}"))]


def _only_here(allowed: Sequence[str]) -> bool:
    """Whether all of these are addresses of this machine, or of its link."""
    return all(
        word in ("localhost", "link-local", "multicast") or word.startswith("127.") for word in allowed
    )


def _is_among(address: IPv4Address | IPv6Address, networks: Sequence[str]) -> bool:
    for network in (each for word in networks for each in NETWORKS.get(word, (word,))):
        try:
            if address in ip_network(network, strict=False):
                return True
        except ValueError:  # it means nothing to systemd either
            continue
    return False
