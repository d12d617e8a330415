"""Any HTTP service of one's own, by lego's contract: ``POST /present`` and ``POST /cleanup``.

By default it is given the record: ``{"fqdn": "_acme-challenge.example.com.", "value": "…"}``. In the mode RAW
it is given the challenge (``domain``, ``token``, ``keyAuth``), and makes the record of it. It has to add the
record to what is there, or remove exactly that one, and to answer with a status below 400 also where there
is nothing to do. It is asked once for each record, never twice at once for a name.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from ..errors import ConfigError, ProviderError
from ._bridge import ProgramBridge
from ._http.body import parsed
from .base import ChallengeOf, Option, Profile, TxtRecord
from .rest import Rest


class Provider(Rest, ProgramBridge):
    """With a user's name and password, if the service wants them.

    The TTL is the service's own affair. Where it removes more than it was told to, the zone's name
    servers tell: what another order waits for is put back, and what else is lost is said.

    The mode RAW has a use for services that take nothing else. It wants the thumbprint of the ACME
    account's key, and a client that gives the challenge's token to its hook, as dehydrated and uacme do;
    certbot and lego do not. It cannot follow CNAMEs: the service alone says where the record goes.
    """

    title = "an HTTP service of your own"
    docs = "https://go-acme.github.io/lego/dns/httpreq/"
    permission = "the right to call /present and /cleanup for the names"
    options = (
        Option("base_url", ("HTTPREQ_ENDPOINT", "ACMEPROXY_ENDPOINT"), "its address", required=True),
        Option("user", ("HTTPREQ_USERNAME", "ACMEPROXY_USERNAME"), "user's name, if it wants one"),
        Option("password", ("HTTPREQ_PASSWORD", "ACMEPROXY_PASSWORD"), "and password", secret=True),
        Option("mode", ("HTTPREQ_MODE",), "RAW, if it wants the challenge and not the record"),
        Option("thumbprint", ("HTTPREQ_THUMBPRINT",), "for RAW: thumbprint of the account's key (RFC 7638)"),
    )
    failing = "try later; the log of the service at HTTPREQ_ENDPOINT may know more"
    remedies: ClassVar[Mapping[str, str]] = {
        r"\bnot found\b": "see that /present and /cleanup are right beneath HTTPREQ_ENDPOINT",
    }
    profile = Profile()
    keyless = True
    overheard = "can answer these names' challenges"
    adds, removes = "present", "cleanup"

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a mode that is none, and for RAW without a thumbprint."""
        Rest.__init__(self, options)
        ProgramBridge.__init__(self)
        self._challenges: Mapping[TxtRecord, ChallengeOf] = {}
        mode = options.get("mode", "").upper()
        if mode not in ("", "RAW"):
            raise ConfigError(
                f"{self.whose}: there is no mode {mode!r}", "leave HTTPREQ_MODE out, or say RAW"
            )
        self._is_raw = mode == "RAW"
        if self._is_raw and not options.get("thumbprint"):
            raise ConfigError(
                f"{self.whose}: the mode RAW wants the thumbprint of the ACME account's key (RFC 7638)",
                "set HTTPREQ_THUMBPRINT, or do without HTTPREQ_MODE: most services take the record itself",
            )

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if not (self.given.get("user") and self.given.get("password")):
            return {}
        pair = f"{self.given['user']}:{self.given['password']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def decoded(self, content: bytes) -> Any:
        """The status is all that counts: any text will do for an answer."""
        try:
            return parsed(content)
        except ValueError:
            return content.decode(errors="replace")

    def made_for(self, challenges: Mapping[TxtRecord, ChallengeOf]) -> None:
        self._challenges = {**self._challenges, **challenges}

    def run(self, verb: str, record: TxtRecord) -> None:
        fields = self._raw(record) if self._is_raw else {"fqdn": f"{record.name}.", "value": record.value}
        self.attempt(record.name, partial(self.post, verb, **fields))

    def doing(self, verb: str, name: str) -> str:
        return f"{self.whose}: {self._base}/{verb} for {name}"

    def _raw(self, record: TxtRecord) -> Mapping[str, str]:
        """Raises ProviderError where the challenge is not known, or is not one of the account's."""
        challenge = self._challenges.get(record, ChallengeOf("", ""))
        domain = challenge.domain.removeprefix("*.")
        if not challenge.token or record.name != f"_acme-challenge.{domain}":
            raise ProviderError(
                f"{self.whose}: the mode RAW wants the challenge that {record.name} is for, with its token",
                "not every client tells it, and no CNAME may lead elsewhere: do without HTTPREQ_MODE",
            )
        key_authorization = f"{challenge.token}.{self.given['thumbprint']}"  # RFC 8555 §8.1
        digest = urlsafe_b64encode(sha256(key_authorization.encode()).digest()).decode().rstrip("=")
        if digest != record.value:
            raise ProviderError(
                f"{self.whose}: HTTPREQ_THUMBPRINT is not of the key that {domain}'s challenge is for",
                "each ACME account has a key of its own: see which of them the client uses",
            )
        return {"domain": domain, "token": challenge.token, "keyAuth": key_authorization}
