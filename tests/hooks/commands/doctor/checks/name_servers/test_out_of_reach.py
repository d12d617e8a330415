"""Which addresses of name servers the world cannot reach, as seen beside those of the root's servers."""

from __future__ import annotations

import pytest

from dns01.hooks.commands.doctor.checks.name_servers.out_of_reach import is_out_of_reach

PUBLIC = ("198.41.0.4", "2001:503:ba3e::2:30")
INSIDE = ("10.0.0.1",)  # of a world that is a company's own


@pytest.mark.parametrize(
    "ip",
    [
        "10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.0.1", "100.64.0.1", "127.0.0.1", "127.0.0.53",
        "169.254.1.1", "0.0.0.0", "224.0.0.251", "240.0.0.1", "255.255.255.255",
        "192.0.2.1", "198.51.100.9", "203.0.113.53", "2001:db8::53", "3fff::1",
        "::", "::1", "fd00::53", "fc00::1", "fe80::1", "fec0::1", "ff02::fb", "::ffff:192.0.2.1",
    ],
)  # fmt: skip
def test_what_is_private_or_nobody_s_is_out_of_reach(ip: str) -> None:
    assert is_out_of_reach(ip, PUBLIC)


@pytest.mark.parametrize(
    "ip", ["198.41.0.4", "192.0.3.1", "172.32.0.1", "100.128.0.1", "223.255.255.1", "2001:db9::1", "2a00::1"]
)
def test_what_is_the_world_s_is_not(ip: str) -> None:
    assert not is_out_of_reach(ip, PUBLIC)


@pytest.mark.parametrize(
    ("ip", "hidden"),
    [("10.0.0.53", False), ("192.0.2.53", False), ("127.0.0.1", True), ("0.0.0.0", True)],
)
def test_a_world_with_a_root_of_its_own_reaches_what_is_of_the_root_s_kind(ip: str, *, hidden: bool) -> None:
    assert is_out_of_reach(ip, INSIDE) == hidden


def test_nothing_is_said_where_the_root_is_not_known() -> None:
    assert not is_out_of_reach("10.0.0.53", ())


@pytest.mark.parametrize(
    ("ip", "hidden"), [("192.0.2.53", False), ("203.0.113.1", False), ("2001:db8::1", True)]
)
def test_addresses_of_documentation_that_answer_are_a_world_of_their_own(ip: str, *, hidden: bool) -> None:
    assert is_out_of_reach(ip, (*PUBLIC, "198.51.100.1")) == hidden
