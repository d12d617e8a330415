"""Which process the ACME client is, found out among real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testbed import TIME_LIMIT

import dns01
from dns01.hooks.clients.process import ClientProcess, calling_client, is_alive, this_process

PYTHONPATH = str(Path(dns01.__file__).parent.parent)
SCRIPT = "#!/bin/bash\n"
CALL_NEXT = '( "$@"; true )\ntrue\n'  # from a subshell, and no exec of the last command

Calls = Callable[..., tuple[list[int], ClientProcess | None]]


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    """Run scripts of these names, each called by the one before, and at last a hook: gives the
    numbers of the processes and the client that the hook took for its own."""
    hook = tmp_path / "hook"
    hook.write_text(
        f"#!{sys.executable}\n"
        "import json, os\n"
        "from dns01.hooks.clients.process import calling_client\n"
        "print(json.dumps(calling_client()))\n"
    )
    hook.chmod(0o755)

    def run(*names: str, start: list[str] | None = None) -> tuple[list[int], ClientProcess | None]:
        scripts = []
        for place, name in enumerate(names):
            script = tmp_path / str(place) / name
            script.parent.mkdir()
            script.write_text(SCRIPT + "echo $$\n" + CALL_NEXT)
            script.chmod(0o755)
            scripts.append(str(script))
        done = subprocess.run(
            [*(start or []), *scripts, str(hook)],
            env=os.environ | {"PYTHONPATH": PYTHONPATH},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TIME_LIMIT,
        )
        *pids, client = done.stdout.splitlines()
        found = json.loads(client)
        return [int(pid) for pid in pids], ClientProcess(*found) if found else None

    return run


@pytest.fixture
def uacme(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A client at work."""
    script = tmp_path / "uacme"
    script.write_text(SCRIPT + "echo ready\nread -r\n")
    script.chmod(0o755)
    with subprocess.Popen([str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("name", ["dehydrated", "letsencrypt.sh", "certbot", "lego", "traefik", "uacme"])
def test_the_client_is_found_from_a_subshell_of_its_own(calls: Calls, name: str) -> None:
    pids, client = calls(name)
    assert client
    assert (client.name, client.pid) == (name, pids[0])


def test_a_hook_wrapped_in_a_shell_script_has_the_client_above_it(calls: Calls) -> None:
    pids, client = calls("dehydrated", "hook.sh", "wrapper.sh")
    assert client
    assert client.pid == pids[0]


def test_the_shell_that_certbot_runs_its_hooks_through_is_not_the_client(tmp_path: Path) -> None:
    certbot = tmp_path / "certbot"
    look = "from dns01.hooks.clients.process import calling_client; print(calling_client().pid, flush=True)"
    certbot.write_text(
        f"#!{sys.executable} -I\nimport os, subprocess, sys\nprint(os.getpid(), flush=True)\n"
        "subprocess.run(sys.argv[1], shell=True)\n"
    )
    certbot.chmod(0o755)
    done = subprocess.run(
        [certbot, f"'{sys.executable}' -c '{look}' certbot auth; true"],
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIME_LIMIT,
    )
    started, found = done.stdout.splitlines()
    assert started == found


def test_of_a_cron_script_of_the_same_name_and_the_client_it_is_the_client(calls: Calls) -> None:
    pids, client = calls("dehydrated", "dehydrated", "hook.sh")
    assert client
    assert client.pid == pids[1]


def test_of_two_clients_with_something_between_them_it_is_the_inner_one(calls: Calls) -> None:
    pids, client = calls("traefik", "renew.sh", "lego", "hook.sh")
    assert client
    assert (client.name, client.pid) == ("lego", pids[2])


@pytest.mark.parametrize("interpreter", [["bash"], ["/bin/bash", "-e", "-u"]])
def test_a_script_is_known_when_its_interpreter_was_called_by_name(
    calls: Calls, interpreter: list[str]
) -> None:
    pids, client = calls("dehydrated", "hook.sh", start=interpreter)
    assert client
    assert (client.name, client.pid) == ("dehydrated", pids[0])


@pytest.mark.parametrize("names", [[], ["hook.sh"], ["dehydrated.sh", "my-certbot-hook"]])
def test_no_client_is_made_up(calls: Calls, names: list[str]) -> None:
    assert calls(*names)[1] is None


def test_a_clients_name_among_the_arguments_of_another_program_counts_for_nothing(calls: Calls) -> None:
    assert calls("hook.sh", start=["/usr/bin/env", "--", "RUNNING=certbot", "nice", "-n", "0"])[1] is None


def test_a_process_may_have_any_name(calls: Calls) -> None:
    pids, client = calls("dehydrated", "a) R 1 (b", ") (")
    assert client
    assert client.pid == pids[0]


def test_a_client_at_work_is_alive(uacme: subprocess.Popen[bytes]) -> None:
    client = calling_client(uacme.pid)
    assert client
    assert client.name == "uacme"
    assert is_alive(client)


def test_a_client_that_has_ended_is_gone_even_before_its_parent_takes_notice(
    uacme: subprocess.Popen[bytes],
) -> None:
    client = calling_client(uacme.pid)
    assert client
    uacme.kill()
    os.waitid(os.P_PID, uacme.pid, os.WEXITED | os.WNOWAIT)  # it stays as a zombie
    assert is_alive(client) is False
    uacme.wait()
    assert is_alive(client) is False


def test_another_process_of_the_same_number_is_not_the_client(uacme: subprocess.Popen[bytes]) -> None:
    client = calling_client(uacme.pid)
    assert client
    assert is_alive(client._replace(start=client.start - 1)) is False


def test_a_client_elsewhere_cannot_be_judged(uacme: subprocess.Popen[bytes]) -> None:
    client = calling_client(uacme.pid)
    assert client
    uacme.kill()
    uacme.wait()
    host, boot, namespace = client.where.split()
    for where in (f"other {boot} {namespace}", f"{host} {boot} pid:[1]", "", "nonsense", f"{host} {boot}"):
        assert is_alive(client._replace(where=where)) is None


def test_a_client_from_before_the_last_boot_has_ended(uacme: subprocess.Popen[bytes]) -> None:
    client = calling_client(uacme.pid)
    assert client
    host, _, namespace = client.where.split()
    for there in (namespace, "pid:[1]"):
        assert is_alive(client._replace(where=f"{host} another-boot {there}")) is False


def test_the_life_of_a_daemon_says_nothing_of_one_of_its_orders() -> None:
    assert is_alive(this_process("traefik")) is None


def test_this_process_is_its_own_client_while_it_lasts() -> None:
    here = this_process()
    assert (here.name, here.pid) == ("api", os.getpid())
    assert is_alive(here)
    say = (
        "import json; from dns01.hooks.clients.process import this_process;"
        "print(json.dumps(this_process('script')))"
    )
    ended = ClientProcess(*json.loads(in_a_process(say)))
    assert ended.name == "script"
    assert is_alive(ended) is False


def test_a_client_that_proc_hides_cannot_be_judged() -> None:
    here = this_process()
    look = (
        "import os; from dns01.hooks.clients.process import ClientProcess, is_alive; "
        f"here = ClientProcess(*{tuple(here)!r}); is_alive(here); "  # all is imported while it can be read
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        f"print(os.path.exists('/proc/{here.pid}'), is_alive(here))"
    )
    assert in_a_process(look, "mount -t proc -o hidepid=invisible proc /proc") == "False None"


def test_without_proc_nothing_is_known_and_nobody_is_gone() -> None:
    look = (
        "from dns01.hooks.clients.process import calling_client, is_alive, this_process; "
        "here = this_process(); print(calling_client(), here.start, repr(here.where), is_alive(here))"
    )
    assert in_a_process(look, "mount -t tmpfs tmpfs /proc") == "None 0 '' None"


def in_a_process(code: str, mount: str = "true") -> str:
    """What the Python code prints, in a mount namespace of its own."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIME_LIMIT,
    )
    return done.stdout.strip()
