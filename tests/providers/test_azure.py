"""Azure DNS: the contract, its etags, its identities, and what it does unlike others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amounts import TURNS, WRITERS
from api_refusals import EXPIRED, KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import Api, HttpCase, ReplacesTokens, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Status, Text, Zone
from fakes.azure import CLIENT, GROUP, SUBSCRIPTION, Azure, resource_id
from on_clouds import NAME, RECORD, on_azure

from dns01.errors import AuthRejected, ConfigError, ProviderError
from dns01.hooks.config.load import load_settings
from dns01.providers import load
from dns01.providers.base import TxtRecord


@pytest.fixture
def case() -> Iterator[HttpCase]:
    with on_azure() as case:
        yield case


@pytest.fixture
def on_a_machine(case: HttpCase) -> HttpCase:
    """Of Azure's own: with its managed identity."""
    where = {"base_url": case.fake.url, "metadata": case.fake.url}
    case.options = {"subscription_id": SUBSCRIPTION, **where}
    return case


class TestAzure(ShowsNameServers, WorksOverHttp):
    """Its processes take no turns: they may as well be machines that know nothing of each other."""

    API = Api("azure", Azure)
    PROCESSES = WRITERS
    ROUNDS = TURNS

    @pytest.fixture
    def case(self, case: HttpCase) -> HttpCase:
        return case

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        """Its id is a path."""
        zone = case.provider().zone_for(record.name)
        assert zone.id == resource_id("example.com")
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        assert {request.path for request in case.fake.requests} == {
            f"{zone.id}/TXT/{record.name.removesuffix('.example.com')}"
        }


LOCKED = {"error": {"code": "ScopeLocked", "message": "The scope cannot perform write operation"}}


class TestLostRaces:
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (409, LOCKED),
            (409, {"error": {"code": "ReadOnlyDisabledSubscription", "message": "disabled"}}),
            (409, {"error": {"code": "Conflict", "message": "The request conflicts"}}),
            (409, {"error": "Conflict"}),
            (409, {}),
            (412, {"error": {"code": "PreconditionFailed", "message": "always"}}),
        ],
    )
    def test_what_is_refused_for_good_is_said_with_azure_s_reason(
        self, case: HttpCase, status: int, body: Any
    ) -> None:
        zone = case.provider().zone_for(NAME)
        case.fake.requests.clear()
        case.fake.fail(Text(status, json.dumps(body), writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [RECORD]))
        assert isinstance(error, ProviderError)
        assert str(status) in str(error)
        assert len(case.fake.requests) < 10


class TestZones:
    def test_a_resource_group_is_all_that_is_asked_about_where_it_is_known(self, case: HttpCase) -> None:
        case.fake.groups["deep.example.com"] = "another-group"
        case.options["resource_group"] = "another-group"
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "deep.example.com"
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.example.co.uk"))
        assert "it sees deep.example.com" in str(error)

    def test_a_role_for_the_zone_alone_does_where_its_group_is_known(self, case: HttpCase) -> None:
        """win-acme/win-acme#2372, rmbolger/Posh-ACME#229"""
        case.fake.lists = False
        case.options["resource_group"] = GROUP
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.example.org"))
        assert isinstance(error, AuthRejected)

    def test_and_where_it_is_not_that_is_what_is_said(self, case: HttpCase) -> None:
        case.fake.lists = False
        error = case.error_of(lambda: case.provider().zone_for(NAME))
        assert isinstance(error, AuthRejected)
        assert "AZURE_RESOURCE_GROUP" in error.hint

    def test_of_several_zones_with_one_name_none_is_guessed(self, case: HttpCase) -> None:
        case.fake.zones["twin"] = Zone("example.com", "4711", [])
        case.fake.groups["twin"] = "another-group"
        error = case.error_of(lambda: case.provider().zone_for(NAME))
        assert isinstance(error, ProviderError)
        assert resource_id("example.com") in str(error)
        assert resource_id("example.com", "another-group") in str(error)
        case.options["resource_group"] = "another-group"
        publish(case, RECORD)
        assert [record.value for record in case.fake.zones["twin"].records] == [RECORD.value]


class TestRecordSets:
    def test_what_others_have_noted_at_one_stays(self, case: HttpCase) -> None:
        case.add_foreign(NAME, "somebody else's", ttl=1234)
        case.fake.metadata[NAME] = {"owner": "somebody else"}
        publish(case, RECORD)
        retract(case, RECORD)
        assert case.fake.metadata[NAME] == {"owner": "somebody else"}

    @pytest.mark.parametrize("value", ["x" * 600, 'a "quoted" \\ word', '"', ""], ids=len)
    def test_a_value_of_others_is_written_back_to_the_letter(self, case: HttpCase, value: str) -> None:
        case.add_foreign(NAME, value, ttl=1234)
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value, value}

    def test_the_apex_has_a_name_of_its_own(self, case: HttpCase) -> None:
        publish(case, TxtRecord("example.com", "a"))
        assert case.world_sees("example.com") == {"a"}
        assert case.fake.requests[-1].path.endswith("/TXT/%40")

    def test_one_that_others_have_changed_meanwhile_is_left_as_it_is(self, case: HttpCase) -> None:
        publish(case, RECORD)
        provider = case.provider()
        zone = provider.zone_for(NAME)
        old = provider.read(zone, NAME)
        publish(case, TxtRecord(NAME, "b"))
        provider.write(zone, NAME, old, None)
        assert case.world_sees(NAME) == {RECORD.value, "b"}
        assert case.fake.refusals[-1][1] == 412


class TestTokens(ReplacesTokens):
    def test_a_wrong_secret_is_said_in_azures_words_and_not_shown(self, case: HttpCase) -> None:
        case.options["client_secret"] = "wr0ng-s3cret"
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, AuthRejected)
        assert "AADSTS7000215" in str(error)
        assert "AZURE_CLIENT_SECRET" in error.hint
        assert "wr0ng" not in str(error)

    @pytest.mark.parametrize("lacking", ["client_id", "tenant_id"])
    def test_a_secret_without_what_it_belongs_to_is_refused(self, case: HttpCase, lacking: str) -> None:
        del case.options[lacking]
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert f"AZURE_{lacking.upper()}" in str(error)


class TestManagedIdentity:
    @pytest.mark.parametrize("which", [{}, {"client_id": CLIENT}], ids=["the only one", "one of several"])
    def test_a_machine_of_azures_needs_no_secret(self, on_a_machine: HttpCase, which: dict[str, str]) -> None:
        on_a_machine.options.update(which)
        publish(on_a_machine, RECORD)
        assert on_a_machine.world_sees(NAME) == {RECORD.value}
        retract(on_a_machine, RECORD)
        assert on_a_machine.world_sees(NAME) == set()

    def test_one_that_is_not_there_is_said(self, on_a_machine: HttpCase) -> None:
        on_a_machine.options["client_id"] = "unknown"
        error = on_a_machine.error_of(lambda: publish(on_a_machine, RECORD))
        assert isinstance(error, AuthRejected)
        assert "Identity not found" in str(error)

    @pytest.mark.parametrize("status", [404, 410, 429, 500])
    def test_a_service_that_restarts_is_waited_for(self, on_a_machine: HttpCase, status: int) -> None:
        on_a_machine.fake.trouble = Status(status)
        publish(on_a_machine, RECORD)
        assert on_a_machine.pauses
        assert on_a_machine.world_sees(NAME) == {RECORD.value}

    def test_any_other_machine_is_told_what_to_set(self, on_a_machine: HttpCase) -> None:
        on_a_machine.options["metadata"] = "http://127.0.0.1:1"
        error = on_a_machine.error_of(lambda: publish(on_a_machine, RECORD))
        assert isinstance(error, ConfigError)
        assert "AZURE_CLIENT_SECRET" in error.hint
        assert sum(on_a_machine.pauses) <= 10


class TestWorkloadIdentity:
    @pytest.fixture
    def file(self, case: HttpCase, tmp_path: Path) -> Path:
        file = tmp_path / "token"
        file.write_text(Azure.token + "\n")
        del case.options["client_secret"]
        case.options["federated_token_file"] = str(file)
        return file

    def test_the_token_in_the_file_is_as_good_as_a_secret(self, case: HttpCase, file: Path) -> None:
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_a_token_that_is_refused_is_not_shown(self, case: HttpCase, file: Path) -> None:
        file.write_text("another-token")
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, AuthRejected)
        assert "another-token" not in str(error)

    @pytest.mark.parametrize("lacking", ["client_id", "tenant_id"])
    def test_without_whose_it_is_it_is_refused(self, case: HttpCase, file: Path, lacking: str) -> None:
        del case.options[lacking]
        assert isinstance(case.error_of(case.provider), ConfigError)

    def test_a_file_that_is_not_there_is_said(self, case: HttpCase, file: Path) -> None:
        file.unlink()
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, ConfigError)
        assert str(file) in str(error)


@pytest.mark.parametrize(
    "variable",
    [
        "AZURE_USERNAME",
        "AZURE_PASSWORD",
        "AZURE_OIDC_TOKEN",
        "AZURE_AUTH_METHOD",
        "IDENTITY_ENDPOINT",
        "AZURE_PRIVATE_ZONE",
    ],
)
def test_a_variable_of_other_tools_that_means_nothing_here_is_said(
    capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    environ = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "azure", "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION}
    load_settings({**environ, variable: "x"})
    assert f" ! {variable} " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("public", "management.azure.com"),
        ("AzureCloud", "management.azure.com"),
        ("usgovernment", "management.usgovcloudapi.net"),
        ("AzureUSGovernment", "management.usgovcloudapi.net"),
        ("china", "management.chinacloudapi.cn"),
        ("AzureChinaCloud", "management.chinacloudapi.cn"),
    ],
)
def test_a_national_cloud_has_addresses_of_its_own(name: str, host: str) -> None:
    kind: Any = load("azure")
    defaults = {option.key: option.default for option in kind.options if option.default}
    provider = kind({**defaults, "subscription_id": SUBSCRIPTION, "environment": name})
    assert provider.given["base_url"] == f"https://{host}"


def test_a_cloud_that_is_none_is_refused() -> None:
    kind: Any = load("azure")
    with pytest.raises(ConfigError, match="mars"):
        kind({"subscription_id": SUBSCRIPTION, "environment": "mars", "base_url": "https://a.example"})


class TestRefusals(SaysTheNextStep):
    REFUSALS = (
        KnownRefusal(
            "learn.microsoft.com, AADSTS7000222",
            401,
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000222: The provided client secret keys for app '1'"
                " are expired.",
            },
            AuthRejected,
            EXPIRED,
        ),
        KnownRefusal(
            "learn.microsoft.com, AADSTS7000215",
            401,
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided. Ensure the secret being"
                " sent in the request is the client secret value, not the client secret ID",
            },
            AuthRejected,
            "and not its id",
        ),
    )
