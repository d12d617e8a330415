"""What a publishing call of one name costs beside the import of dnspython's modules that it needs.

The two take turns, so that a change in the machine's pace meets both alike.

    python bench/publishing.py [ROUNDS]
"""

from __future__ import annotations

import sys
from statistics import median

from lab import PRIMARY, ZONE, lab, run
from report import Row, record

IMPORT = [sys.executable, "-c", "import dns.message, dns.update, dns.tsig"]
MANY = 100
AIM = 1.25
MOST_SECONDS = 1.5  # for a hundred names in one call


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    imports, calls, hundreds = [], [], []
    with lab({f"ns.{ZONE}": PRIMARY}) as here:
        here.hook(
            "deploy_challenge", [ZONE], DNS01_READINESS="authoritative"
        )  # the resolver knows the servers
        for number in range(rounds):
            imports.append(run(IMPORT, {}).wall)
            name = f"n{number}.{ZONE}"
            calls.append(here.hook("deploy_challenge", [name], DNS01_READINESS="authoritative").wall)
        for number in range(max(rounds // 10, 1)):
            names = [f"m{number}-{each}.{ZONE}" for each in range(MANY)]
            hundreds.append(here.hook("deploy_challenge", names, DNS01_READINESS="authoritative").wall)
    call, alone = median(calls), median(imports)
    rows = [
        Row("import of dns.message, dns.update and dns.tsig", alone, whose="dnspython"),
        Row("deploy_challenge of one name, whole process", call),
        Row("the same, as a multiple of the import", call / alone, "×", AIM),
        Row(f"deploy_challenge of {MANY} names, whole process", median(hundreds), "s", MOST_SECONDS),
    ]
    for row in rows:
        print(f"  {row.what:<48} {row.value:6.2f} {row.unit}  (aim: at most {row.aim})")
    record("publishing", rows, note=f"Medians of {rounds} runs; BIND has every record at once.")


if __name__ == "__main__":
    main()
