"""Access tokens that expire: who issues them, and the APIs that want one (RFC 6749)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from . import Answer, Fake, Fault, Refusal, Request, Status


class TokenFake(Fake):
    """An API and its issuers. A subclass says what an issuer answers (``issue``), or None to those
    that ask something else; what issuers are asked is in ``issued``, not in ``requests``.

    ``now``: the time, in seconds.
    """

    lifetime = 3600

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.issued: list[Request] = []
        self.now = time.time
        self._tokens: dict[str, float] = {}
        self._numbers = count()

    def issue(self, request: Request) -> Any:
        raise NotImplementedError

    def new_token(self) -> Mapping[str, Any]:
        token = f"an-access-token-{next(self._numbers)}"
        self._tokens[token] = self.now() + self.lifetime
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def revoke(self) -> None:
        """The tokens so far do no longer."""
        self._tokens.clear()

    def admit(self, request: Request) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self._tokens.get(token, 0) < self.now():
            raise Refusal(401, "The access token is invalid or has expired.")

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        try:
            body = self.issue(request)
        except Refusal as refusal:
            answer = self._refused(request, refusal)
        else:
            if body is None:
                return super().respond(request)
            answer = Answer(200, body)
        self.issued.append(request)
        fault, self.trouble = self.trouble, None
        if isinstance(fault, Status):
            answer = Answer(fault.status, {"error": fault.message}, fault.headers)
        return answer, fault

    def _refused(self, request: Request, refusal: Refusal) -> Answer:
        self.refusals.append((request, refusal.status, refusal.message))
        error, _, description = refusal.message.partition(": ")
        return Answer(refusal.status, {"error": error, "error_description": description})


def form(request: Request) -> Mapping[str, str]:
    """The fields of a form, each given once."""
    if request.headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Refusal(400, "invalid_request: The body has to be a form")
    fields = parse_qs(request.body, strict_parsing=True)
    if any(len(values) > 1 for values in fields.values()):
        raise Refusal(400, "invalid_request: A field is there twice")
    return {name: values[0] for name, values in fields.items()}
