"""AutoDNS: the contract, and what it says of an error."""

from __future__ import annotations

import pytest
from api_refusals import LATER, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Status
from fakes.autodns import AutoDns

from dns01.errors import AuthRejected, Busy
from dns01.providers.base import TxtRecord


class TestAutoDns(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("autodns", AutoDns, user=AutoDns.user, password=AutoDns.token)
    LEGO = Lego("autodns", AUTODNS_API_USER=AutoDns.user, AUTODNS_API_PASSWORD=AutoDns.token)

    def test_an_error_is_said_with_what_it_is_about(self, case: HttpCase, record: TxtRecord) -> None:
        words = "Der Zusatzeintrag ist ungueltig. | example.com@a.ns14.net/rr[3]"
        case.fake.fail(Status(400, message=words, writing=True, times=FOREVER))
        error = str(case.error_of(lambda: publish(case, record)))
        assert "Zone konnte nicht aktualisiert werden." in error
        assert "Der Zusatzeintrag ist ungueltig. example.com@a.ns14.net/rr[3]" in error

    def test_a_user_of_another_context_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["context"] = "1"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "AUTODNS_API_PASSWORD" in error.hint

    @pytest.mark.parametrize("verb", ["publish", "retract"])
    def test_what_another_process_did_in_between_is_success(
        self, case: HttpCase, record: TxtRecord, verb: str
    ) -> None:
        if verb == "retract":
            publish(case, record)
        case.fake.overtaken = True
        {"publish": publish, "retract": retract}[verb](case, record)
        assert case.fake.refusals
        assert case.world_sees(record.name) == ({record.value} if verb == "publish" else set())

    def test_of_several_zones_of_one_account_each_is_changed_alone(self, case: HttpCase) -> None:
        for apex in ("example.com", "deep.example.com"):
            record = TxtRecord(f"_acme-challenge.{apex}", validation(apex))
            publish(case, record)
            assert [each.value for each in case.fake.zones[apex].records] == [record.value]


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestAutoDns.API
    REFUSALS = (
        KnownRefusal(
            "autodns: another change of the zone",
            400,
            {
                "messages": [{"text": "The zone is locked by another process", "code": "EF02022"}],
                "status": {"code": "E0202", "text": "Zone could not be changed", "type": "ERROR"},
            },
            Busy,
            LATER,
        ),
    )
