"""Civo: the contract.

Nobody else has an opinion: Debian's lego is built without it, and dns-lexicon does not know it.
"""

from __future__ import annotations

from contract_http import Api, HttpCase, WorksOverHttp
from fakes.civo import Civo

from dns01.providers.base import ShowsApex


class TestCivo(WorksOverHttp):
    API = Api("civo", Civo, token=Civo.token)
    EMPTY = ([],)
    ONE_PAGE = True

    def test_the_name_servers_of_every_zone_are_the_same(self, case: HttpCase) -> None:
        """Nobody asks the API, which does not know them."""
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        apex = provider.apex_of(provider.zone_for("example.com"))
        assert apex.name_servers == ("ns0.civo.com", "ns1.civo.com")
