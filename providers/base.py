"""What a DNS provider is: three verbs, and what it may offer besides.

For an API that keeps records one by one, ``records.RecordProvider`` does half of the work, for one that
replaces whole RRsets ``rrsets.RRsetProvider``; where it speaks JSON over HTTPS, ``rest.Rest`` does the other.

A provider is a class named ``Provider`` in a module of this package (or behind an entry point
of the group ``dns01.providers``). Typing is structural: a third party's class needs nothing
from here. Owner names are FQDNs in lower-case A-labels without the trailing dot; values are
what the TXT record says, unquoted, its character-strings joined.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from ..errors import ZoneNotFound

# What a provider needs of the ground is to be had from here as well.
from ..names import a_labels as a_labels
from ..names import ancestors as ancestors
from ..names import is_within as is_within
from ..names import relative as relative
from ..names import u_labels as u_labels
from ..options import Option as Option

T = TypeVar("T")

SHOWN_ZONES = 20  # of an account, in one message


class Zone(NamedTuple):
    """A zone as the provider knows it. ``id`` is the provider's own word for it, if it has one."""

    apex: str
    id: str = ""


class TxtRecord(NamedTuple):
    """One TXT record. ``ttl`` (seconds) is a wish: it is no part of the record's identity, and
    an RRset that is already there keeps its own (RFC 2181 §5.2: one TTL for the whole RRset)."""

    name: str
    value: str
    ttl: int = 60


class Profile(NamedTuple):
    """How long a provider's name servers take, and how often they want to be believed.

    An account or a zone may override each in the configuration; times are in seconds.
    """

    ttl: int = 60  # of the records published
    timeout: float = 600  # of the whole wait
    pace: float = 0.05  # asked again, after the first minute, after this share of the time already waited
    rounds: int = 3  # clean answers in a row; 1 where no machines share an address
    patience: float = 5  # a silent or lame server is excused after this
    settle: float = 60  # the longest that a CA keeps an old answer (less if the TTL is less)


class Provider(Protocol):
    """One account at one DNS provider.

    Concurrency: each process makes objects of its own. ``zone_for`` may be called by several threads
    at once. ``publish`` and ``retract`` are called one after the other (but for ServesZonesAtOnce), by
    whoever holds the lock on the zone: other processes of this machine may at that time change other
    zones of the account, but not this one. Other machines know nothing of that lock: where the API
    has a guard against lost updates, a provider uses it, and where it has none, it reads again after it
    has written.

    All three may be called again after any failure, and with records that are there, or gone,
    already: a second call finishes what the first one began.

    What a provider has to offer beyond that are the protocols below, each by itself. The hook asks
    for them with isinstance.
    """

    options: ClassVar[tuple[Option, ...]]
    profile: ClassVar[Profile]

    def __init__(self, options: Mapping[str, str]) -> None:
        """``options``: a value for every key in ``options`` that is set or has a default."""

    def zone_for(self, name: str) -> Zone:
        """The account's zone with the longest apex that is ``name`` or an ancestor of it.

        Raises ZoneNotFound, naming the zones that the account does have.
        """

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Add the records. What else lives there stays; what is already there is success."""

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Remove exactly these records. What is already gone is success."""


# The TXT values at each name, as every server of its zone that answers has them.
Seen = Mapping[str, Sequence[Set[str]]]
Look = Callable[[Iterable[str]], Seen]


@runtime_checkable
class StartsServer(Protocol):
    """A provider whose server has to be there before its names are looked up in the DNS."""

    def start(self, names: Sequence[str]) -> None:
        """Have the server answer for the names; it may be called again, with other names.

        Raises ProviderError.
        """

    def delegation(self, name: str) -> str:
        """The record that leads the world to the server, as it is to stand in the zone around the name."""


@runtime_checkable
class ServesZonesAtOnce(Protocol):
    """``zones_at_once``: how many zones of the account may be changed at a time. ``publish`` and ``retract``
    of one object are then called by as many threads, each for another zone, under that zone's lock; and no
    more than so many ask for zones."""

    zones_at_once: int


@runtime_checkable
class WaitsUntilInSync(Protocol):
    """A provider whose API says when a change is on its name servers (INSYNC, a job, an action)."""

    def wait_until_in_sync(self, zone: Zone) -> None:
        """Return when all that this object has published in the zone is there; at once, if that is
        nothing. No lock is held. Raises ProviderError, which is Busy if it takes too long."""


@runtime_checkable
class CreatesAliases(Protocol):
    """A provider that can make CNAMEs, for `dns01 register`."""

    def alias(self, zone: Zone, name: str, target: str) -> None:
        """Make ``name`` a CNAME to ``target``; that it is one already is success. The caller holds
        the lock on the zone. Raises ProviderError if something else stands there."""


@runtime_checkable
class ObservesServers(Protocol):
    """A provider whose API cannot be asked what it has: the zone's name servers tell it instead."""

    def observe(self, look: Look) -> None:
        """Called once, before anything else. ``look(names)``: the TXT values at each name."""


class ChallengeOf(NamedTuple):
    """What a record is for: the domain, as the client said it, and the challenge's token; each is empty
    where the client does not tell it (RFC 8555 §8.4)."""

    domain: str
    token: str


@runtime_checkable
class WantsChallenges(Protocol):
    """A provider whose service makes the record itself, of the challenge."""

    def made_for(self, challenges: Mapping[TxtRecord, ChallengeOf]) -> None:
        """Called before ``publish`` and before ``retract``, with what each record there is for."""


@runtime_checkable
class LimitsValues(Protocol):
    """A provider that keeps no more than ``values_per_name`` values at a name."""

    values_per_name: int


@runtime_checkable
class SharesValues(Protocol):
    """A provider where several names share the values that LimitsValues tells of."""

    def holder(self, name: str) -> str:
        """The name that the values are kept for."""


@runtime_checkable
class KnowsZones(Protocol):
    """``knows_zones`` is False where ``zone_for`` takes any name for an apex. What does not say it
    knows its zones."""

    knows_zones: bool


@runtime_checkable
class ChecksIds(Protocol):
    """A provider that would write into another zone, where the configuration has that one's id."""

    def check_id(self, zone: Zone) -> None:
        """Nothing is written. Raises ZoneNotFound where the id is another zone's or none that is seen, and
        any ProviderError that the question meets."""


class ZoneApex(NamedTuple):
    """What an account has at the apex of a zone: the NS names, or those that the API tells to be
    delegated to; the SOA's MNAME and serial, where they are to be had; the addresses of the NS
    names that the zone itself holds."""

    name_servers: tuple[str, ...]
    primary: str = ""
    serial: int | None = None
    addresses: Mapping[str, tuple[str, ...]] = {}


@runtime_checkable
class ShowsApex(Protocol):
    """A provider that can tell which name servers its copy of a zone is meant for."""

    def apex_of(self, zone: Zone) -> ZoneApex:
        """Read it; nothing is written. Raises ProviderError."""


@runtime_checkable
class HasNameServer(Protocol):
    """A provider whose changes go to a name server, which answers for the zones itself."""

    def name_server(self) -> tuple[str, int]:
        """The host of that name server, or its address, and the port."""


@runtime_checkable
class NeedsAlias(Protocol):
    """A provider whose names are not the user's own: a CNAME has to lead to them."""

    def alias_for(self, name: str) -> str:
        """Where the CNAME at a challenge name has to lead; empty where no account is for it."""

    def takes(self, target: str) -> bool:
        """Whether one of the accounts can write to the name."""


@runtime_checkable
class RehearsesUpdates(Protocol):
    """A provider that can be asked for a change without having it made."""

    def rehearse(self, zone: Zone, name: str) -> None:
        """Raise the ProviderError that ``publish`` would meet at the name, as far as that shows
        without a change."""


@runtime_checkable
class KeepsSerial(Protocol):
    """A provider whose zones may be set up so that a change leaves their serial as it is."""

    def serial_stays(self, zone: Zone) -> Sequence[str]:
        """What to do so that a change raises the serial, by which secondaries go; empty: it does."""


@runtime_checkable
class HasWarnings(Protocol):
    """``warnings``: what is dubious about the configuration of this object, though it works."""

    @property
    def warnings(self) -> Sequence[str]:
        """A sentence for each; empty: nothing is dubious."""


# Facts, for `dns01 providers NAME`: of the class as well as of its objects.


@runtime_checkable
class WantsKeys(Protocol):
    """``keyless``: whether it may do without a secret, since the machine itself is let in."""

    keyless: bool


@runtime_checkable
class LeavesUnread(Protocol):
    """``unread``: variables that other tools take for the same service, and that mean nothing here; with
    what there is in their place."""

    unread: Mapping[str, str]


@runtime_checkable
class Titled(Protocol):
    """``title``: the name that people know it by."""

    title: str


@runtime_checkable
class Documented(Protocol):
    """``docs``: the URL of its API's documentation."""

    docs: str


@runtime_checkable
class NeedsPermission(Protocol):
    """``permission``: the least that the credentials have to be granted, in the provider's words."""

    permission: str


@runtime_checkable
class NeedsPackage(Protocol):
    """``needs``: a package that may be missing, and the extra of ours that brings it."""

    needs: tuple[str, str]


@runtime_checkable
class RaisesTtl(Protocol):
    """``least_ttl``: the least TTL that the API takes, in seconds; shorter ones are raised to it."""

    least_ttl: int


def zones_at_once(provider: Provider) -> int:
    """How many zones of the account may be changed at a time."""
    return provider.zones_at_once if isinstance(provider, ServesZonesAtOnce) else 1


def knows_zones(provider: Provider) -> bool:
    """Whether ``zone_for`` tells the zones of the account from other names."""
    return provider.knows_zones if isinstance(provider, KnowsZones) else True


def longest_suffix(zones: Iterable[Zone], name: str, account: str) -> Zone:
    """The zone with the longest apex that ``name`` is within.

    Raises ZoneNotFound, which names the ``account`` and its zones.
    """
    seen = list(zones)
    fitting = [zone for zone in seen if is_within(name, zone.apex)]
    if fitting:
        return max(fitting, key=lambda zone: len(zone.apex))
    from difflib import get_close_matches

    sought = name.removeprefix("_acme-challenge.")
    apexes = sorted({zone.apex for zone in seen})
    near = get_close_matches(sought, apexes, 3, 0.75)  # one that is misspelt is not to be looked for
    first = list(dict.fromkeys([*near, *apexes]))[:SHOWN_ZONES]
    shown = ", ".join(first) + (f" and {len(apexes) - len(first)} more" if len(apexes) > len(first) else "")
    raise ZoneNotFound(
        f"{account}: none of its zones holds {name}; it sees {shown or 'no zone at all'}",
        "give the credentials access to the zone, or name another account for it in config.toml",
    )


def dns_name(name: object) -> str:
    """A zone's name, as an API has it, in lower-case A-labels without the trailing dot."""
    if not isinstance(name, str):
        raise TypeError(f"a zone is called {name!r}")
    with suppress(UnicodeError):  # idna's errors are such: no challenge name can be in that zone
        return a_labels(name).removesuffix(".")
    return name


def by_name(records: Iterable[TxtRecord]) -> dict[str, list[TxtRecord]]:
    """The records grouped by owner name."""
    names: dict[str, list[TxtRecord]] = defaultdict(list)
    for record in records:
        names[record.name].append(record)
    return names
