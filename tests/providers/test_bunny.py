"""bunny.net: the contract.

Neither Debian's lego nor dns-lexicon has the provider: the fake is of the documentation alone.
"""

from __future__ import annotations

from contract_http import Api, ShowsNameServers, WorksOverHttp
from fakes.bunny import Bunny


class TestBunny(ShowsNameServers, WorksOverHttp):
    API = Api("bunny", Bunny, key=Bunny.token)
    FIXED = ("kiki.bunny.net", "coco.bunny.net")
