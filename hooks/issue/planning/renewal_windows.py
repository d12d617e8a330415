"""When each CA wants its certificates renewed, whoever had them issued: asked for, chosen within, and kept.

::

    STATE/renewal-windows.json  the window of each certificate, and our instant in it

The instant within a window is chosen once (RFC 9773 §4.2), and the CA is asked again when it says.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ....errors import AcmeError
from ...deploy.certificate.leaf import Leaf
from ...state.atomic import read_own, stage, usable
from ...state.locks import locks
from ..section import DIRECTORIES, CaSection

if TYPE_CHECKING:
    from ..acme.renewal_info import RenewalInfo

VERSION = 1
FILE = "renewal-windows.json"
LARGEST_FILE = 64 << 20  # octets
WORKERS = 8
LEAST_PAUSE, LONGEST_PAUSE = 60.0, 86400.0  # seconds between two questions: RFC 9773 §4.3.2
WINDOW_QUERY_INTERVAL = 6 * 3600.0  # seconds between two questions, where the CA does not say
FAILED_QUERY_INTERVAL = 3600.0  # seconds after a question that had no answer
FORGOTTEN = 30 * 86400.0  # seconds after the last question that was due: the certificate is gone
LOCK_TIMEOUT = 10.0

# CAs with renewal information, by what is in their intermediates' names; the first that fits.
CAS = (
    ("(STAGING) Let's Encrypt", DIRECTORIES["letsencrypt-test"]),
    ("Let's Encrypt", DIRECTORIES["letsencrypt"]),
    ("Google Trust Services", DIRECTORIES["google"]),
)


class RenewalWindow(NamedTuple):
    """What a CA, by its ``directory``, has said of one certificate. ``chosen``: our instant within
    ``start`` and ``end``; all three are 0 where the CA has said nothing yet. ``ask_again``: not before
    that. Times are in epoch seconds. ``explanation``: a URL, where the CA gives one."""

    id: str
    directory: str
    start: float = 0.0
    end: float = 0.0
    chosen: float = 0.0
    ask_again: float = 0.0
    explanation: str = ""


def read_windows(state: str) -> dict[str, RenewalWindow]:
    """What is kept, by the certificates' renewal ids. What cannot be read is asked for anew."""
    try:
        data = json.loads(read_own(os.path.join(state, FILE), LARGEST_FILE))
        if data["version"] != VERSION:
            return {}
        return {each.id: each for each in map(window_of, data["windows"]) if each}
    except (OSError, LookupError, RecursionError, TypeError, ValueError):
        return {}


def window_of(row: object) -> RenewalWindow | None:
    """What was kept of one; None where that is none."""
    if not isinstance(row, list) or not 2 <= len(row) <= len(RenewalWindow._fields):
        return None
    window = RenewalWindow(*row)
    return window if _is_sound(window) else None


def refresh_windows(
    leaves: Iterable[Leaf],
    ca: CaSection | None,
    state: str,
    now: float,
    *,
    time_limit: float = 600.0,
    choose: Callable[[float, float], float] = random.uniform,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, RenewalWindow]:
    """The windows of the certificates, asked for where it is time, within ``time_limit`` seconds.

    ``ca``: whom to ask about certificates of a CA that is not known by its name. What fails is a
    warning, and what is known holds until then. Raises StateError if the state cannot be written.
    """
    known = read_windows(state)
    asked = ask_windows(leaves, known, ca, now, time_limit=time_limit, choose=choose, warn=warn)
    return _keep(asked, state, now) if asked else known


def ask_windows(
    leaves: Iterable[Leaf],
    known: Mapping[str, RenewalWindow],
    ca: CaSection | None,
    now: float,
    *,
    time_limit: float = 600.0,
    choose: Callable[[float, float], float] = random.uniform,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, RenewalWindow]:
    """The windows whose Retry-After is over, as the CAs give them now. What is to be asked in more than
    LONGEST_PAUSE was written by a clock that was wrong."""
    to_ask = [
        window
        for leaf in leaves
        if (window := _known_or_new(leaf, known, ca)) is not None
        and not now < window.ask_again <= now + LONGEST_PAUSE
    ]
    until = time.monotonic() + time_limit
    asked: dict[str, RenewalWindow] = {}
    ca_files = {ca.directory: ca.ca_file} if ca else {}
    for directory in {window.directory for window in to_ask}:
        batch = [window for window in to_ask if window.directory == directory]
        asked |= _ask(batch, directory, ca_files.get(directory, ""), now, until, choose, warn)
    return asked


def _known_or_new(
    leaf: Leaf, known: Mapping[str, RenewalWindow], ca: CaSection | None
) -> RenewalWindow | None:
    """None where there is nobody to ask."""
    directory = next((url for words, url in CAS if words in leaf.issuer), ca.directory if ca else "")
    if not leaf.renewal_id or not directory:
        return None
    window = known.get(leaf.renewal_id)
    return window if window and window.directory == directory else RenewalWindow(leaf.renewal_id, directory)


def _ask(
    windows: list[RenewalWindow],
    directory: str,
    ca_file: str,
    now: float,
    until: float,
    choose: Callable[[float, float], float],
    warn: Callable[[str], None],
) -> dict[str, RenewalWindow]:
    from ..acme.renewal_info import RenewalInfo  # with it comes requests, which most calls can do without

    def work(batch: list[RenewalWindow]) -> list[RenewalWindow]:
        info = RenewalInfo(directory, ca_file)
        left = (window for window in batch if time.monotonic() < until)
        if info.offered:
            return [_asked(window, info, now, choose) for window in left]
        return [window._replace(ask_again=now + LONGEST_PAUSE) for window in left]

    batches = [windows[start::WORKERS] for start in range(min(WORKERS, len(windows)))]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            return {window.id: window for batch in pool.map(work, batches) for window in batch}
    except AcmeError as error:
        warn(f"no renewal window can be asked for: {error}")
        return {window.id: window._replace(ask_again=now + FAILED_QUERY_INTERVAL) for window in windows}


def _asked(
    window: RenewalWindow, info: RenewalInfo, now: float, choose: Callable[[float, float], float]
) -> RenewalWindow:
    try:
        suggested = info.suggested(window.id)
    except AcmeError:
        return window._replace(ask_again=now + FAILED_QUERY_INTERVAL)
    start, end = suggested.start, suggested.end
    chosen = window.chosen if window.chosen and start <= window.chosen <= end else choose(start, end)
    pause = WINDOW_QUERY_INTERVAL if suggested.retry_after is None else suggested.retry_after
    again = now + min(max(pause, LEAST_PAUSE), LONGEST_PAUSE)
    return RenewalWindow(window.id, window.directory, start, end, chosen, again, suggested.explanation)


def _keep(asked: Mapping[str, RenewalWindow], state: str, now: float) -> dict[str, RenewalWindow]:
    """Another process may have chosen in the meantime: its instants stay."""
    with locks(state, {"renewal windows": "the renewal windows"}, LOCK_TIMEOUT, time.sleep):
        kept = {each.id: each for each in read_windows(state).values() if each.ask_again > now - FORGOTTEN}
        for window in asked.values():
            theirs = kept.get(window.id)
            if theirs and theirs.chosen and window.start <= theirs.chosen <= window.end:
                window = window._replace(chosen=theirs.chosen)
            kept[window.id] = window
        path = os.path.join(state, FILE)
        with usable(state):
            os.rename(
                stage(path, {"version": VERSION, "windows": [list(each) for each in kept.values()]}), path
            )
    return kept


def _is_sound(window: RenewalWindow) -> bool:
    numbers = (window.start, window.end, window.chosen, window.ask_again)
    words = (window.id, window.directory, window.explanation)
    return all(isinstance(each, float) for each in numbers) and all(isinstance(each, str) for each in words)
