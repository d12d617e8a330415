"""Infomaniak: the contract, and what it does unlike others.

Debian's lego and dns-lexicon speak version 1 of the API: they have no opinion on this one.
"""

from __future__ import annotations

from api_refusals import KnownRefusal, SaysTheNextStep
from contract_http import Api, HttpCase, OverHttp, SeesDuplicates, WorksOverHttp
from fakes import Json
from fakes.infomaniak import Infomaniak

from dns01.errors import ProviderError
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestInfomaniak(WorksOverHttp, SeesDuplicates):
    API = Api("infomaniak", Infomaniak, token=Infomaniak.token)

    def test_an_error_is_one_whatever_its_status(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        told = {"result": "error", "error": {"code": "validation_failed", "description": "No such type."}}
        case.fake.fail(Json(told, writing=True))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, ProviderError)
        assert "No such type." in str(error)


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestInfomaniak.API
    REFUSALS = (
        KnownRefusal(
            "acmesh-official/acme.sh#3188",
            404,
            {"result": "error", "error": {"code": "method_not_found", "description": "Method not found"}},
            Refused,
            "make a token with the scopes dns:read",
        ),
    )
