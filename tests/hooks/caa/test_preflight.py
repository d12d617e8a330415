"""CAA before anything is published: case 25 of the readiness cases, and what it costs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest
from calls import BOTH, NAME, Stage
from contract import validation
from testbed import TIME_LIMIT, Bind, Knot, NameServer, PowerDNS, World, Zone
from testbed.sockets import Transport

from dns01.errors import CaaForbids
from dns01.hooks.caa.evaluation import CaaRRset, CannotTell
from dns01.hooks.caa.issuers import Issuer
from dns01.hooks.caa.preflight import Lookups, preflight, records_at
from dns01.hooks.clients.call import Call
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.timing import Timing

LETSENCRYPT = Issuer(("letsencrypt.org",))
NS1 = "127.1.0.1"
A, B = validation("a"), validation("b")
APEX = ("example.org", "token-a", A)
WILDCARD = ("example.org", "token-b", B)  # dehydrated names both by the bare domain


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", {"ns1.example.org": NS1})
        yield world


def discovery(world: World, zone_query: float = 2) -> Discovery:
    return Discovery([Address(world.resolver.address)], timing=Timing(zone_query=zone_query))


def caa(world: World, name: str, *records: str) -> None:
    world.zones["example.org"].set(name, "CAA", *records)


def call(*domains: str, client: str = "dehydrated", owner: str = "") -> Call:
    challenges = tuple(Challenge(domain, "", validation(str(i)), owner) for i, domain in enumerate(domains))
    return Call(client, "publish", "publish", challenges)


def ask(world: World, *domains: str, altnames: str = "", client: str = "dehydrated", owner: str = "") -> None:
    made = call(*domains, client=client, owner=owner)._replace(identifiers=tuple(altnames.split()))
    names = {challenge.name for challenge in made.challenges}
    preflight(made, names, LETSENCRYPT, discovery(world), seconds=TIME_LIMIT)


def refusal(world: World, *domains: str, altnames: str = "") -> CaaForbids:
    with pytest.raises(CaaForbids) as caught:
        ask(world, *domains, altnames=altnames)
    return caught.value


# Where the records come from


def test_records_are_asked_of_authoritative_servers_alone(world: World) -> None:
    caa(world, "example.org", '0 issue "letsencrypt.org"')

    found = records_at(discovery(world), "example.org")

    assert (found.owner, [str(record) for record in found.records]) == (
        "example.org",
        ['0 issue "letsencrypt.org"'],
    )
    assert not [each for each in world.resolver.questions if "example.org" in each.name]


def test_a_name_that_does_not_exist_has_none(world: World) -> None:
    assert records_at(discovery(world), "nowhere.example.org") == CaaRRset("nowhere.example.org")


def test_a_cname_into_another_zone_is_followed(world: World) -> None:
    world.zone("example.net", {"ns.example.net": "127.2.0.1"}, 'cdn CAA 0 issue "sectigo.com"')
    world.zones["example.org"].set("www.example.org", "CNAME", "cdn.example.net.")

    assert records_at(discovery(world), "www.example.org").owner == "cdn.example.net"


def test_beneath_a_dname_the_name_that_it_makes_is_followed(world: World) -> None:
    world.zone("example.net", {"ns.example.net": "127.2.0.1"}, 'www CAA 0 issue "sectigo.com"')
    soa = "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.3.0.1\n"
    with Bind("127.3.0.1", {"alias.org": soa + "sub DNAME example.net."}):
        world.delegate("alias.org", {"ns.alias.org": "127.3.0.1"})

        assert records_at(discovery(world), "www.sub.alias.org").owner == "www.example.net"
        assert records_at(discovery(world), "sub.alias.org").records == ()


def test_cnames_that_go_round_in_a_circle_have_no_end(world: World) -> None:
    world.zones["example.org"].set("a.example.org", "CNAME", "b.example.org.")
    world.zones["example.org"].set("b.example.org", "CNAME", "a.example.org.")

    with pytest.raises(CannotTell, match=r": a\.example\.org -> b\.example\.org -> a\.example\.org$"):
        records_at(discovery(world), "a.example.org")


# Case 25: CAA forbids / issuewild only / critical unknown tag / SERVFAIL


def test_25_caa_that_names_another_ca_forbids_and_the_hint_is_the_record_to_add(world: World) -> None:
    caa(world, "example.org", '0 issue "sectigo.com"')

    error = refusal(world, "example.org", "www.example.org", altnames="example.org www.example.org")

    assert str(error).startswith("the CA would refuse example.org, www.example.org: ")
    assert "sectigo.com" in str(error)
    assert error.hint.endswith('example.org. CAA 0 issue "letsencrypt.org"')


def test_25_issuewild_alone_forbids_by_the_kind_of_name(world: World) -> None:
    caa(world, "example.org", '0 issuewild ";"')

    ask(world, "example.org", altnames="example.org")
    error = refusal(world, "example.org", altnames="*.example.org")

    assert " *.example.org: " in str(error)
    assert error.hint.endswith('example.org. CAA 0 issuewild "letsencrypt.org"')


def test_25_a_critical_property_that_nobody_knows_forbids(world: World) -> None:
    caa(world, "example.org", '0 issue "letsencrypt.org"', '128 tbs "Unknown"')

    assert refusal(world, "www.example.org").hint.endswith(' example.org. CAA 128 tbs "Unknown"')


def test_25_a_server_failure_is_warned_about(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.servers[NS1].rcodes["example.org", "CAA"] = "SERVFAIL"

    ask(world, "www.example.org", altnames="www.example.org")

    said = capfd.readouterr().err
    assert said.startswith(" ! the CA may refuse www.example.org: ")
    assert f"({NS1}: SERVFAIL)" in said
    assert "dig CAA example.org" in said


def test_25_servers_that_fail_for_every_name_are_warned_about_in_a_few_lines(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    names = [f"host{number}.example.org" for number in range(10)]
    for name in names:
        world.servers[NS1].rcodes[name, "CAA"] = "SERVFAIL"

    ask(world, *names, altnames=" ".join(names))

    warnings = [line for line in capfd.readouterr().err.splitlines() if line.startswith(" ! ")]
    assert len(warnings) == 4
    assert warnings[-1] == " ! and 7 more names or groups of them, for reasons of that kind"


# What the certificate is for


def test_a_domain_with_two_challenges_is_for_its_wildcard_as_well(world: World) -> None:
    caa(world, "example.org", '0 issuewild ";"')

    assert " *.example.org: " in str(refusal(world, "example.org", "example.org"))


def test_where_only_one_kind_of_name_is_forbidden_and_the_kind_unknown_it_is_a_warning(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    caa(world, "example.org", '0 issuewild ";"')

    ask(world, "example.org", client="uacme")

    assert re.match(r" ! .* \*\.example\.org: ", capfd.readouterr().err)


def test_where_both_kinds_are_forbidden_the_kind_need_not_be_known(world: World) -> None:
    caa(world, "example.org", '0 issue ";"')

    with pytest.raises(CaaForbids, match=r"example\.org, \*\.example\.org"):
        ask(world, "example.org", client="uacme")


def test_an_owner_name_that_may_be_a_cname_s_target_is_only_warned_about(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    caa(world, "example.org", '0 issue ";"')

    ask(world, "example.org", client="lego", owner="_acme-challenge.example.org.")

    assert re.match(r" ! .* example\.org, \*\.example\.org: ", capfd.readouterr().err)


def test_only_the_names_that_are_wanted_are_asked_about(world: World) -> None:
    caa(world, "example.org", '0 issue ";"')

    preflight(call("example.org"), {"_acme-challenge.other.test"}, LETSENCRYPT, discovery(world))

    assert not world.servers[NS1].asked("example.org", "CAA")


def test_a_certificate_s_other_names_are_the_affair_of_other_calls(world: World) -> None:
    caa(world, "www.example.org", '0 issue ";"')

    ask(world, "example.org", altnames="example.org www.example.org")


# What it costs


def test_a_hundred_names_are_asked_about_once_each_and_so_is_what_they_have_in_common(world: World) -> None:
    caa(world, "example.org", '0 issue "letsencrypt.org"')
    names = [f"host{number}.example.org" for number in range(100)]

    ask(world, *names, altnames=" ".join(names))

    questions = [each for each in world.servers[NS1].questions if each.type == "CAA"]
    assert {each.name for each in questions} == {"example.org", *names}
    assert len(questions) < 2 * len(names)  # a busy machine's datagrams are sent again


def test_a_silent_server_costs_no_more_than_the_time_that_is_given(world: World) -> None:
    world.servers[NS1].silent = True

    began = time.monotonic()
    lookups = Lookups(discovery(world, zone_query=TIME_LIMIT), ["www.example.org"], seconds=0.1)

    with pytest.raises(CannotTell, match=r"there was no answer within 0\.1 s"):
        lookups("www.example.org")
    assert time.monotonic() - began < TIME_LIMIT / 2


# Whole calls


def test_a_call_that_caa_forbids_publishes_nothing(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH, text='@ CAA 0 issue "sectigo.com"') as stage:
        serial = stage.bind.ask("example.org", "SOA").answer[0][0].serial

        said = stage.client(DNS01_CA="letsencrypt")("deploy_challenge", *APEX, altnames="example.org")

        assert said.code == CaaForbids.exit_code
        assert re.search(r"^dns01: .* example\.org: ", said.stderr, re.MULTILINE)
        assert re.search(
            r'^   -> .*: example\.org\. CAA 0 issue "letsencrypt\.org"$', said.stderr, re.MULTILINE
        )
        assert "publishing" not in said.stderr
        assert stage.bind.ask("example.org", "SOA").answer[0][0].serial == serial
        assert stage.journal() == []
        (trail,) = stage.trail()
        assert list(trail["steps"]) == ["discover", "caa"]
        assert (trail["outcome"], trail["published"]) == ("failed", [])


def test_the_record_of_the_hint_mends_it(tmp_path: Path) -> None:
    records = '@ CAA 0 issue "sectigo.com"\nexample.org. CAA 0 issue "letsencrypt.org"'
    with Stage(tmp_path, text=records) as stage:
        said = stage.client(DNS01_CA="letsencrypt")("deploy_challenge", *APEX, *WILDCARD)

        assert said.code == 0
        assert "!" not in said.stderr
        assert stage.bind.txt(NAME) == {A, B}
        assert "caa" in stage.trail()[0]["steps"]


def test_dehydrated_s_own_config_names_the_ca(tmp_path: Path) -> None:
    (tmp_path / "config").write_text('CA="zerossl"\n')
    with Stage(tmp_path, text='@ CAA 0 issue "letsencrypt.org"') as stage:
        said = stage.client(CONFIG=str(tmp_path / "config"))("deploy_challenge", *APEX)

        assert said.code == CaaForbids.exit_code
        assert 'example.org. CAA 0 issue "sectigo.com"' in said.stderr


def test_the_same_records_are_nothing_to_a_ca_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "config").write_text('CA="https://127.0.0.1:14000/dir"\n')
    with Stage(tmp_path, text='@ CAA 0 issue "letsencrypt.org"') as stage:
        said = stage.client(CONFIG=str(tmp_path / "config"))("deploy_challenge", *APEX)

        assert said.code == 0
        assert "CAA" not in said.stderr


# Servers that the configuration names (private zones)

INSIDE = "127.3.0.1"
SOMEBODYS_OWN = Issuer(("ca.corp.internal",))
FORBIDS = '@ CAA 0 issue "sectigo.com"\n'


class Forwarder(NameServer):
    """Has its own zones; of all else it answers as a resolver does, without authority."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response is not None and response.rcode() == dns.rcode.REFUSED:
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.flags |= dns.flags.RA
        return response


class Choosy(NameServer):
    """Lets what is about none of its zones vanish."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        return None if response is not None and response.rcode() == dns.rcode.REFUSED else response


def ask_inside(domain: str, issuer: Issuer, zone_query: float = 2) -> None:
    """Of the servers that the configuration names, as a phase does it."""
    inside = Discovery(
        [], [Server(INSIDE, (Address(INSIDE),))], timing=Timing(datagram=0.5, zone_query=zone_query)
    )
    made = call(domain)
    inside.find(made.challenges[0].name)
    preflight(made, {made.challenges[0].name}, issuer, inside, seconds=5)


@pytest.mark.parametrize("domain", ["corp.internal", "www.corp.internal", "*.corp.internal"])
def test_25_servers_that_are_named_are_asked_for_their_zone_s_records(domain: str) -> None:
    with Bind(INSIDE, {"corp.internal": FORBIDS}), pytest.raises(CaaForbids, match=r"sectigo\.com issue"):
        ask_inside(domain, LETSENCRYPT)


def test_25_a_ca_of_ones_own_need_not_hold_by_them(capsys: pytest.CaptureFixture[str]) -> None:
    with Bind(INSIDE, {"corp.internal": FORBIDS}):
        ask_inside("www.corp.internal", SOMEBODYS_OWN)

    said = capsys.readouterr().err
    assert re.match(r" ! .* www\.corp\.internal, .* corp\.internal .*\bsectigo\.com\b", said)
    assert 'corp.internal. CAA 0 issue "ca.corp.internal"' in said


@pytest.mark.parametrize("kind", [Bind, Knot, PowerDNS, Forwarder, Choosy])
def test_25_what_is_above_their_zones_is_nobody_s(
    kind: type[Bind] | type[NameServer], capsys: pytest.CaptureFixture[str]
) -> None:
    zones = {"dev.corp.internal": ""}
    inside = (
        kind(INSIDE, zones=[Zone("dev.corp.internal", "", {"ns1.dev.corp.internal": INSIDE})])
        if issubclass(kind, NameServer)
        else kind(INSIDE, zones)
    )
    with inside:
        ask_inside("www.dev.corp.internal", LETSENCRYPT, zone_query=1)
        assert capsys.readouterr().err == ""


def test_25_a_parent_on_the_same_servers_is_heeded() -> None:
    zones = {"corp.internal": FORBIDS, "dev.corp.internal": ""}
    with Bind(INSIDE, zones), pytest.raises(CaaForbids, match=r" corp\.internal .*\bsectigo\.com\b"):
        ask_inside("www.dev.corp.internal", LETSENCRYPT)


def test_25_an_error_of_theirs_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    zone = Zone("corp.internal", "", {"ns1.corp.internal": INSIDE})
    with NameServer(INSIDE, zones=[zone]) as server:
        server.rcodes["corp.internal", "CAA"] = "SERVFAIL"
        ask_inside("corp.internal", LETSENCRYPT)
    assert re.match(r" ! .* corp\.internal, .*SERVFAIL", capsys.readouterr().err)


def test_25_a_call_asks_the_servers_that_are_named(tmp_path: Path) -> None:
    with Stage(tmp_path, text=FORBIDS) as stage:
        named = {"DNS01_NAMESERVERS": "127.1.0.1"}
        refused = stage.client(DNS01_CA="letsencrypt", **named)("deploy_challenge", *APEX)
        warned = stage.client(DNS01_CA="ca.corp.internal", **named)("deploy_challenge", *APEX)

        assert (refused.code, warned.code) == (CaaForbids.exit_code, 0)
        assert re.search(r"^dns01: .* example\.org, \*\.example\.org: ", refused.stderr, re.MULTILINE)
        assert re.search(r"^ ! .* example\.org, \*\.example\.org: ", warned.stderr, re.MULTILINE)
