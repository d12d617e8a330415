"""What stands for ``importlib.metadata`` is as good as the module, for whoever has a use for it."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

USES = {
    "a version": "import importlib.metadata; assert importlib.metadata.version('dnspython')",
    "a version, imported by its name": "from importlib.metadata import version; assert version('dnspython')",
    "entry points": "from importlib.metadata import entry_points; assert entry_points()",
    "the error for a package that is not there": """
        import importlib.metadata
        try:
            importlib.metadata.version("no-such-package")
        except importlib.metadata.PackageNotFoundError:
            pass
        else:
            raise AssertionError
    """,
    "a module beneath it": "import importlib.metadata._meta",
    "whoever looks at all modules": """
        for each in list(sys.modules.values()):
            getattr(each, "__file__", None)
    """,
    "dnspython's DNSSEC, which wants cryptography": "import dns.dnssec; assert dns._features.have('dnssec')",
    "requests": "import requests",
    "boto3": "import boto3",
}
LATER = "import sys; from dns01.package_metadata import load_later; load_later(); {before}\n"


@pytest.mark.parametrize(
    "before", ["pass", "import dns.message"], ids=["before dnspython", "after dnspython"]
)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_is_loaded_for_whoever_has_a_use_for_it(use: str, before: str) -> None:
    run(LATER.format(before=before) + dedent(use))


def test_dnspython_is_imported_without_it() -> None:
    run(
        LATER.format(before="import dns.message, dns.update, dns.tsig")
        + "assert 'email' not in sys.modules and 'idna' not in sys.modules\n"
        "assert dns.message.make_query('xn--bcher-kva.example', 'TXT').question"
    )


def test_where_it_has_been_loaded_it_stays() -> None:
    run(
        "import importlib.metadata, sys; before = importlib.metadata\n"
        + LATER.format(before="pass")
        + "assert sys.modules['importlib.metadata'] is importlib.metadata is before"
    )


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
