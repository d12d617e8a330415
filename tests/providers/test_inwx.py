"""INWX: the contract, its sessions and TANs, and what it does unlike others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from api_refusals import CLOCK, FACTOR, KnownRefusal, SaysTheNextStep
from contract import publish
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.inwx import USER, Inwx

from dns01.errors import AuthRejected, ConfigError
from dns01.providers._inwx_totp import totp
from dns01.providers.base import Provider, TxtRecord

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, appendix B


class TestInwx(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("inwx", Inwx, user=USER, password=Inwx.token)
    LEGO = Lego("inwx", INWX_USERNAME=USER, INWX_PASSWORD=Inwx.token)

    def test_one_login_does_for_all_of_a_call(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        assert [login["method"] for login in case.fake.logins] == ["account.login"]  # type: ignore[attr-defined]

    def test_a_session_that_has_ended_is_replaced_without_a_pause(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        provider = case.provider()
        zone = provider.zone_for(record.name)
        case.fake.end_sessions()  # type: ignore[attr-defined]
        provider.publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        assert len(case.fake.logins) == 2  # type: ignore[attr-defined]
        assert not case.pauses

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.copies = {"deep.example.com"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"

    @pytest.fixture
    def locked(self, case: HttpCase) -> HttpCase:
        """A user with a second factor, whose secret is known."""
        case.options["shared_secret"] = SECRET
        case.fake.tans = {totp(SECRET, 1_000), totp(SECRET, 1_030)}  # type: ignore[attr-defined]
        return case

    def test_a_second_factor_unlocks(self, locked: HttpCase, record: TxtRecord) -> None:
        publish_with(provider_at(locked, 1_000), record)
        assert locked.world_sees(record.name) == {record.value}
        assert not locked.pauses

    def test_a_tan_that_was_used_already_is_waited_out(self, locked: HttpCase, record: TxtRecord) -> None:
        locked.fake.tans.discard(totp(SECRET, 1_000))  # type: ignore[attr-defined]
        publish_with(provider_at(locked, 1_000), record)
        assert locked.world_sees(record.name) == {record.value}
        assert locked.pauses == [20]

    def test_a_secret_that_makes_no_good_tans_is_said(self, locked: HttpCase, record: TxtRecord) -> None:
        locked.fake.tans = set()  # type: ignore[attr-defined]
        error = locked.error_of(lambda: publish_with(provider_at(locked, 1_000), record))
        assert isinstance(error, AuthRejected)
        assert "The confirmation code is invalid." in str(error)

    def test_a_second_factor_that_is_not_known_of_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.tans = set()  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ConfigError)
        assert "INWX_SHARED_SECRET" in error.hint

    def test_a_secret_that_is_no_base32_is_said_before_anything_is_done(self, case: HttpCase) -> None:
        case.options["shared_secret"] = "0189-not-base32"
        assert "base32" in str(case.error_of(case.provider))


@pytest.mark.parametrize(
    ("now", "tan"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (2000000000, "279037")],
)
def test_tans_are_those_of_rfc_6238(now: float, tan: str) -> None:
    assert totp(SECRET, now) == tan
    assert totp(SECRET.lower().replace("g", "g ") + "====", now) == tan


def provider_at(case: HttpCase, now: float) -> Provider:
    """The provider, at a time that passes as it pauses."""
    provider = case.provider()
    provider.clock = lambda: now + sum(case.pauses)  # type: ignore[attr-defined]
    return provider


def publish_with(provider: Provider, record: TxtRecord) -> None:
    provider.publish(provider.zone_for(record.name), [record])


def _body(code: int, message: str, reason: str) -> Mapping[str, Any]:
    return {"code": code, "msg": message, "reason": reason, "svTRID": "20220821-966281273", "runtime": 3.0}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestInwx.API
    REFUSALS = (
        KnownRefusal(
            "inwx/terraform-provider-inwx#6",
            200,
            _body(2200, "Authentication error", "You need to unlock your account with your mobile TAN."),
            AuthRejected,
            FACTOR,
        ),
        KnownRefusal(
            "oGGy990/certbot-dns-inwx#26, go-acme/lego#1608",
            200,
            _body(2200, "Authentication error", "The confirmation code is invalid."),
            AuthRejected,
            CLOCK,
        ),
    )
