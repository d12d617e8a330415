"""For how long a "no" is kept: the lesser of the SOA's TTL and its MINIMUM (RFC 2308 §5)."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest

from dns01.hooks.dns.message import Response
from dns01.hooks.dns.negative_ttl import negative_ttl, seconds_kept

NAME = "_acme-challenge.example.org."


def soa(ttl: int, minimum: int) -> dns.rrset.RRset:
    text = f"ns1.example.org. hostmaster.example.org. 1 3600 600 86400 {minimum}"
    return dns.rrset.from_text("example.org.", ttl, "IN", "SOA", text)


def response(*, answer: int | None = None, authority: dns.rrset.RRset | None = None) -> Response:
    message = dns.message.make_response(dns.message.make_query(NAME, "TXT"))
    if answer is not None:
        message.answer.append(dns.rrset.from_text(NAME, answer, "IN", "TXT", "value"))
    if authority is not None:
        message.authority.append(authority)
    return Response(message)


@pytest.mark.parametrize(
    ("ttl", "minimum", "kept"), [(3600, 60, 60), (60, 3600, 60), (300, 300, 300), (0, 3600, 0), (3600, 0, 0)]
)
def test_a_no_is_kept_for_the_lesser_of_both(ttl: int, minimum: int, kept: int) -> None:
    assert negative_ttl(soa(ttl, minimum)) == kept
    assert seconds_kept(response(authority=soa(ttl, minimum))) == kept


def test_a_record_is_kept_for_its_ttl() -> None:
    assert seconds_kept(response(answer=60)) == 60


def test_a_no_without_an_soa_and_no_response_at_all_are_not_kept() -> None:
    assert seconds_kept(response()) == 0
    assert seconds_kept(Response(None, "timed out")) == 0
