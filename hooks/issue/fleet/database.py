"""The connection to PostgreSQL: its schema, and a database that is restarted waited for."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.datetime import TimestamptzLoader

from ....errors import ConfigError, StateError
from ....secret import hide, redact
from .migrations import MIGRATIONS

T = TypeVar("T")
Connection = psycopg.Connection[dict[str, Any]]

RECONNECT_TIMEOUT = 30.0  # seconds that a database may be away
RECONNECT_INTERVAL = 0.5  # seconds between two tries
CONNECT_TIMEOUT = 5  # seconds
ANSWER_TIMEOUT = 60.0  # seconds for all of a transaction; the server itself ends a statement sooner
STATEMENT_TIMEOUT = 20_000  # milliseconds
IN_A_URL = (
    "in a password, write / as %2F, @ as %40, % as %25, and so on: postgresql://USER:PASSWORD@HOST/NAME"
)
LOCK = 0x646E7330  # of the migrations: any number that is always the same


class Database:
    """One connection, used by one thread at a time. All of these raise StateError, which never has the
    URL's password in it."""

    def __init__(
        self,
        url: str,
        patience: float = RECONNECT_TIMEOUT,
        answer_timeout: float = ANSWER_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises ConfigError for a URL that is none."""
        self._url = url
        self._patience = patience
        self._answer_timeout = answer_timeout
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        host = _host(url)
        self._where = "the socket" if host.startswith("/") else host or "the socket"

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction, and anew if the database goes away: it has happened either as
        a whole or not at all, but for a break at the very end, so it has to bear being done twice."""
        deadline = self._clock() + self._patience
        with self._lock:
            while True:
                try:
                    connection = self._connected()
                    with _cut_off_after(self._answer_timeout, connection), connection.transaction():
                        # for this transaction alone, as a pooler (PgBouncer) hands others to others
                        connection.execute(
                            f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT}; "
                            "SET LOCAL datestyle = 'ISO'".encode()  # a role may have another one
                        )
                        return work(connection)
                except psycopg.OperationalError as error:
                    self.close()
                    if self._clock() >= deadline:
                        raise StateError(
                            f"the database at {self._where} cannot be used: {_line(error)}",
                            "nothing new is ordered without it: see whether it runs, and what [fleet] says",
                        ) from None
                    self._sleep(RECONNECT_INTERVAL)
                except (psycopg.Error, UnicodeError) as error:
                    raise StateError(
                        f"the database at {self._where} refuses: {_line(error)}",
                        "see docs/issue.rst for what the role has to be granted",
                    ) from None

    def migrate(self) -> None:
        """Bring the schema up to date. Raises StateError where a newer dns01 has done that already."""
        version = self.transaction(_migrated)
        if version > len(MIGRATIONS):
            raise StateError(
                f"the schema of the database at {self._where} is that of a newer dns01 (version {version})",
                "bring dns01 up to date on this machine",
            )

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=CONNECT_TIMEOUT,
                application_name="dns01",
                client_encoding="UTF8",
                prepare_threshold=None,  # poolers lose prepared statements
            )
            self._connection.adapters.register_loader("timestamptz", _Timestamp)
        return self._connection


class _Timestamp(TimestamptzLoader):
    """One that Python has no word for (infinity, 44 BC) is the last or the first that it has: a row that
    somebody has written so costs the others nothing."""

    def load(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            past = bytes(data).startswith(b"-") or bytes(data).endswith(b"BC")
            return (datetime.min if past else datetime.max).replace(tzinfo=UTC)


def _host(url: str) -> str:
    """Where the database is, or nothing. From then on, no part of the password is shown: an error may quote
    what it takes for a host, a port or a word of the URL. Raises ConfigError."""
    authority, _, query = url.partition("://")[2].partition("?")
    password = authority.rpartition("@")[0].partition(":")[2]
    for part in re.split(r"[:/@?&=#\[\]\s]|%..", f"{password}&{query if 'password' in query else ''}"):
        hide(part)
    try:
        host = str(conninfo_to_dict(url).get("host") or "")
    except psycopg.Error as error:
        raise ConfigError(f"[fleet]: database: {_line(error)}", IN_A_URL) from None
    if "@" in host:
        raise ConfigError("[fleet]: database: there is an @ in its host, or in its password", IN_A_URL)
    return host


@contextmanager
def _cut_off_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Shut the connection down where a server that says nothing more would be waited for without end: what
    waits for it fails with OperationalError then."""
    line = socket.socket(fileno=os.dup(connection.fileno()))
    timer = threading.Timer(seconds, _shut_down, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        line.close()


def _shut_down(line: socket.socket) -> None:
    with suppress(OSError):  # the server was quicker
        line.shutdown(socket.SHUT_RDWR)


def _migrated(connection: Connection) -> int:
    """The version after all migrations that are known here; several machines may begin at once."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    found = connection.execute("SELECT to_regclass('dns01.schema_version') AS there").fetchone()
    if not found or found["there"] is None:
        connection.execute("CREATE SCHEMA IF NOT EXISTS dns01")
        connection.execute("CREATE TABLE dns01.schema_version (version integer NOT NULL)")
        connection.execute("INSERT INTO dns01.schema_version VALUES (0)")
    row = connection.execute("SELECT version FROM dns01.schema_version").fetchone()
    version = int(row["version"]) if row else 0
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute(migration.encode())
        connection.execute("UPDATE dns01.schema_version SET version = %s", [number])
        version = number
    return version


def _line(error: Exception) -> str:
    text = redact(str(error).strip() or type(error).__name__).replace("\n", " ")
    return "".join(each if each.isprintable() else " " for each in text)[:300]
