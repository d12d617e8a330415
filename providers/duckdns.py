"""Duck DNS, which keeps one TXT value for a domain and all names beneath it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..errors import ProviderError, ZoneNotFound
from .base import Option, TxtRecord, Zone, is_within
from .rest import Rest, base_url

PARENT = "duckdns.org"


class Provider(Rest):
    """With the token of an account.

    A certificate for a domain and its wildcard, or for two names of one domain, is refused: it has to
    be ordered name by name. The value cannot be read: publishing replaces whatever is there, and
    retracting clears it.
    """

    title = "Duck DNS"
    docs = "https://www.duckdns.org/spec.jsp"
    permission = "the token of the account that the domain is in"
    options = (
        Option("token", ("DUCKDNS_TOKEN", "DuckDNS_Token"), "account's token", required=True, secret=True),
        base_url("DUCKDNS_BASE_URL", "https://www.duckdns.org"),
    )
    language = "OK"
    values_per_name = 1

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # the token is in the query: there is no other way

    def decoded(self, content: bytes) -> Any:
        """OK or KO, and nothing else."""
        answer = content.decode().strip()
        if answer not in ("OK", "KO"):
            raise ValueError
        return answer

    def status_of(self, status: int, body: Any) -> int:
        """KO is a wrong token as well as a domain that is not the account's."""
        return 403 if body == "KO" else status

    def words(self, body: Any) -> str:
        return f"it says {body}"

    def holder(self, name: str) -> str:
        """The domain that has the one value for all names beneath it."""
        return ".".join(name.split(".")[-3:])

    def zone_for(self, name: str) -> Zone:
        """duckdns.org: no domain in it is a zone of its own, and no call tells whose it is.

        Raises ZoneNotFound for any other name.
        """
        if not is_within(name, PARENT):
            raise ZoneNotFound(
                f"{self.whose}: {name} is not in {PARENT}", "name another account for it in config.toml"
            )
        return Zone(PARENT)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Raises ProviderError, before anything is sent, for more than one value of a domain."""
        domains = self._domains(records)
        for domain, values in domains.items():
            if len(values) > self.values_per_name:
                names = ", ".join(sorted({record.name for record in records}))
                raise ProviderError(
                    f"{self.whose}: {len(values)} values for {names}, but {domain} and all names beneath it"
                    " have one TXT value between them",
                    "order a certificate for each name, or let CNAMEs lead to different domains",
                )
        for domain, values in domains.items():
            self.attempt(domain, partial(self._update, domain, txt=min(values)))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for domain in self._domains(records):
            # Without ``txt``, it would clear the addresses of the domain.
            self.attempt(domain, partial(self._update, domain, txt="", clear="true"))

    def _domains(self, records: Sequence[TxtRecord]) -> dict[str, set[str]]:
        """The values by domain. Raises ZoneNotFound where a name is in none."""
        domains: dict[str, set[str]] = {}
        for record in records:
            domain = self.holder(record.name)
            if not domain.endswith(f".{PARENT}"):
                raise ZoneNotFound(
                    f"{self.whose}: {record.name} is not in a domain beneath {PARENT}",
                    "let its CNAME lead to one that is the account's",
                )
            domains.setdefault(domain, set()).add(record.value)
        return domains

    def _update(self, domain: str, **changes: str) -> None:
        label = domain.removesuffix(f".{PARENT}")
        if self.get("update", domains=label, token=self.given["token"], **changes) is None:
            raise ProviderError(
                f"{self.whose}: the answer about {domain} is empty", f"compare with {self.docs}"
            )
