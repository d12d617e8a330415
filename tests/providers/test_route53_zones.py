"""Route 53: which of the account's zones it is."""

from __future__ import annotations

from collections.abc import Iterator

import dns.resolver
import pytest
from fakes.route53 import HostedZone
from on_route53 import LIST, RECORD, WRITE, OnRoute53, on_route53
from testbed import NameServer
from testbed import Zone as ServedZone

from dns01.errors import ProviderError, ZoneNotFound
from dns01.providers.base import TxtRecord, Zone


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnRoute53]:
    with on_route53(monkeypatch) as case:
        yield case


class TestZones:
    def test_private_zones_are_not_seen(self, case: OnRoute53) -> None:
        case.aws.add_zone("www.example.com", private=True)
        case.aws.add_zone("example.com", private=True)
        assert case.provider().zone_for("www.example.com") == Zone("example.com", "Z1EXAMPLE")

    @pytest.mark.parametrize("page", [1, 2])
    def test_the_list_is_read_to_the_end(self, case: OnRoute53, page: int) -> None:
        case.aws.page = page
        case.aws.add_zone("example.com", private=True)
        assert case.provider().zone_for("a.deep.example.com").apex == "deep.example.com"
        with pytest.raises(ZoneNotFound) as caught:
            case.provider().zone_for("example.org")
        assert {*str(caught.value).partition("it sees ")[2].split(", ")} == {*case.outside.split(", ")}

    @pytest.mark.parametrize("id", ["Z2EXAMPLE", "/hostedzone/Z2EXAMPLE"])
    def test_a_zone_whose_id_is_configured_is_not_looked_for(self, case: OnRoute53, id: str) -> None:
        zone = Zone("deep.example.com", id)
        record = TxtRecord("_acme-challenge.deep.example.com", "v")
        provider = case.provider()
        provider.publish(zone, [record])
        assert case.aws.calls == [WRITE]
        assert case.world_sees(record.name) == {"v"}
        provider.retract(zone, [record])
        assert case.world_sees(record.name) == set()

    @pytest.mark.parametrize("id", ["Z1EXAMPLE", "/hostedzone/Z1EXAMPLE"])
    def test_a_zone_that_a_variable_names_is_the_only_one(self, case: OnRoute53, id: str) -> None:
        case.aws.denied = {LIST}
        provider = case.provider(hosted_zone_id=id)
        assert provider.zone_for("a.deep.example.com") == Zone("example.com", "Z1EXAMPLE")
        with pytest.raises(ZoneNotFound, match=r"it sees example\.com"):
            provider.zone_for("example.co.uk")

    def test_a_zone_that_is_gone(self, case: OnRoute53) -> None:
        with pytest.raises(ZoneNotFound, match="No hosted zone found with ID: Z99"):
            case.provider().publish(Zone("example.com", "Z99"), [RECORD])

    def test_a_page_that_repeats_is_noticed(self, case: OnRoute53) -> None:
        case.aws.page, case.aws.repeats = 1, True
        with pytest.raises(ProviderError, match="the same page"):
            case.provider().zone_for("example.org")


class TestTwoZonesOfOneName:
    SERVERS = (("ns-1.awsdns-01.com", "ns-2.awsdns-02.net"), ("ns-3.awsdns-03.org", "ns-4.awsdns-04.co.uk"))

    @pytest.fixture
    def resolver(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
        with NameServer("127.1.53.1", zones=[ServedZone("example.net")]) as server:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers, resolver.lifetime = [server.address], 1
            monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
            yield server

    @pytest.fixture
    def twins(self, case: OnRoute53) -> list[HostedZone]:
        return [case.aws.add_zone("example.net", servers=servers) for servers in self.SERVERS]

    @pytest.mark.parametrize("which", [0, 1])
    def test_it_is_the_one_that_the_dns_leads_to(
        self, case: OnRoute53, resolver: NameServer, twins: list[HostedZone], which: int
    ) -> None:
        servers = [f"{server.upper()}." for server in reversed(self.SERVERS[which])]
        resolver.zone("example.net").set("example.net", "NS", *servers)
        name = "_acme-challenge.www.example.net"
        assert case.provider().zone_for(name) == Zone("example.net", twins[which].id)
        assert {question.name for question in resolver.questions} == {"example.net"}

    def test_if_it_leads_elsewhere_that_is_said(
        self, case: OnRoute53, resolver: NameServer, twins: list[HostedZone]
    ) -> None:
        resolver.zone("example.net").set("example.net", "NS", "ns.elsewhere.test.")
        with pytest.raises(
            ProviderError, match=r"Z4EXAMPLE, Z5EXAMPLE; the DNS leads to ns\.elsewhere"
        ) as wrong:
            case.provider().zone_for("example.net")
        assert '[zone."example.net"]' in wrong.value.hint
        assert "id =" in wrong.value.hint

    def test_if_no_resolver_answers_that_is_said(
        self, case: OnRoute53, resolver: NameServer, twins: list[HostedZone]
    ) -> None:
        resolver.silent = True
        with pytest.raises(ProviderError, match="the DNS does not say which") as wrong:
            case.provider().zone_for("example.net")
        assert '[zone."example.net"]' in wrong.value.hint
