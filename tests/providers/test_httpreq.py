"""A service of one's own: what it is told, in both modes, and what it may do wrong."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import dns.query
import dns.update
import pytest
from calls import KEY, PRIMARY, Stage
from contract import ZONES, KeepsRecords, publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, WithstandsFaults
from fakes import Answer, Cut, Request, Text
from fakes.httpreq import USER, Httpreq

from dns01.errors import ConfigError, ProviderError
from dns01.providers.base import ChallengeOf, Provider, TxtRecord, Zone

THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # of RFC 7638 §3.1
LOGIN = {"user": USER, "password": Httpreq.token}
ENDPOINT = {"HTTPREQ_ENDPOINT": "https://dns.example", "HTTPREQ_USERNAME": USER}


class ServiceCase(HttpCase):
    """The zone's name servers show what the service has done."""

    def provider(self) -> Provider:
        provider: Any = super().provider()
        provider.observe(self._seen)
        return provider  # type: ignore[no-any-return]

    def _seen(self, names: Iterable[str]) -> dict[str, list[set[str]]]:
        return {name: [self.fake.values(name)] for name in names}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Httpreq(ZONES) as fake:
        yield ServiceCase("httpreq", fake, LOGIN)


def record_of(token: str) -> TxtRecord:
    """Of example.com's challenge, for the account with the thumbprint (RFC 8555 §8.4)."""
    digest = sha256(f"{token}.{THUMBPRINT}".encode()).digest()
    return TxtRecord("_acme-challenge.example.com", urlsafe_b64encode(digest).decode().rstrip("="))


class TestHttpreq(WithstandsFaults, KeepsRecords, AgreesWithLego):
    API = Api("httpreq", Httpreq, **LOGIN)
    LEGO = Lego("httpreq", **ENDPOINT, HTTPREQ_PASSWORD=Httpreq.token)

    @pytest.fixture
    def case(self, service: ServiceCase) -> HttpCase:
        return service

    def test_the_ttl_is_the_one_wished_for_but_for_what_the_api_takes_at_least(
        self, case: HttpCase, name: str, least_ttl: int
    ) -> None:
        """It is the service's affair."""
        publish(case, TxtRecord(name, validation("a"), ttl=77))
        assert case.ttl_of(name, validation("a")) == 120

    def test_what_was_published_without_a_sensible_answer_can_be_retracted(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        """Any answer will do."""
        case.fake.fail(Cut(done=True, writing=True), Text(done=True, writing=True))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        retract(case, record)
        assert case.world_sees(record.name) == set()


class TestWhatTheServiceDoesWrong:
    RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

    def test_a_cleanup_of_what_is_gone_may_fail(self, service: ServiceCase) -> None:
        service.fake.strict = True  # type: ignore[attr-defined]
        retract(service, self.RECORD)

    def test_a_challenge_of_another_order_that_it_removes_is_put_back(self, service: ServiceCase) -> None:
        service.fake.careless = True  # type: ignore[attr-defined]
        service.add_foreign(self.RECORD.name, validation("another"), 120)
        publish(service, self.RECORD)
        retract(service, self.RECORD)
        assert service.world_sees(self.RECORD.name) == {validation("another")}

    def test_no_name_and_password_are_sent_where_none_are_given(self, service: ServiceCase) -> None:
        service.options = {"base_url": service.fake.url}
        service.error_of(lambda: publish(service, self.RECORD))
        assert "Authorization" not in service.fake.requests[0].headers


class TestRaw(AgreesWithLego):
    API = Api("httpreq", Httpreq)
    LEGO = Lego("httpreq", **ENDPOINT, HTTPREQ_PASSWORD=Httpreq.token, HTTPREQ_MODE="RAW")
    ZONE = Zone("example.com")

    @pytest.fixture
    def case(self, service: ServiceCase) -> ServiceCase:
        service.options |= {"mode": "RAW", "thumbprint": THUMBPRINT}
        return service

    @pytest.fixture
    def record(self) -> TxtRecord:
        return record_of("a-token")

    @pytest.mark.parametrize("domain", ["example.com", "*.example.com"])
    def test_the_service_makes_the_record_of_the_challenge(
        self, case: ServiceCase, record: TxtRecord, domain: str
    ) -> None:
        for verb, values in (("publish", {record.value}), ("retract", set())):
            provider: Any = case.provider()
            provider.made_for({record: ChallengeOf(domain, "a-token")})
            getattr(provider, verb)(self.ZONE, [record])
            assert case.world_sees(record.name) == values
        assert case.fake.requests[0].body == {
            "domain": "example.com",
            "token": "a-token",
            "keyAuth": f"a-token.{THUMBPRINT}",
        }

    @pytest.mark.parametrize(
        ("challenge", "reason"),
        [
            (ChallengeOf("", ""), "wants the challenge"),
            (ChallengeOf("example.com", ""), "wants the challenge"),
            (ChallengeOf("www.example.com", "a-token"), "wants the challenge"),
            (
                ChallengeOf("example.com", "another-token"),
                "HTTPREQ_THUMBPRINT is not of the key that example.com's challenge is for",
            ),
        ],
        ids=["not told", "without its token", "by a CNAME", "of another account"],
    )
    def test_without_the_challenge_nothing_is_sent(
        self, case: ServiceCase, record: TxtRecord, challenge: ChallengeOf, reason: str
    ) -> None:
        provider: Any = case.provider()
        provider.made_for({record: challenge})
        error = case.error_of(lambda: provider.publish(self.ZONE, [record]))
        assert isinstance(error, ProviderError)
        assert reason in str(error)
        assert case.fake.requests == []

    @pytest.mark.parametrize("options", [{"mode": "RAW"}, {"mode": "raw"}, {"mode": "cooked"}], ids=repr)
    def test_a_mode_that_is_none_or_lacks_its_thumbprint_is_refused(
        self, service: ServiceCase, options: dict[str, str]
    ) -> None:
        service.options |= options
        assert isinstance(service.error_of(service.provider), ConfigError)


class Served(Httpreq):
    """Has BIND serve what it has."""

    def present(self, request: Request) -> Answer:
        answer: Answer = super().present(request)
        self._serve()
        return answer

    def cleanup(self, request: Request) -> Answer:
        answer: Answer = super().cleanup(request)
        self._serve()
        return answer

    present.route = Httpreq.present.route._replace(handler=present)  # type: ignore[attr-defined]
    cleanup.route = Httpreq.cleanup.route._replace(handler=cleanup)  # type: ignore[attr-defined]

    def _serve(self) -> None:
        update = dns.update.UpdateMessage("example.org", keyring=KEY.tsig)
        update.delete("_acme-challenge")
        for value in self.values("_acme-challenge.example.org"):
            update.add("_acme-challenge", 1, "TXT", value)
        dns.query.tcp(update, PRIMARY)


@pytest.mark.parametrize("mode", ["", "RAW"])
def test_the_hook_publishes_and_takes_back_by_the_service(tmp_path: Path, mode: str) -> None:
    with Stage(tmp_path) as stage, Served(["example.org"]) as service:
        client = stage.client(
            DNS01_PROVIDER="httpreq",
            HTTPREQ_ENDPOINT=service.url,
            HTTPREQ_USERNAME=USER,
            HTTPREQ_PASSWORD=service.token,
            HTTPREQ_MODE=mode,
            HTTPREQ_THUMBPRINT=THUMBPRINT,
        )
        value = record_of("a-token").value
        for phase, values in (("deploy_challenge", {value}), ("clean_challenge", set())):
            said = client(phase, "example.org", "a-token", value)
            assert said.code == 0, said.stderr
            assert stage.bind.txt("_acme-challenge.example.org") == values
        assert {"keyAuth" in request.body for request in service.requests} == {bool(mode)}
