"""IONOS: the contract, and what it does unlike others.

Debian's lego publishes and leaves its records behind: it looks for values without the quotes that they come
back with. dns-lexicon knows of them.
"""

from __future__ import annotations

import pytest
from contract import publish
from contract_http import AgreesWithLexicon, Api, HttpCase, WorksOverHttp
from fakes.ionos import Ionos

from dns01.errors import ZoneNotFound
from dns01.providers.base import TxtRecord

KEY = f"prefix.{Ionos.token}"


class TestIonos(WorksOverHttp, AgreesWithLexicon):
    API = Api("ionos", Ionos, key=KEY)
    LEXICON = "ionos", {"LEXICON_IONOS_API_KEY": KEY}
    ONE_PAGE = True

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.secondary = set(case.fake.zones)  # type: ignore[attr-defined]
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.example.com")

    def test_a_value_that_somebody_else_has_just_published_is_there(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        provider = case.provider()
        zone = provider.zone_for(record.name)
        publish(case, record)
        provider.create(zone, record)  # type: ignore[attr-defined]
        assert case.world_sees(record.name) == {record.value}
