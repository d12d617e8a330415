"""Scripts between dehydrated and dns01, and the phases that they fail at."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import DEHYDRATED, Machine, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

DNS01 = "/opt/dns01/bin/dns01"
HOOK = "/etc/dehydrated/hook.sh"
CASE = f'case "$1" in\n  deploy_challenge|clean_challenge)\n    exec {DNS01} "$@"\n    ;;\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace(DNS01, HOOK)
    machine["/usr/bin/env"] = machine["/bin/bash"] = ""
    return machine


def script(machine: Machine, text: str, first: str = "#!/bin/bash\n") -> None:
    machine[HOOK] = first + text
    machine.mode(HOOK, 0o755)


@pytest.mark.parametrize(
    "text",
    [
        f'{CASE}  *)\n    echo "Unknown hook: $1" >&2\n    exit 1\n    ;;\nesac\n',
        f"{CASE}  *) exit 2 ;;\nesac\n",
        f"{CASE}esac\nexit 1\n",
        f'HANDLER="$1"; shift\n{CASE}  *) exit 1;;\nesac\n'.replace('"$1" in', "$HANDLER in"),
        f"usage() {{\n  echo usage\n  exit 0\n}}\nset -e\n{CASE}  (*) # what else?\n  exit 1\nesac\n",
        f"{CASE}  startup_hook|deploy_cert) ;;\n  *) exit 1 ;;\nesac\nexit 0\n",
        f'deploy_challenge() {{\n  {DNS01} "$@"\n}}\nHANDLER=$1; shift; $HANDLER "$@"\n',
        f'function clean_challenge {{\n  {DNS01} "$@"\n}}\nphase="$1"\nshift\n"${{phase}}" "$@"\n',
    ],
)
@pytest.mark.parametrize("first", ["#!/bin/bash\n", "#!/usr/bin/env bash\n", "#!/bin/sh -e\n"])
def test_a_script_that_fails_at_what_it_does_not_know(machine: Machine, text: str, first: str) -> None:
    script(machine, text, first)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("hook-refuses-phases", Severity.ERROR)
    assert "phases that it does not know" in finding.message
    assert HOOK in finding.remedy[0]


def test_a_phase_that_is_named_and_refused(machine: Machine) -> None:
    script(machine, f"{CASE}  deploy_cert) exit 1 ;;\n  *) exit 0 ;;\nesac\n")
    assert "the phase deploy_cert" in machine.finding().message


@pytest.mark.parametrize(
    "text",
    [
        f'exec {DNS01} "$@"\n',
        f"{CASE}  *) exit 0 ;;\nesac\n",
        f"{CASE}  *) ;;\nesac\n",
        f"{CASE}esac\n",
        f'{CASE}  deploy_cert) nginx -t || exit 1 ;;\n  *) exec {DNS01} "$@" ;;\nesac\nexit 1\n',
        f'[[ "$1" =~ ^(deploy|clean)_challenge$ ]] || exit 0\n{CASE}  *) exit 1 ;;\nesac\n',
        f'{CASE}  *) [ -z "$1" ] && exit 1 ;;\nesac\n',
        f'if [ $# -lt 1 ]; then\n{CASE}  *) exit 1 ;;\nesac\nfi\nexec {DNS01} "$@"\n',
        f'run() {{\n{CASE}  *) exit 1 ;;\nesac\n}}\nexec {DNS01} "$@"\n',
        f"{CASE.replace('$1', '$2')}  *) exit 1 ;;\nesac\n",
        f"{CASE}  this_hookscript_*) exit 0 ;;\n  *_hook|*_cert|generate_*) ;;\n  *) exit 1 ;;\nesac\n",
        'HANDLER="$1"; shift\nif [[ "${HANDLER}" =~ ^(deploy_challenge)$ ]]; then\n  "$HANDLER" "$@"\nfi\n',
        f'[ -x {DNS01} ] && exec {DNS01} "$@"\necho not installed >&2\nexit 1\n',
    ],
)
def test_a_script_that_lets_them_be(machine: Machine, text: str) -> None:
    script(machine, text)
    assert machine.findings() == []
