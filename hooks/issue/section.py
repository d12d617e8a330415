"""What ``[ca]`` and ``[issue]`` say: the CA that certificates are ordered from, and where they are kept.

::

    [ca]
    directory = "letsencrypt"           # a short name, or the URL of an ACME directory
    contact = ["ops@example.org"]       # for the account; most CAs need none
    ca_file = "/etc/dns01/root.pem"     # whom to trust for a private CA's own HTTPS
    account_key = "/path/private_key"   # an account that another client has made (PEM, or certbot's JSON)
    eab_kid = "…"                       # external account binding, where the CA wants it
    eab_hmac_key = { file = "/etc/dns01/eab" }
    key = "ec256"                       # of new certificates: ec256, ec384, rsa2048, rsa3072 or rsa4096
    reuse_key = false                   # a new key for each renewal
    profile = "shortlived"              # where the CA offers several
    preferred_chain = "ISRG Root X1"    # a part of the name of the chain's topmost issuer

    [issue]
    folder = "/var/lib/dns01/certificates"
    inventory = "/etc/dns01/certificates.csv"            # or .jsonl
    inventory_command = ["psql", "--csv", "…"]           # prints JSON lines
    time_limit = 60                                      # seconds that the command may take
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast, get_args

from ...errors import ConfigError
from ...options import at, check_known, text, words
from ...providers.base import Option
from ..caa.issuers import PRESETS
from ..config.load import DEFAULT_FILE, configuration_file
from ..config.toml import TomlFile
from ..config.validators import value_of
from ..state.folder import state_dir

KeyType = Literal["ec256", "ec384", "rsa2048", "rsa3072", "rsa4096"]

DIRECTORIES = {**PRESETS, "letsencrypt-staging": PRESETS["letsencrypt-test"]}
CA_KEYS = (
    "directory", "contact", "ca_file", "account_key", "eab_kid", "eab_hmac_key", "key", "reuse_key",
    "profile", "preferred_chain",
)  # fmt: skip
ISSUE_KEYS = ("folder", "inventory", "inventory_command", "time_limit")
EAB_HMAC_KEY = Option("eab_hmac_key", (), "the HMAC key that the CA gave, in base64url", secret=True)
TIME_LIMIT = 60.0  # seconds


class CaSection(NamedTuple):
    """What ``[ca]`` says. ``directory``: its URL. ``contact``: URIs. Paths and words are empty where nothing
    is said."""

    directory: str
    contact: tuple[str, ...] = ()
    ca_file: str = ""
    account_key: str = ""
    eab_kid: str = ""
    eab_hmac_key: str = ""
    key: KeyType = "ec256"
    reuse_key: bool = False
    profile: str = ""
    preferred_chain: str = ""


class IssueSection(NamedTuple):
    """What ``[issue]`` says. ``folder``: that of the certificates. ``tables``: what ``[certificate."NAME"]``
    says, by name."""

    folder: str
    inventory: str = ""
    inventory_command: tuple[str, ...] = ()
    time_limit: float = TIME_LIMIT
    tables: Mapping[str, Mapping[str, Any]] = {}
    source: str = DEFAULT_FILE


def load_ca(environ: Mapping[str, str]) -> CaSection:
    """The CA to order from. Raises ConfigError, also where none is configured."""
    file = configuration_file(environ)
    table = file.table("ca") if file else None
    if file is None or not isinstance(table, dict):
        raise ConfigError(
            "no CA is configured to order from",
            f'write into {file.path if file else DEFAULT_FILE}: [ca] and below it directory = "letsencrypt"',
        )
    with at(f"{file.path}: [ca]"):
        return _ca(table, file)


def load_issue(environ: Mapping[str, str]) -> IssueSection:
    """Where certificates are kept, and where it is said which. Raises ConfigError."""
    file = configuration_file(environ)
    if file is None:
        return IssueSection(_default_folder(environ))
    with at(file.path):
        tables = file.sections("certificate")
        table = _issue_table(file)
        base = os.path.dirname(os.path.abspath(file.path))
        with at("[issue]"):
            inventory = value_of(table, "inventory", text, "")
            return IssueSection(
                value_of(table, "folder", _absolute, _default_folder(environ)),
                os.path.join(base, inventory) if inventory else "",
                value_of(table, "inventory_command", words, ()),
                value_of(table, "time_limit", _seconds, TIME_LIMIT),
                tables,
                file.path,
            )


def certificates_folder(environ: Mapping[str, str]) -> str:
    """The folder that holds a folder for each certificate. Raises ConfigError."""
    file = configuration_file(environ)
    if file is None:
        return _default_folder(environ)
    with at(file.path):
        table = _issue_table(file)
        with at("[issue]"):
            return value_of(table, "folder", _absolute, _default_folder(environ))


def key_type(value: object) -> KeyType:
    """The type of a certificate's key. Raises ConfigError."""
    if value in get_args(KeyType):
        return cast(KeyType, value)
    raise ConfigError(f"{value!r} is no key type", f"it is one of: {', '.join(get_args(KeyType))}")


def flag(value: object) -> bool:
    """A setting that is true or false; in a CSV file, one of these words. Raises ConfigError."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(value, bool):
        return value
    raise ConfigError(f"{value!r} is neither true nor false", "write one of the two")


def _default_folder(environ: Mapping[str, str]) -> str:
    return os.path.join(state_dir(environ), "certificates")


def _issue_table(file: TomlFile) -> Mapping[str, Any]:
    table = file.table("issue")
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise ConfigError("issue is no table", "write [issue], and its keys below it")
    with at("[issue]"):
        check_known("key", table, ISSUE_KEYS)
    return table


def _ca(table: Mapping[str, Any], file: TomlFile) -> CaSection:
    check_known("key", table, CA_KEYS)
    if "directory" not in table:
        raise ConfigError("it has no directory", 'write directory = "letsencrypt", or the URL of the CA\'s')
    base = os.path.dirname(os.path.abspath(file.path))
    hmac_key = table.get("eab_hmac_key")
    section = CaSection(
        directory=value_of(table, "directory", _directory, ""),
        contact=value_of(table, "contact", _contact, ()),
        ca_file=_path(table, "ca_file", base),
        account_key=_path(table, "account_key", base),
        eab_kid=value_of(table, "eab_kid", text, ""),
        eab_hmac_key="" if hmac_key is None else file.value("eab_hmac_key", EAB_HMAC_KEY, hmac_key),
        key=value_of(table, "key", key_type, "ec256"),
        reuse_key=value_of(table, "reuse_key", flag, False),
        profile=value_of(table, "profile", text, ""),
        preferred_chain=value_of(table, "preferred_chain", text, ""),
    )
    if bool(section.eab_kid) != bool(section.eab_hmac_key):
        missing = "eab_hmac_key" if section.eab_kid else "eab_kid"
        raise ConfigError(f"it lacks {missing}", "the CA gives the two together: write both, or neither")
    return section


def _directory(value: object) -> str:
    directory = text(value)
    if re.fullmatch(r"https://[^\s/]+\S*", directory):
        return directory
    try:
        check_known("CA", [directory], list(DIRECTORIES))
    except ConfigError as error:
        raise ConfigError(
            str(error), f"{error.hint}; else the URL of its ACME directory, https://…"
        ) from None
    return DIRECTORIES[directory]


def _contact(value: object) -> tuple[str, ...]:
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
        raise ConfigError(f"{value!r} is no list of addresses", 'write ["ops@example.org"]')
    return tuple(entry if ":" in entry else f"mailto:{entry}" for entry in entries)


def _path(table: Mapping[str, Any], key: str, base: str) -> str:
    path = value_of(table, key, text, "")
    return os.path.join(base, path) if path else ""


def _absolute(value: object) -> str:
    path = text(value)
    if not os.path.isabs(path):
        raise ConfigError(f"{path!r} is no absolute path", "write it from / on")
    return path


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    raise ConfigError(f"{value!r} is not a number from 0 to 3600", "times are in seconds")
