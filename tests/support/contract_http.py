"""What every provider with an HTTP API promises besides: all of it is told in a few lines::

    class TestExample(WorksOverHttp, AgreesWithLego):
        API = Api("example", Example, token=Example.token)
        LEGO = Lego("example", EXAMPLE_TOKEN=Example.token)

The faults are those of ``fakes.faults``; no time is slept through but the time-outs, which are short.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from copy import deepcopy
from functools import partial, reduce
from itertools import product
from operator import getitem
from pathlib import Path
from typing import Any, ClassVar

import pytest
from contract import ZONES, FindsZones, KeepsRecordsBetweenProcesses, publish, retract, validation
from fakes import (
    FOREVER,
    IDN,
    NAME_SERVERS,
    Altered,
    Bomb,
    Cut,
    Drip,
    Encoded,
    Fake,
    Fault,
    Hang,
    Json,
    Reset,
    Shape,
    Status,
    Text,
)
from fakes.lego import issue
from fakes.lexicon import driving

from dns01.errors import AuthRejected, Busy, HookError, ProviderError, Transient, Unreachable, ZoneNotFound
from dns01.providers import load
from dns01.providers.base import Provider, ShowsApex, TxtRecord, zones_at_once
from dns01.providers.rrsets import LOOK_AGAIN, RRset
from dns01.threads import side_by_side

MANY = [f"z{number:04}.example.net" for number in range(1204 - len(ZONES))]  # more than any page has
PASSING: Sequence[Fault] = [
    Status(429),
    Status(500),
    Status(503),
    Status(500, done=True),
    Status(502, done=True),
    Hang(),
    Hang(done=True),
    Reset(done=True),
    Drip(),
    Drip(headers=True, done=True),
]
UNREADABLE: Mapping[str, tuple[Fault, str]] = {
    "a bomb": (Bomb(), "larger than"),
    "no end": (Bomb(compressed=False), "larger than"),
    "another encoding": (Encoded(), "not asked for"),
    "no gzip": (Encoded("gzip"), "not compressed as it says"),
}
PAST, ABSURD = "Wed, 21 Oct 2015 07:28:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT"
ODD_PAUSES = ["0", "-5", "²", "soon", "0.001", PAST, ABSURD]

ODD_VALUES = ["v=DKIM1;  k=rsa; p=" + "Ab" * 200, 'a "quoted" back\\slash']
OTHER_JSON: Sequence[Any] = [  # what an API promises is none of these; the last is too deep to be read
    None,
    "text",
    5,
    [],
    {},
    [None],
    {"error": [{"message": 5}], "message": {"a": "b"}},
    b"[" * 100_000 + b"]" * 100_000,
]
LEFT_OUT = object()
OTHER_FIELDS: Sequence[Any] = [LEFT_OUT, None, 5, True, "no name", "", {}, {"a": "b"}, [], [None], [[]]]


class Api:
    """A provider, its fake, and the options that let it in there."""

    def __init__(self, provider: str, fake: type[Fake], **options: str) -> None:
        self.provider, self.fake, self.options = provider, fake, options


class Lego:
    """What lego calls the provider, and the variables that it wants."""

    def __init__(self, provider: str, **environment: str) -> None:
        self.provider, self.environment = provider, environment


class HttpCase:
    """A provider of a fake, whose pauses are taken down rather than slept through."""

    outside = "deep.example.com, example.co.uk, example.com"

    def __init__(self, name: str, fake: Fake, options: Mapping[str, str]) -> None:
        self.name, self.fake = name, fake
        self.kind: Any = load(name)
        defaults = {option.key: option.default for option in self.kind.options if option.default}
        self.options = {**defaults, "base_url": fake.url, **options}
        self.pauses: list[float] = []

    def provider(self) -> Provider:
        provider = self.kind(self.options)
        provider.timeout, provider.sleep, provider.largest = self.fake.patience, self.pauses.append, 4 << 20
        return provider  # type: ignore[no-any-return]

    def world_sees(self, name: str) -> set[str]:
        return self.fake.values(name)

    def ttl_of(self, name: str, value: str) -> int:
        return next(record.ttl for record in self.fake.texts(name) if record.value == value)

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        self.fake.add_foreign(name, value, ttl)

    def error_of(self, action: Callable[[], object]) -> HookError:
        """What the action raises: one line and a hint, and nowhere in it a secret."""
        with pytest.raises(HookError) as caught:
            action()
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
        assert self.fake.token not in told
        assert "\n" not in str(caught.value)
        assert caught.value.hint
        return caught.value


def nonsense_in(format: str) -> Mapping[type[Fault], str]:
    """By the fault, what is said of an answer that makes no sense."""
    return {Cut: f"{format} that is cut off", Text: f"no {format}", Shape: "not what its API promises"}


class OverHttp:
    """The case of a test: the provider, and its fake with ``ZONES``."""

    API: ClassVar[Api]

    @pytest.fixture
    def case(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with self.API.fake(ZONES) as fake:
            yield HttpCase(self.API.provider, fake, self.API.options)


class WithstandsFaults(OverHttp):
    """For all providers, even those whose API cannot be read."""

    NONSENSE: ClassVar[Mapping[type[Fault], str]] = nonsense_in("JSON")

    @pytest.fixture
    def record(self, name: str) -> TxtRecord:
        return TxtRecord(name, validation("a"))

    def test_it_says_what_a_user_has_to_know(self, case: HttpCase) -> None:
        assert case.kind.title
        assert case.kind.permission
        assert case.kind.docs.startswith("https://")
        addresses = [option.default for option in case.kind.options if option.key == "base_url"]
        assert all(address.startswith("https://") for address in addresses if address)

    @pytest.mark.parametrize("status", [401, 403])
    def test_credentials_that_do_not_do_are_said_with_what_they_lack(
        self, case: HttpCase, record: TxtRecord, status: int
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(status, writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, AuthRejected)
        for told in (case.name, zone.apex, case.kind.permission, str(status)):
            assert told in str(error)
        assert not case.pauses
        assert case.world_sees(record.name) == set()

    def test_a_wrong_token_is_said_with_its_variable(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.token = "another-token"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, AuthRejected)
        assert "_" in error.hint
        assert not case.pauses

    def test_what_the_api_has_against_a_request_is_said_in_its_own_words(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(case.fake.invalid, writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert "The API's own words." in str(error)
        assert not isinstance(error, Transient)
        assert case.world_sees(record.name) == set()

    @pytest.mark.parametrize("fault", PASSING, ids=repr)
    def test_what_may_pass_leaves_the_record_there_once_and_then_gone(
        self, case: HttpCase, record: TxtRecord, fault: Fault
    ) -> None:
        passes(case, record, _again(fault, writing=True))

    def test_31_an_api_that_wants_a_pause_gets_it(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(429, {"Retry-After": "7"}, writing=True))
        publish(case, record)
        assert 7 <= case.pauses[0] < 10
        assert case.world_sees(record.name) == {record.value}

    @pytest.mark.parametrize("pause", ODD_PAUSES)
    def test_an_api_that_wants_next_to_no_pause_is_not_asked_without_end(
        self, case: HttpCase, record: TxtRecord, pause: str
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Status(429, {"Retry-After": pause}, writing=True, times=FOREVER))
        assert isinstance(case.error_of(lambda: case.provider().publish(zone, [record])), Busy)
        assert 3 < len(case.pauses) < 20
        assert sum(case.pauses) <= case.kind.budget

    @pytest.mark.parametrize("kind", UNREADABLE)
    def test_an_answer_that_nobody_can_want_is_given_up(
        self, case: HttpCase, record: TxtRecord, kind: str
    ) -> None:
        fault, reason = UNREADABLE[kind]
        zone = case.provider().zone_for(record.name)
        case.fake.fail(_again(fault, writing=True))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, ProviderError)
        assert reason in str(error)
        assert not case.pauses

    def test_a_pause_beyond_the_budget_is_left_to_the_caller(self, case: HttpCase, record: TxtRecord) -> None:
        case.fake.fail(Status(429, {"Retry-After": "3600"}, writing=True))
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, Busy)
        assert error.retry_after == 3600
        assert not case.pauses
        assert case.world_sees(record.name) == set()

    def test_an_absurd_pause_is_left_to_the_caller_as_a_day(self, case: HttpCase, record: TxtRecord) -> None:
        for pause in ("99999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
            case.fake.fail(Status(429, {"Retry-After": pause}, writing=True))
            error = case.error_of(lambda: publish(case, record))
            assert isinstance(error, Busy)
            assert error.retry_after == 86_400
            assert not case.pauses

    def test_an_error_is_what_its_status_says_whatever_its_json_is(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        for body in OTHER_JSON:
            passes(case, record, Json(body, 503, writing=True))
            case.fake.fail(Json(body, 401, writing=True, times=FOREVER))
            assert isinstance(case.error_of(lambda: publish(case, record)), AuthRejected)
            case.fake.recover()

    @pytest.mark.parametrize("fault", [Status(500), Reset(), Status(429)], ids=repr)
    def test_what_does_not_pass_is_given_up_within_the_budget(
        self, case: HttpCase, record: TxtRecord, fault: Fault
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(_again(fault, writing=True, times=FOREVER))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, Busy if fault == Status(429) else Unreachable)
        assert 3 < len(case.pauses) < 1000
        assert sum(case.pauses) <= case.kind.budget
        assert case.world_sees(record.name) == set()
        case.fake.recover()
        publish(case, record)
        assert case.world_sees(record.name) == {record.value}

    def test_what_was_published_without_a_sensible_answer_can_be_retracted(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(Cut(done=True, writing=True))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert self.NONSENSE[Cut] in str(error)
        assert case.world_sees(record.name) == {record.value}
        case.provider().retract(zone, [record])
        assert case.world_sees(record.name) == set()

    def test_an_api_that_is_not_there_is_said_with_its_host(self, case: HttpCase, record: TxtRecord) -> None:
        case.options["base_url"] = "http://127.0.0.1:1"
        error = case.error_of(lambda: publish(case, record))
        assert isinstance(error, Unreachable)
        assert "127.0.0.1: Connection refused" in str(error)


class ChangesZonesAtOnce:
    """For all providers: one object changes several zones, as many at a time as it says."""

    def test_zones_at_a_time_each_get_their_own_and_no_other_s(self, case: HttpCase) -> None:
        provider = case.provider()
        records = [TxtRecord(f"_acme-challenge.{apex}", validation(apex)) for apex in ZONES]

        at_once(provider, [partial(_publish, provider, record) for record in records])
        seen = [case.world_sees(record.name) for record in records]
        at_once(provider, [partial(_retract, provider, record) for record in records])

        assert seen == [{record.value} for record in records]
        assert [case.world_sees(record.name) for record in records] == [set() for _ in records]

    def test_of_zones_at_a_time_one_that_fails_is_named_and_costs_the_others_nothing(
        self, case: HttpCase
    ) -> None:
        provider = case.provider()
        lost, *kept = [TxtRecord(f"_acme-challenge.{apex}", validation(apex)) for apex in ZONES]
        zones = {record: provider.zone_for(record.name) for record in (lost, *kept)}
        del case.fake.zones[zones[lost].apex]
        errors: dict[TxtRecord, HookError] = {}

        def change(record: TxtRecord) -> None:
            try:
                provider.publish(zones[record], [record])
            except HookError as error:
                errors[record] = error

        at_once(provider, [partial(change, record) for record in (lost, *kept)])

        assert list(errors) == [lost]
        assert zones[lost].apex in str(errors[lost])
        assert [case.world_sees(record.name) for record in kept] == [{record.value} for record in kept]


def at_once(provider: Provider, works: Sequence[Callable[[], None]]) -> None:
    """As the hook does it: threads, that begin together."""
    most = min(zones_at_once(provider), len(works))
    begin = threading.Barrier(most)

    def begun(work: Callable[[], None]) -> None:
        with suppress(threading.BrokenBarrierError):  # what is left over begins alone
            begin.wait(0.2)
        work()

    side_by_side([partial(begun, work) for work in works], most)


def _publish(provider: Provider, record: TxtRecord) -> None:
    provider.publish(provider.zone_for(record.name), [record])


def _retract(provider: Provider, record: TxtRecord) -> None:
    provider.retract(provider.zone_for(record.name), [record])


class WorksOverHttp(WithstandsFaults, FindsZones, KeepsRecordsBetweenProcesses, ChangesZonesAtOnce):
    """The whole contract, and the faults besides."""

    PROCESSES = 2
    ROUNDS = 5
    ONE_PAGE: ClassVar[bool] = False  # lists have no pages
    EMPTY: ClassVar[Sequence[Any]] = ()  # of OTHER_JSON, what the API means by "there are no records"

    @pytest.fixture
    def crowded(self, case: HttpCase) -> HttpCase:
        """An account of 1,204 zones."""
        case.fake.add_zones(MANY)
        return case

    @pytest.fixture
    def least_ttl(self, case: HttpCase) -> int:
        least: int = case.kind.least_ttl
        return least

    def test_a_zone_on_the_last_page_is_found(self, crowded: HttpCase) -> None:
        assert crowded.provider().zone_for(f"_acme-challenge.{MANY[-1]}").apex == MANY[-1]

    def test_the_zone_alone_is_asked_about_where_it_is_known(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.requests.clear()
        case.provider().publish(zone, [record])
        assert case.world_sees(record.name) == {record.value}
        paths = [request.path.split("/") for request in case.fake.requests]
        assert not [path for path in paths if {zone.id or zone.apex, zone.apex}.isdisjoint(path)]

    def test_records_on_the_last_page_are_found(self, case: HttpCase, record: TxtRecord) -> None:
        others = {f"somebody else's {number}" for number in range(231)}
        for other in others:
            case.add_foreign(record.name, other, ttl=1234)
        publish(case, record)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value, *others}
        retract(case, record)
        assert case.world_sees(record.name) == others

    def test_a_page_that_comes_again_is_an_error_and_no_loop(self, crowded: HttpCase) -> None:
        crowded.fake.repeats = True
        error = crowded.error_of(lambda: crowded.provider().zone_for("_acme-challenge.example.org"))
        assert isinstance(error, ProviderError)
        assert isinstance(error, ZoneNotFound) == self.ONE_PAGE
        assert self.ONE_PAGE or "page" in str(error)

    def test_the_apex_may_have_values_as_well(self, case: HttpCase) -> None:
        case.add_foreign("example.com", "v=spf1 -all", ttl=3600)
        record = TxtRecord("example.com", validation("a"))
        publish(case, record)
        assert case.world_sees("example.com") == {record.value, "v=spf1 -all"}
        retract(case, record)
        assert case.world_sees("example.com") == {"v=spf1 -all"}

    def test_a_zone_that_is_gone_is_an_error(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        del case.fake.zones[zone.apex]
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, ProviderError)
        assert zone.apex in str(error)
        assert str(case.fake.gone) in str(error)

    def test_that_a_zone_is_gone_is_no_sign_that_its_records_are(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        """It may be another account's, or another project's: the credentials are others now."""
        zone = case.provider().zone_for(record.name)
        publish(case, record)
        there = case.fake.zones.pop(zone.apex)
        case.error_of(lambda: case.provider().retract(zone, [record]))
        case.fake.zones[zone.apex] = there
        case.provider().retract(zone, [record])
        assert case.world_sees(record.name) == set()

    @pytest.mark.parametrize("fault", PASSING, ids=repr)
    def test_what_may_pass_while_reading_leaves_the_record_there_once_and_then_gone(
        self, case: HttpCase, record: TxtRecord, fault: Fault
    ) -> None:
        passes(case, record, _again(fault, writing=False))

    @pytest.mark.parametrize("fault", [Cut(done=True), Text(), Shape()], ids=repr)
    def test_an_answer_that_makes_no_sense_is_said(
        self, case: HttpCase, record: TxtRecord, fault: Fault
    ) -> None:
        zone = case.provider().zone_for(record.name)
        case.fake.fail(_again(fault, writing=False))
        error = case.error_of(lambda: case.provider().publish(zone, [record]))
        assert isinstance(error, ProviderError)
        assert self.NONSENSE[type(fault)] in str(error)
        assert case.world_sees(record.name) == set()

    @pytest.mark.parametrize("foreign", ODD_VALUES, ids=["long", "quotes and backslashes"])
    def test_a_foreign_value_stays_letter_by_letter(
        self, case: HttpCase, record: TxtRecord, foreign: str
    ) -> None:
        case.add_foreign(record.name, foreign, ttl=3600)
        publish(case, record)
        assert case.world_sees(record.name) == {record.value, foreign}
        retract(case, record)
        assert case.world_sees(record.name) == {foreign}

    def test_json_of_another_shape_is_no_reason_to_write(self, case: HttpCase, record: TxtRecord) -> None:
        zone = case.provider().zone_for(record.name)
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        provider = case.provider()
        for body in OTHER_JSON:
            if body in self.EMPTY:
                continue
            case.fake.fail(Json(body, writing=False, times=FOREVER))
            for verb in (provider.publish, provider.retract):
                error = case.error_of(partial(verb, zone, [record]))
                assert isinstance(error, ProviderError), f"{verb} {body!r:.20}"
                assert case.world_sees(record.name) == {"somebody else's"}
            case.fake.recover()

    def test_a_zone_and_its_names_may_be_shown_in_u_labels(self, case: HttpCase) -> None:
        case.fake.add_zones([IDN])
        case.fake.u_labels = True
        for name in (f"_acme-challenge.{IDN}", IDN):
            record = TxtRecord(name, validation("a"))
            case.add_foreign(name, "somebody else's", ttl=3600)
            assert case.provider().zone_for(name).apex == IDN
            for verb, values in ((publish, {record.value}), (publish, {record.value}), (retract, set())):
                verb(case, record)
                assert case.world_sees(name) == {"somebody else's", *values}

    def test_what_is_shown_late_is_published_once_and_can_be_taken_back_at_once(
        self, case: HttpCase, record: TxtRecord
    ) -> None:
        other = record._replace(value=validation("b"))
        case.fake.late = 3
        provider = case.provider()
        zone = provider.zone_for(record.name)
        for each in (record, other, record):
            provider.publish(zone, [each])
        assert case.world_sees(record.name) == {record.value, other.value}
        provider.retract(zone, [record, other])
        assert case.world_sees(record.name) == set()


class ShowsNameServers:
    """The API tells which name servers its copy of a zone is for. ``FIXED``: those of every zone of its."""

    FIXED: ClassVar[Collection[str]] = ()

    def test_the_name_servers_of_a_zone_are_shown(self, case: HttpCase) -> None:
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        shown = set(provider.apex_of(provider.zone_for("example.com")).name_servers)
        assert shown == {*NAME_SERVERS, *self.FIXED}

    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            (["NS1.Hoster.Example", "ns1.hoster.example"], {"ns1.hoster.example"}),
            (
                ["ns1.bücher.example", "NS2.BÜCHER.example"],
                {"ns1.xn--bcher-kva.example", "ns2.xn--bcher-kva.example"},
            ),
            (["ns1.example.com", "ns2.example.com"], {"ns1.example.com", "ns2.example.com"}),
        ],
        ids=["upper case", "U-labels", "within the zone"],
    )
    def test_they_are_shown_as_the_dns_has_them(
        self, case: HttpCase, told: Sequence[str], shown: Set[str]
    ) -> None:
        case.fake.name_servers = told
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        assert set(provider.apex_of(provider.zone_for("example.com")).name_servers) == {*shown, *self.FIXED}

    def test_there_may_be_none(self, case: HttpCase) -> None:
        case.fake.name_servers = []
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        zone = provider.zone_for("example.com")
        with suppress(ProviderError):
            assert set(provider.apex_of(zone).name_servers) == {*self.FIXED}

    def test_what_stands_in_their_place_is_no_name_server(self, case: HttpCase) -> None:
        """Each field on the way to them is left out, null, or of another kind, one after the other."""
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        zone, paths = provider.zone_for("example.com"), set[tuple[Any, ...]]()

        def look(body: Any) -> Any:
            paths.update(paths_to(NAME_SERVERS[0], body))
            return body

        case.fake.fail(Altered(look, times=FOREVER))
        provider.apex_of(zone)
        case.fake.recover()
        assert paths
        for path, value in product(paths, OTHER_FIELDS):
            case.fake.fail(Altered(partial(with_field, path, value), times=FOREVER))
            with suppress(ProviderError):
                shown = set(provider.apex_of(zone).name_servers)
                assert shown <= {*NAME_SERVERS, *self.FIXED}, f"{path} {value!r}"
            case.fake.recover()

    @pytest.mark.parametrize(
        "fault", [Shape(), Text(), Status(404, times=FOREVER), Status(403, times=FOREVER)], ids=repr
    )
    def test_where_they_are_not_to_be_had_that_is_an_error_in_words_or_there_are_none(
        self, case: HttpCase, fault: Fault
    ) -> None:
        provider = case.provider()
        assert isinstance(provider, ShowsApex)
        zone = provider.zone_for("example.com")
        case.fake.fail(fault)
        with suppress(ProviderError):
            assert provider.apex_of(zone).name_servers == ()


def paths_to(text: str, body: Any) -> Iterator[tuple[Any, ...]]:
    """The keys and places in the JSON that lead to what holds the text, and to all that holds that."""
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        if text in repr(value):
            yield (key,)
            yield from ((key, *path) for path in paths_to(text, value))


def with_field(path: Sequence[Any], value: Any, body: Any) -> Any:
    """The JSON with another value there, or with nothing there at all; one without the place is as it was."""
    changed = deepcopy(body)
    with suppress(LookupError, TypeError):
        place = reduce(getitem, path[:-1], changed)
        if value is LEFT_OUT:
            del place[path[-1]]
        elif path[-1] in (place if isinstance(place, dict) else range(len(place))):
            place[path[-1]] = value
    return changed


class AgreesWithLego:
    """Another client, written by others, does with the fake what it does with the API."""

    API: ClassVar[Api]
    LEGO: ClassVar[Lego]
    AT_ONCE: ClassVar[int] = 2  # values at the name; 1 where lego takes one domain after the other

    def test_lego_gets_a_certificate_for_an_apex_and_its_wildcard(self, tmp_path: Path) -> None:
        domains = ["example.com", "*.example.com"]
        done = issue(self.API.fake, self.LEGO.provider, self.LEGO.environment, domains, tmp_path)
        assert done.refused == []
        assert done.most == {"_acme-challenge.example.com": self.AT_ONCE}
        assert done.left == set()


class AgreesWithLexicon:
    """The same, for APIs that Debian's lego is built without. ``LEXICON``: the provider as dns-lexicon
    calls it, and its variables."""

    API: ClassVar[Api]
    LEXICON: ClassVar[tuple[str, Mapping[str, str]]]

    def test_lexicon_adds_two_values_beside_a_foreign_one_and_takes_each_back(self, tmp_path: Path) -> None:
        name, foreign = "_acme-challenge.example.com", "somebody else's"
        one, two = validation("a"), validation("b")
        with driving(self.API.fake, *self.LEXICON, ["example.com"], tmp_path) as lexicon:
            lexicon.api.add_foreign(name, foreign, 3600)
            lexicon("create", "example.com", name, one)
            lexicon("create", "example.com", name, two)
            assert lexicon.api.values(name) == {foreign, one, two}
            lexicon("delete", "example.com", name, one)
            assert lexicon.api.values(name) == {foreign, two}
            lexicon("delete", "example.com", name, two)
            assert lexicon.api.values(name) == {foreign}
            assert lexicon.refused == []


def passes(case: HttpCase, record: TxtRecord, fault: Fault) -> None:
    """The fault befalls the publishing, and then the retracting; nothing comes of it but a pause."""
    for verb, values in ((publish, {record.value}), (retract, set())):
        case.fake.fail(_again(fault))
        verb(case, record)
        assert case.world_sees(record.name) == values
        assert case.pauses
        case.pauses.clear()


class SeesDuplicates:
    """For the APIs of records that refuse one that is there already, or one that is gone: what somebody else
    has done between our reading and our writing is as good as ours."""

    def test_a_record_that_is_there_by_now_is_success(self, case: HttpCase, record: TxtRecord) -> None:
        provider: Any = case.provider()
        zone = provider.zone_for(record.name)
        publish(case, record)
        provider.create(zone, record._replace(ttl=max(record.ttl, case.kind.least_ttl)))
        assert case.world_sees(record.name) == {record.value}

    def test_a_record_that_is_gone_by_now_is_success(self, case: HttpCase, record: TxtRecord) -> None:
        publish(case, record)
        provider: Any = case.provider()
        zone = provider.zone_for(record.name)
        ((id, _),) = provider.texts(zone, record.name)
        retract(case, record)
        provider.delete(zone, record.name, id)
        assert case.world_sees(record.name) == set()


class NoticesItIsOvertaken:
    """For the APIs of RRsets that tell creating from changing: what is written from a reading of then
    does no harm to what others have made of it since."""

    def test_an_rrset_that_is_there_by_now_stays(self, case: HttpCase, record: TxtRecord) -> None:
        provider: Any = case.provider()
        zone = provider.zone_for(record.name)
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        provider.write(zone, record.name, None, RRset((provider.spell(record.value),), 3600))
        assert case.world_sees(record.name) == {"somebody else's"}

    def test_an_rrset_that_is_gone_by_now_stays_so(self, case: HttpCase, record: TxtRecord) -> None:
        case.add_foreign(record.name, "somebody else's", ttl=1234)
        provider: Any = case.provider()
        zone = provider.zone_for(record.name)
        old = provider.read(zone, record.name)
        case.fake.zones[zone.apex].records.clear()
        provider.write(zone, record.name, old, old._replace(ttl=3600))
        assert case.world_sees(record.name) == set()


def _again(fault: Fault, **changes: Any) -> Fault:
    """A fault is used up; the next test wants its own."""
    return type(fault)(**{**vars(fault), **changes})


class ReplacesTokens:
    """For the APIs that want an access token of their issuer's, as ``fakes.oauth`` does.

    The tests of a subclass are given its ``case``.
    """

    RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

    def test_one_does_for_all_of_a_call(self, case: HttpCase) -> None:
        publish(case, self.RECORD)
        assert len(case.fake.requests) > 2
        assert len(case.fake.issued) == 1

    def test_one_that_has_expired_is_replaced_before_it_is_refused(self, case: HttpCase) -> None:
        provider = case.provider()
        zone = provider.zone_for(self.RECORD.name)
        case.fake.now = provider.clock = lambda clock=provider.clock: clock() + 3590
        provider.publish(zone, [self.RECORD])
        assert len(case.fake.issued) == 2
        assert 401 not in [status for _, status, _ in case.fake.refusals]

    def test_one_that_was_revoked_is_replaced_without_a_pause(self, case: HttpCase) -> None:
        provider = case.provider()
        zone = provider.zone_for(self.RECORD.name)
        case.fake.revoke()
        provider.publish(zone, [self.RECORD])
        assert case.world_sees(self.RECORD.name) == {self.RECORD.value}
        assert [status for _, status, _ in case.fake.refusals].count(401) == 1
        assert not set(case.pauses) - {LOOK_AGAIN}
