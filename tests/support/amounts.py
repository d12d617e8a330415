"""How much of everything tests/trust tries, and where what came of it is written down.

``make test`` runs it short, ``make trust`` long; ``TRUST_INPUTS=20000 pytest tests/trust`` says it for one.
"""

from __future__ import annotations

import json
import os

LONG = os.environ.get("TRUST") == "long"


def _amount(name: str, short: int, long: int) -> int:
    return int(os.environ.get(f"TRUST_{name}", long if LONG else short))


KILLS = _amount("KILLS", 2, 60)  # of each phase at a system call, and as many at random instants
ROUNDS = _amount("ROUNDS", 2, 30)  # of each of the writers that race
WRITERS = _amount("WRITERS", 4, 8)  # processes at one name of a provider's
TURNS = _amount("TURNS", 4, 30)  # of each of them
RUNS = _amount("RUNS", 4, 60)  # through a network that fails
ERRORS = _amount("ERRORS", 3, 200)  # of the system, in each phase
INPUTS = _amount("INPUTS", 60, 125_000)  # of each kind
SEED = _amount("SEED", 1, 1)  # of what is drawn by chance
FAULTY = 0.3  # of what goes through the network


def figure(what: str, tried: int, outcome: str, command: str) -> None:
    """Add a row to the file that docs/reliability.rst is written from, where $TRUST_FIGURES names one."""
    if path := os.environ.get("TRUST_FIGURES"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(
                json.dumps({"what": what, "tried": tried, "outcome": outcome, "command": command}) + "\n"
            )
