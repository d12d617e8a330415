"""TransIP: the contract, its key and its tokens, and what it does unlike others. Debian's lego is built
without TransIP."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_refusals import ADDRESS, KnownRefusal, SaysTheNextStep
from contract import ZONES, publish, retract, validation
from contract_http import AgreesWithLexicon, Api, HttpCase, ReplacesTokens, WorksOverHttp
from fakes.transip import ACCOUNT, TransIp, pem

from dns01.errors import AuthRejected, ConfigError
from dns01.providers.base import TxtRecord


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with TransIp(ZONES) as fake:
        yield HttpCase("transip", fake, {"account": ACCOUNT, "private_key": pem()})


class TestTransIp(WorksOverHttp, AgreesWithLexicon):
    API = Api("transip", TransIp)
    LEXICON = (
        "transip",
        {
            "LEXICON_TRANSIP_AUTH_USERNAME": ACCOUNT,
            "LEXICON_TRANSIP_AUTH_API_KEY": f"base64::{b64encode(pem().encode()).decode()}",
        },
    )
    ONE_PAGE = True

    @pytest.fixture
    def case(self, case: HttpCase) -> HttpCase:
        return case

    def test_a_value_beside_others_has_their_ttl(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=86400)
        publish(case, record)
        assert case.ttl_of(record.name, record.value) == 86400
        retract(case, record)
        assert case.world_sees(record.name) == {"somebody else's"}


class TestTokens(ReplacesTokens):
    """For a signature."""

    def test_one_that_has_expired_is_replaced_before_it_is_refused(self, case: HttpCase) -> None:
        case.fake.lifetime = 1800
        provider = case.provider()
        zone = provider.zone_for(self.RECORD.name)
        case.fake.now = provider.clock = lambda clock=provider.clock: clock() + 1790  # type: ignore[attr-defined, misc]
        provider.publish(zone, [self.RECORD])
        assert len(case.fake.issued) == 2  # type: ignore[attr-defined]
        assert 401 not in [status for _, status, _ in case.fake.refusals]


class TestKeys:
    RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

    def test_the_key_may_be_in_a_file_as_lego_has_it(self, case: HttpCase, tmp_path: Path) -> None:
        file = tmp_path / "transip.key"
        file.write_text(pem())
        file.chmod(0o600)
        case.options = {**case.options, "private_key": "", "private_key_path": str(file)}
        publish(case, self.RECORD)
        assert case.world_sees(self.RECORD.name) == {self.RECORD.value}

    def test_a_file_that_others_can_read_is_refused(self, case: HttpCase, tmp_path: Path) -> None:
        file = tmp_path / "transip.key"
        file.write_text(pem())
        file.chmod(0o644)
        case.options = {**case.options, "private_key": "", "private_key_path": str(file)}
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "chmod 600" in error.hint

    @pytest.mark.parametrize(
        "text", ["no key at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
    )
    def test_what_is_no_key_is_said_without_showing_it(self, case: HttpCase, text: str) -> None:
        case.options["private_key"] = text
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert text not in str(error)

    def test_a_machine_that_is_on_no_whitelist_needs_a_global_key(self, case: HttpCase) -> None:
        case.fake.on_whitelist = False  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, self.RECORD))
        assert isinstance(error, AuthRejected)
        assert "whitelist" in str(error)
        case.options["global_key"] = "true"
        publish(case, self.RECORD)
        assert case.world_sees(self.RECORD.name) == {self.RECORD.value}


class TestRefusals(SaysTheNextStep):
    REFUSALS = (
        KnownRefusal(
            "linuxserver/docker-swag#197",
            401,
            {"error": "Remote IP is not authorized for this request; called from IP 203.0.113.9"},
            AuthRejected,
            ADDRESS,
        ),
    )
