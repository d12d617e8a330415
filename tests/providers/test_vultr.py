"""Vultr: the contract."""

from __future__ import annotations

from api_refusals import ADDRESS, KnownRefusal, SaysTheNextStep
from contract_http import AgreesWithLego, Api, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.vultr import Vultr

from dns01.errors import AuthRejected


class TestVultr(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("vultr", Vultr, token=Vultr.token)
    LEGO = Lego("vultr", VULTR_API_KEY=Vultr.token)


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestVultr.API
    REFUSALS = (
        KnownRefusal(
            "vultr/cert-manager-webhook-vultr#105",
            401,
            {"error": "Unauthorized IP address: 203.0.113.9", "status": 401},
            AuthRejected,
            ADDRESS,
        ),
    )
