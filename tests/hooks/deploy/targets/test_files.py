"""Files that services read: all forms of them, each with its owner and mode, and all of them or none."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bundles import AUTHORITY, issued
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from cryptography.x509 import ocsp

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target

SEPARATE = ("fullchain.pem", "privkey.pem", "cert.pem", "chain.pem")
NOBODY = pwd.getpwnam("nobody").pw_uid
ADM = grp.getgrnam("adm").gr_gid


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """Where the service looks."""
    return tmp_path / "tls"


def deploy(options: Mapping[str, str], bundle: CertificateFiles) -> None:
    """As the core does it, once all is well with what was there; and then there is nothing left to change."""
    target = Target(options)
    target.commit(bundle)
    target.check(bundle)
    assert target.changes(bundle)
    target.install(bundle)
    assert target.changes(bundle) == []


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    """No block of it is on the disk."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def at_separate_paths(folder: Path) -> dict[str, str]:
    """The options of a certificate in one folder and its key in another."""
    return {"fullchain": str(folder / "x.pem"), "privkey": str(folder / "private" / "x.key")}


def own_files(folder: Path, bundle: CertificateFiles) -> None:
    """What somebody has put there by hand."""
    (folder / "private").mkdir(parents=True)
    (folder / "x.pem").write_bytes(bundle.fullchain)
    (folder / "private" / "x.key").write_bytes(bundle.key)
    (folder / "private" / "x.key").chmod(0o640)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def visible(folder: Path) -> list[str]:
    """What is not hidden there."""
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*.versions/[0-9]*"))


def in_a_child(work: Callable[[], str]) -> str:
    """What the work says, done by a process of its own, whose privileges and mounts are its own too."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with suppress(BaseException):
            try:
                said = work()
            except BaseException as error:
                said = repr(error)
            os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def refusal(target: Target, bundle: CertificateFiles) -> str:
    """What is said when it cannot be installed, and the hint beneath."""
    with pytest.raises(DeployError) as caught:
        target.install(bundle)
    return f"{caught.value}\n{caught.value.hint}"


# Formats


def test_a_directory_gets_the_four_separate_pem_files(tls: Path, new: CertificateFiles) -> None:
    deploy({"directory": str(tls)}, new)
    contents = [new.fullchain, new.key, new.cert, new.chain]
    assert [(tls / name).read_bytes() for name in SEPARATE] == contents
    assert [mode(tls / name) for name in SEPARATE] == [0o644, 0o600, 0o644, 0o644]
    assert visible(tls) == sorted(SEPARATE)


def test_a_file_in_the_directory_may_have_another_name(tls: Path, new: CertificateFiles) -> None:
    deploy({"directory": str(tls), "privkey": "server.key"}, new)
    assert visible(tls) == ["cert.pem", "chain.pem", "fullchain.pem", "server.key"]


def test_without_a_directory_there_are_only_the_files_that_are_named(
    tls: Path, new: CertificateFiles
) -> None:
    tls.mkdir()
    deploy({"combined": f"{tls}/site.pem"}, new)
    assert (tls / "site.pem").read_bytes() == new.fullchain + new.key
    assert mode(tls / "site.pem") == 0o600
    assert visible(tls) == ["site.pem"]


def test_the_certificates_of_a_pattern_have_files_of_their_own(tls: Path, tmp_path: Path) -> None:
    tls.mkdir()
    first, second = issued(tmp_path / "1", "one.example"), issued(tmp_path / "2", "two.example")
    for bundle in (first, second):
        deploy({"combined": f"{tls}/{{name}}.pem"}, bundle)
    assert (tls / "one.example.pem").read_bytes() == first.fullchain + first.key
    assert (tls / "two.example.pem").read_bytes() == second.fullchain + second.key


def test_pkcs12_holds_key_certificate_and_chain_under_the_password(tls: Path, new: CertificateFiles) -> None:
    tls.mkdir()
    deploy({"pkcs12": f"{tls}/site.p12", "password": "changeit"}, new)
    found = pkcs12.load_pkcs12((tls / "site.p12").read_bytes(), b"changeit")
    assert found.key
    assert found.key.public_key() == load_pem_private_key(new.key, None).public_key()
    assert found.cert
    assert found.cert.friendly_name == b"example.org"
    held = [found.cert.certificate, *(each.certificate for each in found.additional_certs)]
    assert held == x509.load_pem_x509_certificates(new.fullchain)
    assert mode(tls / "site.p12") == 0o600


def test_openssl_reads_the_pkcs12_file(tls: Path, new: CertificateFiles) -> None:
    tls.mkdir()
    deploy({"pkcs12": f"{tls}/site.p12", "password": "changeit"}, new)
    command = ["openssl", "pkcs12", "-in", f"{tls}/site.p12", "-nodes", "-passin", "stdin"]
    said = subprocess.run(command, input=b"changeit\n", capture_output=True, check=True).stdout
    assert said.count(b"BEGIN CERTIFICATE") == new.fullchain.count(b"BEGIN CERTIFICATE")
    assert b"PRIVATE KEY" in said


def test_another_password_changes_the_pkcs12_file(tls: Path, new: CertificateFiles) -> None:
    tls.mkdir()
    for password in ("changeit", "changed"):
        deploy({"pkcs12": f"{tls}/site.p12", "password": password}, new)
    assert pkcs12.load_pkcs12((tls / "site.p12").read_bytes(), b"changed").key


def response(bundle: CertificateFiles, about: CertificateFiles, folder: Path) -> CertificateFiles:
    """The bundle with an OCSP response about a certificate, which may be another."""
    leaf, issuer = x509.load_pem_x509_certificates(about.fullchain)[:2]
    now = datetime(2026, 3, 1)
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf, issuer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now, now + timedelta(days=7), None, None
    )
    key = load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(key, hashes.SHA256())
    (folder / "ocsp.der").write_bytes(signed.public_bytes(Encoding.DER))
    return bundle._replace(ocsp=str(folder / "ocsp.der"))


@pytest.fixture
def haproxy(tls: Path) -> dict[str, str]:
    tls.mkdir()
    return {"combined": f"{tls}/{{name}}.pem", "ocsp": f"{tls}/{{name}}.pem.ocsp"}


def test_an_ocsp_response_comes_beside_the_certificate(
    tls: Path, haproxy: dict[str, str], new: CertificateFiles, tmp_path: Path
) -> None:
    deploy(haproxy, new)
    assert visible(tls) == ["example.org.pem"]
    with_response = response(new, new, tmp_path)
    deploy(haproxy, with_response)
    assert (tls / "example.org.pem.ocsp").read_bytes() == (tmp_path / "ocsp.der").read_bytes()
    assert mode(tls / "example.org.pem.ocsp") == 0o644


def test_the_response_for_the_old_certificate_goes_with_it(
    tls: Path, haproxy: dict[str, str], old: CertificateFiles, new: CertificateFiles, tmp_path: Path
) -> None:
    deploy(haproxy, response(old, old, tmp_path))
    assert visible(tls) == ["example.org.pem", "example.org.pem.ocsp"]
    deploy(haproxy, response(new, old, tmp_path))
    assert visible(tls) == ["example.org.pem"]


def test_what_is_no_ocsp_response_is_refused(
    haproxy: dict[str, str], new: CertificateFiles, tmp_path: Path
) -> None:
    (tmp_path / "ocsp.der").write_text("an error page")
    with pytest.raises(DeployError, match=r"ocsp\.der holds no OCSP response"):
        Target(haproxy).check(new._replace(ocsp=str(tmp_path / "ocsp.der")))


# Owner, group, mode


@pytest.mark.parametrize("umask", [0, 0o777])
def test_each_file_has_the_owner_group_and_mode_that_are_configured(
    tls: Path, new: CertificateFiles, umask: int
) -> None:
    options = {"owner.privkey": "nobody", "group.privkey": "adm", "mode.privkey": "0640", "group.cert": "4"}
    before = os.umask(umask)
    try:
        deploy({"directory": str(tls), **options}, new)
    finally:
        os.umask(before)
    key = (tls / "privkey.pem").stat()
    assert (key.st_uid, key.st_gid, key.st_mode & 0o7777) == (NOBODY, ADM, 0o640)
    assert (tls / "cert.pem").stat().st_gid == 4
    assert mode(tls / "fullchain.pem") == 0o644
    assert mode(tls) == 0o755


def test_what_differs_is_said_for_each_file(tls: Path, old: CertificateFiles, new: CertificateFiles) -> None:
    options = {"directory": str(tls)}
    assert Target(options).changes(old) == [f"{tls}/{name}: is made" for name in SEPARATE]
    deploy(options, old)
    assert Target(options).changes(new) == [
        f"{tls}/{name}: gets another content" for name in ("fullchain.pem", "privkey.pem", "cert.pem")
    ]
    stricter = {**options, "mode.cert": "0600", "owner.cert": "nobody", "group.cert": "adm"}
    assert Target(stricter).changes(old) == [
        f"{tls}/cert.pem: gets mode 0600 instead of 0644",
        f"{tls}/cert.pem: gets the owner {NOBODY} instead of 0",
        f"{tls}/cert.pem: gets the group {ADM} instead of 0",
    ]


def test_a_file_that_somebody_has_opened_to_all_is_closed_again(tls: Path, new: CertificateFiles) -> None:
    deploy({"directory": str(tls)}, new)
    (tls / "privkey.pem").chmod(0o644)
    deploy({"directory": str(tls)}, new)
    assert mode(tls / "privkey.pem") == 0o600


# One after the other


def test_undo_brings_the_old_files_back_in_another_process_as_well(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    options = {"directory": str(tls)}
    deploy(options, old)
    deploy(options, new)
    Target(options).undo(new)
    assert Target(options).changes(old) == []
    Target(options).undo(new)
    assert Target(options).changes(old) == []


def test_undo_leads_back_to_the_last_that_was_well_however_much_has_come_since(
    tls: Path, haproxy: dict[str, str], old: CertificateFiles, new: CertificateFiles, tmp_path: Path
) -> None:
    newer = issued(tmp_path / "client" / "newer")
    deploy(haproxy, old)
    deploy(haproxy, new)
    Target(haproxy).install(newer)
    with_response = response(newer, newer, tmp_path)
    Target(haproxy).install(with_response)
    Target(haproxy).undo(with_response)
    assert Target(haproxy).changes(old) == []


def test_what_is_committed_is_not_undone(tls: Path, old: CertificateFiles, new: CertificateFiles) -> None:
    target = Target({"directory": str(tls)})
    for bundle in (old, new):
        target.install(bundle)
        target.commit(bundle)
    target.undo(new)
    assert target.changes(new) == []


def test_undo_leaves_nothing_where_nothing_was(tls: Path, new: CertificateFiles) -> None:
    deploy({"directory": str(tls)}, new)
    Target({"directory": str(tls)}).undo(new)
    assert visible(tls) == []


def test_a_file_that_is_new_in_the_configuration_goes_when_it_is_undone(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    deploy({"directory": str(tls)}, old)
    more = {"directory": str(tls), "combined": "both.pem"}
    deploy(more, new)
    Target(more).undo(new)
    assert visible(tls) == sorted(SEPARATE)


@pytest.mark.parametrize("what", ["another certificate", "the same in another mode"])
def test_an_installation_that_failed_leaves_nothing_to_undo(
    tls: Path, tmp_path: Path, old: CertificateFiles, new: CertificateFiles, what: str
) -> None:
    options = {"directory": str(tls)}
    deploy(options, issued(tmp_path / "client" / "oldest"))
    deploy(options, old)
    wanted = new if what == "another certificate" else old
    target = Target({**options, "mode.cert": "0600"})
    target.commit(old)

    def with_small_files_only() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        return refusal(target, wanted)

    assert "fullchain.pem cannot be used: File too large" in in_a_child(with_small_files_only)
    target.undo(wanted)
    assert Target(options).changes(old) == []


def test_old_versions_are_removed_but_for_a_few(tls: Path, tmp_path: Path) -> None:
    bundles = [issued(tmp_path / "client" / str(number)) for number in range(5)]
    for bundle in bundles:
        deploy({"directory": str(tls)}, bundle)
    assert versions(tls) == ["3", "4", "5"]
    Target({"directory": str(tls)}).undo(bundles[4])
    assert Target({"directory": str(tls)}).changes(bundles[3]) == []
    deploy({"directory": str(tls)}, bundles[4])
    assert (tls / "fullchain.pem").read_bytes() == bundles[4].fullchain


# Files of somebody's own


def test_files_of_ones_own_become_links_and_are_kept_beside_them(
    tls: Path, old: CertificateFiles, new: CertificateFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    own_files(tls, old)
    deploy(at_separate_paths(tls), new)
    kept = [tls / ".x.pem.before-dns01", tls / "private" / ".x.key.before-dns01"]
    assert [path.read_bytes() for path in kept] == [old.fullchain, old.key]
    assert mode(kept[1]) == 0o640
    said = capfd.readouterr().err
    assert all(f"it is kept as {path}" in said for path in kept)
    assert (tls / "x.pem").read_bytes() == new.fullchain
    assert (tls / "private" / "x.key").read_bytes() == new.key


def test_undo_shows_ones_own_files_again(tls: Path, old: CertificateFiles, new: CertificateFiles) -> None:
    own_files(tls, old)
    deploy(at_separate_paths(tls), new)
    Target(at_separate_paths(tls)).undo(new)
    assert (tls / "x.pem").read_bytes() == old.fullchain
    assert (tls / "private" / "x.key").read_bytes() == old.key
    assert mode(tls / "private" / "x.key") == 0o640


def test_a_key_that_only_its_folder_has_kept_from_others_is_not_opened_to_them(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    own_files(tls, old)
    (tls / "private").chmod(0o700)
    (tls / "private" / "x.key").chmod(0o644)
    deploy(at_separate_paths(tls), new)
    modes = {mode(path) & 0o007 for path in tls.glob(".*.versions/*/privkey.pem")}
    assert modes == {0}


def test_links_of_another_programs_are_kept_as_links(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    own_files(tls, old)
    (tls / "x.pem").rename(tls / "live.pem")
    (tls / "x.pem").symlink_to("live.pem")
    deploy(at_separate_paths(tls), new)
    assert os.readlink(tls / ".x.pem.before-dns01") == "live.pem"
    assert (tls / "live.pem").read_bytes() == old.fullchain


def test_what_was_kept_before_is_never_overwritten(
    tls: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    own_files(tls, old)
    deploy(at_separate_paths(tls), new)
    (tls / "x.pem").unlink()
    (tls / "x.pem").write_bytes(old.cert)
    deploy(at_separate_paths(tls), new)
    assert (tls / ".x.pem.before-dns01").read_bytes() == old.fullchain
    assert (tls / ".x.pem.before-dns01.2").read_bytes() == old.cert


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
    options = {"directory": f"{open_to_all}/tls", "mode.privkey": "0644"}
    deploy(options, old)
    said = as_nobody(lambda: refusal(Target(options), new))
    assert "Permission denied" in said
    assert "run as root" in said
    assert Target(options).changes(old) == []


def test_who_may_not_give_files_away_is_told_and_the_old_pair_stays(
    open_to_all: Path, old: CertificateFiles, new: CertificateFiles
) -> None:
    os.chown(open_to_all, NOBODY, NOBODY)
    options = {"directory": f"{open_to_all}/tls"}
    as_nobody(lambda: Target(options).install(old) or "")
    said = as_nobody(lambda: refusal(Target({**options, "owner.privkey": "root"}), new))
    assert "privkey.pem cannot be used: Operation not permitted\nrun as root" in said
    assert Target(options).changes(old) == []


@pytest.mark.parametrize("what", ["user", "group"])
def test_an_unknown_user_or_group_is_found_before_anything_is_touched(
    tls: Path, new: CertificateFiles, what: str
) -> None:
    key = {"user": "owner.privkey", "group": "group.privkey"}[what]
    with pytest.raises(DeployError, match=f"there is no {what} 'no-such-name' on this machine") as caught:
        Target({"directory": str(tls), key: "no-such-name"}).check(new)
    assert "getent" in caught.value.hint
    assert not tls.exists()


def test_a_folder_that_is_missing_is_named_with_the_command_that_makes_it(
    tls: Path, new: CertificateFiles
) -> None:
    with pytest.raises(DeployError, match=f"there is no folder {tls}/private") as caught:
        Target({"directory": str(tls), "privkey": "private/x.key"}).check(new)
    assert caught.value.hint == f"make it: install -d {tls}/private"
    with pytest.raises(DeployError, match="there is no folder"):
        Target({"directory": f"{tls}/not/there"}).check(new)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path), endless, huge])
def test_what_is_no_file_in_the_place_of_one_is_refused_at_once(
    tls: Path, new: CertificateFiles, make: Callable[[Path], object]
) -> None:
    tls.mkdir()
    make(tls / "privkey.pem")
    with pytest.raises(DeployError, match=r"privkey\.pem cannot be used: "):
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
    with pytest.raises(
        DeployError, match="passwd holds something else than a certificate or its key"
    ) as caught:
        Target({"combined": str(tls / "passwd")}).check(new)
    assert "see that the path is right" in caught.value.hint


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


# Folders of other users


def theirs(path: Path, leads_to: Path) -> None:
    """A link that another user has made."""
    path.symlink_to(leads_to)
    os.chown(path, NOBODY, -1, follow_symlinks=False)


def elsewhere(tmp_path: Path) -> Path:
    """A folder of root's that looks like one of versions."""
    folder = tmp_path / "elsewhere"
    for number in range(1, 9):
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / "precious").write_text("kept")
    return folder


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("link", [".fullchain.pem.versions", ""], ids=["the versions", "the folder itself"])
def test_nothing_is_written_or_removed_through_a_link_of_another_user(
    tls: Path, new: CertificateFiles, tmp_path: Path, link: str
) -> None:
    precious = elsewhere(tmp_path)
    before = contents(precious)
    if link:
        tls.mkdir()
        os.chown(tls, NOBODY, -1)
    theirs(tls / link if link else tls, precious)
    target = Target({"directory": str(tls)})
    for step in (target.install, target.undo, target.commit):
        with suppress(DeployError):
            step(new)
    with pytest.raises(DeployError, match=r"is a link that the user \d+ has made"):
        target.install(new)
    assert contents(precious) == before


def test_a_folder_of_versions_that_another_user_has_made_is_refused(tls: Path, new: CertificateFiles) -> None:
    """They could have links in it wherever we write or remove something."""
    (tls / ".fullchain.pem.versions").mkdir(parents=True)
    os.chown(tls / ".fullchain.pem.versions", NOBODY, -1)
    with pytest.raises(DeployError, match=r"\.versions belongs to the user \d+"):
        Target({"directory": str(tls)}).install(new)
    assert contents(tls) == {".fullchain.pem.versions"}


@pytest.mark.parametrize("name", [".fullchain.pem.new", "fullchain.pem"])
def test_a_link_of_another_user_at_the_path_itself_is_replaced_and_what_it_leads_to_is_not_read(
    tls: Path, new: CertificateFiles, tmp_path: Path, name: str
) -> None:
    tls.mkdir()
    os.chown(tls, NOBODY, -1)
    secret = tmp_path / "secret"
    secret.write_text("of root's")
    theirs(tls / name, secret)
    Target({"directory": str(tls)}).install(new)
    assert secret.read_text() == "of root's"
    assert (tls / "fullchain.pem").read_bytes() == new.fullchain
    copies = [path for path in tls.glob(".fullchain.pem.versions/*/*") if path.read_text() == "of root's"]
    assert copies == []


def test_a_link_that_root_has_made_is_followed(tls: Path, new: CertificateFiles, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    tls.symlink_to(tmp_path / "real")
    Target({"directory": str(tls)}).install(new)
    assert (tmp_path / "real" / "fullchain.pem").read_bytes() == new.fullchain


def test_a_name_that_leads_out_of_the_folder_is_refused(tls: Path, new: CertificateFiles) -> None:
    with pytest.raises(DeployError, match="cannot be a part of a path"):
        Target({"directory": f"{tls}/{{name}}"}).check(new._replace(name="../etc"))


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        ({}, "it says no path", 'directory = "…"'),
        ({"combined": "site.pem"}, "'site.pem' starts nowhere", "begins with /"),
        ({"directory": "/d", "cert": "privkey.pem"}, "another file's place", "another path"),
        ({"pkcs12": "/d/x.p12"}, "needs a password", "password ="),
        ({"directory": "/d", "mode.privkey": "416"}, "'416' is no mode", 'mode.privkey = "0640"'),
        ({"directory": "/d", "mode.privkey": "rw-"}, "'rw-' is no mode", 'mode.privkey = "0640"'),
        ({"directory": "/d", "owner.key": "me"}, "owner: unknown file 'key'", "fullchain, privkey"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(
    options: dict[str, str], said: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        Target(options)
    assert hint in caught.value.hint
