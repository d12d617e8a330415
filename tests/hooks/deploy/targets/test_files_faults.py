"""Files that cannot be written, or must not be: full disks, other users, what is no certificate's."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deployed_files import NOBODY, deploy, in_a_child, refusal, versions

from dns01.errors import DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    """No block of it is on the disk."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


# What can go wrong


def mount(folder: Path, *options: str) -> None:
    """A disk of its own, which no other process sees, at the folder."""
    CLONE_NEWNS = 0x00020000
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", folder], check=True)


def test_on_a_full_disk_the_old_pair_stays_and_nothing_is_left_behind(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    tls.mkdir()

    def fill() -> str:
        mount(tls, "size=32k")
        target = Target({"directory": str(tls)})
        target.install(old)
        with suppress(OSError), open(tls / "ballast", "wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass
        os.truncate(tls / "ballast", (tls / "ballast").stat().st_size - 2 * 4096)  # for two files of four
        said = refusal(target, new)
        assert target.changes(old) == []
        assert versions(tls) == ["1"]
        (tls / "ballast").unlink()
        target.install(new)
        assert target.changes(new) == []
        return said

    said = in_a_child(fill)
    assert "No space left on device" in said
    assert "df -h" in said


def test_a_read_only_disk_is_named_as_such(tls: Path, new: CertificateFiles) -> None:
    tls.mkdir()

    def write_protect() -> str:
        mount(tls, "ro")
        return refusal(Target({"directory": str(tls)}), new)

    assert "Read-only file system\nmount it writable" in in_a_child(write_protect)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that everybody can reach, as that of a test is not."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def as_nobody(work: Callable[[], str]) -> str:
    def dropped() -> str:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return work()

    return in_a_child(dropped)


def test_who_may_read_the_key_can_reach_it_and_nobody_else(open_to_all: Path, new: CertificateFiles) -> None:
    options = {"directory": f"{open_to_all}/tls", "owner.privkey": "nobody"}
    deploy(options, new)
    key = open_to_all / "tls" / "privkey.pem"
    assert as_nobody(key.read_text) == new.key.decode()
    deploy({**options, "owner.privkey": "daemon"}, new)
    assert "PermissionError" in as_nobody(key.read_text)


def test_who_may_not_write_there_is_told_and_the_old_pair_stays(
    open_to_all: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    options = {"directory": f"{open_to_all}/tls", "group.privkey": "nogroup", "mode.privkey": "0640"}
    deploy(options, old)
    said = as_nobody(lambda: refusal(Target(options), new))
    assert f"{open_to_all}/tls" in said
    assert "Permission denied" in said
    assert Target(options).changes(old) == []


def test_who_may_not_give_files_away_is_told_and_the_old_pair_stays(
    open_to_all: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    os.chown(open_to_all, NOBODY, NOBODY)
    options = {"directory": f"{open_to_all}/tls"}
    as_nobody(lambda: Target(options).install(old) or "")
    said = as_nobody(lambda: refusal(Target({**options, "owner.privkey": "root"}), new))
    assert "/privkey.pem " in said
    assert "\nrun as root: " in said
    assert Target(options).changes(old) == []


@pytest.mark.parametrize("what", ["user", "group"])
def test_an_unknown_user_or_group_is_found_before_anything_is_touched(
    tls: Path, new: CertificateFiles, what: str
) -> None:
    key = {"user": "owner.privkey", "group": "group.privkey"}[what]
    with pytest.raises(DeployError, match=f"^there is no {what} 'no-such-name' on this machine$") as caught:
        Target({"directory": str(tls), key: "no-such-name"}).check(new)
    assert "getent" in caught.value.hint
    assert not tls.exists()


def test_a_folder_that_is_missing_is_named_with_the_command_that_makes_it(
    tls: Path, new: CertificateFiles
) -> None:
    with pytest.raises(DeployError, match=f"^there is no folder {tls}/private$") as caught:
        Target({"directory": str(tls), "privkey": "private/x.key"}).check(new)
    assert caught.value.hint == f"make it: install -d {tls}/private"
    with pytest.raises(DeployError, match=f"{tls}/not/there"):
        Target({"directory": f"{tls}/not/there"}).check(new)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path), endless, huge])
def test_what_is_no_file_in_the_place_of_one_is_refused_at_once(
    tls: Path, new: CertificateFiles, make: Callable[[Path], object]
) -> None:
    tls.mkdir()
    make(tls / "privkey.pem")
    with pytest.raises(DeployError, match=r"privkey\.pem "):
        Target({"directory": str(tls)}).check(new)


@pytest.mark.parametrize(
    ("leads_to", "said"),
    [
        ("/dev/zero", "it is a device\ngive a file's path"),
        ("/etc", "it is a folder\ngive a file's path, or directory = …"),
    ],
)
def test_a_device_or_a_folder_is_said_to_be_one_and_is_not_to_be_moved_away(
    tls: Path, new: CertificateFiles, leads_to: str, said: str
) -> None:
    tls.mkdir()
    (tls / "privkey.pem").symlink_to(leads_to)
    with pytest.raises(DeployError) as caught:
        Target({"directory": str(tls)}).check(new)
    assert f"{caught.value}\n{caught.value.hint}" == f"{tls}/privkey.pem cannot be used: {said}"


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0:root:/root:/bin/sh\n",
        b"ssh-ed25519 AAAA root@here\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        b"# goes before -----BEGIN CERTIFICATE-----\n",
        b"0 * * * * root /usr/sbin/certbot renew\n",
        b"0\x80 and so on",
        b"\x7fELF\0\0",
    ],
)
def test_a_file_that_holds_something_else_is_not_written_over(
    tls: Path, new: CertificateFiles, content: bytes
) -> None:
    tls.mkdir()
    (tls / "passwd").write_bytes(content)
    with pytest.raises(DeployError) as caught:
        Target({"combined": str(tls / "passwd")}).check(new)
    assert str(caught.value) == f"{tls}/passwd holds something else than a certificate or its key"
    assert caught.value.hint == "see that the path is right; if it is, move the file away (mv)"


def test_what_is_called_like_a_certificate_s_file_is_kept_beside_the_new_one(
    tls: Path, new: CertificateFiles
) -> None:
    tls.mkdir()
    (tls / "fullchain.pem").write_text("by hand")
    deploy({"directory": str(tls)}, new)
    assert (tls / ".fullchain.pem.before-dns01").read_text() == "by hand"


@pytest.mark.parametrize("content", ["", "\n", "# ours\n-----BEGIN RSA PRIVATE KEY-----\n"])
def test_a_file_that_is_empty_or_has_pem_is_written_over(
    tls: Path, new: CertificateFiles, content: str
) -> None:
    tls.mkdir()
    (tls / "all.pem").write_text(content)
    deploy({"combined": str(tls / "all.pem")}, new)


def test_a_keystore_with_another_password_is_written_over(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    options = {"pkcs12": str(tls / "x.p12"), "password": "old"}
    tls.mkdir()
    deploy(options, old)
    present = (tls / "x.p12").read_bytes()
    (tls / "x.p12").unlink()
    (tls / "x.p12").write_bytes(present)
    deploy(options | {"password": "new"}, new)


def test_what_was_written_into_our_own_file_is_written_over(tls: Path, new: CertificateFiles) -> None:
    deploy({"directory": str(tls)}, new)
    (tls / "cert.pem").write_text("oops")
    deploy({"directory": str(tls)}, new)


# The client's own files


def client_folder(bundle: CertificateFiles) -> Path:
    return Path(bundle.facts.certificate.cert).parent


@pytest.mark.parametrize(
    "options",
    [
        {"directory": "{client}"},
        {"directory": "{link}"},
        {"directory": "{client}/../{name}"},
        {"fullchain": "{client}/fullchain.pem"},
        {"combined": "{client}/privkey.pem"},
        {"directory": "{tls}", "chain": "{client}/chain.pem"},
    ],
)
def test_the_client_s_own_files_are_not_replaced(
    options: dict[str, str], tls: Path, tmp_path: Path, new: CertificateFiles
) -> None:
    client = client_folder(new)
    (tmp_path / "link").symlink_to(client)
    places = {"client": client, "link": tmp_path / "link", "name": client.name, "tls": tls}

    own = r"^/.* is the client's own file: its next renewal would be lost$"
    with pytest.raises(DeployError, match=own):
        Target({key: value.format(**places) for key, value in options.items()}).check(new)


def test_nor_is_what_the_client_s_links_lead_to(tmp_path: Path, new: CertificateFiles) -> None:
    """As dehydrated and certbot have it: cert.pem leads to the newest one."""
    client = client_folder(new)
    (client / "cert.pem").rename(client / "cert-1700000000.pem")
    (client / "cert.pem").symlink_to("cert-1700000000.pem")

    with pytest.raises(DeployError, match=f"{client}/cert-1700000000.pem .* own file"):
        Target({"cert": f"{client}/cert-1700000000.pem"}).check(new)


def test_a_link_of_the_service_s_to_the_client_s_file_gives_way_and_the_file_stays(
    tls: Path, new: CertificateFiles
) -> None:
    tls.mkdir()
    (tls / "fullchain.pem").symlink_to(new.facts.certificate.fullchain)

    deploy({"directory": str(tls)}, new)

    assert (tls / "fullchain.pem").resolve().is_relative_to(tls)
    assert Path(new.facts.certificate.fullchain).read_bytes() == new.fullchain
