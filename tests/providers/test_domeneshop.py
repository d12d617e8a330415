"""Domeneshop: the contract, and what it does unlike others."""

from __future__ import annotations

import pytest
from contract import publish, validation
from contract_http import AgreesWithLego, Api, HttpCase, Lego, SeesDuplicates, WorksOverHttp
from fakes import FOREVER, Status
from fakes.domeneshop import TOKEN, Domeneshop

from dns01.errors import ProviderError
from dns01.providers.base import TxtRecord


class TestDomeneshop(WorksOverHttp, SeesDuplicates, AgreesWithLego):
    API = Api("domeneshop", Domeneshop, token=TOKEN, secret=Domeneshop.token)
    EMPTY = ([],)
    ONE_PAGE = True
    LEGO = Lego("domeneshop", DOMENESHOP_API_TOKEN=TOKEN, DOMENESHOP_API_SECRET=Domeneshop.token)

    @pytest.fixture
    def least_ttl(self) -> int:
        """The next multiple of 60, beyond the 77 seconds of the test."""
        return 120

    @pytest.mark.parametrize(("wished", "given"), [(1, 60), (60, 60), (61, 120), (10**9, 604800)])
    def test_the_ttl_becomes_a_multiple_of_60(
        self, case: HttpCase, name: str, wished: int, given: int
    ) -> None:
        publish(case, TxtRecord(name, validation("a"), wished))
        assert case.ttl_of(name, validation("a")) == given

    def test_a_domain_whose_dns_is_elsewhere_is_no_zone(self, case: HttpCase) -> None:
        case.fake.elsewhere = {"deep.example.com"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"

    def test_a_record_that_collides_with_another_one_is_an_error(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.fail(Status(409, writing=True, times=FOREVER))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert "The API's own words." in str(error)
