"""What public resolvers are believed, and DNSSEC, by the errors of a resolver that validates.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.edns
import dns.message
import pytest
from calls import NAME, Stage
from contract import validation
from signed import SignedBind
from testbed import NameServer, Unbound, World, Zone
from testbed.sockets import Transport

from dns01.errors import NotReady
from dns01.hooks.challenge.readiness.public_resolvers import ask_resolvers
from dns01.hooks.dns.address import Address

SIGNED = "127.1.0.1"
WANTED = {NAME: frozenset({"new"})}
TEXT = '_acme-challenge TXT "new"'


@contextmanager
def validating(world: World, anchor: str, *, errors: bool = True) -> Iterator[Address]:
    """A resolver that trusts this DS or DNSKEY of example.org."""
    options = f"""module-config: "validator iterator"
        trust-anchor: "example.org. {anchor}"
        aggressive-nsec: yes
        {"ede: yes" if errors else ""}"""
    with Unbound("127.0.0.54", root_hints=world.root_hints, extra_options=options) as resolver:
        yield Address(resolver.address)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.delegate("example.org", {"ns.example.org": SIGNED})
        yield world


def another(ds: str) -> str:
    """The DS of a key that nobody has."""
    *fields, digest = ds.split(maxsplit=3)
    return " ".join([*fields, digest.replace(" ", "").translate(str.maketrans("0123456789", "1234567890"))])


def test_24_a_zone_that_is_well_signed_is_validated_and_seen(world: World, tmp_path: Path) -> None:
    with (
        SignedBind(tmp_path / "keys", SIGNED, {"example.org": TEXT}) as bind,
        validating(world, f"DS {bind.ds[0]}") as resolver,
    ):
        assert ask_resolvers(WANTED, [resolver], strict=True) == []


@pytest.mark.parametrize("strict", [True, False])
def test_24_a_ds_of_another_key_fails_with_the_resolver_s_own_words(
    world: World, tmp_path: Path, strict: bool
) -> None:
    with (
        SignedBind(tmp_path / "keys", SIGNED, {"example.org": TEXT}) as bind,
        validating(world, f"DS {another(bind.ds[0])}") as resolver,
        pytest.raises(NotReady, match=rf"^127\.0\.0\.54 answers SERVFAIL, EDE .* for {NAME}$") as caught,
    ):
        ask_resolvers(WANTED, [resolver], strict=strict)
    assert caught.value.hint == (
        "DNSSEC is broken there, and a CA would refuse as well: mend DS, DNSKEY and signatures "
        f"(`delv {NAME} TXT` shows which; until then, have the DS taken from the parent zone)"
    )


@pytest.mark.parametrize(
    ("days", "spoil"),
    [pytest.param(-0.5, ("", ""), id="expired"), pytest.param(29, ('"new"', '"neu"'), id="changed after it")],
)
def test_24_signatures_that_do_not_hold_fail(
    world: World, tmp_path: Path, days: float, spoil: tuple[str, str]
) -> None:
    with (
        SignedBind(tmp_path / "keys", SIGNED, {"example.org": TEXT}, days=days, spoil=spoil) as bind,
        validating(world, f"DS {bind.ds[0]}") as resolver,
        pytest.raises(NotReady, match=r"SERVFAIL, EDE (6|7|9|10) \("),
    ):
        ask_resolvers(WANTED, [resolver])


def test_24_a_resolver_without_extended_errors_gives_it_away_when_told_not_to_validate(
    world: World, tmp_path: Path
) -> None:
    with (
        SignedBind(tmp_path / "keys", SIGNED, {"example.org": TEXT}) as bind,
        validating(world, f"DS {another(bind.ds[0])}", errors=False) as resolver,
        pytest.raises(NotReady, match=r"answers SERVFAIL for .*, but not if it is told not to validate"),
    ):
        ask_resolvers(WANTED, [resolver])


def test_a_resolver_that_fails_whether_it_validates_or_not_is_only_warned_about() -> None:
    with NameServer("127.0.0.55", zones=[Zone("example.org")]) as resolver:
        resolver.rcode = "SERVFAIL"
        complaints = ask_resolvers(WANTED, [Address(resolver.address)])
    (complaint,) = complaints
    assert complaint.startswith("127.0.0.55 ")
    assert "SERVFAIL" in complaint


@pytest.mark.parametrize("readiness", ["public", "strict"])
def test_24_an_order_in_a_zone_whose_dnssec_is_broken_fails_and_leaves_nothing(
    tmp_path: Path, readiness: str
) -> None:
    with Stage(tmp_path, bind_options="dnssec-policy default;") as stage:
        with validating(stage.world, "DS 1 13 2 " + 64 * "0") as resolver:
            client = stage.client(DNS01_RESOLVERS=f"{resolver}", DNS01_READINESS=readiness)
            said = client("deploy_challenge", "example.org", "token", validation("a"))

        assert said.code == 8
        assert re.search(r"^dns01: 127\.0\.0\.54 .* EDE 9 ", said.stderr, re.MULTILINE)
        assert "(`delv _acme-challenge.example.org TXT` " in said.stderr
        assert stage.bind.txt(NAME) == set()


class Explaining(NameServer):
    """A resolver that gives Extended DNS Errors."""

    errors: tuple[tuple[int, str | None], ...] = ()

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        assert response is not None
        response.use_edns(0, options=[dns.edns.EDEOption(code, text) for code, text in self.errors])
        response.set_rcode(dns.rcode.SERVFAIL)
        return response


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (((22, "at example.org"),), "SERVFAIL, EDE 22 (No Reachable Authority): at example.org"),
        (((999, "in\nhouse"), (0, None)), r"SERVFAIL, EDE 999: in\010house; EDE 0 (Other)"),
    ],
)
def test_errors_that_are_not_about_dnssec_are_shown_by_their_text(
    errors: tuple[tuple[int, str | None], ...], said: str
) -> None:
    with Explaining("127.0.0.55", zones=[Zone("example.org")]) as resolver:
        resolver.errors = errors
        assert ask_resolvers(WANTED, [Address(resolver.address)]) == [f"127.0.0.55 answers {said} for {NAME}"]


def test_a_no_that_never_becomes_a_yes_is_not_waited_out() -> None:
    with NameServer("127.0.0.55", zones=[Zone("example.org")]) as resolver:
        complaints = ask_resolvers(
            WANTED, [Address(resolver.address)], view=lambda who, name: f"{who} has its own view of {name}"
        )
    assert complaints == [f"127.0.0.55 has its own view of {NAME}"]
    assert len(resolver.questions) == 1
