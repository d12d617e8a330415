"""PowerDNS: the contract, with servers that know single records and with those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from api_refusals import CNAME, COPY, KnownRefusal, SaysTheNextStep
from contract import ZONES, publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.powerdns import OldPowerDNS, PowerDNS

from dns01.errors import Unreachable
from dns01.providers import load
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestPowerDNS(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("powerdns", PowerDNS, key=PowerDNS.token)
    LEGO = Lego("pdns", PDNS_API_KEY=PowerDNS.token, PDNS_API_URL=f"https://{PowerDNS.hosts[0]}")
    ONE_PAGE = True
    MOST = 102  # requests for a hundred names: a reading of each, the change, the word to the secondaries

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

    def test_of_a_hundred_names_each_is_read_and_all_are_changed_at_once(self, case: HttpCase) -> None:
        records = [TxtRecord(f"_acme-challenge.n{i}.example.com", validation(str(i))) for i in range(100)]
        both = [TxtRecord("_acme-challenge.example.com", validation(word)) for word in ("apex", "wildcard")]
        case.add_foreign(records[0].name, "foreign", 300)
        publish(case, *records)
        assert len(_of_the_zone(case)) <= self.MOST
        publish(case, *records, *both)
        assert case.world_sees(records[0].name) == {records[0].value, "foreign"}
        assert case.world_sees(both[0].name) == {record.value for record in both}
        case.fake.requests.clear()
        retract(case, *records)
        assert len(_of_the_zone(case)) <= self.MOST
        assert [case.world_sees(record.name) for record in records[:2]] == [{"foreign"}, set()]


class TestOldPowerDNS(TestPowerDNS):
    """Before 4.9.12 and 5.0.2."""

    API = Api("powerdns", OldPowerDNS, key=OldPowerDNS.token)
    LOCKED = True
    MOST = 1000  # it is asked for each name by itself, and looked at again
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


def _of_the_zone(case: HttpCase) -> list[str]:
    """The requests about the zone itself, not those that look for it."""
    return [request.method for request in case.fake.requests if "/zones/" in request.path]


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestPowerDNS.API
    REFUSALS = (
        KnownRefusal(
            "acmesh-official/acme.sh#1261: a TXT record without quotes in the database",
            500,
            {"error": "Internal Server Error"},
            Unreachable,
            "pdnsutil check-zone example.com",
        ),
        KnownRefusal(
            "PowerDNS/pdns: consumer zones",
            422,
            {"error": "Modifying RRsets in Consumer zones is unsupported"},
            Refused,
            COPY,
        ),
        KnownRefusal(
            "PowerDNS/pdns#7840",
            422,
            {
                "error": "RRset _acme-challenge.example.com. IN TXT: Conflicts with pre-existing RRset",
                "errors": [],
            },
            Refused,
            CNAME,
        ),
        KnownRefusal(
            "PowerDNS/pdns: gsqlite3",
            500,
            {"error": "Failed to replace RRset: attempt to write a readonly database"},
            Unreachable,
            "write to its database",
        ),
    )
