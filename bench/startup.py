"""What a phase with nothing to do costs, as a multiple of the same interpreter's ``-c pass``.

The commands take turns, so that a change in the machine's pace meets all of them alike.

    python bench/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from report import Row, record

HOOK = Path(__file__).parent.parent / "hooks" / "hook.py"
CONSOLE_SCRIPT = Path(sys.executable).parent / "dns01"

PROBE = "this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"
PHASES = {
    "the probe": [PROBE],
    "generate_csr": ["generate_csr", "example.org", "certs/example.org", "example.org *.example.org "],
    "unchanged_cert": ["unchanged_cert", "example.org", "key.pem", "cert.pem", "fullchain.pem", "chain.pem"],
}
BARE = "python -c pass"
COMMANDS = {
    BARE: [sys.executable, "-c", "pass"],
    **{f"hooks/hook.py {phase}": [sys.executable, str(HOOK), *words] for phase, words in PHASES.items()},
    **{f"dns01 {phase}": [str(CONSOLE_SCRIPT), *words] for phase, words in PHASES.items()},
}
AIM = 1.25  # times the interpreter's own


def milliseconds(command: list[str], environment: dict[str, str]) -> float:
    """The wall time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def measure(rounds: int, state: str) -> dict[str, list[float]]:
    """Every command's wall times; the first round, which fills the caches, does not count."""
    environment = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": state}
    runs: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, command in COMMANDS.items():
            runs[name].append(milliseconds(command, environment))
    return {name: times[1:] for name, times in runs.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as state:
        runs = measure(rounds, state)
    bare = median(runs.pop(BARE))
    rows = [Row(BARE, bare, "ms", whose="Python")]
    rows += [Row(name, median(times) / bare, "×", AIM) for name, times in runs.items()]
    for row in rows:
        print(f"  {row.what:<48} {row.value:6.2f} {row.unit}  (aim: at most {row.aim})")
    record("startup", rows, note=f"Medians of {rounds} runs; Python ends in good order, and a phase at once.")


if __name__ == "__main__":
    main()
