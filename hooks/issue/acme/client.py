"""The CA's side of the network: JWS-signed requests, nonces, and errors in words (RFC 8555 §6).

The network object of certbot's ``acme`` is not for several threads: each has one of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from acme import errors, messages
from acme.client import ClientNetwork
from josepy.errors import Error as JoseError
from josepy.interfaces import JSONDeSerializable
from josepy.jwa import ES256, ES384, RS256, JWASignature
from josepy.jwk import JWK, JWKEC

from .... import __version__
from ....deadline import within
from ....errors import AcmeError
from ....providers._http.body import UnreadableAnswer
from ....providers._http.exchange import body_of, keep_deadlines
from ....retry_after import http_date, retry_after
from ...clients.ca_rate_limits import LONGEST_WINDOW, ends

REQUEST_TIMEOUT = 30  # seconds for one request and all of its answer
NONCE_TRIES = 6  # RFC 8555 §6.5: a refused nonce is no error; a CA may refuse several in a row
REQUEST_TRIES = 4  # of a request that has no effect, or that the CA has refused for now
RETRY_INTERVAL = 1.0  # seconds before the second try; doubled by each
LARGEST_ANSWER = 4 << 20  # octets of an answer
MOST_SUBPROBLEMS = 100  # of an answer, which are shown
PREFIX = "urn:ietf:params:acme:error:"

# What the library raises on JSON of other types than RFC 8555 has them, or nested without end.
MISUNDERSTOOD = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Payload(JSONDeSerializable):
    """A JSON object to be signed. The library has classes for some, but none for ``replaces``."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def to_partial_json(self) -> dict[str, Any]:
        return self._fields

    @classmethod
    def from_json(cls, jobj: Mapping[str, Any]) -> Payload:
        return cls(jobj)


class _Conversation(threading.local):
    """What one thread has with the CA: its connections, the last response, and when to come back."""

    network: ClientNetwork | None = None
    response: requests.Response | None = None
    pause: float | None = None


class AcmeSession:
    """One account at one CA. ``account``: its URL; empty until it is known. All of these raise AcmeError."""

    def __init__(
        self,
        directory: str,
        key: JWK,
        account: str = "",
        ca_file: str = "",
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        self._url = directory
        self._timeout = timeout
        self._ca_file = ca_file
        self._sleep = sleep
        self._threads = _Conversation()
        self.key = key
        self.account = account
        try:
            self.directory = messages.Directory.from_json(dict(self.get_json(directory)))
        except (JoseError, *MISUNDERSTOOD):
            raise AcmeError(f"the directory {directory} makes no sense", SEE) from None

    def resource(self, name: str) -> str:
        """The URL of one of the directory's resources that every CA has (RFC 8555 §7.1.1)."""
        try:
            url = self.directory[name]
        except KeyError:
            url = None
        if not isinstance(url, str):
            raise AcmeError(f"the directory {self._url} has no {name}", SEE)
        return url

    def get_json(self, url: str) -> Mapping[str, Any]:
        """The JSON object of a resource that asks for no account."""
        return json_of(self._repeated(lambda net: net.get(url), url))

    def post(self, url: str, fields: Mapping[str, Any], *, again: bool = False) -> requests.Response:
        """Send the signed object. ``again``: whether it does no harm twice, if the connection breaks."""
        nonces = self.resource("newNonce")
        return self._repeated(
            lambda net: net.post(url, Payload(fields), new_nonce_url=nonces), url, again=again
        )

    def post_as_get(self, url: str) -> requests.Response:
        """Read a resource of the account (RFC 8555 §6.3)."""
        nonces = self.resource("newNonce")
        return self._repeated(lambda net: net.post(url, None, new_nonce_url=nonces), url)

    def time_at_ca(self) -> float | None:
        """When the CA gave this thread its last answer, by its own clock (epoch seconds), if it says so."""
        response = self._threads.response
        return None if response is None else http_date(response.headers.get("Date", ""))

    def _network(self) -> ClientNetwork:
        network = self._threads.network
        if network is None:
            network = ClientNetwork(
                self.key,
                alg=algorithm(self.key),
                verify_ssl=self._ca_file or True,  # type: ignore[arg-type]  # requests takes both
                user_agent=f"dns01/{__version__}",
                timeout=self._timeout,  # type: ignore[arg-type]  # requests takes fractions
            )
            keep_deadlines(network.session)
            network.session.hooks["response"].append(self._read)
            self._threads.network = network
        if self.account and network.account is None:
            network.account = messages.RegistrationResource(uri=self.account, body=messages.Registration())
        return network

    def _read(self, response: requests.Response, *args: Any, **kwargs: Any) -> None:
        """Read the body, for the library would read one without end; and keep the headers: its errors do not
        tell when to come back, nor what a 409 is about."""
        self._threads.response = response
        self._threads.pause = retry_after(response.headers.get("Retry-After", ""))
        try:
            response._content = body_of(response, LARGEST_ANSWER)
        except UnreadableAnswer as reason:
            raise AcmeError(f"the answer of {response.url} {reason}", SEE) from None

    def _repeated(
        self, request: Callable[[ClientNetwork], requests.Response], url: str, *, again: bool = True
    ) -> requests.Response:
        nonces = tries = 0
        if not url.startswith("https://"):  # RFC 8555 §6.1
            raise AcmeError(f"the CA names {url[:200]!r}, which is no https:// URL", SEE)
        while True:
            self._threads.response = self._threads.pause = None
            try:
                with within(self._timeout):
                    return request(self._network())
            except (messages.Error, errors.ConflictError):
                error = self._refusal(url)
                nonces += error.code == "badNonce"
                if error.code == "badNonce" and nonces < NONCE_TRIES:
                    continue
                passing = error.code == "serverInternal"
            except (errors.Error, requests.RequestException, JoseError, OSError, *MISUNDERSTOOD) as problem:
                error = self._failure(problem, url)
                passing = again
            tries += 1
            if not passing or tries == REQUEST_TRIES:
                raise error from None
            self._sleep(min(self._threads.pause or RETRY_INTERVAL * 2 ** (tries - 1), 30.0))

    def _refusal(self, url: str) -> AcmeError:
        response = self._threads.response
        assert response is not None  # that is what the library has found the refusal in
        document = json_of(response)
        pause = self._threads.pause
        if pause is None:
            pause = pause_in(str(document.get("detail")), time.time())
        code = str(document.get("type")).removeprefix(PREFIX)
        return AcmeError(
            f"{urlsplit(url).hostname}: {problem_in(document)}",
            HINTS.get(code, "see what the CA says of it"),
            code=code,
            retry_after=pause,
        )

    def _failure(self, problem: Exception, url: str) -> AcmeError:
        response = self._threads.response
        hint = "see that this host reaches it; a private CA wants ca_file in [ca]"
        if isinstance(problem, requests.exceptions.SSLError):
            what = "has a certificate of its own that is not trusted"
        elif response is None or isinstance(problem, (requests.ConnectionError, requests.Timeout)):
            what = f"does not answer: {type(problem).__name__}"
        else:
            what, hint = f"answers with {response.status_code}, and not as RFC 8555 has it", SEE
        return AcmeError(
            f"{urlsplit(url).hostname} {what}", hint, code="connection", retry_after=self._threads.pause
        )


SEE = "see what answers there"

HINTS = {
    "rateLimited": "the CA says when: the rest is ordered by a later run",
    "externalAccountRequired": "write eab_kid and eab_hmac_key in [ca], as the CA gives them",
    "unauthorized": "see which account [ca] means, and whether the CA has it still",
    "accountDoesNotExist": "the next run makes another one, with the same key",
    "caa": "`dns01 doctor NAME` shows the CAA records and what to change",
    "dns": "`dns01 doctor NAME` shows what the name servers say",
    "rejectedIdentifier": "the CA issues nothing for this name: take it out",
    "invalidProfile": "see which profiles the CA has, and write one of them as profile",
}


def algorithm(key: JWK) -> JWASignature:
    """The JWS algorithm that goes with an account's key (RFC 7518 §3.1)."""
    if isinstance(key, JWKEC):
        return ES384 if key.key.key_size == 384 else ES256
    return RS256


def json_of(response: requests.Response) -> Mapping[str, Any]:
    """The JSON object of an answer. Raises AcmeError."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise AcmeError(f"{response.url} answers with no JSON object", SEE)
    return body


def pause_in(detail: str, now: float) -> float | None:
    """Seconds until the moment that a refusal names in its text, a week at most: no CA counts for longer. Not
    every refusal has a Retry-After."""
    moment = ends(detail)
    return None if moment is None else min(max(0.0, moment.timestamp() - now), LONGEST_WINDOW)


def problem_in(document: object) -> str:
    """A problem document in one line that does no harm to a terminal (RFC 9457, RFC 8555 §6.7)."""
    if not isinstance(document, dict):
        return ""
    subproblems = document.get("subproblems")
    parts = subproblems[:MOST_SUBPROBLEMS] if isinstance(subproblems, list) else []
    text = "; ".join(filter(None, map(_problem, [document, *parts])))[:800]
    return "".join(each if each.isprintable() else " " for each in text)


def _problem(document: object) -> str:
    """Without its subproblems, which have none themselves (RFC 8555 §6.7.1)."""
    if not isinstance(document, dict):
        return ""
    kind = str(document.get("type") or "").rpartition(":")[2]
    detail = str(document.get("detail") or document.get("title") or "")
    identifier = document.get("identifier")
    name = f"{identifier.get('value')}: " if isinstance(identifier, dict) else ""
    return f"{name}{detail} ({kind})" if kind else f"{name}{detail}"
