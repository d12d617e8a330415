"""JSON record files: one small file for each record, whole or absent.

A kill at any instant leaves whole files only: what is being written is called ``*.tmp`` until it is on
the disk, and counts for nothing. A file that cannot be read, or is not as it was written, is moved aside
to ``corrupt/`` and said; one that a newer version wrote is said and left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, Generic, NamedTuple, TypeVar

from ...output import warning
from .atomic import discard, read_own, stage, sync_files, sync_folder, usable
from .folder import check_own, open_part, private_folder

Record = TypeVar("Record")

VERSION = 1
LARGEST_RECORD = 1 << 18  # octets; our own have a few hundred
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class RecordKind(NamedTuple, Generic[Record]):
    """What a store holds. ``encode`` and ``decode``: a record's JSON object, without its version; what
    decode raises of MALFORMED makes a file corrupt. ``file_name``: of a record. ``called``: for messages;
    ``advice``: what to do about a corrupt one."""

    folder: str
    encode: Callable[[Record], dict[str, Any]]
    decode: Callable[[Mapping[str, Any]], Record]
    file_name: Callable[[Record], str]
    called: str
    advice: str


class Store(Generic[Record]):
    """The records of one kind in a state folder. Every method may raise StateError."""

    def __init__(self, state: str, kind: RecordKind[Record], warn: Callable[[str], None] = warning) -> None:
        self._state = state
        self._kind = kind
        self._warn = warn
        self._warned: set[str] = set()

    def all(self, *prefixes: str) -> list[Record]:
        """Every record, by the names of the files; with ``prefixes``, those whose file's name starts with one
        of them."""
        with self._listed(*prefixes) as (folder, names):
            return [record for name in names if (record := self._read(name, folder)) is not None]

    def get(self, record: Record) -> Record | None:
        """The record that is stored under the same name; None: there is none."""
        return self._read(self._kind.file_name(record))

    def put(self, records: Iterable[Record], *, sync: bool = True) -> None:
        """Write the records: all of them are on the disk when this returns, or none and StateError is raised.

        Without ``sync`` the kernel may write them a little later. What a newer version wrote stays.
        """
        contents = {self._kind.file_name(record): self._content(record) for record in records}
        contents = {name: content for name, content in contents.items() if not self._is_newer(name)}
        if not contents:
            return
        staged: dict[str, str] = {}
        with usable(self._state):
            private_folder(self._state)
            folder = private_folder(self._path())
            before = {name for name in contents if os.path.lexists(self._path(name))}
            try:
                for name, content in contents.items():
                    staged[name] = stage(self._path(name), content, sync=False)
                if sync:
                    sync_files(list(staged.values()))
                for name, temporary in staged.items():
                    os.rename(temporary, self._path(name))
                if sync:
                    sync_folder(folder)
            except BaseException:
                for name, temporary in staged.items():
                    discard(temporary)
                    if name not in before:
                        discard(self._path(name))
                raise

    def remove(self, records: Iterable[Record]) -> None:
        """Remove the records; those that are already gone are no error."""
        with usable(self._state), suppress(FileNotFoundError):
            self._check_own()
            for record in records:
                discard(self._path(self._kind.file_name(record)))

    def touch(self, record: Record) -> None:
        """Set the time of the record's file to now."""
        with usable(self._state), suppress(FileNotFoundError):
            self._check_own()
            os.utime(self._path(self._kind.file_name(record)), follow_symlinks=False)

    def purge(self, before: float, *, records: bool = False) -> None:
        """Remove what killed processes were writing before that moment (epoch seconds), and ``records``
        of that age."""
        with usable(self._state), suppress(FileNotFoundError):
            self._check_own()
            with os.scandir(self._path()) as files:
                for file in files:
                    if (records or file.name.endswith(".tmp")) and file.stat(
                        follow_symlinks=False
                    ).st_mtime < before:
                        discard(file.path)

    def raw(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The name and the JSON object of every file, not decoded: for whoever looks for a few of many.

        An empty object stands for what is none; ``named`` deals with that.
        """
        with self._listed() as (folder, names):
            for name in names:
                data: object = None
                with suppress(OSError, *MALFORMED):
                    data = json.loads(read_own(name, LARGEST_RECORD, folder))
                yield name, data if isinstance(data, dict) else {}

    def corrupt(self) -> list[str]:
        """The paths of what was moved aside, until somebody removes it."""
        with usable(self._state):
            try:
                with self._opened(self._corrupt) as folder:
                    names = os.listdir(folder)
            except FileNotFoundError:
                return []
        return [os.path.join(self._state, self._corrupt, name) for name in sorted(names)]

    def named(self, name: str) -> Record | None:
        """The record in the file of that name."""
        return self._read(name)

    @contextmanager
    def _listed(self, *prefixes: str) -> Iterator[tuple[int, list[str]]]:
        """The folder, opened once for all that is read in it, and the names of its files."""
        with usable(self._state), ExitStack() as stack:
            try:
                folder = stack.enter_context(self._opened())
            except FileNotFoundError:
                yield -1, []
                return
            names = (name for name in os.listdir(folder) if name.endswith(".json"))
            yield folder, sorted(name for name in names if name.startswith(prefixes or ""))

    def _content(self, record: Record) -> dict[str, Any]:
        return {"version": VERSION, **self._kind.encode(record)}

    def _read(self, name: str, folder: int | None = None) -> Record | None:
        with usable(self._state):
            try:
                content = self._content_of(name, folder)
            except FileNotFoundError:  # another process was quicker
                return None
            except ValueError as error:
                self._set_aside(name, error)
                return None
        try:
            data = json.loads(content)
            if data["version"] > VERSION:
                self._warn_once(f"{self._path(name)} was written by a newer dns01 and is left to it")
                return None
            record = self._kind.decode(data)
            if self._kind.file_name(record) != name:
                raise ValueError("its name is that of another")
            if json.loads(json.dumps(self._content(record))) != data:
                raise ValueError("it is not as it was written")
        except MALFORMED as error:
            self._set_aside(name, error)
            return None
        return record

    def _is_newer(self, name: str) -> bool:
        with suppress(OSError, *MALFORMED):
            return bool(json.loads(self._content_of(name))["version"] > VERSION)
        return False

    def _set_aside(self, name: str, error: Exception) -> None:
        path, aside = self._path(name), os.path.join(self._state, self._corrupt, name)
        try:
            self._check_own()
            for folder in (os.path.dirname(self._corrupt), self._corrupt):
                private_folder(os.path.join(self._state, folder))
            with self._opened() as source, self._opened(self._corrupt) as target:
                os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        except FileNotFoundError:  # another process did it
            return
        except OSError:
            aside = f"{path} (it cannot be moved)"
        self._warn_once(
            f"{self._kind.called} is corrupt ({_in_words(error)}) and lies at {aside}; {self._kind.advice}"
        )

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    def _check_own(self) -> None:
        check_own(self._state)
        check_own(self._path())

    @contextmanager
    def _opened(self, part: str = "") -> Iterator[int]:
        folder = open_part(self._state, part or self._kind.folder)
        try:
            yield folder
        finally:
            os.close(folder)

    def _content_of(self, name: str, folder: int | None = None) -> bytes:
        with nullcontext(folder) if folder is not None else self._opened() as opened:
            return read_own(name, LARGEST_RECORD, opened)

    @property
    def _corrupt(self) -> str:
        return os.path.join("corrupt", self._kind.folder)

    def _path(self, *name: str) -> str:
        return os.path.join(self._state, self._kind.folder, *name)


def _in_words(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no JSON"
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if type(error) in (TypeError, ValueError):
        return str(error)
    return "it is not as it was written"
