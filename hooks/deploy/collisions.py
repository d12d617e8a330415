"""Refuse targets that write to one place, by whatever path.

One certificate would overwrite the other, or a service go without its reload: for the second target of
the same files, nothing changes any more.

Folders are compared as they are on the disk, links followed; ``{name}`` is filled in where the name is known.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from ...errors import ConfigError
from ...options import at

NAME = "{name}"


class PlacedDeployment(Protocol):
    """The attributes of ``section.Deployment`` that are used here."""

    @property
    def pattern(self) -> str:
        """The name, or the pattern of names, of the certificates that it is for."""

    @property
    def configured(self) -> str:
        """The name of its table in the configuration."""

    @property
    def places(self) -> Sequence[str]:
        """What its target writes to (``targets.base.Places``)."""


class _Place(NamedTuple):
    """``written``: as the configuration has it. ``real``: the same with the links of its folder followed;
    ``filled``: that for the section's one certificate, "" where it is for several."""

    deployment: PlacedDeployment
    written: str
    real: str
    filled: str


def matches(pattern: str, name: str) -> bool:
    """Whether the section is for the name."""
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def check_places(deployments: Sequence[PlacedDeployment]) -> None:
    """Refuse sections that write to one place. Raises ConfigError."""
    every = [_place(deployment, written) for deployment in deployments for written in deployment.places]
    same: dict[str, list[_Place]] = defaultdict(list)
    for place in every:
        for path in {place.real, place.filled} - {""}:
            same[path].append(place)
    names = dict.fromkeys(each.pattern for each in deployments if "*" not in each.pattern)
    for place in every:
        with at(_section(place.deployment)):
            if not place.filled and NAME not in place.written:
                raise ConfigError(
                    f"every certificate that matches would be written to {place.written}",
                    'put {name} into it, or name the one certificate: [deploy."example.org".…]',
                )
            _check_others(place, [*same[place.real], *(same[place.filled] if place.filled else ())])
            if not place.filled:
                _check_matching(place, same, names)


def check_delivery(deployment: PlacedDeployment, name: str, deployments: Iterable[PlacedDeployment]) -> None:
    """Refuse to bring the certificate ``name`` to where another target writes by now: a folder may have
    become a link since the configuration was written. Raises ConfigError."""
    own = {_real(written.replace(NAME, name)): written for written in deployment.places}
    for other in deployments:
        if matches(other.pattern, name) or other.pattern == deployment.pattern:
            if other.configured == deployment.configured:  # itself, or the less exact of the two
                continue
            its = name
        elif "*" not in other.pattern:
            its = other.pattern
        else:
            continue
        for written in other.places:
            if (real := _real(written.replace(NAME, its))) in own:
                with at(_section(deployment)):
                    raise _taken(own[real], written, other)


def _check_others(place: _Place, others: Iterable[_Place]) -> None:
    for other in others:
        if other.deployment is place.deployment:
            if other.written != place.written:
                raise ConfigError(
                    f"{place.written} and {other.written} are one file", "write another path for one of them"
                )
        elif place.real != other.real or not _one_of_two(place, other):
            raise _taken(place.written, other.written, other.deployment)


def _one_of_two(place: _Place, other: _Place) -> bool:
    """Whether each certificate has one of the two: the one in the more exact section."""
    return other.deployment.configured == place.deployment.configured and NAME in place.written


def _check_matching(place: _Place, same: Mapping[str, Sequence[_Place]], names: Iterable[str]) -> None:
    """Refuse what is, for one of the names, the place that a section of one certificate has. Other names
    are left to ``check_delivery``: not every file beside those of a pattern is called like a certificate."""
    for name in names:
        if not matches(place.deployment.pattern, name):
            continue
        real = _real(place.written.replace(NAME, name))
        for other in same.get(real, ()):
            pattern = other.deployment.pattern
            if other.filled == real and not (_one_of_two(place, other) and name == pattern):
                raise _taken(place.written, other.written, other.deployment)


def _place(deployment: PlacedDeployment, written: str) -> _Place:
    one = "*" not in deployment.pattern
    filled = _real(written.replace(NAME, deployment.pattern)) if one else ""
    return _Place(deployment, written, _real(written), filled)


def _real(place: str) -> str:
    """A path with the links of its folder followed; its own last part is replaced, not followed."""
    if not place.startswith("/"):
        return place
    folder, name = os.path.split(place)
    return os.path.join(os.path.realpath(folder), name)


def _section(deployment: PlacedDeployment) -> str:
    return f'[deploy."{deployment.pattern}".{deployment.configured}]'


def _taken(written: str, others: str, other: PlacedDeployment) -> ConfigError:
    by = "" if written == others else f", which writes to {others}"
    return ConfigError(
        f"{written} is that of {_section(other)} already{by}",
        'write another one; for a second service that reads it: to = "command"',
    )
