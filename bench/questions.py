"""How many questions a deploy_challenge asks of the DNS, and lego for a certificate.

CAA is looked up as well, which lego leaves to the CA. The updates themselves are not counted.

    python bench/questions.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab import ZONE, Lab, Run
from lab.counting import WHOM, Counter, counting
from report import Row, record

LAG = 20.0  # seconds until the name servers show what was published
AIM = 1500  # questions for those, with three name servers
MANY = 100  # names: Let's Encrypt puts no more into one certificate
ZONES = [f"zone{number}.org" for number in range(MANY)]


def main() -> None:
    print("questions: asked by the client itself; three name servers for each zone, one resolver", flush=True)
    with counting(ZONES) as here:
        here.lab.lego([ZONE])  # it has an account from here on, and the resolver knows the servers
        show("", [*WHOM, "all", "each", "time"])
        rows = []
        for case, names in cases("dns01"):
            asked = count(here, f"dns01, {case}", len(names), lambda names=names: deploy(here.lab, names))
            rows.append(Row(case, asked, "questions"))
        late = [f"late{number}.{ZONE}" for number in range(MANY)]
        for relay in here.relays:
            relay.follow(LAG)
        lagging = f"{MANY} names, 1 zone, lag {LAG:.0f} s"
        asked = count(here, f"dns01, {lagging}", MANY, lambda: deploy(here.lab, late))
        rows.append(Row(lagging, asked, "questions", AIM))
        for relay in here.relays:
            relay.follow(0)
        for case, names in cases("lego", many=False):
            asked = count(here, f"lego, {case}", len(names), lambda names=names: lego(here.lab, names))
            rows.append(Row(case, asked, "questions", whose="lego"))
    record("questions", rows)


def cases(who: str, *, many: bool = True) -> Iterator[tuple[str, list[str]]]:
    """What is asked for, in a few words, and the names."""
    yield "1 name", [f"{who}.{ZONE}"]
    yield "apex and wildcard", [f"both.{who}.{ZONE}", f"*.both.{who}.{ZONE}"]
    if many:
        yield f"{MANY} names, 1 zone", [f"n{number}.{ZONE}" for number in range(MANY)]
        yield f"{MANY} names, {MANY} zones", ZONES


def deploy(lab: Lab, names: list[str]) -> Run:
    return lab.hook("deploy_challenge", names, DNS01_CA="letsencrypt.org")


def lego(lab: Lab, names: list[str]) -> Run:
    return lab.lego(names, RFC2136_SEQUENCE_INTERVAL="1")


def count(here: Counter, what: str, names: int, work: Callable[[], Run]) -> int:
    """The questions of all kinds."""
    before = here.asked()
    wall = work().wall
    asked = [after - earlier for after, earlier in zip(here.asked(), before, strict=True)]
    show(what, [*asked, sum(asked), f"{sum(asked) / names:.1f}", f"{wall:.2f} s"])
    return sum(asked)


def show(what: str, columns: list[object]) -> None:
    print(f"  {what:<28}" + "".join(f"{column!s:>15}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
