"""IONOS: the contract, and what it does unlike others.

Debian's lego publishes and leaves its records behind: it looks for values without the quotes that they come
back with. dns-lexicon knows of them.
"""

from __future__ import annotations

import pytest
from contract_http import AgreesWithLexicon, Api, HttpCase, SeesDuplicates, WorksOverHttp
from fakes.ionos import Ionos

from dns01.errors import ConfigError, ZoneNotFound

KEY = f"prefix.{Ionos.token}"


class TestIonos(WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
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
