"""What it costs to bring a certificate to the files of a service: a new one, and one that is there.

The peer is a shell script that compares the four files and installs those that differ, as the hooks
do that people write. It does not look whether key, chain and names fit together, and a kill leaves
it with one certificate's key and another one's chain. And what 500 certificates cost of which none
is due.

    python bench/deploy.py [ROUNDS]
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from lab import HOOK, Run, run  # which makes the test bed's modules known

from bundles import issued  # isort: skip

NAME = "example.org"
IDLE = 500  # certificates
BLOCK = 25  # of them in a row, until the other command has its turn
BARE = "python -c pass"
SCRIPT = """
for file in privkey.pem cert.pem fullchain.pem chain.pem; do
    cmp -s "$1/$file" "$2/$file" || install -m 600 "$1/$file" "$2/$file"
done
"""


class Machine:
    """A client's folder with a certificate, and two folders that it is to be brought to."""

    def __init__(self, folder: Path) -> None:
        self._issued = folder / "issued" / NAME
        self._by_hook, self._by_script = folder / "hook", folder / "script"
        self._by_script.mkdir()
        config = folder / "config.toml"
        config.write_text(f'[deploy."{NAME}".files]\ndirectory = "{self._by_hook}"\n')
        self._state = folder / "state"
        self._environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DNS01_CONFIG": str(config),
            "DNS01_STATE_DIR": str(self._state),
        }
        self.renew()

    def renew(self) -> None:
        """Another certificate for the same name."""
        issued(self._issued, NAME)

    def hook(self, phase: str) -> Run:
        """As dehydrated calls it."""
        words = [str(self._issued / f"{kind}.pem") for kind in ("privkey", "cert", "fullchain", "chain")]
        return run([sys.executable, str(HOOK), phase, NAME, *words, "1"], self._environ)

    def script(self) -> Run:
        """The peer's way."""
        return run(["sh", "-ec", SCRIPT, "sh", str(self._issued), str(self._by_script)], self._environ)

    def bare(self) -> Run:
        return run([sys.executable, "-c", "pass"], self._environ)

    def is_there(self) -> bool:
        """Whether both have brought the certificate."""
        key = (self._issued / "privkey.pem").read_bytes()
        folders = (self._by_hook, self._by_script)
        return all((folder / "privkey.pem").read_bytes() == key for folder in folders)

    def idle(self, command: str) -> Run:
        """A block of calls by a shell, as a client would make them."""
        loop = f'i=0; while [ $i -lt {BLOCK} ]; do i=$((i+1)); "$@" cert-$i.example.org; done'
        words = [str(HOOK), command] if command != BARE else ["-c", "pass"]
        return run(["sh", "-ec", loop, "sh", sys.executable, *words], self._environ)

    def fill(self) -> None:
        """The state of a machine that has brought many certificates to their targets."""
        for number in range(IDLE):
            (self._state / "deployed" / f"cert-{number}.example.org_files-00000000.json").touch()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"deploy: files, four PEMs; medians of {rounds} runs, which take turns", flush=True)
    runs: dict[str, list[Run]] = {}
    with TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        for _ in range(rounds):
            machine.renew()
            for what in ("a new certificate", "it is there already"):
                runs.setdefault(f"deploy_cert, {what}", []).append(machine.hook("deploy_cert"))
                runs.setdefault(f"cmp and install, {what}", []).append(machine.script())
            runs.setdefault(BARE, []).append(machine.bare())
            assert machine.is_there()
        machine.fill()
        idle: dict[str, list[Run]] = {BARE: [], "unchanged_cert": []}
        for _ in range(IDLE // BLOCK):
            for command, blocks in idle.items():
                blocks.append(machine.idle(command))
    bare = median(each.wall for each in runs[BARE])
    for what, those in runs.items():
        wall, cpu = median(each.wall for each in those), median(each.cpu for each in those)
        print(f"  {what:<38} {wall * 1000:6.1f} ms, CPU {cpu * 1000:6.1f} ms  {wall / bare:6.2f} ×")
    bare = sum(each.wall for each in idle[BARE])
    for command, blocks in idle.items():
        wall, cpu = sum(each.wall for each in blocks), sum(each.cpu for each in blocks)
        aim = "  (aim: at most 2.0)" if command != BARE else ""
        print(f"  {IDLE} × {command:<32} {wall:6.1f} s,  CPU {cpu:6.1f} s   {wall / bare:6.2f} ×{aim}")


if __name__ == "__main__":
    main()
