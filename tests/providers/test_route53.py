"""Route 53: the contract, and change batches that swap RRsets whatever others do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import FindsZones, KeepsRecordsBetweenProcesses, publish, retract, validation
from fakes.lego import issue
from fakes.route53 import SECRET, Route53
from fakes.rrsets import backwards
from on_route53 import ASK, EXAMPLE, LIST, NAME, READ, RECORD, WRITE, FakeClock, OnRoute53, on_route53

from dns01.errors import Busy, ProviderError
from dns01.providers.base import TxtRecord, Zone


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnRoute53]:
    with on_route53(monkeypatch) as case:
        yield case


@pytest.fixture
def clock(case: OnRoute53, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock.installed(case, monkeypatch)


class TestContract(FindsZones, KeepsRecordsBetweenProcesses):
    """Nothing of its own."""


def test_lego_is_content_with_the_same_fake(tmp_path: Path) -> None:
    variables = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_POLLING_INTERVAL": "1",
    }
    done = issue(Route53, "route53", variables, ["example.com", "*.example.com"], tmp_path)
    assert done.refused == []
    assert done.most == {"_acme-challenge.example.com": 2}
    assert done.left == set()


class TestRequests:
    """An account has five a second, for all its machines together."""

    @pytest.mark.parametrize("number", [1, 100])
    def test_any_number_of_new_names_is_one_change_and_one_wait(
        self, case: OnRoute53, clock: FakeClock, number: int
    ) -> None:
        records = [TxtRecord(f"_acme-challenge.{n}.example.com", validation(str(n))) for n in range(number)]
        provider = case.provider()
        zone = provider.zone_for("example.com")
        provider.publish(zone, records)
        provider.wait_until_in_sync(zone)
        assert case.aws.calls == [LIST, WRITE, ASK, ASK]
        case.aws.calls.clear()
        case.provider().retract(zone, records)
        assert case.aws.calls == [WRITE]
        assert not any(map(case.world_sees, (record.name for record in records)))

    def test_what_stands_at_a_name_is_read_only_after_a_refusal(self, case: OnRoute53) -> None:
        case.add_foreign(NAME, "somebody else's", ttl=1234)
        case.provider().publish(EXAMPLE, [RECORD])
        assert case.aws.calls == [WRITE, READ, WRITE]
        case.aws.calls.clear()
        case.provider().retract(EXAMPLE, [RECORD])
        assert case.aws.calls == [WRITE, READ, WRITE]

    def test_the_name_servers_of_a_zone_are_shown(self, case: OnRoute53) -> None:
        case.aws.zones[EXAMPLE.id].servers = ["NS-1.awsdns-01.org.", "ns-2.awsdns-02.com"]
        assert case.provider().apex_of(EXAMPLE).name_servers == ("ns-1.awsdns-01.org", "ns-2.awsdns-02.com")

    def test_many_names_are_read_by_the_page(self, case: OnRoute53) -> None:
        records = [TxtRecord(f"_acme-challenge.n-{n}.n{n}.example.com", "v") for n in range(700)]
        for record in records[::2]:
            case.add_foreign(record.name, "somebody else's", ttl=1234)
        publish(case, *records)
        assert case.aws.calls.count(READ) <= 4
        assert all(case.world_sees(record.name) == {"v", "somebody else's"} for record in records[::20])
        assert all(case.world_sees(record.name) == {"v"} for record in records[1::20])

    @pytest.mark.parametrize("page", [1, 2, 3])
    def test_pages_of_any_size_will_do(self, case: OnRoute53, page: int) -> None:
        case.aws.page = page
        records = [TxtRecord(f"{label}.example.com", "v") for label in ("a-b", "a", "b.a", "0", "c._d", "_d")]
        for name in (
            "a.example.com",
            "b.a.example.com",
            "_d.example.com",
            "*.example.com",
            "*.a.example.com",
        ):
            case.add_foreign(name, "somebody else's", ttl=1234)
        publish(case, *records)
        retract(case, *records)
        assert [case.world_sees(record.name) for record in records] == [
            set(),
            {"somebody else's"},
            {"somebody else's"},
            set(),
            set(),
            {"somebody else's"},
        ]

    @pytest.mark.parametrize("sorted_as", [r"\052", "*"])
    def test_it_does_not_matter_how_an_asterisk_sorts(
        self, case: OnRoute53, monkeypatch: pytest.MonkeyPatch, sorted_as: str
    ) -> None:
        def key(name: str) -> str:
            return backwards(name).replace(r"\052", sorted_as)

        monkeypatch.setattr("fakes.rrsets.backwards", key)
        monkeypatch.setattr("fakes.route53.backwards", key)
        case.aws.page = 1
        records = [TxtRecord(name, "v") for name in ("example.com", "0.example.com", "z.example.com")]
        for name in ("example.com", "*.example.com", "0.example.com", "z.example.com"):
            case.add_foreign(name, "somebody else's", ttl=1234)
        publish(case, *records)
        assert all(case.world_sees(record.name) == {"v", "somebody else's"} for record in records)


class TestBatches:
    def test_they_hold_a_thousand_records_at_most(self, case: OnRoute53) -> None:
        records = [TxtRecord(f"{number}.example.com", "v") for number in range(2001)]
        publish(case, *records)
        retract(case, *records)
        assert case.aws.calls.count(WRITE) == 6
        assert not case.aws.refusals

    def test_they_hold_32000_characters_at_most(self, case: OnRoute53) -> None:
        records = [TxtRecord(f"{number}.example.com", "v" * 1000) for number in range(40)]
        publish(case, *records)
        retract(case, *records)
        assert case.aws.calls.count(WRITE) == 4
        assert not case.aws.refusals

    def test_what_is_deleted_counts_as_well(self, case: OnRoute53) -> None:
        records = [TxtRecord(f"{number}.example.com", "v") for number in range(400)]
        for record in records:
            case.add_foreign(record.name, "somebody else's", ttl=1234)
        publish(case, *records)
        assert [code for _, code, _ in case.aws.refusals] == [400], "only what was supposed at first"
        assert all(case.world_sees(record.name) == {"v", "somebody else's"} for record in records)

    def test_where_one_name_is_refused_the_others_are_not_lost(self, case: OnRoute53) -> None:
        case.add_foreign(NAME, "somebody else's", ttl=1234)
        others = [TxtRecord(f"{number}.example.com", "v") for number in range(1500)]
        publish(case, *others, RECORD)
        written = {(record.name, record.value) for record in case.aws.zones["Z1EXAMPLE"].records}
        assert written == {
            *((f"{record.name}.", record.value) for record in (*others, RECORD)),
            (f"{NAME}.", "somebody else's"),
        }

    def test_a_long_value_is_several_strings(self, case: OnRoute53) -> None:
        record = TxtRecord(NAME, "0123456789" * 60)
        publish(case, record)
        publish(case, RECORD)
        retract(case, record)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_what_others_wrote_stays_letter_by_letter(self, case: OnRoute53) -> None:
        odd = ('"two" "strings"', r'"quoted \"word\""', r'"\344\366"', '""')
        case.put(NAME, 1234, *odd)
        publish(case, RECORD)
        retract(case, RECORD)
        assert case.zone(NAME).texts[0].values == odd

    def test_a_value_is_known_however_it_is_split(self, case: OnRoute53) -> None:
        case.put(NAME, 60, f'"{RECORD.value[:10]}" "{RECORD.value[10:]}"')
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}
        retract(case, RECORD)
        assert case.world_sees(NAME) == set()

    def test_a_name_with_an_asterisk_comes_back_in_octal(self, case: OnRoute53) -> None:
        name = "*.example.com"
        case.add_foreign(name, "somebody else's", ttl=1234)
        publish(case, TxtRecord(name, "v"))
        assert case.world_sees(name) == {"v", "somebody else's"}
        retract(case, TxtRecord(name, "v"))
        assert case.world_sees(name) == {"somebody else's"}


class TestInSync:
    def test_it_waits_for_insync(self, case: OnRoute53, clock: FakeClock) -> None:
        case.aws.polls = 20
        provider = case.provider()
        zone = provider.zone_for(NAME)
        provider.publish(zone, [RECORD])
        provider.wait_until_in_sync(zone)
        assert case.aws.calls.count(ASK) == 21
        assert min(clock.slept) >= 0.8, "no more than an account's share of requests"
        assert max(clock.slept) <= 1.2 + sum(clock.slept) / 10 * 1.2

    def test_what_did_not_change_is_not_waited_for(self, case: OnRoute53) -> None:
        provider = case.provider()
        zone = provider.zone_for(NAME)
        provider.retract(zone, [RECORD])
        provider.wait_until_in_sync(zone)
        assert ASK not in case.aws.calls

    def test_it_does_not_wait_for_ever(self, case: OnRoute53, clock: FakeClock) -> None:
        case.aws.polls = 10**6
        provider = case.provider()
        zone = provider.zone_for(NAME)
        provider.publish(zone, [RECORD])
        with pytest.raises(Busy, match=r"example\.com to all its name servers in 6\d\d s"):
            provider.wait_until_in_sync(zone)


class TestOtherRecords:
    @pytest.mark.parametrize("identifiers", [("one",), ("one", "two")])
    def test_one_with_a_routing_policy_is_left_alone(
        self, case: OnRoute53, identifiers: tuple[str, ...]
    ) -> None:
        for identifier in identifiers:
            case.put(NAME, 300, '"theirs"', identifier=identifier)
        with pytest.raises(ProviderError, match=f"{NAME} is an alias at Route 53 or has a routing policy"):
            publish(case, RECORD)
        retract(case, RECORD)  # to take back what could not be published
        assert case.world_sees(NAME) == {"theirs"}

    def test_a_cname_at_the_name_is_said_in_the_words_of_aws(self, case: OnRoute53, clock: FakeClock) -> None:
        case.put(NAME, 300, "elsewhere.test.", type="CNAME")
        with pytest.raises(ProviderError, match="conflicting RRSet of type CNAME"):
            publish(case, RECORD)
        retract(case, RECORD)

    def test_a_name_outside_the_zone_is_said_in_the_words_of_aws(
        self, case: OnRoute53, clock: FakeClock
    ) -> None:
        with pytest.raises(
            ProviderError, match=r"www\.example\.org\. is not permitted in zone example\.com\."
        ):
            case.provider().publish(Zone("example.com", "Z1EXAMPLE"), [TxtRecord("www.example.org", "v")])

    def test_what_never_stands_still_is_given_up(self, case: OnRoute53, clock: FakeClock) -> None:
        provider = case.provider()
        zone = provider.zone_for(NAME)
        turns = iter(range(100))
        case.add_foreign(NAME, "theirs", ttl=60)
        case.aws.meanwhile = lambda: case.add_foreign(NAME, f"turn {next(turns)}", ttl=60)
        with pytest.raises(Busy, match=f"{NAME} changes faster"):
            provider.publish(zone, [RECORD])
        assert 0 < max(clock.slept) <= 2
