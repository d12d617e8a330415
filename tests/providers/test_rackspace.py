"""Rackspace Cloud DNS: the contract, its jobs and its tokens, and lego at the same fake."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import ClassVar

import pytest
from contract import ZONES, publish, validation
from contract_http import HttpCase, ShowsNameServers, WorksOverHttp
from fakes import FOREVER, Cut, Status
from fakes.lego import issue
from fakes.rackspace import Rackspace

from dns01.errors import AuthRejected, Busy, ConfigError, ProviderError
from dns01.providers import rackspace
from dns01.providers.base import TxtRecord, Zone
from dns01.secret import redact

NAME = "_acme-challenge.example.com"
RECORD = TxtRecord(NAME, validation("a"), 300)
OTHER = TxtRecord(NAME, validation("b"), 300)


class RackspaceCase(HttpCase):
    fake: Rackspace

    def __init__(self, fake: Rackspace) -> None:
        options = {"user": fake.user, "api_key": fake.token, "base_url": f"{fake.url}/v2.0"}
        super().__init__("rackspace", fake, options)

    def asked(self, method: str) -> int:
        """How often for records, by this method."""
        return len(
            [each for each in self.fake.requests if (each.method, each.path[-8:]) == (method, "/records")]
        )


@pytest.fixture
def case() -> Iterator[RackspaceCase]:
    with Rackspace(ZONES) as fake:
        yield RackspaceCase(fake)


@pytest.fixture
def zone(case: RackspaceCase) -> Zone:
    return Zone("example.com", case.fake.zone("example.com").id)


class TestRackspace(ShowsNameServers, WorksOverHttp):
    PROVIDER = "rackspace"

    @pytest.fixture
    def case(self) -> Iterator[RackspaceCase]:
        with Rackspace(ZONES) as fake:
            yield RackspaceCase(fake)

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        paths = [request.path for request in case.fake.requests]
        assert not [
            path for path in paths if zone.id not in path and "/status/" not in path and "/tokens" not in path
        ]

    def test_what_was_published_without_a_sensible_answer_can_be_retracted(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        assert isinstance(case, RackspaceCase)
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Cut(done=True, writing=True))
        assert "cut off" in str(case.error_of(lambda: case.provider().publish(zone, [record])))
        case.fake.finish()
        assert case.world_sees(record.name) == {record.value}
        case.provider().retract(zone, [record])
        assert case.world_sees(record.name) == set()


class TestJobs:
    def test_a_hundred_records_are_one_job(self, case: RackspaceCase, zone: Zone) -> None:
        records = [TxtRecord(f"{number}.{NAME}", validation("a")) for number in range(100)]
        case.provider().publish(zone, records)
        case.provider().retract(zone, records)
        assert (case.asked("POST"), case.asked("DELETE")) == (1, 1)

    def test_more_are_done_a_hundred_at_a_time(self, case: RackspaceCase, zone: Zone) -> None:
        records = [TxtRecord(f"{number}.{NAME}", validation("a")) for number in range(101)]
        case.provider().publish(zone, records)
        assert len(case.fake.zone("example.com").records) == 101
        case.provider().retract(zone, records)
        assert case.fake.zone("example.com").records == []

    def test_publishing_returns_when_the_job_is_completed(self, case: RackspaceCase, zone: Zone) -> None:
        case.fake.polls = 5
        case.provider().publish(zone, [RECORD])
        assert case.world_sees(NAME) == {RECORD.value}
        assert case.pauses == [rackspace.JOB_POLL] * 5

    def test_a_job_that_fails_is_an_error_in_its_own_words(self, case: RackspaceCase, zone: Zone) -> None:
        case.fake.job_fails = [(500, "The back-end is on fire.")]
        with pytest.raises(ProviderError, match=r"The back-end is on fire\."):
            case.provider().publish(zone, [RECORD])
        assert case.asked("POST") == 1

    def test_a_job_that_never_ends_is_given_up(self, case: RackspaceCase, zone: Zone) -> None:
        case.fake.polls = FOREVER
        with pytest.raises(Busy, match="still RUNNING"):
            case.provider().publish(zone, [RECORD])
        assert sum(case.pauses) == rackspace.JOB_TIMEOUT

    def test_a_rival_who_was_faster_leaves_only_the_rest_to_do(self, case: RackspaceCase, zone: Zone) -> None:
        class Rival(rackspace.Provider):
            def sleep(self, seconds: float) -> None:  # type: ignore[override]
                if RECORD.value not in case.world_sees(NAME):
                    case.add_foreign(NAME, RECORD.value, 300)

        Rival(case.options).publish(zone, [RECORD, OTHER])
        assert case.world_sees(NAME) == {RECORD.value, OTHER.value}
        assert case.asked("POST") == 2

    def test_a_record_that_goes_while_it_is_being_retracted_is_gone(
        self, case: RackspaceCase, zone: Zone
    ) -> None:
        class Rival(rackspace.Provider):
            def sleep(self, seconds: float) -> None:  # type: ignore[override]
                records = case.fake.zone("example.com").records
                records[:] = [record for record in records if record.value != RECORD.value]

        publish(case, RECORD, OTHER)
        Rival(case.options).retract(zone, [RECORD, OTHER])
        assert case.world_sees(NAME) == set()

    def test_a_record_joins_its_rrset_with_the_ttl_of_that(self, case: RackspaceCase) -> None:
        case.add_foreign(NAME, "somebody else's", 1234)
        publish(case, RECORD)
        assert case.ttl_of(NAME, RECORD.value) == 1234

    @pytest.mark.parametrize("after", ["header", "body"])
    def test_over_the_limit_it_comes_back_at_the_time_it_is_told(
        self, case: RackspaceCase, zone: Zone, after: str
    ) -> None:
        until = time.time() + 30
        headers = {"Retry-After": formatdate(until, usegmt=True)} if after == "header" else {}
        case.fake.retry_after = until
        case.fake.fail(Status(413, headers))
        case.provider().publish(zone, [RECORD])
        assert 25 < case.pauses[0] < 31

    @pytest.mark.parametrize("ago", [0.001, 1, 3600, 10**9])
    def test_a_time_in_the_past_is_no_leave_to_ask_without_end(
        self, case: RackspaceCase, zone: Zone, ago: float
    ) -> None:
        case.fake.retry_after = time.time() - ago
        case.fake.fail(Status(413, times=FOREVER))
        assert isinstance(case.error_of(lambda: case.provider().publish(zone, [RECORD])), Busy)
        assert 3 < len(case.pauses) < 20


class TestTokens:
    def test_one_login_does_for_many_requests(self, case: RackspaceCase, zone: Zone) -> None:
        provider = case.provider()
        provider.publish(zone, [RECORD])
        provider.retract(zone, [RECORD])
        assert case.fake.logins == 1

    def test_a_token_that_has_expired_is_replaced(self, case: RackspaceCase, zone: Zone) -> None:
        provider = case.provider()
        provider.publish(zone, [RECORD])
        case.fake.expire()
        provider.retract(zone, [RECORD])
        assert case.world_sees(NAME) == set()
        assert case.fake.logins == 2

    def test_a_wrong_key_is_said_with_the_user(self, case: RackspaceCase) -> None:
        case.options["api_key"] = "wrong"
        with pytest.raises(AuthRejected, match="jdoe"):
            publish(case, RECORD)

    def test_an_account_without_cloud_dns_is_said(self, case: RackspaceCase) -> None:
        case.fake.services = ["cloudServers"]
        with pytest.raises(AuthRejected, match="no Cloud DNS"):
            publish(case, RECORD)

    def test_a_token_is_a_secret(self, case: RackspaceCase) -> None:
        publish(case, RECORD)
        assert redact("AAD-token-1-0123456789") == "[secret]"

    @pytest.mark.parametrize("url", ["identity.example", "ftp://identity.example", "https://"])
    def test_an_identity_url_that_is_none_is_refused(self, case: RackspaceCase, url: str) -> None:
        case.options["base_url"] = url
        with pytest.raises(ConfigError, match="RACKSPACE_IDENTITY_URL"):
            case.provider()

    @pytest.mark.parametrize("end", ["", "/", "/tokens"])
    def test_the_identity_url_may_be_written_as_lego_and_pyrax_do(
        self, case: RackspaceCase, end: str
    ) -> None:
        case.options["base_url"] += end
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}


class TestCredentialsFile:
    @pytest.fixture
    def file(self, tmp_path: Path, case: RackspaceCase) -> Path:
        path = tmp_path / "pyrax"
        path.touch(0o600)
        path.write_text(f"[rackspace_cloud]\nusername = {case.fake.user}\napi_key = {case.fake.token}\n")
        case.options = {"credentials": str(path), "base_url": case.options["base_url"]}
        return path

    def test_a_file_of_pyrax_does(self, case: RackspaceCase, file: Path) -> None:
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}
        assert redact(case.fake.token) == "[secret]"

    def test_one_that_others_can_read_is_refused(self, case: RackspaceCase, file: Path) -> None:
        file.chmod(0o640)
        with pytest.raises(ConfigError) as refusal:
            case.provider()
        assert refusal.value.hint == f"chmod 600 {file}"

    @pytest.mark.parametrize(
        "content", ["no INI", "[keystone]\nusername = jdoe\n", "[rackspace_cloud]\nusername = jdoe\n"]
    )
    def test_any_other_file_is_refused_without_being_quoted(
        self, case: RackspaceCase, file: Path, content: str
    ) -> None:
        file.write_text(content)
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert content not in str(error)

    def test_a_percent_sign_in_a_key_is_a_character_like_any_other(
        self, case: RackspaceCase, file: Path
    ) -> None:
        case.fake.token = "100%(sure)s"
        file.write_text(f"[rackspace_cloud]\nusername = jdoe\napi_key = {case.fake.token}\n")
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_file_and_key_together_are_refused(self, case: RackspaceCase, file: Path) -> None:
        case.options["api_key"] = case.fake.token
        assert "PYRAX_CREDS" in str(case.error_of(case.provider))

    @pytest.mark.parametrize(("given", "lacking"), [("user", "API_KEY"), ("api_key", "USER")])
    def test_half_of_what_is_needed_is_refused(self, case: RackspaceCase, given: str, lacking: str) -> None:
        case.options = {given: "something", "base_url": case.options["base_url"]}
        with pytest.raises(ConfigError, match=f"RACKSPACE_{lacking} is not set"):
            case.provider()


class TestLego:
    """lego asks about no job, and cannot remove one of two values."""

    ENVIRONMENT: ClassVar = {"RACKSPACE_USER": Rackspace.user, "RACKSPACE_API_KEY": Rackspace.token}

    def test_it_gets_a_certificate(self, tmp_path: Path) -> None:
        done = issue(AtOnce, "rackspace", self.ENVIRONMENT, ["example.com"], tmp_path)
        assert (done.refused, done.most, done.left) == ([], {NAME: 1}, set())

    def test_it_gets_one_for_an_apex_and_its_wildcard(self, tmp_path: Path) -> None:
        done = issue(AtOnce, "rackspace", self.ENVIRONMENT, ["example.com", "*.example.com"], tmp_path)
        assert (done.refused, done.most) == ([], {NAME: 2})


class AtOnce(Rackspace):
    """For a client that does not ask about its jobs."""

    polls = 0
