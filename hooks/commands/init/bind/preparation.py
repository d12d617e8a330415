"""What has to be written for the zones of this machine's BIND to take a key's updates of the challenges."""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .....errors import ConfigError
from .....names import is_within
from .....own_address import is_own_address
from ....clients.challenge import owner_name
from ..found import Found, bind
from ..written.files import Draft, read
from .named_conf import NamedConf, NamedZone, present
from .named_process import NamedProcess
from .update_policy import Edit, apply, lacking

KEY_NAME = "dns01"
KEY_OCTETS = 32  # as many as the algorithm's output has (RFC 2104 §3)
KEY_MODE = 0o640
WRITABLE = "/var/lib/bind"  # for zones that take updates, on Debian
UNCHANGED = "or leave BIND as it is: --no-bind"


class Preparation(NamedTuple):
    """What is to be written for BIND to take the updates. ``conf``: of the main file. ``zones``: by name.
    ``drafts``: the files to write, in this order. ``moved``: by zone, its file, where that is a new one."""

    conf: str
    zones: tuple[str, ...]
    drafts: tuple[Draft, ...]
    moved: Mapping[str, str]


class Key(NamedTuple):
    """A TSIG key. ``file``: BIND's file of it; empty where none is known."""

    name: str
    algorithm: str
    secret: str
    file: str = ""

    def text(self) -> str:
        """The key clause for named.conf, as tsig-keygen(8) writes it."""
        return f'key "{self.name}" {{\n\talgorithm {self.algorithm};\n\tsecret "{self.secret}";\n}};\n'


def new_account(names: Sequence[str]) -> list[Found]:
    """The account of a key that is yet to be made, if a zone of this machine's BIND is to have updates of the
    names. Raises ConfigError for a configuration that is not understood."""
    conf = _changeable()
    if conf is None or not _zones_of(conf.zones(), names):
        return []
    path = os.path.join(_folder(conf), f"{KEY_NAME}.key")
    if os.path.lexists(path):
        return []
    secret = b64encode(secrets.token_bytes(KEY_OCTETS)).decode()
    values = {
        "nameserver": bind.address_here(),
        "tsig_key": KEY_NAME,
        "tsig_algorithm": "hmac-sha256",
        "tsig_secret": secret,
    }
    return [Found("rfc2136", values, path, origins={"nameserver": bind.HERE}, is_new=True)]


def prepare(account: Mapping[str, str], source: str, names: Sequence[str]) -> Preparation | None:
    """``account``: the options of the rfc2136 account; ``source``: the file that they were found in. None
    where its server is not the BIND of this machine, or has none of the zones. Raises ConfigError, with
    what to do by hand, for what is not understood."""
    conf = _changeable() if _is_here(account.get("nameserver", "")) else None
    key = _key(account, source)
    if conf is None or key is None:
        return None
    zones = _zones_of(conf.zones(), names)
    if not zones:
        return None
    process = NamedProcess.of_this_machine()
    before = _key_drafts(conf, key, process)
    edits = _include(conf, key, zones[0][0])
    moved: dict[str, str] = {}
    copies = []
    for zone, owners in zones:
        edits += lacking(zone, key.name, owners)
        if copy := _writable(conf, zone, process):
            copies.append(copy)
            moved[zone.name] = copy.path
            statement = zone.statement.inside("file")
            assert statement
            edits.append(Edit(zone.source.path, statement.start, statement.end, f'file "{copy.path}";'))
    texts = {source.path: source.text for source in conf.sources}
    changed = dict.fromkeys(edit.path for edit in edits)
    ours = [Draft(path, apply(texts[path], [e for e in edits if e.path == path])) for path in changed]
    return Preparation(conf.path, tuple(zone.name for zone, _ in zones), (*before, *copies, *ours), moved)


def is_granted(key: str) -> bool:
    """Whether BIND's configuration has a word about the key in a zone, be it in a view."""
    return key in bind.granted()


def _changeable() -> NamedConf | None:
    """The configuration, if whoever runs this may change it. Raises ConfigError for one with views."""
    conf = present() if os.geteuid() == 0 else None
    if conf and (view := next(conf.every("view"), None)):
        raise ConfigError(
            f"{view[0].path} has views: which of them is to take the updates is not for init to decide",
            f"write in the zone of the view that the CA sees: update-policy {{ grant {KEY_NAME} name "
            f"_acme-challenge.example.org. TXT; }}; {UNCHANGED}",
        )
    return conf


def _zones_of(zones: Iterable[NamedZone], names: Iterable[str]) -> list[tuple[NamedZone, list[str]]]:
    """The primary zones that hold challenges of the names, and their owners."""
    found: dict[str, tuple[NamedZone, list[str]]] = {}
    known = sorted(zones, key=lambda zone: len(zone.name), reverse=True)
    for owner in dict.fromkeys(map(owner_name, names)):
        zone = next((zone for zone in known if zone.name and is_within(owner, zone.name)), None)
        if zone and zone.is_primary:
            found.setdefault(zone.name, (zone, []))[1].append(owner)
    return list(found.values())


def _is_here(nameserver: str) -> bool:
    """Whether the account's server is an address of this machine."""
    host = nameserver.strip("[]") if nameserver.count(":") > 1 else nameserver.partition(":")[0]
    return is_own_address(host)


def _key(account: Mapping[str, str], source: str) -> Key | None:
    """The account's, where it is a TSIG key that BIND can have."""
    if path := account.get("tsig_file", ""):
        found = [each.values for each in bind.keys_in(read(path) or "", path)]
        return Key(*(found[0][f"tsig_{part}"] for part in ("key", "algorithm", "secret"))) if found else None
    parts = [account.get(f"tsig_{part}", "") for part in ("key", "algorithm", "secret")]
    file = source if os.path.dirname(source) in bind.FOLDERS and source.endswith((".key", ".conf")) else ""
    return Key(parts[0], parts[1] or "hmac-sha256", parts[2], file) if parts[0] and parts[2] else None


def _defined(conf: NamedConf, key: Key) -> bool:
    for source, statement in conf.every("key"):
        if statement.words[1:2] and statement.words[1].rstrip(".").lower() == key.name.rstrip(".").lower():
            secret = statement.inside("secret")
            if secret is None or secret.words[1:2] != (key.secret,):
                raise ConfigError(
                    f"{source.path} has another key {key.name} than the account",
                    f"take that one, --from {source.path}, {UNCHANGED}",
                )
            return True
    return False


def _key_file(conf: NamedConf, key: Key) -> str:
    return key.file or os.path.join(_folder(conf), f"{key.name}.key")


def _key_drafts(conf: NamedConf, key: Key, process: NamedProcess) -> list[Draft]:
    """The file of the key, made or given to named to read."""
    path = _key_file(conf, key)
    if _defined(conf, key) and not key.file:
        return []
    text = read(path)
    if text is None:
        return [Draft(path, key.text(), KEY_MODE, secret=True, group=process.gid)]
    if not any(each.values["tsig_secret"] == key.secret for each in bind.keys_in(text, path)):
        raise ConfigError(f"{path} has another key than the account", f"move it away, {UNCHANGED}")
    if process.may(path, os.R_OK):
        return []
    return [Draft(path, text, KEY_MODE, secret=True, group=process.gid)]


def _include(conf: NamedConf, key: Key, zone: NamedZone) -> list[Edit]:
    """Before the zone, where the administrator looks."""
    path = _key_file(conf, key)
    if _defined(conf, key) or conf.includes(path):
        return []
    start = zone.statement.start
    return [Edit(zone.source.path, start, start, f'include "{path}";\n')]


def _writable(conf: NamedConf, zone: NamedZone, process: NamedProcess) -> Draft | None:
    """A copy of the zone's file where named may write its journal; None where it may already. Raises
    ConfigError where that is to be done by hand."""
    file, journal = zone.statement.inside("file"), zone.statement.inside("journal")
    if file is None or len(file.words) < 2:
        raise ConfigError(f"{zone.source.path}: the zone {zone.name} has no file", "give it one")
    path = os.path.join(conf.directory(), file.words[1])
    kept = os.path.join(conf.directory(), journal.words[1]) if journal else path
    if not os.path.isabs(path) or process.may_make_files_in(os.path.dirname(os.path.realpath(kept))):
        return None
    target = os.path.join(WRITABLE, os.path.basename(path))
    hint = f"move it to {WRITABLE}, and name that in {zone.source.path}; {UNCHANGED}"
    if journal or not process.may_make_files_in(WRITABLE) or os.path.lexists(target):
        raise ConfigError(f"BIND cannot write beside {path}, which updates of {zone.name} need", hint)
    if (text := read(path)) is None:
        raise ConfigError(f"{path}, the file of the zone {zone.name}, is not there", hint)
    mode = stat.S_IMODE(os.stat(path).st_mode) | 0o040
    return Draft(target, text, mode, group=process.gid, copy_of=path)


def _folder(conf: NamedConf) -> str:
    """Where BIND's keys are."""
    if conf.path == "/etc/named.conf" and os.path.isdir("/etc/named"):
        return "/etc/named"
    return os.path.dirname(conf.path)
