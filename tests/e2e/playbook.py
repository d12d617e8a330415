"""A host that Ansible manages: the role in ansible/roles/dns01, with every path in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .clients import ROOT, Host, Issued, tool

ROLES = ROOT / "ansible" / "roles"
ANSIBLE = ROOT / ".venv-ansible"
WHEELS = ANSIBLE / "wheels"  # what dns01 depends on


class Run(NamedTuple):
    """One run of the playbook; ``changed``: the names of the tasks that have changed something."""

    said: str
    changed: list[str]


class Managed:
    """The host as the inventory describes it. ``variables`` are the role's; a test changes them."""

    def __init__(self, host: Host, variables: Mapping[str, Any]) -> None:
        self.host = host
        self.root = host.folder / "root"
        (self.root / "systemd").mkdir(parents=True)
        self.variables: dict[str, Any] = {
            # Without a network, and without touching the system beneath.
            "dns01_packages": [],
            "dns01_client_packages": [],
            "dns01_pip_extra_args": f"--no-compile --no-index --find-links {WHEELS}",
            "dns01_python": str(ANSIBLE / "bin" / "python"),
            "dns01_prefix": str(self.root / "dns01"),
            "dns01_config_dir": str(self.root / "etc"),
            "dns01_state_dir": str(host.state),
            "dns01_renew_script": str(self.root / "dns01-renew"),
            "dns01_dehydrated_dir": str(self.root / "dehydrated"),
            "dns01_certbot_dir": str(self.root / "letsencrypt"),
            "dns01_certbot_work_dir": str(self.root / "work"),
            "dns01_certbot_logs_dir": str(self.root / "logs"),
            "dns01_systemd_dir": str(self.root / "systemd"),
            "dns01_ca": host.directory,
            "dns01_production": True,
            "dns01_scheduler": "systemd",
            "dns01_environment": {"REQUESTS_CA_BUNDLE": str(host.ca_file)},
            **variables,
        }

    def play(self, *options: str, only: str = "main", **changes: Any) -> Run:
        """Run the role, or ``only`` one file of its tasks; it has to succeed. ``changes`` to the
        variables hold from now on."""
        self.variables |= changes
        inventory = self.host.folder / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"web1": self.variables}}}))
        return play(self.host, inventory, *options, only=only)

    def fail(self, *options: str, only: str = "main", **changes: Any) -> Run:
        """The same, and it must not succeed."""
        before = len(self.host.said)
        with pytest.raises(AssertionError, match="ansible-playbook ends with"):
            self.play(*options, only=only, **changes)
        said = self.host.said[before:]
        return Run(said, _changed(said))

    @property
    def deployed(self) -> Issued:
        """What ``[deploy]`` brings to the folder ``tls``."""
        return Issued(self.path("tls", "privkey.pem"), self.path("tls", "fullchain.pem"))

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def files(self) -> set[str]:
        """Every file under the root, but for those of the client and of what it issued."""
        issued = {"dehydrated", "letsencrypt", "work", "logs", "tls"}
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if not path.is_dir())
        return {str(path) for path in found if path.parts[0] not in issued}


def play(host: Host, inventory: Path, *options: str, only: str = "main") -> Run:
    """Run the role for all hosts of the inventory, on this machine."""
    task = {"include_role": {"name": "dns01", "tasks_from": only}}
    playbook = host.folder / "site.json"
    plays = [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task]}]
    playbook.write_text(json.dumps(plays))
    said = host.run(
        *(tool(ANSIBLE / "bin" / "ansible-playbook"), "-i", inventory, playbook, *options),
        environment={
            "ANSIBLE_ROLES_PATH": str(ROLES),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(host.folder / "facts"),
            "ANSIBLE_PYTHON_INTERPRETER": str(ANSIBLE / "bin" / "python"),
        },
    )
    return Run(said, _changed(said))


def build_wheel(folder: Path) -> Path:
    """The wheel of a copy of the checkout: a build in the checkout itself would leave things there."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, folder / "checkout", symlinks=True, ignore=left_out)
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder]
    environment = os.environ | {"PYTHONPATH": ""}
    done = subprocess.run([*build, folder / "checkout"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def pinned(*more: Path) -> str:
    """The lines of a requirements file with all wheels there are, and these, by version and hash."""
    lines = []
    for wheel in sorted((*WHEELS.glob("*.whl"), *more)):
        name, version, *_ = wheel.name.split("-")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    return "".join(lines)


def _changed(said: str) -> list[str]:
    found, task = [], ""
    for line in said.splitlines():
        if match := re.match(r"TASK \[dns01 : (.*)\]", line):
            task = match[1]
        elif line.startswith("changed: ") and task not in found:
            found.append(task)
    return found
