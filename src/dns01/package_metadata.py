"""``importlib.metadata``, loaded only when somebody has a use for it.

dnspython asks it, when it is imported, for the version of idna: a quarter of all that a publishing call
computes. The call does without idna in dnspython, which is given A-labels.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

NAME = "importlib.metadata"


class Later(ModuleType):
    """Stands for the module until anything but idna's version is asked for."""

    def __getattr__(self, name: str) -> object:
        if name == "version":
            return version
        return getattr(loaded(), name)


def version(package: str) -> str:
    """The version of an installed package; raises LookupError for idna."""
    if package == "idna":
        raise LookupError(package)
    version: str = loaded().version(package)
    return version


def loaded() -> ModuleType:
    """importlib's metadata module, imported if it was put off."""
    if isinstance(sys.modules.get(NAME), Later):
        del sys.modules[NAME]
    return importlib.import_module(NAME)


def load_later() -> None:
    """Spare this process the import, where it has not been done yet."""
    if NAME not in sys.modules:
        sys.modules[NAME] = importlib.metadata = Later(NAME)
