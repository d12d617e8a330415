"""What stands in docs/ works: configurations load, shell is shell, and our own commands take their words."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from checkout import HOOK as EXECUTABLE
from checkout import ROOT
from contract import validation

from dns01.hooks import commands
from dns01.hooks.clients.detection import read
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.config.settings import Settings
from dns01.hooks.deploy.section import load_deployments

BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1    .*\n|\n)+)", re.MULTILINE)
LITERAL = re.compile(r"::\n\n((?:    .*\n|\n)+)")
INLINE = re.compile(r"``(?:/opt/dns01/bin/)?dns01 ([a-z][^`]*)``")
CONFIGURATION = re.compile(r"\s*\[(?:account|audit|ca|certificate|deploy|fleet|issue|notify|zone)\b")
PATH = re.compile(r"""(?<=["=])/(?:etc|root)/[\w./-]+""")
CALL = re.compile(r"^\s*(?:# )?(?:/opt/dns01/bin/)?dns01 (?!is|and)(.+)$", re.MULTILINE)
HOOK = re.compile(r"'/opt/dns01/bin/dns01 (.+?)'")
ACCOUNT = '\n[account.{}]\nprovider = "rfc2136"\nnameserver = "192.0.2.53"\n'
FILES = {  # what a file holds, by the end of its name; any other, a secret
    "tsig.key": 'key "dns01" { algorithm hmac-sha256; secret "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="; };\n',
    "storage.json": "{}\n",
    "lab-secret": "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHM=\n",
    "ntfy": "ntfys://ntfy.example.org/certificates\n",
    "database": "postgresql://dns01@db.example.org/dns01\n",
    "cloud_credentials": "[rackspace_cloud]\nusername = me\napi_key = swordfish\n",
}
FROM_A_CLIENT = {
    "CERTBOT_DOMAIN": "example.org",
    "CERTBOT_VALIDATION": validation("a"),
    "CERTBOT_AUTH_OUTPUT": "",
    "RENEWED_LINEAGE": "/etc/letsencrypt/live/example.org",
    "LEGO_CERT_DOMAIN": "example.org",
    "LEGO_CERT_PATH": "/root/.lego/certificates/example.org.crt",
    "LEGO_CERT_KEY_PATH": "/root/.lego/certificates/example.org.key",
}


# The recipes in hooks/deploy/test_recipes.py, the providers' least in tests/hooks/commands/test_providers.py.
TESTED_ELSEWHERE = ("deploy:", "providers:")
PAGES = sorted(
    [
        *ROOT.glob("docs/**/*.rst"),
        *(ROOT / f"{name}.rst" for name in ("README", "SECURITY", "ansible/README")),
    ]
)
SHOWN = [path for path in PAGES if path.parent.name != "reference" and path.stem != "changelog"]


class Block(NamedTuple):
    """One example: where it stands, its language, its text."""

    where: str
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """All examples in these languages."""
    found = []
    for file in sorted((ROOT / "docs").rglob("*.rst")):
        text = file.read_text()
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(f"{file.stem}:{line}", match[2], textwrap.dedent(match[3])))
    return [block for block in found if block.language in languages]


def literals() -> list[Block]:
    """All literal blocks, whose language nothing says."""
    return [
        Block(f"{path.stem}:{text.count(chr(10), 0, match.start()) + 1}", "", textwrap.dedent(match[1]))
        for path in SHOWN
        for text in [path.read_text()]
        for match in LITERAL.finditer(text)
    ]


def each(found: Iterable[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.where) for block in found])


def with_files(text: str, folder: Path) -> str:
    """The text, with each file that it names in the folder."""

    def made(match: re.Match[str]) -> str:
        file = folder / match[0].replace("/", "_")
        if not match[0].endswith((".d", "nginx")):
            content = next((words for end, words in FILES.items() if match[0].endswith(end)), "swordfish\n")
            file.touch(0o600)
            file.write_text(content)
        return str(file)

    return PATH.sub(made, text)


def opened(settings: Settings) -> list[str]:
    """The providers of all accounts, each ready for use."""
    for account in settings.accounts.values():
        open_account(account)
    return [account.provider for account in settings.accounts.values()]


@each(blocks("toml"))
def test_a_configuration_loads(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.touch(0o600)
    file.write_text(with_files(block.text, tmp_path))
    environ = {"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(tmp_path)}
    if "[account." in block.text:
        assert opened(load_settings(environ))
    if "[deploy." in block.text:
        assert load_deployments(environ)


@each(
    block
    for block in literals()
    if CONFIGURATION.match(block.text) and not block.where.startswith(TESTED_ELSEWHERE)
)
def test_a_part_of_a_configuration_is_right_beside_the_accounts_that_it_names(
    block: Block, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.touch(0o600)
    given = set(re.findall(r"\[account\.(\w+)\]", block.text))
    named = set(re.findall(r'"(\w+)"', " ".join(re.findall(r"^account = (.*)", block.text, re.MULTILINE))))
    accounts = "".join(ACCOUNT.format(name) for name in named - given)
    if not given | named:
        accounts = ACCOUNT.format("any")
    ca = '\n[ca]\ndirectory = "letsencrypt"\n' if "[fleet]" in block.text else ""
    file.write_text(with_files(block.text, tmp_path) + accounts + ca)
    environ = {"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(EXECUTABLE), "config", "check"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "module", [pytest.param(path, id=path.parent.name) for path in sorted(ROOT.glob("hooks/**/section.py"))]
)
def test_the_reference_of_a_section_is_toml_and_has_the_section(module: Path) -> None:
    text = ast.get_docstring(ast.parse(module.read_text())) or ""
    (example,) = LITERAL.findall(f"{text}\n")
    assert tomllib.loads(textwrap.dedent(example))


@each(block for block in blocks("bash") if "DNS01_PROVIDER=" in block.text)
def test_the_variables_of_an_account_open_it(block: Block, tmp_path: Path) -> None:
    exports = "\n".join(line for line in block.text.splitlines() if line.startswith("export"))
    script = with_files(exports, tmp_path)
    done = subprocess.run(
        ["env", "-i", "/bin/bash", "-ec", f"{script}\nenv -0"], capture_output=True, text=True, check=True
    )
    environ = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    assert opened(load_settings({"DNS01_CONFIG": "", "DNS01_STATE_DIR": str(tmp_path), **environ}))


def test_the_messages_that_are_explained_are_those_of_the_code() -> None:
    explained = re.findall(r"^``(.+)``$", (ROOT / "docs/guides/debugging.rst").read_text(), re.MULTILINE)
    assert len(explained) > 4
    code = "".join(file.read_text() for file in (ROOT / "hooks").rglob("*.py"))
    assert [part for words in explained for part in words.split("…") if part.strip() not in code] == []


@each(blocks("bash"))
def test_shell_is_shell(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def take(words: list[str]) -> None:
    """Have the command take its words, or its client the phase."""
    name, *rest = words
    if name in ("help", "version"):
        return
    if name not in commands.COMMANDS:
        assert read(words, FROM_A_CLIENT)
        return
    command: click.Command | None = commands.dns01.get_command(click.Context(commands.dns01), name)
    assert command
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        name, *rest = rest
        command = command.commands[name]
    if "--help" not in rest:
        with command.make_context(name, rest):
            pass


@each(block for block in [*blocks("bash", "console"), *literals()] if CALL.search(block.text))
def test_a_command_takes_its_words(block: Block) -> None:
    for words in CALL.findall(block.text.replace("\\\n", " ")):
        take(shlex.split(words, comments=True))


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in SHOWN])
def test_a_command_in_a_sentence_takes_its_words(page: Path) -> None:
    for words in INLINE.findall(page.read_text()):
        if "…" not in words and words not in commands.COMMANDS:  # whose name alone stands for it
            take(shlex.split(words.partition(">")[0]))


@each(block for block in blocks("bash") if HOOK.search(block.text))
def test_a_hook_is_called_by_a_phase_of_its_client(block: Block) -> None:
    for words in HOOK.findall(block.text):
        assert read(words.split(), FROM_A_CLIENT)
