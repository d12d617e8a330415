"""What runs a client again and again without a clock: scripts that sleep between two runs, as in containers.

They are looked for where a container's first process is, where supervisors have their services, and among the
containers that Docker and Podman have on this machine.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from ..text_files import find, read_text
from .command_line import Line, script, scripts
from .crontab import CronEntry

FIRST_PROCESS = "/proc/1/cmdline"
# Scripts that a container begins with, and those of runit, s6, Alpine's local and rc.local.
SCRIPTS = (
    "/*entrypoint*", "/entry.sh", "/start.sh", "/run.sh", "/init.sh", "/app/*entrypoint*", "/app/start.sh",
    "/usr/local/bin/*entrypoint*", "/usr/bin/*entrypoint*", "/docker-entrypoint.d/*", "/etc/service/*/run",
    "/etc/services.d/*/run", "/etc/s6-overlay/s6-rc.d/*/run", "/etc/sv/*/run", "/etc/local.d/*.start",
    "/etc/rc.local",
)  # fmt: skip
SUPERVISORS = ("/etc/supervisord.conf", "/etc/supervisor/conf.d/*.conf", "/etc/supervisor.d/*.ini")
DOCKER = "/var/lib/docker/containers/*/config.v2.json"
PODMAN = "/var/lib/containers/storage/overlay-containers/*/userdata/config.json"
MOST_CONTAINERS = 200

_SLEEPS = re.compile(r"\bsleep\b")
_COMMAND = re.compile(r"^\s*command\s*=\s*(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def entry_points(root: str = "/") -> Iterator[tuple[CronEntry, Line]]:
    """Of the variables of each nothing is known."""
    for path, text in (*_here(root), *_containers(root)):
        yield CronEntry(path, text, None), Line(path, text, {}, complete=False, source=path)


def _here(root: str) -> Iterator[tuple[str, str]]:
    first = shlex.join((read_text(FIRST_PROCESS, root) or "").strip("\0").split("\0"))
    commands = [(FIRST_PROCESS, first)]
    commands += [(path, path) for pattern in SCRIPTS for path in find(pattern, root)]
    for path in (path for pattern in SUPERVISORS for path in find(pattern, root)):
        commands += [(path, command) for command in _COMMAND.findall(read_text(path, root) or "")]
    for path, command in commands:
        texts = (command, *(_COMMENT.sub("", script(each, root)) for each in scripts(command, "")))
        if any(map(_SLEEPS.search, texts)):
            yield path, command


def _containers(root: str) -> Iterator[tuple[str, str]]:
    """Those that are at work. What their scripts say is not known from here; their images' names are."""
    for path in find(DOCKER, root)[:MOST_CONTAINERS]:
        value = _object(read_text(path, root))
        if _object(value.get("State")).get("Running") is True:
            image = str(_object(value.get("Config")).get("Image", ""))
            yield path, f"docker run {shlex.quote(image)} {_joined(value.get('Path'), value.get('Args'))}"
    for path in find(PODMAN, root)[:MOST_CONTAINERS]:
        process = _object(_object(read_text(path, root)).get("process"))
        if _SLEEPS.search(command := _joined("", process.get("args"))):
            yield path, f"podman run image {command}"


def _object(value: object) -> dict[str, object]:
    """What somebody else has written down, as far as it is an object."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _joined(program: object, arguments: object) -> str:
    words = [program, *(arguments if isinstance(arguments, list) else [])]
    return shlex.join(word for word in words if isinstance(word, str) and word)
