"""What one value of the configuration may be, and how another is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dns01.errors import ConfigError
from dns01.hooks.config import validators
from dns01.hooks.config.validators import term

PROVIDERS_OWN = "times are in seconds; without it, the provider's own holds"
SPELLINGS = "for example 192.0.2.53, 192.0.2.53:5353, 2001:db8::53 or [2001:db8::53]:5353"
LIST = 'write ["192.0.2.53", "[2001:db8::53]:5353"]'


@pytest.mark.parametrize(
    ("check", "message", "hint"),
    [
        (lambda: term("ttl", 0), "0 is not a whole number from 1 to 2147483647", PROVIDERS_OWN),
        (
            lambda: term("timeout", "9"),
            "'9' is not a number from 0 to 3000",
            "write it as a number, without quotes: timeout = 9",
        ),
        (
            lambda: validators.readiness("sure"),
            "'sure' is no readiness",
            "it is one of: authoritative, public, strict, resolvers",
        ),
        (
            lambda: validators.cname_rule("some"),
            "'some' is no rule for CNAMEs",
            "follow (also those that a wildcard makes) or ignore (publish at the name itself)",
        ),
        (lambda: validators.addresses([]), "[] is no list of addresses", LIST),
        (lambda: validators.addresses("192.0.2.1"), "'192.0.2.1' is no list of addresses", LIST),
        (
            lambda: validators.addresses(["ns.example"]),
            "'ns.example' is not an IP address, with a port or without",
            SPELLINGS,
        ),
        (
            lambda: validators.endpoints(["http://192.0.2.1"]),
            "['http://192.0.2.1'] is no list of https:// URLs",
            'write ["https://192.0.2.53/dns-query"]',
        ),
        (
            lambda: validators.account_names([]),
            "the list has no account in it",
            'write account = "NAME", or ["NAME", "OTHER"]',
        ),
        (
            lambda: validators.account_names(["web", "mail", "web"]),
            "the account 'web' stands there 2 times",
            "write each account once",
        ),
        (
            lambda: validators.apex("*.example.org"),
            "a zone has no *",
            "example.org stands for all that is beneath it as well",
        ),
        (
            lambda: validators.apex("example..org"),
            "the name of a zone has no empty label",
            "take out the superfluous dot",
        ),
        (
            lambda: validators.apex("https://example.org/"),
            "no zone has such a name: letters, digits, - and _, 63 at most between two dots",
            'write the name alone: [zone."example.org"]',
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    check: Callable[[], object], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        check()
    assert (str(refusal.value), refusal.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ttl", 1.5),
        ("ttl", True),
        ("ttl", 2**31),
        ("timeout", 3000.5),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("pace", 1.1),
        ("rounds", 101),
        ("patience", float("inf")),
        ("settle", None),
    ],
)
def test_a_term_out_of_its_range_or_of_another_type_is_refused(key: str, value: object) -> None:
    with pytest.raises(ConfigError):
        term(key, value)


@pytest.mark.parametrize(
    ("key", "value"), [("ttl", 1), ("ttl", 2**31 - 1), ("timeout", 0), ("timeout", 3000), ("rounds", 100)]
)
def test_a_term_may_be_at_the_edge_of_its_range(key: str, value: float) -> None:
    assert term(key, value) == value


@pytest.mark.parametrize(
    "name", ["example.org", "xn--bcher-kva.example", "_tcp.example.org", "a" * 63 + ".org"]
)
def test_a_zone_may_have_any_name_that_the_dns_has(name: str) -> None:
    assert validators.apex(name.upper()) == name


@pytest.mark.parametrize(
    "name",
    [
        "example.org:53",
        "example .org",
        "a\x1b[31m.org",
        "a" * 64 + ".org",
        "a." * 127 + "org",
        "a,b.org",
        "a@b.org",
    ],
)
def test_what_is_no_name_of_a_zone_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="zone"):
        validators.apex(name)
