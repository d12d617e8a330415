"""A CNAME by dynamic update, against BIND and Knot: only where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract import validation
from testbed import Bind, Key, Knot

from dns01.errors import ProviderError
from dns01.providers import rfc2136
from dns01.providers.base import TxtRecord, Zone

KEY = Key("hook", "hmac-sha256", "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw==")
ZONE, NAME, TARGET = Zone("example.com"), "_acme-challenge.example.com", "a1b2.auth.example.net"


@pytest.fixture(params=[Bind, Knot], ids=["BIND", "Knot"])
def server(request: pytest.FixtureRequest) -> Iterator[Bind | Knot]:
    with request.param("127.1.38.1", {"example.com": ""}, [KEY]) as server:
        yield server


@pytest.fixture
def provider(server: Bind | Knot) -> rfc2136.Provider:
    options = {
        "nameserver": f"{server.address}:{server.port}",
        "tsig_key": KEY.name,
        "tsig_secret": KEY.secret,
    }
    return rfc2136.Provider({**options, "tsig_algorithm": KEY.algorithm})


def leads_to(server: Bind | Knot) -> list[str]:
    return [rdata.to_text() for rrset in server.ask(NAME, "CNAME").answer for rdata in rrset]


def test_a_name_with_nothing_becomes_a_cname_however_often_it_is_asked_for(
    server: Bind | Knot, provider: rfc2136.Provider
) -> None:
    provider.alias(ZONE, NAME, TARGET)
    provider.alias(ZONE, NAME, TARGET.upper())
    assert leads_to(server) == [f"{TARGET}."]


def test_a_cname_to_something_else_stays(server: Bind | Knot, provider: rfc2136.Provider) -> None:
    provider.alias(ZONE, NAME, TARGET)
    with pytest.raises(ProviderError, match=f"it is a CNAME to {TARGET}"):
        provider.alias(ZONE, NAME, "other.example.net")
    assert leads_to(server) == [f"{TARGET}."]


def test_other_records_stay(server: Bind | Knot, provider: rfc2136.Provider) -> None:
    record = TxtRecord(NAME, validation("a"))
    provider.publish(ZONE, [record])
    with pytest.raises(ProviderError, match="other records"):
        provider.alias(ZONE, NAME, TARGET)
    assert server.txt(NAME) == {record.value}
    assert leads_to(server) == []
