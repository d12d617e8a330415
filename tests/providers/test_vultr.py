"""Vultr: the contract."""

from __future__ import annotations

from contract_http import AgreesWithLego, Api, Lego, WorksOverHttp
from fakes.vultr import Vultr


class TestVultr(WorksOverHttp, AgreesWithLego):
    API = Api("vultr", Vultr, token=Vultr.token)
    LEGO = Lego("vultr", VULTR_API_KEY=Vultr.token)
