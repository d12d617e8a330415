"""What hundreds of certificates cost in one wave: one CA (Pebble), ten zones, name servers that lag.

Beside it, one certificate after the other: examples/acme_client.py and Debian's lego, a few of them, scaled.

    python bench/issue.py [CERTIFICATES] [SLOWEST LAG IN SECONDS] [CERTIFICATES ONE AFTER THE OTHER]
"""

from __future__ import annotations

import io
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import dns.message
import dns.query
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lab import HOOK, ON_A_HOST, run  # which makes the test bed's modules known
from report import Row, record

from calls import KEY, PRIMARY  # isort: skip
from issuing import Office  # isort: skip
from testbed import Bind, NameServer, netns  # isort: skip
from testbed.sockets import Transport  # isort: skip

ZONES = tuple(f"zone{number}.example" for number in range(10))
LAGGING = ("127.1.0.11", "127.1.0.12")
PLANNED = 5000
FEW = 10  # certificates one after the other
MOST_MEMORY, MOST_PLAN, MOST_PLAN_MEMORY = 200, 5.0, 150  # MiB, seconds, MiB
SEED = 13
AIM = 60.0  # seconds after the slowest server has it


class Lagging(NameServer):
    """Has a record some seconds after BIND, each name its own."""

    def __init__(self, address: str, slowest: float, seed: int) -> None:
        super().__init__(address)
        self._random, self._slowest = random.Random(seed), slowest
        self._since: dict[str, float] = {}
        self._lags: dict[str, float] = {}

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        response = dns.query.udp(query, PRIMARY, timeout=10)
        name = query.question[0].name.to_text()
        if response.answer:
            since = self._since.setdefault(name, time.monotonic())
            lag = self._lags.setdefault(name, self._random.uniform(min(2, self._slowest), self._slowest))
            if time.monotonic() - since < lag:
                response.answer = []
        return response


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    slowest = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    few = int(sys.argv[3]) if len(sys.argv) > 3 else FEW
    netns.enter()
    what = f"{count} certificates, {2 * count} names, {len(ZONES)} zones, lag up to {slowest:g} s"
    print(f"issue: {what}", flush=True)
    rows: list[Row] = []
    with (
        redirect_stderr(io.StringIO()),  # the servers' logs
        TemporaryDirectory() as folder,
        office_in(folder) as office,
        Lagging(LAGGING[0], slowest, SEED),
        Lagging(LAGGING[1], slowest, SEED + 1),
    ):
        for number in range(count):
            zone = ZONES[number % len(ZONES)]
            names = (f"c{number}.{zone}", f"www.c{number}.{zone}")
            office.want(names[0], *names, zone=zone, zone_id=zone)  # as a company's database knows them
        wall, memory = wave(office)
        note(rows, Row("one wave", wall, "s", slowest + AIM))
        note(rows, Row("one wave, memory", memory, "MiB", MOST_MEMORY))
        for row in plan(office):
            note(rows, row)
        example, lego = (seconds_each(way, office, few) for way in (by_example, by_lego))
        note(rows, Row("one after the other", example * count, "s", slowest + AIM, "acme_client.py"))
        note(rows, Row("one after the other", lego * count, "s", slowest + AIM, "lego"))
    scaled = (
        f"One after the other: {few} certificates, scaled; lego without its pause of a minute between names."
    )
    record("issue", rows, seed=SEED, note=f"{what[0].upper()}{what[1:]}. {scaled}")


def note(rows: list[Row], row: Row) -> None:
    rows.append(row)
    print(
        f"  {row.whose:<15} {row.what:<40} {row.value:8.1f} {row.unit}  (aim: at most {row.aim})", flush=True
    )


def office_in(folder: str) -> Office:
    """Its zones are delegated to the servers that lag, for lego, which looks where they are."""
    office = Office(Path(folder), ZONES, servers=(PRIMARY, *LAGGING), front=False)
    lagging = "".join(f"@ NS ns{n}\nns{n} A {address}\n" for n, address in enumerate(LAGGING, 1))
    office.bind = Bind(PRIMARY, dict.fromkeys(ZONES, lagging), [KEY])
    return office


def wave(office: Office) -> tuple[float, float]:
    """Seconds and MiB of one wave for all."""
    began = time.monotonic()
    said = office.issue(seconds=3600)
    wall = time.monotonic() - began
    assert said.code == 0, said.stdout[-2000:]
    return wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def plan(office: Office) -> list[Row]:
    """What a plan costs of which nothing is due."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA of the bench")])
    begun = datetime.now(UTC) - timedelta(days=1)
    for number in range(PLANNED):
        name = f"p{number}.{ZONES[number % len(ZONES)]}"
        ends = begun + timedelta(days=90)
        builder = x509.CertificateBuilder(issuer, issuer, key.public_key(), number + 1, begun, ends)
        san = x509.SubjectAlternativeName([x509.DNSName(name)])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        certificate = builder.add_extension(san, False).add_extension(authority, False).sign(key, SHA256())
        folder = office.certificate(name)
        folder.mkdir(parents=True)
        (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        office.want(name)
    assert office.issue("--dry-run").code == 0  # which asks the CA whether it has renewal windows
    began = time.monotonic()
    process = office.start("--dry-run", "--json")
    _, status, usage = _drained(process)
    wall = time.monotonic() - began
    assert status == 0
    what = f"plan of {PLANNED} certificates, none due"
    return [
        Row(what, wall, "s", MOST_PLAN),
        Row(f"{what}, memory", usage.ru_maxrss / 1024, "MiB", MOST_PLAN_MEMORY),
    ]


def _drained(process: subprocess.Popen[str]) -> tuple[int, int, resource.struct_rusage]:
    assert process.stdout
    process.stdout.read()
    return os.wait4(process.pid, 0)


def seconds_each(way: Callable[[Office, int, str], None], office: Office, few: int) -> float:
    """Seconds for one certificate, of a few."""
    began = time.monotonic()
    for number in range(few):
        way(office, number, f"{way.__name__.replace('_', '-')}{number}.{ZONES[number % len(ZONES)]}")
    return (time.monotonic() - began) / few


def by_example(office: Office, number: int, name: str) -> None:
    script = HOOK.parent.parent / "examples" / "acme_client.py"
    command = [sys.executable, str(script), "--ca-file", str(office.ca_file), office.directory]
    own = {"DNS01_CONFIG": str(office.config), "DNS01_STATE_DIR": f"{office.folder}/loop"}
    run([*command, f"{office.folder}/loop/{number}", name, f"www.{name}"], {**os.environ, **own})


def by_lego(office: Office, number: int, name: str) -> None:
    """Its pause between two names, a minute by default, is left out."""
    resolv_conf = office.folder / "resolv.conf"
    resolv_conf.write_text(f"nameserver {PRIMARY}\n")
    command = ["lego", "--server", office.directory, "--accept-tos", "--email", "hostmaster@example.org"]
    command += ["--path", f"{office.folder}/lego", "--dns", "rfc2136", "--dns.resolvers", f"{PRIMARY}:53"]
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(office.folder),
        "LEGO_CA_CERTIFICATES": str(office.ca_file),
        "RFC2136_NAMESERVER": PRIMARY,
        "RFC2136_TSIG_KEY": KEY.name,
        "RFC2136_TSIG_SECRET": KEY.secret,
        "RFC2136_TSIG_ALGORITHM": f"{KEY.algorithm}.",
        "RFC2136_SEQUENCE_INTERVAL": "1",
    }
    run([*ON_A_HOST, str(resolv_conf), *command, "-d", name, "-d", f"www.{name}", "run"], environment)


if __name__ == "__main__":
    main()
