"""What is run on another machine: a script for any POSIX shell, on its standard input, content and all.

::

    /etc/nginx/tls/fullchain.pem
    /etc/nginx/tls/.fullchain.pem.dns01/    0700; between installation and settling
        new       what is to take its place, by a rename
        old       what was there, for the way back; "none" where nothing was

All is within one function, so that a shell which is sent but a part of it does nothing. What it has to
say are lines that begin with the mark: a login script may print whatever it likes.
"""

from __future__ import annotations

import os
import shlex
from base64 import encodebytes
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

LARGEST_FILE = 1 << 22  # octets of what stands at a path now; of a larger one, the beginning is looked at

_FUNCTIONS = r"""
say() { printf '%s %s\n' MARK "$*"; }
die() { say error "$@"; exit 1; }
sha() {
    if command -v sha256sum >/dev/null; then sha256sum
    elif command -v shasum >/dev/null; then shasum -a 256
    elif command -v sha256 >/dev/null; then sha256
    else openssl dgst -sha256 -r; fi
}
digest() {
    [ -f "$1" ] || return 0
    set -- "$(dd bs=65536 count=COUNT 2>/dev/null <"$1" | sha)"
    echo "${1%% *}"
}
decode() { if command -v base64 >/dev/null; then base64 -d; else openssl base64 -d; fi; }
work() { work=${1%/*}/.${1##*/}.dns01 name=${1##*/}; }
enter() {
    work "$1"
    [ -d "$work" ] || mkdir -m 700 "$work" || exit 1
    cd -P "$work" || exit 1
    [ "${PWD##*/}" = ".$name.dns01" ] && [ -O . ] || die taken "$2"
}
leave() { rm -f new old none part; cd ..; rmdir ".$name.dns01"; }
look() {
    [ -d "${2%/*}/" ] || { [ "$3" ] && [ -d "$3/" ]; } || die folder "$1"
    [ ! -d "$2" ] || die directory "$1"
    work "$2"
    [ ! -d "$work" ] || say kept "$1"
    [ -e "$2" ] || return 0
    [ ! -c "$2" ] && [ ! -b "$2" ] || die device "$1"
    [ -f "$2" ] || die irregular "$1"
    if [ "$4" ] && [ -s "$2" ] && [ -r "$2" ]; then
        dd bs=65536 count=COUNT 2>/dev/null <"$2" | grep -e '-----BEGIN ' | grep -q -v OPENSSH ||
            die foreign "$1"
    fi
    found=$(digest "$2") number=$1 path=$2
    set -f
    set -- $(ls -lnLd "$path")
    found="${found:-unreadable} $1 $3 $4"
    set -- $(ls -lLd "$path")
    say file "$number" "$found" "$3" "$4"
}
stage() {
    enter "$2" "$1"
    rm -f new
    if [ "$6" ]; then decode; else cat; fi >new
    [ "$(digest new)" = "$3" ] || die damaged "$1"
    [ -z "$5" ] || chown "$5" new
    chmod "$4" new
    sync new 2>/dev/null || :
}
keep() {
    if [ -e old ] || [ -L old ] || [ -e none ]; then return 0; fi
    if [ ! -e "../$name" ] && [ ! -L "../$name" ]; then : >none; return 0; fi
    if [ ! -L "../$name" ] && ln "../$name" old 2>/dev/null; then return 0; fi
    cp -pP "../$name" part
    mv -f part old
}
place() {
    enter "$2" "$1"
    keep
    if [ "$3" ]; then mv -f new "../$name"; else rm -f "../$name"; fi
    [ "$(digest "$2")" = "$3" ] || die changed "$1"
}
undo() {
    work "$2"
    [ -d "$work" ] || return 0
    enter "$2" "$1"
    if [ "$(digest "$2")" = "$3" ]; then
        if [ -e old ] || [ -L old ]; then mv -f old "../$name"
        elif [ -e none ]; then rm -f "../$name"; fi
    fi
    leave
}
unstage() {
    work "$1"
    cd -P "$work" 2>/dev/null && [ "${PWD##*/}" = ".$name.dns01" ] && [ -O . ] || return 0
    rm -f new part
    cd ..
    rmdir ".$name.dns01" 2>/dev/null || :
}
commit() {
    work "$2"
    [ -d "$work" ] || return 0
    enter "$2" "$1"
    leave
}
""".replace("COUNT", str((LARGEST_FILE >> 16) + 1))

_SCRIPT = """
set -eu
umask 077
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
{functions}
dns01() {{
{lines}
say end
}}
dns01 </dev/null
exit
"""


class RemoteFile(NamedTuple):
    """A file as it is to be. ``content``: None where there is to be none. ``owner``, ``group``: empty for
    whoever writes it."""

    path: str
    content: bytes | None
    mode: int
    owner: str
    group: str

    @property
    def digest(self) -> str:
        """SHA-256 in hex; empty where there is to be no file."""
        return "" if self.content is None else sha256(self.content).hexdigest()


def to_look(files: Sequence[RemoteFile], directory: str, mark: str) -> str:
    """Says what is at each path. ``directory``: the one folder that need not be there yet."""
    above, folder = (os.path.dirname(directory), f"{directory}/") if directory else ("", "/")
    return _script(
        mark,
        (
            _call(
                "look",
                number,
                file.path,
                above if file.path.startswith(folder) else "",
                "pem" if file.content and b"-----BEGIN " in file.content else "",
            )
            for number, file in enumerate(files)
        ),
    )


def to_install(files: Sequence[RemoteFile], directory: str, mark: str) -> str:
    """Brings all of the files, then puts one after the other in its place: all of them, or none.
    ``directory``: is made."""
    made = f"[ -d {shlex.quote(directory)} ] || mkdir -m 755 {shlex.quote(directory)}" if directory else ""
    back = (f"({_call('undo', number, file.path, file.digest)}) || :" for number, file in enumerate(files))
    unstaged = (_call("unstage", file.path) for file in files)
    staged = (_staged(number, file, mark) for number, file in enumerate(files) if file.content is not None)
    placed = (_call("place", number, file.path, file.digest) for number, file in enumerate(files))
    return _script(
        mark,
        [
            "failed() {",
            '[ "$placing" ] && {',
            *back,
            "}",
            *unstaged,
            "}",
            "placing=",
            "trap failed EXIT",
            "trap 'exit 1' HUP INT PIPE TERM",
            made,
            *staged,
            "trap '' HUP INT PIPE TERM",  # from here on, to the end
            "placing=yes",
            *placed,
            "trap - EXIT",
        ],
    )


def to_undo(files: Sequence[RemoteFile], mark: str) -> str:
    """Brings back what was there, where nobody has put anything else there since."""
    return _script(mark, (_call("undo", number, file.path, file.digest) for number, file in enumerate(files)))


def to_commit(files: Sequence[RemoteFile], mark: str) -> str:
    """The script that removes what was kept for ``undo``."""
    return _script(mark, (_call("commit", number, file.path) for number, file in enumerate(files)))


def to_run(command: Sequence[str], variables: Mapping[str, str], limit: int, mark: str) -> str:
    """Runs the command, its errors among its output. Without a terminal nothing ends it when we are gone,
    so that it is given its time limit there as well; old versions of BusyBox have another ``timeout``."""
    exports = (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    limited = f"limited=; ! timeout 9 true 2>/dev/null || limited='timeout {limit}'"
    return _script(
        mark,
        [
            *exports,
            "exec 2>&1",
            limited,
            f"$limited {shlex.join(command)} && status=0 || status=$?",
            'say status "$status"',
        ],
    )


def _script(mark: str, lines: Iterable[str]) -> str:
    return _SCRIPT.format(functions=_FUNCTIONS.replace("MARK", mark), lines="\n".join(filter(None, lines)))


def _call(function: str, *words: object) -> str:
    return shlex.join([function, *map(str, words)])


def _staged(number: int, file: RemoteFile, mark: str) -> str:
    """A here-document takes lines of text as they are."""
    assert file.content is not None
    plain = file.content.isascii() and file.content.endswith(b"\n") and b"\0" not in file.content
    text = (file.content if plain else encodebytes(file.content)).decode("ascii")
    owner = f"{file.owner}:{file.group}" if file.group else file.owner
    call = _call("stage", number, file.path, file.digest, f"{file.mode:o}", owner, "" if plain else "encoded")
    return f"{call} <<'{mark}'\n{text}{mark}"
