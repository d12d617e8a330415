"""Hetzner: the contract, and the actions.

Debian's lego has no opinion: it speaks the API of the DNS console, which is shut down. dns-lexicon does.
"""

from __future__ import annotations

import pytest
from api_refusals import COPY, LOCK, QUOTA, KnownRefusal, SaysTheNextStep
from contract import publish, retract, validation
from contract_http import AgreesWithLexicon, Api, HttpCase, OverHttp, ShowsNameServers, WorksOverHttp
from fakes import Status
from fakes.hetzner import Hetzner

from dns01.errors import AuthRejected, ProviderError, Transient, ZoneNotFound
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused


class TestHetzner(ShowsNameServers, WorksOverHttp, AgreesWithLexicon):
    API = Api("hetzner", Hetzner, token=Hetzner.token)
    LEXICON = "hetzner", {"LEXICON_HETZNER_TOKEN": Hetzner.token}

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        paths = [request.path.split("/") for request in case.fake.requests]
        assert not [path for path in paths if zone.id not in path and "actions" not in path]

    def test_an_action_is_followed_to_its_end(self, case: HttpCase, record: TxtRecord) -> None:
        for verb in (publish, retract):
            verb(case, record)
            assert set(case.fake.running.values()) == {0}  # type: ignore[attr-defined]
            assert len(case.pauses) > 1
            assert all(1 <= pause <= 2 for pause in case.pauses)
            case.pauses.clear()

    def test_an_action_that_fails_is_an_error_in_its_own_words(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.failing = True  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, ProviderError)
        assert not isinstance(error, Transient)
        assert "The action's own words." in str(error)
        assert "example.com" in str(error)

    def test_an_action_that_never_ends_is_given_up_within_the_budget(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        case.fake.asked_until_done = 10**6  # type: ignore[attr-defined]
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, Transient)
        assert 50 < sum(case.pauses) <= case.kind.budget

    def test_the_actions_of_a_hundred_names_run_at_the_same_time(self, case: HttpCase, name: str) -> None:
        records = [TxtRecord(f"{number}.{name}", validation(f"{number}")) for number in range(100)]
        publish(case, *records)
        assert case.fake.most_running == 100  # type: ignore[attr-defined]
        assert sum(case.pauses) < 10

    def test_a_zone_that_is_copied_from_elsewhere_is_not_taken(self, case: HttpCase) -> None:
        case.fake.secondary = {"deep.example.com"}  # type: ignore[attr-defined]
        assert case.provider().zone_for("_acme-challenge.deep.example.com").apex == "example.com"
        case.fake.secondary = set(case.fake.zones)  # type: ignore[attr-defined]
        with pytest.raises(ZoneNotFound):
            case.provider().zone_for("_acme-challenge.example.com")

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (409, "conflict"),
            (423, "locked"),
            (422, "duplicate value '\"a\"'"),
            (422, "x/TXT has differing record TTLs"),
        ],
    )
    def test_what_has_changed_since_the_reading_is_read_again(
        self, case: HttpCase, record: TxtRecord, status: int, words: str
    ) -> None:
        case.fake.fail(Status(status, writing=True, message=words))
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_a_value_that_is_gone_in_between_is_retracted(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        case.fake.fail(Status(404, writing=True))
        retract(case, record)


class TestRefusals(OverHttp, SaysTheNextStep):
    API = TestHetzner.API
    REFUSALS = (
        KnownRefusal(
            "docs.hetzner.cloud, incorrect_zone_mode",
            422,
            {"error": {"code": "incorrect_zone_mode", "message": "zone is in secondary mode"}},
            Refused,
            COPY,
        ),
        KnownRefusal(
            "go-acme/lego: hetznerv1 fixtures; docs.hetzner.cloud, token_readonly",
            403,
            {
                "error": {
                    "code": "token_readonly",
                    "message": "the token is only allowed to perform GET requests",
                }
            },
            AuthRejected,
            "that may write",
        ),
        KnownRefusal(
            "docs.hetzner.cloud, unauthorized",
            401,
            {"error": {"code": "unauthorized", "message": "unable to authenticate"}},
            AuthRejected,
            "dns.hetzner.com",
        ),
        KnownRefusal(
            "docs.hetzner.cloud, protected",
            423,
            {"error": {"code": "protected", "message": "zone is protected"}},
            Refused,
            LOCK,
        ),
        KnownRefusal(
            "go-acme/lego: hetznerv1 fixtures, resource_limit_exceeded",
            403,
            {
                "error": {
                    "code": "resource_limit_exceeded",
                    "message": "project limit exceeded",
                    "details": {"limits": [{"name": "project_limit"}]},
                }
            },
            Refused,
            QUOTA,
        ),
    )
