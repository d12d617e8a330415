"""What stands in docs/ works: configurations load, shell is shell, and our own commands take their words."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from checkout import ROOT
from contract import validation

from dns01.hooks import commands
from dns01.hooks.clients.detection import read
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.config.settings import Settings
from dns01.hooks.deploy.section import load_deployments

BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1    .*\n|\n)+)", re.MULTILINE)
PATH = re.compile(r"""(?<=["=])/(?:etc|root)/[\w./-]+""")
CALL = re.compile(r"^\s*(?:# )?(?:/opt/dns01/bin/)?dns01 (?!is|and)(.+)$", re.MULTILINE)
HOOK = re.compile(r"'/opt/dns01/bin/dns01 (.+?)'")
FILES = {  # what a file holds, by the end of its name; any other, a secret
    "tsig.key": 'key "dns01" { algorithm hmac-sha256; secret "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="; };\n',
    "storage.json": "{}\n",
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


@each(block for block in blocks("bash") if "DNS01_PROVIDER=" in block.text)
def test_the_variables_of_an_account_open_it(block: Block, tmp_path: Path) -> None:
    exports = "\n".join(line for line in block.text.splitlines() if line.startswith("export"))
    script = with_files(exports, tmp_path)
    done = subprocess.run(
        ["env", "-i", "/bin/bash", "-ec", f"{script}\nenv -0"], capture_output=True, text=True, check=True
    )
    environ = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    assert opened(load_settings({"DNS01_CONFIG": "", "DNS01_STATE_DIR": str(tmp_path), **environ}))


@each(blocks("bash"))
def test_shell_is_shell(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


@each(block for block in blocks("bash", "console") if CALL.search(block.text))
def test_a_command_takes_its_words(block: Block) -> None:
    for words in CALL.findall(block.text.replace("\\\n", " ")):
        name, *rest = shlex.split(words, comments=True)
        command = commands.dns01.commands[name]
        while isinstance(command, click.Group) and rest and rest[0] in command.commands:
            name, *rest = rest
            command = command.commands[name]
        with command.make_context(name, rest):
            pass


@each(block for block in blocks("bash") if HOOK.search(block.text))
def test_a_hook_is_called_by_a_phase_of_its_client(block: Block) -> None:
    for words in HOOK.findall(block.text):
        assert read(words.split(), FROM_A_CLIENT)
