"""DigitalOcean: the contract."""

from __future__ import annotations

from contract_http import AgreesWithLego, Api, Lego, WorksOverHttp
from fakes.digitalocean import DigitalOcean


class TestDigitalOcean(WorksOverHttp, AgreesWithLego):
    API = Api("digitalocean", DigitalOcean, token=DigitalOcean.token)
    LEGO = Lego("digitalocean", DO_AUTH_TOKEN=DigitalOcean.token, DO_POLLING_INTERVAL="0")
