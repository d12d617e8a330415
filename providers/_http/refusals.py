"""What it means that an API says no, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ...errors import AuthRejected, Busy, ProviderError, Unreachable
from .causes import CauseKind, cause_of, in_words
from .responses import NotFound, Refused

if TYPE_CHECKING:
    from .body import HttpResponse

TAG = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
LONGEST_PAGE = 65536  # characters that are looked at
MISSING = (
    "see that {about} is in this account at {title}, by the id in its [zone] section if it has one, and that"
    " {variables} may see it"
)
CREDENTIALS = "see that {variables} is right, and what the provider lets it do"
PAGE = (
    " (the answer is a page for people: what refuses may be something in between, a firewall or a block of"
    " this machine's address)"
)


class Refusal(NamedTuple):
    """An answer that is not one of 2xx, and whose request it was.

    ``status``: as HTTP means it; ``body``: what was read of it, or None; ``call``: the method and the path;
    ``about``: the zone or name; ``variables``: those of the credentials; ``remedies``: the provider's own
    (causes.py), and ``failing`` the one for 5xx; ``clean``: makes a text of the API's fit to be shown.
    """

    response: HttpResponse
    status: int
    body: Any
    call: str
    whose: str
    base: str
    about: str
    title: str
    variables: str
    permission: str
    docs: str
    remedies: Mapping[str, str]
    failing: str
    clean: Callable[[str], str]

    def meaning(self, words: str, is_rejection: bool, wish: float | None) -> ProviderError:
        """What to raise. ``words``: what the body says; ``is_rejection``: whether its status is about the
        credentials; ``wish``: seconds after which it wants to be asked again."""
        if self.status < 400:
            return self._redirection()
        text = self._text() if self._is_page else words or self._text()
        answer = f"{text or self.clean(self.response.reason)} ({self.status}, {self.call})"
        # JSON in which no words are found may be no more than our own request.
        its_own = text if words or self.body is None else ""
        kind, remedy = cause_of(its_own, self.about, self.remedies)
        if self.status in (429, 503) or (kind is CauseKind.PASSING and self.status < 500):
            hint = "try again later" if wish is None else f"try again in {wish:.0f} s"
            busy = Busy(f"{self.whose}: {self._host} is busy: {answer}", hint, retry_after=wish)
            busy.definite = self.status < 500
            return busy
        if self.status == 408 or self.status >= 500:
            hint = remedy if kind is CauseKind.REFUSAL else self.failing
            return Unreachable(f"{self.whose}: {self._host} fails: {answer}", self._in_words(hint))
        if kind is CauseKind.CREDENTIALS or (kind is None and is_rejection):
            page = PAGE if self.body is None and self._is_page else ""
            return AuthRejected(
                f"{self.whose}: the credentials are refused for {self.about}: {answer};"
                f" they need {self.permission}",
                self._in_words(remedy or CREDENTIALS + page),
            )
        general = MISSING if self.status == 404 else f"what the API takes is described at {self.docs}"
        kind_of = NotFound if self.status == 404 else Refused
        message = f"{self.whose}: refused for {self.about}: {answer}"
        return kind_of(message, self._in_words(remedy or general), self.status, self.body)

    def _redirection(self) -> ProviderError:
        where = self.clean(_host_of(self.response.headers.get("Location", "")))
        return ProviderError(
            f"{self.whose}: {self._host} sends the request on to {where or 'nowhere'}"
            f" ({self.status}, {self.call})",
            "credentials do not go there unasked: if it is right, make it the account's base_url",
        )

    def _in_words(self, remedy: str) -> str:
        return in_words(remedy, self.title, self.variables, self.about)

    @property
    def _host(self) -> str:
        return _host_of(self.base) or self.base

    @property
    def _is_page(self) -> bool:
        return self.response.text[:200].lstrip().lower().startswith(("<!doctype html", "<html"))

    def _text(self) -> str:
        """What it says that is not in the API's language."""
        text = self.response.text[:LONGEST_PAGE]
        if not self._is_page:
            return self.clean(text)
        # A title says most often the same as the heading.
        parts = (" ".join(part.split()) for part in TAG.sub("\n", text).split("\n"))
        return self.clean(" ".join(dict.fromkeys(part for part in parts if part)))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
