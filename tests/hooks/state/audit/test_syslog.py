"""Copies of the trail's lines: in the journal of a real journald, and at a syslog socket."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.state.audit import chain, syslog
from dns01.hooks.state.audit.section import AuditSettings, read
from dns01.hooks.state.audit.trail import Trail
from dns01.hooks.state.audit.verify import verify

# /run is a new one in the mount namespace, and with it the sockets of journald.
JOURNALD = """\
set -eu
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup  # journald ends without one
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal
/lib/systemd/systemd-journald 2>/dev/null &
until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
"$@"
until journalctl -D /run/log/journal -o json -t dns01 -n 9 | grep -q MESSAGE; do sleep 0.05; done
journalctl -D /run/log/journal -o json -t dns01 -n 9
kill %1
"""
WRITE = """\
import sys
from dns01.hooks.state.audit.trail import Trail
Trail(sys.argv[1], {"DNS01_CONFIG": sys.argv[2]}).write(
    {"phase": "deploy_challenge", "outcome": "failed", "error": "no\\nMESSAGE=forged"})
"""


def configured(tmp_path: Path, text: str) -> dict[str, str]:
    config = tmp_path / "config.toml"
    config.write_text(f"[audit]\n{text}\n")
    return {"DNS01_CONFIG": str(config)}


def test_journald_gets_each_line_with_the_number_and_the_hash_that_the_file_has(
    tmp_path: Path, state_dir: Path
) -> None:
    environ = configured(tmp_path, 'to = "journald"')
    path = state_dir / "audit.jsonl"
    command = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "bash",
        "-c",
        JOURNALD,
    ]
    command += ["journald", sys.executable, "-c", WRITE, str(path), environ["DNS01_CONFIG"]]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)

    (entry,) = map(json.loads, done.stdout.splitlines())
    assert entry["MESSAGE"] == path.read_text().rstrip("\n")
    last = verify(str(path)).last
    assert last
    assert (entry["DNS01_SEQ"], entry["DNS01_HASH"]) == (str(last.seq), last.hash)
    assert (entry["DNS01_PHASE"], entry["DNS01_OUTCOME"]) == ("deploy_challenge", "failed")
    assert entry["PRIORITY"] == "3"


@pytest.mark.parametrize(
    ("outcome", "error", "begins"), [("ok", "", "<30>"), ("failed", "", "<27>"), ("ok", "x" * 5000, "<30>")]
)
def test_syslog_gets_a_datagram_that_is_no_longer_than_it_may_be(
    tmp_path: Path, outcome: str, error: str, begins: str
) -> None:
    place = str(tmp_path / "log")
    line = chain.seal({"phase": "deploy_challenge", "outcome": outcome, "error": error}, 7, "f" * 64)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(place)
        assert list(syslog.send(line, ["syslog"], {"syslog": place})) == []
        packet = receiver.recv(1 << 16).decode()

    assert len(packet) < 2100
    found = re.fullmatch(re.escape(begins) + r"dns01\[\d+\]: (.*)", packet)
    assert found
    link = chain.link(line)
    assert link
    assert (json.loads(found[1])["seq"], json.loads(found[1])["hash"]) == (7, link.hash)


def test_a_receiver_that_is_not_there_is_a_warning_and_the_file_has_the_line(
    tmp_path: Path, state_dir: Path
) -> None:
    place = str(tmp_path / "nowhere")

    (problem,) = syslog.send(chain.seal({}, 1, ""), ["journald"], {"journald": place})

    assert problem == f"no copy of the audit trail's line went to journald ({place}): it is not running"


def test_a_receiver_that_takes_nothing_is_not_waited_for_long(tmp_path: Path) -> None:
    place = str(tmp_path / "log")
    line = chain.seal({}, 1, "")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(place)
        problems: list[str] = []
        for _ in range(10_000):  # until its queue is full
            if problems := list(syslog.send(line, ["syslog"], {"syslog": place})):
                break

    assert len(problems) == 1
    assert "timed out" in problems[0]


def test_a_section_that_is_wrong_is_said_and_the_line_is_written_all_the_same(
    tmp_path: Path, state_dir: Path
) -> None:
    warnings: list[str] = []
    path = state_dir / "audit.jsonl"

    Trail(str(path), configured(tmp_path, 'to = "syslogd"'), warn=warnings.append).write({"phase": "x"})

    assert len(warnings) == 1
    assert "[audit]: to: unknown receiver 'syslogd'; did you mean 'syslog'?" in warnings[0]
    assert '"phase": "x"' in path.read_text()


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        ({}, AuditSettings()),
        ({"to": "syslog"}, AuditSettings(("syslog",))),
        ({"to": ["journald", "syslog", "journald"]}, AuditSettings(("journald", "syslog"))),
        ({"size": 1, "keep": 0}, AuditSettings(size=1 << 20, keep=0)),
    ],
)
def test_the_section(table: object, settings: AuditSettings) -> None:
    assert read(table) == settings


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (5, "it is no table"),
        ({"too": "syslog"}, "unknown key 'too'; did you mean 'to'?"),
        ({"to": 5}, "to: it is no list"),
        ({"to": [5]}, "to: it is no list"),
        ({"size": 0}, "size: 0 is no number of MiB"),
        ({"size": True}, "size: True "),
        ({"size": float("nan")}, "size: nan "),
        ({"keep": -1}, "keep: -1 is no number of files"),
        ({"keep": "all"}, "keep: 'all' "),
    ],
)
def test_a_section_that_is_wrong(table: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(table)
    assert words in str(caught.value)
