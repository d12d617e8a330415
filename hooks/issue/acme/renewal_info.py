"""What a CA says of renewals: the renewalInfo resource of RFC 9773, asked without any account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from ....deadline import within
from ....errors import AcmeError
from ....providers._http.body import UnreadableAnswer
from ....providers._http.exchange import body_of, open_session
from ....retry_after import retry_after

REQUEST_TIMEOUT = 10.0  # seconds for one question and all of its answer, redirections included
REDIRECTIONS = 5
LARGEST_ANSWER = 64 << 10  # octets of an answer


class Suggested(NamedTuple):
    """The window that a CA suggests (epoch seconds), a URL that explains it, if there is one, and the
    seconds after which it wants to be asked again, if it says."""

    start: float
    end: float
    explanation: str
    retry_after: float | None


class RenewalInfo:
    """The renewalInfo resource of one CA, as its directory gives it. One thread each.

    Raises AcmeError where the directory cannot be read. ``offered``: whether the CA has the resource.
    """

    def __init__(self, directory: str, ca_file: str = "", timeout: float = REQUEST_TIMEOUT) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._session = open_session()
        self._session.max_redirects = REDIRECTIONS
        url = self._get_json(directory)[0].get("renewalInfo", "")
        self._url = url.rstrip("/") if isinstance(url, str) and url.startswith("https://") else ""
        self.offered = bool(self._url)

    def suggested(self, renewal_id: str) -> Suggested:
        """The window of the certificate. Raises AcmeError."""
        body, pause = self._get_json(f"{self._url}/{renewal_id}")
        window = body.get("suggestedWindow")
        try:
            start, end = (datetime.fromisoformat(window[key]) for key in ("start", "end"))  # type: ignore[index]
            times = start.timestamp(), end.timestamp()
            if start.tzinfo is None or end.tzinfo is None or times[1] <= times[0]:
                raise ValueError("it has no length, or no time zone")
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise AcmeError(
                f"a renewal window makes no sense: {error}", "see what the CA says of it"
            ) from None
        explanation = body.get("explanationURL")
        printable = explanation if isinstance(explanation, str) and explanation.isprintable() else ""
        return Suggested(*times, printable, pause)

    def _get_json(self, url: str) -> tuple[Mapping[str, Any], float | None]:
        host = urlsplit(url).hostname
        # ca_file here, for REQUESTS_CA_BUNDLE goes before what a session says
        trusted = self._ca_file or None
        try:
            with (
                within(self._timeout),
                self._session.get(url, timeout=self._timeout, stream=True, verify=trusted) as response,
            ):
                content = body_of(response, LARGEST_ANSWER)
                status, pause = response.status_code, retry_after(response.headers.get("Retry-After", ""))
        except UnreadableAnswer as reason:
            raise AcmeError(f"{host}: what it answers {reason}", "see what the CA says of it") from None
        except (requests.RequestException, OSError) as error:
            raise AcmeError(f"{host} does not answer: {type(error).__name__}", "try again later") from None
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if status != 200 or not isinstance(body, dict):
            raise AcmeError(
                f"{host} answers {url} with {status} and no JSON object", "see what the CA says of it"
            )
        return body, pause
