"""Namecheap, which replaces whole zones: all other hosts are carried along as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address
from typing import Any, ClassVar

from ..errors import Busy, ConfigError, ProviderError
from ..secret import shown
from ._http.responses import xml
from ._namecheap_hosts import NamecheapHosts
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import ZoneProvider, after_writing
from .rest import Rest, base_url

GONE = {"2016166", "2019166"}
BUSY = {"500000"}
NO_TYPE_OF_AUTHENTICATION = "1030408"


class Provider(Rest, ZoneProvider):
    """With an API key, from an address that is on its list.

    There is no call for a single record. The zone is read, written with what is to be changed, and
    read again to see that everything else is as it was: every host with its address, preference and
    TTL, and the setting of the mail. Where the API could not write what it has read (a host that is
    switched off or has Dynamic DNS, a type that it does not know), nothing is written at all.
    """

    title = "Namecheap"
    docs = "https://www.namecheap.com/support/api/methods/domains-dns/set-hosts/"
    permission = "an API key, and this machine's IPv4 address on the list of those that have API access"
    options = (
        Option("user", ("NAMECHEAP_API_USER", "NAMECHEAP_USERNAME"), "user", required=True),
        Option("key", ("NAMECHEAP_API_KEY",), "API key", required=True, secret=True),
        Option(
            "client_ip",
            ("NAMECHEAP_CLIENT_IP", "NAMECHEAP_SOURCEIP"),
            "this machine's public IPv4 address, as it is on Namecheap's list of allowed ones",
            required=True,
        ),
        base_url("NAMECHEAP_BASE_URL", "https://api.namecheap.com"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"api key is invalid or": "see that {variables} is right, and switch API access on at Namecheap",
    }
    profile = Profile(timeout=3000)  # an hour is said to happen
    least_ttl = 60
    language = "XML"

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for an address that is none: Namecheap would say that it is not on the list."""
        super().__init__(options)
        try:
            IPv4Address(options["client_ip"].strip())
        except ValueError:
            raise ConfigError(
                f"NAMECHEAP_CLIENT_IP: {shown(options['client_ip'])} is no IPv4 address",
                "it is this machine's public address, and no URL to ask for it: curl -4 https://ifconfig.me",
            ) from None

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {}  # they are among the parameters

    decoded = staticmethod(xml)

    def status_of(self, status: int, body: Any) -> int:
        """The status by the error's number: all errors come as 200, but for what is over the limit, which is
        405."""
        if status != 200:
            return 429 if status == 405 else status
        if body is None or body.get("Status") != "ERROR":
            return 200
        numbers = {error.get("Number", "") for error in body.iterfind(".//{*}Error")}
        if numbers & BUSY:
            return 429
        if numbers & GONE:
            return 404
        if any(number.startswith("101") or number == NO_TYPE_OF_AUTHENTICATION for number in numbers):
            return 401
        return 500 if any(number.startswith("5") for number in numbers) else 400

    def words(self, body: Any) -> str:
        return ", ".join(error.text or "" for error in body.iterfind(".//{*}Error"))

    def get(self, *path: str, **query: Any) -> Any:
        """What a command returns; ``path``: the command's name."""
        return self._command(*path, **query)

    def _command(self, command: str, **parameters: str) -> Any:
        """What a command answers. It is sent as a form, since a key is better no part of a URL."""
        form = {
            "ApiUser": self.given["user"],
            "ApiKey": self.given["key"],
            "UserName": self.given["user"],
            "ClientIp": self.given["client_ip"],
            "Command": f"namecheap.domains.{command}",
        }
        return self.request("POST", ["xml.response"], form={**form, **parameters})

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        total, number, size = (
            int(page.findtext(f".//{{*}}{name}")) for name in ("TotalItems", "CurrentPage", "PageSize")
        )
        return {"Page": str(number + 1)} if number * size < total else {}

    def zones(self) -> Iterable[Zone]:
        """The domains of the account that Namecheap has the DNS of."""
        for page in self.pages("getList", Page="1", PageSize="100"):
            for domain in page.iterfind(".//{*}Domain"):
                if domain.get("IsOurDNS", "true") == "true":
                    yield Zone(domain.attrib["Name"].lower())

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        wanted = [
            (relative(record.name, zone.apex), record.value, max(record.ttl, self.least_ttl))
            for record in records
        ]
        self.attempt(zone.apex, partial(self._change, zone, lambda hosts: hosts.with_texts(wanted)))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        unwanted = [(relative(record.name, zone.apex), record.value) for record in records]
        self.attempt(zone.apex, partial(self._change, zone, lambda hosts: hosts.without_texts(unwanted)))

    def _change(self, zone: Zone, changed: Callable[[NamecheapHosts], NamecheapHosts]) -> None:
        """Write the zone until a reading shows that there is nothing to change any more."""
        hosts = self._read(zone)
        for _ in self.readings():
            wanted = changed(hosts)
            if wanted == hosts:
                return
            others = wanted._replace(all=tuple(host for host in wanted.all if host in hosts.all))
            self._command("dns.setHosts", **_split(zone), **dict(wanted.parameters()))
            with after_writing():
                hosts = self._read(zone)
            if lost := others.lost_in(hosts):
                raise ProviderError(
                    f"{self.whose}: {zone.apex} was written as it was, but has no longer: {lost}",
                    "unless somebody else has just removed that: add it again at Namecheap",
                )
        raise Busy(
            f"{self.whose}: what is written to {zone.apex} does not stay there",
            "something else keeps writing there: find it, or try again later",
        )

    def _read(self, zone: Zone) -> NamecheapHosts:
        answer = self._command("dns.getHosts", **_split(zone))
        return NamecheapHosts.of(zone.apex, answer.find(".//{*}DomainDNSGetHostsResult"))


def _split(zone: Zone) -> Mapping[str, str]:
    """A registered domain has one label beneath its public suffix: no list of those is needed."""
    label, _, suffix = zone.apex.partition(".")
    return {"SLD": label, "TLD": suffix}
