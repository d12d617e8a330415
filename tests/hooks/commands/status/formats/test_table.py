"""dns01 status: how a terminal and a document show it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading

import pytest
from calls import HOOK
from lifetimes import lasting
from machine import Machine, deploy_cert
from statuses import deployed, document, status

# How it shows it


def at_terminal(machine: Machine, columns: int) -> tuple[int, str]:
    """The exit code, and what is shown at a terminal of so many columns."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def watch() -> None:
        try:
            while some := os.read(ours, 4096):
                shown.append(some)
        except OSError:  # the other end is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    words = [sys.executable, str(HOOK), "status", str(machine.folder / "certs")]
    environ = {"TERM": "xterm-256color", "DNS01_STATE_DIR": str(machine.state), "COLUMNS": str(columns)}
    done = subprocess.run(words, env=environ, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    watcher.join()
    os.close(ours)
    return done.returncode, b"".join(shown).decode()


def test_a_terminal_gets_a_table_with_colours(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=-2)
    code, shown = at_terminal(machine, 140)
    assert code == 2
    assert "\x1b[1;31mCRITICAL" in shown


def test_on_a_narrow_terminal_all_of_a_certificate_is_beneath_its_name(machine: Machine) -> None:
    long = "a-rather-long-name-of-a-host.in-a-department.example-company.example"
    lasting(machine.folder / "certs" / long, long, left=60)
    _, shown = at_terminal(machine, 80)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert [line.split() for line in lines if long in line][-1] == ["OK", long]
    beneath = next(line for line in lines if line.startswith(" ") and "EC P-256" in line)
    assert "in 59 days" in beneath or "in 60 days" in beneath
    assert "Example CA" in beneath
    assert "…" not in shown


def test_a_terminal_gets_a_line_for_each_certificate_and_no_figures(machine: Machine) -> None:
    names = ["a.example", "a-rather-long-name-of-a-host.example"]
    for name in names:
        lasting(machine.folder / "certs" / name, name, left=5)
    _, shown = at_terminal(machine, 80)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    of_certificates = [line for line in lines if line.startswith(("WARNING ", "CRITICAL "))]
    assert sorted(line.split()[1] for line in of_certificates) == sorted(names)
    assert all(len(line) <= 80 for line in of_certificates)
    assert "|" not in lines[0]


@pytest.mark.parametrize("left", [5, 80])
@pytest.mark.parametrize("names", [("a.example", "\x1b[31m|x.example"), ("\x1b[31m|x.example",)])
def test_nothing_that_a_certificate_says_reaches_the_terminal_raw(
    machine: Machine, names: tuple[str, ...], left: float
) -> None:
    lasting(machine.folder / "certs" / "first", *names, left=left)
    said = status(machine)
    assert "\x1b" not in said.stdout
    assert said.stdout.count("|") == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
@pytest.mark.parametrize("command", [("status",), ("audit",), ("audit", "show"), ("deploy", "--dry-run")])
def test_what_a_locale_has_no_letter_for_is_no_fault(
    machine: Machine, command: tuple[str, ...], encoding: str
) -> None:
    """There are an arrow and an ellipsis in what they show."""
    machine.configure(test="sh -c 'echo a long line about what is wrong, which is shortened; false'")
    deploy_cert(machine.client(), machine.issue("a.example"))

    said = machine.client("bash")(*command, PYTHONIOENCODING=encoding)

    assert said.code == (1 if command == ("status",) else 0)
    assert "fault" not in said.stderr


def test_the_trail_s_steps_and_the_last_run_are_in_the_document(machine: Machine) -> None:
    deployed(machine)
    last = document(status(machine, "--json"))["last_run"]
    assert (last["client"], last["phase"], last["outcome"]) == ("dehydrated", "exit_hook", "ok")
