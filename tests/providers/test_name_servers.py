"""What an API may tell of name servers, whichever API it is: the forms of a name, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from contract_http import Api, HttpCase, OverHttp
from fakes.ns1 import Ns1

from dns01.errors import ProviderError
from dns01.providers import load
from dns01.providers.base import ShowsApex, Zone


class TestNames(OverHttp):
    API = Api("ns1", Ns1, key=Ns1.token)

    def test_each_is_shown_once_in_the_apis_order_and_as_the_dns_has_it(self, case: HttpCase) -> None:
        told = ["NS_2.Example.", "ns1.example", "ns1.example.", "ns1.bücher.example.", "NS_2.example"]
        assert shown(case, told) == ("ns_2.example", "ns1.example", "ns1.xn--bcher-kva.example")

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            " ns1.example",
            "ns1..example",
            "ns1.example..",
            ".ns1.example",
            "*.example",
            "ns1.example:53",
            "https://ns1.example/",
            "ns1.example\x1b[31m",
            "ns1.example\n",
            "ns1\u202e.example",
            "ns1\\.example",
            f"{'a' * 64}.example",
            f"{'ü' * 64}.example",
            ".".join(["a" * 63] * 4),
        ],
        ids=repr,
    )
    def test_what_is_no_hosts_name_is_an_error_in_words(self, case: HttpCase, name: str) -> None:
        with pytest.raises(ProviderError) as caught:
            shown(case, ["ns1.example", name])
        assert " example.com " in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("provider", "name_servers"),
    [
        ("porkbun", {f"{city}.ns.porkbun.com" for city in ("curitiba", "fortaleza", "maceio", "salvador")}),
        ("transip", {"ns0.transip.net", "ns1.transip.nl", "ns2.transip.eu"}),
    ],
)
def test_some_have_the_same_for_all_zones(provider: str, name_servers: set[str]) -> None:
    kind: Any = load(provider)
    assert set(kind.name_servers(kind, Zone("example.com"))) == name_servers


def shown(case: HttpCase, told: list[str]) -> tuple[str, ...]:
    case.fake.name_servers = told
    provider = case.provider()
    assert isinstance(provider, ShowsApex)
    return provider.apex_of(provider.zone_for("example.com")).name_servers
