"""The process of the embedded name server: what it inherits, what it may, and where it listens."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import NAME, Embedded
from testbed import TIME_LIMIT

from dns01.errors import ConfigError, ProviderError, StateError, Unreachable
from dns01.providers.base import TxtRecord, Zone
from dns01.providers.standalone import Provider

NOBODY = "65534"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Embedded]:
    embedded = Embedded(tmp_path / "standalone")
    yield embedded
    embedded.kill()


# What it inherits


def test_nothing_that_the_starting_process_has_open_is_held_open(here: Embedded, tmp_path: Path) -> None:
    lines = (
        "import os",
        f"os.dup2(os.open({str(tmp_path)!r}, os.O_RDONLY), 3, inheritable=True)",
        f"os.dup2(os.open({str(tmp_path)!r}, os.O_RDONLY), 63, inheritable=True)",
        "provider.publish(zone, [TxtRecord(zone.apex, 'value')])",
    )
    subprocess.run(here.script(*lines), check=True)
    opened = [os.readlink(entry) for entry in Path(f"/proc/{here.pid()}/fd").iterdir()]
    own = [path for path in opened if path.startswith("socket:")]
    assert len(own) == 3  # UDP, TCP, Unix
    log = str(here.folder / "socket.log")
    assert {path for path in opened if path not in own} == {"/dev/null", log, "anon_inode:[eventpoll]"}


def test_a_client_that_reads_the_hooks_pipes_to_their_end_need_not_wait_for_it(here: Embedded) -> None:
    script = here.script("provider.publish(zone, [TxtRecord(zone.apex, 'value')])")
    hook = subprocess.run(script, capture_output=True, timeout=TIME_LIMIT, check=True)
    assert (hook.stdout, hook.stderr) == (b"", b"")
    assert here.pid()


def test_the_server_is_no_child_and_leaves_no_zombie(here: Embedded) -> None:
    lines = (
        "import os",
        "provider.publish(zone, [TxtRecord(zone.apex, 'value')])",
        "try: os.waitpid(-1, os.WNOHANG)",
        "except ChildProcessError: print('childless')",
    )
    hook = subprocess.run(here.script(*lines), capture_output=True, text=True, check=True)
    assert hook.stdout == "childless\n"


def test_the_server_is_alone_in_its_session_and_at_the_root_of_the_file_system(here: Embedded) -> None:
    here.publish("value")
    assert os.getsid(here.pid()) not in (os.getsid(0), 0)
    assert os.readlink(f"/proc/{here.pid()}/cwd") == "/"


def test_the_server_has_no_credentials_in_its_environment(
    here: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CF_DNS_API_TOKEN", "s3cret")
    here.publish("value")
    assert b"s3cret" not in Path(f"/proc/{here.pid()}/environ").read_bytes()


def test_nobody_else_can_speak_to_the_server(here: Embedded) -> None:
    here.publish("value")
    assert here.folder.stat().st_mode & 0o777 == 0o700
    assert (here.folder / "socket").stat().st_mode & 0o077 == 0


# Rights


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: " ".join(value.split()) for key, _, value in (line.partition(":") for line in lines)}


def test_root_is_given_up_once_port_53_is_bound(tmp_path: Path) -> None:
    here = Embedded(tmp_path / "standalone", address="127.0.53.1", port=53)
    here.publish("value")
    try:
        rights = status(here.pid())
        assert here.ask(NAME, address="127.0.53.1").answer
        here.publish("wildcard")
        assert len(here.ask(NAME, address="127.0.53.1").answer[0]) == 2
    finally:
        here.kill()
    assert (rights["Uid"], rights["Gid"]) == (" ".join([NOBODY] * 4),) * 2
    assert rights["Groups"] == ""
    assert {int(rights[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


def test_a_granted_capability_is_given_up_as_well(here: Embedded) -> None:
    here.folder.parent.chmod(0o777)
    granted = "+net_bind_service,+dac_read_search,+dac_override"
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    script = here.script("provider.publish(zone, [TxtRecord(zone.apex, 'value')])")
    subprocess.run([*command, f"--inh-caps={granted}", f"--ambient-caps={granted}", *script], check=True)
    rights = status(here.pid())
    assert {int(rights[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


def test_without_the_right_to_bind_port_53_the_ways_to_get_it_are_named(here: Embedded) -> None:
    here.port = 53
    script = here.script(
        "from dns01.errors import ProviderError",
        "try: provider.start([zone.apex])",
        "except ProviderError as error: print(error, error.hint, sep='\\n')",
    )
    hook = subprocess.run(
        ["setpriv", "--bounding-set=-net_bind_service", *script], capture_output=True, text=True, check=True
    )
    message, hint = hook.stdout.splitlines()
    assert "port 53 of 127.0.0.1" in message
    assert "CAP_NET_BIND_SERVICE" in hint
    assert "STANDALONE_PORT" in hint


# Addresses and settings that will not do


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken_is_named_with_the_way_to_find_out_by_whom(
    here: Embedded, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", here.port))
        if kind == socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(ProviderError, match=rf"port {here.port} of 127\.0\.0\.1 is taken") as failure:
            here.publish("value")
    assert f"ss -lntup 'sport = :{here.port}'" in failure.value.hint
    assert not here.pids()
    here.publish("value")  # now that it is free
    assert here.texts() == {"value"}


def test_an_address_of_another_host_is_named(here: Embedded) -> None:
    here.address = "192.0.2.1"
    with pytest.raises(ProviderError, match=r"192\.0\.2\.1 is no address of this host") as failure:
        here.publish("value")
    assert "STANDALONE_ADDRESS" in failure.value.hint


@pytest.mark.parametrize("address", ["127.0.77.3", "::1", "fd53::2"])
def test_on_the_wildcard_addresses_the_answer_comes_from_the_address_that_was_asked(
    here: Embedded, address: str
) -> None:
    here.address = Provider.options[0].default
    here.publish("value")
    assert here.ask(NAME, address=address).answer
    assert here.ask(NAME, address=address, over="tcp").answer


def test_a_host_without_ipv6_is_served_over_ipv4(here: Embedded) -> None:
    here.address = Provider.options[0].default
    here.start_with(
        "import errno, socket",
        "real = __main__.bound",
        "def bound(address, *rest):",
        "    if address == '::': raise OSError(errno.EAFNOSUPPORT, 'not supported')",
        "    return real(address, *rest)",
        "__main__.bound = bound",
    )
    here.publish("value")
    assert here.texts() == {"value"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("address", "host.example.net"),
        ("address", ""),
        ("port", "0"),
        ("port", "65536"),
        ("port", "domain"),
        ("ns", "host..example.net"),
        ("dir", "/" + "long" * 30),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(here: Embedded, option: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"STANDALONE_{option.upper()}|too long") as refusal:
        Provider({**here.options, option: value})
    assert refusal.value.hint


def test_a_folder_that_cannot_be_made_is_named(here: Embedded) -> None:
    here.folder.write_text("a file")
    with pytest.raises(StateError, match=str(here.folder)):
        here.publish("value")


def test_a_name_that_the_dns_cannot_carry_harms_nobody(here: Embedded) -> None:
    here.publish("value")
    with pytest.raises(ProviderError, match="domain name"):
        here.publish("value", name="x" * 64 + ".example.org")
    assert here.texts() == {"value"}


BROKEN = """
from dns01.providers._standalone import __main__, server
def run(self):
    {last}
server.ChallengeServer.run = run
__main__.main()
"""


class OfBrokenServer(Provider):
    server = "broken_server"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("open('/proc/1/mem')", "PermissionError"),
        ("import a_module_that_nobody_may_read", "ModuleNotFoundError: No module named 'a_module"),
        ("raise OSError(28, 'No space left on device')", "No space left on device"),
        ("import sys; sys.exit('\\x1b[2J its own words')", "its own words"),
        ("import os; os._exit(1)", "no reason"),
    ],
)
def test_a_server_that_ends_at_once_is_quoted(
    here: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, words: str
) -> None:
    (tmp_path / "broken_server.py").write_text(BROKEN.format(last=last))
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Unreachable) as failure:
        OfBrokenServer(here.options).publish(Zone(NAME), [TxtRecord(NAME, "value")])
    assert words in str(failure.value)
    assert "\x1b" not in str(failure.value)
    assert ("memory" in failure.value.hint) == (words == "no reason")
