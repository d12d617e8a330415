"""Scaleway: the contract, and what it does unlike others.

Debian's lego is built without the provider; dns-lexicon has it.
"""

from __future__ import annotations

from contract_http import AgreesWithLexicon, Api, HttpCase, SeesDuplicates, WorksOverHttp
from fakes.scaleway import Scaleway


class TestScaleway(WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("scaleway", Scaleway, secret_key=Scaleway.token)
    LEXICON = "scaleway", {"LEXICON_SCALEWAY_AUTH_SECRET_KEY": Scaleway.token}

    def test_the_zones_of_one_project_are_looked_at_where_it_is_said(self, case: HttpCase) -> None:
        case.options["project_id"] = "a-project"
        case.provider().zone_for("_acme-challenge.example.com")
        assert {request.query.get("project_id") for request in case.fake.requests} == {"a-project"}
