"""Hurricane Electric: as much of the contract as one value allows, and the refusals of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import KeepsAValue, publish, retract, validation
from contract_http import Api, HttpCase, WithstandsFaults
from fakes import Cut, Fault, Shape, Status, Text
from fakes.hurricane import Hurricane
from fakes.lego import issue

from dns01.errors import AuthRejected, Busy, ConfigError, ProviderError
from dns01.providers.base import TxtRecord

NO_CODE = "no return code"


class TestHurricane(WithstandsFaults, KeepsAValue):
    API = Api("hurricane", Hurricane, tokens=f"example.com:{Hurricane.token},other.net:another-k3y")
    NONSENSE = {Cut: NO_CODE, Text: NO_CODE, Shape: NO_CODE}  # noqa: RUF012

    @pytest.fixture
    def case(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with Hurricane(["example.com", "www.example.com"]) as fake:
            yield HttpCase("hurricane", fake, self.API.options)

    @pytest.fixture
    def name(self) -> str:
        return "_acme-challenge.example.com"

    def test_two_values_are_refused_with_the_reason_before_anything_is_sent(
        self, case: HttpCase, name: str
    ) -> None:
        error = case.error_of(lambda: publish(case, *(TxtRecord(name, validation(each)) for each in "ab")))
        assert isinstance(error, ProviderError)
        assert f"2 values for {name}, but a dynamic TXT record has one" in str(error)
        assert case.fake.requests == []

    def test_a_name_without_a_key_is_refused_before_anything_is_sent(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        other = record._replace(name="_acme-challenge.www.example.com")
        error = case.error_of(lambda: publish(case, record, other))
        assert str(error).endswith(f": there is no key for {other.name}, only for example.com, other.net")
        assert "www.example.com:KEY" in error.hint
        assert case.fake.requests == []

    @pytest.mark.parametrize(
        "tokens",
        [
            f"www.example.com:{Hurricane.token}",
            f"_acme-challenge.www.example.com:{Hurricane.token}",
            f" WWW.Example.com.:{Hurricane.token} , example.com:x1234",
        ],
        ids=["as lego has it", "the record's own name", "with blanks, capitals and a dot"],
    )
    def test_a_key_is_found_by_the_domain_or_the_records_name(self, case: HttpCase, tokens: str) -> None:
        case.options["tokens"] = tokens
        record = TxtRecord("_acme-challenge.www.example.com", validation("a"))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_one_key_may_be_that_of_all_records(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["tokens"] = Hurricane.token
        publish(case, record, record._replace(name="_acme-challenge.www.example.com"))
        assert case.world_sees(record.name) == {record.value}
        assert case.world_sees("_acme-challenge.www.example.com") == {record.value}

    @pytest.mark.parametrize(
        "tokens", ["example.com:", f":{Hurricane.token}", f"a:b,{Hurricane.token}", "a,b"]
    )
    def test_tokens_that_are_none_are_said_without_them(self, case: HttpCase, tokens: str) -> None:
        case.options["tokens"] = tokens
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "DOMAIN:KEY" in str(error)

    def test_a_key_that_the_api_gives_back_is_not_said(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(400, message=f"{Hurricane.token} is no key"))
        error = case.error_of(lambda: publish(case, record))
        assert "[secret] is no key" in str(error)

    @pytest.mark.parametrize(
        ("code", "kind"),
        [("badauth", AuthRejected), ("nohost", ProviderError), ("abuse", ProviderError), ("interval", Busy)],
    )
    def test_a_code_that_is_no_success_is_said(
        self, case: HttpCase, record: TxtRecord, code: str, kind: type[ProviderError]
    ) -> None:
        case.fake.fail(Status(200, message=code, times=10**6))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, kind)
        assert f"it says {code}" in str(error)

    @pytest.mark.parametrize("answer", ['good "the value"', "nochg 192.0.2.1\n"])
    def test_what_stands_behind_a_code_does_not_matter(
        self, case: HttpCase, record: TxtRecord, answer: str
    ) -> None:
        case.fake.fail(Text(text=answer))
        publish(case, record)

    @pytest.mark.parametrize("fault", [Cut(done=True), Text(), Shape(), Text(text="")], ids=repr)
    def test_an_answer_that_is_no_code_is_said(self, case: HttpCase, record: TxtRecord, fault: Fault) -> None:
        case.fake.fail(type(fault)(**vars(fault)))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert "answer" in str(error)

    def test_retracting_leaves_a_dot_in_the_values_place(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        retract(case, record)
        assert case.fake.requests[-1].body["txt"] == "."

    def test_lego_gets_a_certificate_for_a_domain(self, tmp_path: Path) -> None:
        environment = {"HURRICANE_TOKENS": f"example.com:{Hurricane.token}"}
        done = issue(Hurricane, "hurricane", environment, ["example.com"], tmp_path)
        assert done.refused == []
        assert done.most == {"_acme-challenge.example.com": 1}
        assert done.left == set()
