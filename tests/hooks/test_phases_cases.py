"""The readiness cases that need a whole call, by their numbers.

example.org lives on a BIND and is found through a root, a TLD and referrals on loopback.
"""

from __future__ import annotations

import re
import signal
from itertools import count
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.update
import pytest
from calls import BOTH, KEY, NAME, PRIMARY, PRIMARY_ONLY, SECONDARY, Stage, until
from contract import validation
from testbed import TIME_LIMIT, NameServer, Unbound, World, Zone
from testbed.client import ask, values
from testbed.sockets import Transport

from dns01 import Challenge, published
from dns01.providers.memory import RECORDS

A, B = validation("a"), validation("b")
APEX = ("example.org", "token-a", A)
WILDCARD = ("example.org", "token-b", B)  # dehydrated names both by the bare domain
AT_ONCE = 20  # seconds at most, where a record's TTL of 60 s is not waited out
CHILD = "@ SOA ns1.example.org. hostmaster.example.org. 1 3600 600 86400 60\n@ NS ns1.example.org."


def test_17_of_parent_and_delegated_zone_at_one_provider_the_delegated_one_gets_the_record(
    tmp_path: Path,
) -> None:
    with Stage(tmp_path, text="_acme-challenge NS ns1", zones={NAME: CHILD}) as stage:
        assert stage.client()("deploy_challenge", *APEX).code == 0

        assert stage.journal()[0]["zone"] == NAME
        assert stage.bind.txt(NAME) == {A}


def test_19_no_resolver_hears_of_the_name_before_every_server_has_it(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH, minimum=3600) as stage:
        stage.hold()
        call = stage.client().start("deploy_challenge", *APEX)
        until(lambda: stage.followers[SECONDARY].asked(NAME, "TXT"))
        assert not [question for question in stage.world.resolver.questions if "example.org" in question.name]

        stage.hold(False)

        assert call.end().code == 0
        assert [question.type for question in stage.world.resolver.questions if question.name == NAME] == [
            "TXT"
        ]
        assert values(ask(NAME, "TXT", stage.world.resolver.address)) == [f'"{A}"']


def test_22_and_23_the_hidden_primary_has_it_and_the_secondaries_of_parent_and_zone_not_yet(
    tmp_path: Path,
) -> None:
    one, two, three = (f"ns{number}.example.org" for number in (2, 3, 4))
    with Stage(
        tmp_path, {one: "127.1.0.2", two: "127.1.0.3"}, parent_ns={two: "127.1.0.3", three: "127.1.0.4"}
    ) as stage:
        for follower in stage.followers.values():
            follower.held = True
        call = stage.client().start("deploy_challenge", *APEX)
        call.says(f"waiting for {one}, {two}, {three}")
        until(lambda: stage.bind.txt(NAME) == {A})

        for follower in stage.followers.values():
            until(lambda follower=follower: len(follower.asked(NAME, "TXT")) > 1)  # type: ignore[misc]
            assert "ready" not in call.stderr
            follower.held = False

        assert call.end().code == 0


def test_26_two_processes_publish_at_one_name_and_each_removes_its_own(stage: Stage) -> None:
    clients = {validation(word): stage.client(DNS01_TTL="1") for word in ("a", "b", "c", "d")}

    calls = [
        client.start("deploy_challenge", "example.org", "token", value) for value, client in clients.items()
    ]
    assert [call.end().code for call in calls] == [0, 0, 0, 0]
    left = set(clients)
    assert stage.bind.txt(NAME) == left

    for value, client in clients.items():
        assert client("clean_challenge", "example.org", "token", value).code == 0
        left.remove(value)
        assert stage.bind.txt(NAME) == left


def test_27_a_foreign_txt_at_the_name_keeps_its_value_and_its_ttl(tmp_path: Path) -> None:
    with Stage(tmp_path, text='_acme-challenge 1234 TXT "somebody-else-s"') as stage:
        client = stage.client()

        client("deploy_challenge", *APEX)
        assert stage.bind.txt(NAME) == {A, "somebody-else-s"}
        client("clean_challenge", *APEX)

        assert stage.bind.txt(NAME) == {"somebody-else-s"}
        assert stage.bind.ask(NAME, "TXT").answer[0].ttl == 1234


def test_28_after_a_sigkill_in_the_wait_the_next_sweep_removes_the_orphan_and_only_that(pair: Stage) -> None:
    living, dying = pair.client(), pair.client()
    living("deploy_challenge", *APEX)
    pair.hold()
    call = dying.start("deploy_challenge", *WILDCARD)
    call.says("waiting for")
    call.send(signal.SIGKILL)
    dying.kill()
    assert pair.bind.txt(NAME) == {A, B}

    said = pair.client()("startup_hook")

    assert said.code == 0
    assert pair.bind.txt(NAME) == {A}
    assert [entry["value"] for entry in pair.journal()] == [A]


def test_28_what_a_killed_hook_of_a_living_client_left_is_not_swept(pair: Stage) -> None:
    pair.hold()
    client = pair.client()
    call = client.start("deploy_challenge", *APEX)
    call.says("waiting for")
    call.send(signal.SIGKILL)
    call.end()

    pair.client()("startup_hook")

    assert pair.bind.txt(NAME) == {A}


def test_28_after_a_kill_at_any_instant_a_sweep_leaves_nothing(stage: Stage) -> None:
    for instant in count(1):
        client = stage.client(DNS01_SETTLE="0")
        client.under = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=fsync,rename,sendto"]
        client.under += ["-e", f"inject=fsync,rename,sendto:signal=KILL:when={instant}"]
        said = client("deploy_challenge", *APEX)
        client.kill()

        assert stage.client()("startup_hook").code == 0
        assert stage.bind.txt(NAME) == set()
        assert stage.journal() == []
        if said.code == 0:
            break
        assert said.code == 128 + signal.SIGKILL
    assert instant > 5


def test_45_a_value_that_another_writer_removes_during_the_wait_is_published_again(pair: Stage) -> None:
    pair.hold()
    call = pair.client().start("deploy_challenge", *APEX)
    call.says("still waiting for ns2.example.org\n")  # so the primary has shown it

    theirs = dns.update.UpdateMessage("example.org.", keyring=KEY.tsig)
    theirs.replace(f"{NAME}.", 60, "TXT", '"of another writer"')
    assert dns.query.tcp(theirs, PRIMARY, timeout=TIME_LIMIT).rcode() == dns.rcode.NOERROR
    call.says(f"published {NAME} again")
    pair.hold(False)

    assert call.end().code == 0
    assert pair.bind.txt(NAME) == {A, "of another writer"}


def test_46_when_the_client_dies_during_the_wait_the_hook_takes_back_and_ends(pair: Stage) -> None:
    pair.hold()
    client = pair.client()
    call = client.start("deploy_challenge", *APEX)
    call.says("waiting for")

    client.kill()

    call.says("dns01: the ACME client ended")
    until(lambda: pair.bind.txt(NAME) == set())
    until(lambda: pair.journal() == [])
    assert pair.trail()[-1]["outcome"] == "failed"


def test_29_a_time_out_takes_the_record_back_shows_every_server_and_fails(pair: Stage) -> None:
    pair.hold()

    said = pair.client()("deploy_challenge", *APEX, DNS01_TIMEOUT="2")

    assert said.code == 8
    assert pair.bind.txt(NAME) == set()
    assert pair.journal() == []
    assert re.search(rf"{NAME}\n +ns1\.example\.org  {PRIMARY}  has it +since", said.stderr)
    assert f"  ns2.example.org  {SECONDARY}  does not have it yet  since " in said.stderr
    assert re.search(rf"dns01: after \d+ s not every name server has {NAME}", said.stderr)
    assert f"dig TXT {NAME} +norec @{SECONDARY};" in said.stderr
    assert pair.trail()[-1]["outcome"] == "failed"


def test_30_cleaning_what_is_not_there_is_no_failure(stage: Stage) -> None:
    said = stage.client()("clean_challenge", *APEX)

    assert said.code == 0
    assert said.stderr == " + nothing to take back for example.org\n"


NAMES = ("example.org", "www.example.org", "mail.example.org")


def certbot(domain: str, remaining: int, **others: str) -> dict[str, str]:
    """The environment of one of three auth calls."""
    return {
        "CERTBOT_DOMAIN": domain,
        "CERTBOT_VALIDATION": validation(domain),
        "CERTBOT_ALL_DOMAINS": ",".join(NAMES),
        "CERTBOT_REMAINING_CHALLENGES": str(remaining),
        **others,
    }


def test_32_certbot_with_three_names_publishes_once_and_waits_once_for_all_of_them(pair: Stage) -> None:
    client = pair.client("certbot")
    pair.hold()

    for remaining, domain in ((2, NAMES[0]), (1, NAMES[1])):
        said = client("certbot", "auth", **certbot(domain, remaining))
        assert (said.code, said.stdout, said.stderr) == (0, "", "")
        assert pair.journal() == []
    call = client.start("certbot", "auth", **certbot(NAMES[2], 0))
    for name in NAMES:
        until(lambda name=name: pair.followers[SECONDARY].asked(f"_acme-challenge.{name}", "TXT"))  # type: ignore[misc]
    pair.hold(False)

    assert call.end().code == 0
    for remaining, domain in zip((2, 1, 0), NAMES, strict=True):
        assert all(pair.bind.txt(f"_acme-challenge.{name}") for name in NAMES)
        assert client("certbot", "cleanup", **certbot(domain, remaining), CERTBOT_AUTH_OUTPUT="").code == 0
    assert pair.journal() == []
    assert not any(pair.bind.txt(f"_acme-challenge.{name}") for name in NAMES)
    assert list((pair.state / "intents").iterdir()) == []


@pytest.mark.parametrize("bad", [0, 1, 2], ids=["the first", "one in the middle", "the last"])
def test_32_a_name_that_fails_is_named_in_the_last_call_and_keeps_none_of_the_others(
    pair: Stage, bad: int
) -> None:
    client = pair.client("certbot")
    names = [*NAMES[:bad], "nowhere.org", *NAMES[bad:2]]
    everything = {"CERTBOT_ALL_DOMAINS": ",".join(names)}
    for remaining, name in ((2, names[0]), (1, names[1])):
        client("certbot", "auth", **certbot(name, remaining, **everything))

    said = client("certbot", "auth", **certbot(names[2], 0, **everything))

    assert said.code != 0
    assert re.search(r"^dns01: .*nowhere\.org ", said.stderr, re.MULTILINE)
    assert "ready after" in said.stdout
    assert "not published: nowhere.org" in said.stderr
    assert pair.trail()[-1]["error"].startswith("DelegationError: _acme-challenge.nowhere.org ")
    for name in NAMES[:2]:
        assert pair.bind.txt(f"_acme-challenge.{name}") == {validation(name)}  # certbot cleans up


def test_32_a_challenge_of_http_01_is_not_ours_and_may_be_the_last_of_the_run(stage: Stage) -> None:
    client = stage.client("certbot")
    names = {"CERTBOT_ALL_DOMAINS": f"{NAMES[0]},{NAMES[1]}"}
    http = {"CERTBOT_TOKEN": "token", "CERTBOT_VALIDATION": "token.thumbprint"}
    client("certbot", "auth", **certbot(NAMES[0], 1, **names))

    said = client("certbot", "auth", **certbot(NAMES[1], 0, **names, **http))

    assert said.code == 0
    assert stage.bind.txt(NAME) == {validation(NAMES[0])}
    client("certbot", "cleanup", **certbot(NAMES[0], 1, **names), CERTBOT_AUTH_OUTPUT="")
    said = client("certbot", "cleanup", **certbot(NAMES[1], 0, **names, **http), CERTBOT_AUTH_OUTPUT="")
    assert said.code == 0
    assert stage.bind.txt(NAME) == set()


@pytest.mark.parametrize("where", [0, 1], ids=["first", "in the middle"])
def test_32_a_challenge_of_http_01_before_others_is_not_missed(stage: Stage, where: int) -> None:
    client = stage.client("certbot")
    for remaining, name in ((2, NAMES[0]), (1, NAMES[1])):
        http = {"CERTBOT_TOKEN": "token", "CERTBOT_VALIDATION": "token.thumbprint"}
        client("certbot", "auth", **certbot(name, remaining, **(http if name == NAMES[where] else {})))

    said = client("certbot", "auth", **certbot(NAMES[2], 0))

    assert (said.code, said.stderr) == (0, "")
    for name in NAMES:
        seen = stage.bind.txt(f"_acme-challenge.{name}")
        assert seen == (set() if name == NAMES[where] else {validation(name)})


def test_32_what_fails_of_one_cause_is_said_once_and_every_name_is_named(stage: Stage) -> None:
    client = stage.client("certbot", RFC2136_TSIG_SECRET="d3Jvbmc=")
    for remaining, name in ((2, NAMES[0]), (1, NAMES[1])):
        client("certbot", "auth", **certbot(name, remaining))

    said = client("certbot", "auth", **certbot(NAMES[2], 0))

    assert said.stderr.count("BADSIG") == 1
    assert f"not published: {', '.join(NAMES)}" in said.stderr
    assert stage.trail()[-1]["error"].count("BADSIG") == 1


@pytest.mark.parametrize("asked", [NAMES[:1], NAMES[:2]], ids=["alone", "after one that was not noted"])
def test_32_a_single_name_that_fails_has_its_reason_said_and_in_the_trail(
    stage: Stage, asked: list[str]
) -> None:
    client = stage.client("certbot", RFC2136_TSIG_SECRET="d3Jvbmc=")
    everything = {"CERTBOT_ALL_DOMAINS": ",".join(asked)}

    said = client("certbot", "auth", **certbot(asked[0], 0, **everything))

    assert said.code == 1
    assert said.stderr.count("BADSIG") == 1
    assert f": {', '.join(asked)}" in said.stderr
    assert "BADSIG" in stage.trail()[-1]["error"]


@pytest.mark.parametrize("names", [["nowhere.org"], [NAMES[0], "nowhere.org"]], ids=["alone", "of two"])
def test_32_a_name_that_is_nowhere_is_in_the_trail_with_its_reason(stage: Stage, names: list[str]) -> None:
    client = stage.client("certbot")
    everything = {"CERTBOT_ALL_DOMAINS": ",".join(names)}
    for remaining, name in reversed(list(enumerate(reversed(names)))):
        client("certbot", "auth", **certbot(name, remaining, **everything))

    assert "DelegationError: _acme-challenge.nowhere.org " in stage.trail()[-1]["error"]


@pytest.mark.parametrize("name", ["bücher.example.org", "WWW.Example.ORG", '"quoted".example.org'])
def test_32_a_name_in_the_middle_is_checked_and_published_however_it_is_written(
    stage: Stage, name: str
) -> None:
    client = stage.client("certbot")
    names = {"CERTBOT_ALL_DOMAINS": f"{NAMES[0]},{name},{NAMES[2]}"}
    client("certbot", "auth", **certbot(NAMES[0], 2, **names))

    middle = client("certbot", "auth", **certbot(name, 1, **names))
    last = client("certbot", "auth", **certbot(NAMES[2], 0, **names))

    if name.startswith('"'):
        assert (middle.code, last.code) == (2, 1)
        assert repr(name) in middle.stderr
        assert f": {name};" in last.stderr
    else:
        assert (middle.code, middle.stdout, middle.stderr, last.code) == (0, "", "", 0)
        owner = f"_acme-challenge.{name.lower().encode('idna').decode()}"
        assert stage.bind.txt(owner) == {validation(name)}
    assert stage.bind.txt(NAME) == {validation(NAMES[0])}


def test_32_nothing_but_http_01_is_told_to_use_dns01(stage: Stage) -> None:
    http = {"CERTBOT_TOKEN": "token", "CERTBOT_VALIDATION": "token.thumbprint"}
    said = stage.client("certbot")("certbot", "auth", **certbot(NAMES[0], 0, **http))
    assert said.code == 2
    assert "--preferred-challenges" in said.stderr


def test_32_a_configuration_that_is_wrong_is_said_by_the_first_call(stage: Stage) -> None:
    said = stage.client("certbot")("certbot", "auth", **certbot(NAMES[0], 2, DNS01_PROVIDER="rfc2137"))
    assert said.code == 3
    assert " rfc2136?" in said.stderr


def test_32_hooks_that_are_swapped_are_told_so(stage: Stage) -> None:
    for remaining in (1, 0):
        said = stage.client("certbot")("certbot", "cleanup", **certbot(NAMES[0], remaining))
        assert said.code == 2
        assert "certbot runs `dns01 certbot cleanup` as its auth hook: nothing was published\n" in said.stderr
        assert "--manual-auth-hook" in said.stderr


def test_32_an_auth_hook_given_as_cleanup_hook_too_is_told_so(stage: Stage) -> None:
    client = stage.client("certbot")
    both = {"CERTBOT_ALL_DOMAINS": ",".join(NAMES[:2])}
    for name, remaining in ((NAMES[0], 1), (NAMES[1], 0)):
        assert client("certbot", "auth", **certbot(name, remaining, **both)).code == 0

    both["CERTBOT_AUTH_OUTPUT"] = " + published"
    for name, remaining in ((NAMES[0], 1), (NAMES[1], 0)):
        said = client("certbot", "auth", **certbot(name, remaining, **both))

    assert said.code == 2
    assert "certbot runs `dns01 certbot auth` as its cleanup hook: nothing was taken back\n" in said.stderr
    assert "--manual-cleanup-hook" in said.stderr


def test_32_the_output_of_the_certificate_before_is_no_sign_of_that(stage: Stage) -> None:
    """certbot leaves it in the environment of all that it runs later."""
    client = stage.client("certbot")
    for name in NAMES[:2]:
        before = {"CERTBOT_ALL_DOMAINS": name, "CERTBOT_AUTH_OUTPUT": " + published"}
        assert client("certbot", "auth", **certbot(name, 0, **before)).code == 0


def test_32_what_never_comes_to_its_last_call_leaves_nothing(stage: Stage) -> None:
    dying = stage.client("certbot")
    dying("certbot", "auth", **certbot(NAMES[0], 2))
    dying("certbot", "auth", **certbot(NAMES[1], 1))
    dying.kill()
    client = stage.client("certbot")
    only = {"CERTBOT_ALL_DOMAINS": NAMES[2]}

    assert client("certbot", "auth", **certbot(NAMES[2], 0, **only)).code == 0

    assert stage.bind.txt(NAME) == set()
    assert list((stage.state / "intents").iterdir()) == []


def test_32_progress_goes_to_stdout_and_problems_to_stderr(stage: Stage) -> None:
    said = stage.client("certbot")("certbot", "auth", **certbot(NAMES[0], 0, CERTBOT_ALL_DOMAINS=NAMES[0]))
    assert (said.code, said.stderr) == (0, "")
    assert " + ready after " in said.stdout


def test_32_the_environment_of_an_earlier_certificate_does_not_confuse_the_next(stage: Stage) -> None:
    client = stage.client("certbot")
    leaked = {
        "CERTBOT_AUTH_OUTPUT": "",
        "RENEWED_LINEAGE": "/etc/letsencrypt/live/earlier",
        "RENEWED_DOMAINS": "x.org",
    }

    said = client("certbot", "auth", **certbot(NAMES[0], 0, CERTBOT_ALL_DOMAINS=NAMES[0]), **leaked)

    assert said.code == 0
    assert stage.bind.txt(NAME) == {validation(NAMES[0])}


def test_33_hook_chain_publishes_apex_and_wildcard_at_one_name_and_waits_once(stage: Stage) -> None:
    client = stage.client()

    said = client("deploy_challenge", *APEX, *WILDCARD)

    assert said.code == 0
    assert stage.bind.txt(NAME) == {A, B}
    assert said.stderr.count("waiting for") == 1
    assert client("clean_challenge", *APEX, *WILDCARD).code == 0
    assert stage.bind.txt(NAME) == set()


def test_34_a_second_order_waits_until_a_ca_has_forgotten_the_first_one_s_record(stage: Stage) -> None:
    client = stage.client(DNS01_TTL="2")
    client("deploy_challenge", *APEX)
    client("clean_challenge", *APEX)

    said = client("deploy_challenge", *WILDCARD)

    assert said.code == 0
    words = "the CA may still remember the record of another order"
    assert re.search(rf"^ \+ waiting \d s more: {words}$", said.stderr, re.MULTILINE)
    assert said.seconds > 1.5


def test_34_what_was_never_ready_no_ca_remembers(pair: Stage) -> None:
    client = pair.client()
    pair.hold()
    assert client("deploy_challenge", *APEX, DNS01_TIMEOUT="0.5").code == 8
    pair.hold(False)

    said = client("deploy_challenge", *APEX)

    assert said.code == 0
    assert pair.trail()[-1]["steps"]["settle"] < AT_ONCE


def test_34_the_wildcard_after_the_apex_of_one_order_does_not_wait(stage: Stage) -> None:
    client = stage.client()

    client("deploy_challenge", *APEX)
    said = client("deploy_challenge", *WILDCARD)

    assert said.code == 0
    assert stage.trail()[-1]["steps"]["settle"] < AT_ONCE
    assert stage.bind.txt(NAME) == {A, B}


class MemoryServer(NameServer):
    """A name server of example.org, which the memory provider of this process feeds."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        for record in list(RECORDS["example.org"].values()):
            self.zone("example.org").set(record.name, "TXT", record.value)
        return super().answer(query, over)


def test_35_a_stale_child_zone_in_the_account_that_is_not_delegated_is_left_alone(tmp_path: Path) -> None:
    environ = {
        "DNS01_PROVIDER": "memory",
        "DNS01_MEMORY_ZONES": "example.org, sub.example.org",
        "DNS01_TIMEOUT": "5",
    }
    with World() as world, MemoryServer(PRIMARY, zones=[Zone("example.org", "", PRIMARY_ONLY)]):
        world.delegate("example.org", PRIMARY_ONLY)
        environ |= {"DNS01_RESOLVERS": world.resolver.address, "DNS01_STATE_DIR": str(tmp_path)}

        with published([Challenge("sub.example.org", "", A)], environ):
            assert [record.value for record in RECORDS["example.org"].values()] == [A]
            assert not RECORDS["sub.example.org"]


def test_36_a_validating_resolver_with_aggressive_nsec_says_yes_at_once_for_a_domain_without_records(
    tmp_path: Path,
) -> None:
    name = "_acme-challenge.internal.example.org"
    with Stage(tmp_path, minimum=3600, bind_options="dnssec-policy default;") as stage:
        (key,) = until(lambda: values(stage.bind.ask("example.org", "DNSKEY")))
        options = f"""module-config: "validator iterator"
            trust-anchor: "example.org. DNSKEY {key}"
            aggressive-nsec: yes"""
        with Unbound("127.0.0.54", root_hints=stage.world.root_hints, extra_options=options) as resolver:
            said = stage.client(DNS01_RESOLVERS=resolver.address)(
                "deploy_challenge", "internal.example.org", "token", A
            )

            assert (said.code, "!" in said.stderr) == (0, False)
            query = dns.message.make_query(name, "TXT", want_dnssec=True)
            answer = dns.query.udp(query, resolver.address, timeout=TIME_LIMIT)
            assert f'"{A}"' in values(answer)
            assert answer.flags & dns.flags.AD  # it does validate


def test_37_an_ipv6_address_that_swallows_everything_costs_nothing(tmp_path: Path) -> None:
    hole = "fd53::e1"
    with Stage(tmp_path, {"ns1.example.org": [PRIMARY, hole]}) as stage:
        stage.followers[hole].silent = True

        said = stage.client(DNS01_READINESS="authoritative", DNS01_PATIENCE="120")("deploy_challenge", *APEX)

        assert said.code == 0
        assert stage.followers[hole].asked(NAME, "TXT")
        assert said.seconds < 120
