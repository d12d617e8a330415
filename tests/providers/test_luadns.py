"""LuaDNS: the contract.

Debian's lego has no opinion: it looks for zones whose names end with a dot, as lego 4.10 does no more.
dns-lexicon has one.
"""

from __future__ import annotations

from contract_http import AgreesWithLexicon, Api, ShowsNameServers, WorksOverHttp
from fakes.luadns import USER, LuaDns


class TestLuaDns(ShowsNameServers, WorksOverHttp, AgreesWithLexicon):
    API = Api("luadns", LuaDns, user=USER, token=LuaDns.token)
    LEXICON = "luadns", {"LEXICON_LUADNS_USERNAME": USER, "LEXICON_LUADNS_TOKEN": LuaDns.token}
    EMPTY = ([],)
