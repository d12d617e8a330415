"""Records on their way to their providers and back, each in the journal for as long as it is out.

What is published is in the journal before the provider hears of it, and leaves the journal after
the provider has removed it, both under the zone's lock: a kill at any instant leaves nothing that
a later call does not find.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from itertools import chain

from ... import output
from ...errors import HookError, ProviderError, Transient
from ...providers.base import ChallengeOf, Provider, TxtRecord, WantsChallenges, Zone, zones_at_once
from ...secret import redact
from ...threads import side_by_side
from ..clients.challenge import Challenge
from ..clients.process import ClientProcess
from ..config.settings import Account
from ..state.journal import Entry, Journal, giving_up
from .placement import Placement, Placements
from .value_limit import check_value_limit, in_the_way

NAMES_LISTED = 10  # names that a line is written for each of; more of them have one together


class Records:
    """What one phase publishes and takes back. ``places`` are asked for when they are needed: a
    call with nothing to take back needs no configuration."""

    def __init__(
        self, journal: Journal, places: Callable[[], Placements], client: ClientProcess | None
    ) -> None:
        self.published: list[Entry] = []
        self.retracted: list[Entry] = []
        self.kept: list[str] = []  # why records could not be taken back
        self.refused: dict[str, ProviderError] = {}  # by name: what was definitely not published, and why
        self._journal = journal
        self._places = places
        self._client = client

    def publish(self, challenges: Sequence[Challenge], places: Mapping[str, Placement]) -> list[Entry]:
        """Publish all of the challenges, zone by zone, or none of them and HookError: what was published
        before one fails is retracted, at every account that serves its zone."""
        published: list[list[Entry]] = []  # of each zone
        of_accounts: dict[str, list[Callable[[], None]]] = defaultdict(list)
        for account, zone, entries in self._batches(challenges, places):
            published.append([])
            step = partial(self._publish_zone, account, zone, entries, published[-1])
            of_accounts[account.name].append(step)
        try:
            for name, steps in of_accounts.items():
                side_by_side(steps, self._at_once(name) if len(steps) > 1 else 1)
        except BaseException:
            self.retract(list(chain(*published)), asked_for=False)
            raise
        return list(chain(*published))

    def retract(self, entries: Sequence[Entry], *, asked_for: bool = True) -> None:
        """Retract zone by zone. What cannot be removed stays in the journal, and is said.

        ``asked_for``: whether a CA can have seen the records, so that the next order at one of the
        names has to wait until it has forgotten them.
        """
        batches = _by_zone(entries)
        several = len({account for account, _, _ in batches}) > 1
        of_accounts: dict[str, list[Callable[[], None]]] = defaultdict(list)
        for (account, provider, zone), batch in batches.items():
            through = f" through {output.account(account, provider)}" if several else ""
            step = partial(self._retract_or_keep, zone, batch, asked_for, through)
            of_accounts[account].append(step)
        for account, steps in of_accounts.items():
            side_by_side(steps, self._at_once(account) if len(steps) > 1 else 1)

    def publish_again(self, entries: Sequence[Entry]) -> None:
        """Publish what was published and is no longer there: another writer has replaced the RRset. What
        has been retracted by now stays away. Raises HookError."""
        for (account, _, zone), batch in _by_zone(entries).items():
            provider = self._places().accounts.provider_named(account)
            with self._places().accounts.errors_of(account), self._journal.lock(zone.apex):
                batch = self._journal.unchanged(batch)
                if batch:
                    tell_challenges(provider, batch)
                    provider.publish(zone, _records(batch))
            for _, target, count in _counted(batch):
                output.warning(
                    f"published {count}{target} again: it was there, and is there no more (does something "
                    "else write this zone?)"
                )

    def _at_once(self, account: str) -> int:
        try:
            return zones_at_once(self._places().accounts.provider_named(account))
        except HookError:  # each zone says it for its records
            return 1

    def _retract_or_keep(self, zone: Zone, entries: list[Entry], asked_for: bool, through: str) -> None:
        """``through``: the account, where it has to be said."""
        try:
            gone = self._retract_zone(zone, entries, asked_for)
        except Exception as error:
            self._keep(entries, error)
            return
        self.retracted += gone
        for _, target, count in _counted(gone):
            output.step(f"took back {count}{target}{through}")

    def _retract_zone(self, zone: Zone, entries: list[Entry], asked_for: bool) -> Sequence[Entry]:
        """Gives those of the entries, all of one account, that are gone by it. Another provider, which the
        account may be one of by now, would have nothing there, and take that for gone."""
        provider = self._places().accounts.provider_named(entries[0].account, entries[0].provider)
        with self._journal.lock(zone.apex):
            # Another process may have taken an orphan back by now, or published its value anew.
            entries = self._journal.unchanged(entries)
            if not entries:
                return ()
            tell_challenges(provider, entries)
            entries = self._gone(provider, zone, entries)
            if entries and asked_for:
                self._journal.close(entries)
            else:
                self._journal.forget(entries)
        return entries

    def _gone(self, provider: Provider, zone: Zone, entries: list[Entry]) -> list[Entry]:
        """Those of the entries that are retracted now. A batch that the provider refuses is taken apart: one
        record that the account may not touch does not keep the others where they are."""
        try:
            with self._places().accounts.unless_down(entries[0].account, "retract", zone.apex):
                provider.retract(zone, _records(entries))
        except Exception as error:
            is_refusal = isinstance(error, ProviderError) and error.definite
            if len(entries) > 1 and is_refusal and not isinstance(error, Transient):
                return [entry for each in entries for entry in self._gone(provider, zone, [each])]
            self._keep(entries, error)  # before another process publishes one of the values anew
            return []
        return entries

    def _keep(self, entries: Iterable[Entry], error: Exception) -> None:
        """Have later calls try again; what has failed in the same way before is not said once more."""
        self.kept.append(str(error))
        entries, known = list(entries), redact(str(error))
        news = [entry for entry in entries if entry.error != known]
        for entry in news:
            output.warning(
                f"{entry.target} is not taken back yet ({error}); every later call tries again, and "
                f"`{giving_up(entry)}` gives it up"
            )
        for entry in entries:
            try:
                self._journal.failed(entry, known)
            except HookError as worse:
                output.warning(f"{worse}")
        if news and isinstance(error, HookError) and error.hint:
            output.warning(error.hint)

    def _batches(
        self, challenges: Sequence[Challenge], places: Mapping[str, Placement]
    ) -> list[tuple[Account, Zone, list[Entry]]]:
        """The entries to make, a batch for each zone and account: many APIs take a whole batch at once."""
        accounts: dict[str, Account] = {}
        batches: dict[tuple[str, Zone], list[Entry]] = defaultdict(list)
        for challenge in dict.fromkeys(challenges):
            place = places[challenge.name]
            for account, zone, profile in place.zone_accounts:
                accounts[account.name] = account
                batches[account.name, zone].append(
                    Entry(
                        domain=challenge.domain,
                        token=challenge.token,
                        name=challenge.name,
                        target=place.target,
                        value=challenge.validation,
                        ttl=profile.ttl,
                        account=account.name,
                        provider=account.provider,
                        zone=zone.apex,
                        zone_id=zone.id,
                        client=self._client,
                    )
                )
        return [(accounts[account], zone, batch) for (account, zone), batch in batches.items()]

    def _publish_zone(
        self, account: Account, zone: Zone, entries: list[Entry], published: list[Entry]
    ) -> None:
        """``published`` gets the entries before the provider hears of them: whatever comes of it, they may
        be out. Those that the provider has definitely refused leave it, and the journal; not what an earlier
        run has published, which is out all the same."""
        provider = self._places().accounts.provider(account)
        through = output.account(account.name, account.provider)
        asked = self._places().accounts.unless_down(account.name, "publish", zone.apex)
        if left := in_the_way(provider, entries, self._journal.orphans):
            self.retract(left)
        with asked, self._journal.lock(zone.apex):
            check_value_limit(provider, entries, self._journal.entries)
            known = {(entry.name, entry.target, entry.value) for entry in self._journal.known(entries)}
            entries = self._journal.open(entries)
            published += entries
            for name, target, count in _counted(entries):
                by_way_of = "" if target == name else f" (a CNAME leads from {name})"
                output.step(f"publishing {count}{target}{by_way_of} in {zone.apex} through {through}")
            tell_challenges(provider, entries)
            try:
                provider.publish(zone, _records(entries))
            except ProviderError as error:
                # What was busy is not asked once more for each record.
                if error.definite and (len(entries) == 1 or not isinstance(error, Transient)):
                    refused = self._refused(provider, zone, entries, error)
                    error = self._narrowed(error, refused, entries)
                    refused = [each for each in refused if (each.name, each.target, each.value) not in known]
                    self._journal.forget(refused)
                    published[:] = [entry for entry in published if entry not in refused]
                raise error
        self.published += entries

    def _narrowed(
        self, error: ProviderError, refused: Sequence[Entry], entries: Sequence[Entry]
    ) -> ProviderError:
        """What is said of a batch that was refused: where the provider takes some of its records by
        themselves, which ones it does not take."""
        if not 0 < len(refused) < len(entries):
            return error
        why = copy(self.refused[refused[0].name])
        why.args = (f"{listed_targets(refused)} is refused, and not what was to go with it: {why}",)
        return why

    def _refused(
        self, provider: Provider, zone: Zone, entries: list[Entry], error: ProviderError
    ) -> list[Entry]:
        """Those of a refused batch that the provider refuses one by one as well: they are not out. The
        others may be, and are retracted with what else is."""
        refused = []
        for entry in entries:
            why = error if len(entries) == 1 else _refusal(provider, zone, entry)
            if why:
                refused.append(entry)
                self.refused[entry.name] = why
        return refused


def _refusal(provider: Provider, zone: Zone, entry: Entry) -> ProviderError | None:
    """Why the provider definitely does not publish the one record; None where it may be out."""
    try:
        provider.publish(zone, _records([entry]))
    except ProviderError as error:
        return error if error.definite else None
    return None


def _by_zone(entries: Iterable[Entry]) -> dict[tuple[str, str, Zone], list[Entry]]:
    """The entries of each (account, provider, zone)."""
    batches: dict[tuple[str, str, Zone], list[Entry]] = defaultdict(list)
    for entry in entries:
        batches[entry.account, entry.provider, Zone(entry.zone, entry.zone_id)].append(entry)
    return batches


def _counted(entries: Iterable[Entry]) -> list[tuple[str, str, str]]:
    """Every (name, target), with the number of values there if it is not one: "2 values at ". Those of
    hundreds of names are not listed one by one."""
    numbers = Counter((entry.name, entry.target) for entry in entries)
    if len(numbers) > NAMES_LISTED:
        names = f"{len(numbers)} names"
        return [(names, names, f"{numbers.total()} values at ")]
    return [(*where, f"{number} values at " if number > 1 else "") for where, number in numbers.items()]


def listed_targets(entries: Iterable[Entry]) -> str:
    """The names that the records are at; of many, the first ones."""
    targets = list(dict.fromkeys(entry.target for entry in entries))
    more = f" and {len(targets) - NAMES_LISTED} more" if len(targets) > NAMES_LISTED else ""
    return f"{', '.join(targets[:NAMES_LISTED])}{more}"


def tell_challenges(provider: Provider, entries: Iterable[Entry]) -> None:
    """Tell the provider which challenges the records are for, if it wants to know (WantsChallenges)."""
    if isinstance(provider, WantsChallenges):
        challenges = [ChallengeOf(entry.domain, entry.token) for entry in entries]
        provider.made_for(dict(zip(_records(entries), challenges, strict=True)))


def _records(entries: Iterable[Entry]) -> list[TxtRecord]:
    return [TxtRecord(entry.target, entry.value, entry.ttl) for entry in entries]
