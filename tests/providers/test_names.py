"""A provider by whatever name people, lego, dns-lexicon or acme.sh have for it."""

from __future__ import annotations

import pytest

from dns01.errors import ConfigError
from dns01.providers import known_as, load, names
from dns01.providers._bridge_catalogue import ALSO_KNOWN_AS, bridged

NATIVE = [row for row in bridged() if {*row.lego, *row.lexicon} & {*names()}]
OTHERS = [row for row in bridged() if not any(map(known_as, row.lexicon + row.acmesh))]


@pytest.mark.parametrize("name", [name for row in NATIVE for name in (*row.lego, *row.lexicon, *row.acmesh)])
def test_every_name_in_the_table_leads_to_its_provider(name: str) -> None:
    assert load(name).__module__.rpartition(".")[2] in names()


@pytest.mark.parametrize("name", [name for row in OTHERS for name in (*row.lexicon, *row.acmesh)])
def test_a_name_that_only_a_bridge_has_is_answered_with_what_to_set(name: str) -> None:
    if name in names():
        return
    with pytest.raises(ConfigError) as refusal:
        load(name)
    assert "DNS01_PROVIDER=lexicon" in refusal.value.hint or "DNS01_PROVIDER=acmesh" in refusal.value.hint


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        *ALSO_KNOWN_AS.items(),
        ("BIND", "rfc2136"),
        ("dns_cf", "cloudflare"),
        ("dns_nsupdate", "rfc2136"),
        ("googleclouddns", "gcloud"),
        ("dns_gd", "godaddy"),
        ("acme-dns", "acmedns"),
        ("dns_hetznercloud", "hetzner"),
        ("dns-cloudflare", "cloudflare"),
        ("certbot-dns-route53", "route53"),
        ("dns-google", "gcloud"),
        ("certbot-dns-rfc2136", "rfc2136"),
        ("digital_ocean", "digitalocean"),
        ("name.com", "namedotcom"),
        ("deSEC", "desec"),
    ],
)
def test_a_provider_has_the_names_that_people_use(name: str, provider: str) -> None:
    assert load(name).__module__ == f"dns01.providers.{provider}"


@pytest.mark.parametrize("name", ["rfc-2136", "Digital-Ocean", "RFC2136", "dns-made-easy", "Gandi"])
def test_a_spelling_that_is_loaded_has_its_one_name_too(name: str) -> None:
    assert known_as(name) == load(name).__module__.rpartition(".")[2]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("rfc2163", "rfc2136"),
        ("cloudfare", "cloudflare or gcloud or cloudns"),
        ("bnd", "bind or bind9 or named"),
        ("awss", "aws or easydns"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(slip: str, meant: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(slip)
    assert str(refusal.value) == f"there is no provider called {slip!r}; did you mean {meant}?"
    assert refusal.value.hint == f"the providers are: {', '.join(names())}"
