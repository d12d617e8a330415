"""Linode: the contract, and what it does unlike others."""

from __future__ import annotations

import pytest
from api_refusals import GRANT, KnownRefusal, SaysTheNextStep
from contract_http import AgreesWithLexicon, Api, HttpCase, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.linode import Linode

from dns01.errors import AuthRejected, ZoneNotFound
from dns01.providers.rest import Refused


class TestLinode(ShowsNameServers, WorksOverHttp, AgreesWithLexicon):
    API = Api("linode", Linode, token=Linode.token)
    FIXED = tuple(f"ns{number}.linode.com" for number in (1, 2, 3, 4, 5))
    LEXICON = "linode4", {"LEXICON_LINODE4_TOKEN": Linode.token}

    def test_a_zone_that_is_a_copy_of_another_servers_is_none(self, case: HttpCase) -> None:
        case.fake.slaves = {"deep.example.com", "example.co.uk"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.example.co.uk")


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestLinode.API
    REFUSALS = (
        KnownRefusal(
            "api.linode.com: scopes",
            401,
            {"errors": [{"reason": "Your OAuth token is not authorized to use this endpoint."}]},
            AuthRejected,
            GRANT,
        ),
        KnownRefusal(
            "home-assistant/addons#3972",
            400,
            {"errors": [{"reason": "Invalid hostname", "field": "name"}]},
            Refused,
            "name: Invalid hostname",
        ),
    )
