"""dehydrated.config.example is a configuration that works, and names nothing that is not there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from checkout import ROOT

from dns01 import providers
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.config.validators import TERMS

TEXT = (ROOT / "dehydrated.config.example").read_text()
KEY = 'key "dns01" { algorithm hmac-sha256; secret "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="; };'


def sourced(text: str) -> dict[str, str]:
    """The variables that a shell has after reading the text, as dehydrated does."""
    done = subprocess.run(
        ["env", "-i", "bash", "-ec", "set -a; . /dev/stdin; env -0"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


def known_variables() -> set[str]:
    settings = {f"DNS01_{term.upper()}" for term in TERMS}
    settings |= {
        f"DNS01_{word}" for word in ("CA", "PROVIDER", "NAMESERVERS", "RESOLVERS", "READINESS", "STATE_DIR")
    }
    options = {
        name for kind in map(providers.load, providers.names()) for o in kind.options for name in o.env
    }
    return settings | options | {f"{name}_FILE" for name in options}


def test_what_is_in_force_configures_an_account(tmp_path: Path) -> None:
    key = tmp_path / "tsig.key"
    key.write_text(KEY)
    key.chmod(0o600)
    variables = sourced(TEXT.replace("/etc/dns01/tsig.key", str(key)))

    settings = load_settings({"DNS01_CONFIG": "", **variables})

    assert (variables["CHALLENGETYPE"], variables["HOOK_CHAIN"]) == ("dns-01", "yes")
    (account,) = settings.accounts.values()
    open_account(account)


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"export ([A-Z0-9_]+)=", TEXT))))
def test_every_variable_in_it_is_one_of_ours(variable: str) -> None:
    assert variable in known_variables()


def test_what_is_commented_out_is_shell_as_well() -> None:
    sourced(re.sub(r"^# (?=[A-Z_]+=|export )", "", TEXT, flags=re.MULTILINE))
