"""Dynamic updates, against BIND and Knot: the contract, and everything that a server may refuse."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from contract import ZONES, FindsZones, KeepsRecordsBetweenProcesses, publish, retract, validation
from testbed import Bind, Key, Knot

from dns01.errors import AuthRejected, ProviderError, Unreachable, ZoneNotFound
from dns01.providers import load
from dns01.providers.base import Provider, TxtRecord, Zone

SECRET = "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw=="
ALGORITHMS = ("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
KEYS = [Key(algorithm, algorithm, SECRET) for algorithm in ALGORITHMS]
EXAMPLE = Zone("example.com")
RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

EXAMPLE_COM = """
alias CNAME _acme-challenge.www.example.net.
delegated NS ns1.example.net.
*.wild 300 TXT "for every name"
"""


class OnServer:
    """A name server, updated by others with nsupdate and looked at with plain queries."""

    def __init__(self, server: Bind | Knot, **options: str) -> None:
        self.server = server
        self.outside = server.address
        self.clock: FakeClock | None = None
        self.options = {
            "nameserver": f"{server.address}:{server.port}",
            "tsig_key": "hmac-sha256",
            "tsig_secret": SECRET,
            "tsig_algorithm": "hmac-sha256",
            **options,
        }

    def provider(self) -> Provider:
        provider: Any = load("rfc2136")(self.options)
        if self.clock:
            provider.sleep = provider.session.sleep = self.clock.sleep
            provider.monotonic = self.clock.monotonic
        return provider  # type: ignore[no-any-return]

    def but(self, **options: str) -> OnServer:
        """The same server, other options."""
        other = OnServer(self.server, **{**self.options, **options})
        other.clock = self.clock
        return other

    def world_sees(self, name: str) -> set[str]:
        return self.server.txt(name)

    def ttl_of(self, name: str, value: str) -> int:
        assert value in self.world_sees(name)
        return self.server.ask(name, "TXT").answer[0].ttl

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        subprocess.run(
            ["nsupdate", "-k", self.server.key_file("hmac-sha512")],
            input=f'server {self.server.address} {self.server.port}\nadd {name} {ttl} TXT "{value}"\nsend\n',
            text=True,
            check=True,
        )

    def serial(self) -> int:
        """It goes up by one for each update that changes the zone."""
        return self.server.ask("example.com", "SOA").answer[0][0].serial


@pytest.fixture(scope="module", params=[Bind, Knot], ids=["BIND", "Knot"])
def server(request: pytest.FixtureRequest) -> Iterator[Bind | Knot]:
    zones = {**dict.fromkeys(ZONES, ""), "example.com": EXAMPLE_COM}
    with request.param("127.1.36.1", zones, KEYS) as server:
        yield server


@pytest.fixture
def case(server: Bind | Knot) -> OnServer:
    return OnServer(server)


class TestContract(FindsZones, KeepsRecordsBetweenProcesses):
    """Nothing of its own."""


class TestZoneFor:
    def test_a_cname_at_the_name_does_not_hide_its_zone(self, case: OnServer) -> None:
        assert case.provider().zone_for("alias.example.com") == EXAMPLE

    def test_a_name_that_the_server_delegates_is_not_in_its_zone(self, case: OnServer) -> None:
        with pytest.raises(ZoneNotFound, match=r"delegates delegated\.example\.com"):
            case.provider().zone_for("_acme-challenge.www.delegated.example.com")

    def test_without_a_key_the_server_may_still_say(self, case: OnServer) -> None:
        assert case.but(tsig_key="", tsig_secret="").provider().zone_for("www.example.com") == EXAMPLE


class TestPublish:
    def test_all_records_of_a_zone_are_one_update(self, case: OnServer) -> None:
        records = [TxtRecord(f"one-update-{number}.example.com", "v") for number in range(50)]
        before = case.serial()
        publish(case, *records)
        assert case.serial() == before + 1
        retract(case, *records)
        assert case.serial() == before + 2

    def test_more_than_a_message_holds_goes_in_several(self, case: OnServer) -> None:
        records = [TxtRecord(f"many-{number}.example.com", validation(str(number))) for number in range(1200)]
        before = case.serial()
        publish(case, *records)
        assert case.serial() == before + 2
        assert all(case.world_sees(record.name) == {record.value} for record in records[::100])
        retract(case, *records)
        assert not any(case.world_sees(record.name) for record in records[::100])

    def test_a_value_longer_than_a_character_string_is_joined_again(self, case: OnServer) -> None:
        record = TxtRecord("long.example.com", "0123456789" * 60)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        retract(case, record)
        assert case.world_sees(record.name) == set()

    def test_each_name_of_a_batch_keeps_the_ttl_that_it_has(self, case: OnServer) -> None:
        old, new, wild = (TxtRecord(f"{label}.example.com", "v", 60) for label in ("old", "new", "a.wild"))
        case.add_foreign(old.name, "somebody else's", ttl=1234)
        publish(case, old, new, wild)
        assert case.ttl_of(old.name, "v") == 1234
        assert case.ttl_of(new.name, "v") == 60
        assert case.world_sees(wild.name) == {"v"}

    def test_what_a_cname_swallows_is_an_error_that_says_where_to(self, case: OnServer) -> None:
        with pytest.raises(ProviderError, match=r"alias\.example\.com is a CNAME to .*\.www\.example\.net"):
            publish(case, TxtRecord("alias.example.com", "v"), TxtRecord("beside.example.com", "v"))
        assert case.world_sees("beside.example.com") == {"v"}, "what the caller has to take back"

    def test_what_a_zone_cut_hides_is_an_error_that_names_the_cut(self, case: OnServer) -> None:
        with pytest.raises(ProviderError, match=r"a\.delegated\.example\.com is in delegated\.example\.com"):
            case.provider().publish(EXAMPLE, [TxtRecord("a.delegated.example.com", "v")])

    def test_what_another_zone_of_the_server_hides_is_an_error(
        self, case: OnServer, clock: FakeClock
    ) -> None:
        with pytest.raises(ProviderError, match=r"x\.deep\.example\.com does not have it"):
            case.provider().publish(EXAMPLE, [TxtRecord("x.deep.example.com", "v")])
        assert clock.slept >= 10
        case.provider().retract(EXAMPLE, [TxtRecord("x.deep.example.com", "v")])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_that_both_sides_have_is_understood(case: OnServer, algorithm: str) -> None:
    record = TxtRecord(f"{algorithm}.example.com", "v")
    publish(case.but(tsig_key=algorithm, tsig_algorithm=f"{algorithm.upper()}."), record)
    assert case.world_sees(record.name) == {"v"}


def test_a_key_file_takes_the_place_of_name_algorithm_and_secret(case: OnServer) -> None:
    record = TxtRecord("key-file.example.com", "v")
    path = str(case.server.key_file("hmac-sha384"))
    publish(case.but(tsig_key="", tsig_secret="", tsig_file=path), record)
    assert case.world_sees(record.name) == {"v"}


class FakeClock:
    """Seconds pass only when someone sleeps."""

    def __init__(self) -> None:
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def monotonic(self) -> float:
        return self.slept


@pytest.fixture
def clock(case: OnServer) -> FakeClock:
    case.clock = FakeClock()
    return case.clock


REFUSED_KEYS: Mapping[str, tuple[dict[str, str], str]] = {
    "unknown key": ({"tsig_key": "stranger"}, r"stranger \(hmac-sha256\).*BADKEY"),
    "wrong secret": ({"tsig_secret": "d3Jvbmc="}, r"secret of the key hmac-sha256 is wrong \(BADSIG\)$"),
    "wrong algorithm": ({"tsig_algorithm": "hmac-sha512"}, r"hmac-sha256 \(hmac-sha512\).*BADKEY"),
}


class TestRefusals:
    """Each says what is wrong, and what to do."""

    @pytest.mark.parametrize(("options", "words"), REFUSED_KEYS.values(), ids=REFUSED_KEYS)
    def test_a_wrong_key_is_rejected_at_once(
        self, case: OnServer, options: dict[str, str], words: str
    ) -> None:
        provider = case.but(**options).provider()
        with pytest.raises(AuthRejected, match=words):
            provider.zone_for(RECORD.name)
        for verb in (provider.publish, provider.retract):
            with pytest.raises(AuthRejected, match=words) as refusal:
                verb(EXAMPLE, [RECORD])
            assert SECRET not in f"{refusal.value} {refusal.value.hint}"

    def test_no_key_where_one_is_needed(self, case: OnServer) -> None:
        with pytest.raises(AuthRejected, match=r"example\.com without a key") as refusal:
            publish(case.but(tsig_key="", tsig_secret=""), RECORD)
        assert "RFC2136_TSIG_KEY" in refusal.value.hint

    @pytest.mark.parametrize("skew", [-1000, 1000])
    def test_a_wrong_clock_is_shown_beside_the_right_one(
        self, case: OnServer, monkeypatch: pytest.MonkeyPatch, skew: int
    ) -> None:
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + skew)
        with pytest.raises(AuthRejected, match=r"BADTIME.* UTC, (999|1000|1001) s apart"):
            publish(case, RECORD)

    def test_a_zone_that_the_server_does_not_have(self, case: OnServer) -> None:
        with pytest.raises(ProviderError, match=r"example\.org .*NOTAUTH"):
            case.provider().publish(Zone("example.org"), [TxtRecord("a.example.org", "v")])

    def test_a_name_outside_the_zone(self, case: OnServer) -> None:
        with pytest.raises(ProviderError, match="NOTZONE"):
            case.provider().publish(EXAMPLE, [TxtRecord("a.example.org", "v")])

    def test_a_port_where_nobody_listens(self, case: OnServer, clock: FakeClock) -> None:
        address = f"{case.server.address}:5353"
        with pytest.raises(Unreachable, match=f"{address} .*refused"):
            publish(case.but(nameserver=address), RECORD)
        assert 0 < clock.slept < 10
