"""Google Cloud DNS: the contract, its changes, its tokens, and what it does unlike others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from amounts import TURNS, WRITERS
from api_refusals import API_ACCESS, KnownRefusal, SaysTheNextStep
from contract import publish, retract
from contract_http import AgreesWithLego, Api, HttpCase, Lego, ReplacesTokens, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Hang, Refusal, Status, Zone
from fakes.google import (
    KEY_ID,
    PEM,
    Google,
    key_file,
)
from on_clouds import NAME, RECORD, on_google

from dns01.errors import AuthRejected, Busy, ConfigError, ProviderError, Unreachable, ZoneNotFound
from dns01.hooks.config.load import load_settings as configured
from dns01.providers import load
from dns01.providers.base import TxtRecord
from dns01.secret import redact


@pytest.fixture
def case() -> Iterator[HttpCase]:
    with on_google() as case:
        yield case


@pytest.fixture
def on_a_machine(case: HttpCase) -> HttpCase:
    """Of Google's own: without a key."""
    case.options = {"base_url": case.fake.url, "metadata_host": case.fake.url.split("/")[2]}
    return case


class TestGcloud(ShowsNameServers, WorksOverHttp, AgreesWithLego):
    """Its processes take no turns: they may as well be machines that know nothing of each other."""

    API = Api("gcloud", Google)
    LEGO = Lego("gcloud", GCE_SERVICE_ACCOUNT=key_file(), GCE_POLLING_INTERVAL="0")
    PROCESSES = WRITERS
    ROUNDS = TURNS

    @pytest.fixture
    def case(self, case: HttpCase) -> HttpCase:
        return case


class TestZones:
    def test_private_zones_are_left_aside(self, case: HttpCase) -> None:
        case.fake.zones = {
            "private twin": Zone("example.com", "zone-private", []),
            "private": Zone("internal.example", "zone-internal", []),
            **case.fake.zones,
        }
        assert case.provider().zone_for(NAME).id == case.fake.zones["example.com"].id
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.internal.example")

    def test_of_several_public_zones_with_one_name_none_is_guessed(self, case: HttpCase) -> None:
        case.fake.zones["twin"] = Zone("example.com", "zone-twin", [])
        error = case.error_of(lambda: case.provider().zone_for(NAME))
        assert isinstance(error, ProviderError)
        assert case.fake.zones["example.com"].id in str(error)
        assert "zone-twin" in str(error)
        assert 'id = "…"' in error.hint
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "deep.example.com"


class TestChanges:
    def test_a_deletion_and_an_addition_are_one_change(self, case: HttpCase) -> None:
        case.add_foreign(NAME, "v=some text of others", ttl=1234)
        publish(case, RECORD)
        change = next(request.body for request in case.fake.requests if request.method == "POST")
        rrset = {"name": f"{NAME}.", "type": "TXT", "ttl": 1234}
        others = '"v=some text of others"'
        assert change == {
            "deletions": [{**rrset, "rrdatas": [others]}],
            "additions": [{**rrset, "rrdatas": [others, f'"{RECORD.value}"']}],
        }

    def test_what_others_have_removed_meanwhile_is_no_error(self, case: HttpCase) -> None:
        provider = case.provider()
        zone = provider.zone_for(NAME)
        publish(case, RECORD)
        old = provider.read(zone, NAME)
        retract(case, RECORD)
        provider.write(zone, NAME, old, None)
        assert case.fake.refusals[-1][1] == 404

    def test_they_are_waited_for_until_google_has_sent_them_on(self, case: HttpCase) -> None:
        case.fake.lag = 4
        provider = case.provider()
        zone = provider.zone_for(NAME)
        provider.publish(zone, [RECORD, TxtRecord(f"www.{NAME}", "b")])
        assert case.fake.done == []
        provider.wait_until_in_sync(zone)
        assert case.fake.done == ["1", "2"]
        assert all(1 <= pause < 3 for pause in case.pauses)

    def test_those_that_stay_pending_are_said(self, case: HttpCase) -> None:
        case.fake.lag = FOREVER
        provider = case.provider()
        zone = provider.zone_for(NAME)
        provider.publish(zone, [RECORD])
        error = case.error_of(lambda: provider.wait_until_in_sync(zone))
        assert isinstance(error, Busy)
        assert "example.com is pending" in str(error)
        assert sum(case.pauses) <= case.kind.budget

    def test_a_quota_that_is_used_up_is_no_lack_of_permission(self, case: HttpCase) -> None:
        case.fake.fail(Status(403, message="Rate Limit Exceeded", writing=True))
        publish(case, RECORD)
        assert case.pauses
        assert case.world_sees(NAME) == {RECORD.value}


class TestTokens(ReplacesTokens):
    def test_none_is_shown(self, case: HttpCase) -> None:
        token = case.fake.new_token()["access_token"]
        case.fake.revoke()
        case.fake.fail(Status(400, message=f"{token[:-1]}1 will not do"))
        error = case.error_of(lambda: publish(case, RECORD))
        assert "[secret] will not do" in str(error)
        assert str(error).count("will not do") == 1

    def test_a_clock_that_is_wrong_is_said_in_googles_words(self, case: HttpCase) -> None:
        provider = case.provider()
        provider.clock = lambda clock=provider.clock: clock() + 86400
        error = case.error_of(lambda: provider.zone_for(NAME))
        assert isinstance(error, AuthRejected)
        assert "Token must be a short-lived token" in str(error)

    @pytest.mark.parametrize("fault", [Status(503), Status(500), Hang()], ids=repr)
    def test_an_issuer_that_fails_may_recover(self, case: HttpCase, fault: Status | Hang) -> None:
        case.fake.trouble = fault
        publish(case, RECORD)
        assert case.pauses
        assert case.world_sees(NAME) == {RECORD.value}

    def test_an_issuer_that_is_not_there_is_said_with_its_host(self, case: HttpCase) -> None:
        case.options["service_account"] = key_file("http://127.0.0.2:1/token")
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, Unreachable)
        assert "127.0.0.2" in str(error)


class TestKeys:
    @pytest.mark.parametrize(
        "text",
        ["/etc/dns01/key.json", "{}", '{"type": "authorized_user"}', "[]", key_file().replace("BEGIN", "B")],
        ids=["a path", "empty", "a user's", "a list", "no PEM"],
    )
    def test_what_is_no_key_is_refused(self, case: HttpCase, text: str) -> None:
        case.options["service_account"] = text
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "GCE_SERVICE_ACCOUNT_FILE" in error.hint

    def test_a_file_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "key.json"
        file.write_text(key_file())
        variables = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "gcloud", "GCE_SERVICE_ACCOUNT_FILE": str(file)}
        file.chmod(0o640)
        with pytest.raises(ConfigError) as refusal:
            configured(variables)
        assert refusal.value.hint == f"chmod 600 {file}"
        file.chmod(0o600)
        (account,) = configured(variables).accounts.values()
        assert json.loads(account.options["service_account"])["private_key_id"] == KEY_ID
        load("gcloud")(account.options)

    def test_what_an_error_shows_has_no_line_of_it(self, case: HttpCase) -> None:
        case.fake.token = "another"
        error = case.error_of(lambda: publish(case, RECORD))
        assert "Invalid JWT Signature" in str(error)
        assert not [line for line in PEM.splitlines() if line in str(error) + error.hint]
        assert redact(f"the key {PEM}") == "the key [secret]"

    def test_the_project_may_be_another_one_than_the_keys(self, case: HttpCase) -> None:
        case.options["project"] = "another-project"
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, AuthRejected)
        assert "another-project" in str(error)


class TestMetadata:
    def test_a_machine_of_googles_needs_no_key_and_no_project(self, on_a_machine: HttpCase) -> None:
        publish(on_a_machine, RECORD)
        assert on_a_machine.world_sees(NAME) == {RECORD.value}
        retract(on_a_machine, RECORD)
        assert on_a_machine.world_sees(NAME) == set()

    def test_no_proxy_is_asked_for_it(self, on_a_machine: HttpCase, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        error = on_a_machine.error_of(lambda: publish(on_a_machine, RECORD))
        assert on_a_machine.fake.issued
        assert "the proxy on the way to 127.0.0.1 fails" in str(error)

    def test_any_other_machine_is_told_what_to_set(self, on_a_machine: HttpCase) -> None:
        on_a_machine.options["metadata_host"] = "127.0.0.1:1"
        error = on_a_machine.error_of(lambda: publish(on_a_machine, RECORD))
        assert isinstance(error, ConfigError)
        assert str(error).endswith("; and no credentials are given")
        assert "GCE_SERVICE_ACCOUNT" in error.hint
        assert sum(on_a_machine.pauses) <= 10

    def test_a_machine_that_lacks_a_permission_is_told_which(self, on_a_machine: HttpCase) -> None:
        on_a_machine.fake.fail(Status(403, times=FOREVER))
        error = on_a_machine.error_of(lambda: publish(on_a_machine, RECORD))
        assert isinstance(error, AuthRejected)
        assert "dns.changes.create" in str(error)


class TestFake:
    """It verifies what it is given, or the tests above would say little."""

    @pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
    def test_an_assertion_that_was_tampered_with_is_refused(self, case: HttpCase, part: int) -> None:
        publish(case, RECORD)
        request = case.fake.issued[0]
        start, _, assertion = request.body.partition("assertion=")
        parts = assertion.split(".")
        parts[part] = parts[part][:20] + ("A" if parts[part][20] != "A" else "B") + parts[part][21:]
        assert case.fake.issue(request)["access_token"]
        with pytest.raises(Refusal, match="invalid_grant"):
            case.fake.issue(request._replace(body=f"{start}assertion={'.'.join(parts)}"))


@pytest.mark.parametrize(
    "variable", ["GCE_IMPERSONATE_SERVICE_ACCOUNT", "GCE_ACCESS_TOKEN", "GCE_ALLOW_PRIVATE_ZONE"]
)
def test_a_variable_of_other_tools_that_means_nothing_here_is_said(
    capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    configured({"DNS01_CONFIG": "", "DNS01_PROVIDER": "gcloud", variable: "x"})
    assert f" ! {variable} " in capsys.readouterr().err


def test_the_only_zone_may_be_said_by_its_name_at_google(case: HttpCase) -> None:
    zone = case.provider().zone_for(NAME)
    case.options["zone_id"] = zone.id
    case.fake.requests.clear()
    publish(case, RECORD)
    assert case.world_sees(NAME) == {RECORD.value}
    assert not [request.path for request in case.fake.requests if zone.id not in request.path]


def _body(reason: str, message: str) -> Mapping[str, Any]:
    return {"error": {"code": 403, "message": message, "errors": [{"reason": reason, "message": message}]}}


class TestRefusals(SaysTheNextStep):
    REFUSALS = (
        KnownRefusal(
            "cert-manager/cert-manager: Cloud DNS, accessNotConfigured",
            403,
            _body(
                "accessNotConfigured",
                "Cloud DNS API has not been used in project 1234 before or it is disabled.",
            ),
            AuthRejected,
            API_ACCESS,
        ),
    )
