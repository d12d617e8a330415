"""Hurricane Electric's free DNS, by its dynamic TXT records: one value for each name.

A record is created once, by hand, at dns.he.net, with “Enable entry for dynamic dns”; it has a key of its
own, and the API does no more than set its value (https://dns.he.net/, “Dynamic TXT Records”).

Unverified: the codes ``interval`` and ``911``, which dyndns2 has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from ..errors import ConfigError, ProviderError
from ..secret import hide
from .base import Option, Profile, TxtRecord, Zone, by_name
from .rest import Rest, base_url

ALL = "*"  # the domain of a key that all records have
PREFIX = "_acme-challenge."
EMPTY = "."  # what lego leaves behind: neither can a record be deleted, nor has it an empty value
STATUS = {  # what HTTP would say in place of the code
    "good": 200,
    "nochg": 200,
    "badauth": 403,
    "nohost": 404,
    "notfqdn": 400,
    "badagent": 400,
    "abuse": 400,
    "interval": 429,
    "911": 500,
}


class Provider(Rest):
    """With the keys of the records, each after the domain it is for, or with one that they all have.

    A certificate for a domain and its wildcard is refused: it has to be ordered name by name. The value
    cannot be read: publishing replaces whatever is there, and retracting leaves a dot in its place.
    """

    title = "Hurricane Electric DNS"
    docs = "https://dns.he.net/"
    permission = "the key of the dynamic TXT record of that name, which is created at dns.he.net"
    options = (
        Option(
            "tokens",
            ("HURRICANE_TOKENS", "HE_DDNS_KEY"),
            "DOMAIN:KEY for each record, with commas between them; or the one KEY that all records have",
            required=True,
            secret=True,
        ),
        base_url("HURRICANE_BASE_URL", "https://dyn.dns.he.net"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"\babuse\b": "wait an hour: dns.he.net blocks a name that is updated too often",
    }
    profile = Profile(ttl=300)  # dns.he.net sets it
    language = "return code"
    values_per_name = 1
    knows_zones = False

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for tokens that are none."""
        super().__init__(options)
        self._tokens = dict(_tokens(options["tokens"]))
        self._secrets.extend(self._tokens.values())

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are in the form

    def decoded(self, content: bytes) -> Any:
        """The first word of dyndns2's answer."""
        code = content.decode().partition(" ")[0].strip()
        if code not in STATUS:
            raise ValueError
        return code

    def status_of(self, status: int, body: Any) -> int:
        return STATUS[body] if body else status

    def words(self, body: Any) -> str:
        return f"it says {body}"

    def zone_for(self, name: str) -> Zone:
        """The name itself as a zone: the API does not tell which it has."""
        return Zone(name)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Raises ProviderError, before anything is sent, for two values of a name and for a name
        without a key."""
        values = {name: {record.value for record in wanted} for name, wanted in by_name(records).items()}
        keys = {name: self._key(name) for name in values}
        for name, wanted in values.items():
            if len(wanted) > self.values_per_name:
                raise ProviderError(
                    f"{self.whose}: {len(wanted)} values for {name}, but a dynamic TXT record has one",
                    "order the domain and its wildcard one after the other, as certificates of their own",
                )
        for name, key in keys.items():
            self.attempt(name, partial(self._update, name, key, min(values[name])))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for name in by_name(records):
            self.attempt(name, partial(self._update, name, self._key(name), EMPTY))

    def _key(self, name: str) -> str:
        """The key of the record at the name. Raises ProviderError."""
        domain = name.removeprefix(PREFIX)
        for entry in (name, domain, ALL):
            if key := self._tokens.get(entry):
                return key
        raise ProviderError(
            f"{self.whose}: there is no key for {name}, only for {', '.join(sorted(self._tokens))}",
            f"create the dynamic TXT record {name} at dns.he.net, and add {domain}:KEY to HURRICANE_TOKENS",
        )

    def _update(self, name: str, key: str, value: str) -> None:
        form = {"hostname": name, "password": key, "txt": value}
        code = self.request("POST", ("nic", "update"), form=form)
        STATUS[code]  # an answer that is empty has no code: a LookupError


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The domains and their keys. Raises ConfigError, which does not say a key."""
    entries = text.replace(",", " ").split()
    if len(entries) == 1 and ":" not in entries[0]:
        entries = [f"{ALL}:{entries[0]}"]
    for entry in entries:
        domain, _, key = entry.partition(":")
        if not domain or not key:
            raise ConfigError(
                "HURRICANE_TOKENS has an entry that is not DOMAIN:KEY",
                "example.com:KEY,www.example.com:KEY is what it looks like",
            )
        hide(key)
        yield domain.lower().rstrip("."), key
