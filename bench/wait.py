"""How long the wait goes on once the last name server has the record, for the hook and for lego.

The zone has two servers: BIND, which takes the updates, and one that follows it after a lag. For
the hook the wait ends with its exit, for lego with the CA's first question.

    python bench/wait.py
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from statistics import median

from lab import PRIMARY, ZONE, Lab, lab, owner_name
from report import Row, record
from testbed import NameServer, Zone

SECONDARY = "127.1.0.2"
NAMESERVERS = {f"ns1.{ZONE}": PRIMARY, f"ns2.{ZONE}": SECONDARY}
LAGS = (20.0, 5.0, 0.0)  # seconds
# Clients ask at moments of their own, up to 2 s apart: some records come just in time for one.
LATER = (0.0, 0.4, 0.8, 1.2, 1.6)
AIM = 0.6  # seconds, whatever the lag
APART = 0.5  # seconds between two starts, so that nobody slows the next one down
PATIENCE = 30.0  # seconds until the primary has a record

Sample = Callable[[Lab, str, Future[float]], float]


class Follower(NameServer):
    """A server that has the records of BIND, each after a lag of its own."""

    def __init__(self, here: Lab) -> None:
        super().__init__(SECONDARY, zones=[Zone(ZONE, nameservers=NAMESERVERS)])
        self._bind = here.bind

    def follow(self, owner: str, lag: float) -> float:
        """Wait for BIND to have the record, then for ``lag`` seconds more, then have it as well; gives
        that moment, by time.monotonic. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while not (values := self._bind.txt(owner)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"BIND has no TXT record at {owner} after {PATIENCE:.0f} s")
            time.sleep(0.002)
        time.sleep(lag)
        self.zone(ZONE).set(owner, "TXT", *values)
        return time.monotonic()


def hook(here: Lab, name: str, there: Future[float]) -> float:
    ended = here.hook("deploy_challenge", [name]).ended
    here.hook("clean_challenge", [name])
    return ended - there.result()


def lego(here: Lab, name: str, there: Future[float]) -> float:
    here.lego([name])
    return here.when_ca_asked(name) - there.result()


def main() -> None:
    print(f"wait: {len(LATER)} records for each lag, side by side; this takes 40 s", flush=True)
    with lab(NAMESERVERS) as here:
        overheads = measure(here)
    print("From when the last server has the record to the end of the wait: median (longest)")
    rows = []
    for lag in sorted(LAGS):
        ours, legos = overheads[hook, lag], overheads[lego, lag]
        print(
            f"  lag {lag:2.0f} s:  dns01 {median(ours):.2f} s ({max(ours):.2f} s; aim: at most {AIM:.1f} s)"
            f"  lego {median(legos):.2f} s ({max(legos):.2f} s) = {median(legos) / median(ours):.1f} ×"
        )
        rows.append(Row(f"lag {lag:.0f} s, the longest of {len(ours)}", max(ours), "s", AIM))
        rows.append(Row(f"lag {lag:.0f} s, the longest of {len(legos)}", max(legos), "s", AIM, "lego"))
    record("wait", rows)


def measure(here: Lab) -> dict[tuple[Sample, float], list[float]]:
    """Seconds of every sample; the clients take turns, the longest lags begin."""
    running: dict[tuple[Sample, float], list[Future[float]]] = defaultdict(list)
    numbers = count()
    with Follower(here) as follower, ThreadPoolExecutor(99) as pool:

        def start(sample: Sample, lag: float) -> Future[float]:
            name = f"n{next(numbers)}.{ZONE}"
            return pool.submit(sample, here, name, pool.submit(follower.follow, owner_name(name), lag))

        start(lego, 0).result()  # it has an account from here on
        for lag in LAGS:
            for later in LATER:
                for sample in (hook, lego):
                    running[sample, lag].append(start(sample, lag + later if lag else 0))
                    time.sleep(APART)
        return {which: [each.result() for each in samples] for which, samples in running.items()}


if __name__ == "__main__":
    main()
