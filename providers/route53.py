"""Amazon Route 53, through boto3.

Machines that know nothing of each other may write to one name: an RRset is changed by deleting
exactly what stood there and creating what shall, in one batch, which Route 53 does as a whole or
not at all. If another was faster, the batch is refused, and what stands there is read again.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from .. import aws
from ..errors import Busy, ProviderError, ZoneNotFound
from ._http.causes import cause_of, in_words
from ._route53_batches import added, batches, changes, plain_id, plain_name, removed, sort_key
from .base import Option, Profile, TxtRecord, Zone, ZoneApex, ancestors, by_name, longest_suffix

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_route53.type_defs import GetHostedZoneResponseTypeDef, ListHostedZonesByNameRequestTypeDef

    from ._route53_batches import Edit, RRset, Swap

PAGE = 300  # RRsets, at most

SWAP_ATTEMPTS = 12  # at RRsets that others write to as well
SAME_REFUSALS = 3  # refusals of the very same swap: it is not that another was faster
FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE = (
    0.1,
    2.0,
)  # seconds before the second attempt, and before any: at most

SYNC_POLL = 1.0  # seconds until GetChange is asked, and asked again; or a tenth of the time already waited
SYNC_TIMEOUT = 600.0  # seconds for a change to be on all name servers; 60 are usual

BY_ID = 'do without: write [zone."…"] and below it id = "Z…", as the console shows it'

PERMISSION = """\
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "route53:ListHostedZonesByName",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": "route53:GetChange",
      "Resource": "arn:aws:route53:::change/*"
    },
    {
      "Effect": "Allow",
      "Action": ["route53:GetHostedZone", "route53:ListResourceRecordSets"],
      "Resource": "arn:aws:route53:::hostedzone/ZONE_ID"
    },
    {
      "Effect": "Allow",
      "Action": "route53:ChangeResourceRecordSets",
      "Resource": "arn:aws:route53:::hostedzone/ZONE_ID",
      "Condition": {
        "ForAllValues:StringLike": {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
            "_acme-challenge.example.com",
            "_acme-challenge.*.example.com"
          ]
        },
        "ForAllValues:StringEquals": {
          "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
          "route53:ChangeResourceRecordSetsActions": ["CREATE", "DELETE"]
        }
      }
    }
  ]
}
"""


class Provider:
    """The public hosted zones of one AWS account."""

    title = "Amazon Route 53"
    docs = "https://docs.aws.amazon.com/Route53/latest/APIReference/"
    permission = PERMISSION
    needs = ("boto3", "aws")
    options = (
        *aws.OPTIONS,
        Option("hosted_zone_id", ("AWS_HOSTED_ZONE_ID",), "the only zone to use; no list is asked for then"),
        Option("endpoint", ("AWS_ENDPOINT_URL_ROUTE_53", "AWS_ENDPOINT_URL"), "the URL of another Route 53"),
    )
    profile = Profile(rounds=1)  # INSYNC speaks for every machine behind every address
    clock: Callable[[], float] = staticmethod(time.monotonic)
    sleep: Callable[[float], None] = staticmethod(time.sleep)
    request_timeout = aws.EXCHANGE_TIMEOUT

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError."""
        self._account = aws.AwsAccount(options, self.request_timeout)
        self._endpoint = options.get("endpoint")
        self._only_id = plain_id(options.get("hosted_zone_id", ""))
        self._published: dict[str, list[str]] = defaultdict(list)

    def zone_for(self, name: str) -> Zone:
        for apex in ancestors(name):
            if zone := self._zone_at(apex):
                return zone
        return longest_suffix([self._only] if self._only else self._zones_from(""), name, "route53")

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Most challenge names have no TXT record: to suppose so saves a request for each of them."""
        self._published[plain_id(zone.id)] += self._swap(zone, by_name(records), added, {})

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Tries first as if the names had these values and no others, which spares a reading."""
        names = by_name(records)
        self._swap(zone, names, removed, {name: added(None, ours) for name, ours in names.items()})

    def wait_until_in_sync(self, zone: Zone) -> None:
        """Wait until every name server of Route 53 has what was published here. Raises Busy."""
        for change in self._published.pop(plain_id(zone.id), ()):
            began = self.clock()
            waited = 0.0
            while not self._is_in_sync(change, max(SYNC_POLL, waited / 10)):
                waited = self.clock() - began
                if waited > SYNC_TIMEOUT:
                    raise Busy(
                        f"Route 53 has not brought {zone.apex} to all its name servers in {waited:.0f} s",
                        "try again later; https://health.aws.amazon.com says whether it is in trouble",
                    )

    def _is_in_sync(self, change: str, pause: float) -> bool:
        """Whether it is, some time from now: an account has five requests a second in all."""
        self.sleep(pause * random.uniform(0.8, 1.2))
        with self._account.asking("route53:GetChange", f"arn:aws:route53:::change/{plain_id(change)}"):
            return self._api.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"

    # Zones

    def _zone_at(self, apex: str) -> Zone | None:
        """The public zone with this apex; of several, the one that resolvers are led to."""
        if self._only:
            return self._only if self._only.apex == apex else None
        zones = list(takewhile(lambda zone: zone.apex == apex, self._zones_from(apex)))
        return self._delegated(apex, zones) if len(zones) > 1 else next(iter(zones), None)

    @cached_property
    def _only(self) -> Zone | None:
        if not self._only_id:
            return None
        return Zone(plain_name(self._hosted_zone(self._only_id)["HostedZone"]["Name"]), self._only_id)

    def apex_of(self, zone: Zone) -> ZoneApex:
        own = self._hosted_zone(zone.id).get("DelegationSet", {}).get("NameServers", ())
        return ZoneApex(tuple(map(plain_name, own)))

    def _zones_from(self, apex: str) -> Iterator[Zone]:
        """The account's public zones in the order of their reversed names, from ``apex`` on."""
        position: ListHostedZonesByNameRequestTypeDef = {"DNSName": apex} if apex else {}
        while True:
            with self._asking("ListHostedZonesByName"):
                page = self._api.list_hosted_zones_by_name(**position)
            for zone in page["HostedZones"]:
                if not zone.get("Config", {}).get("PrivateZone"):
                    yield Zone(plain_name(zone["Name"]), plain_id(zone["Id"]))
            if not page["IsTruncated"]:
                return
            following: ListHostedZonesByNameRequestTypeDef = {
                "DNSName": page["NextDNSName"],
                "HostedZoneId": page["NextHostedZoneId"],
            }
            if following == position:
                raise ProviderError("Route 53 gives the same page of its zones again", "try again later")
            position = following

    def _hosted_zone(self, id: str) -> GetHostedZoneResponseTypeDef:
        with self._asking("GetHostedZone", Zone("", id)):
            return self._api.get_hosted_zone(Id=id)

    def _delegated(self, apex: str, zones: Sequence[Zone]) -> Zone:
        """No two zones of one name share a name server."""
        reached, in_words = _nameservers(apex)
        for zone in zones:
            own = self._hosted_zone(zone.id).get("DelegationSet", {}).get("NameServers", ())
            if not reached.isdisjoint(map(plain_name, own)):
                return zone
        raise ProviderError(
            f"Route 53 has several public zones {apex}: {', '.join(zone.id for zone in zones)}; {in_words}",
            f'say which it is: write [zone."{apex}"] and below it id = "Z…", or set AWS_HOSTED_ZONE_ID',
        )

    # RRsets

    def _swap(
        self,
        zone: Zone,
        names: Mapping[str, Sequence[TxtRecord]],
        edit: Edit,
        supposed: Mapping[str, RRset | None],
    ) -> list[str]:
        """Edit the RRset of each name: first as it is ``supposed`` to be, then as it is read.

        Gives the ids of the changes. Raises Busy where others are always faster, and Refused where
        that is not the reason.
        """
        done: list[str] = []
        refused: list[dict[str, Swap]] = []
        current, waiting = supposed, list(names)
        for attempt in range(SWAP_ATTEMPTS):
            if attempt:
                longest = min(LONGEST_RETRY_PAUSE, FIRST_RETRY_PAUSE * 2 ** (attempt - 1))
                self.sleep(random.uniform(0, longest))
                current = self._read(zone, waiting)
            swaps = {name: (current.get(name), edit(current.get(name), names[name])) for name in waiting}
            waiting = []
            for batch in batches(swaps):
                try:
                    done.append(self._change(zone, batch))
                except aws.AwsRefused as refusal:
                    refused.append(batch)
                    if refusal.code != "InvalidChangeBatch" or refused.count(batch) == SAME_REFUSALS:
                        raise
                    waiting += batch
            if not waiting:
                return done
        raise Busy(
            f"{', '.join(sorted(waiting)[:5])} changes faster at Route 53 than it can be edited",
            "find out what else writes there so often, or try again later",
        )

    def _change(self, zone: Zone, batch: Mapping[str, Swap]) -> str:
        """The id of the change: all of it is made, or nothing if this raises Refused."""
        with self._asking("ChangeResourceRecordSets", zone):
            answer = self._api.change_resource_record_sets(
                HostedZoneId=plain_id(zone.id), ChangeBatch={"Changes": list(changes(batch))}
            )
        return answer["ChangeInfo"]["Id"]

    def _read(self, zone: Zone, names: Iterable[str]) -> dict[str, RRset]:
        """The TXT RRsets of those of the names that have one."""
        found: dict[str, RRset] = {}
        waiting = sorted(names, key=sort_key)
        while waiting:
            with self._asking("ListResourceRecordSets", zone):
                page = self._api.list_resource_record_sets(
                    HostedZoneId=plain_id(zone.id),
                    StartRecordName=waiting[0],
                    StartRecordType="TXT",
                    MaxItems=str(PAGE if len(waiting) > 1 else 1),
                )
            for rrset in page["ResourceRecordSets"]:
                if rrset["Type"] == "TXT" and plain_name(rrset["Name"]) in waiting:
                    found[plain_name(rrset["Name"])] = rrset
            # No more is known of how an escape sorts than what stands before it.
            end = sort_key(page["NextRecordName"]).partition("\\")[0] if page["IsTruncated"] else "~"
            waiting = [name for name in waiting[1:] if sort_key(name) >= end]
        return found

    @contextmanager
    def _asking(self, action: str, zone: Zone | None = None) -> Iterator[None]:
        """Have what is raised name the action and the zone; AWS itself names the account."""
        where = f"arn:aws:route53:::hostedzone/{plain_id(zone.id)} {zone.apex}".strip() if zone else "*"
        try:
            with self._account.asking(f"route53:{action}", where, "" if zone else BY_ID):
                yield
        except aws.AwsRefused as refusal:
            if refusal.code != "NoSuchHostedZone":
                _, remedy = cause_of(refusal.words, zone.apex if zone else "", {})
                refusal.hint = in_words(remedy, self.title, "", zone.apex if zone else "") or refusal.hint
                raise
            raise ZoneNotFound(f"Route 53: {refusal.words}", "compare the id with the console's") from refusal

    @cached_property
    def _api(self) -> Route53Client:
        client: Route53Client = self._account.client("route53", self._endpoint)
        return client


def _nameservers(apex: str) -> tuple[set[str], str]:
    """Those that resolvers reach for the zone, by way of its parent; and the same in words.

    The name asked about is the apex: what resolvers remember of it does no harm to a challenge.
    """
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(f"{apex}.", "NS")
    except (dns.exception.DNSException, OSError) as error:
        return set(), f"the DNS does not say which it leads to: {error}"
    servers = {plain_name(server.target.to_text()) for server in answer}
    return servers, f"the DNS leads to {', '.join(sorted(servers))}"
