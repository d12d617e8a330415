"""PowerDNS: the contract, with servers that know single records and with those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from contract import ZONES, publish, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, WorksOverHttp
from fakes.powerdns import OldPowerDNS, PowerDNS

from dns01.providers import load
from dns01.providers.base import TxtRecord


class TestPowerDNS(WorksOverHttp, AgreesWithLego):
    API = Api("powerdns", PowerDNS, key=PowerDNS.token)
    LEGO = Lego("pdns", PDNS_API_KEY=PowerDNS.token, PDNS_API_URL=f"https://{PowerDNS.hosts[0]}")
    ONE_PAGE = True

    def test_it_says_what_a_user_has_to_know(self, case: HttpCase) -> None:
        assert case.kind.permission
        assert case.kind.docs.startswith("https://doc.powerdns.com/")
        assert case.kind.options[-1].default == "http://127.0.0.1:8081"

    @pytest.mark.parametrize(
        ("url", "warnings"),
        [
            ("http://127.0.0.1:8081", 0),
            ("http://[::1]:8081", 0),
            ("http://localhost:8081", 0),
            ("https://pdns.example.net", 0),
            ("http://pdns.example.net:8081", 1),
        ],
    )
    def test_a_key_that_goes_to_another_host_in_the_clear_is_warned_about(
        self, url: str, warnings: int
    ) -> None:
        provider: Any = load("powerdns")({"key": "k", "server": "localhost", "base_url": url})
        assert len(provider.warnings) == warnings


class TestOldPowerDNS(TestPowerDNS):
    """Before 4.9.12 and 5.0.2."""

    API = Api("powerdns", OldPowerDNS, key=OldPowerDNS.token)
    LOCKED = True
    # The first write to be answered is one that these servers refuse.
    test_what_was_published_without_a_sensible_answer_can_be_retracted: Any = None


def test_a_server_that_is_too_old_is_said_and_looked_at_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    record = TxtRecord("_acme-challenge.example.com", validation("a"))
    with OldPowerDNS(ZONES) as fake:
        case = HttpCase("powerdns", fake, {"key": fake.token})
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        assert capsys.readouterr().err.count("rfc2136") == 1
        assert len(case.pauses) == 1
