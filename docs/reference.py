"""The pages under docs/reference/, which are written from the code when the documentation is built."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from textwrap import fill, indent

from dns01 import errors
from dns01.hooks.commands import dns01
from dns01.hooks.commands.command_line import CommandHelp, Parameter, commands
from dns01.hooks.commands.provider_guide import columns, rst
from dns01.hooks.deploy.targets import kinds
from dns01.hooks.deploy.targets import load as load_target
from dns01.options import Option
from dns01.providers import load, names

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "hooks"


ACCOUNTS = """\
``[account.NAME]`` and ``[zone."NAME"]`` say who serves which zone: :doc:`/guides/accounts`. Their keys, and
those at the top of the file, stand beside the variables of the same meaning in :doc:`/reference/variables`;
those of each provider in :doc:`/providers`. A key that nobody knows is an error, and ``dns01 config check``
says where.
"""


def pages() -> Mapping[str, str]:
    """Each page's text, by its name."""
    return {
        "commands": page("Commands", *map(command, commands(dns01))),
        "configuration": page("The file config.toml", ACCOUNTS, *map(section, sections())),
        "variables": page("Environment variables", VARIABLES),
        "provider_variables": page("Environment variables of providers", *provider_variables()),
        "exit_codes": page("Exit codes", exit_codes()),
        "schemas": page("JSON", SCHEMAS, *map(schema, sorted(DOCS.glob("*.schema.json")))),
        "targets": page("Targets", *map(target, kinds())),
    }


def write(folder: Path) -> None:
    """Write all pages; one that has not changed keeps its date, so that Sphinx passes over it."""
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        file = folder / f"{name}.rst"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def page(title: str, *parts: str) -> str:
    return "\n\n".join([headed(title, "="), *(part.rstrip() for part in parts)]) + "\n"


def headed(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}"


def command(each: CommandHelp) -> str:
    """A command with its options, as ``--help`` has them."""
    parts = [headed(" ".join(each.path), "-"), f".. code-block:: text\n\n   {each.usage}"]
    parts += paragraphs(each.help)
    parts += [f".. program:: {' '.join(each.path)}", *map(option, each.options)]
    return "\n\n".join(parts)


def paragraphs(help: str) -> Iterator[str]:
    """Click's paragraphs; those after a backspace keep their lines."""
    for text in inspect.cleandoc(help).split("\n\n"):
        if text.startswith("\b\n"):
            yield f"::\n\n{indent(inspect.cleandoc(text[2:]), '   ')}"
        else:
            yield rst(text)


def option(parameter: Parameter) -> str:
    value = f" {parameter.metavar}" if parameter.metavar else ""
    flags = ", ".join(f"{flag}{value}" for flag in parameter.flags)
    return f".. option:: {flags}\n\n   {rst(parameter.help)}"


def sections() -> Iterator[str]:
    """The modules that read a section of the file each: ``section.py`` of any room."""
    for file in sorted(PACKAGE.rglob("section.py")):
        yield ".".join(("dns01.hooks", *file.relative_to(PACKAGE).with_suffix("").parts))


def section(module: str) -> str:
    """What the module's docstring says: its sentences, and the keys with what they mean."""
    said = inspect.getdoc(import_module(module)) or ""
    first, _, rest = said.partition("\n\n")
    named = re.findall(r"\[[\w.\"*]+\]", first)
    title = " and ".join(named) or module.split(".")[-2]
    return f"{headed(title, '-')}\n\n{first}\n\n{rest}"


def provider_variables() -> Iterator[str]:
    """Every variable of every provider."""
    yield OF_PROVIDERS
    rows = [
        (f"``{variable}``", f"``{name}``", rst(each.help))
        for name in names()
        for each in load(name).options
        for variable in each.env
    ]
    yield columns([("variable", "provider", "meaning"), *rows], rule=True)


def exit_codes() -> str:
    """Those of the errors, from the errors themselves."""
    classes = inspect.getmembers(errors, inspect.isclass)
    own = [each for _, each in classes if issubclass(each, errors.HookError) and "exit_code" in vars(each)]
    entries = [
        f"{each.exit_code} ({each.__name__})\n   {first_paragraph(each)}"
        for each in sorted(own, key=lambda each: each.exit_code)
    ]
    return "\n\n".join([*entries, OF_FAULTS, OF_OTHERS])


def first_paragraph(documented: object) -> str:
    """In one line."""
    return " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())


def schema(file: Path) -> str:
    """What a command writes with --json: version, title, description, and the schema itself."""
    read = json.loads(file.read_text())
    title = read["title"].replace("`", "``")
    return (
        f"{headed(title, '-')}\n\n{fill(rst(read['description']), 88)}\n\n"
        f".. literalinclude:: ../{file.name}\n   :language: json"
    )


def target(kind: str) -> str:
    """What the kind's module says of it, and its keys."""
    loaded = load_target(kind)
    said = first_paragraph(inspect.getmodule(loaded))
    body = "\n\n".join(map(key, loaded.options))
    return f"{headed(kind, '-')}\n\n{said}\n\n{body}"


def key(each: Option) -> str:
    traits = [
        "required" if each.required else "optional",
        *(["secret"] if each.secret else []),
        *([f"default {rst(each.default)}"] if each.default else []),
    ]
    return f"``{each.key}`` ({', '.join(traits)})\n   {rst(each.help)}"


VARIABLES = """\
.. include:: ../../README.rst
   :start-after: .. begin variables
   :end-before: .. end variables"""

SCHEMAS = """\
Every document has a ``version``. What a later release adds are new fields, which a program has to pass over;
anything else makes another version. The schemas (JSON Schema, draft 2020-12) are in ``docs/``."""

OF_PROVIDERS = """\
With ``_FILE`` at the end of its name, each is the path of a file that holds the value. What ``dns01 providers
NAME`` says of each provider is in ``docs/providers.rst``, too."""

OF_FAULTS = """\
70
   A fault of dns01's own. Run again with ``DNS01_DEBUG=1``, and report it."""

OF_OTHERS = """\
``dns01 doctor`` ends with 0 (nothing, or notes), 1 (warnings) or 2 (errors); ``dns01 status`` as a plugin of
Nagios does: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
