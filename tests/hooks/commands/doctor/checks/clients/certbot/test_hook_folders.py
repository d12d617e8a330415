"""Scripts in certbot's renewal-hooks: which of them certbot runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import RENEWAL, Machine, with_certbot

from dns01.hooks.commands.doctor.finding import Severity

CONF = "/etc/letsencrypt/renewal/example.org.conf"
HOOKS = "/etc/letsencrypt/renewal-hooks"
SCRIPT = "#!/bin/sh\nsystemctl reload nginx\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A certificate that nothing but what is in the folder brings to its place."""
    machine = with_certbot(tmp_path / "root")
    machine[CONF] = "".join(line for line in RENEWAL.splitlines(keepends=True) if "renew_hook" not in line)
    return machine


def script(machine: Machine, path: str, mode: int, text: str = SCRIPT) -> None:
    machine[f"{HOOKS}/{path}"] = text
    machine.mode(f"{HOOKS}/{path}", mode)


def test_a_script_that_certbot_passes_over(machine: Machine) -> None:
    script(machine, "deploy/nginx.sh", 0o644)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("certbot-hook-not-executable", Severity.WARNING)
    assert finding.remedy == (f"chmod +x {HOOKS}/deploy/nginx.sh",)


@pytest.mark.parametrize("folder", ["pre", "post", "deploy"])
def test_one_of_several_may_be_meant_so(machine: Machine, folder: str) -> None:
    script(machine, "deploy/10-nginx", 0o755)
    script(machine, f"{folder}/20-apache", 0o644)
    assert [(each.severity, each.subject) for each in machine.findings()] == [
        (Severity.NOTE, f"{HOOKS}/{folder}/20-apache")
    ]


def test_a_certificate_that_a_hook_of_its_own_brings_to_its_place(machine: Machine) -> None:
    machine[CONF] = RENEWAL
    script(machine, "deploy/nginx", 0o644)
    assert machine.finding().severity == Severity.NOTE


@pytest.mark.parametrize(
    ("name", "mode", "text"),
    [
        ("nginx", 0o755, SCRIPT),
        ("nginx", 0o755, "systemctl reload nginx\n"),  # which sh runs
        ("README", 0o644, "Scripts that are run after a renewal\n"),
        ("nginx~", 0o644, SCRIPT),
        ("nginx.disabled", 0o644, SCRIPT),
        ("nginx.dpkg-old", 0o644, SCRIPT),
    ],
)
def test_what_is_as_it_should_be(machine: Machine, name: str, mode: int, text: str) -> None:
    script(machine, f"deploy/{name}", mode, text)
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("#!/bin/sh\r\nsystemctl reload nginx\r\n", "carriage-returns"),
        ("#!/opt/gone/bin/bash\n", "hook-interpreter-gone"),
    ],
)
def test_a_script_that_cannot_be_run(machine: Machine, text: str, code: str) -> None:
    script(machine, "deploy/nginx", 0o755)
    (machine.root / HOOKS.lstrip("/") / "deploy/nginx").write_bytes(text.encode())
    assert (machine.finding().code, machine.finding().severity) == (code, Severity.WARNING)
