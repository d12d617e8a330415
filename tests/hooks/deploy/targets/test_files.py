"""Files that services read: all forms of them, each with its owner and mode, and all of them or none."""

from __future__ import annotations

import grp
import os
import re
import resource
import signal
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bundles import AUTHORITY, issued
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from cryptography.x509 import ocsp
from deployed_files import NOBODY, deploy, in_a_child, refusal, versions

from dns01.errors import DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target

SEPARATE = ("fullchain.pem", "privkey.pem", "cert.pem", "chain.pem")
ADM = grp.getgrnam("adm").gr_gid


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

    assert re.search(r"/fullchain\.pem .*File too large\n", in_a_child(with_small_files_only))
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
    for path, copy in zip(("x.pem", "private/x.key"), kept, strict=True):
        assert f" ! {tls}/{path} was a file of its own: it is kept as {copy}\n" in said
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
