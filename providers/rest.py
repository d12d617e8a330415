"""JSON over HTTPS for one account: one session, time-outs, a budget of retries, errors in words.

The other half of a provider whose API it is::

    class Provider(Rest, RecordProvider):
        options = (
            Option("token", ("EXAMPLE_TOKEN",), "API token", required=True, secret=True),
            base_url("EXAMPLE_BASE_URL", "https://api.example.com/v1"),
        )

        def create(self, zone: Zone, record: TxtRecord) -> None:
            self.post("zones", zone.id, "records", type="TXT", name=record.name, data=record.value)

What it raises: AuthRejected, Refused (NotFound is one), Busy, Unreachable, or ProviderError for an
answer that makes no sense; ConfigError for what no request can be made of. None of them shows a
secret, a query or a header. As with any use of requests, HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE
and CURL_CA_BUNDLE hold; so does SSL_CERT_FILE, which requests does not know but OpenSSL and lego do.
Without any of them, the CAs are those that the machine trusts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote, urlsplit

from .. import output
from ..errors import ConfigError, ProviderError
from ..output import printable
from ..retry_after import rate_limit_reset, retry_after
from ..secret import redact, shown
from ._http.body import UnreadableAnswer, parsed
from ._http.failures import NETWORK, Sent
from ._http.logs import keep_queries_out
from ._http.refusals import Refusal
from ._http.responses import NotFound, Refused, listed, next_link, next_number, words_in
from ._http.retries import repeated
from .base import Option, Profile
from .records import ZoneProvider

if TYPE_CHECKING:
    import requests

    from ._http.body import HttpResponse

__all__ = ["NotFound", "Refused", "Rest", "base_url", "listed", "next_link", "next_number"]

# Of the options that are no secrets, these say who asks: they are wrong as often as the secret.
IDENTITIES = (
    "user", "email", "account", "customer", "id", "sub_id", "sub_user", "client_id", "access_key",
    "secret_id", "application_key", "fingerprint", "key", "token",
)  # fmt: skip

T = TypeVar("T")

LONGEST_WORDS = 65536  # characters of an error that are looked at
LONGEST_SHOWN = 400  # characters of it that are shown: Azure's name a client, an action and a scope
# What comes of JSON that is not as promised: a key less, another type, a number or a base64 that is none.
OTHER_SHAPE = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


class _Step(threading.local):
    """What one thread is at: each has a step and answers of its own."""

    about: str = ""
    headers: Mapping[str, str] = {}


class Rest(ZoneProvider):
    """What the API is asked, and what its answers mean.

    A subclass says ``title``, ``docs``, ``permission`` and ``options``, of which one is
    ``base_url`` and one at least a secret. Where the API differs from the plain case, it overrides
    ``credentials`` (the option ``token`` as a bearer token), ``after`` (lists have one page),
    ``is_rejection`` (401 and 403) or ``words`` (the usual keys of an error's JSON); where it does
    not answer in JSON, ``language`` and ``decoded``; where it answers 200 to everything, ``status_of``.
    """

    title: ClassVar[str]
    docs: ClassVar[str]
    permission: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]
    profile: ClassVar[Profile] = Profile()
    language: ClassVar[str] = "JSON"
    keyless: ClassVar[bool] = False  # whether the machine itself may be what is let in
    overheard: ClassVar[str] = "learns the credentials"  # whoever listens on the way, without HTTPS
    remedies: ClassVar[
        Mapping[str, str]
    ] = {}  # by a regular expression of the API's words; see _http/causes.py
    failing: ClassVar[str] = "try later; the provider's status page may know more"  # the step for 5xx
    closed: ClassVar[str] = NETWORK  # the step where a connection is closed without an answer

    ca_file: str = ""  # PEM of the CAs that are trusted, and no others; empty: the system's
    client_certificate: tuple[str, str] | None = None  # files of a certificate and its key, to be let in with
    timeout: float = 30.0  # seconds for one request and all of its answer
    largest: ClassVar[int] = 8 << 20  # octets of an answer
    budget: float = 120.0  # seconds that a step may take until it is no longer repeated
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError if none of the secrets is there; which of them, a user may choose."""
        self.given = options
        self._base = options["base_url"].rstrip("/")
        if not self._base.lower().startswith(("https://", "http://")):
            variable = next(option.env[0] for option in self.options if option.key == "base_url")
            raise ConfigError(
                f"{variable}: {shown(self._base)} is no address of an API", "an address begins with https://"
            )
        self._secrets = [options[option.key] for option in self._keys() if options.get(option.key)]
        if not self._secrets and not self.keyless:
            variables = [option.env[0] for option in self._keys()]
            raise ConfigError(
                f"{self.title} wants credentials: {' or '.join(variables)}",
                f"set it, or {variables[0]}_FILE to the path of a file that holds it;"
                f" they need {self.permission}",
            )
        from ._http.exchange import open_session  # 0.1 s that the reading of a configuration can do without

        keep_queries_out()
        self._thread = _Step()
        self._session = open_session()
        self._session.auth = self._authorize  # which also keeps requests from sending what ~/.netrc has

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is dubious about the configuration."""
        if self._base.lower().startswith("https:") or is_this_host(self._base):
            return ()
        return (f"{self._base} is not HTTPS: whoever listens on the way {self.overheard}",)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        """The headers that a request is let in with; some APIs want it signed."""
        return {"Authorization": f"Bearer {self.given['token']}"}

    def is_rejection(self, status: int, body: Any) -> bool:
        """Whether an error is about the credentials. ``body``: as for ``status_of``."""
        return status in (401, 403)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What more to ask for, to get the page after ``page``, which the query ``asked`` for;
        nothing after the last. The usual ways::

            next_number(page["page"], page["pages"])
            next_link(page["links"].get("next"))
            {"cursor": page["next"]} if page["next"] else {}
            {"offset": asked["offset"] + 100} if len(page) == 100 else {}
        """
        return {}

    def decoded(self, content: bytes) -> Any:
        """What an answer says. Raises ValueError if it is not in the API's language."""
        return parsed(content)

    def status_of(self, status: int, body: Any) -> int:
        """What the answer's status would be, were it used as HTTP means it. ``body``: None, if the
        answer is empty or makes no sense."""
        return status

    def pause_wanted(self, headers: Mapping[str, str], body: Any) -> float | None:
        """Seconds after which an API that is over its limit wants to be asked again, if it says so."""
        pause = retry_after(headers.get("Retry-After", ""))
        return rate_limit_reset(headers) if pause is None else pause

    def words(self, body: Any) -> str:
        """What an error's JSON says."""
        return ", ".join(dict.fromkeys(words_in(body)))

    def get(self, *path: str, **query: Any) -> Any:
        """What GET answers. Raises ProviderError: NotFound for 404."""
        return self.request("GET", path, query)

    def get_if_there(self, *path: str, **query: Any) -> Any:
        """The answer of a GET; None for 404. Raises LookupError for an answer that has nothing in it, which
        is not the same."""
        try:
            found = self.get(*path, **query)
        except NotFound:
            return None
        if not found:
            raise LookupError(found)
        return found

    def post(self, *path: str, **fields: Any) -> Any:
        """POST the fields as JSON; gives what the answer says. Raises ProviderError."""
        return self.request("POST", path, body=fields)

    def put(self, *path: str, **fields: Any) -> Any:
        """PUT the fields as JSON; gives what the answer says. Raises ProviderError."""
        return self.request("PUT", path, body=fields)

    def delete_at(self, *path: str) -> None:
        """DELETE; that it is already gone is success."""
        try:
            self.request("DELETE", path)
        except NotFound:
            return

    @contextmanager
    def unless(self, done: Callable[[], bool]) -> Iterator[None]:
        """Around a call: its refusal is none if a reading shows that what it was for is ``done``. Many
        APIs say the same of a record that is there already, or gone, as of anything else."""
        try:
            yield
        except Refused:
            if not done():
                raise

    def request(
        self,
        method: str,
        path: Sequence[str],
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        form: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wanted: str = "",
    ) -> Any:
        """Send one request; gives what the answer says (None: it is empty). ``path``: its segments, not yet
        encoded; ``body`` is sent as JSON, ``form`` in its place as a form, or as the octets that it is.
        ``wanted``: the header of the answer that is given in place of what it says. Raises ProviderError."""
        from ._http.exchange import exchange

        place = "".join(f"/{quote(segment, safe='')}" for segment in path)
        call, url = f"{method} {place or '/'}", f"{self._base}{place}"
        content = {"params": query, "json": body, "data": form, "headers": headers}
        content |= {"verify": self.ca_file or None, "cert": self.client_certificate}
        try:
            response = exchange(self._session, method, url, self.timeout, self.largest, **content)
        except UnreadableAnswer as reason:
            raise self._sent.unreadable(call, str(reason)) from None
        except (OSError, ValueError) as error:
            raise self._sent.failed(error) from None
        self._thread.headers = response.headers
        answer = self._content(response, call)
        return response.headers[wanted] if wanted else answer

    def pages(self, *path: str, **query: Any) -> Iterator[Any]:
        """Every page of a list, as ``after`` knows to ask for the next one.

        Raises ProviderError for a page that comes again, rather than to ask for it forever.
        """
        asked: list[Mapping[str, Any]] = []
        previous = None
        while query not in asked:
            page = self.get(*path, **query)
            if page == previous:
                break
            yield page
            following = self.after(page, query)
            if not following:
                return
            asked.append(query)
            previous, query = page, {**query, **following}
        raise ProviderError(
            f"{self.whose}: of the list /{'/'.join(path)} the same page comes again and again",
            f"something in between may keep old answers; otherwise it is a fault of {self._host}",
        )

    def items(self, key: str, *path: str, **query: Any) -> Iterator[Any]:
        """What stands under ``key`` on every page of a list."""
        for page in self.pages(*path, **query):
            yield from listed(page[key])

    def attempt(self, about: str, step: Callable[[], T]) -> T:
        """Repeat the step while what it meets may pass, within the budget.

        It is the step that is repeated and never a request: one that got no answer may have been
        carried out all the same (a time-out, a connection that breaks off, most of 5xx), and to send
        it again would create a record twice, or write over what others wrote since. A step reads
        first, and then does what is still lacking.
        """
        self._thread.about = about
        try:
            return repeated(step, self.budget, self.sleep, output.step)
        except OTHER_SHAPE as error:
            what = self._clean(repr(error))
            raise ProviderError(
                f"{self.whose}: an answer about {about} is not what its API promises ({what})",
                f"compare with {self.docs}, and that {self._base} is right",
            ) from error

    @property
    def _about(self) -> str:
        """The zone or the name that this thread's step is about."""
        return self._thread.about

    @property
    def answer_headers(self) -> Mapping[str, str]:
        """The headers of the last answer that this thread had, with names in any letter case; some APIs
        have there what else there is to ask for."""
        return self._thread.headers

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        text = body.decode() if isinstance(body, bytes) else body
        request.headers.update(self.credentials(request.method or "", request.url or "", text))
        return request

    def _content(self, response: HttpResponse, call: str) -> Any:
        """What the answer says. Raises what it means if that is not what was asked for."""
        body, makes_sense = None, True
        try:
            body = self.decoded(response.content) if response.content else None
        except ValueError:
            makes_sense = False
        if (status := self._status(response, body)) >= 300:
            raise self._refusal(response, status, body, call)
        if not makes_sense:
            raise self._sent.nonsense(response, call, self.language)
        return body

    def _status(self, response: HttpResponse, body: Any) -> int:
        """HTTP's own, where an error's body has a shape that the API does not know."""
        try:
            return self.status_of(response.status, body)
        except OTHER_SHAPE:
            if response.status < 300:
                raise
            return response.status

    def _is_rejection(self, status: int, body: Any) -> bool:
        """By the status alone, where the body has another shape."""
        try:
            return self.is_rejection(status, body)
        except OTHER_SHAPE:
            return self.is_rejection(status, None)

    def _refusal(self, response: HttpResponse, status: int, body: Any, call: str) -> ProviderError:
        """What it means that the status is not one of 2xx."""
        words = ""
        with suppress(*OTHER_SHAPE):
            words = "" if body is None else self._clean(self.words(body))
        refusal = Refusal(
            response=response,
            status=status,
            body=body,
            call=call,
            whose=self.whose,
            base=self._base,
            about=self._about,
            title=self.title,
            variables=" or ".join(
                option.env[0]
                for option in self.options
                if (option.secret or option.key in IDENTITIES) and self.given.get(option.key)
            ),
            permission=self.permission,
            docs=self.docs,
            remedies=self.remedies,
            failing=self.failing,
            clean=self._clean,
        )
        wish = self.pause_wanted(response.headers, body)
        return refusal.meaning(words, self._is_rejection(status, body), wish)

    def _clean(self, text: str) -> str:
        """One line of what somebody else says, without our secrets and harmless on a terminal."""
        line = " ".join(redact(text[:LONGEST_WORDS], self._secrets).split())
        return printable(line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…")

    def _keys(self) -> list[Option]:
        return [option for option in self.options if option.secret]

    @property
    def _sent(self) -> Sent:
        return Sent(self.whose, self._base, self._clean, self.closed)

    @property
    def _host(self) -> str:
        return self._sent.host


def is_this_host(url: str) -> bool:
    """Whether what is sent there does not leave this machine."""
    with suppress(ValueError):
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    return False


def base_url(variable: str, default: str) -> Option:
    """The option that says where the API is."""
    return Option("base_url", (variable,), "address of the API", default=default)
