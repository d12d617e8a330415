"""dns-lexicon's providers, two of them against the fakes of their APIs: one that keeps records one by
one, one that replaces whole RRsets. They are reached by the names that the world has for them.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme
from api_refusals import ADDRESS, CNAME, QUOTA
from contract import ZONES, KeepsRecords, publish, retract, validation
from fakes import FOREVER, Answer, Fake, Hang, Request, Reset, Status, optional, route
from fakes.digitalocean import DigitalOcean
from fakes.gandi import Gandi
from fakes.proxy import Proxy

from dns01.errors import AuthRejected, Busy, ConfigError, HookError, ProviderError, Unreachable
from dns01.providers import load
from dns01.providers.base import Provider, TxtRecord, Zone

ZONE = Zone("example.com")
RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))


class GandiWithPost(Gandi):
    """An RRset that is not there may be created as well as put."""

    @route(
        "POST",
        "/domains/{domain}/records/{name}/TXT",
        fields={"rrset_values": list, "rrset_ttl": optional(int)},
    )
    def post(self, request: Request, domain: str, name: str) -> Answer:
        return self.replace(request, domain, name)


class LexiconCase:
    """lexicon's module for an API, and the fake of that API; the zone is what the DNS would say."""

    outside = ""

    def __init__(self, fake: Fake, api: str, options: Mapping[str, str]) -> None:
        self.fake = fake
        self.options = {"api": api, "time_limit": "300", "options.auth_token": fake.token, **options}
        self.pauses: list[float] = []

    def provider(self) -> Provider:
        provider: Any = load("lexicon")(self.options)
        provider.sleep = self.pauses.append
        zone_for = provider.zone_for
        provider.zone_for = lambda name: zone_for("example.com")
        return provider  # type: ignore[no-any-return]

    def world_sees(self, name: str) -> set[str]:
        return self.fake.values(name)

    def ttl_of(self, name: str, value: str) -> int:
        return next(record.ttl for record in self.fake.texts(name) if record.value == value)

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        self.fake.add_foreign(name, value, ttl)

    def error_of(self, verb: Any = publish) -> HookError:
        """What a verb raises: one line and a hint, with the account's API, and without its secret."""
        with pytest.raises(HookError) as caught:
            verb(self, RECORD)
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
        assert self.fake.token not in told
        assert "\n" not in str(caught.value)
        assert f"lexicon: lexicon's {self.options['api']}" in str(caught.value)
        assert caught.value.hint
        return caught.value


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


class InTheWorld:
    """The fake answers for the API's own name, through a proxy and with a CA of the test's."""

    FAKE: type[Fake]
    NAME: str
    OPTIONS: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def case(self, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LexiconCase]:
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        with self.FAKE(ZONES, tls=ca) as fake, Proxy(fake.address) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
            yield LexiconCase(fake, self.NAME, self.OPTIONS)


class TestDigitalOcean(InTheWorld, KeepsRecords):
    """lexicon takes values for one that differ by case alone, which validations never do: the
    second of the two is then an error, as what was written is read back."""

    FAKE, NAME = DigitalOcean, "digitalocean"

    test_many_names_in_one_call = None  # type: ignore[assignment]  # each reads the whole zone, page by page

    @pytest.fixture
    def least_ttl(self) -> int:
        return 30

    def test_values_that_differ_by_case_are_two(self, case: LexiconCase, name: str) -> None:  # type: ignore[override]
        publish(case, TxtRecord(name, "a" * 43))
        with pytest.raises(ProviderError, match="1 of 2 values"):
            publish(case, TxtRecord(name, "A" * 43))
        assert case.world_sees(name) == {"a" * 43}

    @pytest.mark.parametrize(
        ("fault", "kind", "words"),
        [
            (Status(401, times=FOREVER), AuthRejected, "zone example.com: 401"),
            (Status(403, times=FOREVER), AuthRejected, "403"),
            (Status(422, writing=True), ProviderError, "The API's own words."),
            (Status(429), Busy, "429"),
            (Status(503), Unreachable, "503"),
            (Reset(done=True), Unreachable, "zone example.com: "),
        ],
        ids=repr,
    )
    def test_what_the_api_refuses_is_said(
        self, case: LexiconCase, fault: Any, kind: type[HookError], words: str
    ) -> None:
        case.fake.fail(type(fault)(**vars(fault)))
        error = case.error_of()
        assert type(error) is kind
        assert words in str(error)
        assert case.world_sees(RECORD.name) == set()

    def test_wrong_credentials_are_said_with_their_variables(self, case: LexiconCase) -> None:
        case.fake.token = "another-token"
        error = case.error_of()
        assert isinstance(error, AuthRejected)
        assert "LEXICON_DIGITALOCEAN_" in error.hint

    @pytest.mark.parametrize(
        ("message", "step"),
        [
            ("CNAME records cannot share a name with other records", CNAME),
            ("Access to API from this IP denied", ADDRESS),  # acme.sh#2336
            ("quota exceeded", QUOTA),
        ],
    )
    def test_the_next_step_is_that_of_what_the_api_says(
        self, case: LexiconCase, message: str, step: str
    ) -> None:
        case.fake.fail(Status(422, message=message, writing=True))
        assert step in case.error_of().hint

    def test_an_api_that_hangs_is_given_up(self, case: LexiconCase) -> None:
        case.fake.fail(Hang())
        case.options["time_limit"] = "0.5"
        error = case.error_of()
        assert isinstance(error, Unreachable)
        assert "no end within 0.5 s" in str(error)
        case.fake.recover()

    def test_what_was_written_but_is_not_there_is_an_error(
        self, case: LexiconCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = case.provider()
        monkeypatch.setattr(
            case.fake, "add", lambda *record: Fake.add(case.fake, *record[:1], "x.example.com", *record[2:])
        )
        with pytest.raises(ProviderError, match=r"at _acme-challenge\.example\.com, 1 of 1 values"):
            provider.publish(ZONE, [RECORD])
        assert sum(case.pauses) < 10


class TestGandi(InTheWorld, KeepsRecords):
    """lexicon gives an RRset that is there the TTL of the newest value."""

    FAKE, NAME = GandiWithPost, "gandi"
    OPTIONS: ClassVar[Mapping[str, str]] = {"options.api_protocol": "rest"}

    test_a_foreign_value_stays_with_its_ttl = None  # type: ignore[assignment]

    @pytest.fixture
    def least_ttl(self) -> int:
        return 300

    def test_a_foreign_value_stays(self, case: LexiconCase) -> None:
        case.add_foreign(RECORD.name, "somebody else's", ttl=1234)
        publish(case, RECORD)
        assert case.world_sees(RECORD.name) == {RECORD.value, "somebody else's"}
        retract(case, RECORD)
        assert case.world_sees(RECORD.name) == {"somebody else's"}

    def test_what_a_module_loses_of_others_is_an_error(
        self, case: LexiconCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case.add_foreign(RECORD.name, "somebody else's", ttl=1234)
        provider = case.provider()
        add = case.fake.add
        keep_ours = lambda zone, name, value, *rest: value == RECORD.value and add(zone, name, value, *rest)  # noqa: E731
        monkeypatch.setattr(case.fake, "add", keep_ours)
        with pytest.raises(ProviderError, match=r"1 of 2 values that should stay are gone"):
            provider.publish(ZONE, [RECORD])


def test_the_zone_is_the_one_that_the_dns_says() -> None:
    provider = load("lexicon")({"api": "digitalocean", "time_limit": "300"})
    assert provider.zone_for("deep.example.co.uk") == Zone("deep.example.co.uk")


def test_the_private_parts_of_lexicon_that_are_used_are_there() -> None:
    from lexicon._private.discovery import find_providers, load_provider_module
    from lexicon.interfaces import Provider as Base

    assert len(find_providers()) >= 88
    assert issubclass(load_provider_module("digitalocean").Provider, Base)


def test_every_provider_of_lexicon_can_be_chosen_or_says_what_it_lacks() -> None:
    from lexicon._private.discovery import find_providers

    for api, available in find_providers().items():
        if available:
            load("lexicon")({"api": api, "time_limit": "300"})
        else:
            with pytest.raises(ConfigError, match="needs packages") as error:
                load("lexicon")({"api": api, "time_limit": "300"})
            assert f"dns-lexicon[{api}]" in error.value.hint


def test_a_provider_that_lexicon_does_not_have_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'digitalocaen'") as error:
        load("lexicon")({"api": "digitalocaen", "time_limit": "300"})
    assert "digitalocean" in error.value.hint


def test_without_lexicon_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("lexicon"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match="No module named") as error:
        load("lexicon")({"api": "digitalocean", "time_limit": "300"})
    assert error.value.hint == "pip install 'dns01-hook[lexicon]'"
