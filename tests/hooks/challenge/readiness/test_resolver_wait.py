"""What resolvers elsewhere are asked where name servers cannot be, over HTTPS and on port 53."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode
import pytest
import trustme
from fakes.proxy import Proxy
from testbed import Doh, NameServer, Zone
from testbed.doh import trust
from testbed.sockets import Transport

from dns01.errors import ConfigError, NotReady
from dns01.hooks.challenge.readiness.resolver_wait import wait_for_resolvers
from dns01.hooks.config.load import load_settings
from dns01.hooks.dns.address import Address

NAME = "_acme-challenge.example.org"
WANTED = {NAME: frozenset({"new"})}
RESOLVER = Address("127.0.0.57")
NOBODY = "https://127.0.0.58/dns-query"
ACCOUNT = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "memory", "DNS01_MEMORY_ZONES": "example.org"}


class Clock:
    """Stands still but while somebody sleeps, to whom things may happen then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.then = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(round(seconds))
        self.then()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def zone() -> Zone:
    return Zone("example.org", "", {"ns1.example.org": "127.1.0.1"}, negative_ttl=40)


@pytest.fixture(autouse=True)
def resolver(zone: Zone) -> Iterator[NameServer]:
    with NameServer(RESOLVER.ip, zones=[zone]) as server:
        server.intercepted = True  # which is to say: it answers with a resolver's flags
        yield server


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    ca = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", trust(ca, tmp_path / "ca.pem"))
    return ca


@pytest.fixture
def pair(ca: trustme.CA) -> Iterator[list[Doh]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Doh(address, RESOLVER.ip, ca)) for address in ("127.0.0.55", "127.0.0.56")]


def asked(clock: Clock, *endpoints: str, timeout: float = 600, **more: float) -> list[str]:
    return wait_for_resolvers(WANTED, endpoints, [RESOLVER], timeout, clock=clock, sleep=clock.sleep, **more)


def test_both_endpoints_have_it_and_nobody_else_is_asked(
    zone: Zone, pair: list[Doh], clock: Clock, resolver: NameServer
) -> None:
    zone.set(NAME, "TXT", "new")

    assert asked(clock, *(doh.url for doh in pair)) == [doh.url for doh in pair]

    assert [doh.questions for doh in pair] == [[NAME], [NAME]]
    assert len(resolver.questions) == 2
    assert clock.slept == []


def test_a_no_is_waited_out_for_as_long_as_its_soa_says(zone: Zone, pair: list[Doh], clock: Clock) -> None:
    clock.then = lambda: zone.set(NAME, "TXT", "new")  # type: ignore[assignment]

    asked(clock, pair[0].url)

    assert clock.slept == [40]
    assert pair[0].questions == [NAME, NAME]


def test_a_no_that_outlives_the_time_out_is_not_waited_for(pair: list[Doh], clock: Clock) -> None:
    with pytest.raises(NotReady, match=r"127\.0\.0\.55/dns-query has nothing at .* in 40 s"):
        asked(clock, pair[0].url, timeout=30)
    assert clock.slept == []


def test_an_old_value_is_no_proof(zone: Zone, pair: list[Doh], clock: Clock) -> None:
    zone.set(NAME, "TXT", "old", ttl=50)
    words = (
        rf"https://127\.0\.0\.55/dns-query has another value only at {NAME}, to be asked again in 50 s only"
    )
    with pytest.raises(NotReady, match=words):
        asked(clock, pair[0].url, timeout=40)


def test_a_resolver_that_fails_is_asked_again_until_the_time_out(
    pair: list[Doh], clock: Clock, resolver: NameServer
) -> None:
    resolver.rcode = "SERVFAIL"
    with pytest.raises(NotReady, match="SERVFAIL"):
        asked(clock, pair[0].url, timeout=12)
    assert clock.slept == [5, 5]


def test_one_endpoint_that_answers_is_enough(zone: Zone, pair: list[Doh], clock: Clock) -> None:
    zone.set(NAME, "TXT", "new")
    assert asked(clock, NOBODY, pair[1].url) == [pair[1].url]


@pytest.mark.parametrize("endpoints", [(), (NOBODY,)])
def test_without_https_the_resolvers_on_port_53_decide(
    zone: Zone, clock: Clock, endpoints: tuple[str, ...]
) -> None:
    zone.set(NAME, "TXT", "new")
    assert asked(clock, *endpoints) == ["127.0.0.57"]


def test_nobody_at_all_is_named(resolver: NameServer, clock: Clock) -> None:
    resolver.silent = True
    with pytest.raises(NotReady, match=r"no answer from https://127\.0\.0\.58/dns-query, 127\.0\.0\.57"):
        asked(clock, NOBODY, answer_timeout=0.2)


@pytest.mark.parametrize(("status", "content"), [(503, None), (200, b"<html>Log in</html>"), (200, b"")])
def test_an_endpoint_that_talks_nonsense_is_none(
    zone: Zone, pair: list[Doh], clock: Clock, status: int, content: bytes | None
) -> None:
    zone.set(NAME, "TXT", "new")
    pair[0].status, pair[0].content = status, content
    assert asked(clock, *(doh.url for doh in pair)) == [pair[1].url]


def test_a_certificate_of_another_ca_is_not_believed(zone: Zone, pair: list[Doh], clock: Clock) -> None:
    zone.set(NAME, "TXT", "new")
    with Doh("127.0.0.59", RESOLVER.ip, trustme.CA()) as forger:
        assert asked(clock, forger.url, pair[0].url) == [pair[0].url]
        assert forger.questions == []


def test_the_way_out_may_be_a_proxy(
    zone: Zone, pair: list[Doh], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.set(NAME, "TXT", "new")
    with Proxy(("127.0.0.55", 443)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

        assert asked(clock, pair[0].url) == [pair[0].url]

        assert proxy.asked == ["127.0.0.55:443"]


@pytest.mark.parametrize(
    ("variable", "value"), [("HTTPS_PROXY", "gopher://proxy"), ("SSL_CERT_FILE", "/nowhere/ca.pem")]
)
def test_a_setting_that_makes_https_impossible_leaves_the_resolvers(
    zone: Zone, clock: Clock, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    zone.set(NAME, "TXT", "new")
    monkeypatch.setenv(variable, value)
    assert asked(clock, NOBODY) == ["127.0.0.57"]


class Bogus(NameServer):
    """A resolver that finds a signature bad."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.use_edns(0, options=[dns.edns.EDEOption(6)])
        response.set_rcode(dns.rcode.SERVFAIL)
        return response


def test_24_dnssec_that_is_broken_fails_here_as_well(ca: trustme.CA, clock: Clock) -> None:
    with (
        Bogus("127.0.0.59") as resolver,
        Doh("127.0.0.55", resolver.address, ca) as doh,
        pytest.raises(NotReady, match=r"SERVFAIL, EDE 6 \(DNSSEC Bogus\) for"),
    ):
        asked(clock, doh.url)
    assert clock.slept == []


# Which endpoints


@pytest.mark.parametrize(
    ("said", "endpoints"),
    [
        (None, ("https://1.1.1.1/dns-query", "https://8.8.8.8/dns-query")),
        ("", ()),
        (
            "https://192.0.2.53/q, https://dns.example.org",
            ("https://192.0.2.53/q", "https://dns.example.org"),
        ),
    ],
)
def test_the_endpoints_are_two_that_everybody_knows_or_those_of_a_variable(
    said: str | None, endpoints: tuple[str, ...]
) -> None:
    variables = ACCOUNT if said is None else {**ACCOUNT, "DNS01_DOH": said}
    assert load_settings(variables).doh == endpoints


def test_a_file_names_endpoints_and_a_variable_goes_before_it(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    account = '[account.a]\nprovider = "memory"\nzones = "example.org"\n'
    path.write_text(f'doh = ["https://192.0.2.53/q"]\n{account}')
    assert load_settings({"DNS01_CONFIG": str(path)}).doh == ("https://192.0.2.53/q",)
    assert load_settings({"DNS01_CONFIG": str(path), "DNS01_DOH": ""}).doh == ()


@pytest.mark.parametrize("said", ["http://192.0.2.53/q", "192.0.2.53", "https://"])
def test_an_endpoint_without_https_is_refused(said: str) -> None:
    with pytest.raises(ConfigError, match=f"^DNS01_DOH: .*{re.escape(said)}") as caught:
        load_settings({**ACCOUNT, "DNS01_DOH": said})
    assert "https://192.0.2.53/dns-query" in caught.value.hint
