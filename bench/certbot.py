"""What a hundred names cost certbot: with our plugin, with our hooks, with hooks that do nothing, and with
those that start Python and do nothing, which is what two hundred starts of any hook in Python cost.

The CA believes everything, so that certbot's own time is the same in all three; BIND has every record at
once, so that there is nothing to wait for.

    python bench/certbot.py [NAMES]
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path

from lab import HOOK, KEY, ON_A_HOST, PRIMARY, ZONE, run
from report import ROOT, Row, record

from testbed import Bind, Pebble, World, netns  # isort: skip

CERTBOT = Path(os.environ.get("DNS01_CERTBOT", ROOT / ".venv-certbot" / "bin" / "certbot"))
MANY = 100
AIM = 3.0  # seconds more than certbot's own
NOTHING = "hooks that do nothing"
PYTHON = "hooks that start Python and do nothing"


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    netns.enter()
    hook = f"{sys.executable} {HOOK} certbot"
    manual = ["--manual", "--preferred-challenges", "dns"]
    python = f"{sys.executable} -c pass"
    ways = {
        NOTHING: [*manual, "--manual-auth-hook", "true", "--manual-cleanup-hook", "true"],
        PYTHON: [*manual, "--manual-auth-hook", python, "--manual-cleanup-hook", python],
        "our plugin": ["-a", "dns01"],
        "our hooks": [
            *manual,
            "--manual-auth-hook",
            f"{hook} auth",
            "--manual-cleanup-hook",
            f"{hook} cleanup",
        ],
    }
    print(f"certbot: {many} names, no lag", flush=True)
    walls = {way: measure(way, words, many) for way, words in ways.items()}
    own = walls.pop(NOTHING)
    rows = [
        Row(f"{many} names, {NOTHING}", own, whose="certbot"),
        Row(f"{many} names, {PYTHON}", walls.pop(PYTHON), whose="certbot"),
    ]
    rows += [Row(f"{many} names, {way}", wall, "s", round(own + AIM, 1)) for way, wall in walls.items()]
    for row in rows:
        print(f"  {row.what:<40} {row.value:6.1f} s  (aim: at most {row.aim})", flush=True)
    record("certbot", rows, note=f"The aim is certbot's own time and {AIM:g} s.")


def measure(way: str, words: list[str], many: int) -> float:
    """Seconds for one certificate, certbot's start included."""
    zone = f"@ NS ns.{ZONE}.\nns A {PRIMARY}\n"
    believing = {"PEBBLE_VA_ALWAYS_VALID": "1"}
    with (
        redirect_stderr(io.StringIO()),  # their logs
        World() as world,
        Bind(PRIMARY, {ZONE: zone}, [KEY]) as bind,
        Pebble(environment=believing) as ca,
    ):
        world.delegate(ZONE, {f"ns.{ZONE}": PRIMARY})
        folder = bind.folder / "certbot"
        folder.mkdir()
        resolv_conf = folder / "resolv.conf"
        resolv_conf.write_text(f"nameserver {world.resolver.address}\n")
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "REQUESTS_CA_BUNDLE": str(ca.ca_file),
            "DNS01_CONFIG": "",
            "DNS01_PROVIDER": "rfc2136",
            "DNS01_RESOLVERS": world.resolver.address,
            "DNS01_READINESS": "authoritative",
            "DNS01_STATE_DIR": str(folder / "state"),
            "RFC2136_NAMESERVER": PRIMARY,
            "RFC2136_TSIG_KEY": KEY.name,
            "RFC2136_TSIG_SECRET": KEY.secret,
        }
        command = [str(CERTBOT), "certonly", "-n", "--agree-tos", "--register-unsafely-without-email"]
        command += [f"--{name}-dir={folder}/{name}" for name in ("config", "work", "logs")]
        command += ["--server", ca.directory, *(f"--domain=n{number}.{ZONE}" for number in range(many))]
        done = run([*ON_A_HOST, str(resolv_conf), *command, *words], environment)
        published = bind.log.count("adding an RR")
        assert published == (0 if way in (NOTHING, PYTHON) else many), f"{way}: {published}"
        return done.wall


if __name__ == "__main__":
    main()
