"""DNSimple: the contract, and tokens of several accounts.

Debian's lego is built without the provider; dns-lexicon has it.
"""

from __future__ import annotations

from api_refusals import PLAN, KnownRefusal, SaysTheNextStep
from contract import publish
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    OverHttp,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes.dnsimple import DNSimple

from dns01.errors import ConfigError
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestDNSimple(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("dnsimple", DNSimple, token=DNSimple.token)
    LEXICON = "dnsimple", {"LEXICON_DNSIMPLE_AUTH_TOKEN": DNSimple.token}

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        """And which account it is."""
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        paths = [request.path for request in case.fake.requests]
        assert not [path for path in paths if path != "/v2/accounts" and zone.id not in path.split("/")]

    def test_of_several_accounts_one_has_to_be_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.accounts = [1010, 2020]  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ConfigError)
        assert "1010, 2020" in str(error)
        case.options["account_id"] = "2020"
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}
        assert {request.path.split("/")[2] for request in case.fake.requests[-2:]} == {"2020"}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestDNSimple.API
    REFUSALS = (
        KnownRefusal(
            "developer.dnsimple.com/v2, 402",
            402,
            {"message": "Your account must be subscribed to a plan. Please subscribe to a plan"},
            Refused,
            PLAN,
        ),
    )
