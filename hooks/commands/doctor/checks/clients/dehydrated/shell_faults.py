"""Lines of dehydrated's configuration that bash, which reads it, takes for something else than was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ......clients.setup.dehydrated_config import Dehydrated
from ......clients.setup.shell.commands import commands
from ......clients.setup.text_files import read_text
from ....finding import Examined, Finding, Severity
from ..typographic_quotes import TYPOGRAPHIC, is_typographic
from .config_d import KNOWN

SECRETS = ("EAB_KID", "EAB_HMAC_KEY")


def check(examined: Examined, main: Dehydrated, own: Dehydrated) -> Iterator[Finding]:
    """``own``: the configuration with what the certificate has of its own, ``main``: without."""
    for path in own.files:
        yield from _spaced(path, read_text(path, examined.root) or "", ends=path in main.files)
    yield from _quoted(own)


def _spaced(path: str, text: str, *, ends: bool) -> Iterator[Finding]:
    """Blanks around a =. ``ends``: dehydrated ends at a program that is not there (``set -e``)."""
    for name in filter(None, (command.spaced(KNOWN) for command in commands(text))):
        form = re.compile(rf"^\s*(?:\w+\s+)?{name}(?:\s+=|=\s)")
        number = next((number for number, line in enumerate(text.splitlines(), 1) if form.match(line)), 0)
        effect = "and dehydrated ends there" if ends else f"and {name} is not set"
        message = f"line {number} has blanks around the = of {name}: bash looks for a program there, {effect}"
        step = f"sed -i '{number}s/[[:blank:]]*=[[:blank:]]*/=/' {path}"
        yield Finding("config-syntax", Severity.ERROR, path, message, (step,))


def _quoted(own: Dehydrated) -> Iterator[Finding]:
    """Quotes of a text processor's, which are a part of the value."""
    for key in KNOWN:
        quoted = own.settings.get(key, "")
        if is_typographic(quoted) and key not in own.uncertain:
            path = own.origins.get(key, own.files[0])
            value = "" if key in SECRETS else quoted.strip(TYPOGRAPHIC)
            message = (
                f"the quotes around the value of {key} are typographic ones, which are a part of it to bash"
            )
            step = f'write in {path}, with plain quotes: {key}="{value or "…"}"'
            yield Finding("typographic-quotes", Severity.ERROR, path, message, (step,))
