"""name.com: the contract, and dns-lexicon at the API's former version, whose calls are the same.

Debian's lego is built without the provider.
"""

from __future__ import annotations

from api_refusals import KnownRefusal, SaysTheNextStep
from contract_http import AgreesWithLexicon, Api, OverHttp, SeesDuplicates, WorksOverHttp
from fakes.namedotcom import USER, NameDotCom

from dns01.errors import AuthRejected


class TestNameDotCom(WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("namedotcom", NameDotCom, user=USER, token=NameDotCom.token)
    LEXICON = (
        "namecom",
        {"LEXICON_NAMECOM_AUTH_USERNAME": USER, "LEXICON_NAMECOM_AUTH_TOKEN": NameDotCom.token},
    )


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestNameDotCom.API
    REFUSALS = (
        KnownRefusal(
            "name.com: two-step verification",
            403,
            {
                "message": "Permission Denied",
                "details": "Authentication Error - Account Has Two-Step Verification Enabled",
            },
            AuthRejected,
            "allow “API access” in the account's security settings",
        ),
        KnownRefusal(
            "name.com: Namesafe",
            403,
            {
                "message": "Permission Denied",
                "details": "Authentication Error - Account Has Namesafe Enabled",
            },
            AuthRejected,
            "allow “API access” in the account's security settings",
        ),
        KnownRefusal(
            "name.com: another user's token",
            401,
            {"message": "Unauthenticated"},
            AuthRejected,
            "NAMECOM_USERNAME or NAMECOM_API_TOKEN is right",
        ),
    )
