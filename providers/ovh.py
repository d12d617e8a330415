"""OVHcloud, record by record, with requests that are signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from hashlib import sha1
from operator import index
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ..errors import AuthRejected, ConfigError
from ._name_servers import ShowsNameServers
from ._tokens import Tokens
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider, after_writing
from .rest import NotFound, listed

ENDPOINTS = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
    "kimsufi-eu": "https://eu.api.kimsufi.com/1.0",
    "kimsufi-ca": "https://ca.api.kimsufi.com/1.0",
    "soyoustart-eu": "https://eu.api.soyoustart.com/1.0",
    "soyoustart-ca": "https://ca.api.soyoustart.com/1.0",
}
ISSUERS = {  # of access tokens, by region
    "eu": "https://www.ovh.com/auth/oauth2",
    "ca": "https://ca.ovh.com/auth/oauth2",
    "us": "https://us.ovhcloud.com/auth/oauth2",
}
UNSIGNED = "/auth/time"
BAD_SIGNATURE = {"INVALID_SIGNATURE", "QUERY_TIME_OUT"}  # with 400
SIGNATURE = "Invalid signature"  # the same, where there are no such codes


class Provider(Tokens, ShowsNameServers, RecordProvider):
    """With an application's key and secret, and the consumer key that a customer gave it; or, by OAuth2,
    with the client id and secret of a service account."""

    title = "OVHcloud"
    docs = "https://eu.api.ovh.com/console/?section=%2Fdomain&branch=v1"
    permission = (
        "the access rules GET /domain/zone/ZONE, GET and POST /domain/zone/ZONE/record, GET and DELETE"
        " /domain/zone/ZONE/record/*, POST /domain/zone/ZONE/refresh"
        " (not the first where the zone's name is configured as its id)"
    )
    options = (
        Option(
            "base_url",
            ("OVH_ENDPOINT", "OVH_END_POINT"),
            f"{', '.join(ENDPOINTS)}, or a URL",
            default=ENDPOINTS["ovh-eu"],
        ),
        Option("access_token", ("OVH_ACCESS_TOKEN",), "an access token, got elsewhere; or:", secret=True),
        Option("application_key", ("OVH_APPLICATION_KEY", "OVH_AK"), "application key"),
        Option("secret", ("OVH_APPLICATION_SECRET", "OVH_AS"), "its secret", secret=True),
        Option("consumer_key", ("OVH_CONSUMER_KEY", "OVH_CK"), "consumer key", secret=True),
        Option("client_id", ("OVH_CLIENT_ID",), "or: the client id of a service account (OAuth2)"),
        Option("client_secret", ("OVH_CLIENT_SECRET",), "with it: its secret", secret=True),
        Option("issuer", ("OVH_OAUTH2_URL",), "who issues tokens, if not the endpoint's own issuer"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"this credential|not been granted|application key": (
            "make a new consumer key with those rules (https://eu.api.ovh.com/createToken/), and confirm"
            " it, for {variables}; a key is good for the endpoint that it was made at (OVH_ENDPOINT)"
        ),
    }
    least_ttl = 60

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for an endpoint that is none."""
        url = ENDPOINTS.get(options["base_url"], options["base_url"])
        if "://" not in url:
            raise ConfigError(f"OVH has no endpoint {url!r}", f"there are {', '.join(ENDPOINTS)}")
        keys = [options.get(key) for key in ("application_key", "secret", "consumer_key")]
        account = options.get("client_id") and options.get("client_secret")
        if not all(keys) and not account and (any(keys) or not options.get("access_token")):
            raise ConfigError(
                "of OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY one is missing",
                "set all three, or OVH_CLIENT_ID and OVH_CLIENT_SECRET in their place",
            )
        super().__init__({**options, "base_url": url})
        self._signs = all(keys)

    def grant(self) -> Any:
        if "access_token" in self.given:
            return {"access_token": self.given["access_token"], "expires_in": 3600}
        labels = (urlsplit(self._base).hostname or "").split(".")
        usual = next((ISSUERS[label] for label in labels if label in ISSUERS), ISSUERS["eu"])
        form = {
            "grant_type": "client_credentials",
            "client_id": self.given["client_id"],
            "client_secret": self.given["client_secret"],
            "scope": "all",
        }
        return self.issuer(self.given.get("issuer") or usual).request("POST", ("token",), form=form)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if not self._signs:
            return super().credentials(method, url, body)
        key, consumer = self.given["application_key"], self.given["consumer_key"]
        if url.endswith(UNSIGNED):
            return {"X-Ovh-Application": key}
        now = str(int(self.clock() + self._ahead))
        signed = "+".join((self.given["secret"], consumer, method, url, body, now))
        return {
            "X-Ovh-Application": key,
            "X-Ovh-Consumer": consumer,
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": "$1$" + sha1(signed.encode()).hexdigest(),
        }

    @cached_property
    def _ahead(self) -> float:
        """By how many seconds OVH's clock is: a signature is good for a short time only."""
        return float(self.get(*UNSIGNED.strip("/").split("/")) - self.clock())

    def is_rejection(self, status: int, body: Any) -> bool:
        """Whether the credentials are refused: of signatures, and from a token endpoint (RFC 6749 §5.2), 400
        says so too."""
        code, error = (body.get("errorCode"), body.get("error")) if isinstance(body, dict) else (None, None)
        by_issuer = status == 400 and isinstance(error, str)
        unsigned = status == 400 and (code in BAD_SIGNATURE or SIGNATURE in self.words(body))
        return super().is_rejection(status, body) or unsigned or by_issuer

    def zones(self) -> Iterable[Zone]:
        return [Zone(name) for name in self.get("domain", "zone")]

    def zone_at(self, apex: str) -> Zone | None:
        """The usual recipes for keys allow /domain/zone/* and not the list of zones; those for one zone alone
        allow what is beneath it, and not itself."""
        try:
            found = self.get_if_there("domain", "zone", apex)
        except AuthRejected:
            with suppress(NotFound):
                self.get(*_records(Zone(apex)), fieldType="TXT", subDomain="_acme-challenge")
                return Zone(apex)
            raise
        return Zone(found["name"]) if found else None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get("domain", "zone", zone.apex)["nameServers"])

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """The filter is SQL's LIKE, to which the ``_`` of a challenge name is any character."""
        wanted = _subdomain(zone, name)
        for number in listed(self.get(*_records(zone), fieldType="TXT", subDomain=wanted)):
            id = str(index(number))
            with suppress(NotFound):
                record = self.get(*_records(zone), id)
                if record["subDomain"] == wanted:
                    yield id, record["target"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"subDomain": _subdomain(zone, record.name), "target": record.value, "ttl": record.ttl}
        self.post(*_records(zone), fieldType="TXT", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().publish(zone, records)
        self._refresh(zone)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().retract(zone, records)
        self._refresh(zone)

    def _refresh(self, zone: Zone) -> None:
        """Have the name servers know, in any case: a call that failed may have left it undone."""
        path = ("domain", "zone", zone.apex, "refresh")
        with after_writing():
            self.attempt(zone.apex, partial(self.request, "POST", path))


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domain", "zone", zone.apex, "record")


def _subdomain(zone: Zone, name: str) -> str:
    return relative(name, zone.apex).removesuffix("@")
