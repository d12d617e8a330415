"""The account names its server by a host, which leads to another machine than it should, or to several."""

from __future__ import annotations

import socket

import pytest
from calls import KEY
from setups import BOTH, FOUR, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, Knot, NameServer

FAULTS = Faults()
HOST = "update.example.org"
TEXT = (
    "@ SOA ns1 hostmaster {serial} 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
)
# What this machine's resolver says of HOST, in each set-up.
HERE = dict[str, list[str]]()


def at(*addresses: str) -> dict[str, list[str]]:
    return {HOST: [*addresses]}


def primaries(site: Site, **serials: int) -> None:
    """A Knot and a BIND that take updates, and the public servers with what the first of them has."""
    first, second = serials.values()
    site.start(Knot(THREE, {"example.org": TEXT.format(serial=first)}, [KEY]))
    site.start(Bind(FOUR, {"example.org": TEXT.format(serial=second)}, [KEY]))
    site.world.zone("example.org", BOTH, TEXT.format(serial=first))


@FAULTS.add("account-host-uneven", f"{FOUR} has serial 3", f"RFC2136_NAMESERVER is to be {THREE}")
def a_retired_machine_is_left_among_the_addresses(site: Site) -> Account:
    HERE.update(at(FOUR, THREE))
    primaries(site, knot=9, bind=3)
    return site.updates(HOST)


@FAULTS.add("account-host-uneven", f"{FOUR} has serial 3", f"take {FOUR} out of the addresses of {HOST}")
def a_retired_machine_comes_after_the_primary(site: Site) -> Account:
    HERE.update(at(THREE, FOUR))
    primaries(site, knot=9, bind=3)
    return site.updates(HOST)


@FAULTS.add("account-host-uneven", f"{FOUR} has no such zone")
def one_of_the_machines_does_not_have_the_zone(site: Site) -> Account:
    HERE.update(at(THREE, FOUR))
    site.start(Knot(THREE, {"example.org": TEXT.format(serial=9)}, [KEY]))
    site.start(NameServer(FOUR))
    site.world.zone("example.org", BOTH, TEXT.format(serial=9))
    return site.updates(HOST)


@FAULTS.add("account-host-elsewhere", f"{HOST}, where", f"is {THREE} to", f"is to be {ONE}")
def the_resolver_of_this_machine_leads_to_an_inside_primary(site: Site) -> Account:
    HERE.update(at(THREE))
    inside = "@ SOA dc1 hostmaster 777 3600 600 86400 60\n@ NS dc1\ndc1 A 127.1.0.3\n"
    site.start(Bind(THREE, {"example.org": inside}, [KEY]))
    site.world.zone("example.org", BOTH, f"{TEXT.format(serial=9)}update A {ONE}\n")
    return site.updates(HOST)


@FAULTS.add("account-host-elsewhere", f"is to be {ONE}", "getent hosts update.example.org")
def an_inside_primary_has_the_names_of_the_public_ones(site: Site) -> Account:
    HERE.update(at(THREE))
    inside = TEXT.replace(ONE, THREE).replace(TWO, FOUR).format(serial=7)
    site.start(Knot(THREE, {"example.org": f"{inside}update A {THREE}\n"}, [KEY]))
    site.world.zone("example.org", BOTH, f"{TEXT.format(serial=9)}update A {ONE}\n")
    return site.updates(HOST)


@pytest.fixture(autouse=True)
def resolved_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's resolver knows the host."""
    usual = socket.getaddrinfo

    def resolve(host: str, port: int | str | None, *args: int, **kwargs: int) -> list[tuple[object, ...]]:
        return [each for known in HERE.get(host, [host]) for each in usual(known, port, *args, **kwargs)]

    HERE.clear()
    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


def test_two_addresses_of_one_machine_are_no_fault(site: Site) -> None:
    HERE.update(at(THREE, FOUR))
    site.start(Knot(THREE, {"example.org": TEXT.format(serial=9)}, [KEY]))
    site.start(Knot(FOUR, {"example.org": TEXT.format(serial=9)}, [KEY]))
    site.world.zone("example.org", BOTH, TEXT.format(serial=9))

    assert site.diagnose("example.org", site.updates(HOST)).ordered == []
