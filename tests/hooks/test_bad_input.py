"""What goes wrong: one clear message with what to do about it, and nothing left published."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
from calls import BOTH, KEY, NAME, PRIMARY, Client, Said, Stage
from contract import validation

A = validation("a")
APEX = ("example.org", "token", A)
NOBODY = "127.9.9.9"  # no server listens there


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client in a world without any DNS."""
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state")}
    with Client(tmp_path / "client", "dehydrated", environ) as client:
        yield client


def complaint(said: Said, code: int) -> str:
    """What a call that failed said: one message and one hint, and no traceback."""
    assert (said.code, said.stdout) == (code, "")
    assert said.stderr.count("dns01: ") == 1
    assert said.stderr.count("   -> ") == 1
    assert "Traceback" not in said.stderr
    return said.stderr


# The words of the call


@pytest.mark.parametrize(
    "domain",
    [
        "192.0.2.1",
        "2001:db8::1",
        "",
        "a..example.org",
        "_acme-challenge.example.org",
        "www.*.example.org",
        ".".join(["label"] * 50),
        f"{'a' * 64}.org",
        "exa mple.org",
        "exa\N{SNOWMAN}--mple.org",
    ],
)
def test_a_domain_that_no_certificate_can_have_is_refused_before_anything_is_done(
    client: Client, tmp_path: Path, domain: str
) -> None:
    assert repr(domain)[1:-1] in complaint(client("deploy_challenge", domain, "token", A), 2)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("EXAMPLE.Org", "_acme-challenge.example.org"),
        ("example.org.", "_acme-challenge.example.org"),
        ("*.example.org", "_acme-challenge.example.org"),
        ("bücher.example.org", "_acme-challenge.xn--bcher-kva.example.org"),
    ],
)
def test_other_spellings_of_a_domain_are_understood(stage: Stage, domain: str, name: str) -> None:
    client = stage.client()

    assert client("deploy_challenge", domain, "token", A).code == 0
    assert stage.bind.txt(name) == {A}

    assert client("clean_challenge", domain, "token", A).code == 0
    assert stage.bind.txt(name) == set()


@pytest.mark.parametrize(
    "words", [(), ("example.org",), (*APEX, "www.example.org"), (*APEX, "www.example.org", "t")]
)
def test_a_chain_that_is_not_made_of_triples_is_refused(client: Client, words: tuple[str, ...]) -> None:
    said = complaint(client("deploy_challenge", *words), 2)

    assert f"deploy_challenge: {len(words)} " in said
    assert client("clean_challenge", *words).code == 0  # a failing one would cost a certificate


@pytest.mark.parametrize("value", ["", "too-short", A + "=", A[:-1] + "+", "hunter2 hunter2"])
def test_a_value_that_is_none_of_dns_01_s_is_refused(client: Client, value: str) -> None:
    said = complaint(client("deploy_challenge", "example.org", "token", value), 2)

    assert f"dns01: example.org: {value!r} " in said
    assert 'CHALLENGETYPE="dns-01"' in said


def test_tokens_and_values_may_start_with_a_hyphen(stage: Stage) -> None:
    value = "-" + A[1:]

    assert stage.client()("deploy_challenge", "example.org", "--help", value).code == 0
    assert stage.bind.txt(NAME) == {value}


# The configuration


def test_without_any_configuration_it_says_how_to_write_one(client: Client) -> None:
    said = complaint(client("deploy_challenge", *APEX), 3)

    assert "DNS01_PROVIDER" in said


def test_an_unknown_provider_is_told_with_the_nearest(client: Client) -> None:
    said = complaint(client("deploy_challenge", *APEX, DNS01_PROVIDER="rfc2163"), 3)

    assert "DNS01_PROVIDER: " in said
    assert " 'rfc2163'" in said
    assert " rfc2136" in said


def test_a_secret_file_that_others_can_read_is_refused_with_the_chmod_to_run(
    stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(KEY.secret)
    file.chmod(0o644)
    key_file = stage.bind.key_file(KEY.name)
    key_file.chmod(0o640)
    client = stage.client(RFC2136_TSIG_SECRET="")

    said = complaint(client("deploy_challenge", *APEX, RFC2136_TSIG_SECRET_FILE=str(file)), 3)
    assert f"RFC2136_TSIG_SECRET_FILE: {file} " in said
    assert f"   -> chmod 600 {file}\n" in said
    said = complaint(
        client("deploy_challenge", *APEX, RFC2136_TSIG_KEY="", RFC2136_TSIG_FILE=str(key_file)), 3
    )
    assert f"   -> chmod 600 {key_file}\n" in said

    file.chmod(0o600)
    assert client("deploy_challenge", *APEX, RFC2136_TSIG_SECRET_FILE=str(file)).code == 0


# The provider


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"RFC2136_TSIG_SECRET": "d3Jvbmc="}, r"AuthRejected: 127\.1\.0\.1 .* hook .*\(BADSIG\)"),
        (
            {"RFC2136_TSIG_KEY": "other"},
            r"AuthRejected: 127\.1\.0\.1 does not know the key other \(hmac-sha256\),"
            r" or does not let it do this \(BADKEY\)",
        ),
        (
            {"RFC2136_NAMESERVER": NOBODY},
            r"Unreachable: 127\.9\.9\.9 does not answer over TCP: Connection refused",
        ),
    ],
)
def test_what_the_provider_refuses_is_said_and_nothing_is_left(
    stage: Stage, environ: dict[str, str], problem: str
) -> None:
    said = complaint(stage.client()("deploy_challenge", *APEX, **environ), 5)

    error = stage.trail()[-1]["error"]
    assert re.fullmatch(problem, error)
    assert f"dns01: {error.partition(': ')[2]}\n" in said
    assert stage.bind.txt(NAME) == set()
    assert stage.trail()[-1]["outcome"] == "failed"
    assert stage.journal() == []


NO_KEY = {"RFC2136_TSIG_SECRET": "", "RFC2136_TSIG_KEY": ""}


def test_what_the_provider_refuses_to_publish_leaves_nothing_to_take_back(stage: Stage) -> None:
    said = stage.client()("deploy_challenge", *APEX, "example.org", "another", validation("b"), **NO_KEY)

    assert (said.code, said.stdout) == (5, "")
    refusal = said.stderr.partition("dns01: ")[2]
    assert refusal.startswith(f"{PRIMARY} ")
    assert "(REFUSED)\n   -> set RFC2136_TSIG_KEY and RFC2136_TSIG_SECRET" in refusal
    assert stage.trail()[-1]["retracted"] == []
    assert " ! " not in said.stderr
    assert stage.journal() == []


def test_what_the_provider_refuses_to_take_back_stays_in_the_journal_and_is_said_once(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", *APEX)

    said = client("clean_challenge", *APEX, **NO_KEY)

    (entry,) = stage.journal()
    assert entry["state"] == "retract"
    assert entry["error"].endswith("(REFUSED)")
    assert said.stderr.splitlines()[-2] == (
        f" ! {NAME} is not taken back yet ({entry['error']}); every later call tries again,"
        " and `dns01 sweep --forget example.org` gives it up"
    )
    assert client("startup_hook", **NO_KEY).stderr == ""
    assert [entry["tries"] for entry in stage.journal()] == [2]
    client("startup_hook")
    assert stage.journal() == []


def test_a_clock_that_is_wrong_is_said(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nreal = time.time\ntime.time = lambda: real() + 3600\n"
    )

    said = complaint(stage.client()("deploy_challenge", *APEX, PYTHONPATH=str(tmp_path)), 5)

    assert stage.trail()[-1]["error"].startswith(f"ClockSkew: {PRIMARY} ")
    assert "(BADTIME)" in said
    assert "NTP" in said


def test_a_domain_that_is_nowhere_in_the_dns_is_said(stage: Stage) -> None:
    said = complaint(stage.client()("deploy_challenge", "nowhere.net", "token", A), 6)

    assert "_acme-challenge.nowhere.net " in said


def test_a_name_that_only_a_cname_leads_to_is_said_with_where_it_comes_from(tmp_path: Path) -> None:
    with Stage(tmp_path, text=f"{NAME}. CNAME far.nowhere.net.\n") as stage:
        said = complaint(stage.client()("deploy_challenge", *APEX), 6)

    assert "far.nowhere.net " in said
    assert f"(a CNAME leads there from {NAME})" in said


def test_a_zone_that_is_delegated_elsewhere_is_named_with_the_one_that_the_provider_has(stage: Stage) -> None:
    stage.world.zone("other.org", {"ns1.other.org": "127.2.0.1"})

    said = complaint(stage.client()("deploy_challenge", "other.org", "token", A), 5)

    assert "other.org" in said


def test_a_provider_that_is_dead_at_the_clean_up_keeps_the_entry_and_a_later_call_takes_it_back(
    stage: Stage,
) -> None:
    client = stage.client()
    client("deploy_challenge", *APEX)

    said = client("clean_challenge", *APEX, RFC2136_NAMESERVER=NOBODY)
    assert said.code == 0
    (entry,) = stage.journal()
    assert (entry["state"], entry["tries"]) == ("retract", 1)
    assert entry["error"].startswith(f"{NOBODY} ")
    assert f" ! {NAME} " in said.stderr
    assert entry["error"] in said.stderr

    assert client("exit_hook").code == 0
    assert stage.journal() == []
    assert stage.bind.txt(NAME) == set()


def test_a_sweep_leaves_a_provider_that_hangs_to_hang_after_five_seconds(stage: Stage) -> None:
    client = stage.client()
    client("deploy_challenge", *APEX)
    client("clean_challenge", *APEX, RFC2136_NAMESERVER=NOBODY)
    with socket.create_server(("127.2.0.1", 53)):
        said = client("startup_hook", RFC2136_NAMESERVER="127.2.0.1")

    assert said.code == 0
    assert said.seconds > 5
    assert len(stage.journal()) == 1
    assert said.stderr == " ! that takes more than 5 s: the rest is left to a later call\n"


CONFIG = """
[account.old]
provider = "rfc2136"
nameserver = "{old}"
tsig_key = "hook"
tsig_secret = {{ env = "THE_SECRET" }}

[account.new]
provider = "rfc2136"
nameserver = "127.1.0.1"
tsig_key = "hook"
tsig_secret = {{ env = "THE_SECRET" }}

[zone."example.org"]
account = "{account}"
"""


def test_an_orphan_that_cannot_be_taken_back_does_not_keep_the_next_order_from_its_record(
    stage: Stage, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    file = {"DNS01_PROVIDER": "", "DNS01_TIMEOUT": "", "DNS01_CONFIG": str(config), "THE_SECRET": KEY.secret}
    config.write_text(CONFIG.format(old="127.1.0.1", account="old"))
    dying = stage.client(**file)
    assert dying("deploy_challenge", "www.example.org", "token", A).code == 0
    dying.kill()
    config.write_text(CONFIG.format(old=NOBODY, account="new"))

    said = stage.client(**file)("deploy_challenge", *APEX)

    assert said.code == 0
    assert " ! _acme-challenge.www.example.org " in said.stderr
    assert stage.bind.txt(NAME) == {A}
    assert {entry["account"]: entry["state"] for entry in stage.journal()} == {
        "new": "open",
        "old": "retract",
    }


def test_a_certificate_that_could_not_be_deployed_is_not_ordered(stage: Stage, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        CONFIG.format(old="127.1.0.1", account="new") + '[deploy."example.org".web]\nto = "file"\n'
    )
    file = {"DNS01_PROVIDER": "", "DNS01_TIMEOUT": "", "DNS01_CONFIG": str(config), "THE_SECRET": KEY.secret}

    said = complaint(stage.client(**file)("deploy_challenge", *APEX), 3)

    assert '[deploy."example.org"]: web: ' in said
    assert "'files'" in said
    assert stage.bind.txt(NAME) == set()


# The state folder


def test_a_state_folder_that_is_a_file_stops_everything_but_a_clean_up(stage: Stage) -> None:
    stage.state.write_text("")
    client = stage.client()

    said = complaint(client("deploy_challenge", *APEX), 4)

    assert str(stage.state) in said
    assert "Not a directory" in said
    assert stage.bind.txt(NAME) == set()
    assert client("clean_challenge", *APEX).code == 0
    assert client("exit_hook").code == 0


def test_a_state_folder_on_a_read_only_disk_is_said_and_nothing_is_published(stage: Stage) -> None:
    stage.state.mkdir(0o700)
    client = stage.client()
    client.run(f"mount -t tmpfs -o ro,mode=700 none {stage.state}")

    said = complaint(client("deploy_challenge", *APEX), 4)

    assert str(stage.state) in said
    assert "Read-only file system" in said
    assert stage.bind.txt(NAME) == set()


FULL = "head -c 1M /dev/zero >{state}/filler 2>/dev/null"


def test_a_full_disk_is_said_and_nothing_is_published(stage: Stage) -> None:
    stage.state.mkdir(0o700)
    client = stage.client()
    client.run(f"mount -t tmpfs -o size=64k,mode=700 none {stage.state}; {FULL.format(state=stage.state)}")

    said = complaint(client("deploy_challenge", *APEX), 4)

    assert str(stage.state) in said
    assert "No space left on device" in said
    assert stage.bind.txt(NAME) == set()


def test_a_disk_that_is_full_by_the_clean_up_does_not_keep_a_record_published(stage: Stage) -> None:
    stage.state.mkdir(0o700)
    client = stage.client()
    client.run(f"mount -t tmpfs -o size=64k,mode=700 none {stage.state}")
    client("deploy_challenge", *APEX)
    client.run(FULL.format(state=stage.state))

    assert client("clean_challenge", *APEX).code == 0

    assert stage.bind.txt(NAME) == set()
    assert stage.journal() == []


def test_a_corrupt_journal_file_is_moved_aside_and_said_and_all_goes_on(stage: Stage) -> None:
    file = stage.state / "open" / "_acme-challenge.lost.example.org-01234567.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 1, "domain": "lost.exam')

    said = stage.client()("deploy_challenge", *APEX)

    assert said.code == 0
    assert str(stage.state / "corrupt" / "open" / file.name) in said.stderr
    assert not file.exists()
    assert stage.bind.txt(NAME) == {A}


# Secrets


@pytest.mark.parametrize(
    "secret", [KEY.secret, "VGhpcyBpcyBub3QgdGhlIHNlY3JldA==", "this is no base64 at all!"]
)
def test_no_secret_gets_out_whatever_fails(tmp_path: Path, secret: str) -> None:
    with Stage(tmp_path, BOTH) as stage:
        stage.hold()

        said = stage.client()(
            "deploy_challenge", *APEX, RFC2136_TSIG_SECRET=secret, DNS01_DEBUG="1", DNS01_TIMEOUT="0.5"
        )

        assert said.code in (3, 5, 8)
        assert "Traceback" in said.stderr
        everything = [said.stderr, *(file.read_text() for file in stage.state.rglob("*") if file.is_file())]
        assert not any(secret in text for text in everything)
        assert stage.trail()[-1]["outcome"] == "failed"


# A signal while what went wrong is being said


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGHUP], [signal.SIGHUP] * 3])
def test_a_signal_that_comes_while_an_error_is_said_shows_no_traceback(
    tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    """A traceback would have all that the error's own causes say, with whatever is secret in it."""
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path), "DNS01_PROVIDER": "nobody"}
    reader, writer = os.pipe()
    room = 120  # octets: for the message and not for the hint, which is waited with until somebody reads
    filled = os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096) - room))
    command = [sys.executable, "-m", "dns01", "deploy_challenge", *APEX]
    with subprocess.Popen(command, env=environ, stderr=writer) as call, open(reader, "rb") as pipe:
        os.close(writer)
        while unread(reader) == filled and call.poll() is None:
            sleep(0.01)
        for number in numbers:
            call.send_signal(number)
            sleep(0.05)
        said = pipe.read()[filled:].decode()
    assert "there is no provider called 'nobody'" in said
    assert "Traceback" not in said
    assert call.returncode in {*(128 + number for number in numbers), *(-number for number in numbers)}


def unread(pipe: int) -> int:
    """How many octets are in the pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
