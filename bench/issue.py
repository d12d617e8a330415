"""What hundreds of certificates cost in one wave: one CA (Pebble), ten zones, name servers that lag.

Beside it, one certificate after the other: examples/acme_client.py, a few of them, scaled.

    python bench/issue.py [CERTIFICATES] [SLOWEST LAG IN SECONDS]
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import dns.message
import dns.query
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lab import HOOK  # which makes the test bed's modules known

from calls import PRIMARY  # isort: skip
from issuing import Office  # isort: skip
from testbed import NameServer, netns  # isort: skip
from testbed.sockets import Transport  # isort: skip

ZONES = tuple(f"zone{number}.example" for number in range(10))
LAGGING = ("127.1.0.11", "127.1.0.12")
PLANNED = 5000
LOOP = 3  # certificates one after the other
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
    netns.enter()
    print(
        f"issue: {count} certificates, {2 * count} names, {len(ZONES)} zones, lag up to {slowest:g} s",
        flush=True,
    )
    with (
        TemporaryDirectory() as folder,
        Office(Path(folder), ZONES, servers=(PRIMARY, *LAGGING), front=False) as office,
        Lagging(LAGGING[0], slowest, SEED),
        Lagging(LAGGING[1], slowest, SEED + 1),
    ):
        for number in range(count):
            zone = ZONES[number % len(ZONES)]
            names = (f"c{number}.{zone}", f"www.c{number}.{zone}")
            office.want(names[0], *names, zone=zone, zone_id=zone)  # as a company's database knows them
        began = time.monotonic()
        said = office.issue(seconds=3600)
        wall = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        assert said.code == 0, said.stdout[-2000:]
        steps = office.trail()[-1]["steps"]
        print(f"  one wave                 {wall:7.1f} s  (aim: at most {slowest + AIM:.0f}), {peak:.0f} MiB")
        print("    " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in steps.items()))
        print(f"  {PLANNED} certificates, none due  {plan(office)}")
        each = loop(office)
        ratio = f"{each * count / wall:.0f} ×"
        print(f"  one after the other      {each * count:7.0f} s  ({LOOP} took {each * LOOP:.0f} s), {ratio}")


def plan(office: Office) -> str:
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
    cpu = usage.ru_utime + usage.ru_stime
    return f"{wall:.1f} s (aim: at most 5; CPU {cpu:.1f} s), {usage.ru_maxrss / 1024:.0f} MiB (at most 150)"


def _drained(process: subprocess.Popen[str]) -> tuple[int, int, resource.struct_rusage]:
    assert process.stdout
    process.stdout.read()
    return os.wait4(process.pid, 0)


def loop(office: Office) -> float:
    """Seconds for one certificate by the example."""
    script = HOOK.parent.parent / "examples" / "acme_client.py"
    began = time.monotonic()
    for number in range(LOOP):
        zone = ZONES[number]
        command = [sys.executable, str(script), "--ca-file", str(office.ca_file), office.directory]
        command += [f"{office.folder}/loop{number}", f"loop{number}.{zone}", f"www.loop{number}.{zone}"]
        environ = {
            **os.environ,
            "DNS01_CONFIG": str(office.config),
            "DNS01_STATE_DIR": f"{office.folder}/loop",
        }
        subprocess.run(command, check=True, capture_output=True, env=environ)
    return (time.monotonic() - began) / LOOP


if __name__ == "__main__":
    main()
