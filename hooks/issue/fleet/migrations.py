"""The schema ``dns01``, by number: each migration once, in order, in a transaction of its own.

A migration that has been released is never changed.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE dns01.certificates (
        -- what there is to be: written by whoever keeps the inventory
        name text PRIMARY KEY,
        names text[] NOT NULL DEFAULT '{}',
        zone text NOT NULL DEFAULT '',
        zone_id text NOT NULL DEFAULT '',
        account text NOT NULL DEFAULT '',
        profile text NOT NULL DEFAULT '',
        key text NOT NULL DEFAULT '',
        enabled boolean NOT NULL DEFAULT true,
        -- what there is: written by dns01
        issued_names text[],
        not_before timestamptz,
        not_after timestamptz,
        issuer text NOT NULL DEFAULT '',
        fingerprint text NOT NULL DEFAULT '',
        renewal_id text NOT NULL DEFAULT '',
        renewal_window jsonb,
        ask_again timestamptz,
        due_at timestamptz,
        issued_by text NOT NULL DEFAULT '',
        -- the order that is open
        order_url text NOT NULL DEFAULT '',
        finalizing_at timestamptz,
        finalizing_by text NOT NULL DEFAULT '',
        failures integer NOT NULL DEFAULT 0,
        next_try timestamptz,
        error text NOT NULL DEFAULT '',
        -- who works on it
        lease_holder text NOT NULL DEFAULT '',
        lease_until timestamptz
    );
    CREATE INDEX certificates_due ON dns01.certificates (due_at NULLS FIRST) WHERE enabled;
    CREATE TABLE dns01.events (
        id bigserial PRIMARY KEY,
        account text NOT NULL,
        kind text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        names text[] NOT NULL
    );
    CREATE INDEX events_account ON dns01.events (account, at);
    """,
)
