"""``dns01 completion``: three real shells complete what this version has, and nothing is listed by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from testbed import TIME_LIMIT

from dns01.hooks.commands import dns01
from dns01.hooks.commands.command_line import CommandHelp, commands
from dns01.hooks.commands.completion import script
from dns01.providers import names

TREE = list(commands(dns01))
BASH = """\
source {script}
compopt() {{ printf '%s ' files:$2; }}  # for bash itself, this is no completion
COMP_WORDS=({words} '') COMP_CWORD={count}
_dns01
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def bash(tmp_path: Path) -> Path:
    return written("bash", tmp_path)


@pytest.fixture
def fish(tmp_path: Path) -> Path:
    return written("fish", tmp_path)


def written(shell: str, folder: Path) -> Path:
    file = folder / f"completion.{shell}"
    file.write_text(script(shell, TREE))
    return file


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def in_bash(file: Path, *words: str) -> list[str]:
    program = BASH.format(script=file, words=" ".join(words), count=len(words))
    return run("bash", "-c", program).split()


def in_fish(file: Path, line: str) -> list[str]:
    said = run("fish", "--no-config", "-c", f"source {file}; complete -C '{line}'")
    return [each.partition("\t")[0] for each in said.splitlines()]


def flags(command: CommandHelp) -> set[str]:
    return {flag for option in command.options for flag in option.flags}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_a_script_of_that_shell(shell: str, tmp_path: Path) -> None:
    assert run(shell, "-n", written(shell, tmp_path)) == ""


@pytest.mark.parametrize("command", TREE, ids=lambda command: " ".join(command.path))
def test_bash_completes_every_command_and_option(bash: Path, command: CommandHelp) -> None:
    assert set(in_bash(bash, *command.path)) >= {*command.subcommands, *flags(command)} - {"files:default"}


@pytest.mark.parametrize("command", TREE, ids=lambda command: " ".join(command.path))
def test_fish_completes_every_command_and_option(fish: Path, command: CommandHelp) -> None:
    words = " ".join(command.path)

    assert set(in_fish(fish, f"{words} ")) >= set(command.subcommands)
    assert set(in_fish(fish, f"{words} -")) >= {flag for flag in flags(command) if flag.startswith("--")}


def test_the_values_that_an_option_can_have_are_completed(bash: Path, fish: Path) -> None:
    clients = {"dehydrated", "certbot", "lego"}

    assert set(in_bash(bash, "dns01", "audit", "--client")) >= clients
    assert set(in_fish(fish, "dns01 audit --client ")) >= clients


def test_the_providers_are_completed(bash: Path, fish: Path) -> None:
    assert set(in_bash(bash, "dns01", "providers")) >= set(names())
    assert set(in_fish(fish, "dns01 providers ")) >= set(names())


def test_where_a_path_is_wanted_bash_completes_paths(bash: Path) -> None:
    assert in_bash(bash, "dns01", "deploy", "--from") == ["files:default"]


def test_an_option_of_another_command_is_not_offered(bash: Path, fish: Path) -> None:
    assert "--forget" not in in_bash(bash, "dns01", "audit")
    assert "--forget" not in in_fish(fish, "dns01 audit -")
