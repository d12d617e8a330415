"""Oracle Cloud: the contract, its signatures, and what it does unlike others.

Nobody else has an opinion here: Debian's lego is built without it, and dns-lexicon wants Oracle's SDK, which
is larger than everything else that is tested.
"""

from __future__ import annotations

from typing import Any

import pytest
from contract import publish, retract, validation
from contract_http import Api, HttpCase, ShowsNameServers, WorksOverHttp
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from fakes import Status
from fakes.oraclecloud import PEM, TENANCY, USER, OracleCloud

from dns01.errors import AuthRejected, ConfigError
from dns01.providers import load
from dns01.providers.base import TxtRecord


class TestOracleCloud(ShowsNameServers, WorksOverHttp):
    API = Api(
        "oraclecloud", OracleCloud, region="eu-frankfurt-1", tenancy=TENANCY, user=USER, private_key=PEM
    )

    def test_a_key_may_be_under_a_passphrase(self, case: HttpCase, record: TxtRecord) -> None:
        key = load_pem_private_key(PEM.encode(), None)
        sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
        case.options |= {"private_key": f"{sealed.decode()}OCI_API_KEY\n", "passphrase": "open"}
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    @pytest.mark.parametrize("changes", [{"private_key": "no key"}, {"passphrase": "of no use"}])
    def test_a_key_that_is_none_is_said(self, case: HttpCase, changes: dict[str, str]) -> None:
        case.options |= changes
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "OCI_PRIVKEY_FILE" in error.hint

    def test_a_fingerprint_of_another_key_is_refused(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["fingerprint"] = ":".join(["00"] * 16)
        assert isinstance(case.error_of(lambda: publish(case, record)), AuthRejected)

    def test_the_region_says_where_the_api_is(self, case: HttpCase) -> None:
        del case.options["base_url"]
        assert load("oraclecloud")(case.options).given["base_url"] == (  # type: ignore[attr-defined]
            "https://dns.eu-frankfurt-1.oraclecloud.com/20180115"
        )

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        fake_of(case).secondary = {"deep.example.com"}
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"

    @pytest.mark.parametrize("status", [409, 412])
    def test_a_zone_that_is_being_changed_is_waited_for(
        self, case: HttpCase, record: TxtRecord, status: int
    ) -> None:
        case.fake.fail(Status(status, writing=True))
        publish(case, record)
        assert case.pauses
        retract(case, record)
        assert case.world_sees(record.name) == set()

    def test_values_that_have_quotes_in_them_come_and_go(self, case: HttpCase, name: str) -> None:
        record = TxtRecord(name, "a value of two words")
        publish(case, record, record._replace(value=validation("b")))
        retract(case, record)
        assert case.world_sees(name) == {validation("b")}


def fake_of(case: HttpCase) -> Any:
    return case.fake
