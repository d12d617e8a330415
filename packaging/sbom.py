#!/usr/bin/env python3
"""The bill of materials: what dns01's wheel needs, which version, under which licence, as CycloneDX JSON.

::

    python packaging/sbom.py dist/dns01_hook-1.0-py3-none-any.whl WHEEL… > dist/dns01-hook-1.0.cdx.json

The same wheels make the same bytes. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import bundle

SPEC = "1.6"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/")
EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")  # of SPDX; prose is no licence


def document(wheel: bundle.Wheel, others: Iterable[bundle.Wheel], epoch: int) -> dict[str, Any]:
    """``wheel``: dns01's. ``others``: those of the packages that it needs, several of one package where it
    has one for each machine. ``epoch``: when (seconds); a build that is repeated says the commit's."""
    packages: dict[str, list[bundle.Wheel]] = {}
    for each in sorted(others, key=lambda other: other.path.name):
        packages.setdefault(each.name, []).append(each)
    packages.pop(wheel.name, None)
    every = [[wheel], *packages.values()]
    main, *components = map(component, every)
    main["type"] = "application"
    digests = "".join(digest(each.path) for files in every for each in files)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, digests)}",
        "version": 1,
        "metadata": {"timestamp": datetime.fromtimestamp(epoch, UTC).isoformat(), "component": main},
        "components": components,
        "dependencies": [
            {
                "ref": purl(first),
                "dependsOn": sorted(purl(packages[name][0]) for name in needed(first, packages)),
            }
            for first, *_ in every
        ],
    }


def component(files: Sequence[bundle.Wheel]) -> dict[str, Any]:
    """A package, with the hash of each of its wheels."""
    said = metadata(files[0].path)
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(files[0]),
        "name": files[0].name,
        "version": files[0].version,
        "purl": purl(files[0]),
    }
    if summary := said.get("Summary"):
        found["description"] = summary
    if licence := licence_of(said):
        found["licenses"] = [licence]
    found["externalReferences"] = [
        {
            "type": "distribution",
            "url": each.path.name,
            "hashes": [{"alg": "SHA-256", "content": digest(each.path)}],
        }
        for each in files
    ]
    return found


def licence_of(said: Message) -> dict[str, Any] | None:
    """As the package says it: an SPDX expression, or else a name."""
    if expression := said.get("License-Expression"):
        return {"expression": expression}
    classifiers = [line for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    name = said.get("License", "")
    if not EXPRESSION.fullmatch(name) and classifiers:
        name = classifiers[0].rpartition(" :: ")[2]
    return {"license": {"name": name.splitlines()[0]}} if name else None


def needed(wheel: bundle.Wheel, packages: Iterable[str]) -> Iterator[str]:
    """Which of the packages it asks for: without its extras, but for the one that is bundled."""
    known = set(packages)
    for line in metadata(wheel.path).get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        name = re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0]).lower()
        extra = re.search(r"extra == ['\"]([^'\"]+)", marker)
        if name in known and (extra is None or extra[1] == bundle.EXTRAS):
            known.discard(name)
            yield name


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def purl(wheel: bundle.Wheel) -> str:
    """https://github.com/package-url/purl-spec"""
    return f"pkg:pypi/{wheel.name}@{wheel.version}"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path, wheel: bundle.Wheel, others: Iterable[bundle.Wheel], epoch: int) -> Path:
    """Write it beside the wheel; gives the file."""
    file = folder / f"{wheel.name}-{wheel.version}.cdx.json"
    file.write_text(json.dumps(document(wheel, others, epoch), indent=1, sort_keys=True) + "\n")
    return file


if __name__ == "__main__":
    first, *rest = [bundle.read_wheel(Path(word)) for word in sys.argv[1:]]
    json.dump(document(first, rest, int(os.environ.get("SOURCE_DATE_EPOCH", "0"))), sys.stdout, indent=1)
