"""What comes after a change may be refused, or have no answer: it is not certain then that nothing
was changed, and the journal keeps the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from contract import ZONES, validation
from contract_http import HttpCase
from fakes import FOREVER, Fake, Status
from fakes.desec import Desec
from fakes.digitalocean import DigitalOcean
from fakes.gandi import Gandi
from fakes.hetzner import Hetzner
from fakes.namecheap import Namecheap
from fakes.ovh import CONSUMER, KEY, Ovh

from dns01.errors import ProviderError
from dns01.providers.base import TxtRecord

RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))
KINDS: dict[str, tuple[type[Fake], dict[str, str]]] = {
    "desec": (Desec, {"token": Desec.token}),  # looks again
    "gandi": (Gandi, {"token": Gandi.token}),  # looks again, and once more a little later
    "hetzner": (Hetzner, {"token": Hetzner.token}),  # follows the action
    "namecheap": (
        Namecheap,
        {"user": Namecheap.user, "key": Namecheap.token, "client_ip": Namecheap.client_ip},
    ),
    "ovh": (Ovh, {"application_key": KEY, "secret": Ovh.token, "consumer_key": CONSUMER}),  # has it served
}


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kind, options = KINDS[request.param]
    with kind(ZONES) as fake:
        yield HttpCase(request.param, fake, options)


@pytest.mark.parametrize("status", [403, 400, 429])
def test_what_is_refused_once_the_record_is_there_is_no_certain_refusal(case: HttpCase, status: int) -> None:
    provider: Any = case.provider()
    zone = provider.zone_for(RECORD.name)
    request = provider.request

    def first(*args: Any, **more: Any) -> Any:
        answer = request(*args, **more)
        if case.world_sees(RECORD.name):
            case.fake.fail(Status(status, times=FOREVER))
        return answer

    provider.request = first
    error = case.error_of(lambda: provider.publish(zone, [RECORD]))
    assert isinstance(error, ProviderError)
    assert not error.definite
    assert case.world_sees(RECORD.name) == {RECORD.value}


@pytest.mark.parametrize("status", [403, 400, 429])
def test_what_is_refused_at_once_is_one(case: HttpCase, status: int) -> None:
    zone = case.provider().zone_for(RECORD.name)
    case.fake.fail(Status(status, times=FOREVER))
    error = case.error_of(lambda: case.provider().publish(zone, [RECORD]))
    assert isinstance(error, ProviderError)
    assert error.definite
    assert case.world_sees(RECORD.name) == set()


@pytest.mark.parametrize("first", [Status(500, done=True, writing=True), Status(502, writing=True)], ids=repr)
def test_a_refusal_after_a_try_without_an_answer_is_none(
    first: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with DigitalOcean(ZONES) as fake:
        case = HttpCase("digitalocean", fake, {"token": fake.token})
        zone = case.provider().zone_for(RECORD.name)
        fake.fail(first, Status(403, times=FOREVER, writing=False))
        provider: Any = case.provider()
        provider.texts = lambda *_: ()  # the reading before the first try
        request = provider.request

        def forbidden_later(*args: Any, **more: Any) -> Any:
            try:
                return request(*args, **more)
            finally:
                del provider.__dict__["texts"]
                provider.request = request

        provider.request = forbidden_later
        error = case.error_of(lambda: provider.publish(zone, [RECORD]))
        assert isinstance(error, ProviderError)
        assert not error.definite
