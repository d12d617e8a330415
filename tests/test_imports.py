"""Who may import whom, and where each dependency has its place: the three tables are the rule.

The imports are read with ``ast``; nothing is run. One inside a function has to keep to the layers
and the places like any other, but is not made at start-up; nor is one under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from os import walk
from pathlib import Path
from typing import NamedTuple

import pytest
from checkout import ROOT

from dns01.hooks.deploy.targets import kinds

# The floors of the house, from the roof to the ground. A module imports from its own room and from the
# rooms of the floors below it: never from above, nor from another room of its own floor.
# (``hooks.dns`` is the package and all in it; the most exact name decides; ``*`` is what has no other.)
FLOORS = (
    ("hooks.hook hooks.dispatch *",),
    ("hooks.commands",),
    ("hooks.phases", "hooks.issue"),
    ("hooks.notify",),
    ("hooks.challenge", "hooks.deploy"),
    ("hooks.config",),
    ("hooks.state", "hooks.caa"),
    ("hooks.clients", "hooks.dns"),
    ("providers",),
    (
        "errors secret deadline http_deadline dns_message lockfile names options output child_process"
        " own_address own_program package_metadata regular_file retry_after trusted_file threads wrapping"
        " aws aws_deadline",
    ),
)

# Who called, and with what: these load nothing but the standard library before they are at work.
START_UP = ("__main__", "hooks.hook", "hooks.dispatch", "hooks.clients", "hooks.state")

# Each third-party package, and the modules that may import it (those after "but" may not).
PLACES = {
    "acme": "hooks.issue.acme hooks.phases.certbot_plugin",
    "apprise": "hooks.notify.send",
    "boto3": "aws",
    "botocore": "aws aws_deadline hooks.deploy.targets._aws",
    "certbot": "hooks.phases.certbot_plugin",
    "click": "hooks.commands",
    "cryptography": "hooks.deploy hooks.issue providers._jwt providers._private_keys"
    " providers._azure_certificate providers._gcloud_credentials providers.oraclecloud providers.transip",
    "dns": "hooks.dns hooks.caa hooks.challenge hooks.commands providers dns_message",
    "httpcore": "providers._http.httpx_post",
    "httpx": "hooks.dns.transports.doh providers.rackspace providers._http.httpx_post "
    "providers._http.failures",
    "idna": "names",
    "josepy": "hooks.issue.acme",
    "lexicon": "providers.lexicon",
    "mypy_boto3_route53": "providers.route53 providers._route53_batches",  # its types alone
    "psycopg": "hooks.issue.fleet.database hooks.issue.fleet.leases",
    "requests": "providers.rest providers._http.exchange providers._http.failures hooks.issue.acme",
    "rich": "hooks.commands hooks.challenge.readiness.progress hooks.issue.wave.progress",
    "tenacity": "providers._http.retries",
    "urllib3": "providers._http.exchange",
    "yaml": "hooks.deploy.targets._kubeconfig",
}

SOURCE = ROOT / "src"


class Import(NamedTuple):
    target: str  # the module, by its absolute name
    line: int
    at_once: bool = True
    relative: bool = False


def find_modules() -> dict[str, Path]:
    """Every module of the package by its absolute name; the links to hooks and providers are followed."""
    found = {}
    for folder, _, files in walk(SOURCE, followlinks=True):
        for file in (Path(folder, name) for name in files if name.endswith(".py")):
            parts = file.relative_to(SOURCE).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = file
    return dict(sorted(found.items()))


MODULES = find_modules()
every_module = pytest.mark.parametrize("module", MODULES)


def imports(module: str) -> list[Import]:
    """All that the module imports, wherever in it the statement stands."""
    return list(imports_in(ast.parse(MODULES[module].read_text()), module, at_once=True))


def imports_in(node: ast.AST, module: str, at_once: bool) -> Iterator[Import]:
    match node:
        case ast.Import():
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_once)
        case ast.ImportFrom():
            origin = absolute(node, module)
            for alias in node.names:
                if alias.name != "__version__":  # a fact about the package, not what it does
                    member = f"{origin}.{alias.name}"
                    target = member if member in MODULES else origin
                    yield Import(target, node.lineno, at_once, relative=node.level > 0)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            at_once = False
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            for child in node.body:
                yield from imports_in(child, module, at_once=False)
            node = ast.Module(node.orelse, [])
    for child in ast.iter_child_nodes(node):
        yield from imports_in(child, module, at_once)


def absolute(statement: ast.ImportFrom, module: str) -> str:
    """The absolute name of what stands between ``from`` and ``import``."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".") if MODULES[module].name == "__init__.py" else module.split(".")[:-1]
    package = parts[: len(parts) - statement.level + 1]
    return ".".join([*package, statement.module] if statement.module else package)


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "dns01"


def is_third_party(name: str) -> bool:
    return not is_ours(name) and name.partition(".")[0] not in sys.stdlib_module_names


def matches(module: str, name: str) -> bool:
    return name == "*" or f"{module}.".startswith(f"dns01.{name}.")


class Room(NamedTuple):
    floor: int  # 0 is the roof
    number: int  # on its floor


def room(module: str) -> Room:
    """Where in FLOORS the module stands."""
    found = [
        (len(name), Room(floor, number))
        for floor, rooms in enumerate(FLOORS)
        for number, names in enumerate(rooms)
        for name in names.split()
        if matches(module, name)
    ]
    return max(found)[1]


def may_import(module: str, package: str) -> bool:
    return any(matches(module, name) for name in PLACES.get(package, "").split())


def loaded_at_once(module: str) -> set[str]:
    """What an import of the module loads before it returns, packages on the way included."""
    loaded: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        if is_ours(name):
            targets = {found.target for found in imports(name) if found.at_once}
            waiting |= (targets | {name.rpartition(".")[0] or name}) - loaded
    return loaded


def test_every_name_in_floors_is_that_of_a_room_or_a_module() -> None:
    names = {name for rooms in FLOORS for names in rooms for name in names.split()} - {"*"}
    assert not {name for name in names if f"dns01.{name}" not in MODULES}


@every_module
def test_a_module_imports_from_its_own_room_and_from_the_floors_below(module: str) -> None:
    within = {found.target for found in imports(module) if is_ours(found.target)}
    here = room(module)
    assert not {name for name in within if room(name) != here and room(name).floor <= here.floor}


def test_only_the_entrances_are_in_no_room() -> None:
    named = {name for rooms in FLOORS for names in rooms for name in names.split()} - {"*"}
    elsewhere = {module for module in MODULES if not any(matches(module, name) for name in named)}
    assert elsewhere == {"dns01", "dns01.__main__", "dns01.hooks"}


@pytest.mark.parametrize("whole", sorted({module.rpartition(".")[0] for module in MODULES} - {"", "dns01"}))
def test_the_parts_of_a_room_do_not_import_each_other_in_a_circle(whole: str) -> None:
    """A part is a folder of the room with all that is in it; what is in none of them joins the parts."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        if part := part_of(whole, module):
            others = {part_of(whole, found.target) for found in imports(module) if is_ours(found.target)}
            graph.setdefault(part, set()).update(others - {"", part})
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the circle


def part_of(whole: str, module: str) -> str:
    """The folder in the room that the module is in; empty where it is in none."""
    if not module.startswith(f"{whole}."):
        return ""
    part = f"{whole}.{module.removeprefix(f'{whole}.').partition('.')[0]}"
    return part if MODULES[part].name == "__init__.py" else ""


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {
        module: {found.target for found in imports(module) if is_ours(found.target)} for module in MODULES
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the circle


@every_module
def test_a_third_party_package_is_imported_only_where_it_has_its_place(module: str) -> None:
    packages = {found.target.partition(".")[0] for found in imports(module) if is_third_party(found.target)}
    assert not {package for package in packages if not may_import(module, package)}


@pytest.mark.parametrize("module", [m for m in MODULES if any(matches(m, name) for name in START_UP)])
def test_what_every_call_goes_through_loads_the_standard_library_alone(module: str) -> None:
    assert not {name for name in loaded_at_once(module) if is_third_party(name)}


def test_certbot_s_plugin_is_loaded_without_what_may_be_missing() -> None:
    """certbot loads every plugin at every start, and does nothing at all once one of them cannot be."""
    loaded = {name.partition(".")[0] for name in loaded_at_once("dns01.hooks.phases.certbot_plugin")}
    assert {name for name in loaded if is_third_party(name)} == {"acme", "certbot"}


@pytest.mark.parametrize(
    "module",
    ["hooks.config.load", "hooks.deploy.section", *(f"hooks.deploy.targets.{kind}" for kind in kinds())],
)
def test_a_configuration_with_targets_is_read_without_what_is_slow_to_load(module: str) -> None:
    """Every phase that publishes reads it, and asks each kind of target for its options."""
    loaded = {name.partition(".")[0] for name in loaded_at_once(f"dns01.{module}")}
    assert not loaded & {"boto3", "botocore", "cryptography", "requests"}


@every_module
def test_imports_within_the_package_are_relative_but_in_the_script(module: str) -> None:
    within = [found for found in imports(module) if is_ours(found.target)]
    is_script = module == "dns01.hooks.hook"
    assert not [found for found in within if found.relative == is_script]
