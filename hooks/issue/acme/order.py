"""Orders, authorizations and challenges: the requests of RFC 8555 §7.4 and §7.5, and their answers."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from acme import challenges
from cryptography import x509

from ....errors import AcmeError, UsageError
from ....output import warning
from ....retry_after import retry_after
from ...clients.challenge import VALUE, Challenge, owner_name
from .client import SEE, AcmeSession, json_of, problem_in

POLL_INTERVAL = 1.0  # seconds between two looks, where the CA does not say
LONGEST_POLL_INTERVAL = 60.0
MOST_AUTHORIZATIONS = 1000  # of an order: a certificate has 100 names at most
MOST_CHAINS = 8  # alternate ones that are looked at
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


class Order(NamedTuple):
    """RFC 8555 §7.1.3. ``pause``: seconds until the CA wants to be asked again."""

    url: str
    status: str
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str = ""
    problem: str = ""
    pause: float = POLL_INTERVAL


class Authorization(NamedTuple):
    """RFC 8555 §7.1.4, with its dns-01 challenge. ``challenge`` is None where there is nothing to be
    done for it, ``answered`` if the CA is at it already."""

    url: str
    identifier: str  # with *. for a wildcard
    status: str
    challenge: Challenge | None = None
    challenge_url: str = ""
    answered: bool = False
    problem: str = ""


class Orders:
    """What is asked of the CA for one order after the other. All of these raise AcmeError."""

    def __init__(self, client: AcmeSession) -> None:
        self._client = client

    def open(self, names: Sequence[str], profile: str, replaces: str) -> Order:
        """A new order. ``replaces``: the certificate that the CA's renewal window asks to replace (RFC
        9773 §5)."""
        fields: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
        if profile:
            fields["profile"] = profile
        if replaces:
            fields["replaces"] = replaces
        response = self._client.post(self._client.resource("newOrder"), fields)
        location = response.headers.get("Location", "")
        if not location.startswith("https://"):
            raise AcmeError("the CA gives the order no URL", SEE)
        return _order(location, response)

    def look(self, url: str) -> Order:
        """Read the order (RFC 8555 §7.1.3)."""
        return _order(url, self._client.post_as_get(url))

    def authorization(self, url: str) -> Authorization:
        """Read one of the order's authorizations (RFC 8555 §7.5)."""
        return self._authorization(url, json_of(self._client.post_as_get(url)))

    def to_prove(self, order: Order, names: Sequence[str]) -> list[Authorization]:
        """The authorizations of an order that is pending, which is for these names and no others: what a CA
        asks for beyond them is not published (RFC 8555 §7.1.3 leaves to it what it asks for)."""
        places = {owner_name(name) for name in names}
        found = []
        for url in dict.fromkeys(order.authorizations):
            authorization = self.authorization(url)
            if owner_name(authorization.identifier) not in places:
                raise AcmeError(
                    f"the CA wants a proof for {authorization.identifier}, which was not ordered",
                    "see what the CA says of it",
                    code="invalid",
                )
            if authorization.status not in ("pending", "valid"):
                raise AcmeError(
                    f"the CA gives an authorization that is {authorization.status!r}: "
                    f"{authorization.problem or authorization.identifier}",
                    "another order is placed by a later run",
                    code="invalid",
                )
            found.append(authorization)
        if not found:
            raise AcmeError(f"the order {order.url} has no authorizations", SEE, code="invalid")
        return found

    def answer(self, authorization: Authorization) -> None:
        """Answer a challenge, for the CA to validate it (RFC 8555 §7.5.1). That it is at it already, or has
        done so, is no error: its answer to an earlier request may be lost, and two orders may share an
        authorization."""
        try:
            self._client.post(authorization.challenge_url, {}, again=True)
        except AcmeError as error:
            if error.code in ("rateLimited", "connection"):
                raise
            now = self.authorization(authorization.url)
            if now.status == "pending" and not now.answered:
                raise

    def finalize(self, order: Order, csr: bytes) -> Order:
        """Send the CSR: the CA issues then (RFC 8555 §7.4)."""
        encoded = urlsafe_b64encode(csr).rstrip(b"=").decode()
        return _order(order.url, self._client.post(order.finalize, {"csr": encoded}))

    def time_at_ca(self) -> float | None:
        """The CA's time as it last answered, by its Date header, in epoch seconds; None where it gave
        none."""
        return self._client.time_at_ca()

    def chain(self, order: Order, preferred: str) -> list[str]:
        """The certificate and what leads up from it, in PEM. ``preferred``: a part of the topmost
        issuer's name; where no chain of the CA's has it, the CA's own choice."""
        response = self._client.post_as_get(order.certificate)
        chain = _chain(response.text)
        if not preferred or _leads_to(chain, preferred):
            return chain
        links = response.headers.get("Link", "").split(",")
        matches = (re.fullmatch(r'\s*<([^>]+)>\s*;\s*rel="?alternate"?.*', link) for link in links)
        for url in [match[1] for match in matches if match][:MOST_CHAINS]:
            try:
                other = _chain(self._client.post_as_get(url).text)
                if _leads_to(other, preferred):
                    return other
            except AcmeError as error:
                if error.code == "rateLimited":
                    raise
                warning(f"a chain of the CA's is not to be had: {error}")
        return chain

    def _authorization(self, url: str, body: Mapping[str, Any]) -> Authorization:
        identifier = body.get("identifier")
        name = identifier.get("value") if isinstance(identifier, dict) else None
        status = body.get("status")
        if not isinstance(name, str) or not isinstance(status, str):
            raise AcmeError(f"the authorization {url} makes no sense", "see what the CA says of it")
        try:
            owner_name(name)
        except UsageError as error:
            raise AcmeError(
                f"the CA wants a proof for what is no name: {error}", SEE, code="invalid"
            ) from None
        name = f"*.{name}" if body.get("wildcard") else name
        offered = [each for each in body.get("challenges") or () if isinstance(each, dict)]
        challenge = next((each for each in offered if each.get("type") == "dns-01"), {})
        problems = [problem_in(each.get("error")) for each in offered if each.get("error")]
        problem = f"{name}: {'; '.join(problems)}" if problems else ""
        if status != "pending":
            return Authorization(url, name, status, problem=problem)
        token, challenge_url = challenge.get("token"), challenge.get("url")
        if not isinstance(token, str) or not TOKEN.fullmatch(token) or not isinstance(challenge_url, str):
            raise AcmeError(f"the CA offers no dns-01 challenge for {name}", "see which challenges it offers")
        answered = challenge.get("status") != "pending"
        ours = Challenge(name, token, self._validation(token))
        return Authorization(url, name, status, ours, challenge_url, answered, problem)

    def _validation(self, token: str) -> str:
        """The TXT value (RFC 8555 §8.4)."""
        try:
            decoded = challenges.DNS01.from_json({"type": "dns-01", "token": token})
            value: str = decoded.validation(self._client.key)
        except Exception as error:
            raise AcmeError(
                f"the CA's token makes no sense ({type(error).__name__})", "try again later"
            ) from None
        assert VALUE.fullmatch(value)
        return value


def _order(url: str, response: Any) -> Order:
    body = json_of(response)
    status, finalize, urls = body.get("status"), body.get("finalize"), body.get("authorizations")
    certificate = body.get("certificate") or ""
    if (
        not isinstance(status, str)
        or not isinstance(finalize, str)
        or not isinstance(certificate, str)
        or not isinstance(urls, list)
        or not all(isinstance(each, str) for each in urls)
        or len(urls) > MOST_AUTHORIZATIONS
    ):
        raise AcmeError(f"the order {url} makes no sense", "see what the CA says of it")
    pause = retry_after(response.headers.get("Retry-After", ""))
    wait = POLL_INTERVAL if pause is None else min(pause, LONGEST_POLL_INTERVAL)
    return Order(url, status, tuple(urls), finalize, certificate, problem_in(body.get("error")), wait)


def _chain(pem: str) -> list[str]:
    chain = [block if block.endswith("\n") else f"{block}\n" for block in _PEM.findall(pem)]
    if not chain:
        raise AcmeError("the CA gives no certificate in PEM", SEE)
    return chain


def _leads_to(chain: Sequence[str], preferred: str) -> bool:
    try:
        issuer = x509.load_pem_x509_certificate(chain[-1].encode()).issuer.rfc4514_string()
    except ValueError as error:
        raise AcmeError(f"the CA's chain makes no sense: {error}", SEE) from None
    return preferred in issuer
