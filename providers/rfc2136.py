"""Any name server that takes dynamic updates (RFC 2136), signed with TSIG (RFC 8945)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.update
from dns.rdtypes.ANY.TXT import TXT

from ..errors import AuthRejected, ClockSkew, ProviderError, ZoneNotFound
from ..own_address import is_own_address
from ._rfc2136_answers import apex_in, cut_in, obstacle, rrset_in, text, words_of
from ._rfc2136_refusals import not_granted, unserved, update_refused
from ._rfc2136_tcp import DnsTcpSession, read_address
from ._rfc2136_tsig import read_key
from .base import Option, Profile, TxtRecord, Zone, ZoneApex

# By which a server of this host is reached, whatever its SOA says.
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECONDARY_TIMEOUT = 10.0  # seconds that a secondary has to show what it forwarded to its primary
READ_BACK_INTERVAL = 0.5  # seconds before it is asked again
ALIAS_TTL = 300  # seconds; a CNAME stays, but the first one may be a mistake


class Provider:
    """The primary server of some zones (BIND, Knot, PowerDNS…), or a secondary that forwards updates
    to it. Without a key, the server has to go by this host's address."""

    title = "Dynamic updates (RFC 2136)"
    docs = "https://bind9.readthedocs.io/en/stable/reference.html#dynamic-update-policies"
    permission = (
        "to update TXT at the challenge names alone; in BIND's zone:"
        " update-policy { grant KEY name _acme-challenge.example.org. TXT; };"
    )
    options = (
        Option(
            "nameserver",
            ("RFC2136_NAMESERVER", "NSUPDATE_SERVER"),
            "host, host:port or [address]:port",
            required=True,
        ),
        Option("tsig_key", ("RFC2136_TSIG_KEY",), "the key's name; without it, the address has to do"),
        Option("tsig_secret", ("RFC2136_TSIG_SECRET",), "the key's secret, in base64", secret=True),
        Option("tsig_algorithm", ("RFC2136_TSIG_ALGORITHM",), "the key's algorithm", default="hmac-sha256"),
        Option(
            "tsig_file",
            ("RFC2136_TSIG_FILE", "NSUPDATE_KEY"),
            "or all three: a file of tsig-keygen's",
        ),
    )
    profile = Profile(rounds=1)
    sleep: Callable[[float], None] = staticmethod(time.sleep)
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError."""
        self.server = options["nameserver"]
        read_address(self.server)  # what cannot be one is an error now, and not at the first query
        self.session = DnsTcpSession(self.server, read_key(options))

    def name_server(self) -> tuple[str, int]:
        """The host, or its address, and the port that updates are sent to."""
        return read_address(self.server)

    def zone_for(self, name: str) -> Zone:
        """The zone from which the server itself answers for the name."""
        owner = asked = dns.name.from_text(name)
        cut: dns.name.Name | None = None
        words = ""
        recursive = False
        failing: list[str] = []
        while asked != dns.name.root:
            answer = self._ask([asked], dns.rdatatype.SOA)[asked]
            apex = apex_in(answer, owner)
            if apex and cut and cut.is_subdomain(apex):
                beneath = "" if owner == cut else f", and {name} with it"
                raise ZoneNotFound(
                    f"{self.server} has {text(apex)}, but delegates {text(cut)}{beneath}",
                    f"set RFC2136_NAMESERVER to the primary server of {text(cut)}",
                )
            if apex:
                return Zone(text(apex))
            cut = cut or cut_in(answer, owner)
            words = words or words_of(answer)
            recursive |= bool(answer.flags & dns.flags.RA and not answer.flags & dns.flags.AA)
            failing += [text(asked)] if answer.rcode() == dns.rcode.SERVFAIL else []
            asked = asked.parent()
        if failing:
            raise unserved(self.server, failing[-1])
        if words == "NOTAUTH" and (apex := self._apex_without_key(owner)):
            raise AuthRejected(
                f"{self.server} answers for {text(apex)}, but not to the key {self.session.key_name} "
                "(NOTAUTH): it does not know that key, or takes no updates",
                "compare the key's name with the server's; PowerDNS wants dnsupdate=yes in pdns.conf and: "
                f"pdnsutil import-tsig-key {self.session.key_name} ALGORITHM SECRET; pdnsutil set-meta "
                f"{text(apex)} TSIG-ALLOW-DNSUPDATE {self.session.key_name}",
            )
        raise ZoneNotFound(
            f"{self.server} is not authoritative for {name} or any domain above it ({words})"
            + (": it is a resolver, or recurses for others" if recursive else ""),
            "set RFC2136_NAMESERVER to the primary server of its zone; where that has views, the key decides",
        )

    def _apex_without_key(self, name: dns.name.Name) -> dns.name.Name | None:
        """The zone from which the server answers for the name to anybody who asks."""
        if self.session.key is None:
            return None
        query = dns.message.make_query(name, dns.rdatatype.SOA, flags=0)
        (answer,) = DnsTcpSession(self.server, None).exchange([query])
        return apex_in(answer, name)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Raises ProviderError also where the server says yes and does nothing."""
        _in_messages(lambda part: self._add(zone, part), records)
        self._read_back(records)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        _in_messages(lambda part: self._delete(zone, part), records)

    def alias(self, zone: Zone, name: str, target: str) -> None:
        """Only a name that has nothing at all can become a CNAME (RFC 2136 §2.4.5, RFC 1034 §3.6.2)."""
        owner = dns.name.from_text(name)
        update = _update(zone)
        update.absent(owner)
        update.add(owner, ALIAS_TTL, dns.rdatatype.CNAME, dns.name.from_text(target).to_text())
        if self._send(zone, update) != dns.rcode.YXDOMAIN:
            return
        cname = rrset_in(self._ask([owner], dns.rdatatype.CNAME)[owner], owner, dns.rdatatype.CNAME)
        present = f"it is a CNAME to {text(cname[0].target)}" if cname else "it has other records"
        if not cname or cname[0].target != dns.name.from_text(target):
            raise ProviderError(
                f"{self.server} cannot make {name} a CNAME to {target}: {present}",
                "remove by hand what stands there, if it may go",
            )

    def apex_of(self, zone: Zone) -> ZoneApex:
        """What this key gets to see, which may be a view of its own."""
        apex = dns.name.from_text(zone.apex)
        soa = rrset_in(self._ask([apex], dns.rdatatype.SOA)[apex], apex, dns.rdatatype.SOA)
        ns = rrset_in(self._ask([apex], dns.rdatatype.NS)[apex], apex, dns.rdatatype.NS)
        hosts = [rr.target for rr in ns or ()]
        primary = [soa[0].mname] if soa else []
        inside = [host for host in dict.fromkeys((*hosts, *primary)) if host.is_subdomain(apex)]
        addresses: dict[str, tuple[str, ...]] = {}
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            for host, answer in self._ask(inside, rdtype).items() if inside else ():
                known = addresses.get(text(host), ())
                addresses[text(host)] = (*known, *(rr.address for rr in rrset_in(answer, host, rdtype) or ()))
        names = tuple(map(text, hosts))
        return ZoneApex(names, text(soa[0].mname), soa[0].serial, addresses) if soa else ZoneApex(names)

    def rehearse(self, zone: Zone, name: str) -> None:
        """An update whose prerequisite is never met (RFC 2136 §2.4.4): the server says whether it
        would take it, and takes nothing."""
        update = _update(zone)
        update.present(dns.name.from_text(f"{secrets.token_hex(8)}.dns01-doctor.{zone.apex}"))
        update.add(dns.name.from_text(name), 60, dns.rdatatype.TXT, "dns01-doctor")
        self._send(zone, update, expected=(dns.rcode.NXDOMAIN, dns.rcode.NXRRSET))

    def _other_primary(self, zone: Zone) -> str:
        """The address of the primary that the SOA names, where that is another server than this one."""
        apex, host = self.apex_of(zone), self.name_server()[0]
        known = apex.addresses.get(apex.primary, ())
        ours = {host, *apex.addresses.get(host, ())}
        if host in LOOPBACK and any(map(is_own_address, known)):
            return ""
        return known[0] if known and not ours & {apex.primary, *known} else ""

    def _add(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """The TTL of a record that is added becomes that of its whole RRset. So a first update
        adds all if none of the RRsets exists (RFC 2136 §2.4.3), and a second one, if some do,
        with the TTLs that they have.

        The second is unconditional: no value is lost by adding, whatever others do meanwhile, and
        a wildcard's TXT looks like an RRset to a query but not to a prerequisite.
        """
        owners = _owners(records)
        update = _update(zone)
        for owner in owners:
            update.absent(owner, dns.rdatatype.TXT)
        for record in records:
            update.add(dns.name.from_text(record.name), record.ttl, _txt(record))
        if self._send(zone, update) == dns.rcode.YXRRSET:
            answers = self._ask(owners, dns.rdatatype.TXT)
            update = _update(zone)
            for record in records:
                owner = dns.name.from_text(record.name)
                present = rrset_in(answers[owner], owner, dns.rdatatype.TXT)
                update.add(owner, present.ttl if present else record.ttl, _txt(record))
            self._send(zone, update)

    def _delete(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        update = _update(zone)
        for record in records:
            update.delete(dns.name.from_text(record.name), _txt(record))
        self._send(zone, update)

    def _read_back(self, records: Sequence[TxtRecord]) -> None:
        """Until the server shows all records. What is added at a CNAME is ignored in silence
        (§3.4.2.2), what is added beneath a zone cut is never seen."""
        deadline = self.monotonic() + SECONDARY_TIMEOUT
        while lacking := self._lacking(records):
            if any(lacking.values()) or self.monotonic() > deadline:
                shown = [f"{name} {reason or 'does not have it'}" for name, reason in lacking.items()]
                more = f", and {len(shown) - 5} more" if len(shown) > 5 else ""
                raise ProviderError(
                    f"{self.server} took the update, but {', '.join(shown[:5])}{more}",
                    "publish the record where the name leads, or remove what stands in its way",
                )
            self.sleep(READ_BACK_INTERVAL)

    def _lacking(self, records: Sequence[TxtRecord]) -> dict[str, str]:
        """The names that lack a record, each with the reason, or "" if there is none to be seen."""
        answers = self._ask(_owners(records), dns.rdatatype.TXT)
        lacking = {}
        for record in records:
            owner = dns.name.from_text(record.name)
            present = rrset_in(answers[owner], owner, dns.rdatatype.TXT)
            if present is None or _txt(record) not in present:
                lacking[record.name] = obstacle(answers[owner], owner)
        return lacking

    def _ask(
        self, owners: Iterable[dns.name.Name], rdtype: dns.rdatatype.RdataType
    ) -> dict[dns.name.Name, dns.message.Message]:
        """The server's own answers: recursion is not desired."""
        queries = [dns.message.make_query(owner, rdtype, flags=0) for owner in owners]
        return dict(zip(owners, self.session.exchange(queries), strict=True))

    def _send(
        self,
        zone: Zone,
        update: dns.update.UpdateMessage,
        expected: Sequence[dns.rcode.Rcode] = (dns.rcode.YXRRSET, dns.rcode.YXDOMAIN),
    ) -> dns.rcode.Rcode:
        """NOERROR, or what a prerequisite says of what is there (``expected``); all else is raised."""
        names = list(dict.fromkeys(text(rrset.name) for rrset in update.update))
        try:
            (answer,) = self.session.exchange([update])
        except AuthRejected as error:  # BADKEY, which Knot also says of a key that it knows
            if isinstance(error, ClockSkew) or not self.session.is_key_known:
                raise
            raise not_granted(self.server, self.session.key_name, zone.apex, names) from error
        rcode = answer.rcode()
        if rcode not in (dns.rcode.NOERROR, *expected):
            passed_on = rcode in (dns.rcode.REFUSED, dns.rcode.SERVFAIL) and self.session.key
            primary = self._other_primary(zone) if passed_on else ""
            refusal = update_refused(self.server, self.session.key_name, zone.apex, names, rcode, primary)
            refusal.definite = rcode != dns.rcode.SERVFAIL  # an UPDATE is atomic (RFC 2136 §3.4)
            raise refusal
        return rcode


def _in_messages(send: Callable[[Sequence[TxtRecord]], None], records: Sequence[TxtRecord]) -> None:
    """All records in one message, or halved as often as it takes to fit 64 KiB (RFC 1035 §4.2.2)."""
    try:
        send(records)
    except dns.exception.TooBig:
        if len(records) == 1:
            raise
        middle = len(records) // 2
        _in_messages(send, records[:middle])
        _in_messages(send, records[middle:])


def _update(zone: Zone) -> dns.update.UpdateMessage:
    return dns.update.UpdateMessage(dns.name.from_text(zone.apex))


def _txt(record: TxtRecord) -> TXT:
    """Character-strings are 255 octets at most (RFC 1035 §3.3)."""
    value = record.value.encode()
    strings = [value[start : start + 255] for start in range(0, len(value), 255)] or [b""]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)


def _owners(records: Iterable[TxtRecord]) -> list[dns.name.Name]:
    return list(dict.fromkeys(dns.name.from_text(record.name) for record in records))
