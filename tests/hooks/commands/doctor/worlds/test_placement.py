"""Faults of the first kind: what the account writes to is not what the world reads."""

from __future__ import annotations

import subprocess

import pytest
from calls import KEY, until
from fakes.digitalocean import DigitalOcean
from fakes.powerdns import PowerDNS as PowerDNSApi
from setups import (
    BOTH,
    FOUR,
    NAME,
    ONE,
    THREE,
    TWO,
    Account,
    Fault,
    Faults,
    RawBind,
    Site,
    check_fault,
)
from testbed import Bind, Key, Knot, NameServer, PowerDNS, Zone
from testbed.process import is_listening

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
OTHER = Key("inside", "hmac-sha256", KEY.secret)
SOA = "@ SOA {mname} hostmaster {serial} 3600 600 86400 60"
MOVED = (
    "@ SOA ns1.newhost.net. hostmaster.newhost.net. 7 3600 600 86400 60\n"
    "@ NS ns1.newhost.net.\n@ NS ns2.newhost.net."
)
PARKED = "@ SOA ns1.parking.net. hostmaster.parking.net. 1 3600 600 86400 60\n@ NS ns1.parking.net.\n"


def moved(site: Site) -> None:
    """example.org lives at another hoster now."""
    hosts = {"ns1.newhost.net": THREE, "ns2.newhost.net": FOUR}
    site.world.zone("newhost.net", hosts)
    site.world.zone("example.org", hosts, MOVED)


@FAULTS.add("account-elsewhere", "ns1.newhost.net", ONE)
def the_old_server_still_has_a_domain_that_moved(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    moved(site)
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", "ns1.newhost.net")
def the_old_knot_still_has_a_domain_that_moved(site: Site) -> Account:
    site.start(Knot(ONE, {"example.org": ""}, [KEY]))
    moved(site)
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", "ns1.newhost.net", "ns.example.org")
def powerdns_still_has_a_domain_that_moved(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    moved(site)
    return site.powerdns(server)


@FAULTS.add("account-elsewhere", "ns1.newhost.net", "ns1.hoster.example")
def an_api_still_has_a_domain_that_moved(site: Site) -> Account:
    moved(site)
    api = site.start(DigitalOcean(["example.org"]))
    return {"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": api.token, "DO_API_URL": api.url}


@FAULTS.add("account-elsewhere", f"ns.example.org ({ONE})", f"ns.example.org ({TWO})", f"old copy ({ONE})")
def the_old_server_has_the_same_names_at_its_own_address(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    site.start(Knot(TWO, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": TWO})
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", f"ns1.example.org ({THREE})", f"ns2.example.org ({TWO})")
def the_old_server_has_two_vanity_names_at_addresses_of_its_own(site: Site) -> Account:
    text = SOA.format(mname="ns1", serial=5) + "\n@ NS ns1\n@ NS ns2\n"
    site.start(Bind(THREE, {"example.org": f"{text}ns1 A {THREE}\nns2 A {FOUR}\n"}, [KEY]))
    site.world.zone("example.org", BOTH, f"{text}ns1 A {ONE}\nns2 A {TWO}\n")
    return site.updates(THREE)


VANITY = SOA.format(mname="ns1", serial=5) + "\n@ NS ns1\n@ NS ns2\n"
ELSEWHERE = f"ns1.example.org ({THREE})", f"ns1.example.org ({ONE})", "use an account there"


def moved_with_its_vanity_names(site: Site, serial: int) -> str:
    """The world has it at ONE and TWO; gives what the old hoster has of it."""
    site.world.zone("example.org", BOTH, f"{VANITY.replace(' 5 ', f' {serial} ')}ns1 A {ONE}\nns2 A {TWO}\n")
    return f"{VANITY}ns1 A {THREE}\nns2 A {FOUR}\n"


@FAULTS.add("account-elsewhere", *ELSEWHERE, "serial 5; ", "delete the old copy (powerdns)")
def powerdns_has_the_old_copy_under_the_same_names(site: Site) -> Account:
    return site.powerdns(site.start(PowerDNS(THREE, {"example.org": moved_with_its_vanity_names(site, 5)})))


@FAULTS.add("account-elsewhere", *ELSEWHERE, "serial 77")
def powerdns_has_an_older_copy_under_the_same_names(site: Site) -> Account:
    return site.powerdns(site.start(PowerDNS(THREE, {"example.org": moved_with_its_vanity_names(site, 77)})))


@FAULTS.add("account-elsewhere", *ELSEWHERE, "serial 77")
def the_old_server_has_an_older_copy_under_the_same_names(site: Site) -> Account:
    site.start(Bind(THREE, {"example.org": moved_with_its_vanity_names(site, 77)}, [KEY]))
    return site.updates(THREE)


@FAULTS.add("account-elsewhere", f"ns.example.org ({THREE})", f"ns.example.org ({ONE})", "serial 77")
def the_old_server_has_an_older_copy_under_its_only_name(site: Site) -> Account:
    text = "@ SOA ns hostmaster {} 3600 600 86400 60\n@ NS ns\nns A {}\n"
    site.start(Knot(THREE, {"example.org": text.format(5, THREE)}, [KEY]))
    site.world.zone("example.org", {"ns.example.org": ONE}, text.format(77, ONE))
    return site.updates(THREE)


@FAULTS.add("serial-went-back", "above 77")
def a_primary_that_was_set_up_anew_at_another_address(site: Site) -> Account:
    old = moved_with_its_vanity_names(site, 77).replace(FOUR, TWO)
    site.start(Bind(THREE, {"example.org": old}, [KEY]))
    return site.updates(THREE)


@FAULTS.add("glue-differs", f"to: {THREE}", f"has moved to {ONE}, use an account there")
def the_accounts_copy_under_the_same_names_is_newer(site: Site) -> Account:
    return site.powerdns(site.start(PowerDNS(THREE, {"example.org": moved_with_its_vanity_names(site, 3)})))


@FAULTS.add("account-elsewhere", "registrar")
def the_registrar_has_parking_servers_only(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    site.world.zone("parking.net", {"ns1.parking.net": THREE})
    site.world.zone("example.org", {"ns1.parking.net": THREE}, PARKED + "* A 192.0.2.99")
    return site.updates(ONE)


@FAULTS.add("foreign-copy", "ns1.parking.net", "registrar")
def one_of_the_delegated_servers_is_the_registrars_parking(site: Site) -> Account:
    site.world.zone("parking.net", {"ns1.parking.net": THREE})
    site.bind()
    site.world.servers[THREE].serve(Zone("example.org", PARKED))
    site.world.delegate("example.org", {"ns.example.org": ONE, "ns1.parking.net": THREE})
    return site.updates(ONE)


@FAULTS.add("foreign-copy", "ns2.parking.net")
def parking_with_an_api_that_says_nothing(site: Site) -> Account:
    site.world.zone("parking.net", {"ns2.parking.net": THREE})
    site.world.zone("example.org", BOTH)
    site.copy(
        FOUR, "@ SOA ns2.parking.net. hostmaster.parking.net. 1 3600 600 86400 60\n@ NS ns2.parking.net.", {}
    )
    site.world.zones["parking.net"].set_addresses({"ns2.parking.net": FOUR})
    site.world.delegate("example.org", {**BOTH, "ns2.parking.net": FOUR})
    return {}


@FAULTS.add("foreign-copy", "these stay: ns1.example.org", "come in: ns2.example.org")
def one_of_the_servers_was_forgotten_at_the_registrar(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.zone("old.net", {"ns2.old.net": THREE})
    former = (
        "@ SOA ns1.old.net. hostmaster.old.net. 1 3600 600 86400 60\n@ NS ns1.old.net.\n@ NS ns2.old.net."
    )
    site.world.servers[THREE].serve(Zone("example.org", former))
    site.world.delegate("example.org", {"ns1.example.org": ONE, "ns2.old.net": THREE})
    return {}


@FAULTS.add("two-primaries", "ns2.example.org")
def two_primaries_each_with_its_own_serial(site: Site) -> Account:
    hosts = "@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
    for address, mname, serial in ((ONE, "ns1", 10), (TWO, "ns2", 10)):
        site.start(
            Bind(address, {"example.org": SOA.format(mname=mname, serial=serial) + "\n" + hosts}, [KEY])
        )
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("two-primaries", "ns2.example.org")
def two_primaries_of_which_the_other_has_counted_on(site: Site) -> Account:
    hosts = "@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
    for address, mname, serial in ((ONE, "ns1", 10), (TWO, "ns2", 25)):
        site.start(
            Knot(address, {"example.org": SOA.format(mname=mname, serial=serial) + "\n" + hosts}, [KEY])
        )
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


VIEWS = """
view "inside" {
    match-clients { key "hook"; };
    zone "example.org" { type primary; file "INNER"; allow-update { key "hook"; }; };
};
view "outside" { match-clients { any; }; zone "example.org" { type primary; file "{example.org}"; }; };
"""


@FAULTS.add("account-view", "view")
def the_key_leads_into_a_view_that_the_world_does_not_see(site: Site) -> Account:
    inner = site.folder / "inner.zone"
    inner.write_text("$TTL 60\n@ SOA ns hostmaster 90 3600 600 86400 60\n@ NS ns\nns A 127.1.0.1\n")
    outer = SOA.format(mname="ns", serial=5) + "\n@ NS ns\nns A 127.1.0.1\n"
    site.start(RawBind(ONE, [VIEWS.replace("INNER", str(inner))], {"example.org": outer}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", ONE)
def an_inside_server_has_a_zone_of_the_same_name(site: Site) -> Account:
    site.start(
        Bind(ONE, {"example.org": SOA.format(mname="dc1", serial=400) + "\n@ NS dc1\ndc1 A 127.1.0.1"}, [KEY])
    )
    site.world.zone("example.org", {"ns1.example.org": THREE, "ns2.example.org": FOUR})
    return site.updates(ONE)


@FAULTS.add("stale-secondary", "ns1.example.org", "retransfer")
def a_hidden_primary_whose_secondaries_all_lag(site: Site) -> Account:
    head = "hidden A 127.1.0.9\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n@ NS ns1\n@ NS ns2"
    site.start(Bind("127.1.0.9", {"example.org": SOA.format(mname="hidden", serial=20) + "\n" + head}, [KEY]))
    site.world.zone("example.org", BOTH, SOA.format(mname="hidden", serial=7) + "\n" + head)
    return site.updates("127.1.0.9")


@FAULTS.add("zone-private", ONE, "nameservers", severity=Severity.NOTE)
def the_accounts_server_alone_has_the_zone_and_the_ca_is_in_the_same_network(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    return {**site.updates(ONE), "DNS01_CA": "https://ca.corp.internal/acme/acme/directory"}


@FAULTS.add("nameservers-useless", "REFUSED", "nameservers")
def nameservers_that_refuse(site: Site) -> Account:
    site.bind()
    site.start(Bind(TWO, {"example.net": ""}))
    return {**site.updates(ONE), "DNS01_NAMESERVERS": TWO}


@FAULTS.add("nameservers-useless", "nameservers")
def nameservers_that_are_silent(site: Site) -> Account:
    site.bind()
    site.copy(TWO, "").silent = True
    return {**site.updates(ONE), "DNS01_NAMESERVERS": TWO}


@FAULTS.add("nameservers-useless", "resolver")
def nameservers_that_are_a_resolver(site: Site) -> Account:
    site.bind()
    return {**site.updates(ONE), "DNS01_NAMESERVERS": site.world.resolver.address}


@FAULTS.add("stale-secondary", TWO)
def one_of_the_nameservers_is_behind(site: Site) -> Account:
    site.start(
        Bind(ONE, {"example.org": SOA.format(mname="ns1", serial=20) + "\n@ NS ns1\nns1 A 127.1.0.1"}, [KEY])
    )
    site.copy(TWO, SOA.format(mname="ns1", serial=7) + "\n@ NS ns1\nns1 A 127.1.0.1")
    site.world.delegate("example.org", {"ns1.example.org": ONE})
    return {**site.updates(ONE), "DNS01_NAMESERVERS": f"{ONE},{TWO}"}


@FAULTS.add("token-lacks-zone", "Slave", "pdnsutil set-kind example.org primary")
def powerdns_has_the_zone_as_a_secondary(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    subprocess.run(
        ["pdnsutil", f"--config-dir={server.folder}", "set-kind", "example.org", "slave"],
        check=True, capture_output=True,
    )  # fmt: skip
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.powerdns(server)


@FAULTS.add("update-refused", "rndc thaw example.org", "knotc zone-thaw example.org")
def bind_has_frozen_the_zone(site: Site) -> Account:
    site.start(FrozenBind(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


class FrozenBind(Bind):
    """BIND after ``rndc freeze``."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        conf = self.folder / "named.conf"
        secret = 'key "rndc" { algorithm hmac-sha256; secret "VGhlIHNlY3JldA=="; };\n'
        (self.folder / "rndc.key").write_text(secret)
        control = f'controls {{ inet {self.address} port 9953 allow {{ any; }} keys {{ "rndc"; }}; }};'
        conf.write_text(secret + conf.read_text().replace("controls { };", control))
        return command

    def is_ready(self) -> bool:
        rndc = ["rndc", "-s", self.address, "-p", "9953", "-k", str(self.folder / "rndc.key")]
        freeze = [*rndc, "freeze", "example.org"]
        return super().is_ready() and not subprocess.run(freeze, capture_output=True).returncode


@FAULTS.add("update-refused", "update-policy")
def the_key_may_not_update_the_zone(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY], extra_options=""))
    site.start(
        RawBind(
            TWO,
            ['zone "example.org" { type primary; file "{example.org}"; };'],
            {"example.org": "@ NS ns2\n@ SOA ns2 h 1 3600 600 86400 60\nns2 A 127.1.0.2"},
        )
    )
    site.world.delegate("example.org", {"ns2.example.org": TWO})
    return site.updates(TWO)


@FAULTS.add("update-refused", "update-policy", NAME)
def the_key_may_update_other_names_only(site: Site) -> Account:
    policy = (
        'zone "example.org" { type primary; file "{example.org}"; '
        "update-policy { grant hook name _acme-challenge.www.example.org. TXT; }; };"
    )
    site.start(
        RawBind(ONE, [policy], {"example.org": "@ NS ns\n@ SOA ns h 1 3600 600 86400 60\nns A 127.1.0.1"})
    )
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("update-refused", f"remove the CNAME of {NAME}: it leads to example.org itself")
def the_challenge_leads_to_the_apex(site: Site) -> Account:
    policy = (
        'zone "example.org" { type primary; file "{example.org}"; '
        "update-policy { grant hook name _acme-challenge.example.org. TXT; }; };"
    )
    text = "@ NS ns\n@ SOA ns h 1 3600 600 86400 60\nns A 127.1.0.1\n_acme-challenge CNAME @\n"
    site.start(RawBind(ONE, [policy], {"example.org": text}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("auth-rejected", "this machine's address, where it has any `address`")
def knot_lets_the_key_update_from_other_addresses_only(site: Site) -> Account:
    site.start(ElsewhereOnlyKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("update-refused", "acl")
def knot_lets_the_key_transfer_only(site: Site) -> Account:
    site.start(TransferOnlyKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("update-refused", "may not write TXT", "update-type, with TXT in it")
def knot_lets_the_key_update_addresses_only(site: Site) -> Account:
    site.start(AddressesOnlyKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("update-refused", "the server takes no updates", "dnsupdate=yes in pdns.conf, without which")
def powerdns_takes_no_updates(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    key = ["import-tsig-key", KEY.name, KEY.algorithm, KEY.secret]
    subprocess.run(["pdnsutil", f"--config-dir={server.folder}", *key], check=True, capture_output=True)
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def with_secondary(site: Site, *, kind: str, **meta: str) -> Account:
    """A PowerDNS at ONE, and at TWO what has a copy of its zone with the same serial."""
    text = f"{SOA.format(mname='ns1', serial=5)}\n@ NS ns1\n@ NS ns2\nns1 A {ONE}\nns2 A {TWO}\n"
    server = site.start(PowerDNS(ONE, {"example.org": text}))
    changes = [["set-kind", "example.org", kind]]
    changes += [["set-meta", "example.org", name.replace("_", "-"), value] for name, value in meta.items()]
    for change in changes:
        command = ["pdnsutil", f"--config-dir={server.folder}", *change]
        subprocess.run(command, check=True, capture_output=True)
    site.copy(TWO, text)
    site.world.delegate("example.org", BOTH)
    return site.powerdns(server)


@FAULTS.add("serial-stays", "leaves the serial", "pdnsutil set-meta example.org SOA-EDIT-API DEFAULT")
def a_change_by_powerdns_api_raises_no_serial(site: Site) -> Account:
    """acmesh-official/acme.sh#1825, #4374: its secondaries have never seen a challenge."""
    return with_secondary(site, kind="primary")


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        ("native", {}),  # one database
        ("primary", {"SOA_EDIT_API": "DEFAULT"}),
        ("primary", {"SOA_EDIT_API": "INCREASE"}),
        ("primary", {"SOA_EDIT_API": "SOA-EDIT-INCREASE"}),
        ("primary", {"SOA_EDIT": "EPOCH"}),
    ],
)
def test_a_serial_that_is_raised_is_healthy(site: Site, kind: str, meta: Account) -> None:
    found = site.diagnose("example.org", with_secondary(site, kind=kind, **meta)).ordered

    assert "serial-stays" not in {finding.code for finding in found}


def test_without_a_second_server_the_serial_is_nobodys(site: Site) -> None:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    kind = ["pdnsutil", f"--config-dir={server.folder}", "set-kind", "example.org", "primary"]
    subprocess.run(kind, check=True, capture_output=True)
    site.world.delegate("example.org", {"ns.example.org": ONE})

    found = site.diagnose("example.org", site.powerdns(server)).ordered

    assert "serial-stays" not in {finding.code for finding in found}


@FAULTS.add("update-refused", "pdnsutil add-meta example.org TSIG-ALLOW-DNSUPDATE", "ALLOW-DNSUPDATE-FROM")
def powerdns_lets_another_key_update(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}, extra_options="dnsupdate=yes\n"))
    pdnsutil = ["pdnsutil", f"--config-dir={server.folder}"]
    for command in (
        ["import-tsig-key", KEY.name, KEY.algorithm, KEY.secret],
        ["set-meta", "example.org", "TSIG-ALLOW-DNSUPDATE", "another"],
    ):
        subprocess.run([*pdnsutil, *command], check=True, capture_output=True)
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


class AddressesOnlyKnot(Knot):
    """Its key is one for dynamic addresses."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        limited = "action: [update, transfer]\n    update-type: [A, AAAA]"
        path.write_text(path.read_text().replace("action: [update, transfer]", limited))
        return command


class ElsewhereOnlyKnot(Knot):
    """Its key is for machines of another network."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        limited = "action: [update, transfer]\n    address: 10.0.0.0/8"
        path.write_text(path.read_text().replace("action: [update, transfer]", limited))
        return command


class TransferOnlyKnot(Knot):
    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        path.write_text(path.read_text().replace("[update, transfer]", "[transfer]"))
        return command


@FAULTS.add("update-fails", "not the primary", f"set RFC2136_NAMESERVER to {ONE}")
def the_account_names_a_secondary(site: Site) -> Account:
    hosts = "@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
    site.start(Bind(ONE, {"example.org": f"{SOA.format(mname='ns1', serial=5)}\n{hosts}"}, [KEY]))
    fetching = (
        f'zone "example.org" {{ type secondary; primaries {{ {ONE} key hook; }}; file "{{folder}}/copy"; }};'
    )
    secondary = site.start(RawBind(TWO, [fetching], {}))
    until(lambda: secondary.ask("example.org", "SOA").answer)
    site.world.delegate("example.org", BOTH)
    return site.updates(TWO)


@FAULTS.add("update-fails", "passes updates on", f"set RFC2136_NAMESERVER to {ONE}", "know the key hook")
def a_secondary_passes_updates_on_to_a_primary_that_does_not_know_the_key(site: Site) -> Account:
    hosts = "@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
    site.start(Bind(ONE, {"example.org": f"{SOA.format(mname='ns1', serial=5)}\n{hosts}"}, [OTHER]))
    key = f'key "{OTHER.name}" {{ algorithm {OTHER.algorithm}; secret "{OTHER.secret}"; }};'
    fetching = (
        f'zone "example.org" {{ type secondary; primaries {{ {ONE} key {OTHER.name}; }}; '
        'file "{folder}/copy"; allow-update-forwarding { any; }; };'
    )
    secondary = site.start(RawBind(TWO, [key, fetching], {}))
    until(lambda: secondary.ask("example.org", "SOA").answer)
    site.world.delegate("example.org", BOTH)
    return site.updates(TWO)


@FAULTS.add("auth-rejected", "BADSIG", "copy the secret")
def the_keys_secret_is_another(site: Site) -> Account:
    site.bind()
    return {**site.updates(ONE), "RFC2136_TSIG_SECRET": "d3Jvbmc="}


@FAULTS.add("auth-rejected", "(BADKEY)", "algorithm")
def the_keys_algorithm_is_another(site: Site) -> Account:
    site.start(Knot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return {**site.updates(ONE), "RFC2136_TSIG_ALGORITHM": "hmac-sha512"}


@FAULTS.add("update-fails", "dynamic updates", "RFC2136_NAMESERVER")
def the_server_knows_no_updates(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": ONE}


@FAULTS.add("secret-disguised", "byte order mark", "/key (RFC2136_TSIG_SECRET_FILE)")
def a_secret_behind_a_byte_order_mark(site: Site) -> Account:
    account = site.updates(ONE)
    site.bind()
    site.write("/key", f"\ufeff{account.pop('RFC2136_TSIG_SECRET')}\n", 0o600)
    return {**account, "RFC2136_TSIG_SECRET_FILE": str(site.folder / "key")}


@FAULTS.add("secret-disguised", "a whole line", "sed -i 's/^[^=:]*[=:]", "/key")
def a_secrets_file_that_holds_the_line_of_a_variable(site: Site) -> Account:
    account = site.updates(ONE)
    site.bind()
    site.write("/key", f"RFC2136_TSIG_SECRET={account.pop('RFC2136_TSIG_SECRET')}\n", 0o600)
    return {**account, "RFC2136_TSIG_SECRET_FILE": str(site.folder / "key")}


@FAULTS.add("auth-rejected", "DO_API_KEY is right")
def a_token_is_revoked_and_its_variable_is_the_second_that_will_do(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    api = site.start(DigitalOcean(["example.org"]))
    return {"DNS01_PROVIDER": "digitalocean", "DO_API_KEY": "a-revoked-0ne", "DO_API_URL": api.url}


@FAULTS.add("bad-configuration", "write DO_AUTH_TOKEN again: it has U+200B in it")
def a_token_has_a_letter_in_it_that_nobody_sees(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    api = site.start(DigitalOcean(["example.org"]))
    token = f"{api.token}\N{ZERO WIDTH SPACE}"
    return {"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": token, "DO_API_URL": api.url}


@FAULTS.add("provider-refuses", "has no server 'ns1'", "PDNS_SERVER_NAME is localhost")
def the_servers_id_at_powerdns_is_no_name_of_its_host(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    api = site.start(PowerDNSApi(["example.org"]))
    key = {"PDNS_API_KEY": api.token, "PDNS_API_URL": api.url, "PDNS_SERVER_NAME": "ns1"}
    return {"DNS01_PROVIDER": "powerdns", **key}


@FAULTS.add("secret-disguised", "quotation marks", "/api-key (PDNS_API_KEY_FILE)")
def a_secret_in_quotes(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    account = site.powerdns(server)
    site.write("api-key", f'"{account["PDNS_API_KEY"]}"', 0o600)
    return {**account, "PDNS_API_KEY": "", "PDNS_API_KEY_FILE": str(site.folder / "api-key")}


class UnloadedKnot(Knot):
    """Knot with a zone file that it cannot read."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        (self.folder / "example.org.zone").write_text("this is no zone\n")
        return command

    def is_ready(self) -> bool:
        return is_listening(self.address, self.port)


@FAULTS.add("zone-not-served", "has the zone example.org", "named-checkzone example.org FILE", "journal")
def binds_zone_does_not_load(site: Site) -> Account:
    broken = site.folder / "broken.zone"
    broken.write_text("this is no zone\n")
    clause = f'zone "example.org" {{ type primary; file "{broken}"; }};'
    site.start(RawBind(ONE, [clause], {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("zone-not-served", "kzonecheck -o example.org FILE")
def knots_zone_does_not_load(site: Site) -> Account:
    site.start(UnloadedKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("auth-rejected", "the key hook", "pdnsutil import-tsig-key hook", "dnsupdate=yes")
def powerdns_does_not_know_the_key(site: Site) -> Account:
    site.start(PowerDNS(ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


@FAULTS.add("provider-unreachable", "refused", "127.0.0.77")
def nobody_listens_where_the_api_should_be(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {"DNS01_PROVIDER": "powerdns", "PDNS_API_KEY": "k", "PDNS_API_URL": "http://127.0.0.77:8081"}


@FAULTS.add("provider-refuses", "speaks no TLS", "http://")
def the_api_is_asked_with_tls_and_has_none(site: Site) -> Account:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    account = site.powerdns(server)
    return {**account, "PDNS_API_URL": account["PDNS_API_URL"].replace("http:", "https:")}


def inside_alone(site: Site, apex: str) -> Account:
    """A zone at a server that no delegation leads to, and which the configuration names."""
    site.start(Bind(FOUR, {apex: ""}, [KEY]))
    site.world.zone("example.org", BOTH)
    return {**site.updates(FOUR), "DNS01_NAMESERVERS": FOUR}


@FAULTS.add(
    "zone-inside",
    "as ns1.example.org, ns2.example.org have it",
    "_acme-challenge.app.corp.example.org. CNAME",
    "corp.example.org. NS HOST.",
    domain="app.corp.example.org",
)
def a_public_ca_is_to_issue_for_a_zone_that_the_world_does_not_have(site: Site) -> Account:
    return inside_alone(site, "corp.example.org")


@FAULTS.add("zone-inside", f"({FOUR}) alone", domain="corp.example.org")
def a_public_ca_is_to_issue_for_the_apex_of_such_a_zone(site: Site) -> Account:
    return inside_alone(site, "corp.example.org")


@FAULTS.add("zone-inside", "the world has no such zone", "`ca`", domain="app.corp.internal")
def a_public_ca_is_to_issue_for_a_name_of_no_registry(site: Site) -> Account:
    return inside_alone(site, "corp.internal")


@FAULTS.add("token-lacks-zone", "it is a resolver", "RFC2136_NAMESERVER")
def the_account_names_a_resolver(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": site.world.resolver.address}


@FAULTS.add("cname-foreign", f"lacks its final dot: {NAME}. CNAME example.acme.net.")
def the_cname_lacks_its_final_dot(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "example.acme.net.example.org.")
    site.world.zone("acme.net", {"ns.acme.net": FOUR})
    return {"DNS01_MEMORY_ZONES": "acme.net"}


@FAULTS.add("wrong-zone", "acme.challenges.net. NS HOST")
def the_zone_of_the_cnames_target_is_not_delegated(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "org.acme.challenges.net.")
    site.world.zone("challenges.net", {"ns.challenges.net": THREE})
    return {"DNS01_MEMORY_ZONES": "acme.challenges.net"}


@FAULTS.add("wrong-zone", "to 127.1.0.4: in the zone", "acme.challenges.net. NS HOST")
def the_zone_of_the_cnames_target_is_at_the_accounts_server_alone(site: Site) -> Account:
    site.start(Bind(FOUR, {"acme.challenges.net": ""}, [KEY]))
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "org.acme.challenges.net.")
    site.world.zone("challenges.net", {"ns.challenges.net": THREE})
    return site.updates(FOUR)


@FAULTS.add("wrong-zone", "the account two", "to 127.1.0.4: in the zone")
def the_second_of_two_accounts_has_the_undelegated_zone_of_the_cnames_target(site: Site) -> Account:
    site.start(Bind(FOUR, {"acme.challenges.net": ""}, [KEY]))
    site.start(Bind("127.1.0.5", {"example.net": ""}, [KEY]))
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "org.acme.challenges.net.")
    site.world.zone("challenges.net", {"ns.challenges.net": THREE})
    account = '[account.{}]\nprovider = "rfc2136"\nnameserver = "{}"\ntsig_key = "hook"\ntsig_secret = "{}"\n'
    accounts = account.format("one", "127.1.0.5", KEY.secret) + account.format("two", FOUR, KEY.secret)
    site.write("config.toml", f'{accounts}[zone."challenges.net"]\naccount = ["one", "two"]\n', 0o600)
    return {"DNS01_PROVIDER": "", "DNS01_CONFIG": str(site.folder / "config.toml")}


@FAULTS.add("wrong-zone", "deep.acme.challenges.net. NS HOST")
def the_target_is_the_apex_of_a_zone_that_is_not_delegated(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "deep.acme.challenges.net.")
    site.world.zone("challenges.net", {"ns.challenges.net": THREE})
    return {"DNS01_MEMORY_ZONES": "deep.acme.challenges.net"}


def child_alone(site: Site) -> Account:
    """The account's server has a child of example.org that nobody delegates, and not example.org."""
    site.world.zone("example.org", BOTH)
    site.start(Bind(FOUR, {"dev.example.org": ""}, [KEY]))
    return site.updates(FOUR)


FAULTS.add("wrong-zone", "dev.example.org. NS HOST", domain="app.dev.example.org")(child_alone)


def test_a_child_that_a_ca_of_ones_own_sees_at_the_accounts_server_is_no_fault(site: Site) -> None:
    account = {**child_alone(site), "DNS01_CA": "https://ca.internal/acme/directory"}

    found = site.diagnose("app.dev.example.org", account).ordered

    assert not {each.code for each in found} & {"wrong-zone", "token-lacks-zone"}


def acme_dns(site: Site, **more: str) -> Account:
    return {
        "DNS01_PROVIDER": "acmedns", "ACME_DNS_API_BASE": "http://127.0.0.88:8053",
        "ACME_DNS_USERNAME": "u", "ACME_DNS_PASSWORD": "p", "ACME_DNS_SUBDOMAIN": "d420c923", **more,
    }  # fmt: skip


@FAULTS.add("wrong-zone", "acmedns.net does not delegate auth.acmedns.net", "acmedns.net. NS HOST")
def the_zone_of_acme_dns_has_an_address_and_is_not_delegated(site: Site) -> Account:
    site.world.zone("acmedns.net", {"ns.acmedns.net": FOUR}).set("auth.acmedns.net", "A", "192.0.2.8")
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "d420c923.auth.acmedns.net.")
    return acme_dns(site)


@FAULTS.add("cname-foreign", "no account reaches the zone challenges.net")
def of_two_accounts_one_lacks_the_zone_and_the_other_takes_any(site: Site) -> Account:
    site.start(Bind(FOUR, {"example.net": ""}, [KEY]))
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "org.acme.challenges.net.")
    site.world.zone("challenges.net", {"ns.challenges.net": THREE})
    one = f'[account.one]\nprovider = "rfc2136"\nnameserver = "{FOUR}"\n'
    two = '[account.two]\nprovider = "httpreq"\nbase_url = "http://127.0.0.88:8053"\n'
    site.write("config.toml", f'{one}{two}[zone."challenges.net"]\naccount = ["one", "two"]\n', 0o600)
    return {"DNS01_PROVIDER": "", "DNS01_CONFIG": str(site.folder / "config.toml")}


@FAULTS.add("acmedns-cname-missing", f"{NAME}. CNAME d420c923.")
def acme_dns_without_the_cname(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return acme_dns(site)


@FAULTS.add("acmedns-cname-wrong", f"{NAME}. CNAME d420c923.auth.acmedns.net.")
def acme_dns_with_the_cname_of_another_account(site: Site) -> Account:
    site.world.zone("auth.acmedns.net", {"ns.acmedns.net": FOUR}, delegated=False)
    site.world.delegate("auth.acmedns.net", {"ns.acmedns.net": FOUR})
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "0ther.auth.acmedns.net.")
    return acme_dns(site)


def two_acme_dns(site: Site, at_the_api: str, public: str) -> Account:
    """The one whose API is used, at 127.0.0.88, and the one that the world is led to."""
    zone = "auth.acmedns.net"
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", f"d420c923.{zone}.")
    site.start(NameServer("127.0.0.88", zones=[Zone(zone, at_the_api, {"ns.acmedns.net": FOUR})]))
    site.start(NameServer(FOUR, zones=[Zone(zone, public, {"ns.acmedns.net": FOUR})]))
    site.world.delegate(zone, {"ns.acmedns.net": FOUR})
    return acme_dns(site)


@FAULTS.add(
    "acmedns-elsewhere", f"led to ns.acmedns.net ({FOUR})", "give ns.acmedns.net the address 127.0.0.88"
)
def acme_dns_has_moved_and_its_zone_has_not(site: Site) -> Account:
    return two_acme_dns(site, "d420c923 TXT last\n", "")


@FAULTS.add("acmedns-elsewhere", "127.0.0.88")
def acme_dns_has_moved_and_the_old_one_has_an_empty_name(site: Site) -> Account:
    return two_acme_dns(site, "d420c923 TXT last\n", 'd420c923 TXT ""\n')


@pytest.mark.parametrize(
    ("at_the_api", "public"),
    [("", ""), ("d420c923 TXT last\n", "d420c923 TXT last\n"), ("", "d420c923 TXT last\n")],
)
def test_an_acme_dns_behind_its_api_is_not_said_to_have_moved(
    site: Site, at_the_api: str, public: str
) -> None:
    found = site.diagnose("example.org", two_acme_dns(site, at_the_api, public)).ordered

    assert "acmedns-elsewhere" not in {each.code for each in found}


@FAULTS.add("not-delegated-here", f"{NAME}. NS host.example.org.", "zone example.org")
def nothing_leads_to_the_embedded_server(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return site.embedded()


@FAULTS.add("not-delegated-here", "acme.example.org. NS host.example.org.")
def a_cname_whose_target_is_not_delegated_to_the_embedded_server(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "acme.example.org.")
    return site.embedded()


@FAULTS.add("wrong-zone", "sub.example.org")
def the_account_has_the_parent_of_a_delegated_child(site: Site) -> Account:
    site.bind()
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, delegated=False)
    child = "sub NS ns.sub\nns.sub A 127.1.0.3\n"
    site.start(
        Bind(TWO, {"example.org": f"@ NS ns\n@ SOA ns h 1 3600 600 86400 60\nns A 127.1.0.2\n{child}"}, [KEY])
    )
    site.world.delegate("example.org", {"ns.example.org": TWO})
    return site.updates(TWO)


FAULTS[-1] = FAULTS[-1]._replace(domain="sub.example.org")


@FAULTS.add("token-lacks-zone", "example.org")
def the_account_has_other_zones(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {"DNS01_MEMORY_ZONES": "example.net"}


def test_a_port_that_is_taken_is_one_finding(site: Site) -> None:
    site.world.zone("example.org", {"ns1.example.org": ONE}).set(NAME, "NS", "host.example.org.")
    site.world.zones["example.org"].set_addresses({"host.example.org": site.host})
    site.start(NameServer(site.host))

    (finding,) = site.diagnose("example.org", site.embedded()).ordered

    assert finding.code == "server-does-not-start"
    assert "port 53" in finding.message


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
