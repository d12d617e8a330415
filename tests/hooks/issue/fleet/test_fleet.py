"""Several machines, one database: each certificate is issued once, whoever dies."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from amounts import LONG
from fleet import Machine
from issuing import Office
from preloaded import Process
from testbed import Pebble
from testbed.acme_front import Asked
from testbed.postgres import Postgres

from dns01.errors import ConfigError, StateError
from dns01.hooks.issue.acme.csr import new_key
from dns01.hooks.issue.fleet.database import Database
from dns01.hooks.issue.fleet.leases import Leases
from dns01.hooks.issue.fleet.section import FleetSection
from dns01.hooks.issue.planning.limits import Event
from dns01.secret import redact

PASSWORD = "s3cret-Word"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def database(server: Postgres) -> Postgres:
    """One that nobody has used yet."""
    server.query("DROP SCHEMA IF EXISTS dns01 CASCADE")
    return server


@pytest.fixture
def office(tmp_path: Path, ca: Pebble) -> Iterator[Office]:
    with Office(tmp_path, ca=ca) as office:
        (tmp_path / "account.pem").touch(0o600)
        (tmp_path / "account.pem").write_text(new_key("ec256"))
        office.ca_more = f'account_key = "{tmp_path}/account.pem"'
        yield office


def leases(database: Postgres, machine: str = "one", **more: float) -> Leases:
    connection = Database(database.url)
    connection.migrate()
    return Leases(connection, FleetSection(database.url, machine, **more))  # type: ignore[arg-type]


def want(database: Postgres, *names: str) -> None:
    Database(database.url).migrate()
    for name in names:
        database.query(f"INSERT INTO dns01.certificates (name, names) VALUES ('{name}', '{{{name}}}')")


def names(count: int) -> list[str]:
    return [f"c{number}.example.org" for number in range(count)]


# Leases


def test_two_machines_never_hold_the_same_certificate(database: Postgres) -> None:
    want(database, *names(10))
    one, two = leases(database, "one", wave=6), leases(database, "two", wave=6)

    first, second = one.take([]), two.take([])

    assert (len(first), len(second)) == (6, 4)
    assert not {row.name for row in first} & {row.name for row in second}


def test_a_lease_that_is_over_is_another_s_and_its_holder_changes_nothing_any_more(
    database: Postgres,
) -> None:
    want(database, "a.example.org")
    one, two = leases(database, "one"), leases(database, "two")
    one.take([])
    database.query("UPDATE dns01.certificates SET lease_until = now() - interval '1 second'")

    assert [row.name for row in two.take([])] == ["a.example.org"]
    assert not one.finalizing("a.example.org")
    assert not one.order_opened("a.example.org", "https://ca.example/order/1")
    assert two.finalizing("a.example.org")


def test_an_order_that_a_dead_machine_has_finalised_is_left_to_it_for_a_while(database: Postgres) -> None:
    want(database, "a.example.org")
    one, two = leases(database, "one"), leases(database, "two")
    one.take([])
    one.finalizing("a.example.org")
    database.query("UPDATE dns01.certificates SET lease_until = now() - interval '1 second'")

    assert two.take([]) == []
    assert [row.ours for row in one.take([])] == [True]
    database.query(
        "UPDATE dns01.certificates SET lease_until = NULL, finalizing_at = now() - interval '2 hours'"
    )
    assert [row.order for row in two.take([])] == [""]


def test_what_has_failed_is_taken_by_force_and_the_ca_s_limits_hold(database: Postgres) -> None:
    want(database, "failed.example.org", "limited.example.org")
    one = leases(database, "one")
    one.take([])
    one.failed("failed.example.org", "", 1, 600, "the server refuses")
    one.failed("limited.example.org", "", 0, 600, "ca.example: too many new orders (rateLimited)")
    both = ["failed.example.org", "limited.example.org"]

    assert one.take([], both) == []
    assert [row.name for row in one.take([], both, force=True)] == ["failed.example.org"]


def test_what_one_machine_reserves_the_others_count(database: Postgres) -> None:
    one, two = leases(database, "one"), leases(database, "two")
    connection = Database(database.url)

    connection.transaction(lambda db: one.reserve(db, "ours", [("a.example.org",)]))

    found = connection.transaction(lambda db: two.events(db, "ours"))
    assert [(event.kind, event.names) for event in found] == [
        ("order", ("a.example.org",)),
        ("issued", ("a.example.org",)),
    ]
    assert all(isinstance(event, Event) for event in found)
    assert connection.transaction(lambda db: two.events(db, "theirs")) == []


# The database


def test_the_schema_is_made_once_and_that_of_a_newer_version_is_refused(database: Postgres) -> None:
    Database(database.url).migrate()
    Database(database.url).migrate()
    database.query("UPDATE dns01.schema_version SET version = 99")

    with pytest.raises(StateError, match="that of a newer dns01 \\(version 99\\)"):
        Database(database.url).migrate()


def test_a_database_that_is_restarted_is_waited_for(database: Postgres) -> None:
    shared = leases(database)
    before = shared.now()

    database.restart()

    assert shared.now() >= before


def test_one_that_stays_away_is_an_error_without_its_password() -> None:
    away = Database("postgresql://dns01:s3cret-word@127.0.0.1:1/postgres", patience=0)

    with pytest.raises(StateError, match="cannot be used") as caught:
        away.migrate()
    assert "s3cret-word" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://dns01:{PASSWORD}%zz@127.0.0.1:1/postgres",
        f"postgresql://dns01:word@{PASSWORD}@127.0.0.1:1/postgres",
        f"postgresql://dns01:a/{PASSWORD}@127.0.0.1:1/postgres",
        f"postgresql://dns01:{PASSWORD}@127.0.0.1:{PASSWORD}/postgres",
        f"postgresql://dns01:{PASSWORD}@[::1",
        f"postgresql://dns01@127.0.0.1:1/postgres?password=word&{PASSWORD}",
    ],
)
def test_a_url_that_is_none_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises((ConfigError, StateError)) as caught:
        Database(url, patience=0).migrate()
    assert PASSWORD not in redact(f"{caught.value}{caught.value.hint}")


@pytest.mark.parametrize(
    "row",
    [
        "renewal_window = '5'",
        "renewal_window = '{\"a\": 1}'",
        'renewal_window = \'["a", "b", "c"]\'',
        "not_after = now()",
        "not_after = 'infinity', not_before = '-infinity'",
        "not_after = '0044-03-15 BC', not_before = '0045-03-15 BC'",
        "issued_names = '{NULL}'",
    ],
)
def test_a_row_that_somebody_else_has_written_to_costs_the_others_nothing(
    database: Postgres, row: str
) -> None:
    want(database, "a.example.org", "b.example.org")
    database.query(f"UPDATE dns01.certificates SET {row}, due_at = NULL WHERE name = 'a.example.org'")
    shared = leases(database)

    assert len(shared.rows()) == 2
    assert {row.name for row in shared.take([])} == {"a.example.org", "b.example.org"}


@pytest.mark.parametrize("said", ["a\0b", "\ud800", "→\x1b[2J"], ids=ascii)
def test_whatever_a_ca_says_can_be_written_down(database: Postgres, said: str) -> None:
    want(database, "a.example.org")
    shared = leases(database)
    shared.take([])

    assert shared.failed("a.example.org", "", 1, 60, said)
    assert shared.rows()[0].error.isprintable()


@pytest.mark.parametrize(
    "settings",
    ["ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"],
)
def test_a_database_in_another_encoding_and_date_style_will_do(server: Postgres, settings: str) -> None:
    server.query("DROP DATABASE IF EXISTS other")
    server.query(f"CREATE DATABASE other TEMPLATE template0 {settings}")
    server.query("ALTER DATABASE other SET datestyle = 'SQL, DMY'")
    server.query("ALTER DATABASE other SET client_encoding = 'LATIN1'")
    url = server.url.replace("/postgres?", "/other?")
    database = Database(url)
    database.migrate()
    database.transaction(lambda db: db.execute("INSERT INTO dns01.certificates (name) VALUES ('a.example')"))
    shared = Leases(database, FleetSection(url, "one"))

    assert [row.name for row in shared.take([])] == ["a.example"]
    assert shared.failed("a.example", "", 1, 60, "it is refused")
    assert shared.rows()[0].next_try
    database.close()


# Machines


def test_what_has_failed_is_issued_by_force_before_its_pause_is_over(
    office: Office, database: Postgres
) -> None:
    want(database, "a.example.org")
    one = leases(database, "before")
    one.take([])
    one.failed("a.example.org", "", 1, 3600, "the server refuses")

    said = Machine(office, database, "one").issue("a.example.org", "--force")

    assert said.code == 0, said.stderr
    assert database.query("SELECT issued_by, next_try FROM dns01.certificates") == [["one", ""]]


def test_one_machine_has_what_the_database_wants_and_another_finds_nothing_due(
    office: Office, database: Postgres
) -> None:
    want(database, *names(3))
    one, two = Machine(office, database, "one"), Machine(office, database, "two")

    assert one.issue().code == 0
    said = two.issue("--dry-run")

    assert [path.name for path in one.files()] == names(3)
    assert "3 certificates: 3 not due" in said.stdout
    assert len(office.front.orders) == 3
    rows = database.query("SELECT issued_by, lease_holder, order_url FROM dns01.certificates")
    assert rows == [["one", "", ""]] * 3


def test_no_private_key_is_in_the_database(office: Office, database: Postgres) -> None:
    want(database, "a.example.org")
    Machine(office, database, "one").issue()

    content = database.query("SELECT row_to_json(c)::text FROM dns01.certificates c")[0][0]

    assert "PRIVATE" not in content
    assert "a.example.org" in content


def test_a_row_that_makes_no_sense_is_left_out_and_the_others_go_on(
    office: Office, database: Postgres
) -> None:
    want(database, "good.example.org")
    database.query("INSERT INTO dns01.certificates (name, names) VALUES ('bad', '{\"x y\"}')")

    said = Machine(office, database, "one").issue()

    assert said.code == 10
    assert "left out: dns01.certificates bad: " in said.stdout
    assert database.query("SELECT error <> '' FROM dns01.certificates WHERE name = 'bad'") == [["t"]]
    assert database.query("SELECT issued_by FROM dns01.certificates WHERE name = 'good.example.org'") == [
        ["one"]
    ]


def test_a_machine_that_is_cut_off_from_the_database_orders_nothing_and_says_so(
    office: Office, database: Postgres
) -> None:
    machine = Machine(office, database, "one")
    config = machine.folder / "config.toml"
    config.write_text(config.read_text().replace("host=/", "connect_timeout=2&host=/nowhere/"))

    said = machine.issue()

    assert said.code == 4
    assert "nothing new is ordered without it" in said.stderr
    assert office.front.orders == []


CERTIFICATES = 300 if LONG else 30
MOMENTS = {
    "the order": lambda asked: asked.is_new_order,
    "the authorization": lambda asked: "/authZ/" in asked.path,
    "the challenge": lambda asked: asked.is_answer,
    "the finalisation": lambda asked: asked.is_finalize,
    "the certificate": lambda asked: "/certZ/" in asked.path,
}


def test_three_machines_one_killed_at_every_step_and_the_database_restarted(
    office: Office, database: Postgres
) -> None:
    """A timer starts a machine again; its lease is still its own. Each certificate is issued once."""
    wanted = names(CERTIFICATES)
    want(database, *wanted)
    fleet = f"wave = {CERTIFICATES // 7}\nlease = 20\n"
    machines = [Machine(office, database, name, fleet) for name in ("one", "two", "three")]
    moments = list(MOMENTS.values())
    running: dict[str, Process] = {}
    killed: list[str] = []
    chance = random.Random(13)

    def kill(asked: Asked) -> None:
        """Whoever is at work when the moment comes."""
        if len(killed) < len(moments) and moments[len(killed)](asked) and running:
            name = chance.choice(sorted(running))
            killed.append(name)
            running[name].kill()

    office.front.after = kill
    deadline = time.monotonic() + 250 + CERTIFICATES
    restarted = False
    while time.monotonic() < deadline:
        for machine in machines:
            if machine.name not in running:
                running[machine.name] = machine.start()
        for name, process in list(running.items()):
            if process.poll() is not None:
                office.end(process)
                del running[name]
        left = database.query("SELECT count(*) FROM dns01.certificates WHERE issued_by = ''")
        if len(killed) >= 3 and not restarted:  # between two looks of a busy machine it may be two more
            restarted = True
            database.restart(1)
        if left == [["0"]] and len(killed) == len(moments):
            break
        time.sleep(0.2)
    for process in running.values():
        office.end(process)

    assert database.query("SELECT count(*) FROM dns01.certificates WHERE issued_by <> ''") == [
        [str(CERTIFICATES)]
    ]
    assert len(killed) == len(moments)
    assert restarted
    finalized = [asked.path for asked in office.front.asked if asked.is_finalize]
    assert len(set(finalized)) == CERTIFICATES, "one was issued twice, or one never"
    for name in wanted:
        (holder,) = database.query(f"SELECT issued_by FROM dns01.certificates WHERE name = '{name}'")[0]
        assert next(each for each in machines if each.name == holder).has(name)
