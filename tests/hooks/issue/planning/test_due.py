"""When a certificate is due: the CA's window, else its lifetime; and what the plan makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dns01.hooks.deploy.certificate.leaf import Leaf
from dns01.hooks.issue.inventory.read import WantedCertificate
from dns01.hooks.issue.order_state import OrderState
from dns01.hooks.issue.planning.due import due
from dns01.hooks.issue.planning.limits import LETS_ENCRYPT, Budget, Event
from dns01.hooks.issue.planning.plan import Planned, make_plan
from dns01.hooks.issue.planning.renewal_windows import RenewalWindow
from dns01.hooks.issue.section import CaSection

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
CA = CaSection("https://ca.example/dir")


def leaf(age: float, lifetime: float = 90, *names: str) -> Leaf:
    """Days."""
    begun = NOW - timedelta(days=age)
    return Leaf(
        names or ("a.example",),
        "CN=CA",
        begun,
        begun + timedelta(days=lifetime),
        "EC P-256",
        "00",
        "aki.serial",
    )


def window(begins: float, chosen: float, ends: float) -> RenewalWindow:
    """Days from now."""
    at = NOW.timestamp()
    return RenewalWindow(
        "aki.serial", CA.directory, at + begins * 86400, at + ends * 86400, at + chosen * 86400
    )


def is_due(*arguments: object) -> bool:
    return due(*arguments).at <= NOW.timestamp()  # type: ignore[arg-type]


def test_what_is_not_there_is_due() -> None:
    assert due(None, ("a.example",), None).reason == "there is none yet"
    assert is_due(None, ("a.example",), None)


def test_what_is_for_other_names_is_due() -> None:
    found = due(leaf(1), ("a.example", "b.example"), window(10, 11, 12))

    assert found.at == 0
    assert found.reason == "its names have changed: +b.example"


@pytest.mark.parametrize(
    ("age", "lifetime", "expected"),
    [(59, 90, False), (61, 90, True), (2.9, 6, False), (3.1, 6, True), (4.9, 10, False), (7, 11, False)],
)
def test_without_a_window_a_third_is_left_or_half_of_a_short_life(
    age: float, lifetime: float, expected: bool
) -> None:
    assert is_due(leaf(age, lifetime), ("a.example",), None) is expected


def test_the_chosen_instant_decides_and_the_order_replaces() -> None:
    assert is_due(leaf(10), ("a.example",), window(-2, -1, 1))
    assert due(leaf(10), ("a.example",), window(-2, -1, 1)).replaces
    assert not is_due(leaf(80), ("a.example",), window(-1, 1, 2))


def test_a_window_after_the_expiry_is_not_believed() -> None:
    assert is_due(leaf(80), ("a.example",), window(30, 31, 32))


def test_a_ca_that_has_not_answered_yet_leaves_it_to_the_lifetime() -> None:
    assert not is_due(leaf(10), ("a.example",), RenewalWindow("aki.serial", CA.directory))


# The plan


def plan(
    leaves: dict[str, Leaf | None],
    kept: dict[str, OrderState] | None = None,
    events: list[Event] | None = None,
    forced: tuple[str, ...] = (),
    windows: tuple[RenewalWindow, ...] = (),
) -> dict[str, Planned]:
    wanted = [WantedCertificate(name, (f"{name}.example",)) for name in leaves]
    budget = Budget(LETS_ENCRYPT, events or [])
    planned = make_plan(
        wanted, leaves, kept or {}, {each.id: each for each in windows}, CA, budget, NOW.timestamp(), forced
    )
    return {each.wanted.name: each for each in planned}


def test_the_most_urgent_is_first() -> None:
    planned = plan({"fresh": leaf(1, 90, "fresh.example"), "old": leaf(80, 90, "old.example"), "none": None})

    assert list(planned) == ["none", "old", "fresh"]
    assert [each.verdict for each in planned.values()] == ["order", "order", "not due"]


def test_what_the_limits_do_not_allow_waits_and_says_until_when() -> None:
    full = [Event("order", NOW.timestamp() - 3600, (f"x{n}.example",)) for n in range(300)]

    planned = plan({"a": None, "b": leaf(80, 90, "b.example")}, events=full)

    assert {each.verdict for each in planned.values()} == {"limit"}
    assert planned["a"].reason == "the CA allows 300 orders per account in 3 hours"
    assert planned["a"].at == NOW.timestamp() + 2 * 3600


def test_an_order_in_the_ca_s_window_is_exempt() -> None:
    full = [Event("order", NOW.timestamp() - 3600, (f"x{n}.example",)) for n in range(300)]

    planned = plan({"a": leaf(80, 90, "a.example")}, events=full, windows=(window(-2, -1, 1),))
    of_another = plan(
        {"a": leaf(80, 90, "a.example")},
        windows=(window(-2, -1, 1)._replace(directory="https://other.example"),),
    )

    assert of_another["a"].replaces == ""
    assert (planned["a"].verdict, planned["a"].replaces) == ("order", "aki.serial")


def test_after_a_fault_of_the_ca_s_own_an_order_does_not_say_what_it_replaces() -> None:
    """Reported of a CA that could not read it: every renewal failed the same way."""
    windows = (window(-2, -1, 1),)
    failed = OrderState("a", failures=1, next_try=1.0, error="ca.example: down (serverInternal)")
    timed_out = failed._replace(error="after 600 s not every name server has _acme-challenge.a.example")

    leaves = {"a": leaf(80, 90, "a.example")}

    assert plan(leaves, kept={"a": failed}, windows=windows)["a"].replaces == ""
    assert plan(leaves, kept={"a": timed_out}, windows=windows)["a"].replaces == "aki.serial"


def test_an_order_that_is_open_is_gone_on_with_and_costs_no_budget() -> None:
    full = [Event("order", NOW.timestamp() - 3600, (f"x{n}.example",)) for n in range(300)]
    kept = {"a": OrderState("a", ("a.example",), CA.directory, "https://ca.example/order/1", begun=1.0)}

    assert plan({"a": None}, kept, full)["a"].verdict == "go on"


@pytest.mark.parametrize(
    "changed", [{"names": ("other.example",)}, {"directory": "https://other.example/dir"}]
)
def test_an_open_order_for_something_else_is_not(changed: dict[str, object]) -> None:
    order = OrderState("a", ("a.example",), CA.directory, "https://ca.example/order/1", begun=1.0)

    assert plan({"a": None}, {"a": order._replace(**changed)})["a"].verdict == "order"  # type: ignore[arg-type]


def test_what_has_failed_is_left_alone_until_its_time() -> None:
    kept = {"a": OrderState("a", failures=3, next_try=NOW.timestamp() + 60, error="the CA refuses")}

    planned = plan({"a": None}, kept)["a"]

    assert planned.verdict == "back-off"
    assert planned.reason == "it has failed 3 times: the CA refuses"


def test_what_has_failed_and_is_asked_for_by_name_is_tried_and_the_ca_s_limits_hold() -> None:
    failed = OrderState("a", failures=3, next_try=NOW.timestamp() + 60, error="the CA refuses")
    limited = failed._replace(error="ca.example: too many new orders (rateLimited)")
    full = [Event("order", NOW.timestamp() - 3600, (f"x{n}.example",)) for n in range(300)]

    assert plan({"a": None}, {"a": failed}, forced=("a",))["a"].verdict == "order"
    assert plan({"a": None}, {"a": failed}, full, forced=("a",))["a"].verdict == "limit"
    assert plan({"a": None}, {"a": limited}, forced=("a",))["a"].verdict == "back-off"


def test_what_is_asked_for_by_name_is_renewed_before_its_time() -> None:
    planned = plan({"a": leaf(1, 90, "a.example")}, forced=("a",))["a"]

    assert planned.verdict == "order"
    assert planned.reason.startswith("asked for by name")


def test_what_is_issued_and_not_delivered_is_to_be_delivered() -> None:
    kept = {"a": OrderState("a", undelivered=True)}

    assert plan({"a": leaf(1, 90, "a.example")}, kept)["a"].verdict == "deliver"
