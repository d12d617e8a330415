"""How long the wait goes on once the last name server has the record, for the hook and for lego.

The zone has two servers: BIND, which takes the updates, and one that follows it after a lag. For
the hook the wait ends with its exit, for lego, which waits a minute at most, with the CA's first question.

    python bench/wait.py
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from statistics import median

from lab import PRIMARY, ZONE, Lab, lab, owner_name
from report import Row, record
from testbed import NameServer, Zone

SECONDARY = "127.1.0.2"
NAMESERVERS = {f"ns1.{ZONE}": PRIMARY, f"ns2.{ZONE}": SECONDARY}
LONG_LAG = 58.0  # seconds, for the hook alone: within the minute in which it asks often
LAGS = (20.0, 5.0, 0.0)  # seconds
MANY, LAG_OF_MANY = 100, 20.0  # names of one call, and seconds
# Clients ask at moments of their own, up to 2 s apart: some records come just in time for one.
LATER = (0.0, 0.4, 0.8, 1.2, 1.6)
AIM = 0.6  # seconds, whatever the lag
APART = 1.0  # seconds between two starts, so that nobody slows the next one down
PATIENCE = 30.0  # seconds until the primary has a record

Sample = Callable[[Lab, Sequence[str], Future[float]], float]


class Follower(NameServer):
    """A server that has the records of BIND, each after a lag of its own."""

    def __init__(self, here: Lab) -> None:
        super().__init__(SECONDARY, zones=[Zone(ZONE, nameservers=NAMESERVERS)])
        self._bind = here.bind

    def follow(self, owners: Sequence[str], lag: float) -> float:
        """Wait for BIND to have the records, then have them as well, ``lag`` seconds after it had the first;
        gives that moment, by time.monotonic. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        values: dict[str, set[str]] = {}
        there = 0.0
        for owner in owners:
            while not (found := self._bind.txt(owner)):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"BIND has no TXT record at {owner} after {PATIENCE:.0f} s")
                time.sleep(0.002)
            there = there or time.monotonic()
            values[owner] = found
        time.sleep(max(0.0, there + lag - time.monotonic()))
        for owner, found in values.items():
            self.zone(ZONE).set(owner, "TXT", *found)
        return time.monotonic()


def hook(here: Lab, names: Sequence[str], there: Future[float]) -> float:
    """Resolvers are asked only where that is one question: a hundred would measure the bench's own."""
    readiness = "authoritative" if len(names) > 1 else "public"
    ended = here.hook("deploy_challenge", names, DNS01_READINESS=readiness).ended
    here.hook("clean_challenge", names)
    return ended - there.result()


def lego(here: Lab, names: Sequence[str], there: Future[float]) -> float:
    here.lego(names)
    return here.when_ca_asked(names[0]) - there.result()


def main() -> None:
    print(f"wait: {len(LATER)} records for each lag, side by side; this takes 100 s", flush=True)
    with lab(NAMESERVERS) as here:
        overheads = measure(here)
    print("From when the last server has the record to the end of the wait: median (longest)")
    rows = []
    for (sample, lag, names), waits in sorted(overheads.items(), key=lambda item: item[0][1:]):
        who = "dns01" if sample is hook else "lego"
        what = f"{names} name{'s' if names > 1 else ''}, lag {lag:.0f} s, the longest of {len(waits)}"
        print(f"  {who:<6} {what:<40} {median(waits):6.2f} s ({max(waits):.2f} s; aim: at most {AIM:.1f} s)")
        rows.append(Row(what, max(waits), "s", AIM, who))
    record("wait", rows)


def measure(here: Lab) -> dict[tuple[Sample, float, int], list[float]]:
    """Seconds of every sample, by the lag and the number of names; the clients take turns, the longest lags
    begin, and many names have the machine for themselves."""
    running: dict[tuple[Sample, float, int], list[Future[float]]] = defaultdict(list)
    numbers = count()
    with Follower(here) as follower, ThreadPoolExecutor(99) as pool:

        def start(sample: Sample, lag: float, many: int = 1) -> Future[float]:
            names = [f"n{next(numbers)}.{ZONE}" for _ in range(many)]
            there = pool.submit(follower.follow, [owner_name(name) for name in names], lag)
            return pool.submit(sample, here, names, there)

        start(lego, 0).result()  # it has an account from here on
        for lag in (LONG_LAG, *LAGS):
            for later in LATER:
                for sample in (hook, lego) if lag < LONG_LAG else (hook,):
                    running[sample, lag, 1].append(start(sample, lag + later if lag else 0))
                    time.sleep(APART)
        waits = {which: [each.result() for each in samples] for which, samples in running.items()}
        waits[hook, LAG_OF_MANY, MANY] = [start(hook, LAG_OF_MANY, MANY).result()]
        return waits


if __name__ == "__main__":
    main()
