"""``dns01.pyz``: dns01 and all that it needs in one file, for every Python from 3.11 on."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

MAIN = Path(__file__).with_name("pyz_main.py")
SHEBANG = b"#!/usr/bin/env python3\n"


def build(tree: Path, pyz: Path, epoch: int) -> None:
    """Write the file. ``tree``: what ``bundle.unpack`` has made; ``epoch``: the date of all that is in it."""
    payload = archive(((str(file.relative_to(tree)), file.read_bytes()) for file in files(tree)), epoch)
    main = MAIN.read_text().replace("{digest}", hashlib.sha256(payload).hexdigest())
    parts = (("__main__.py", main.encode()), ("payload.zip", payload))
    pyz.write_bytes(SHEBANG + archive(parts, epoch, zipfile.ZIP_STORED))
    pyz.chmod(0o755)


def files(tree: Path) -> list[Path]:
    return sorted(file for file in tree.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def archive(parts: Iterable[tuple[str, bytes]], epoch: int, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same bytes for the same parts, whenever and wherever they are put together."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for name, content in parts:
            entry = zipfile.ZipInfo(name, zip_time(epoch))
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, content, method, compresslevel=9)
    return written.getvalue()


def zip_time(epoch: int) -> tuple[int, int, int, int, int, int]:
    """In UTC; a ZIP file knows no time before 1980."""
    year, month, day, hour, minute, second, *_ = time.gmtime(max(epoch, 315532800))
    return year, month, day, hour, minute, second
