"""The providers of dns-lexicon, of which there are 88, told apart by ``api``.

Their options are those of lexicon: as variables they are called LEXICON_CLOUDFLARE_AUTH_TOKEN and so on.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

from ..deadline import within
from ..errors import AuthRejected, Busy, ConfigError, HookError, ProviderError, Unreachable
from ..options import seconds
from ..output import printable
from ..secret import redact
from ._bridge import Bridge, entries
from ._character_strings import unquoted
from ._http.causes import CauseKind, cause_of, in_words
from ._http.exchange import limit_other_sessions
from ._http.logs import keep_queries_out
from ._http.responses import words_in
from .base import Option, Profile, TxtRecord, Zone

if TYPE_CHECKING:
    from lexicon.interfaces import Provider as Api

T = TypeVar("T")

PAUSES = (0.0, 1.0, 2.0, 4.0)  # seconds: an API may take a while to show what it was told

STEP_END_TIMEOUT = 1.0  # seconds after the time limit, in which a step that nobody waits for ends
LARGEST_ANSWER = 16 << 20  # octets; some of its modules list all records of a zone
LONGEST_WORDS = 65536  # characters of an error that are looked at


class Provider(Bridge):
    """lexicon's own class for the API, with the zone that the DNS says (its client guesses it, by a
    list that it fetches). What is written is read back."""

    title = "dns-lexicon's providers"
    docs = "https://dns-lexicon.github.io/dns-lexicon/configuration_reference.html"
    needs = ("lexicon", "lexicon")
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "api",
            ("LEXICON_PROVIDER", "LEXICON_PROVIDER_NAME"),
            "PROVIDER: lexicon's name of it",
            required=True,
        ),
        Option("time_limit", ("LEXICON_TIME_LIMIT",), "how many seconds one step may take", default="120"),
        Option(
            "options",
            ("LEXICON_{api}_*",),
            "an option of PROVIDER's, as `lexicon PROVIDER --help` lists them; … is PROVIDER in capitals",
            secret=True,
            table=True,
        ),
    )
    profile = Profile()
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, options: Mapping[str, str]) -> None:
        self._api = options["api"].lower()
        self._limit = seconds(options["time_limit"], "LEXICON_TIME_LIMIT")
        self._options = {key.lower(): value for key, value in entries(options, "options").items()}
        self._kind = _find(self._api)
        logging.getLogger("lexicon").addHandler(logging.NullHandler())  # it may log what is secret
        keep_queries_out()
        limit_other_sessions(LARGEST_ANSWER)

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        values = {record.value for record in wanted}
        with self._opened(zone, max(record.ttl for record in wanted)) as api:
            before = set(_values(api, name))
            for value in sorted(values - before):
                api.create_record("TXT", name, value)
            self._read_back(api, name, wanted_values=before | values, unwanted_values=set())

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        values = {record.value for record in unwanted}
        with self._opened(zone, unwanted[0].ttl) as api:
            before = set(_values(api, name))
            for value in sorted(values & before):
                api.delete_record(None, "TXT", name, value)
            # Where the API keeps values in quotes, some of lexicon's modules look for them so.
            for value, spelling in _values(api, name).items():
                if value in values and spelling != value:
                    api.delete_record(None, "TXT", name, spelling)
            self._read_back(api, name, wanted_values=before - values, unwanted_values=values)

    def attempt(self, about: str, step: Callable[[], T]) -> T:
        """Do the step within the time limit: most of lexicon's modules would wait for ever. A step that hangs
        is left to itself, in a thread that ends with the process."""
        done: list[T] = []
        failed: list[Exception] = []

        def work() -> None:
            try:
                with within(self._limit + STEP_END_TIMEOUT):  # it ends soon after it is left to itself
                    done.append(step())
            except Exception as error:
                failed.append(error)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        worker.join(self._limit)
        if failed:
            # Without its cause, which may quote a secret.
            raise self._translated(about, failed[0]) from None
        if not done:
            raise Unreachable(
                f"{self._name}: no end within {self._limit:g} s ({about})",
                "try again later, or give it more time with LEXICON_TIME_LIMIT",
            )
        return done[0]

    @property
    def _name(self) -> str:
        return f"{self.whose}: lexicon's {self._api}"

    @contextmanager
    def _opened(self, zone: Zone, ttl: int) -> Iterator[Api]:
        from lexicon.config import ConfigResolver

        given = {"provider_name": self._api, "domain": zone.apex, "ttl": ttl, self._api: self._options}
        resolver = ConfigResolver()  # type: ignore[no-untyped-call]
        api: Api = self._kind(resolver.with_dict(given))
        api.authenticate()
        try:
            yield api
        finally:
            api.cleanup()

    def _read_back(self, api: Api, name: str, wanted_values: set[str], unwanted_values: set[str]) -> None:
        """Some of its modules replace all values at a name, or remove them all, which is said."""
        for pause in PAUSES:
            self.sleep(pause)
            seen = set(_values(api, name))
            if wanted_values <= seen and unwanted_values.isdisjoint(seen):
                return
        wrong = [
            f"{len(wanted_values - seen)} of {len(wanted_values)} values that should stay are gone"
        ] * bool(wanted_values - seen)
        wrong += [f"{len(unwanted_values & seen)} that should be gone are there"] * bool(
            unwanted_values & seen
        )
        raise ProviderError(
            f"{self._name}: at {name}, {' and '.join(wrong)}",
            "put back by hand what is missing; this API needs another way (`dns01 providers` lists them)",
        )

    def _translated(self, about: str, error: Exception) -> HookError:
        from lexicon.exceptions import AuthenticationError

        if isinstance(error, HookError):
            return error
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", 0)
        # Of an answer not the error's own words: they quote the URL, where some APIs want a secret.
        reason = f"{status}: {response.text}" if response is not None else f"{type(error).__name__}: {error}"
        message = f"{self._name}, zone {about}: {_plain(reason)}"
        variables = f"LEXICON_{self._api.upper()}_…"
        kind, general = cause_of(reason if response is None else _words(response.text), about, {})
        remedy = in_words(general, self._api, variables, about)
        if status == 429 or (kind is CauseKind.PASSING and status):
            return Busy(message, "try again later")
        if status in (401, 403) or isinstance(error, AuthenticationError):
            return AuthRejected(message, remedy or f"is the zone in this account, and are {variables} right?")
        # requests' own errors are of this kind as well.
        if status >= 500 or (not status and isinstance(error, OSError)):
            return Unreachable(message, "try again later")
        usage = f"what its options mean: lexicon {self._api} --help, or {self.docs}"
        return ProviderError(message, remedy or usage)


def _find(api: str) -> type[Api]:
    """lexicon's class for the API. Raises ConfigError, which names the nearest ones."""
    try:
        from lexicon._private.discovery import load_provider_module

        available = _available()
    except ImportError as error:
        raise ConfigError(
            f"dns-lexicon cannot be used: {error}", "pip install 'dns01-hook[lexicon]'"
        ) from None
    if api not in available:
        near = get_close_matches(api, available, 3, 0.5)
        raise ConfigError(
            f"lexicon has no provider {api!r}",
            f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(available)}",
        )
    if not available[api]:
        raise ConfigError(
            f"lexicon's {api} needs packages that are not there", f"pip install 'dns-lexicon[{api}]'"
        )
    kind: type[Api] = load_provider_module(api).Provider
    return kind


@cache
def _available() -> Mapping[str, bool]:
    """Its providers, and whether the packages that each needs are there. Raises ImportError.

    lexicon reads what is known of its own package anew for each of them: a tenth of a second.
    """
    from lexicon._private.discovery import find_providers

    return find_providers()


def _values(api: Api, name: str) -> dict[str, str]:
    """The TXT values at the name, and how the API spells each."""
    listed = (str(record["content"]) for record in api.list_records("TXT", name))
    return {unquoted(spelling): spelling for spelling in listed}


def _words(answer: str) -> str:
    """What an answer says, but for what it repeats of the request."""
    try:
        return ", ".join(words_in(json.loads(answer)))
    except (ValueError, RecursionError):
        return answer[:LONGEST_WORDS]


def _plain(text: str) -> str:
    """In one line and not for ever, without secrets."""
    return printable(re.sub(r"\s+", " ", redact(text)).strip()[:400])
