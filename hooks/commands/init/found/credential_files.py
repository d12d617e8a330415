"""Files of credentials that belong to no client: pyrax's, acme-dns's accounts, lexicon's configuration."""

from __future__ import annotations

import configparser
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress

from . import Found, files, text_of

PYRAX = ("~/.rackspace_cloud_credentials", "~/.pyrax_credentials")
ACME_DNS = ("/etc/acmedns/clientstorage.json", "/etc/letsencrypt/acmedns.json", "~/.acmedns.json")
LEXICON = ("~/lexicon*.yml", "~/.lexicon.yml", "/etc/lexicon/*.yml", "/etc/lexicon*.yml")

_YAML = re.compile(r"""^(\s*)([\w.-]+)\s*:\s*["']?(.*?)["']?\s*$""")


def accounts() -> Iterator[Found]:
    """The accounts in all such files on this machine."""
    for path in files((*PYRAX, *ACME_DNS, *LEXICON)):
        yield from accounts_of(text_of(path), path)


def accounts_of(text: str, path: str) -> Iterator[Found]:
    """The accounts in one file, of whichever of these kinds it is."""
    yield from _pyrax(text, path)
    yield from _acme_dns(text, path)
    if path.endswith((".yml", ".yaml")):
        yield from _lexicon(text, path)


def _pyrax(text: str, path: str) -> Iterator[Found]:
    file = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, KeyError):
        file.read_string(text)
        section = file["rackspace_cloud"]
        yield Found("rackspace", {"user": section["username"], "api_key": section["api_key"]}, path)


def _acme_dns(text: str, path: str) -> Iterator[Found]:
    """The file stays where it is, since other programs write to it. Old ones do not note the server."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return
    accounts = list(entries.values()) if isinstance(entries, dict) else []
    if accounts and all(isinstance(each, dict) and "subdomain" in map(str.lower, each) for each in accounts):
        url = next((str(each["server_url"]) for each in accounts if each.get("server_url")), "")
        yield Found("acmedns", {"storage": path, **({"base_url": url} if url else {})}, path)


def _lexicon(text: str, path: str) -> Iterator[Found]:
    """A section for each provider, or a file for each, which is then called lexicon_PROVIDER.yml. Of YAML
    no more than that is read."""
    named = re.fullmatch(r"lexicon_(\w+)\.ya?ml", os.path.basename(path))
    section = named[1] if named else ""
    options: dict[str, dict[str, str]] = {}
    for indented, key, value in (match.groups() for match in map(_YAML.match, text.splitlines()) if match):
        if not indented and not value and not named:
            section = key
        elif value and section and (indented or named) and not value.startswith("#"):
            options.setdefault(section, {})[f"options.{key}"] = value
    for api, given in options.items():
        yield Found("lexicon", {"api": api, **given}, path)
