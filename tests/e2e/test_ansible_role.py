"""The Ansible role on paper: its variables, its samples, and what ansible-lint says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from testbed import Bind, Key

from dns01 import __version__
from dns01.errors import AuthRejected
from dns01.providers import load
from dns01.providers.base import TxtRecord

from .clients import ROOT, Host
from .playbook import ANSIBLE, ROLES, play
from .stage import BIND

KEY = Key("dns01.now", "hmac-sha256", "VGhlIGtleSBvZiB0aGUgQW5zaWJsZSB0ZXN0cyEhISE=")
ROLE = ROLES / "dns01"


def test_every_variable_is_described_once_with_the_default_that_it_has() -> None:
    described = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    constants = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    computed = {"dns01_ca"}  # from another variable

    said = {name: option["default"] for name, option in described["options"].items() if "default" in option}
    assert said | {name: defaults[name] for name in computed} == defaults

    files = [path for path in (ROOT / "ansible").rglob("*") if path.is_file()]
    used = {name for path in files for name in re.findall(r"\bdns01_[a-z_]+\b", path.read_text())}
    assert used == described["options"].keys() | {name for name in constants if not name.startswith("_")}


@pytest.mark.parametrize(
    ("sample", "hosts"),
    [
        ("one-host.yml", ["www.example.org"]),
        ("fleet", ["mx1.example.org", "mx2.example.org", "web1.example.org", "web2.example.org"]),
    ],
)
def test_the_samples_configure_every_host_of_theirs(host: Host, sample: str, hosts: list[str]) -> None:
    inventories = host.folder / "inventories"
    shutil.copytree(ROOT / "ansible" / "inventories", inventories)
    for file in inventories.rglob("*.yml"):
        file.write_text(file.read_text().replace("/etc/", f"{host.folder}/etc/"))
    account = {"fulldomain": "a.acme.test", "subdomain": "a", "username": "user", "password": KEY.secret}
    (host.folder / "files").mkdir()
    (host.folder / "files" / "acmedns.json").write_text(json.dumps(dict.fromkeys(hosts, account)))
    variables = {
        "dns01_prefix": str(ROOT / ".venv"),
        "dns01_config_dir": f"{host.folder}/{{{{ inventory_hostname }}}}",
        "dns01_state_dir": str(host.state),
        "vault_cloudflare_token": KEY.secret,
        "vault_tsig_secrets": dict.fromkeys(("mx1", "mx2"), KEY.secret),
    }

    run = play(host, inventories / sample, "--diff", "-e", json.dumps(variables), only="config")

    assert "Write config.toml" in run.changed
    assert sorted(path.parent.name for path in host.folder.glob("*/config.toml")) == hosts
    assert KEY.secret not in run.said


@pytest.mark.parametrize("sample", ["one-host.yml", "fleet/group_vars/fleet.yml"])
def test_the_samples_look_for_the_package_as_it_is_called(sample: str) -> None:
    said = (ROOT / "ansible" / "inventories" / sample).read_text()

    (pattern,) = re.findall(r"dns01_deb: .*fileglob', '([^']+)'", said)
    assert fnmatch(f"dns01_{__version__}_amd64.deb", pattern)


class OneRecordPerKey(Bind):
    """With the policy that the fleet's sample says."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        said = (ROOT / "ansible" / "inventories" / "fleet" / "group_vars" / "mail.yml").read_text()
        (policy,) = re.findall(r"update-policy \{.*\};", said)
        conf = self.folder / "named.conf"
        conf.write_text(re.sub(r"allow-update \{.*?\};", policy, conf.read_text()))
        return command


def test_a_key_of_the_fleet_writes_its_own_record_and_no_other() -> None:
    key = Key("mx1.acme.example.org", KEY.algorithm, KEY.secret)
    with OneRecordPerKey(BIND, {"acme.example.org": ""}, keys=[key]) as server:
        provider = load("rfc2136")(
            {
                "nameserver": BIND,
                "tsig_key": key.name,
                "tsig_secret": key.secret,
                "tsig_algorithm": key.algorithm,
            }
        )
        zone = provider.zone_for(key.name)

        provider.publish(zone, [TxtRecord(key.name, "value", 60)])
        assert server.txt(key.name) == {"value"}

        with pytest.raises(AuthRejected):
            provider.publish(zone, [TxtRecord("mx2.acme.example.org", "value", 60)])


def test_ansible_lint_has_nothing_to_say(tmp_path: Path) -> None:
    bin = ANSIBLE / "bin"
    said = subprocess.run(
        [bin / "ansible-lint", "--offline", "--strict", "--profile", "production"],
        cwd=ROOT / "ansible",
        env={"PATH": f"{bin}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "'production' was required, and it passed" in said.stderr
