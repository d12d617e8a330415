"""Route 53: what may go wrong on the way, and everything that AWS may deny."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from contract import publish, retract, validation
from fakes.awshttp import Mischief, Refusal
from fakes.route53 import SECRET
from on_route53 import ASK, EXAMPLE, LIST, NAME, RECORD, WRITE, FakeClock, OnRoute53, on_route53

from dns01 import aws
from dns01.errors import AuthRejected, Busy, Transient, Unreachable
from dns01.providers import load, route53
from dns01.providers.base import TxtRecord, Zone


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnRoute53]:
    with on_route53(monkeypatch) as case:
        yield case


@pytest.fixture
def clock(case: OnRoute53, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock.installed(case, monkeypatch)


class Impatient(route53.Provider):
    request_timeout = 0.3


THROTTLING = Refusal(400, "Throttling", "Rate exceeded")
PASSING = {
    "throttling": THROTTLING,
    "a change before that is not done": Refusal(400, "PriorRequestNotComplete", "The request was rejected"),
    "an internal error": Refusal(500, "InternalFailure", "An internal error"),
    "no service": Refusal(503, "ServiceUnavailable", "Unavailable"),
    "an answer that breaks off": "reset",
    "silence": "silence",
}


class TestFaults:
    @pytest.fixture(autouse=True)
    def _impatience(self, clock: FakeClock, case: OnRoute53) -> None:
        case.kind = Impatient

    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    def test_what_may_pass_is_tried_again(
        self, case: OnRoute53, clock: FakeClock, fault: Refusal | Mischief
    ) -> None:
        provider = case.provider()
        for verb in (
            lambda: provider.zone_for(NAME),
            lambda: publish(case, RECORD),
            lambda: retract(case, RECORD),
        ):
            case.aws.plan(fault, fault)
            verb()
        assert case.world_sees(NAME) == set()
        assert len(clock.slept) >= 6

    def test_throttling_is_waited_out_within_a_budget(self, case: OnRoute53, clock: FakeClock) -> None:
        case.aws.plan(*[THROTTLING] * 100)
        with pytest.raises(Busy, match=r"too many requests.*Throttling") as refusal:
            publish(case, RECORD)
        assert "AWS_MAX_RETRIES" in refusal.value.hint
        assert len(clock.slept) == 8
        assert 0 < sum(clock.slept) < 120
        assert len(set(clock.slept)) == 8, "by chance, lest all machines come back together"

    def test_a_cname_in_the_way_is_said_with_what_to_do_about_it(
        self, case: OnRoute53, clock: FakeClock
    ) -> None:
        words = (
            "[RRSet of type TXT with DNS name _acme-challenge.example.com. is not permitted because a"
            " conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.]"
        )
        case.aws.plan(*[Refusal(400, "InvalidChangeBatch", words)] * 100)
        with pytest.raises(aws.AwsRefused, match="conflicting RRSet of type CNAME") as refusal:
            case.provider().publish(EXAMPLE, [RECORD])
        assert "beside a CNAME" in refusal.value.hint
        assert case.world_sees(NAME) == set()

    def test_the_budget_may_be_set(self, case: OnRoute53, clock: FakeClock) -> None:
        case.aws.plan(*[THROTTLING] * 100)
        with pytest.raises(Busy):
            case.provider(max_retries="2").zone_for(NAME)
        assert len(clock.slept) == 2

    def test_an_internal_error_that_stays(self, case: OnRoute53) -> None:
        case.aws.plan(*[Refusal(500, "InternalFailure", "An internal error")] * 100)
        with pytest.raises(Transient, match="An internal error"):
            publish(case, RECORD)

    @pytest.mark.parametrize("fault", ["reset", "silence"])
    def test_no_answer_at_all(self, case: OnRoute53, fault: Mischief) -> None:
        case.aws.plan(*[fault] * 3)
        with pytest.raises(Unreachable, match=r"does not answer route53:ListHostedZonesByName"):
            case.provider(max_retries="2").zone_for(NAME)

    def test_nobody_there(self, case: OnRoute53) -> None:
        provider = case.provider(endpoint="http://127.0.0.1:1", max_retries="1")
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            provider.zone_for(NAME)

    @pytest.mark.parametrize("fault", ["truncated", "html"])
    def test_an_answer_that_is_not_from_aws(self, case: OnRoute53, fault: Mischief) -> None:
        zone = case.provider().zone_for(NAME)
        for verb in (case.provider().publish, case.provider().retract):
            case.aws.plan(fault)
            with pytest.raises(
                Unreachable, match=r"^AWS answers route53:\w+ with something that it would not say: "
            ):
                verb(zone, [RECORD])
        retract(case, RECORD)
        assert case.world_sees(NAME) == set()

    @pytest.mark.parametrize("foreign", [[], ["somebody else's"]])
    def test_a_change_whose_answer_is_lost_is_not_made_twice(
        self, case: OnRoute53, foreign: list[str]
    ) -> None:
        for value in foreign:
            case.add_foreign(NAME, value, ttl=1234)
        zone = case.provider().zone_for(NAME)
        case.aws.plan("lost")
        case.provider().publish(zone, [RECORD])
        assert case.world_sees(NAME) == {RECORD.value, *foreign}
        case.aws.plan("lost")
        case.provider().retract(zone, [RECORD])
        assert case.world_sees(NAME) == set(foreign)


class TestCredentialsThatDoNotDo:
    @pytest.mark.parametrize(
        ("action", "resource", "verb"),
        [
            (LIST, r"\*", lambda provider, zone: provider.zone_for(NAME)),
            (
                WRITE,
                r"arn:aws:route53:::hostedzone/Z1EXAMPLE example\.com",
                lambda p, z: p.publish(z, [RECORD]),
            ),
            (
                WRITE,
                r"arn:aws:route53:::hostedzone/Z1EXAMPLE example\.com",
                lambda p, z: p.retract(z, [RECORD]),
            ),
            (
                ASK,
                "arn:aws:route53:::change/C1EXAMPLE",
                lambda p, z: (p.publish(z, [RECORD]), p.wait_until_in_sync(z)),
            ),
        ],
    )
    def test_a_permission_that_lacks_is_named_with_account_and_zone(
        self, case: OnRoute53, clock: FakeClock, action: str, resource: str, verb: Any
    ) -> None:
        case.aws.denied = {action}
        with pytest.raises(AuthRejected, match=f"route53:{action} on {resource}: .*123456789012") as refusal:
            verb(case.provider(), EXAMPLE)
        assert "AKIDEXAMPLE" in str(refusal.value)
        assert f"grant it route53:{action}" in refusal.value.hint

    def test_who_may_not_list_zones_learns_that_an_id_will_do(self, case: OnRoute53) -> None:
        case.aws.denied = {LIST}
        with pytest.raises(AuthRejected) as refusal:
            case.provider().zone_for(NAME)
        assert 'id = "Z…"' in refusal.value.hint

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"secret_access_key": "another"}, "AKIDEXAMPLE.*SignatureDoesNotMatch"),
            ({"access_key_id": "AKIDSTRANGER"}, "AKIDSTRANGER.*InvalidClientTokenId"),
            ({"session_token": "stale"}, "AKIDEXAMPLE.*InvalidClientTokenId"),
        ],
    )
    def test_a_wrong_key_is_rejected_at_once(
        self, case: OnRoute53, clock: FakeClock, options: dict[str, str], words: str
    ) -> None:
        with pytest.raises(AuthRejected, match=words) as refusal:
            case.provider(**options).zone_for(NAME)
        assert not clock.slept
        assert SECRET not in f"{refusal.value} {refusal.value.hint}"

    def test_an_expired_session_is_said(self, case: OnRoute53) -> None:
        case.aws.plan(Refusal(403, "ExpiredToken", "The security token included in the request is expired"))
        with pytest.raises(AuthRejected, match="AKIDEXAMPLE has expired"):
            case.provider().zone_for(NAME)


class TestPermission:
    """What ``dns01 providers route53`` shows to grant is enough, and no more than that."""

    @pytest.fixture
    def limited(self, case: OnRoute53) -> OnRoute53:
        case.aws.policy = load("route53").permission.replace("ZONE_ID", "Z1EXAMPLE")
        return case

    @pytest.mark.parametrize("name", [NAME, "_acme-challenge.www.example.com"])
    def test_it_suffices_for_a_challenge(self, limited: OnRoute53, clock: FakeClock, name: str) -> None:
        record = TxtRecord(name, validation("a"))
        limited.add_foreign(name, "somebody else's", ttl=1234)
        for options in ({}, {"hosted_zone_id": "Z1EXAMPLE"}):
            provider = limited.provider(**options)
            zone = provider.zone_for(name)
            provider.publish(zone, [record])
            provider.wait_until_in_sync(zone)
            provider.retract(zone, [record])
        assert limited.world_sees(name) == {"somebody else's"}

    @pytest.mark.parametrize(
        ("zone", "name"),
        [
            (EXAMPLE, "www.example.com"),
            (EXAMPLE, "not_acme-challenge.example.com"),
            (Zone("deep.example.com", "Z2EXAMPLE"), "_acme-challenge.deep.example.com"),
        ],
    )
    def test_it_is_for_nothing_else(self, limited: OnRoute53, zone: Zone, name: str) -> None:
        with pytest.raises(AuthRejected, match="route53:ChangeResourceRecordSets"):
            limited.provider().publish(zone, [TxtRecord(name, "v")])

    def test_it_is_json(self) -> None:
        assert json.loads(load("route53").permission)["Statement"]
