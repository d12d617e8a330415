"""Namecheap: the contract, and that the rest of a zone is as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from api_refusals import ADDRESS, ELSEWHERE, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, WorksOverHttp, nonsense_in
from fakes import FOREVER, Record, Text
from fakes.namecheap import Namecheap

from dns01.errors import AuthRejected, Busy, ProviderError, ZoneNotFound
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused

OTHERS = [
    ("@", "A", "192.0.2.80", "10", 1799),
    ("www", "CNAME", "example.net.", "10", 60),
    ("@", "MX", "mx1.example.net.", "5", 1800),
    ("@", "MX", "mx2.example.net.", "20", 60000),
    ("@", "CAA", '0 issue "ca.example.net; validationmethods=dns-01"', "10", 1800),
    ("@", "TXT", "v=spf1 include:spf.example.net ~all", "10", 1800),
    ("k1._domainkey", "TXT", 'v=DKIM1; p=a+b/c==&"<ü>', "10", 1800),
    ("go", "URL301", "https://example.net/?a=b&c=d#e", "10", 1800),
    ("www", "A", "192.0.2.81", "10", 1800),
    ("www", "A", "192.0.2.81", "10", 1800),
]


class TestNamecheap(WorksOverHttp, AgreesWithLego):
    API = Api("namecheap", Namecheap, user=Namecheap.user, key=Namecheap.token, client_ip=Namecheap.client_ip)
    LEGO = Lego("namecheap", NAMECHEAP_API_USER=Namecheap.user, NAMECHEAP_API_KEY=Namecheap.token)
    LOCKED = True
    NONSENSE = nonsense_in("XML")

    def test_a_domain_with_other_name_servers_is_no_zone(self, case: HttpCase) -> None:
        fake_of(case).elsewhere = {"example.com"}
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.example.com")

    def test_an_address_that_is_not_on_the_list_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["client_ip"] = "192.0.2.99"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "Invalid request IP: 192.0.2.99" in str(error)

    def test_the_key_is_in_no_url(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        assert {request.headers["Content-Type"] for request in case.fake.requests} == {
            "application/x-www-form-urlencoded"
        }

    def test_what_is_over_the_limit_is_405_of_any_form(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Text(status=405, text="<html>Not Allowed</html>"))
        publish(case, record)
        assert case.pauses
        case.fake.fail(Text(status=405, text="", times=FOREVER))
        assert isinstance(case.error_of(lambda: retract(case, record)), Busy)

    def test_a_hundred_names_are_one_write(self, case: HttpCase, name: str) -> None:
        publish(case, *[TxtRecord(f"{number}.{name}", validation(f"{number}")) for number in range(100)])
        assert [path for path in paths(case) if "setHosts" in path] == ["/dns.setHosts/example.com"]

    def test_where_there_is_nothing_to_change_nothing_is_written(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        publish(case, record)
        case.fake.requests.clear()
        publish(case, record)
        retract(case, record._replace(value=validation("b")))
        assert not [path for path in paths(case) if "setHosts" in path]


class TestEverythingElse:
    case = TestNamecheap.case
    record = TestNamecheap.record
    API = TestNamecheap.API

    @pytest.fixture
    def name(self) -> str:
        return "_acme-challenge.example.com"

    @pytest.mark.parametrize("mail", ["MX", "OX", "GMAIL"])
    def test_it_is_as_it_was_down_to_the_order(self, case: HttpCase, record: TxtRecord, mail: str) -> None:
        put(case, OTHERS, mail)
        publish(case, record)
        assert [host for host in hosts(case) if host[0] != "_acme-challenge"] == OTHERS
        assert case.world_sees(record.name) == {record.value}
        retract(case, record)
        assert hosts(case) == OTHERS
        assert fake_of(case).mail["example.com"] == mail

    @pytest.mark.parametrize("mail", ["NONE", "FWD", "MXE"])
    def test_the_setting_of_the_mail_is_as_it_was(self, case: HttpCase, record: TxtRecord, mail: str) -> None:
        put(case, OTHERS[:2], mail)
        publish(case, record)
        assert fake_of(case).mail["example.com"] == mail

    @pytest.mark.parametrize(
        ("type", "special", "told"),
        [
            ("A", {"IsDDNSEnabled": "true"}, "IsDDNSEnabled=true of the host home A"),
            ("A", {"IsActive": "false"}, "IsActive=false of the host home A"),
            ("A", {"Shield": "on"}, "Shield=on of the host home A"),
            ("SRV", {}, "the host home SRV"),
        ],
    )
    def test_where_it_cannot_be_carried_nothing_is_written(
        self, case: HttpCase, record: TxtRecord, type: str, special: dict[str, str], told: str
    ) -> None:
        put(case, OTHERS, "MX")
        [odd] = put(case, [("home", type, "192.0.2.82", "10", 1800)], "MX")
        fake_of(case).special[odd.id] = special
        before = hosts(case)
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert f"would lose {told}" in str(error)
        assert "CNAME" in error.hint
        assert hosts(case) == before
        assert not [path for path in paths(case) if "setHosts" in path]

    def test_a_setting_of_the_mail_that_is_not_known_stops_it(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        put(case, OTHERS, "PIGEON")
        error = case.error_of(lambda: publish(case, record))
        assert "would lose its mail setting PIGEON" in str(error)
        assert hosts(case) == OTHERS

    def test_what_the_dashboard_alone_knows_is_no_hindrance(self, case: HttpCase, record: TxtRecord) -> None:
        [host] = put(case, OTHERS[:1], "NONE")
        fake_of(case).special[host.id] = {"FriendlyName": "A Record", "AssociatedAppTitle": "Shop"}
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_what_is_lost_all_the_same_is_named(self, case: HttpCase, record: TxtRecord) -> None:
        put(case, OTHERS, "MX")
        fake_of(case).drops = {"URL301"}
        error = case.error_of(lambda: publish(case, record))
        assert "has no longer: go URL301 https://example.net/?a=b&c=d#e 10 1800" in str(error)

    def test_what_does_not_stay_is_given_up(self, case: HttpCase, record: TxtRecord) -> None:
        fake_of(case).drops = {"TXT"}
        assert "does not stay there" in str(case.error_of(lambda: publish(case, record)))


def fake_of(case: HttpCase) -> Namecheap:
    assert isinstance(case.fake, Namecheap)
    return case.fake


def put(case: HttpCase, hosts: Sequence[tuple[Any, ...]], mail: str) -> list[Record]:
    """Somebody adds hosts to example.com."""
    fake, records = fake_of(case), []
    for name, type, address, preference, ttl in hosts:
        owner = "example.com" if name == "@" else f"{name}.example.com"
        records.append(fake.add(fake.zones["example.com"], owner, address, ttl, type))
        fake.special[records[-1].id] = {"MXPref": preference}
    fake.mail["example.com"] = mail
    return records


def hosts(case: HttpCase) -> list[tuple[Any, ...]]:
    """All that is in example.com."""
    found = []
    for record in case.fake.zones["example.com"].records:
        name = record.name.removesuffix("example.com").rstrip(".") or "@"
        preference = fake_of(case).special.get(record.id, {}).get("MXPref", "10")
        found.append((name, record.type, record.value, preference, record.ttl))
    return found


def paths(case: HttpCase) -> list[str]:
    return [request.path for request in case.fake.requests]


def _body(number: int, message: str) -> str:
    error = f'<Errors><Error Number="{number}">{message}</Error></Errors>'
    return f'<ApiResponse Status="ERROR" xmlns="http://api.namecheap.com/xml.response">{error}</ApiResponse>'


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestNamecheap.API
    REFUSALS = (
        KnownRefusal(
            "namecheap/go-namecheap-sdk#4",
            200,
            _body(1011150, "Invalid request IP: 203.0.113.9"),
            AuthRejected,
            ADDRESS,
        ),
        KnownRefusal(
            "acmesh-official/acme.sh#4698",
            200,
            _body(1011102, "API Key is invalid or API access has not been enabled"),
            AuthRejected,
            "NAMECHEAP_API_KEY is right, and switch API access on",
        ),
        KnownRefusal(
            "namecheap.com/support/api/error-codes, 2030288",
            200,
            _body(2030288, "Cannot complete this command as this domain is not using proper DNS servers"),
            Refused,
            ELSEWHERE,
        ),
    )
