"""Which names and values are fit to be published, and what a person is told about the others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns01.errors import UsageError
from dns01.hooks.clients.challenge import Challenge, checked, owner_name
from dns01.names import canonical

VALUE = "-_3x" + "A" * 39

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True)
domains = st.lists(labels, min_size=1, max_size=5).map(".".join).filter(lambda name: name[-1].isalpha())


def challenge(domain: str, value: str = VALUE, owner: str = "") -> Challenge:
    return Challenge(domain, "token", value, owner)


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("example.org", "_acme-challenge.example.org"),
        ("*.example.org", "_acme-challenge.example.org"),
        ("WWW.Example.ORG", "_acme-challenge.www.example.org"),
        ("example.org.", "_acme-challenge.example.org"),
        ("bücher.example", "_acme-challenge.xn--bcher-kva.example"),
        ("*.Bücher.Example.", "_acme-challenge.xn--bcher-kva.example"),
        ("straße.example", "_acme-challenge.xn--strae-oqa.example"),
        ("例え。テスト", "_acme-challenge.xn--r8jz45g.xn--zckzah"),
        ("xn--bcher-kva.example", "_acme-challenge.xn--bcher-kva.example"),
        ("r3---sn-4g5e.example", "_acme-challenge.r3---sn-4g5e.example"),
        ("localhost", "_acme-challenge.localhost"),
        (".".join(["a" * 59] * 3 + ["b" * 57]), "_acme-challenge." + ".".join(["a" * 59] * 3 + ["b" * 57])),
    ],
)
def test_the_owner_name_is_in_lower_case_a_labels_beneath_the_prefix(domain: str, name: str) -> None:
    assert challenge(domain).name == name


@given(domains)
def test_case_star_and_trailing_dot_make_no_difference_to_the_owner_name(domain: str) -> None:
    plain = owner_name(domain)
    assert owner_name(f"*.{domain.upper()}.") == plain == "_acme-challenge." + domain
    assert canonical(plain) == plain


@pytest.mark.parametrize(
    ("domain", "complaint"),
    [
        ("", "^the domain is empty$"),
        (".", "empty"),
        ("192.0.2.1", r"^'192.0.2.1' is an IP address: dns-01 cannot validate one \(RFC 8738 §7\)$"),
        ("192.0.2.1.", "IP address"),
        ("2001:db8::1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("192。0。2。1", "IP address"),
        ("example..org", "empty label"),
        (".example.org", "empty label"),
        ("example.org..", "empty label"),
        ("bücher..example", "Empty Label"),
        ("a" * 64 + ".example", "label of 64 characters"),
        (".".join(["a" * 59] * 3 + ["b" * 58]), "too long: its owner name would have 254 characters"),
        ("ü" * 70 + ".example", "Label too long"),
        ("_acme-challenge.example.org", "underscore"),
        ("my_host.example.org", "underscore"),
        ("www.*.example.org", r"misplaced \*"),
        ("*.*.example.org", r"misplaced \*"),
        ("w*.example.org", r"misplaced \*"),
        ("*", r"misplaced \*"),
        ("*.", r"misplaced \*"),
        ("*example.org", r"misplaced \*"),
        ("*.*.bücher.example", r"misplaced \*"),
        ("*bücher.example", r"misplaced \*"),
        ("www.*.bücher.example", r"misplaced \*"),
        ("exam ple.org", "^'exam ple.org': 'exam ple' is no label of a host name$"),
        ("example.org\n", "no label"),
        ("example.org\x1b[2J", "no label"),
        ("example.org,www.example.org", "more than one name"),
        ("example.org; www.example.org", "more than one name"),
        ("https://example.org", "more than a domain"),
        ("example.org:443", "more than a domain"),
        ("hostmaster@example.org", "more than a domain"),
        ("bücher.example;www.bücher.example", "more than one name"),
        ("hostmaster@bücher.example", "more than a domain"),
        ("-example.org", "no label"),
        ("xn--a\u2028b.example", "no internationalised name"),
        ("a\udcff.example", "no internationalised name"),
    ],
)
def test_a_domain_that_cannot_be_one_is_refused_by_its_name(domain: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        checked([challenge("good.example"), challenge(domain)], "ask for dns-01")
    assert repr(domain) in str(caught.value) or not domain.strip(".")
    assert str(caught.value).isprintable()
    assert caught.value.hint


def test_the_hint_for_a_prefixed_domain_says_to_give_the_domain_itself() -> None:
    with pytest.raises(UsageError) as caught:
        owner_name("_acme-challenge.example.org")
    assert caught.value.hint == "give the domain itself: _acme-challenge is added to it"


@pytest.mark.parametrize(
    ("pasted", "name"),
    [
        ("https://example.org/", "example.org"),
        ("HTTP://me@www.example.org:8080/a/b@c?d=https://e.example", "www.example.org"),
        ("https://bücher.example?a", "bücher.example"),
        ("example.org:443", "example.org"),
        ("DNS:example.org", "example.org"),
        ("mailto:hostmaster@example.org", "example.org"),
        ("//example.org", "example.org"),
        ("[example.org](https://example.org)", ""),
        ("/etc/hosts", ""),
        ("https://", ""),
        ("@", ""),
    ],
)
def test_the_hint_for_what_was_pasted_has_the_name_in_it(pasted: str, name: str) -> None:
    with pytest.raises(UsageError, match="more than a domain") as caught:
        owner_name(pasted)
    hint = "give the name alone, without scheme, user, port or path"
    assert caught.value.hint == (f"{hint}: {name}" if name else hint)


def test_an_owner_name_that_the_client_gives_is_taken_as_it_is() -> None:
    assert challenge("x.example", owner="Token_1.Auth.Example.").name == "token_1.auth.example"


@pytest.mark.parametrize(
    "owner", [".", "a..example", "a" * 64 + ".example", "a." * 127 + "example", "a b.example"]
)
def test_an_owner_name_that_cannot_be_one_is_refused(owner: str) -> None:
    with pytest.raises(UsageError):
        checked([challenge("x.example", owner=owner)], "ask for dns-01")


def test_fit_challenges_come_back_as_they_were() -> None:
    fit = [challenge("*.Example.org"), challenge("example.org")]
    assert checked(iter(fit), "ask for dns-01") == tuple(fit)


@pytest.mark.parametrize(
    "value", ["", "short", VALUE + "A", VALUE[:-1] + "=", VALUE[:-1] + "+", f"token.{VALUE}"]
)
def test_a_client_that_sends_another_value_than_dns01s_is_told_to_use_dns01(value: str) -> None:
    with pytest.raises(UsageError, match=rf"^example\.org: {re.escape(repr(value))} ") as caught:
        checked([challenge("example.org", value)], "ask for dns-01")
    assert caught.value.hint == "ask for dns-01"


def test_a_script_may_publish_another_value_and_is_warned(capsys: pytest.CaptureFixture[str]) -> None:
    odd = challenge("example.org", 'of "my" own')
    assert checked([odd]) == (odd,)
    said = "'of \"my\" own' is no dns-01 value (43 base64url characters): published all the same"
    assert capsys.readouterr().err == f" ! example.org: {said}\n"


@pytest.mark.parametrize("value", ["", "a" * 256, "tab\t", "bücher"])
def test_a_script_may_not_publish_what_one_character_string_cannot_carry(value: str) -> None:
    with pytest.raises(UsageError, match=r"^example\.org: .* is not 1 to 255 printable ASCII characters$"):
        checked([challenge("example.org", value)])
