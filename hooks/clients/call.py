"""One call of the hook: what an ACME client wants done, whichever client it is."""

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ...errors import UsageError
from .challenge import Challenge

Phase = Literal[
    "publish", "retract", "failed",  # challenges
    "decline", "foreign",  # challenges of other types: with an exit code that says so, or without
    "deploy", "unchanged", "sync", "ocsp",  # certificates
    "start", "refused", "exit",  # the run
]  # fmt: skip


class Certificate(NamedTuple):
    """The paths of a certificate and what belongs to it; empty where the client gives none.

    ``names``: what the certificate is for, if the client says so. ``timestamp``: epoch seconds.
    """

    domain: str
    key: str = ""
    cert: str = ""
    fullchain: str = ""
    chain: str = ""
    timestamp: str = ""
    csr: str = ""
    ocsp: str = ""
    names: tuple[str, ...] = ()


class Call(NamedTuple):
    """One call of the hook. ``client_phase``: the client's own word for the phase."""

    client: str
    phase: Phase
    client_phase: str
    challenges: tuple[Challenge, ...] = ()
    certificate: Certificate | None = None
    last: bool = True  # no more challenges follow: this is the call to wait in
    run_names: tuple[str, ...] = ()  # all identifiers of the run, one for each of its challenges
    identifiers: tuple[str, ...] = ()  # all that the certificate is for, where the client says so
    problem: str = ""  # what the client or the CA has to complain about
    foreign: tuple[str, ...] = ()  # identifiers whose challenge is of another type, and not ours
    if_unknown: tuple[str, str] | None = None  # the error, and its hint, if nothing of this run is known
    if_known: tuple[str, str] | None = None  # the same, if this run has published all of it already
    directory: str = ""  # the CA's ACME directory, where the client says it with the call
    account: str = ""  # the account's URI there


def wrong_form(phase: str, form: str, arguments: Sequence[str]) -> UsageError:
    """The error about a phase whose arguments are not of its ``form``."""
    return UsageError(f"{phase}: {len(arguments)} arguments make no sense", f"it takes: {form}")


def validation_of(key_authorization: str) -> str:
    """The TXT value of a key authorization (RFC 8555 §8.4)."""
    digest = hashlib.sha256(os.fsencode(key_authorization)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
