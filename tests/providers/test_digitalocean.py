"""DigitalOcean: the contract, and what it refuses."""

from __future__ import annotations

from api_refusals import CNAME, GRANT, KnownRefusal, SaysTheNextStep
from contract_http import AgreesWithLego, Api, Lego, OverHttp, ShowsNameServers, WorksOverHttp
from fakes.digitalocean import DigitalOcean

from dns01.errors import AuthRejected
from dns01.providers.rest import Refused


class TestDigitalOcean(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    API = Api("digitalocean", DigitalOcean, token=DigitalOcean.token)
    FIXED = ("ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com")
    LEGO = Lego("digitalocean", DO_AUTH_TOKEN=DigitalOcean.token, DO_POLLING_INTERVAL="0")


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestDigitalOcean.API
    REFUSALS = (
        KnownRefusal(
            "digitalocean API: custom scopes",
            403,
            {"id": "forbidden", "message": "You are missing the required permission domain:create."},
            AuthRejected,
            GRANT,
        ),
        KnownRefusal(
            "digitalocean API: CNAME",
            422,
            {"id": "unprocessable_entity", "message": "CNAME records cannot share a name with other records"},
            Refused,
            CNAME,
        ),
    )
