"""Faults of several accounts: the zone has been given to one that does not have it."""

from __future__ import annotations

import pytest
from calls import KEY
from setups import BOTH, FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, Knot, PowerDNS

FAULTS = Faults()
UPDATES = '[account.{}]\nprovider = "rfc2136"\nnameserver = "{}"\ntsig_key = "hook"\ntsig_secret = "{}"\n'
HAS_NOT = "is not authoritative for example.org"


def accounts(site: Site, text: str) -> Account:
    site.write("config.toml", text, 0o600)
    return {"DNS01_PROVIDER": "", "DNS01_CONFIG": str(site.folder / "config.toml")}


def updates(**servers: str) -> str:
    return "".join(UPDATES.format(name, address, KEY.secret) for name, address in servers.items())


def given_to(*names: str, zone: str = "example.org") -> str:
    return f'[zone."{zone}"]\naccount = [{", ".join(f"{name!r}" for name in names)}]\n'


@FAULTS.add("token-lacks-zone", HAS_NOT, "the account lab has example.org", 'account = "lab"')
def the_zone_is_given_to_the_account_of_another(site: Site) -> Account:
    """go-acme/lego#140: what the account's server is for its own zones must not be changed."""
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.bind()
    return accounts(site, updates(own=FOUR, lab=ONE) + given_to("own"))


@FAULTS.add("token-lacks-zone", "the account lab has example.org", 'account = "lab"')
def the_other_account_is_a_knot(site: Site) -> Account:
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.start(Knot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return accounts(site, updates(own=FOUR, lab=ONE) + given_to("own"))


@FAULTS.add("token-lacks-zone", "the account api has example.org", 'account = "api"')
def the_other_account_is_one_of_powerdns_api(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    url = site.powerdns(server)["PDNS_API_URL"]
    api = f'[account.api]\nprovider = "powerdns"\nkey = "{server.api_key}"\nbase_url = "{url}"\n'
    return accounts(site, updates(own=FOUR) + api + given_to("own"))


@FAULTS.add("token-lacks-zone", "the account lab has example.org", 'account = "lab"')
def one_of_the_two_accounts_of_a_zone_lacks_it(site: Site) -> Account:
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.bind()
    return accounts(site, updates(own=FOUR, lab=ONE) + given_to("own", "lab"))


@FAULTS.add("provider-unreachable", "webserver-allow-from in pdns.conf")
def powerdns_does_not_let_this_machine_in(site: Site) -> Account:
    allowed = "webserver-allow-from=192.0.2.0/24\n"
    server = site.start(PowerDNS(ONE, {"example.org": ""}, extra_options=allowed))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.powerdns(server)


@FAULTS.add("token-lacks-zone", HAS_NOT, "nameserver in [account.own]")
def no_account_has_the_zone_nor_does_one_that_takes_any(site: Site) -> Account:
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.world.zone("example.org", BOTH)
    any = '[account.any]\nprovider = "httpreq"\nbase_url = "http://127.0.0.88:8053"\n'
    return accounts(site, updates(own=FOUR) + any + given_to("own"))


@FAULTS.add("cname-foreign", "have the account lab do it", '[zone."challenges.net"] account = "lab"')
def the_zone_of_the_cnames_target_is_given_to_the_account_of_another(site: Site) -> Account:
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.start(Bind(THREE, {"challenges.net": ""}, [KEY]))
    site.world.delegate("challenges.net", {"ns.challenges.net": THREE})
    site.world.zone("example.org", {"ns1.example.org": TWO}).set(NAME, "CNAME", "org.challenges.net.")
    return accounts(site, updates(own=FOUR, lab=THREE) + given_to("own", zone="challenges.net"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
