"""Records that a provider refuses: what is out stays in the journal, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from contract import validation

from dns01.errors import AuthRejected, Busy, HookError, ProviderError, Unreachable
from dns01.hooks.challenge.placement import Placement, Placements
from dns01.hooks.challenge.publisher import Records
from dns01.hooks.challenge.zone_accounts import ZoneAccount
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.process import this_process
from dns01.hooks.config.settings import Account
from dns01.hooks.state.journal import Journal
from dns01.providers.base import Option, Profile, TxtRecord, Zone

ACCOUNT = Account("web", "picky", {}, Profile())
ZONE = Zone("example.org")
ZONE_ACCOUNTS = (ZoneAccount(ACCOUNT, ZONE, Profile()),)
NAMES = ("a.example.org", "b.example.org", "c.example.org")


class Refused429(Busy):
    """An API that is asked too often: it has changed nothing."""

    definite = True


class Picky:
    """A provider that may not touch some names, and refuses a whole batch for one of them."""

    options: ClassVar[tuple[Option, ...]] = ()
    profile: ClassVar[Profile] = Profile()

    def __init__(self, options: Mapping[str, str] = {}) -> None:
        self.there: set[str] = set()
        self.forbidden: set[str] = set()
        self.error: Callable[[], ProviderError] = lambda: AuthRejected("not yours", "ask for it")
        self.one_by_one = False  # what comes before the forbidden name of a batch is published

    def zone_for(self, name: str) -> Zone:
        return ZONE

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._each(records, self.there.add)

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._each(records, self.there.discard)

    def _each(self, records: Sequence[TxtRecord], do: Callable[[str], None]) -> None:
        if not self.one_by_one and self.forbidden & {record.name for record in records}:
            raise self.error()
        for record in records:
            if record.name in self.forbidden:
                raise self.error()
            do(record.name)


@pytest.fixture
def provider() -> Picky:
    return Picky()


@pytest.fixture
def journal(state_dir: Path) -> Journal:
    return Journal(str(state_dir))


@pytest.fixture
def records(provider: Picky, journal: Journal) -> Records:
    accounts = SimpleNamespace(
        provider=lambda _: provider,
        provider_named=lambda *_: provider,
        errors_of=lambda _: nullcontext(),
        unless_down=lambda *_: nullcontext(),
    )
    placements = SimpleNamespace(accounts=accounts)
    return Records(journal, lambda: cast(Placements, placements), this_process())


def publish(records: Records, *domains: str, value: str = "") -> None:
    challenges = [Challenge(domain, "token", validation(value or domain)) for domain in domains]
    places: dict[str, Any] = {
        each.name: Placement(each.name, each.name, ZONE_ACCOUNTS, (), Profile(), "public", False)
        for each in challenges
    }
    records.publish(challenges, places)


def owner(domain: str) -> str:
    return f"_acme-challenge.{domain}"


@pytest.mark.parametrize("forbidden", NAMES)
@pytest.mark.parametrize("one_by_one", [False, True], ids=["the batch is refused", "record by record"])
def test_a_refused_name_of_a_batch_leaves_nothing_behind(
    records: Records, provider: Picky, journal: Journal, forbidden: str, one_by_one: bool
) -> None:
    provider.forbidden, provider.one_by_one = {owner(forbidden)}, one_by_one

    with pytest.raises(AuthRejected):
        publish(records, *NAMES)

    assert provider.there == set()
    assert journal.entries() == []
    assert records.kept == []


@pytest.mark.parametrize("forbidden", [NAMES[:1], NAMES[1:2], NAMES[:2]])
def test_of_a_batch_that_is_refused_for_some_of_its_names_these_are_named(
    records: Records, provider: Picky, forbidden: Sequence[str]
) -> None:
    provider.forbidden = set(map(owner, forbidden))

    with pytest.raises(AuthRejected) as refusal:
        publish(records, *NAMES)

    named = ", ".join(map(owner, forbidden))
    assert str(refusal.value) == f"{named} is refused, and not what was to go with it: not yours"
    assert refusal.value.hint == "ask for it"


def test_of_a_batch_that_is_refused_whole_no_name_is_picked_out(records: Records, provider: Picky) -> None:
    provider.forbidden = set(map(owner, NAMES))

    with pytest.raises(AuthRejected, match=r"^not yours$"):
        publish(records, *NAMES)


def test_what_may_have_been_published_all_the_same_stays_in_the_journal(
    records: Records, provider: Picky, journal: Journal
) -> None:
    provider.forbidden, provider.error = {owner(NAMES[0])}, lambda: Unreachable("timed out", "try later")

    with pytest.raises(HookError):
        publish(records, NAMES[0])

    (entry,) = journal.entries()
    assert (entry.domain, entry.state) == (NAMES[0], "retract")


@pytest.mark.parametrize(
    ("names", "error"),
    [(NAMES[:1], AuthRejected), (NAMES[:1], Refused429), (NAMES, AuthRejected)],
    ids=["by itself", "by itself, for now", "in a batch"],
)
def test_what_an_earlier_run_has_published_stays_in_the_journal_when_the_same_value_is_refused(
    records: Records, provider: Picky, journal: Journal, names: Sequence[str], error: type[ProviderError]
) -> None:
    """A CA gives a pending authorization again, and with it the value that a killed run has left out."""
    publish(records, NAMES[0])
    provider.forbidden, provider.error = {owner(NAMES[0])}, lambda: error("not now", "try later")

    with pytest.raises(error):
        publish(records, *names)

    assert provider.there == {owner(NAMES[0])}
    assert [(entry.domain, entry.state) for entry in journal.entries()] == [(NAMES[0], "retract")]

    provider.forbidden = set()
    records.retract(journal.orphans())
    assert provider.there == set()
    assert journal.entries() == []


def test_a_record_that_may_not_be_touched_does_not_keep_those_beside_it(
    records: Records, provider: Picky, journal: Journal
) -> None:
    publish(records, *NAMES)
    provider.forbidden = {owner(NAMES[1])}

    records.retract(journal.entries())

    assert provider.there == {owner(NAMES[1])}
    assert [entry.domain for entry in journal.entries()] == [NAMES[1]]
    assert len(records.kept) == 1


def test_what_is_refused_again_for_the_same_reason_is_not_said_again(
    records: Records, provider: Picky, journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(records, NAMES[0])
    provider.forbidden = {owner(NAMES[0])}
    records.retract(journal.entries())
    assert "not yours" in capsys.readouterr().err

    records.retract(journal.entries())
    assert capsys.readouterr().err == ""

    provider.error = lambda: AuthRejected("the token has expired", "make another")
    records.retract(journal.entries())
    assert "the token has expired" in capsys.readouterr().err


# Providers that keep few values


@pytest.fixture
def one_value(provider: Picky) -> None:
    """The provider keeps one value at a name, as Duck DNS does."""
    provider.values_per_name = 1  # type: ignore[attr-defined]


def left(journal: Journal, state_dir: Path, how: str) -> None:
    """Make what is open the work of a run that is over."""
    (entry,) = journal.entries()
    if how == "its clean-up has failed":
        journal.failed(entry, "timed out")
        return
    client = this_process()
    client = client._replace(start=client.start - 1) if how == "its client is gone" else None
    Journal(str(state_dir), clock=lambda: 1.0).open([entry._replace(client=client)])


LEFT = ("its client is gone", "its clean-up has failed", "its client was unknown, and it is old")


@pytest.mark.usefixtures("one_value")
@pytest.mark.parametrize("how", LEFT)
def test_what_an_earlier_run_has_left_makes_room(
    records: Records, provider: Picky, journal: Journal, state_dir: Path, how: str
) -> None:
    """Some clients call nothing that sweeps before they publish: it would be in the way of every order."""
    publish(records, NAMES[0], value="old")
    left(journal, state_dir, how)
    publish(records, NAMES[0], value="new")
    assert [entry.value for entry in journal.entries()] == [validation("new")]
    assert journal.retracted_at(owner(NAMES[0])) > 0
    assert provider.there == {owner(NAMES[0])}


@pytest.mark.usefixtures("one_value")
def test_what_cannot_be_taken_back_makes_none(
    records: Records, provider: Picky, journal: Journal, state_dir: Path
) -> None:
    publish(records, NAMES[0], value="old")
    left(journal, state_dir, LEFT[0])
    provider.forbidden = {owner(NAMES[0])}
    with pytest.raises(Busy, match="no room"):
        publish(records, NAMES[0], value="new")
    assert [entry.value for entry in journal.entries()] == [validation("old")]


@pytest.mark.usefixtures("one_value")
def test_what_another_order_waits_for_makes_none(records: Records, journal: Journal) -> None:
    publish(records, NAMES[0], value="old")
    with pytest.raises(Busy, match="no room"):
        publish(records, NAMES[0], value="new")
    assert [entry.value for entry in journal.entries()] == [validation("old")]


@pytest.mark.usefixtures("one_value")
def test_what_is_left_elsewhere_is_left_there(records: Records, journal: Journal, state_dir: Path) -> None:
    publish(records, NAMES[0], value="old")
    left(journal, state_dir, LEFT[0])
    publish(records, NAMES[1], value="new")
    assert {entry.value for entry in journal.entries()} == {validation("old"), validation("new")}
