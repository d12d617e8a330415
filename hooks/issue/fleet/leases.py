"""What the machines of a fleet share: rows, leases and the budget, each as one statement of SQL.

Times are the database's: the machines' clocks need not agree. A lease is held by a machine's name,
and whoever has lost it changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from ....output import printable
from ...clients.ca_rate_limits import LONGEST_WINDOW
from ...deploy.certificate.leaf import Leaf
from ..inventory.rows import InventoryRow
from ..order_state import LIMITED
from ..planning.limits import Event
from ..planning.renewal_windows import RenewalWindow, window_of
from .database import Connection, Database
from .section import FleetSection

PLACE = "dns01.certificates"
WANTED = ("name", "names", "zone", "zone_id", "account", "profile", "key")
WINDOW_CLAIM = 600  # seconds in which no other machine asks for the same renewal windows
WINDOWS_AT_ONCE = 2000  # certificates whose windows one machine asks for


class CertificateRow(NamedTuple):
    """One certificate's row. ``order``: the URL of an order that this machine may go on with.
    ``ours``: whether this machine has had it finalised, and nobody knows what came of that."""

    name: str
    fields: InventoryRow
    leaf: Leaf | None
    names: tuple[str, ...]
    window: RenewalWindow | None
    order: str
    ours: bool
    failures: int
    finalizing_at: datetime | None
    next_try: datetime | None
    error: str


class Leases:
    """The statements. All of these raise StateError."""

    def __init__(self, database: Database, section: FleetSection) -> None:
        self._database = database
        self._section = section

    def now(self) -> float:
        """The database's time in epoch seconds."""
        row = self._database.transaction(
            lambda db: db.execute("SELECT extract(epoch FROM now())::float8 AS now").fetchone()
        )
        assert row
        return float(row["now"])

    def rows(self, names: Sequence[str] = ()) -> list[CertificateRow]:
        """The rows of all certificates, or of those named; no lease is taken."""
        query = "SELECT * FROM dns01.certificates WHERE enabled AND (%s OR name = ANY(%s)) ORDER BY name"
        found = self._database.transaction(lambda db: db.execute(query, [not names, list(names)]).fetchall())
        return [self._shared(row) for row in found]

    def take(
        self, done: Iterable[str], names: Sequence[str] = (), *, force: bool = False
    ) -> list[CertificateRow]:
        """Lease what is due and nobody is at work on, the most urgent first. ``done``: what this run
        has tried already. ``names``, ``force``: only these, even if they are not due or have failed."""
        query = """
            UPDATE dns01.certificates
            SET lease_holder = %(me)s, lease_until = now() + %(lease)s * interval '1 second'
            WHERE name IN (
                SELECT name FROM dns01.certificates
                WHERE enabled
                AND (lease_until IS NULL OR lease_until < now() OR lease_holder = %(me)s)
                AND (next_try IS NULL OR next_try <= now() OR (%(force)s AND strpos(error, %(limited)s) = 0))
                AND (due_at IS NULL OR due_at <= now() OR issued_names IS DISTINCT FROM names OR %(force)s)
                AND (finalizing_at IS NULL OR finalizing_by = %(me)s
                     OR finalizing_at < now() - %(grace)s * interval '1 second')
                AND name <> ALL(%(done)s) AND (%(all)s OR name = ANY(%(names)s))
                ORDER BY not_after NULLS FIRST, name
                LIMIT %(wave)s FOR UPDATE SKIP LOCKED)
            RETURNING *"""
        values = {
            **self._terms(),
            "done": list(done),
            "all": not names,
            "names": list(names),
            "force": force,
            "limited": LIMITED,
        }
        found = self._database.transaction(lambda db: db.execute(query, values).fetchall())
        return [self._shared(row) for row in found]

    def renew(self) -> None:
        """Extend the leases that this machine holds, by ``lease`` seconds from now."""
        self._database.transaction(
            lambda db: db.execute(
                "UPDATE dns01.certificates SET lease_until = now() + %(lease)s * interval '1 second' "
                "WHERE lease_holder = %(me)s AND lease_until > now()",
                self._terms(),
            )
        )

    def release(self, names: Sequence[str]) -> None:
        """End the leases that this machine holds on these certificates."""
        self._database.transaction(
            lambda db: db.execute(
                "UPDATE dns01.certificates SET lease_holder = '', lease_until = NULL "
                "WHERE lease_holder = %s AND name = ANY(%s)",
                [self._section.machine, list(names)],
            )
        )

    # The budget

    def events(self, db: Connection, account: str) -> list[Event]:
        """What the CA's limits count of the account, the oldest first. Until the transaction ends, no other
        machine reads or adds any."""
        db.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [account])
        found = db.execute(
            "SELECT kind, extract(epoch FROM at)::float8 AS at, names FROM dns01.events "
            "WHERE account = %s AND at > now() - %s * interval '1 second' ORDER BY at",
            [account, LONGEST_WINDOW],
        ).fetchall()
        return [Event(row["kind"], row["at"], tuple(row["names"])) for row in found]

    def reserve(self, db: Connection, account: str, orders: Iterable[Sequence[str]]) -> None:
        """Count an order, and the certificate that is to come of it, for each set of names."""
        rows = [(account, kind, list(names)) for names in orders for kind in ("order", "issued")]
        if rows:
            with db.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO dns01.events (account, kind, names) VALUES (%s, %s, %s)", rows
                )
        db.execute(
            "DELETE FROM dns01.events WHERE at < now() - %s * interval '1 second'", [2 * LONGEST_WINDOW]
        )

    # What becomes of one certificate

    def order_opened(self, name: str, url: str) -> bool:
        """Write down the URL of the order. False where the lease is no longer held: another machine may be at
        work on the certificate."""
        return self._change(name, "order_url = %(url)s", url=url)

    def hold(self, name: str) -> bool:
        """Extend the lease by ``lease`` seconds from now. False where it is no longer held."""
        return self._change(name, "lease_until = now() + %(lease)s * interval '1 second'")

    def finalizing(self, name: str) -> bool:
        """Write down that the CA is about to issue, and that the key is on this machine. False where the
        lease is no longer held."""
        return self._change(name, "finalizing_at = now(), finalizing_by = %(me)s")

    def failed(self, name: str, order: str, failures: int, wait: float, error: str) -> bool:
        """Write down the error, and end the lease: no machine tries again for ``wait`` seconds. False where
        the lease was no longer held."""
        return self._change(
            name,
            "order_url = %(order)s, "
            "finalizing_at = CASE WHEN %(order)s = '' THEN NULL ELSE finalizing_at END, "
            "failures = %(failures)s, next_try = now() + %(wait)s * interval '1 second', error = %(error)s, "
            "lease_holder = '', lease_until = NULL",
            order=order,
            failures=failures,
            wait=wait,
            error=error[:2000],
        )

    def issued(self, name: str, leaf: Leaf, due_at: float) -> bool:
        """Write down that this machine has the certificate, and give back the lease."""
        return self._change(
            name,
            "issued_names = names, not_before = %(not_before)s, not_after = %(not_after)s, "
            "issuer = %(issuer)s, fingerprint = %(fingerprint)s, renewal_id = %(renewal_id)s, "
            "renewal_window = NULL, ask_again = NULL, due_at = to_timestamp(%(due_at)s), issued_by = %(me)s, "
            "order_url = '', finalizing_at = NULL, finalizing_by = '', failures = 0, next_try = NULL, "
            "error = '', lease_holder = '', lease_until = NULL",
            due_at=due_at,
            **{
                field: getattr(leaf, field)
                for field in ("not_before", "not_after", "issuer", "fingerprint", "renewal_id")
            },
        )

    # Renewal windows

    def claim_windows(self) -> list[CertificateRow]:
        """The certificates whose CAs it is time to ask, claimed for this machine."""
        query = """
            UPDATE dns01.certificates SET ask_again = now() + %s * interval '1 second'
            WHERE name IN (
                SELECT name FROM dns01.certificates
                WHERE enabled AND renewal_id <> '' AND (ask_again IS NULL OR ask_again <= now())
                LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING *"""
        found = self._database.transaction(
            lambda db: db.execute(query, [WINDOW_CLAIM, WINDOWS_AT_ONCE]).fetchall()
        )
        return [self._shared(row) for row in found]

    def keep_window(self, name: str, window: RenewalWindow, due_at: float) -> None:
        """What the CA has said, and when the certificate is due by that."""
        self._database.transaction(
            lambda db: db.execute(
                "UPDATE dns01.certificates SET renewal_window = %s, ask_again = to_timestamp(%s), "
                "due_at = to_timestamp(%s) WHERE name = %s AND renewal_id = %s",
                [Jsonb(list(window)), window.ask_again, due_at, name, window.id],
            )
        )

    def _change(self, name: str, assignments: str, **values: object) -> bool:
        """Change the row, if its lease is held. Of what the CA says, PostgreSQL takes no null character."""
        values = {key: printable(value) if isinstance(value, str) else value for key, value in values.items()}
        query = (
            f"UPDATE dns01.certificates SET {assignments} "
            "WHERE name = %(name)s AND lease_holder = %(me)s AND lease_until > now()"
        )
        terms = {**self._terms(), "name": name, **values}
        return self._database.transaction(lambda db: db.execute(query.encode(), terms).rowcount == 1)

    def _terms(self) -> dict[str, object]:
        section = self._section
        return {"me": section.machine, "lease": section.lease, "grace": section.grace, "wave": section.wave}

    def _shared(self, row: dict[str, Any]) -> CertificateRow:
        fields = {key: row[key] for key in WANTED if row[key] not in ("", [])}
        names = tuple(row["issued_names"] or ()) or (row["name"],)
        finalizing = row["finalizing_at"]
        ours = finalizing is not None and row["finalizing_by"] == self._section.machine
        leaf = None
        if row["not_after"] is not None and row["not_before"] is not None:
            leaf = Leaf(
                names,
                row["issuer"],
                row["not_before"].astimezone(UTC),
                row["not_after"].astimezone(UTC),
                "",
                row["fingerprint"],
                row["renewal_id"],
            )
        order = row["order_url"] if finalizing is None or ours else ""
        return CertificateRow(
            row["name"],
            InventoryRow(f"{PLACE} {row['name']}", fields),
            leaf,
            names,
            window_of(row["renewal_window"]),
            order,
            ours,
            row["failures"],
            finalizing,
            row["next_try"],
            row["error"],
        )
