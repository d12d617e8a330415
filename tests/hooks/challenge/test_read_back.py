"""What a program did at its clean-up, seen by the zone's own servers: by a program of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from calls import NAME, Stage
from contract import validation
from programs import script

from dns01.errors import ProviderError
from dns01.providers import load
from dns01.providers.base import TxtRecord, Zone

ZONE = Zone("example.org")
A, B, C = (TxtRecord(NAME, validation(text)) for text in "abc")
FOREIGN = TxtRecord(NAME, "somebody else's")

# The zone is a file. A cleanup that fails does so where lines of its kind do: nothing to remove.
PROGRAM = """#!/bin/sh
line="${2%%.} $3"
case $1$CLEANUP in
  present*) [ "$READ_ONLY" ] && exit 3; grep -qxF "$line" "$ZONE" || echo "$line" >>"$ZONE" ;;
  cleanupNOTHING) ;;
  cleanupHANG) echo "$line" >>"$ZONE.hung"; sleep 10 ;;
  cleanupALL) grep -v "^${2%%.} " "$ZONE" >"$ZONE.new"; mv "$ZONE.new" "$ZONE" ;;
  *) grep -qxF "$line" "$ZONE" || { echo no such record; exit 1; }
     grep -vxF "$line" "$ZONE" >"$ZONE.new"; mv "$ZONE.new" "$ZONE" ;;
esac
"""


class World:
    """A zone, the program that writes it, and servers that show it, each in its own way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zone = folder / "zone"
        self.zone.touch()
        self.pauses: list[float] = []
        self.servers: list[Callable[[set[str]], set[str]]] = [lambda values: values]

    def has(self, *records: TxtRecord) -> None:
        self.zone.write_text("".join(f"{record.name} {record.value}\n" for record in records))

    def provider(self, cleanup: str = "", **variables: str) -> Any:
        """A new one, as a new process makes it."""
        env = {"ZONE": str(self.zone), "CLEANUP": cleanup, **variables}
        path = script(self.folder / "program", PROGRAM)
        limit = "1" if cleanup == "HANG" else "20"
        provider: Any = load("exec")(
            {"path": path, "time_limit": limit, **{f"env.{name}": env[name] for name in env}}
        )
        provider.observe(self.look)
        provider.sleep = self.pauses.append
        return provider

    def look(self, names: Iterable[str]) -> dict[str, list[set[str]]]:
        return {name: [server(self.values(name)) for server in self.servers] for name in names}

    def values(self, name: str = NAME) -> set[str]:
        lines = (line.partition(" ") for line in self.zone.read_text().splitlines())
        return {value for owner, _, value in lines if owner == name}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refused(provider: Any, *records: TxtRecord) -> str:
    with pytest.raises(ProviderError) as caught:
        provider.retract(ZONE, records)
    assert caught.value.hint
    return str(caught.value)


def test_what_a_program_removed_is_seen_at_once_and_not_waited_for(world: World) -> None:
    world.has(A, B)
    world.provider().retract(ZONE, [A])
    assert world.values() == {B.value}
    assert world.pauses == []


def test_a_program_that_said_yes_and_removed_nothing_is_found_out_in_a_minute(world: World) -> None:
    world.has(A)
    said = refused(world.provider("NOTHING"), A)
    assert f"cleanup {NAME}: it ended well, but 60 s later 1 of 1 name server addresses still have" in said
    assert A.value in said
    assert sum(world.pauses) == 60


def test_servers_that_are_slow_are_waited_for(world: World) -> None:
    world.has(A)
    kept = {A.value}
    world.servers.append(lambda values: values if len(world.pauses) == 3 else kept)
    world.provider().retract(ZONE, [A])
    assert len(world.pauses) == 3


def test_the_challenge_of_another_order_is_put_back_where_a_program_removes_all(world: World) -> None:
    world.has(A, B, C)
    world.provider("ALL").retract(ZONE, [A])
    assert world.values() == {B.value, C.value}


def test_what_was_asked_for_stays_away_where_a_program_removes_all(world: World) -> None:
    world.has(A, B, C)
    world.provider("ALL").retract(ZONE, [A, B])
    assert world.values() == {C.value}


def test_a_value_that_is_no_challenge_is_told_and_not_guessed_at(world: World) -> None:
    world.has(A, B, FOREIGN)
    said = refused(world.provider("ALL"), A)
    assert 'it removed "somebody else\'s" as well, which is not put back' in said
    assert world.values() == {B.value}


def test_a_challenge_that_cannot_be_put_back_is_told(world: World) -> None:
    world.has(A, B)
    said = refused(world.provider("ALL", READ_ONLY="yes"), A)
    assert repr(B.value) in said
    assert f"present {NAME} ended with 3" in said


def test_what_only_one_server_had_is_not_put_back(world: World) -> None:
    """Somebody else removed it just before, and that server has not heard of it yet."""
    world.has(A)
    world.servers.append(lambda values: values | {B.value} if values else values)
    world.provider("ALL").retract(ZONE, [A])
    assert world.values() == set()


def test_what_never_was_there_is_no_failure_though_the_program_takes_it_for_one(world: World) -> None:
    world.has(B)
    world.provider().retract(ZONE, [A])
    assert world.values() == {B.value}


def test_a_failure_is_one_where_the_record_is_still_seen(world: World) -> None:
    world.has(B)
    world.servers.append(lambda values: {A.value})
    assert "ended with 1: no such record" in refused(world.provider(), A)
    assert world.pauses == []


def test_a_failure_is_one_where_no_server_answers(world: World) -> None:
    world.servers.clear()
    assert "ended with 1" in refused(world.provider(), A)


def test_a_failure_is_one_for_what_was_added_a_moment_ago_and_no_server_has_shown_yet(world: World) -> None:
    provider = world.provider()
    provider.publish(ZONE, [A])
    world.has()  # so that the program fails
    assert "ended with 1" in refused(provider, A)


def test_a_failure_does_not_keep_the_other_records(world: World) -> None:
    world.has(B)
    world.servers.append(lambda values: {A.value} if values else set())
    world.provider().retract(ZONE, [A, B])
    assert world.values() == set()


def test_a_program_that_hangs_is_waited_for_once(world: World) -> None:
    world.has(A, B, C)
    assert " after 1 s" in refused(world.provider("HANG"), A, B, C)
    assert (world.folder / "zone.hung").read_text().splitlines() == [f"{A.name} {A.value}"]


def test_without_servers_to_look_at_the_program_is_believed(world: World) -> None:
    world.servers.clear()
    world.has(A)
    world.provider("NOTHING").retract(ZONE, [A])
    assert world.pauses == []


NSUPDATE = """#!/bin/sh
case $1 in present) change="add $2 60 TXT \\"$3\\"" ;; cleanup) change="delete $2 TXT" ;; esac
printf 'server %s\\nupdate %s\\nsend\\n' "$SERVER" "$change" | nsupdate -y "$KEY"
"""


def test_a_hook_s_program_that_removes_all_leaves_the_record_of_another_order(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        key = stage.environ["RFC2136_TSIG_SECRET"]
        environ = {
            "DNS01_PROVIDER": "exec",
            "DNS01_ROUNDS": "1",
            "DNS01_SETTLE": "0",
            "EXEC_PATH": script(tmp_path / "program", NSUPDATE),
            "EXEC_ENV_SERVER": stage.environ["RFC2136_NAMESERVER"],
            "EXEC_ENV_KEY": f"hmac-sha256:hook:{key}",
        }
        ours, theirs = stage.client(**environ), stage.client("certbot", **environ)
        assert ours("deploy_challenge", "example.org", "token", A.value).code == 0
        words = {"CERTBOT_DOMAIN": "example.org", "CERTBOT_VALIDATION": B.value}
        assert theirs("certbot", "auth", **words).code == 0
        assert stage.bind.txt(NAME) == {A.value, B.value}

        said = ours("clean_challenge", "example.org", "token", A.value)

        assert (said.code, stage.bind.txt(NAME)) == (0, {B.value})
        assert [entry["value"] for entry in stage.journal()] == [B.value]
