"""``.ci/install-debian``: no service starts while it installs, and whatever ends it leaves no policy behind.

It runs in a mount namespace, where /usr/sbin and /var/lib/dpkg are empty; dpkg-query and apt-get are scripts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from calls import alive_in, until
from testbed import TIME_LIMIT

SCRIPT = Path(__file__).parent.parent / ".ci" / "install-debian"
POLICY = Path("/usr/sbin/policy-rc.d")
APT_GET = """#!/bin/sh
[ "$2" = install ] || exit 0
echo $$ >"$(mktemp FOLDER/running.XXXXXX)"
until [ -e FOLDER/finish ]; do sleep 0.05; done
exit "$(cat FOLDER/finish)"
"""
THEIRS = "#!/bin/sh\nexit 104\n"


class System:
    """A Debian that lacks all packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        (folder / "bin").mkdir()
        for name, content in (("dpkg-query", "#!/bin/sh\nexit 1\n"), ("apt-get", APT_GET)):
            program = folder / "bin" / name
            program.write_text(content.replace("FOLDER", str(folder)))
            program.chmod(0o755)
        mounts = "mount -t tmpfs none /usr/sbin; mount -t tmpfs none /var/lib/dpkg; echo; read forever"
        self._shell = subprocess.Popen(
            ["unshare", "--mount", "setpriv", "--pdeathsig", "KILL", "sh", "-c", mounts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._shell.stdout
        self._shell.stdout.readline()

    def close(self) -> None:
        self._stack.close()
        self._shell.communicate()

    def start(self) -> subprocess.Popen[bytes]:
        """Returns when apt-get is at work, or waits for the end of another one."""
        # It must not ignore what nohup has the tests ignore.
        command = ["env", "--default-signal=HUP,INT", *self._inside, SCRIPT, "some-package"]
        environment = {"PATH": f"{self.folder}/bin:/usr/bin:/bin"}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._stack.callback(process.wait)
        self._stack.callback(self._kill, process)
        return process

    def apt_gets(self) -> list[int]:
        """The process ids of those that have been started."""
        return [int(file.read_text() or 0) for file in self.folder.glob("running.*")]

    def finish(self, code: int = 0) -> None:
        """The apt-gets end with this code."""
        (self.folder / "finish").write_text(str(code))

    def service_may_start(self) -> bool:
        """As invoke-rc.d(8) asks: where there is no policy, it may."""
        path = self.path(POLICY)
        if not os.access(path, os.X_OK):
            return True
        return subprocess.run([*self._inside, POLICY, "nginx", "start"], timeout=TIME_LIMIT).returncode != 101

    def kill_everything(self) -> None:
        """All that has come into the mount namespace; what is stopped first starts nothing any more."""
        everything: set[int] = set()
        while found := self._processes() - everything:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            everything |= found
        for pid in everything:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self._processes())

    def path(self, path: Path) -> Path:
        return Path(f"/proc/{self._shell.pid}/root{path}")

    def policies(self) -> dict[str, str]:
        """All that is in the policy's folder."""
        found = {}
        for path in self.path(POLICY.parent).iterdir():
            with suppress(FileNotFoundError):  # what waits for apt-get's end is clearing up just now
                found[path.name] = path.read_text()
        return found

    @property
    def _inside(self) -> list[str | Path]:
        # Its root as well: that of its mounts is another one where the tests run in a chroot.
        return ["nsenter", f"--target={self._shell.pid}", "--mount", "--root", "--wd"]

    def _processes(self) -> set[int]:
        ours = os.readlink(f"/proc/{self._shell.pid}/ns/mnt")
        found = {int(path.name) for path in Path("/proc").glob("[0-9]*") if _mounts(path) == ours}
        return found - {self._shell.pid}

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        for pid in alive_in(process.pid):
            os.kill(pid, signal.SIGKILL)


def _mounts(process: Path) -> str:
    try:
        return os.readlink(process / "ns" / "mnt")
    except OSError:  # it has ended
        return ""


@pytest.fixture(params=["", THEIRS], ids=["no policy", "a policy of somebody else's"])
def before(request: pytest.FixtureRequest) -> dict[str, str]:
    """What is there before."""
    return {POLICY.name: request.param} if request.param else {}


@pytest.fixture
def system(tmp_path: Path, before: dict[str, str]) -> Iterator[System]:
    system = System(tmp_path)
    for name, content in before.items():
        path = system.path(POLICY.with_name(name))
        path.write_text(content)
        path.chmod(0o755)
    yield system
    system.close()


@pytest.mark.parametrize("code", [0, 100])
def test_no_service_starts_while_it_installs_and_then_all_is_as_before(
    system: System, before: dict[str, str], code: int
) -> None:
    process = system.start()
    until(system.apt_gets)
    assert not system.service_may_start()
    system.finish(code)
    assert process.wait() == code
    assert system.policies() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_killed_with_its_apt_get_it_leaves_all_as_before(
    system: System, before: dict[str, str], number: signal.Signals
) -> None:
    process = system.start()
    until(system.apt_gets)
    os.killpg(process.pid, number)
    process.wait()
    until(lambda: system.policies() == before)
    assert system.service_may_start()


@pytest.mark.parametrize("seconds", [0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05])
def test_killed_at_any_moment_it_leaves_all_as_before(
    system: System, before: dict[str, str], seconds: float
) -> None:
    process = system.start()
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: system.policies() == before)


def test_killed_alone_no_service_starts_until_its_apt_get_has_ended(
    system: System, before: dict[str, str]
) -> None:
    process = system.start()
    until(system.apt_gets)
    process.kill()
    process.wait()
    assert not system.service_may_start()
    system.finish()
    until(lambda: system.policies() == before)


def test_killed_with_all_that_it_started_it_forbids_nothing_and_the_next_one_clears_up(
    system: System, before: dict[str, str]
) -> None:
    process = system.start()
    until(system.apt_gets)
    left = {**before, **system.policies()}
    system.kill_everything()
    process.wait()
    assert system.policies() == left != before
    assert system.service_may_start()
    system.finish()
    assert system.start().wait() == 0
    assert system.policies() == before


def test_two_at_once_take_turns(system: System, before: dict[str, str]) -> None:
    first, second = system.start(), system.start()
    until(system.apt_gets)
    assert len(system.apt_gets()) == 1
    system.finish()
    assert (first.wait(), second.wait()) == (0, 0)
    assert len(system.apt_gets()) == 2
    assert system.policies() == before
