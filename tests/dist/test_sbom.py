"""The bill of materials: what is in it, and that it is the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import bundle
import pytest
import sbom

OURS = "dns01_hook-1.0-py3-none-any.whl"
NEEDS = "Requires-Dist: Fast>=2\nRequires-Dist: acme>=2; extra == 'issue'\nRequires-Dist: boto3; extra == 'aws'\n"


def wheel(folder: Path, name: str, metadata: str = "") -> bundle.Wheel:
    path = folder / name
    package = "-".join(name.split("-")[:2])
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{package}.dist-info/METADATA", f"Metadata-Version: 2.4\n{metadata}")
    return bundle.read_wheel(path)


@pytest.fixture
def wheels(tmp_path: Path) -> list[bundle.Wheel]:
    return [
        wheel(tmp_path, OURS, f"License-Expression: Apache-2.0\nSummary: the hook\n{NEEDS}"),
        wheel(tmp_path, "fast-2.0-cp311-abi3-manylinux_2_28_x86_64.whl", "License: MIT\n"),
        wheel(tmp_path, "fast-2.0-cp311-abi3-manylinux_2_28_aarch64.whl", "License: MIT\n"),
        wheel(
            tmp_path,
            "acme-3.0-py3-none-any.whl",
            "License: a long text\nClassifier: License :: OSI Approved :: Apache Software License\nRequires-Dist: fast\n",
        ),
    ]


def test_each_package_has_its_version_licence_and_the_hash_of_every_wheel(wheels: list[bundle.Wheel]) -> None:
    found = sbom.document(wheels[0], wheels, 0)

    assert found["metadata"]["component"]["purl"] == "pkg:pypi/dns01-hook@1.0"
    assert found["metadata"]["component"]["licenses"] == [{"expression": "Apache-2.0"}]
    acme, fast = found["components"]
    assert (acme["purl"], acme["licenses"]) == (
        "pkg:pypi/acme@3.0",
        [{"license": {"name": "Apache Software License"}}],
    )
    assert fast["licenses"] == [{"license": {"name": "MIT"}}]
    assert {each["url"]: each["hashes"][0]["content"] for each in fast["externalReferences"]} == {
        each.path.name: sbom.digest(each.path) for each in wheels[1:3]
    }


def test_it_says_who_needs_whom_without_extras_that_are_not_bundled(wheels: list[bundle.Wheel]) -> None:
    found = {each["ref"]: each["dependsOn"] for each in sbom.document(wheels[0], wheels, 0)["dependencies"]}

    assert found == {
        "pkg:pypi/dns01-hook@1.0": ["pkg:pypi/acme@3.0", "pkg:pypi/fast@2.0"],
        "pkg:pypi/acme@3.0": ["pkg:pypi/fast@2.0"],
        "pkg:pypi/fast@2.0": [],
    }


def test_the_same_wheels_make_the_same_bytes_in_whatever_order_they_come(
    wheels: list[bundle.Wheel], tmp_path: Path
) -> None:
    first = sbom.write(tmp_path, wheels[0], wheels, 1_762_948_800)
    before = first.read_bytes()

    assert first.name == "dns01-hook-1.0.cdx.json"
    assert sbom.write(tmp_path, wheels[0], reversed(wheels), 1_762_948_800).read_bytes() == before
    assert json.loads(before)["metadata"]["timestamp"] == "2025-11-12T12:00:00+00:00"
