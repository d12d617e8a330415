"""The recipes of docs/deploy.rst: each is read as a configuration, so that none goes stale."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from dns01.hooks.config import load
from dns01.hooks.deploy.verify import service

PAGE = (Path(__file__).parent.parent / "docs" / "deploy.rst").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", PAGE)]
RECIPES = [block for block in BLOCKS if block.startswith("[deploy.")]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: re.findall(r"\w+", recipe.splitlines()[0])[-1])
def test_a_recipe_is_a_configuration(recipe: str, tmp_path: Path) -> None:
    told = re.sub(r'"/etc/dns01/[\w-]+-password"', f'"{tmp_path}/password"', recipe)
    for name, content in (("password", "swordfish"), ("config.toml", told)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(content)
    (deployment,) = load({"DNS01_CONFIG": f"{tmp_path}/config.toml"}).deployments
    assert deployment.target()
    if deployment.verify:
        service(deployment.verify)


@pytest.mark.parametrize("directory", re.findall(r'^    directory = "(.+)"', PAGE, re.MULTILINE))
def test_the_lines_of_the_service_name_the_files_of_its_recipe(directory: str) -> None:
    lines = "".join(block for block in BLOCKS if block not in RECIPES)
    named = re.findall(rf"{directory}/([\w.]+)", lines)
    assert sorted(named) == ["fullchain.pem", "privkey.pem"]


def test_there_is_one_for_each_service_that_people_ask_for() -> None:
    titles = re.findall(r"^(.+)\n-+$", PAGE, re.MULTILINE)
    assert {"nginx", "Apache", "HAProxy", "Postfix", "Dovecot", "PostgreSQL"} <= set(titles)
    assert len(RECIPES) == len(titles)
