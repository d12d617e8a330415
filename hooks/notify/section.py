r"""What ``[notify]`` says: who is told, and of what.

::

    [notify]
    urls = [{ file = "/etc/dns01/ntfy" }]         # of services that Apprise knows; they hold secrets
    command = "sh -c 'mail -s \"$DNS01_SUBJECT\" root'"   # gets the text on its standard input
    expiry = 14                                   # days; without it, what is a WARNING of `dns01 status`
    on = ["failure", "expiry", "recovery"]        # without it, all three
    pass_environment = "MAILGUN_KEY"              # variables for the command, which gets no secrets
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...errors import ConfigError
from ...options import Option, at, check_known, words
from ...output import warning
from ..config.load import configuration_file
from ..config.validators import value_of

KEYS = ("urls", "command", "expiry", "on", "pass_environment")
OCCASIONS = ("failure", "expiry", "recovery")


class Receivers(NamedTuple):
    """Who is told, and of what. ``expiry``: days; None where nothing is said. ``on``: some of OCCASIONS."""

    urls: tuple[str, ...]
    command: tuple[str, ...] = ()
    expiry: float | None = None
    on: frozenset[str] = frozenset(OCCASIONS)
    pass_environment: tuple[str, ...] = ()

    @property
    def called(self) -> list[str]:
        """What to call each of them; a URL's scheme is all of it that is no secret."""
        urls = [f"urls[{number}] ({url.partition(':')[0]})" for number, url in enumerate(self.urls)]
        return [*urls, *(["the command"] if self.command else [])]


def load_receivers(environ: Mapping[str, str]) -> Receivers | None:
    """Who is notified of what; None where nobody is. Raises ConfigError."""
    file = configuration_file(environ)
    if file is None or (table := file.table("notify")) is None:
        return None
    url = Option("url", (), "the URL of a service that Apprise knows", secret=True)
    with at(file.path), at("[notify]"):
        return read(table, lambda place, value: file.value(place, url, value))


def receivers_to_tell(environ: Mapping[str, str]) -> Receivers | None:
    """Who is notified, for a command that was told to (``--notify``). That there is nobody, or that the
    section is wrong, is a warning, and None."""
    try:
        if receivers := load_receivers(environ):
            return receivers
        warning("nobody is to be notified: write [notify] in config.toml")
    except ConfigError as error:
        warning(f"nobody was notified: {error}")
        warning(error.hint)
    return None


def read(table: object, secret: Callable[[str, object], str]) -> Receivers:
    """What the table says. ``secret`` reads the value at a place of it. Raises ConfigError."""
    if not isinstance(table, dict):
        raise ConfigError("it is no table", 'write [notify] and below it command = "…" or urls = […]')
    check_known("key", table, KEYS)
    urls = table.get("urls", [])
    if not isinstance(urls, list):
        raise ConfigError("urls: it is no list", 'write urls = [{ file = "/path" }]')
    receivers = Receivers(
        tuple(_url(f"urls[{number}]", secret(f"urls[{number}]", each)) for number, each in enumerate(urls)),
        value_of(table, "command", words, ()),
        _days(table),
        _occasions(table),
        _passed(table),
    )
    if not receivers.called:
        raise ConfigError("it says nobody to notify", 'write command = "…" or urls = […] below it')
    return receivers


def _url(place: str, url: str) -> str:
    if "://" not in url:
        raise ConfigError(
            f"{place}: it is no URL", "write it as Apprise has it, for example ntfy://host/topic"
        )
    return url


def _passed(table: Mapping[str, Any]) -> tuple[str, ...]:
    if "pass_environment" not in table:
        return ()
    with at("pass_environment"):
        return words(table["pass_environment"])


def _days(table: Mapping[str, Any]) -> float | None:
    days = table.get("expiry")
    if days is None or (isinstance(days, (int, float)) and not isinstance(days, bool) and days > 0):
        return days
    raise ConfigError(f"expiry: {days!r} is no number of days", "write, for example, expiry = 14")


def _occasions(table: Mapping[str, Any]) -> frozenset[str]:
    occasions = table.get("on", list(OCCASIONS))
    if not isinstance(occasions, list) or not all(isinstance(each, str) for each in occasions):
        raise ConfigError("on: it is no list", f"write some of {', '.join(OCCASIONS)} in it")
    with at("on"):
        check_known("occasion", occasions, OCCASIONS)
    return frozenset(occasions)
