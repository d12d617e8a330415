"""What there is to know about a provider, all of it from the provider's own module.

The terminal is shown it as it is here; on the page of the documentation it is reStructuredText.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from importlib.util import find_spec
from textwrap import fill, indent
from typing import Any, NamedTuple

from ...options import Option
from ...providers import load, names
from ...providers._bridge_catalogue import bridged
from ...providers.base import (
    Documented,
    LimitsValues,
    NeedsPackage,
    NeedsPermission,
    Profile,
    Provider,
    RaisesTtl,
    Titled,
    WantsKeys,
)

Spell = Callable[[str], str]

INSTALL = "pip install 'dns01-hook[{}]'"
WIDTH = 88


class ProviderRow(NamedTuple):
    """One line of the list: a provider's name here and behind the bridges ("-": there is none)."""

    name: str
    lexicon: str
    acmesh: str
    title: str
    also: str = ""  # what else it may be searched by


HEADS = ProviderRow("NAME", "LEXICON", "ACME.SH", "DNS PROVIDER")


def catalogue(lexicon: Set[str] | None = None) -> list[ProviderRow]:
    """All DNS providers: first those with a module here, then those that only a bridge leads to.
    ``lexicon``: the providers of the dns-lexicon that is installed."""
    native = {name: ProviderRow(name, "-", "-", title(load(name))) for name in names()}
    others = []
    for row in bridged(lexicon):
        bridges = " ".join(row.lexicon) or "-", " ".join(row.acmesh) or "-"
        known = {*row.lego, *row.lexicon}
        also = " ".join((*row.lego, row.title))
        if ours := [name for name in native if name in known]:
            native[ours[0]] = ProviderRow(ours[0], *bridges, native[ours[0]].title, also)
        else:
            others.append(ProviderRow("-", *bridges, row.title, also))
    return [*native.values(), *others]


def columns(rows: Sequence[Sequence[str]], rule: bool = False) -> str:
    """The rows in columns, of which the last may be of any width; with rules it is a table of
    reStructuredText, whose first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if rule:
        ruler = "  ".join("=" * width for width in widths)
        lines = [ruler, lines[0], ruler, *lines[1:], ruler]
    return "\n".join(lines)


def title(kind: type[Provider]) -> str:
    """The name that people know it by; where that is no company's, what its module says it is."""
    return (_title(kind) or _module_says(kind)).partition(". ")[0].removesuffix(".")


# A provider's facts are those of its class: as an object, it is one of these protocols itself.


def _title(kind: object) -> str:
    return kind.title if isinstance(kind, Titled) else ""


def _docs(kind: object) -> str:
    return kind.docs if isinstance(kind, Documented) else ""


def _needs(kind: object) -> tuple[str, str]:
    return kind.needs if isinstance(kind, NeedsPackage) else ("", "")


def _permission(kind: object) -> str:
    return kind.permission if isinstance(kind, NeedsPermission) else ""


def least_ttl(kind: object) -> int:
    """The least TTL that the provider's API takes, in seconds."""
    return kind.least_ttl if isinstance(kind, RaisesTtl) else 0


def privilege(name: str, kind: type[Provider]) -> str:
    """The least privilege to grant and the API's page, for whoever is asked for credentials; or ""."""
    permission = _permission(kind)
    if "\n" in permission:
        permission = f"a policy that `dns01 providers {name}` shows"
    page = f" ({docs})" if (docs := _docs(kind)) else ""
    return f"The least privilege to grant: {permission}{page}" if permission else ""


def _values_per_name(kind: object) -> int:
    return kind.values_per_name if isinstance(kind, LimitsValues) else 0


def _is_keyless(kind: object, otherwise: bool) -> bool:
    return kind.keyless if isinstance(kind, WantsKeys) else otherwise


def lacking(kind: type[Provider]) -> str:
    """The command that installs what this provider needs and what is not there, or ""."""
    package, extra = _needs(kind)
    return INSTALL.format(extra) if package and not find_spec(package) else ""


def facts(kind: type[Provider]) -> dict[str, Any]:
    """What is known of one provider, for JSON."""
    package, extra = _needs(kind)
    return {
        "documentation": _docs(kind) or None,
        "permission": _permission(kind) or None,
        "needs": {"package": package, "install": INSTALL.format(extra)} if package else None,
        "options": [
            {
                "key": _key(option),
                "variables": list(map(_variable, option.env)),
                "help": option.help,
                "required": option.required,
                "secret": option.secret,
                "default": option.default.replace("{state}", "$DNS01_STATE_DIR") or None,
            }
            for option in kind.options
        ],
    }


def guide(name: str, kind: type[Provider], spell: Spell | None = None, width: int = WIDTH) -> str:
    """All about one provider, in lines of ``width`` characters; what can be pasted is never broken.
    ``spell`` puts bare text into reStructuredText; without it, it is for a terminal."""
    return "\n\n".join(_parts(name, kind, _Page(spell, width))) + "\n"


class _Page(NamedTuple):
    """How text is written: for reStructuredText, or (without ``spell``) for a terminal."""

    spell: Spell | None
    width: int

    def bare(self, text: str) -> str:
        return self.spell(text) if self.spell else text

    def head(self, text: str) -> str:
        return f"{self.bare(text)}\n{'-' * len(self.bare(text))}" if self.spell else text

    def said(self, text: str) -> str:
        """Add text that is reStructuredText already."""
        plain = re.sub("::$", ":", text.replace("``", ""), flags=re.MULTILINE)
        return self.wrap(text if self.spell else plain)

    def wrap(self, text: str) -> str:
        return _wrap(text, self.width)

    def block(self, head: str, text: str) -> str:
        mark = "::" if self.spell else ":"
        return f"{head}{mark}\n\n{indent(text.rstrip(), '    ')}"


def rst(text: str) -> str:
    """Bare text, so that reStructuredText takes none of it for its own."""
    return re.sub(r"([\\*`|]|_(?!\w)|(?<=:):)", r"\\\1", text)


def _parts(name: str, kind: type[Provider], page: _Page) -> Iterator[str]:
    yield page.head(f"{name}: {title(kind)}" if _title(kind) else name)
    for paragraph in (_module_says(kind), *(inspect.getdoc(kind) or "").split("\n\n")):
        if paragraph:
            yield page.said(paragraph)
    if docs := _docs(kind):
        yield f"The API's documentation: {docs}"
    package, extra = _needs(kind)
    if package:
        yield f"It needs {package}: {page.bare(INSTALL.format(extra))}"
    if permission := _permission(kind):
        if "\n" in permission:
            yield page.block("The least privilege to grant", permission)
        else:
            yield page.wrap(f"The least privilege to grant: {page.bare(permission)}.")
    yield page.block("At the least, as environment variables", environment(name, kind))
    yield page.block("The same in the configuration file", toml(name, kind))
    if kind.options:
        which = "; one of the secrets is needed" if _takes_any_secret(kind) else ""
        yield page.wrap(
            "All variables; with _FILE at the end of its name, each is the path of a file that holds the"
            f" value{which}:"
        )
        yield "\n\n".join(_definition(option, page) for option in kind.options)
    yield page.wrap(_limits(kind) + _waits(kind.profile, least_ttl(kind)))


def environment(name: str, kind: type[Provider]) -> str:
    """Shell lines that export the least that the provider needs, with secrets in files."""
    lines = [f"export DNS01_PROVIDER={name}"]
    for option in least(kind):
        path = _secret_file(name, option)
        lines.append(f"export {_variable(option.env[0])}{f'_FILE={path}' if option.secret else '=…'}")
    return "\n".join(lines)


def toml(name: str, kind: type[Provider]) -> str:
    """An ``[account]`` table with the least that the provider needs, with secrets in files."""
    lines = [f"[account.{name}]", f'provider = "{name}"']
    for option in least(kind):
        value = f'{{ file = "{_secret_file(name, option)}" }}' if option.secret else '"…"'
        lines.append(f"{_key(option)} = {value}")
    return "\n".join(lines)


def least(kind: type[Provider]) -> Sequence[Option]:
    """What is required, and the tables, which are needed more often than not; where no secret is and
    the machine itself is not let in either, the first secret, and what is said before it."""
    secrets = [position for position, option in enumerate(kind.options) if option.secret]
    through: Sequence[Option] = ()
    if secrets and not _is_keyless(kind, otherwise=False) and not _has_required_secret(kind):
        through = [option for option in kind.options[: secrets[0] + 1] if not option.default]
    return [option for option in kind.options if option.required or option.table or option in through]


def _takes_any_secret(kind: type[Provider]) -> bool:
    """Whether, as ``Rest`` has it, one secret is needed, and which of several does not matter."""
    several = sum(option.secret for option in kind.options) > 1
    return several and not _is_keyless(kind, otherwise=True) and not _has_required_secret(kind)


def _has_required_secret(kind: type[Provider]) -> bool:
    return any(option.required and option.secret for option in kind.options)


def _secret_file(name: str, option: Option) -> str:
    return f"/etc/dns01/{name}.{'NAME' if option.table else option.key}"


def _variable(spelling: str) -> str:
    """A variable; of a table, one for each NAME."""
    return spelling.replace("{api}", "…").replace("*", "NAME")


def _key(option: Option) -> str:
    return f"{option.key}.NAME" if option.table else option.key


def _definition(option: Option, page: _Page) -> str:
    traits: Mapping[str, object] = {
        "required": option.required,
        "optional": not option.required,
        "secret": option.secret,
        f"default {option.default.replace('{state}', '$DNS01_STATE_DIR')}": option.default,
    }
    listed = ", ".join(trait for trait, holds in traits.items() if holds)
    term = f"{' or '.join(map(_variable, option.env))} ({_key(option)} in the file): {listed}"
    if not page.spell:  # which a document has in one line
        term = _wrap(term, page.width, "  ")
    return f"{page.bare(term)}\n{indent(_wrap(page.bare(option.help), page.width - 4), '    ')}"


def _limits(kind: type[Provider]) -> str:
    values = _values_per_name(kind)
    return f"It keeps no more than {values} value{'s'[: values > 1]} at a name. " if values else ""


def _waits(profile: Profile, least_ttl: int) -> str:
    times = f"{profile.rounds} times in a row" if profile.rounds > 1 else "once"
    raised = " (the least that the API takes)" if least_ttl >= profile.ttl else ""
    return (
        f"A record has a TTL of {max(profile.ttl, least_ttl)} s{raised}, and is waited for until every name"
        f" server has answered with it {times}: {profile.timeout:g} s at most. A silent server is left out of"
        f" account after {profile.patience:g} s; where a CA may remember an earlier answer, it is given up to"
        f" {profile.settle:g} s to forget it."
    )


def _module_says(kind: type[Provider]) -> str:
    """The first paragraph of its module."""
    return (sys.modules[kind.__module__].__doc__ or "").split("\n\n")[0].strip()


def _wrap(text: str, width: int, further: str = "") -> str:
    """``further``: what stands before all lines but the first."""
    return fill(text, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
