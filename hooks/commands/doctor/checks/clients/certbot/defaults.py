"""What holds for every certificate of certbot's: its cli.ini, and the options of what runs it by the clock.

Both go before what a certificate's renewal file says (``set_by_cli`` of certbot 2.1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from ......clients.setup.shell.calls import calls
from ......clients.setup.text_files import read_text
from ....finding import Examined

CLI_INI = ("/etc/letsencrypt/cli.ini", "/root/.config/letsencrypt/cli.ini")
AUTHENTICATORS = ("webroot", "standalone", "nginx", "apache", "manual")  # each is an option of its own, too
# What renewal files call them, where that is another word.
KEYS = {"preferred_challenges": "pref_challs", "a": "authenticator", "configurator": "authenticator",
        "deploy_hook": "renew_hook", "renew_by_default": "force_renewal", "test_cert": "staging"}  # fmt: skip
FLAGS = ("force_renewal", "staging", "break_my_certs", *AUTHENTICATORS)
VALUED = ("pref_challs", "authenticator", "renew_hook", "manual_auth_hook", "manual_cleanup_hook", "server",
          "rsa_key_size", "key_type", "elliptic_curve", "dns01_config", "account")  # fmt: skip

# As ConfigArgParse reads it: "key = value", "key: value", "key value", or a key alone.
_LINE = re.compile(r"""(?:--)?([\w-]+)\s*(?:[:=\s]\s*(["']?)(.*?)\2)?\s*(?:\s[;#].*)?""")


class Default(NamedTuple):
    """One setting. ``path``: the file that it stands in, ``spelt``: as it stands there."""

    key: str
    value: str
    path: str
    spelt: str


def read(examined: Examined, commands: Iterable[tuple[str, str]], lineage: str) -> dict[str, Default]:
    """The settings by what renewal files call them. ``commands``: the lines that run certbot by the clock,
    each with its file; those for other certificates than ``lineage`` are passed over."""
    found = {each.key: each for path in CLI_INI for each in _of_file(examined, path)}
    for path, line in commands:
        for words in (call.arguments for call in calls(line, "certbot")):
            if "renew" not in words or lineage not in (values(words, "--cert-name") or [lineage]):
                continue
            for file in values(words, "-c", "--config"):
                found |= {each.key: each for each in _of_file(examined, file)}
            found |= {each.key: each for each in _of_words(path, words)}
    return found


def others_only(commands: Iterable[tuple[str, str]], names: Collection[str]) -> tuple[str, list[str]]:
    """The file of what runs certbot, and the certificates that it renews, where all of it is for certificates
    with other names than these; else nothing."""
    found = [
        (path, [call.arguments for call in calls(line, "certbot")])
        for path, line in commands
        if "certbot" in line
    ]
    if not all(each for _, each in found):
        return "", []  # one that is called in a way that is not understood
    renewed = [
        name
        for _, each in found
        for words in filter(None, each)
        for value in values(words, "--cert-name", "-d", "--domain", "--domains") or [""]
        for name in value.split(",")
    ]
    if not renewed or any(not name or "$" in name or name in names for name in renewed):
        return "", []
    return found[0][0], renewed


def _of_file(examined: Examined, path: str) -> Iterator[Default]:
    for line in (read_text(path, examined.root) or "").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            yield from _defaults(path, match[1], "true" if match[3] is None else match[3], line.strip())


def keys_in(text: str) -> Iterator[tuple[str, str]]:
    """The settings of a file like cli.ini, by their names, each with its line."""
    for line in map(str.strip, text.splitlines()):
        if (match := _LINE.fullmatch(line)) and match[1][0].isalpha():
            yield match[1], line


def values(words: Sequence[str], *options: str) -> list[str]:
    """What stands behind any of the options."""
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in options:
            found.append(value if equals else following)
    return found


def _of_words(path: str, words: Sequence[str]) -> Iterator[Default]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option.startswith("-"):
            value = value if equals else following
            yield from _defaults(path, option.lstrip("-"), value, option, is_flag=not equals)


def _defaults(path: str, name: str, value: str, spelt: str, *, is_flag: bool = False) -> Iterator[Default]:
    key = name.replace("-", "_")
    key = KEYS.get(key, key)
    if key in FLAGS and (is_flag or value.lower() == "true"):
        named = ("authenticator", key) if key in AUTHENTICATORS else (key, "true")
        yield Default(*named, path, spelt)
    elif key in VALUED:
        yield Default(key, value, path, f"{spelt} {value}" if spelt.startswith("-") else spelt)
