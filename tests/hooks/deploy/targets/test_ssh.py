"""Files on another machine, which is a real server of OpenSSH."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from bundles import issued
from testbed.sshd import Sshd

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.ssh import Target

SEPARATE = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
HERE = "127.0.0.1"
FULL = "mount -t tmpfs -o size=4k none {folder}; head -c 4096 /dev/zero >{folder}/fill"
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


@pytest.fixture
def tls(sshd: Sshd, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own on the other machine, as it is to us."""
    return sshd.on(HERE) / request.node.name[:60]


def target(sshd: Sshd, host: str = HERE, **options: str) -> Target:
    defaults = {"host": host, "ssh_config": sshd.config, "shell": "sh", "time_limit": "60"}
    return Target(defaults | {key.replace("__", "."): value for key, value in options.items()})


def there(sshd: Sshd, path: Path) -> str:
    """The path, as the other machine has it."""
    return f"{sshd.machine}/{path.relative_to(sshd.on(HERE))}"


def deploy(to: Target, bundle: CertificateFiles) -> None:
    """As the core does it."""
    to.check(bundle)
    assert to.changes(bundle)
    to.install(bundle)
    to.commit(bundle)
    assert to.changes(bundle) == []


def contents(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refusal(to: Target, bundle: CertificateFiles) -> tuple[str, str]:
    with pytest.raises(DeployError) as caught:
        to.changes(bundle)
    return str(caught.value), caught.value.hint


def test_a_directory_gets_the_four_separate_files(sshd: Sshd, tls: Path, new: CertificateFiles) -> None:
    deploy(target(sshd, directory=there(sshd, tls)), new)

    assert contents(tls) == dict(zip(SEPARATE, (new.cert, new.chain, new.fullchain, new.key), strict=True))
    assert [(tls / name).stat().st_mode & 0o7777 for name in SEPARATE] == [0o644, 0o644, 0o644, 0o600]
    assert tls.stat().st_mode & 0o7777 == 0o755


def test_a_file_has_the_owner_the_group_and_the_mode_that_are_configured(
    sshd: Sshd, tls: Path, new: CertificateFiles
) -> None:
    tls.mkdir()
    own = {"owner.combined": "nobody", "group.combined": "4", "mode.combined": "0640"}
    deploy(target(sshd, combined=f"{there(sshd, tls)}/{{name}}.pem", **own), new)

    status = (tls / "example.org.pem").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (NOBODY, 4, 0o640)
    assert contents(tls) == {"example.org.pem": new.fullchain + new.key}


def test_what_differs_is_said_of_each_file(sshd: Sshd, tls: Path, new: CertificateFiles) -> None:
    tls.mkdir()
    (tls / "cert.pem").write_bytes(new.cert)
    (tls / "chain.pem").write_bytes(new.cert)
    (tls / "privkey.pem").write_bytes(new.key)
    (tls / "privkey.pem").chmod(0o644)
    path = there(sshd, tls)

    said = target(sshd, directory=path, owner__cert="nobody").changes(new)

    assert said == [
        f"{HERE}:{path}/fullchain.pem: is made",
        f"{HERE}:{path}/privkey.pem: gets mode -rw------- instead of -rw-r--r--",
        f"{HERE}:{path}/cert.pem: gets the owner nobody instead of root",
        f"{HERE}:{path}/chain.pem: gets another content",
    ]


@pytest.mark.parametrize("name", ["a b", "$(touch pwned)", "'\";&|`touch pwned`", "*", "-rf", "a\nb", "ü\\"])
def test_a_path_may_have_anything_in_it(
    sshd: Sshd, tls: Path, tmp_path: Path, new: CertificateFiles, name: str
) -> None:
    folder = sshd.on(HERE) / f"any-{tmp_path.name}" / name
    folder.parent.mkdir()
    deploy(target(sshd, directory=there(sshd, folder)), new)

    assert sorted(contents(folder)) == sorted(SEPARATE)
    assert [path.name for path in folder.parent.iterdir()] == [name]


@pytest.mark.parametrize(
    "shell", ["bash", "dash", "busybox sh", "mksh", "sh -c 'echo Welcome; echo dns01; exec sh'"]
)
def test_any_posix_shell_will_do_whatever_is_said_before(
    sshd: Sshd, tls: Path, tmp_path: Path, old: CertificateFiles, shell: str
) -> None:
    folder = sshd.on(HERE) / f"shell-{tmp_path.name}"
    to = target(sshd, directory=there(sshd, folder), shell=shell)
    new = old._replace(key=old.key.rstrip())  # which no here-document can bring
    deploy(to, old)
    deploy(to, new)
    to.install(old)
    to.undo(old)

    assert contents(folder)["privkey.pem"] == new.key
    to.run(["test", "1 -eq 1"], {"DNS01_DOMAIN": "example.org"}, 60, "the test")


def test_what_a_command_leaves_running_there_with_its_output_is_not_waited_for(sshd: Sshd) -> None:
    """As scripts of /etc/init.d do with daemons; the connection is open for as long."""
    to = target(sshd, privkey="/tls/privkey.pem")
    to.run(["sh", "-c", "sleep 70 & echo started"], {}, 60, "the reload")
    with pytest.raises(DeployError, match=r"the reload: .* ended with 3: not started"):
        to.run(["sh", "-c", "sleep 70 & echo not started; exit 3"], {}, 60, "the reload")


@pytest.mark.parametrize("said", ["", f"error folder {'9' * 5000}"])
def test_half_of_what_the_script_says_is_not_understood_as_more(
    sshd: Sshd, new: CertificateFiles, said: str
) -> None:
    shell = f"sh -c 'sed -n \"s/.*n. \\(dns01-[0-9a-f]*\\) .*/\\1 {said}/p\"'"
    message, _ = refusal(target(sshd, privkey="/tls/privkey.pem", shell=shell), new)
    assert message.startswith(f"looking at the files on {HERE}")


def test_no_process_there_has_the_key_or_the_certificate_in_its_arguments(
    sshd: Sshd, tls: Path, new: CertificateFiles
) -> None:
    traced = sshd.folder / "traced"
    shell = f"strace -f -s 100000 -e trace=execve -o {traced} sh"
    to = target(sshd, directory=there(sshd, tls), shell=shell)
    to.install(new._replace(key=new.key + b"no line feed"))

    seen = traced.read_text()
    assert "sha256sum" in seen
    lines = [line for pem in (new.key, new.cert) for line in pem.decode().splitlines()[1:-1]]
    assert not [line for line in lines if line in seen]


class TestTheWayBack:
    def test_brings_back_what_was_there_with_its_owner_and_mode(
        self, sshd: Sshd, tls: Path, old: CertificateFiles, new: CertificateFiles
    ) -> None:
        tls.mkdir()
        (tls / "privkey.pem").write_bytes(old.key)
        (tls / "privkey.pem").chmod(0o640)
        (tls / "cert.pem").symlink_to("../elsewhere.pem")
        to = target(sshd, directory=there(sshd, tls))
        to.install(issued(tls.parent / "client", "example.org"))
        to.install(new)
        target(sshd, directory=there(sshd, tls)).undo(new)

        assert [path.name for path in sorted(tls.iterdir())] == ["cert.pem", "privkey.pem"]
        assert (tls / "privkey.pem").read_bytes() == old.key
        assert (tls / "privkey.pem").stat().st_mode & 0o7777 == 0o640
        assert (tls / "cert.pem").readlink() == Path("../elsewhere.pem")

    def test_ends_where_the_service_has_taken_the_new(
        self, sshd: Sshd, tls: Path, old: CertificateFiles, new: CertificateFiles
    ) -> None:
        to = target(sshd, directory=there(sshd, tls))
        deploy(to, old)
        deploy(to, new)
        to.undo(new)

        assert contents(tls)["privkey.pem"] == new.key

    def test_leaves_alone_what_somebody_else_has_brought_since(
        self, sshd: Sshd, tls: Path, old: CertificateFiles, new: CertificateFiles
    ) -> None:
        tls.mkdir()
        to = target(sshd, combined=f"{there(sshd, tls)}/a.pem")
        to.install(old)
        (tls / "a.pem").write_bytes(b"newer")
        to.undo(old)

        assert contents(tls) == {"a.pem": b"newer"}


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda path: None, "there is no folder for"),
            (lambda path: path.mkdir(parents=True), "is a folder"),
            (lambda path: (path.parent.mkdir(), os.mkfifo(path)), "is no regular file"),
            (lambda path: (path.parent.mkdir(), path.symlink_to("/dev/zero")), "is a device"),
        ],
        ids=["no folder", "a folder", "a fifo", "a device"],
    )
    def test_at_the_path_is_found_out_before_anything_is_touched(
        self, sshd: Sshd, tmp_path: Path, new: CertificateFiles, make: Callable[[Path], object], said: str
    ) -> None:
        path = sshd.on(HERE) / f"refused-{tmp_path.name}" / "a.pem"
        make(path)
        message, _ = refusal(target(sshd, combined=there(sshd, path)), new)

        assert said in message
        assert there(sshd, path) in message

    @pytest.mark.parametrize(
        "content", ["ssh-ed25519 AAAA root@here\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n"]
    )
    def test_is_a_file_that_holds_something_else(
        self, sshd: Sshd, tmp_path: Path, new: CertificateFiles, content: str
    ) -> None:
        """A path that was meant for the key to get in with."""
        path = sshd.on(HERE) / f"keys-{tmp_path.name}"
        path.write_text(content)
        message, hint = refusal(target(sshd, privkey=there(sshd, path)), new)

        assert f"{there(sshd, path)} " in message
        assert hint
        assert path.read_text() == content

    @pytest.mark.parametrize(
        ("shell", "options", "said"),
        [
            ("sh", {"owner.chain": "nosuchuser"}, "invalid user"),
            ("sh -c 'mount --bind {folder}/cert.pem {folder}/chain.pem; exec sh'", {}, "busy"),
        ],
        ids=["it cannot be brought", "it cannot take its place"],
    )
    def test_of_four_files_that_differ_in_one_none_is_new_and_nothing_is_left(
        self,
        sshd: Sshd,
        tmp_path: Path,
        old: CertificateFiles,
        new: CertificateFiles,
        shell: str,
        options: Mapping[str, str],
        said: str,
    ) -> None:
        folder = sshd.on(HERE) / f"one-{tmp_path.name}"
        path = there(sshd, folder)
        deploy(target(sshd, directory=path), old)
        before = contents(folder)
        with pytest.raises(DeployError, match=said):
            target(sshd, directory=path, shell=shell.format(folder=path), **options).install(new)

        assert contents(folder) == before

    def test_in_a_folder_of_another_user_no_link_of_theirs_is_written_through(
        self, sshd: Sshd, tls: Path, new: CertificateFiles
    ) -> None:
        tls.mkdir()
        root_s = tls.parent / f"{tls.name}-root"
        root_s.mkdir()
        (tls / ".a.pem.dns01").symlink_to(f"../{root_s.name}")
        os.chown(tls, NOBODY, NOBODY)
        to = target(sshd, combined=f"{there(sshd, tls)}/a.pem")
        with pytest.raises(DeployError, match="another user has made what is ours"):
            to.install(new)

        assert list(root_s.iterdir()) == []
        (tls / ".a.pem.dns01").unlink()
        (tls / ".a.pem.dns01").mkdir()
        os.chown(tls / ".a.pem.dns01", NOBODY, NOBODY)
        with pytest.raises(DeployError, match="another user has made what is ours"):
            to.install(new)

    @pytest.mark.parametrize(
        ("shell", "options", "said"),
        [
            ("sh", {"owner.combined": "nosuchuser"}, "chown: invalid user: 'nosuchuser'"),
            ("sh -c 'head -c 3500 | sh'", {}, "end of file unexpected"),
            (f"sh -c '{FULL}; exec sh'", {}, "No space left"),
            ("setpriv --reuid 65534 --clear-groups sh", {}, "Permission denied"),
            ("nosuchshell", {}, "not found"),
            ("true", {}, "bringing the files to 127.0.0.1 ended with 0: nothing"),
            ("yes", {}, "prints more than"),
        ],
        ids=[
            "owner",
            "cut short",
            "full disk",
            "another user",
            "no shell",
            "a login that does nothing",
            "endless",
        ],
    )
    def test_what_goes_wrong_there_is_said_and_the_old_file_stays(
        self,
        sshd: Sshd,
        tmp_path: Path,
        new: CertificateFiles,
        shell: str,
        options: Mapping[str, str],
        said: str,
    ) -> None:
        folder = sshd.on(HERE) / f"wrong-{tmp_path.name}"
        folder.mkdir()
        (folder / "a.pem").write_bytes(b"old")
        path = there(sshd, folder)
        to = target(sshd, combined=f"{path}/a.pem", shell=shell.format(folder=path), **options)
        with pytest.raises(DeployError) as caught:
            to.install(new)

        assert said in str(caught.value)
        assert (folder / "a.pem").read_bytes() == b"old"

    @pytest.mark.parametrize(
        "host",
        ["-oProxyCommand=id", "a@-b", "-l@host", "a;id", "a b", "$(id)", "a/b", "ssh://-x", "a\nb", "ä"],
    )
    def test_as_a_machine_is_what_ssh_or_a_shell_would_take_for_something_else(
        self, sshd: Sshd, host: str
    ) -> None:
        with pytest.raises(ConfigError, match="is no machine"):
            target(sshd, host=host, directory="/etc/tls")

    def test_is_an_owner_that_is_none(self, sshd: Sshd) -> None:
        with pytest.raises(ConfigError, match="'-R' is no user or group"):
            target(sshd, directory="/etc/tls", owner__cert="-R")


class TestAMachineThatCannotBeReached:
    def test_is_unknown(self, sshd: Sshd, new: CertificateFiles) -> None:
        (sshd.folder / "known_hosts").write_text("")
        try:
            message, hint = refusal(target(sshd, directory="/etc/tls"), new)
        finally:
            sshd.know()
        assert "Host key verification failed" in message
        assert hint.startswith("compare its key's fingerprint once by hand")

    def test_has_another_key_than_before(self, sshd: Sshd, new: CertificateFiles) -> None:
        sshd.know("client_key")
        try:
            message, hint = refusal(target(sshd, directory="/etc/tls"), new)
        finally:
            sshd.know()
        assert "127.0.0.1" in message
        assert "ssh-keygen -R" in hint

    def test_does_not_let_us_in(self, sshd: Sshd, new: CertificateFiles) -> None:
        message, hint = refusal(target(sshd, "nobody@127.0.0.1", directory="/etc/tls"), new)
        assert "Permission denied (publickey)" in message
        assert "authorized_keys" in hint

    def test_does_not_exist(self, sshd: Sshd, new: CertificateFiles) -> None:
        message, hint = refusal(target(sshd, "nosuch.invalid", directory="/etc/tls"), new)
        assert "Could not resolve hostname nosuch.invalid" in message
        assert "HostName" in hint

    def test_refuses_the_connection(self, sshd: Sshd, new: CertificateFiles) -> None:
        message, hint = refusal(target(sshd, "ssh://root@127.0.0.1:1", directory="/etc/tls"), new)
        assert "Connection refused" in message
        assert "this machine may connect to it" in hint


class TestACommandThere:
    def test_knows_the_certificate_s_names_and_no_path_of_ours(self, sshd: Sshd, tls: Path) -> None:
        tls.mkdir()
        told = {"DNS01_DOMAIN": "example.org it's", "DNS01_PRIVKEY": "/here/privkey.pem"}
        command = ["sh", "-c", f"env >'{there(sshd, tls)}/env'"]
        target(sshd, directory="/etc/tls").run(command, told, 60, "the reload")

        seen = (tls / "env").read_text()
        assert "DNS01_DOMAIN=example.org it's\n" in seen
        assert "DNS01_PRIVKEY" not in seen

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (
                ["sh", "-c", "printf 'bad \\033[31m\\007line\\n'; exit 3"],
                r"ended with 3: bad \x1b[31m\x07line",
            ),
            (["sh", "-c", "echo why >&2; exit 255"], "why"),
            (["nosuchcommand"], "No such file or directory"),
            (["yes"], "prints more than"),
            (["sleep", "1000"], "ended with 124"),
        ],
        ids=["fails", "fails as ssh does", "is not there", "is endless", "hangs"],
    )
    def test_that_fails_is_said_with_what_it_said(self, sshd: Sshd, command: list[str], said: str) -> None:
        with pytest.raises(DeployError) as caught:
            target(sshd, directory="/etc/tls").run(command, {}, 1, "the test")
        assert str(caught.value).startswith("the test: ")
        assert said in str(caught.value)
