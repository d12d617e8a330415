"""What it costs to publish through rfc2136, to wait, and to take back; and what that costs lego.

BIND has every record at once. The clients take turns; names are found through a root, a TLD and a
resolver of the bench's own.

    python bench/rfc2136.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count, pairwise
from statistics import median
from typing import NamedTuple

from lab import PRIMARY, ZONE, Lab, Run, lab

MANY = 100  # names: Let's Encrypt puts no more into one certificate
SEQUENCE = 60  # seconds that lego's rfc2136 leaves between two names, unless told otherwise

numbers = count()


class Cost(NamedTuple):
    """Seconds; ``cpu`` is None where it cannot be told from that of the rest."""

    wall: float
    cpu: float | None


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"rfc2136: BIND, updates signed with TSIG, no lag; this takes {90 + 22 * rounds} s", flush=True)
    with lab({f"ns.{ZONE}": PRIMARY}) as here:
        costs = measure(here, rounds)
    lego = median(cost.wall for cost in costs["lego's part, 1 name"])
    costs["lego's part, many names"] = [Cost(MANY * lego, None)]
    print(f"Publish, wait and take back (dns01: two calls, start-up included); medians of {3 * rounds} runs")
    show("dns01, 1 name", costs, "hook, 1 name")
    show(f"lego, 1 name (median of {rounds})", costs, "lego's part, 1 name", "hook, 1 name")
    show(f"dns01, {MANY} names in one call", costs, "hook, many names")
    show(f"lego, {MANY} × 1 name (computed)", costs, "lego's part, many names", "hook, many names")
    print(f"    not counted: the {SEQUENCE} s between two names, {(MANY - 1) * SEQUENCE} s in all")
    print(f"The whole certificate, the client's and the CA's own time included; medians of {rounds} runs")
    show("dehydrated and dns01, 1 name", costs, "dehydrated, 1 name")
    show("lego, 1 name", costs, "lego, 1 name", "dehydrated, 1 name")
    show("dehydrated and dns01, apex and wildcard", costs, "dehydrated, wildcard")
    show("lego, apex and wildcard (1 run)", costs, "lego, wildcard", "dehydrated, wildcard")


def measure(here: Lab, rounds: int) -> dict[str, list[Cost]]:
    """All costs, by who did what."""
    here.lego(new_names(1))  # both clients have an account from here on, and the resolver knows the servers
    here.dehydrated(new_names(1))
    costs = defaultdict(list)
    for _ in range(rounds):
        for _ in range(3):
            costs["hook, 1 name"].append(deploy_and_clean(here, new_names(1)))
            costs["hook, many names"].append(deploy_and_clean(here, new_names(MANY)))
        costs["dehydrated, 1 name"].append(cost(here.dehydrated(new_names(1))))
        costs["dehydrated, wildcard"].append(cost(here.dehydrated(apex_and_wildcard())))
        (name,) = new_names(1)
        done = here.lego([name])
        costs["lego, 1 name"].append(cost(done))
        costs["lego's part, 1 name"].append(dns_part(here, name, done))
    costs["lego, wildcard"].append(cost(here.lego(apex_and_wildcard())))
    return costs


def new_names(number: int) -> list[str]:
    return [f"n{next(numbers)}.{ZONE}" for _ in range(number)]


def apex_and_wildcard() -> list[str]:
    (apex,) = new_names(1)
    return [apex, f"*.{apex}"]


def cost(run: Run) -> Cost:
    return Cost(run.wall, run.cpu)


def deploy_and_clean(here: Lab, names: Sequence[str]) -> Cost:
    deploy, clean = here.hook("deploy_challenge", names), here.hook("clean_challenge", names)
    return Cost(deploy.wall + clean.wall, deploy.cpu + clean.cpu)


def dns_part(here: Lab, name: str, run: Run) -> Cost:
    """From when lego begins with a name to the CA's first question about it, and from when it
    begins to clean up to the next thing that it says. What lies between the two is ACME."""
    begun = next(at for at, line in run.said if "Preparing to solve DNS-01" in line)
    clean = next(then - at for (at, line), (then, _) in pairwise(run.said) if "Cleaning DNS-01" in line)
    return Cost(here.when_ca_asked(name) - begun + clean, None)


def show(what: str, costs: Mapping[str, Sequence[Cost]], key: str, ours: str = "") -> None:
    """One line of the table; what is not ours, as a multiple of ours as well."""
    wall, cpu = medians(costs[key])
    line = f"  {what:<40} {wall:6.2f} s" + (f", CPU {cpu:.2f} s" if cpu is not None else "")
    if ours:
        our_wall, our_cpu = medians(costs[ours])
        line += f"  = {wall / our_wall:.2f} ×" + (f", CPU {cpu / our_cpu:.2f} ×" if cpu and our_cpu else "")
    print(line)


def medians(costs: Sequence[Cost]) -> Cost:
    cpus = [cost.cpu for cost in costs if cost.cpu is not None]
    return Cost(median(cost.wall for cost in costs), median(cpus) if cpus else None)


if __name__ == "__main__":
    main()
