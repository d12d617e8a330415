"""How long ``dns01 doctor`` takes, and how many questions it asks.

The domain is healthy at first; then its name servers fall silent, one after the other.

    python bench/doctor.py [ROUNDS]
"""

from __future__ import annotations

import sys
from statistics import median

from lab import ZONE
from lab.counting import WHOM, Counter, counting

AIM = 10.0  # seconds, whatever the domain is like


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"doctor: two name servers for the zone, one resolver; medians of {rounds} runs", flush=True)
    print(f"  {'':<24}" + "".join(f"{column:>16}" for column in (*WHOM, "all", "time")))
    with counting() as here:
        for what, silent in (("healthy", 0), ("one server is silent", 1), ("both are silent", 2)):
            for number, relay in enumerate(here.relays):
                relay.silent = number < silent
            examine(here, what, rounds)


def examine(here: Counter, what: str, rounds: int) -> None:
    walls, counts = [], []
    for _ in range(rounds):
        before = here.asked()
        walls.append(here.lab.doctor(ZONE).wall)
        counts.append([after - earlier for after, earlier in zip(here.asked(), before, strict=True)])
    asked = [int(median(column)) for column in zip(*counts, strict=True)]
    columns = "".join(f"{column:>16}" for column in (*asked, sum(asked)))
    print(f"  {what:<24}{columns}{median(walls):>14.2f} s  (aim: less than {AIM:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
