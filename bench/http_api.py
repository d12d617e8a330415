"""What many zones, and many names in one, cost through an HTTP API that takes its time for each call.

A fake of Cloudflare's API answers after 50 ms; a name server of the bench's own has what the API has.

    python bench/http_api.py [ZONES AND NAMES]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rrset
from lab import HOOK, Run, run, validation  # which makes the test bed's modules known
from report import Row, record

from fakes.cloudflare import Cloudflare  # isort: skip
from fakes.server import Answer, Request  # isort: skip
from fakes.faults import Fault  # isort: skip
from testbed import NameServer, Zone, netns  # isort: skip
from testbed.sockets import Transport  # isort: skip

SERVER = "127.1.0.1"
LATENCY = 0.05  # seconds of each call
MANY = 100
MOST_SECONDS, MOST_CALLS = 2.0, 110


class SlowApi(Cloudflare):
    """Every call takes its time, side by side with the others."""

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        time.sleep(LATENCY)
        return super().respond(request)


class Mirror(NameServer):
    """Has at once what the API has."""

    def __init__(self, api: Cloudflare) -> None:
        super().__init__(SERVER, zones=[Zone(apex, "", {f"ns.{apex}": SERVER}) for apex in api.zones])
        self._api = api

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        name = query.question[0].name
        values = self._api.values(name.to_text(omit_final_dot=True).lower())
        if not values:
            return super().answer(query, over)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        quoted = [f'"{value}"' for value in values]
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
        return response


class Cost(NamedTuple):
    """``seconds``: of finding the zones, and of publishing or taking back; ``calls``: of the API."""

    seconds: float
    calls: int


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    netns.enter()
    zones = [f"zone{number}.example" for number in range(many)]
    one_zone = [f"n{number}.{zones[0]}" for number in range(many)]
    rows = []
    for what, names in ((f"{many} zones, a name in each", zones), (f"{many} names in one zone", one_zone)):
        for phase, cost in zip(("published", "taken back"), measure(zones, names), strict=True):
            rows.append(Row(f"{what}, {phase}", cost.seconds, "s", MOST_SECONDS))
            aim = MOST_CALLS if names is one_zone else None
            rows.append(Row(f"{what}, {phase}: calls", cost.calls, "calls", aim))
    for row in rows:
        print(f"  {row.what:<50} {row.value:7.2f} {row.unit}  (aim: at most {row.aim})")
    record("http_api", rows, note=f"Each call of the API takes {LATENCY * 1000:.0f} ms.")


def measure(zones: list[str], names: list[str]) -> tuple[Cost, Cost]:
    with TemporaryDirectory() as folder, SlowApi(zones) as api, Mirror(api):
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "CF_DNS_API_TOKEN": api.token,
            "CLOUDFLARE_BASE_URL": api.url,
            "DNS01_CONFIG": "",
            "DNS01_NAMESERVERS": SERVER,
            "DNS01_PROVIDER": "cloudflare",
            "DNS01_ROUNDS": "1",
            "DNS01_STATE_DIR": f"{folder}/state",
        }
        costs = []
        for phase in ("deploy_challenge", "clean_challenge"):
            before = len(api.requests)
            call(phase, names, environment)
            trail = Path(folder, "state", "audit.jsonl").read_text().splitlines()
            steps = json.loads(trail[-1])["steps"]
            seconds = sum(steps.get(step, 0.0) for step in ("discover", "publish", "retract"))
            costs.append(Cost(seconds, len(api.requests) - before))
        return costs[0], costs[1]


def call(phase: str, names: list[str], environment: dict[str, str]) -> Run:
    triples = [word for name in names for word in (name, f"token-of-{name}", validation(name))]
    return run([sys.executable, str(HOOK), phase, *triples], environment)


if __name__ == "__main__":
    main()
