"""The files that TSIG keys come in: tsig-keygen's, which is a clause of named.conf, keymgr's, which is a
section of knot.conf, pdnsutil's line, ``nsupdate -y``'s word, and dnssec-keygen's pair.

The pair is ``Kname.+163+12345.key``, a KEY record (RFC 2535 §3), and ``….private`` beside it, which does not
say the key's name; dnssec-keygen made them for nsupdate until BIND 9.13.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

from ..errors import ConfigError
from ..secret import hide, read_secret, shown

KEYWORDS = {"key", "algorithm", "secret"}
HINT = 'it has to hold one  key "name" { algorithm hmac-sha256; secret "…"; };  and no more'
PAIR_HINT = "`tsig-keygen` makes a file that has all of it; a K….private needs its K….key beside it"
NUMBERS = {  # of dnssec-keygen, which is why no key of DNSSEC has them
    157: "hmac-md5",
    161: "hmac-sha1",
    162: "hmac-sha224",
    163: "hmac-sha256",
    164: "hmac-sha384",
    165: "hmac-sha512",
}

_COMMENT_OR_WORD = re.compile(r'/\*.*?\*/|//[^\n]*|#[^\n]*|"([^"]*)"|([{};])|([^\s{};"]+)', re.DOTALL)
_RECORD = re.compile(
    r"^([^\s;]+)\s+(?:\d+\s+)?(?:IN\s+)?(?:\d+\s+)?KEY\s+\d+\s+\d+\s+(\d+)\s+([^;\n]+)",
    re.MULTILINE | re.IGNORECASE,
)
_PDNSUTIL = re.compile(  # of generate-tsig-key, and of list-tsig-keys
    r"(?:Create new TSIG key )?(?P<name>\S+) (?P<algorithm>hmac-\S+) (?P<secret>\S+)"
)
_FOR_NSUPDATE = re.compile(r"(?P<algorithm>hmac-[\w-]+):(?P<name>[^:\s]+):(?P<secret>\S+)", re.IGNORECASE)
_KNOT_ITEM = re.compile(r"^[ \t]*-[ \t]+id:[^\n]*(?:\n(?![ \t]*-|\w)[^\n]*)*", re.MULTILINE)
_KNOT_FIELD = re.compile(r"^[ \t]*(?:-[ \t]+)?(id|algorithm|secret):[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_FIELD = re.compile(r"^(Private-key-format|Algorithm|Key):[^\S\n]*(.*?)[^\S\n]*$", re.MULTILINE)
_PAIR = re.compile(r"K(.+?)\.?\+(\d{3})\+\d{5}\.(?:private|key)")


def read_key_file(path: str) -> tuple[str, str, str]:
    """(name, algorithm, secret) of the one key in the file. Raises ConfigError."""
    text = read_secret(path, HINT).removeprefix("\ufeff")
    if line := _PDNSUTIL.fullmatch(text.strip()) or _FOR_NSUPDATE.fullmatch(text.strip()):
        hide(line["secret"])
        return line["name"], line["algorithm"], line["secret"]
    if record := _RECORD.search(text):
        return _of_record(path, record)
    fields = dict(_FIELD.findall(text))
    if "Private-key-format" in fields:
        return _of_pair(path, fields)
    if keys := knot_keys(text):
        if len(keys) > 1:
            raise ConfigError(f"{path} has {len(keys)} keys", "`keymgr -t NAME` makes a file that has one")
        return keys[0]
    return _of_clause(path, text)


def knot_keys(text: str) -> list[tuple[str, str, str]]:
    """(name, algorithm, secret) of each key of knot.conf's section ``key``, or of a file of keymgr's."""
    found = []
    for item in _KNOT_ITEM.findall(text):
        fields = dict(_KNOT_FIELD.findall(item))
        if secret := fields.get("secret"):
            hide(secret)
            found.append((fields["id"].rstrip("."), fields.get("algorithm", "hmac-sha256"), secret))
    return found


def _of_clause(path: str, text: str) -> tuple[str, str, str]:
    """As named.conf has it."""
    words = [word for groups in _COMMENT_OR_WORD.findall(text) if (word := "".join(groups))]
    names = [name for keyword, name in pairwise(words) if keyword.lower() == "key" and name not in "{};"]
    if len(names) > 1 and words.count("{") == len(names):
        raise ConfigError(
            f"{path} has {len(names)} keys: {', '.join(map(shown, names))}",
            "leave the one that may update the zone in a file by itself",
        )
    match [word.lower() if word.lower() in KEYWORDS else word for word in words]:
        case ["key", name, "{", *clauses, "}", ";"] | ["key", name, "{", *clauses, "}"]:
            pass
        case _:
            raise ConfigError(f"{path} is not a TSIG key file", HINT)
    settings = dict(zip(clauses[0::3], clauses[1::3], strict=False))
    if len(clauses) != 6 or clauses[2::3] != [";", ";"] or settings.keys() != {"algorithm", "secret"}:
        raise ConfigError(f"{path}: the key {shown(name)} needs an algorithm and a secret", HINT)
    return name, settings["algorithm"], settings["secret"]


def _of_record(path: str, record: re.Match[str]) -> tuple[str, str, str]:
    name, number, secret = record.groups()
    secret = "".join(secret.strip(" ()").split())
    hide(secret)
    return name, _algorithm(path, number), secret


def _of_pair(path: str, fields: dict[str, str]) -> tuple[str, str, str]:
    """The name is that of the record beside it, or else in the name of the file."""
    algorithm = _algorithm(path, fields.get("Algorithm", "").partition(" ")[0])
    secret = fields.get("Key", "")
    hide(secret)
    if not secret:
        raise ConfigError(f"{path} has no line with Key:", PAIR_HINT)
    beside = f"{path.removesuffix('.private')}.key"
    text = read_secret(beside, PAIR_HINT) if beside != path and os.path.exists(beside) else ""
    if record := _RECORD.search(text):
        return record[1], algorithm, secret
    if named := _PAIR.fullmatch(os.path.basename(path)):
        return named[1], algorithm, secret
    raise ConfigError(f"{path} does not say the name of its key", PAIR_HINT)


def _algorithm(path: str, number: str) -> str:
    if number.isdecimal() and int(number) in NUMBERS:
        return NUMBERS[int(number)]
    raise ConfigError(
        f"{path} has a key of the algorithm {number[:20] or '?'}, which is none of TSIG's", PAIR_HINT
    )
