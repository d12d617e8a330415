"""IONOS: the contract, and what it does unlike others.

Debian's lego publishes and leaves its records behind: it looks for values without the quotes that they come
back with. dns-lexicon knows of them.
"""

from __future__ import annotations

import pytest
from api_refusals import KnownRefusal, SaysTheNextStep
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    OverHttp,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
)
from fakes.ionos import Ionos

from dns01.errors import AuthRejected, ConfigError, ZoneNotFound
from dns01.providers.rest import Refused

KEY = f"prefix.{Ionos.token}"


class TestIonos(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("ionos", Ionos, key=KEY)
    LEXICON = "ionos", {"LEXICON_IONOS_API_KEY": KEY}
    ONE_PAGE = True

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.secondary = set(case.fake.zones)  # type: ignore[attr-defined]
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.example.com")

    def test_a_key_without_the_dot_between_its_halves_is_refused(self, case: HttpCase) -> None:
        """tobychui/zoraxy#226: prefix:secret"""
        case.options["key"] = KEY.replace(".", ":")
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "a dot" in error.hint


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestIonos.API
    REFUSALS = (
        KnownRefusal(
            "go-acme/lego: ionos fixtures",
            401,
            [{"code": "UNAUTHORIZED", "message": "The customer is not authorized to do this operation."}],
            AuthRejected,
            "IONOS_API_KEY is right",
        ),
        KnownRefusal(
            "fabmade/cert-manager-webhook-ionos#1",
            400,
            [
                {
                    "code": "INVALID_RECORD",
                    "message": "Record is invalid.",
                    "parameters": {"invalidFields": ["name"], "errorRecord": {"name": "x", "ttl": 120}},
                }
            ],
            Refused,
            "Record is invalid., name (400",
        ),
        KnownRefusal(
            "developer.hosting.ionos.com: RECORD_INVALID_DATA, with our own TTL in it",
            400,
            [{"code": "RECORD_INVALID_DATA", "parameters": {"errorRecord": {"ttl": 60}}}],
            Refused,
            "what the API takes is described at",
        ),
    )
