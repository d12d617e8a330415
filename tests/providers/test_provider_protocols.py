"""What a provider may offer besides its three verbs: who offers what, as the hook asks for it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dns01.providers import base, load, names

# Who has each of them. A slip in a name (``publishes`` for ``publish``) shows here.
OFFERED: Mapping[str, set[str]] = {
    "StartsServer": {"standalone"},
    "ServesZonesAtOnce": {
        "bunny",
        "cloudflare",
        "digitalocean",
        "dnsimple",
        "gandi",
        "linode",
        "powerdns",
        "vultr",
    },
    "WaitsUntilInSync": {"gcloud", "route53"},
    "CreatesAliases": {"rfc2136"},
    "KeepsSerial": {"powerdns"},
    "ObservesServers": {"acmesh", "exec", "httpreq"},
    "WantsChallenges": {"httpreq"},
    "LimitsValues": {"acmedns", "duckdns", "hurricane"},
    "SharesValues": {"duckdns"},
    "KnowsZones": {"acmesh", "exec", "httpreq", "hurricane", "lexicon"},
    "NeedsPackage": {"lexicon", "route53"},
}


@pytest.mark.parametrize("protocol", OFFERED)
def test_a_provider_offers_what_the_hook_will_ask_it_for(protocol: str) -> None:
    kind = getattr(base, protocol)
    assert {name for name in names() if isinstance(load(name), kind)} == OFFERED[protocol]


class Foreign:
    """A third party's provider: it imports nothing of ours."""

    options = ()
    profile = base.Profile()

    def __init__(self, options: Mapping[str, str]) -> None:
        pass

    def zone_for(self, name: str) -> base.Zone:
        return base.Zone(name)

    def publish(self, zone: base.Zone, records: object) -> None:
        pass

    def retract(self, zone: base.Zone, records: object) -> None:
        pass


class ForeignBridge(Foreign):
    knows_zones = False

    def wait_until_in_sync(self, zone: base.Zone) -> None:
        pass


def test_a_third_party_s_provider_knows_its_zones_unless_it_says_otherwise() -> None:
    assert base.knows_zones(Foreign({}))
    assert not base.knows_zones(ForeignBridge({}))


def test_a_third_party_s_provider_offers_by_having_the_method() -> None:
    assert isinstance(ForeignBridge({}), base.WaitsUntilInSync)
    assert not isinstance(Foreign({}), base.WaitsUntilInSync)
