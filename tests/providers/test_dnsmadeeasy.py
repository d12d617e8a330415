"""DNS Made Easy: the contract, its signatures, and what it does unlike others.

Debian's lego takes no proxy for it, and so does not reach the fake; dns-lexicon does.
"""

from __future__ import annotations

import pytest
from contract import publish
from contract_http import (
    AgreesWithLexicon,
    Api,
    HttpCase,
    SeesDuplicates,
    ShowsNameServers,
    WorksOverHttp,
    passes,
)
from fakes import Status
from fakes.dnsmadeeasy import KEY, DnsMadeEasy

from dns01.errors import AuthRejected
from dns01.providers.base import TxtRecord


class TestDnsMadeEasy(ShowsNameServers, WorksOverHttp, SeesDuplicates, AgreesWithLexicon):
    API = Api("dnsmadeeasy", DnsMadeEasy, key=KEY, secret_key=DnsMadeEasy.token)
    LEXICON = (
        "dnsmadeeasy",
        {"LEXICON_DNSMADEEASY_AUTH_USERNAME": KEY, "LEXICON_DNSMADEEASY_AUTH_TOKEN": DnsMadeEasy.token},
    )

    @pytest.mark.parametrize(
        "words",
        ["Rate limit exceeded", "Cannot update a domain that is pending a create or delete action."],
    )
    def test_400_is_busy_where_its_words_say_so(self, case: HttpCase, record: TxtRecord, words: str) -> None:
        passes(case, record, Status(400, message=words, writing=True))

    def test_a_clock_that_is_wrong_is_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.ahead = 3600  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "invalid date" in str(error)
        assert "a clock that is right" in str(error)
