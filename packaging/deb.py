"""The Debian package: dns01 and all that it needs in /opt/dns01, and what the system wants to know of it.

No virtual environment: that would belong to one version of Python, and an upgrade of Debian would break it.
``/opt/dns01/lib`` serves every Python from 3.11 on (``bundle.py``), and the system's is asked with ``-I``.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple

DEBIAN = Path(__file__).with_name("debian")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
ELSEWHERE = {"zsh/site-functions": "zsh/vendor-completions"}  # what Debian calls another name
SCRIPTS = ("postinst", "prerm", "postrm")
PRIVATE = ("etc/dns01", "var/lib/dns01")


class Release(NamedTuple):
    """``maintainer``: as in RFC 5322. ``epoch``: the time of everything in the package."""

    version: str
    maintainer: str
    epoch: int


class Unit(NamedTuple):
    """A service, and how often its timer starts it."""

    description: str
    command: str
    calendar: str
    delay: str
    condition: str = "/etc/dns01/config.toml"
    success: str = "0"  # exit codes that are no failure: a warning of ours is 1


UNITS = {
    "dns01-issue": Unit(
        "Have every certificate that is due, in one wave", "/usr/bin/dns01 issue", "*-*-* 00,12:00:00", "11h"
    ),
    "dns01-dehydrated": Unit(
        "Have dehydrated renew the certificates that are due",
        "/usr/bin/dehydrated --cron --keep-going",
        "daily",
        "12h",
        "/usr/bin/dehydrated",
    ),
    "dns01-status": Unit(
        "Notify of certificates that are about to expire",
        "/usr/bin/dns01 status --notify",
        "daily",
        "1h",
        success="0 1",
    ),
    "dns01-doctor": Unit(
        "Try a record in every zone, and notify of what is wrong",
        "/usr/bin/dns01 doctor --write --all --notify",
        "weekly",
        "24h",
        success="0 1",
    ),
}


def build(tree: Path, share: Path, release: Release, architecture: str, outdir: Path) -> Path:
    """The package. ``tree``: of ``bundle.unpack``; ``share``: the folder with the man pages and completions,
    as in the wheel. Raises CalledProcessError."""
    root = outdir / f"deb-{architecture}"
    shutil.rmtree(root, ignore_errors=True)
    for part in ("any", MACHINES[architecture]):
        if (tree / part).is_dir():
            shutil.copytree(tree / part, root / "opt/dns01/lib", dirs_exist_ok=True)
    fill(root, share, release)
    control(root, release, architecture)
    uniform(root, release.epoch)
    package = outdir / f"dns01_{release.version}_{architecture}.deb"
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(release.epoch)}
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, package]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return package


def fill(root: Path, share: Path, release: Release) -> None:
    """All that is not a package of Python."""
    write(root / "opt/dns01/bin/dns01", (DEBIAN / "dns01").read_text(), 0o755)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/dns01").symlink_to("/opt/dns01/bin/dns01")
    for file in (each for each in share.rglob("*") if each.is_file()):
        folder = str(file.relative_to(share).parent)
        target = root / "usr/share" / ELSEWHERE.get(folder, folder) / file.name
        if folder.startswith("man/"):
            compressed(target.with_name(f"{file.name}.gz"), file.read_text())
        else:
            write(target, file.read_text())
    for name, unit in UNITS.items():
        for kind in ("service", "timer"):
            template = (DEBIAN / f"unit.{kind}").read_text()
            write(root / f"usr/lib/systemd/system/{name}.{kind}", template.format_map(unit._asdict()))
    docs = root / "usr/share/doc/dns01"
    write(docs / "README.Debian", (DEBIAN / "README.Debian").read_text())
    others = "\n".join(bundled(root / "opt/dns01/lib"))
    write(docs / "copyright", (DEBIAN / "copyright").read_text().format(bundled=others))
    compressed(docs / "changelog.gz", changelog(release))
    write(root / "usr/share/lintian/overrides/dns01", (DEBIAN / "lintian-overrides").read_text())
    for folder in PRIVATE:
        (root / folder).mkdir(parents=True)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def compressed(path: Path, text: str) -> None:
    """As ``gzip -9n`` does it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def changelog(release: Release) -> str:
    date = formatdate(release.epoch)
    return (
        f"dns01 ({release.version}) unstable; urgency=medium\n\n"
        "  * See CHANGELOG.rst in the sources.\n\n"
        f" -- {release.maintainer}  {date.replace('-0000', '+0000')}\n"
    )


def bundled(library: Path) -> Iterator[str]:
    """The packages of others in it, with their licences as they say them."""
    for file in sorted(library.glob("*.dist-info/METADATA")):
        told = message_from_bytes(file.read_bytes())
        if told["Name"] != "dns01-hook":
            licence = told["License-Expression"] or licence_by_classifier(told.get_all("Classifier", []))
            yield f" {told['Name']} {told['Version']}: {licence}"


def licence_by_classifier(classifiers: list[str]) -> str:
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: ")]
    return ", ".join(names) or "see its folder"


def control(root: Path, release: Release, architecture: str) -> None:
    """What dpkg reads: the fields, the scripts, the triggers, the sums."""
    files = sorted(file for file in root.rglob("*") if file.is_file() and not file.is_symlink())
    size = sum(file.stat().st_size for file in files) // 1024
    fields = (DEBIAN / "control").read_text()
    given = release._asdict() | {"architecture": architecture, "size": size}
    write(root / "DEBIAN/control", fields.format_map(given))
    for script in SCRIPTS:
        write(root / f"DEBIAN/{script}", (DEBIAN / script).read_text(), 0o755)
    write(root / "DEBIAN/triggers", (DEBIAN / "triggers").read_text())
    done = subprocess.run(
        ["md5sum", *(file.relative_to(root) for file in files)], cwd=root, check=True, stdout=subprocess.PIPE
    )
    write(root / "DEBIAN/md5sums", done.stdout.decode())


def uniform(root: Path, epoch: int) -> None:
    """Permissions and times that do not depend on who builds, nor when."""
    for path in (root, *root.rglob("*")):
        if path.is_symlink():
            continue
        if path.is_dir():
            path.chmod(0o700 if str(path.relative_to(root)) in PRIVATE else 0o755)
        else:
            path.chmod(0o755 if path.stat().st_mode & 0o100 and in_bin(path) else 0o644)
    for path in (*root.rglob("*"), root):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def in_bin(path: Path) -> bool:
    return path.parent.name in ("bin", "DEBIAN")
