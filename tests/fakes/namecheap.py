"""Namecheap's API, as far as hosts go (https://www.namecheap.com/support/api/methods/)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, route

WHO = ("ApiUser", "ApiKey", "UserName", "ClientIp")
TYPES = {"A", "AAAA", "ALIAS", "CAA", "CNAME", "FRAME", "MX", "MXE", "NS", "TXT", "URL", "URL301"}
MAIL = {"FWD", "GMAIL", "MX", "MXE", "NONE", "OX"}
NUMBERED = re.compile(r"(HostName|RecordType|Address|MXPref|TTL)(\d+)")


class Namecheap(Fake):
    """One address takes all commands, as a query or as a form, and answers in XML, 200 to all of them.

    A command is routed here as if it were a method: ``CALL /dns.getHosts/example.com``. ``elsewhere``
    has the domains whose name servers are others'; ``mail`` the EmailType of each zone; ``special``
    attributes of records beyond the usual ones, by their ids, which setHosts makes anew; ``drops`` the
    types that it says yes to and forgets. A name that ends with a dot, as lego writes that of an apex,
    keeps it, and means the same.
    """

    hosts = ("api.namecheap.com", "dynamicdns.park-your-domain.com")
    invalid = 200
    gone = 404  # is 2019166 in XML
    unexpected: ClassVar[Any] = b'<?xml version="1.0"?><ApiResponse Status="OK"/>'
    user, client_ip = "me", "192.0.2.1"

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.mail: dict[str, str] = {}
        self.special: dict[str, Mapping[str, str]] = {}
        self.drops: set[str] = set()
        self.elsewhere: set[str] = set()

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if request.path != "/xml.response":
            return super().respond(request)
        given = dict(request.query)
        if isinstance(request.body, str):
            given |= parse_qsl(request.body, keep_blank_values=True, strict_parsing=True)
        command = given.pop("Command", "").removeprefix("namecheap.domains.")
        zone = f"/{given.pop('SLD', '')}.{given.pop('TLD', '')}" if command.startswith("dns.") else ""
        path, body = f"/{command}{zone}", None
        if command == "dns.setHosts":
            body = {"hosts": {name: given.pop(name) for name in list(given) if NUMBERED.fullmatch(name)}}
        return super().respond(request._replace(method="CALL", path=path, query=given, body=body))

    def admit(self, request: Request) -> None:
        if request.path == "/getip":
            return
        given = request.query
        if lacking := [name for name in WHO if not given.get(name)]:
            raise Refusal(200, f"Parameter {lacking[0]} is missing", 1010101)
        if (given["ApiUser"], given["ApiKey"]) != (self.user, self.token):
            raise Refusal(200, "API Key is invalid or API access has not been enabled", 1011102)
        if given["ClientIp"] != self.client_ip:
            raise Refusal(200, f"Invalid request IP: {given['ClientIp']}", 1011150)

    def error(self, refusal: Refusal) -> Any:
        number = refusal.code or 4023330
        error = f'<Error Number="{number}">{escape(refusal.message)}</Error>'
        return _xml("ERROR", f"<Errors>{error}</Errors>")

    @route("GET", "/getip")
    def client(self, request: Request) -> Answer:
        """Where lego learns what its address is."""
        return Answer(200, self.client_ip.encode())

    @route("CALL", "/getList", query=(*WHO, "Page", "PageSize", "SearchTerm", "ListType"), writes=False)
    def list_domains(self, request: Request) -> Answer:
        asked, size = int(request.query.get("Page", 1)), int(request.query.get("PageSize", 20))
        if not 10 <= size <= 100:
            raise Refusal(200, "PageSize: 10-100", 5050169)
        shown, number, pages = self.page(list(self.zones), asked, size)
        domains = "".join(
            f'<Domain Name={quoteattr(apex)} IsOurDNS="{str(apex not in self.elsewhere).lower()}"/>'
            for apex in shown
        )
        total = size * pages if self.repeats else len(self.zones)
        paging = f"<TotalItems>{total}</TotalItems><CurrentPage>{number}</CurrentPage>"
        paging = f"<Paging>{paging}<PageSize>{size}</PageSize></Paging>"
        return Answer(200, _xml("OK", f"<DomainGetListResult>{domains}</DomainGetListResult>{paging}"))

    @route("CALL", "/dns.getHosts/{domain}", query=WHO, writes=False)
    def get_hosts(self, request: Request, domain: str) -> Answer:
        zone = self._registered(domain)
        about = f"Domain={quoteattr(domain)} EmailType={quoteattr(self.mail.get(domain, 'NONE'))}"
        hosts = "".join(self._host(zone, record) for record in zone.records)
        return Answer(200, _xml("OK", f"<DomainDNSGetHostsResult {about}>{hosts}</DomainDNSGetHostsResult>"))

    @route("CALL", "/dns.setHosts/{domain}", query=(*WHO, "EmailType"), fields={"hosts": dict})
    def set_hosts(self, request: Request, domain: str) -> Answer:
        """Whatever is not said is gone, and so is the mail if EmailType is not said."""
        zone, mail = self._registered(domain), request.query.get("EmailType", "NONE")
        if mail not in MAIL:
            raise Refusal(200, f"EmailType {mail} is invalid", 2015166)
        hosts = _numbered(request.body["hosts"])
        zone.records.clear()
        for host in hosts:
            if host["RecordType"] in self.drops or (host["RecordType"] == "MX" and mail in ("NONE", "FWD")):
                continue
            name = domain if host["HostName"] == "@" else f"{host['HostName'].rstrip('.')}.{domain}"
            record = self.add(zone, name, host["Address"], int(host["TTL"]), host["RecordType"])
            self.special[record.id] = {"Name": host["HostName"], "MXPref": host.get("MXPref", "10")}
        self.mail[domain] = mail
        result = f'<DomainDNSSetHostsResult Domain={quoteattr(domain)} IsSuccess="true"/>'
        return Answer(200, _xml("OK", result))

    def _registered(self, domain: str) -> Zone:
        if domain not in self.zones:
            raise Refusal(200, "Domain not found", 2019166)
        return self.zones[domain]

    def _host(self, zone: Zone, record: Record) -> str:
        name = record.name.removesuffix(zone.apex).rstrip(".") or "@"
        attributes = {"HostId": record.id, "Name": name, "Type": record.type, "Address": record.value}
        attributes |= {"MXPref": "10", "TTL": str(record.ttl), "AssociatedAppTitle": "", "FriendlyName": ""}
        attributes |= {"IsActive": "true", "IsDDNSEnabled": "false", **self.special.get(record.id, {})}
        return f"<host {' '.join(f'{name}={quoteattr(value)}' for name, value in attributes.items())} />"


def _numbered(given: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """The hosts, whose numbers have to be 1, 2, 3 …; each is complete."""
    hosts: dict[int, dict[str, str]] = {}
    for parameter, value in given.items():
        name, number = re.fullmatch(NUMBERED, parameter).groups()  # type: ignore[union-attr]
        hosts.setdefault(int(number), {})[name] = value
    if sorted(hosts) != list(range(1, len(hosts) + 1)):
        raise Refusal(200, "HostName1 is missing", 2010324)
    for host in hosts.values():
        if not host.get("HostName") or host.get("RecordType") not in TYPES or not host.get("Address"):
            raise Refusal(200, f"Invalid host: {host}", 3050900)
        if not 60 <= int(host.setdefault("TTL", "1800")) <= 60000:
            raise Refusal(200, f"Invalid TTL: {host['TTL']}", 3050900)
    return [hosts[number] for number in sorted(hosts)]


def _xml(status: str, content: str) -> bytes:
    errors = "" if "<Errors>" in content else "<Errors />"
    start = f'<ApiResponse Status="{status}" xmlns="http://api.namecheap.com/xml.response">{errors}'
    response = f"{start}<CommandResponse>{content}</CommandResponse></ApiResponse>"
    return f'<?xml version="1.0" encoding="utf-8"?>{response}'.encode()
