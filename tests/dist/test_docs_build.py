"""The documentation builds without a warning, and its reference has all that the code has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from testbed import TIME_LIMIT

from dns01 import errors
from dns01.hooks.commands import dns01
from dns01.hooks.commands.command_line import commands
from dns01.hooks.deploy.targets import kinds
from dns01.providers import load, names

TREE = list(commands(dns01))
PAGES = ("dns01.1", "dns01.toml.5")


def build(builder: str, folder: Path, *more: str) -> Path:
    """Build into the folder; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", builder, *more]
    doctrees = folder.parent / f"{builder}-doctrees"
    done = subprocess.run(
        [*command, "-d", doctrees, ROOT / "docs", folder], capture_output=True, text=True, timeout=10 * TIME_LIMIT
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("html", tmp_path_factory.mktemp("docs") / "html")


@pytest.fixture(scope="module")
def man(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("man", tmp_path_factory.mktemp("docs") / "man", "-t", "man")


def text(page: Path) -> str:
    """What a reader sees of an HTML page."""
    return re.sub(r"<[^>]+>", "", page.read_text()).replace("&#39;", "'").replace("&quot;", '"')


def rendered(page: Path) -> str:
    """What man(1) shows; any warning of groff's is an error."""
    done = subprocess.run(
        ["man", "--warnings", "--encoding=UTF-8", "--local-file", page],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "200", "MANROFFOPT": "-c"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(r".\x08", "", done.stdout)


def test_every_command_and_option_is_in_the_reference(html: Path) -> None:
    page = text(html / "reference" / "commands.html")

    assert [each.path for each in TREE if " ".join(each.path) not in page] == []
    flags = {flag for each in TREE for option in each.options for flag in option.flags}
    assert {flag for flag in flags if flag not in page} == set()


def test_every_variable_of_every_provider_is_in_the_reference(html: Path) -> None:
    page = text(html / "reference" / "provider_variables.html")

    variables = {variable for name in names() for option in load(name).options for variable in option.env}
    assert {variable for variable in variables if variable not in page} == set()


def test_every_exit_code_kind_of_target_and_schema_is_in_the_reference(html: Path) -> None:
    codes, targets, schemas = (
        text(html / "reference" / f"{name}.html") for name in ("exit_codes", "targets", "schemas")
    )

    assert f"{errors.AcmeError.exit_code} (AcmeError)" in codes
    assert [kind for kind in kinds() if kind not in targets] == []
    found = [file.name.partition(".")[0] for file in (ROOT / "docs").glob("*.schema.json")]
    assert [command for command in found if f"urn:dns01:{command}:" not in schemas] == []


def test_every_page_that_is_written_by_hand_is_in_the_index(html: Path) -> None:
    index = (html / "index.html").read_text()

    pages = (file for file in (ROOT / "docs").rglob("*.rst") if file.parent.name not in ("man", "reference"))
    named = [str(file.relative_to(ROOT / "docs").with_suffix(".html")) for file in pages]
    assert [page for page in named if page != "index.html" and f'href="{page}"' not in index] == []


@pytest.mark.parametrize("name", PAGES)
def test_man_shows_the_pages_without_a_warning(man: Path, name: str) -> None:
    assert "NAME\n       dns01" in rendered(man / name)


def test_the_man_page_has_every_command_and_option(man: Path) -> None:
    page = rendered(man / "dns01.1")

    assert [each.path for each in TREE if " ".join(each.path) not in page] == []
    flags = {flag for each in TREE for option in each.options for flag in option.flags}
    assert {flag for flag in flags if flag not in page} == set()


def test_the_man_page_of_the_file_has_every_section(man: Path) -> None:
    page = rendered(man / "dns01.toml.5")

    for section in ("[account.own]", "[zone.", "[deploy]", "[notify]", "[ca]", "[issue]", "[fleet]", "[audit]"):
        assert section in page
