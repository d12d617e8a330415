#!/usr/bin/env python3
"""``make dist``: everything that is published, from the last commit, into ``dist/``.

The same commit and the same versions of the packages it needs make the same bytes: all is built from an
export of the commit, and every time stamp is the commit's (``SOURCE_DATE_EPOCH``).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bundle
import deb
import pyz
import sbom

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
LOCK = "requirements.txt"
# Where each shell, and pipx for it, looks beneath the prefix of an installation.
COMPLETIONS = {
    "bash": "bash-completion/completions/dns01",
    "zsh": "zsh/site-functions/_dns01",
    "fish": "fish/vendor_completions.d/dns01.fish",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Build everything that is published, from the last commit.")
    parser.add_argument("--outdir", type=Path, default=ROOT / "dist")
    outdir = parser.parse_args().outdir.resolve()
    epoch = int(git("log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    os.umask(0o022)
    shutil.rmtree(outdir, ignore_errors=True)
    outdir.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        source, tree = Path(scratch, "source"), Path(scratch, "tree")
        export(source)
        share(source)
        wheel = build(source, outdir, epoch)
        wheels = bundle.download(wheel, Path(scratch, "wheels"))
        ours = bundle.read_wheel(wheel).name
        lock = bundle.requirements(each for each in wheels if each.name != ours)
        (outdir / LOCK).write_text("".join(f"{line}\n" for line in lock))
        sbom.write(outdir, bundle.read_wheel(wheel), wheels, epoch)
        bundle.unpack(wheels, tree)
        pyz.build(tree, outdir / "dns01.pyz", epoch)
        release = deb.Release(bundle.read_wheel(wheel).version, git("log", "-1", "--format=%an <%ae>"), epoch)
        for architecture in deb.MACHINES:
            deb.build(tree, source / "share", release, architecture, outdir)
    (outdir / SUMS).write_text("".join(checksums(outdir)))
    for file in sorted(outdir.iterdir()):
        print(f"{file.stat().st_size:10,}  {file}")


def git(*words: str) -> str:
    try:
        return subprocess.run(
            ["git", "-C", ROOT, *words], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        sys.exit("make dist builds a commit: run it in a clone of the repository")


def export(folder: Path) -> None:
    """The last commit's files, with the same permissions whatever the umask of the clone was."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", "HEAD"], check=True, stdout=subprocess.PIPE
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            members.extract(member, folder, filter="tar")


def share(source: Path) -> None:
    """The man pages and the completions, where setup.cfg has them put into the wheel: ``share/…``."""
    docs, pages = source / "docs", source / "docs" / "build" / "man"
    run(source, "sphinx", "-q", "-W", "-b", "man", "-t", "man", str(docs), str(pages))
    for page in pages.glob("dns01*.[1-8]"):
        put(source / "share" / "man" / f"man{page.suffix[1:]}" / page.name, page.read_text())
    for shell, path in COMPLETIONS.items():
        put(source / "share" / path, run(source, "dns01", "completion", shell))


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def run(source: Path, module: str, *words: str) -> str:
    """What the module prints, with the dns01 that is about to be built."""
    environ = os.environ | {"PYTHONPATH": str(source / "src")}
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, check=True, env=environ, stdout=subprocess.PIPE, text=True).stdout


def build(source: Path, outdir: Path, epoch: int) -> Path:
    """The sdist and the wheel. Gives the wheel."""
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--sdist",
        "--wheel",
        "--outdir",
        outdir,
        source,
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (sdist,), (wheel,) = outdir.glob("*.tar.gz"), outdir.glob("*.whl")
    sdist.write_bytes(uniform(sdist.read_bytes(), epoch))
    return wheel


def uniform(sdist: bytes, epoch: int) -> bytes:
    """The same archive, without the time of the build and the user who ran it."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist)) as old,
        gzip.GzipFile("", "wb", 9, written, epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.pax_headers = {}
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return written.getvalue()


def checksums(folder: Path) -> Iterator[str]:
    """In the form of sha256sum(1)."""
    for file in sorted(folder.iterdir()):
        yield f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"


if __name__ == "__main__":
    main()
