"""PowerDNS's own API: single records where the server is new enough, else whole RRsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Any, ClassVar

from ..errors import ProviderError, ZoneNotFound
from ..output import warning
from ._character_strings import quoted, unquoted
from ._name_servers import host_names
from .base import Option, Profile, TxtRecord, Zone, ZoneApex, by_name, dns_name, is_within
from .rest import NotFound, Refused, Rest, base_url, listed
from .rrsets import RRset, RRsetProvider

TOO_OLD = "Changetype not understood"  # EXTEND and PRUNE are of 4.9.12 and 5.0.2
NOTIFIES = {"Master", "Primary", "Producer"}  # and has secondaries that go by the serial; Native has none
NOT_OURS_TO_CHANGE = {"Slave", "Consumer"}  # a zone of another server, which is copied from there


class Provider(Rest, RRsetProvider):
    """With the ``api-key`` of pdns.conf."""

    title = "PowerDNS"
    docs = "https://doc.powerdns.com/authoritative/http-api/"
    permission = "api=yes, this api-key and webserver-allow-from for this machine in pdns.conf"
    options = (
        Option("key", ("PDNS_API_KEY", "PDNS_Token"), "the server's api-key", required=True, secret=True),
        Option("server", ("PDNS_SERVER_NAME", "PDNS_ServerId"), "the server's id", default="localhost"),
        base_url("PDNS_API_URL", "http://127.0.0.1:8081"),
    )
    failing = (
        "the server's own log says why (journalctl -u pdns); `pdnsutil check-zone {about}` finds records that"
        " are broken"
    )
    closed = (
        "PowerDNS closes at once what comes from an address that it does not let in: add this machine's to"
        " webserver-allow-from in pdns.conf, and restart it"
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"readonly database": (
            "let the user that PowerDNS runs as write to its database, the file and its folder"
        ),
    }
    profile = Profile(rounds=1)
    largest = 256 << 20  # an old server shows the whole zone where one name is asked for
    overheard = "learns the api-key"
    guarded = True  # where the server is new enough
    zones_at_once = 8
    spell = staticmethod(quoted)

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._disabled: dict[str, set[str]] = {}  # the values at each name that are switched off

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-API-Key": self.given["key"]}

    def zones(self) -> Iterable[Zone]:
        return self._zones()

    def zone_at(self, apex: str) -> Zone | None:
        return next((zone for zone in self._zones(zone=f"{apex}.") if zone.apex == apex), None)

    def zone_for(self, name: str) -> Zone:
        try:
            return super().zone_for(name)
        except ZoneNotFound:
            self._refuse_copies(name)
            raise

    def apex_of(self, zone: Zone) -> ZoneApex:
        return self.attempt(zone.apex, partial(self._apex, zone))

    def _apex(self, zone: Zone) -> ZoneApex:
        known = self.get(*self._path("zones", zone.id))
        hosts = host_names(_served(known, zone.apex, "NS"))
        soa = _served(known, zone.apex, "SOA")
        (primary,) = host_names(soa[0].split()[:1]) if soa else ("",)
        inside = [host for host in dict.fromkeys((*hosts, primary)) if is_within(host, zone.apex)]
        addresses = {host: [*_served(known, host, "A"), *_served(known, host, "AAAA")] for host in inside}
        # The serial that it serves is not always the one that the SOA has (SOA-EDIT).
        serial = known.get("edited_serial")
        return ZoneApex(
            hosts,
            primary,
            None if serial is None else int(serial),
            {host: tuple(str(ip_address(each)) for each in found) for host, found in addresses.items()},
        )

    def serial_stays(self, zone: Zone) -> Sequence[str]:
        """Without SOA-EDIT-API, which pdnsutil does not give a zone that it loads or creates, a change by
        the API raises no serial (https://doc.powerdns.com/authoritative/domainmetadata.html)."""
        known = self.attempt(zone.apex, partial(self.get, *self._path("zones", zone.id), rrsets="false"))
        counted = known.get("soa_edit_api") or "OFF"
        by_time = "EPOCH" in (known.get("soa_edit") or "").upper()  # the serial that is served is the time
        if known["kind"] not in NOTIFIES or counted.upper() != "OFF" or by_time:
            return ()
        return (
            f"on the server of the API: pdnsutil set-meta {zone.apex} SOA-EDIT-API DEFAULT",
            f"or, where all its name servers read one database: pdnsutil set-kind {zone.apex} native",
        )

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Add the records, and have the secondaries told: the server itself does so once a minute."""
        super().publish(zone, self._left(zone, records, "EXTEND"))
        with suppress(ProviderError):
            self.request("PUT", self._path("zones", zone.id, "notify"))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        super().retract(zone, self._left(zone, records, "PRUNE"))

    def read(self, zone: Zone, name: str) -> RRset | None:
        asked = {"rrset_name": f"{name}.", "rrset_type": "TXT"}
        for rrset in self.get(*self._path("zones", zone.id), **asked)["rrsets"]:
            if (dns_name(rrset["name"]), rrset["type"]) == (name, "TXT"):  # old servers show the zone
                records = rrset["records"]
                self._disabled[name] = {record["content"] for record in records if record["disabled"]}
                return RRset(tuple(record["content"] for record in records), rrset["ttl"])
        return None

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """Add and remove what is different: that is atomic, and the rest is not touched. Where the
        server is too old for it, between processes of other machines nothing but the reading helps."""
        before, after = old.values if old else (), new.values if new else ()
        ttl = new.ttl if new else old.ttl if old else 0
        try:
            for value in after:
                if value not in before:
                    self._change(zone, name, "EXTEND", ttl, value)
            for value in before:
                if value not in after:
                    self._change(zone, name, "PRUNE", ttl, value)
        except Refused as refusal:
            if TOO_OLD not in str(refusal):
                raise
            self._warn_of_races()
            self._change(zone, name, "REPLACE", ttl, *after)

    def _warn_of_races(self) -> None:
        if self.guarded:
            warning(
                f"{self.whose}: the server is older than 4.9.12 and 5.0.2: its API replaces all values at a"
                " name, so that machines which write there at once may lose each other's; with rfc2136"
                " (dnsupdate=yes in pdns.conf) each value is added and removed by itself"
            )
        self.guarded = False

    def _left(self, zone: Zone, records: Sequence[TxtRecord], changetype: str) -> list[TxtRecord]:
        """Those of the records that are not dealt with by one request for many names: the server takes one
        record of a name in it, and none at all where it is too old or refuses one of them."""
        single = [of_name[0] for of_name in by_name(records).values() if len(of_name) == 1]
        if len(single) < 2 or not self.guarded:
            return list(records)
        try:
            self.attempt(zone.apex, partial(self._change_all, zone, single, changetype))
        except Refused:  # each by itself tells which
            return list(records)
        return [record for record in records if record not in single]

    def _change_all(self, zone: Zone, records: Sequence[TxtRecord], changetype: str) -> None:
        """Add or remove what a reading of each name shows to be lacking, or to be there."""
        changes = []
        for record in records:
            old = self.read(zone, record.name)
            known = {unquoted(value): value for value in old.values} if old else {}
            if (record.value in known) == (changetype == "PRUNE"):
                ttl = old.ttl if old else max(record.ttl, self.least_ttl)
                value = known.get(record.value, quoted(record.value))
                changes.append(self._rrset(record.name, changetype, ttl, value))
        if changes:
            self.request("PATCH", self._path("zones", zone.id), body={"rrsets": changes})

    def _change(self, zone: Zone, name: str, changetype: str, ttl: int, *values: str) -> None:
        rrset = self._rrset(name, changetype, ttl, *values)
        self.request("PATCH", self._path("zones", zone.id), body={"rrsets": [rrset]})

    def _rrset(self, name: str, changetype: str, ttl: int, *values: str) -> dict[str, Any]:
        disabled = self._disabled.get(name, ())
        records = [{"content": value, "disabled": value in disabled} for value in values]
        return {"name": f"{name}.", "type": "TXT", "changetype": changetype, "ttl": ttl, "records": records}

    def _zones(self, **query: str) -> list[Zone]:
        try:
            found = self.get(*self._path("zones"), **query)
        except NotFound as refusal:  # the list of zones is there, if the server is
            server = self.given["server"]
            raise ProviderError(
                f"{self.whose}: {self._base} has no server {server!r}: {refusal}",
                "PDNS_SERVER_NAME is localhost with every PowerDNS, and PDNS_API_URL is its address alone, "
                "without /api/v1 behind it",
            ) from refusal
        return [
            Zone(zone["name"].rstrip("."), zone["id"])
            for zone in found
            if zone["kind"] not in NOT_OURS_TO_CHANGE
        ]

    def _refuse_copies(self, name: str) -> None:
        """Raises ZoneNotFound where the zone of the name is here, but written elsewhere."""
        found = [each for each in self.get(*self._path("zones")) if each["kind"] in NOT_OURS_TO_CHANGE]
        for zone in sorted(found, key=lambda each: -len(each["name"])):
            if is_within(name, apex := zone["name"].rstrip(".")):
                masters = ", ".join(zone.get("masters", ())) or "nobody"
                raise ZoneNotFound(
                    f"{self.whose}: {apex} is there, as {zone['kind']}, a copy of what {masters} has",
                    f"use an account of its primary ({masters}), or make this server the primary: "
                    f"pdnsutil set-kind {apex} primary",
                )

    def _path(self, *rest: Any) -> tuple[str, ...]:
        return ("api", "v1", "servers", self.given["server"], *rest)


def _served(zone: Mapping[str, Any], name: str, type: str) -> list[str]:
    """The contents of the records that a zone has at the name, without those that are switched off."""
    return [
        record["content"]
        for rrset in zone["rrsets"]
        if (rrset["name"].lower(), rrset["type"]) == (f"{name}.", type)
        for record in listed(rrset["records"])
        if not record["disabled"]
    ]
