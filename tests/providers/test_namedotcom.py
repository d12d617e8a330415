"""name.com: the contract, and dns-lexicon at the API's former version, whose calls are the same.

Debian's lego is built without the provider.
"""

from __future__ import annotations

from contract_http import AgreesWithLexicon, Api, SeesDuplicates, WorksOverHttp
from fakes.namedotcom import USER, NameDotCom


class TestNameDotCom(WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("namedotcom", NameDotCom, user=USER, token=NameDotCom.token)
    LEXICON = (
        "namecom",
        {"LEXICON_NAMECOM_AUTH_USERNAME": USER, "LEXICON_NAMECOM_AUTH_TOKEN": NameDotCom.token},
    )
