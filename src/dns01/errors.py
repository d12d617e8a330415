"""Everything that dns01 raises on purpose.

Every error names the thing that is wrong (account, zone, server, file, line) and carries a
``hint`` that says what to do about it. They are caught in one place, ``hooks/dispatch.py``::

    HookError                     1
    ├ UsageError                  2   the words of the call
    ├ ConfigError                 3   a variable, a file, a key
    ├ StateError                  4   the journal cannot be kept
    ├ ProviderError               5   the DNS provider
    │ ├ AuthRejected                  what the credentials lack
    │ │ └ ClockSkew                   the two clocks are too far apart for a signature
    │ ├ ZoneNotFound                  no zone of the account holds the name
    │ │ └ ZoneUnserved                the server has it, and cannot answer for it
    │ └ Transient                     may pass by itself
    │   ├ Busy                        over the limit; when to come back
    │   └ Unreachable                 no answer
    ├ DelegationError             6   where the record would go cannot be found
    ├ CaaForbids                  7   the CA may not issue for the name
    ├ ClientGone                  1   the ACME client ended while its records were waited for
    ├ NotReady                    8   not every server had the record in time
    ├ DeployError                 9   the certificate did not reach its target
    └ AcmeError                  10   the CA refused or failed, or not every certificate was issued

The figures are the exit codes.
"""

from __future__ import annotations


class HookError(Exception):
    """Something that the person who runs the hook has to know, with what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def hint_of(error: BaseException | None) -> str:
    """What to do about an error; empty where it is none that was raised on purpose."""
    return error.hint if isinstance(error, HookError) else ""


class UsageError(HookError):
    """The words of the call make no sense: nothing was done."""

    exit_code = 2


class ConfigError(HookError):
    """A setting is missing, unknown, malformed or readable by others: nothing was done."""

    exit_code = 3


class StateError(HookError):
    """The state folder cannot be used, so nothing is published: what is not in the journal
    could never be taken back."""

    exit_code = 4


class ProviderError(HookError):
    """The DNS provider refused or failed.

    ``definite``: it is certain that nothing was changed by what was asked for. A time-out, say, is not.
    """

    exit_code = 5
    definite = False


class AuthRejected(ProviderError):
    """The credentials are wrong, or lack a permission that the message names."""

    definite = True


class ClockSkew(AuthRejected):
    """The provider's clock and this machine's are so far apart that no signature is good."""


class ZoneNotFound(ProviderError):
    """None of the account's zones holds the name; the message lists those that it has."""

    definite = True


class ZoneUnserved(ZoneNotFound):
    """The server has the zone, and cannot answer for it: it does not load, or has expired."""


class Transient(ProviderError):
    """May pass by itself; raised once the budget of retries is spent."""


class Busy(Transient):
    """Over the provider's limit. ``retry_after``: seconds until it wants to be asked again."""

    def __init__(self, message: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class Unreachable(Transient):
    """The provider does not answer."""


class DelegationError(HookError):
    """A CNAME loop, a chain that is too long, or no server that knows the name."""

    exit_code = 6


class CaaForbids(HookError):
    """The CAA records of the name keep the CA from issuing (RFC 8659)."""

    exit_code = 7


class ClientGone(HookError):
    """The ACME client ended during the wait: nobody is left to ask the CA."""


class NotReady(HookError):
    """The record was not everywhere in time. ``report``: a line for each server and name;
    ``names``: the owner names that were not ready."""

    exit_code = 8

    def __init__(
        self, message: str, hint: str = "", *, report: tuple[str, ...] = (), names: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint)
        self.report = report
        self.names = names


class DeployError(HookError):
    """The certificate is not fit for its target, or did not reach it."""

    exit_code = 9


class AcmeError(HookError):
    """The CA refused, failed or made no sense, or not every certificate was issued. ``code``: that of
    RFC 8555 §6.7, "connection" where there was no answer, else empty. ``retry_after``: seconds until
    the CA wants to be asked again."""

    exit_code = 10

    def __init__(
        self, message: str, hint: str = "", *, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.retry_after = retry_after
