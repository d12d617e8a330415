"""What ``[audit]`` says: where lines go besides the file, and how large that may become.

::

    [audit]
    to = "journald"    # or "syslog", or both: ["journald", "syslog"]
    size = 8           # MiB, after which a new file is begun
    keep = 12          # of the files that are full; 0: all
"""

from collections.abc import Mapping
from typing import NamedTuple

from ....errors import ConfigError
from ....options import at, check_known
from ....trusted_file import read_trusted
from ..pending_work import CONFIGURATION

KEYS = ("to", "size", "keep")
RECEIVERS = ("journald", "syslog")


class AuditSettings(NamedTuple):
    """What ``[audit]`` says. ``to``: some of RECEIVERS. ``size``: octets. ``keep``: rotated files, 0 for
    all."""

    to: tuple[str, ...] = ()
    size: int = 8 << 20
    keep: int = 12


def load_audit(environ: Mapping[str, str]) -> AuditSettings:
    """What the configuration file says. Raises ConfigError.

    It is read here and not by ``config.load``, for phases that need no more of the configuration than this.
    """
    path = environ.get("DNS01_CONFIG", CONFIGURATION)
    if not path:
        return AuditSettings()
    try:
        content = read_trusted(path)[0]
    except (OSError, ConfigError):  # whoever needs an account says it
        return AuditSettings()
    if b"audit" not in content:  # as a rule: spares the parser
        return AuditSettings()
    import tomllib  # 8 ms that most calls need not pay

    try:
        table = tomllib.loads(content.decode()).get("audit", {})
    except (ValueError, RecursionError):
        return AuditSettings()
    with at(path), at("[audit]"):
        return read(table)


def read(table: object) -> AuditSettings:
    """What the table says. Raises ConfigError."""
    if not isinstance(table, dict):
        raise ConfigError("it is no table", 'write [audit] and below it, for example, to = "journald"')
    check_known("key", table, KEYS)
    default = AuditSettings()
    size = _number("size", table.get("size", default.size >> 20), 0.01, 512)
    keep = _number("keep", table.get("keep", default.keep), 0, 10_000)
    return AuditSettings(_receivers(table.get("to", [])), int(size * (1 << 20)), int(keep))


def _receivers(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ConfigError("to: it is no list", f"write one or both of {', '.join(RECEIVERS)}")
    with at("to"):
        check_known("receiver", listed, RECEIVERS)
    return tuple(dict.fromkeys(listed))


def _number(key: str, value: object, least: float, most: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return value
    what = "MiB" if key == "size" else "files"
    raise ConfigError(
        f"{key}: {value!r} is no number of {what}", f"it is a number from {least:g} to {most:g}"
    )
