"""The recipes of docs/deploy.rst: each is read as a configuration, so that none goes stale."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recipes import RECIPES

from dns01.hooks.deploy.section import load_deployments
from dns01.hooks.deploy.service.served_certificate import service

KUBECONFIG = """
contexts: [{name: prod, context: {cluster: prod, user: dns01}}]
clusters: [{name: prod, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: dns01, user: {token: swordfish}}]
"""


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_a_configuration(title: str, tmp_path: Path) -> None:
    told = re.sub(r'"/etc/dns01/[\w-]+-password"', f'"{tmp_path}/password"', RECIPES[title].section)
    told = told.replace("/etc/dns01/kubeconfig", f"{tmp_path}/kubeconfig")
    files = {"password": "swordfish", "config.toml": told, "kubeconfig": KUBECONFIG}
    for name, content in files.items():
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(content)
    (deployment,) = load_deployments({"DNS01_CONFIG": f"{tmp_path}/config.toml"})
    assert deployment.target()
    if deployment.verify:
        service(deployment.verify)


@pytest.mark.parametrize("title", [title for title in RECIPES if "directory" in RECIPES[title].section])
def test_the_lines_of_the_service_name_the_files_of_its_recipe(title: str) -> None:
    section, lines = RECIPES[title]
    (directory,) = re.findall(r'^directory = "(.+)"', section, re.MULTILINE)
    assert sorted(re.findall(rf"{directory}/([\w.]+)", lines)) == ["fullchain.pem", "privkey.pem"]


def test_there_is_one_for_each_service_that_people_ask_for() -> None:
    assert {"nginx", "Apache", "HAProxy", "Postfix", "Dovecot", "PostgreSQL"} <= set(RECIPES)
