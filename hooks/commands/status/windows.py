"""Whether a CA wants a certificate renewed by now, whichever client has it issued (RFC 9773)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from ....errors import ConfigError, StateError
from ...deploy.certificate.leaf import Leaf
from ...issue.planning.renewal_windows import RenewalWindow, read_windows, refresh_windows
from ...issue.section import CaSection, certificates_folder, load_ca
from ...state.folder import state_dir
from .expiry import Level, Problem

TIME_LIMIT = 5.0  # seconds for all CAs together; who is not asked by then is so by a later call
RENEWAL_GRACE = 86400.0  # seconds after its chosen instant, in which `dns01 issue` has had a run


def windows(leaves: Iterable[Leaf], environ: Mapping[str, str], now: datetime) -> dict[str, RenewalWindow]:
    """The windows of the certificates, by renewal id. A CA is asked only where its answer can be kept:
    else it would be asked at every look."""
    state = state_dir(environ)
    if os.access(state, os.W_OK):
        ca: CaSection | None = None
        with suppress(ConfigError):
            ca = load_ca(environ)
        with suppress(StateError):
            return refresh_windows(leaves, ca, state, now.timestamp(), time_limit=TIME_LIMIT)
    return read_windows(state)


def overdue(
    path: str, name: str, window: RenewalWindow | None, environ: Mapping[str, str], now: datetime
) -> Problem | None:
    """The problem of a certificate whose window has begun, and that is still the old one; None for others.

    ``dns01 issue`` renews its own at an instant within the window, and has a day for that.
    """
    if window is None or not window.chosen:
        return None
    since = window.start
    if _is_ours(path, environ):
        since = min(window.chosen + RENEWAL_GRACE, max(window.end, window.chosen))
    if now.timestamp() < since:
        return None
    begun = datetime.fromtimestamp(window.start, UTC)
    why = f": {window.explanation}" if window.explanation else ""
    return Problem(
        Level.CRITICAL,
        renewal_subject(path),
        "renewal-window",
        f"{name}: the CA wants it renewed since {begun:%Y-%m-%d %H:%M} UTC{why}",
        "have the client renew it now (dehydrated: -x, certbot: renew --force-renewal, or `dns01 issue`)",
    )


def renewal_subject(path: str) -> str:
    """The subject of a problem with the CA's renewal window; ``path``: the certificate's."""
    return f"renewal window {path}"


def _is_ours(path: str, environ: Mapping[str, str]) -> bool:
    with suppress(ConfigError):
        folder = os.path.realpath(certificates_folder(environ))
        return os.path.realpath(os.path.dirname(os.path.dirname(path))) == folder
    return False
