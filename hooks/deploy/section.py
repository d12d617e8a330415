"""What ``[deploy]`` says: which certificate is brought to which targets.

::

    [deploy."example.org".nginx]        # a certificate's name or a pattern, and any name for the target
    to = "files"                        # its kind; without it, the target's name is the kind
    directory = "/etc/nginx/tls"        # the kind's own options
    test = "nginx -t"                   # and what every kind takes: before the service is touched,
    reload = "systemctl reload nginx"   # after something has changed,
    verify = "www.example.org:443"      # what has to show the new certificate then
    time_limit = 60                     # seconds that each of the three may take
    staging = true                      # this target takes certificates of staging CAs
    on_failure = "abort"                # the call fails then; "retry", without it: a later one tries again
    pass_environment = "AWS_SECRET_ACCESS_KEY"  # variables for its commands, which get no secrets without it

A string is split into words as a shell would do it, but no shell is called; a list is taken as it
is. A pattern is ``*.example.org`` (all names beneath example.org, at any depth) or ``*``. All
sections that match a certificate hold, target by target: of two targets of one name, the one in
the more exact section wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os.path import basename, dirname
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...errors import ConfigError
from ...names import canonical
from ...options import Option, at, check_known, text, words
from ..clients.call import Certificate
from ..config.load import configuration_file
from ..config.validators import value_of
from .collisions import check_places, matches
from .targets import kinds, load
from .targets.base import Places, Remote, Target

if TYPE_CHECKING:
    from ..config.toml import TomlFile

T = TypeVar("T")

TIME_LIMIT = 60.0  # seconds
COMMON = ("to", "test", "reload", "verify", "time_limit", "staging", "on_failure", "pass_environment")

# Reads what a target's table says of its kind's own options: they are read as a provider's are.
Reader = Callable[[Sequence[Option], Mapping[str, Any]], Mapping[str, str]]


class Deployment(NamedTuple):
    """One target of one section. ``test`` and ``reload``: argument lists; empty where there is
    none. ``time_limit``: seconds. ``machine``: which one it is on, and ``test`` and ``reload`` are run on;
    empty for this one. ``table``: what the configuration calls it, where it is one of several machines."""

    pattern: str
    name: str
    kind: str
    options: Mapping[str, str]
    test: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()
    verify: str = ""
    time_limit: float = TIME_LIMIT
    staging: bool = False
    aborts: bool = False
    pass_environment: tuple[str, ...] = ()
    machine: str = ""
    table: str = ""

    @property
    def configured(self) -> str:
        """The name of its table in the configuration."""
        return self.table or self.name

    @property
    def places(self) -> Sequence[str]:
        """What it writes to, as far as that can be said, with the ``{name}`` of the configuration in it."""
        kind = load(self.kind)
        return kind.places(self.options) if isinstance(kind, Places) else ()

    @property
    def at_once(self) -> int:
        """How many machines it lets be worked on side by side; 0 where it does not say."""
        value = self.options.get("at_once", "")
        return int(value) if self.machine and value.isdecimal() else 0

    def target(self) -> Target:
        """The target with its options, opened. Raises ConfigError."""
        with at(f'[deploy."{self.pattern}".{self.configured}]'):
            if self.verify:
                from .service.served_certificate import service

                service(self.verify)
            passed = {"pass_environment": " ".join(self.pass_environment)} if self.pass_environment else {}
            return load(self.kind)({**self.options, **passed})


def load_deployments(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """All deployments that the configuration file names: a machine may have them without any account.

    Raises ConfigError.
    """
    file = configuration_file(environ)
    return deployments_in(file) if file else ()


def deployments_in(file: TomlFile) -> tuple[Deployment, ...]:
    """All that the file names. Raises ConfigError."""
    with at(file.path):
        return read(file.sections("deploy"), partial(file.options, "write {key} = … below it"))


def outline_deployments(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """All deployments that the configuration file names, without their secrets, which the caller need not be
    able to read. Raises ConfigError."""
    file = configuration_file(environ)
    if file is None:
        return ()
    with at(file.path):
        return read(file.sections("deploy"), _public_options)


def _public_options(options: Sequence[Option], table: Mapping[str, Any]) -> dict[str, str]:
    """What a target's table says of those options that are no secrets."""
    configured = {option.key: table.get(option.key) for option in options if not option.secret}
    return {key: value for key, value in configured.items() if isinstance(value, str)}


def read(sections: Mapping[str, Any], options_of: Reader) -> tuple[Deployment, ...]:
    """All that the ``[deploy]`` part of a configuration names. Raises ConfigError."""
    found: dict[tuple[str, str], Deployment] = {}
    for section, targets in sections.items():
        with at(f'[deploy."{section}"]'):
            pattern = _pattern(section)
            for name, table in targets.items():
                with at(name):
                    for deployment in _on_each_machine(
                        _deployment(section, pattern, name, table, options_of)
                    ):
                        if found.setdefault((pattern, deployment.name), deployment) is not deployment:
                            raise ConfigError(f"there is another one for {pattern}", "make one of the two")
    check_places(tuple(found.values()))
    return tuple(found.values())


def targets_for(deployments: Sequence[Deployment], certificate: Certificate) -> list[Deployment]:
    """Where the certificate is brought to. It goes by its domain and by its folder's name, which
    is dehydrated's alias and certbot's own name for it."""
    names = {canonical(name) for name in (certificate.domain, basename(dirname(certificate.cert))) if name}
    best: dict[str, list[Deployment]] = {}
    for deployment in sorted(deployments, key=lambda deployment: _exactness(deployment.pattern)):
        if any(matches(deployment.pattern, name) for name in names):
            same = best.setdefault(deployment.configured, [])
            same[:] = [each for each in same if each.pattern == deployment.pattern] + [deployment]
    return [deployment for same in best.values() for deployment in same]


def _on_each_machine(deployment: Deployment) -> list[Deployment]:
    """The section's target, or one for each of the machines that it is for."""
    kind = load(deployment.kind)
    if not isinstance(kind, Remote):
        return [deployment]
    each = [
        deployment._replace(
            machine=machine,
            options=given,
            verify=deployment.verify.replace("{host}", machine.rpartition("@")[2]),
        )
        for machine, given in kind.machines(deployment.options).items()
    ]
    if len(each) > 1:
        return [one._replace(name=f"{one.name}@{one.machine}", table=one.name) for one in each]
    return each or [deployment]


def _pattern(section: str) -> str:
    pattern = canonical(section)
    if "*" in pattern.removeprefix("*.") and pattern != "*":
        raise ConfigError(
            "a * stands for all labels before it or for the whole name",
            'write a name, "*.example.org", or "*"',
        )
    return pattern


def _exactness(pattern: str) -> tuple[bool, int]:
    """Sorts a name behind every pattern, and a longer pattern behind a shorter one."""
    return not pattern.startswith("*"), len(pattern)


def _deployment(section: str, pattern: str, name: str, table: object, options_of: Reader) -> Deployment:
    if not isinstance(table, dict):
        raise ConfigError(
            "it stands where the name of a target is wanted",
            f'write [deploy."{section}".{table if name == "to" else "NAME"}], and the rest below it',
        )
    _check_quotes(section, name, table)
    kind = text(table.get("to", name))
    try:
        options = load(kind).options
    except ConfigError as error:
        if "to" in table:
            raise
        raise ConfigError(
            "it does not say what kind of target it is",
            f'write to = "files" below it, for example: {error.hint}',
        ) from None
    check_known("key", table, (*COMMON, *(option.key for option in options)))
    return Deployment(
        pattern,
        name,
        kind,
        options_of(options, table),
        test=value_of(table, "test", words, ()),
        reload=value_of(table, "reload", words, ()),
        verify=value_of(table, "verify", text, ""),
        time_limit=value_of(table, "time_limit", _seconds, TIME_LIMIT),
        staging=value_of(table, "staging", _flag, False),
        aborts=value_of(table, "on_failure", _on_failure, "retry") == "abort",
        pass_environment=value_of(table, "pass_environment", words, ()),
    )


def _check_quotes(section: str, name: str, table: Mapping[str, Any]) -> None:
    """[deploy.example.org.nginx] is nginx in org in example to TOML."""
    if name not in kinds() and table and all(isinstance(value, dict) for value in table.values()):
        raise ConfigError(
            "a name with dots in it needs quotes", f'write [deploy."{section}.{name}".{next(iter(table))}]'
        )


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 3600:
        return value
    raise ConfigError(f"{value!r} is not a number from 0 to 3600", "times are in seconds")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigError(f"{value!r} is neither true nor false", "write it without quotes")


def _on_failure(value: object) -> str:
    check_known("word", [str(value)], ("retry", "abort"))
    return str(value)
