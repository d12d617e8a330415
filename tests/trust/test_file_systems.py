"""A state folder or a target that is full, read-only, immutable, or shared by ACLs and hard links."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import NAME, Client, Said, Stage, until
from contract import validation
from machine import Machine, content, deploy_cert

A = validation("a")
APEX = ("example.org", "token", A)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def in_its_world(client: Client, folder: Path, line: str) -> None:
    """A line of shell in the mount namespace of the client, to its end."""
    done = folder / "line-is-done"
    client.run(f"{line}; echo $? > {done}")
    assert until(lambda: done.exists() and done.read_text()) == "0\n"
    done.unlink()


def refused(said: Said, word: str) -> bool:
    return said.code == 4 and word in said.stderr and "Traceback" not in said.stderr


FULL = {
    "of octets": ("size=64k", "head -c 1M /dev/zero > {0}/fill || rm -f {0}/more", "rm {0}/fill"),
    "of files": ("nr_inodes=20", "for i in $(seq 30); do : > {0}/fill$i; done || true", "rm {0}/fill*"),
}


@pytest.mark.parametrize("full", FULL)
def test_a_state_folder_on_a_file_system_that_is_full(stage: Stage, tmp_path: Path, full: str) -> None:
    """As a domain's configuration of acme.sh was emptied by a full disk (acmesh-official/acme.sh#7247)."""
    size, fill, free = FULL[full]
    stage.state.mkdir(mode=0o700)
    client = stage.client(DNS01_SETTLE="0")
    in_its_world(client, tmp_path, f"mount -t tmpfs -o mode=0700,{size} none {stage.state}")
    assert client("deploy_challenge", *APEX).code == 0

    in_its_world(client, tmp_path, fill.format(stage.state))
    second = client("deploy_challenge", "www.example.org", "token", validation("b"))
    cleaned = client("clean_challenge", *APEX)

    assert refused(second, "No space left on device")
    assert stage.bind.txt("_acme-challenge.www.example.org") == set()
    assert cleaned.code == 0
    assert stage.bind.txt(NAME) == set()

    in_its_world(client, tmp_path, free.format(stage.state))
    assert client("deploy_challenge", *APEX).code == 0
    assert client("clean_challenge", *APEX).code == 0
    in_its_world(client, tmp_path, f"test -z \"$(find {stage.state}/open -name '*.json')\"")


def test_a_state_folder_that_is_mounted_read_only(stage: Stage, tmp_path: Path) -> None:
    client = stage.client(DNS01_SETTLE="0")
    assert client("deploy_challenge", *APEX).code == 0
    in_its_world(
        client,
        tmp_path,
        f"mount --bind {stage.state} {stage.state} && mount -o remount,ro,bind {stage.state}",
    )

    second = client("deploy_challenge", "www.example.org", "token", validation("b"))
    cleaned = client("clean_challenge", *APEX)

    assert refused(second, "Read-only file system")
    assert stage.bind.txt("_acme-challenge.www.example.org") == set()
    assert cleaned.code == 0
    assert stage.bind.txt(NAME) <= {entry["value"] for entry in stage.journal()}
    client.kill()
    assert stage.client(DNS01_SETTLE="0")("startup_hook").code == 0
    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []


ACL_VERSION = 2
USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 1, 2, 4, 16, 32
NOBODY, NO_ID = 65534, 0xFFFFFFFF


def acl(path: Path, rights: int, kind: str = "access") -> None:
    """Let the user nobody have these rights (acl(5)), as setfacl does."""
    entries = [(USER_OBJ, 7, NO_ID), (USER, rights, NOBODY), (GROUP_OBJ, 0, NO_ID)]
    entries += [(MASK, rights, NO_ID), (OTHER, 0, NO_ID)]
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(path, f"system.posix_acl_{kind}", struct.pack("<I", ACL_VERSION) + packed)


def test_a_state_folder_that_another_may_write_to_by_an_acl_is_refused(stage: Stage) -> None:
    stage.state.mkdir(mode=0o700)
    acl(stage.state, 7)

    said = stage.client()("deploy_challenge", *APEX)

    assert refused(said, str(stage.state))
    assert stage.bind.txt(NAME) == set()


def test_what_is_made_where_an_acl_is_inherited_is_ours_alone(stage: Stage) -> None:
    stage.state.mkdir(mode=0o700)
    acl(stage.state, 5, "default")
    client = stage.client(DNS01_SETTLE="0")

    assert client("deploy_challenge", *APEX).code == 0

    made = [path for path in stage.state.rglob("*") if path.is_file()]
    assert len(made) > 2
    for path in made:
        reading = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "cat", str(path)]
        assert subprocess.run(reading, capture_output=True).returncode != 0


def test_a_secret_that_another_may_read_by_an_acl_is_refused(stage: Stage, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(stage.environ["RFC2136_TSIG_SECRET"])
    acl(secret, 4)

    said = stage.client(RFC2136_TSIG_SECRET="", RFC2136_TSIG_SECRET_FILE=str(secret))(
        "deploy_challenge", *APEX
    )

    assert said.code == 3
    assert "chmod" in said.stderr


@pytest.mark.parametrize("mode", [0o1777, 0o1770, 0o2770, 0o730])
def test_a_state_folder_for_many_is_refused(stage: Stage, mode: int) -> None:
    stage.state.mkdir()
    stage.state.chmod(mode)

    assert refused(stage.client()("deploy_challenge", *APEX), str(stage.state))


def test_a_state_folder_in_a_sticky_folder_of_everybody_will_do(stage: Stage, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    client = stage.client(DNS01_SETTLE="0", DNS01_STATE_DIR=f"{shared}/state")

    assert client("deploy_challenge", *APEX).code == 0
    assert client("clean_challenge", *APEX).code == 0
    assert stage.bind.txt(NAME) == set()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine(tmp_path) as machine:
        yield machine


def brought(machine: Machine, client: Client) -> None:
    certificate = machine.issue("a.example")
    assert deploy_cert(client, certificate).code == 0
    assert client("exit_hook").code == 0
    assert machine.installed("a.example") == content(certificate)


def test_a_hard_link_to_an_installed_file_keeps_what_it_had(machine: Machine, tmp_path: Path) -> None:
    client = machine.client()
    brought(machine, client)
    before = machine.installed("a.example")
    os.link((tmp_path / "tls/a.example/cert.pem").resolve(), tmp_path / "copy")

    brought(machine, client)

    assert (tmp_path / "copy").read_bytes() == before


IMMUTABLE = ["tls/a.example/.fullchain.pem.versions", "state/pending", "state/deployed"]


@pytest.mark.parametrize("place", IMMUTABLE)
def test_what_is_immutable_is_named_and_the_certificate_brought_once_it_is_not(
    machine: Machine, tmp_path: Path, place: str
) -> None:
    client = machine.client()
    brought(machine, client)
    before = machine.installed("a.example")
    subprocess.run(["chattr", "+i", tmp_path / place], check=True)
    try:
        renewed = machine.issue("a.example")
        said = deploy_cert(client, renewed)
        ended = client("exit_hook")
    finally:
        subprocess.run(["chattr", "-i", tmp_path / place], check=True)

    words = said.stderr + ended.stderr
    assert "Operation not permitted" in words
    assert "Traceback" not in words
    assert machine.installed("a.example") in (before, content(renewed))
    client.kill()
    later = machine.client()
    assert later("startup_hook").code == 0
    assert later("unchanged_cert", "a.example", *renewed[1:5]).code == 0
    assert later("exit_hook").code == 0
    assert machine.installed("a.example") == content(renewed)
    assert machine.pending() == []


@pytest.mark.parametrize("place", ["state", "state/open", "state/locks"])
def test_an_immutable_state_folder_publishes_nothing(stage: Stage, place: str, tmp_path: Path) -> None:
    client = stage.client(DNS01_SETTLE="0")
    assert client("deploy_challenge", *APEX).code == 0
    assert client("clean_challenge", *APEX).code == 0
    for lock in tmp_path.glob("state/locks/*"):
        lock.unlink()
    subprocess.run(["chattr", "+i", tmp_path / place], check=True)
    try:
        said = client("deploy_challenge", *APEX)
    finally:
        subprocess.run(["chattr", "-i", tmp_path / place], check=True)

    assert said.code in (0, 4)
    assert "Traceback" not in said.stderr
    assert stage.bind.txt(NAME) <= {entry["value"] for entry in stage.journal()}
    assert client("clean_challenge", *APEX).code == 0
    assert stage.bind.txt(NAME) == set()
