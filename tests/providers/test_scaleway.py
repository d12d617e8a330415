"""Scaleway: the contract, and what it does unlike others.

Debian's lego is built without the provider; dns-lexicon has it.
"""

from __future__ import annotations

from api_refusals import EXPIRED, LATER, KnownRefusal, SaysTheNextStep
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    OverHttp,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes.scaleway import Scaleway

from dns01.errors import AuthRejected, Busy
from dns01.providers.rest import Refused


class TestScaleway(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("scaleway", Scaleway, secret_key=Scaleway.token)
    LEXICON = "scaleway", {"LEXICON_SCALEWAY_AUTH_SECRET_KEY": Scaleway.token}

    def test_the_zones_of_one_project_are_looked_at_where_it_is_said(self, case: HttpCase) -> None:
        case.options["project_id"] = "a-project"
        case.provider().zone_for("_acme-challenge.example.com")
        assert {request.query.get("project_id") for request in case.fake.requests} == {"a-project"}


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestScaleway.API
    REFUSALS = (
        KnownRefusal(
            "scaleway/cert-manager-webhook-scaleway#62",
            403,
            {"message": "domain not found"},
            AuthRejected,
            "in the project of the key",
        ),
        KnownRefusal(
            "scaleway.com/en/developers: denied_authentication, resource_expired",
            410,
            {"type": "resource_expired", "resource": "api_key", "message": "resource is expired"},
            AuthRejected,
            EXPIRED,
        ),
        KnownRefusal(
            "scaleway.com/en/developers: invalid_arguments",
            400,
            {
                "type": "invalid_arguments",
                "message": "invalid argument(s)",
                "details": [{"argument_name": "name", "reason": "constraint", "help_message": "is too long"}],
            },
            Refused,
            "name: is too long",
        ),
        KnownRefusal(
            "scaleway.com/en/developers: transient_state",
            409,
            {
                "type": "transient_state",
                "resource": "zone",
                "message": "resource is in a transient state",
            },
            Busy,
            LATER,
        ),
    )
