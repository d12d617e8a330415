"""Civo: the contract.

Nobody else has an opinion: Debian's lego is built without it, and dns-lexicon does not know it.
"""

from __future__ import annotations

from contract_http import Api, WorksOverHttp
from fakes.civo import Civo


class TestCivo(WorksOverHttp):
    API = Api("civo", Civo, token=Civo.token)
    EMPTY = ([],)
    ONE_PAGE = True
