"""The section that brings a certificate to the web server of this machine, for pasting."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import NamedTuple

from ...deploy.collisions import matches
from ...deploy.section import outline_deployments
from .clients import SetupRequest


class _Service(NamedTuple):
    """``program``: whose being there says that the service is. ``settings``: of its target."""

    name: str
    program: str
    folder: str
    settings: tuple[str, ...] = ()


SERVICES = (
    _Service("nginx", "nginx", "/etc/nginx/tls", ('test = "nginx -t"', 'reload = "systemctl reload nginx"')),
    _Service(
        "apache",
        "apache2ctl",
        "/etc/apache2/tls",
        ('test = "apache2ctl configtest"', 'reload = "systemctl reload apache2"'),
    ),
)
OTHER = "files"  # the target's name where no service is known


def lines(order: SetupRequest, file: str) -> Sequence[str]:
    """The section, unless the configuration has one for these names, and the command that shows what would
    change. Raises ConfigError for a configuration that cannot be read."""
    name = min(order.names, key=lambda name: name.startswith("*."))
    rehearsal = f"dns01 deploy {name if name[0] != '*' else repr(name)} --dry-run"
    patterns = {each.pattern for each in outline_deployments(os.environ)}
    if any(matches(pattern, wanted) for pattern in patterns for wanted in order.names):
        return [rehearsal]
    service = next((each for each in SERVICES if shutil.which(each.program)), None)
    if service is None:
        service = _Service(OTHER, "", "/etc/ssl/dns01")
    # A pattern may stand for several certificates, each of which wants a place of its own.
    directory = f"{service.folder}/{{name}}" if "*" in name else service.folder
    return [
        f"cat >> {file} <<'END'",
        f'[deploy."{name}".{service.name}]',
        'to = "files"',
        f'directory = "{directory}"',
        *service.settings,
        "END",
        rehearsal,
    ]
