"""What targets are given, whatever the client has left where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trustme
from bundles import issued

from dns01.errors import DeployError
from dns01.hooks.deploy.certificate.leaf import content
from dns01.hooks.deploy.delivery.certificate_files import digest, read
from dns01.hooks.deploy.section import Deployment
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.secret import redact

WEB = Deployment("*", "web", "files", {"directory": "/etc/tls"})


@pytest.fixture
def bundle(tmp_path: Path) -> CertificateFiles:
    """Read from all four of a client's files."""
    return issued(tmp_path)


@pytest.mark.parametrize(
    "without", [{"chain": ""}, {"fullchain": ""}], ids=["without a chain", "without a full chain"]
)
def test_a_file_that_the_client_does_not_give_is_made_from_the_others(
    bundle: CertificateFiles, without: dict[str, str]
) -> None:
    found = read(bundle.facts.certificate._replace(**without))  # type: ignore[arg-type]
    assert found[2:] == bundle[2:]


def test_the_certificate_alone_is_the_leaf_alone(bundle: CertificateFiles) -> None:
    paths = bundle.facts.certificate
    found = read(paths._replace(cert=paths.fullchain))
    assert found.cert == bundle.cert
    assert found.cert.count(b"BEGIN CERTIFICATE") == 1
    assert found.fullchain == found.cert + found.chain


def test_what_stands_around_the_certificates_is_left_out(bundle: CertificateFiles) -> None:
    paths = bundle.facts.certificate
    Path(paths.cert).write_bytes(
        b"subject=example.org\r\n" + Path(paths.cert).read_bytes().rstrip() + b"\n\n"
    )
    assert read(paths)[2:] == bundle[2:]


def test_no_line_of_the_key_is_shown_from_then_on(bundle: CertificateFiles) -> None:
    """Whoever is sent it may say it."""
    line = bundle.key.decode().splitlines()[1]
    assert redact(f"bad command name {line}") == "bad command name [secret]"


def test_a_request_that_is_not_there_is_named(bundle: CertificateFiles) -> None:
    with pytest.raises(DeployError, match=r"/nowhere/cert\.csr .*No such file"):
        read(bundle.facts.certificate._replace(csr="/nowhere/cert.csr"))


@pytest.mark.parametrize("file", ["key", "cert", "fullchain", "chain"])
def test_what_is_brought_is_what_was_inspected_though_the_client_renews_meanwhile(
    bundle: CertificateFiles, tmp_path: Path, file: str
) -> None:
    other = issued(tmp_path / "newer", authority=trustme.CA().create_child_ca())
    newer = getattr(other.facts.certificate, file)
    path = getattr(bundle.facts.certificate, file)

    def read_and_renew(name: str) -> bytes:
        found = content(name)
        if name == path:
            shutil.copy(newer, path)
        return found

    assert read(bundle.facts.certificate, read_file=read_and_renew) == bundle
    assert content(path) != getattr(bundle, file)


class TestTheDigest:
    def test_is_that_of_the_same_thing_read_again(self, bundle: CertificateFiles) -> None:
        assert digest(read(bundle.facts.certificate), WEB) == digest(bundle, WEB)

    def test_differs_with_the_certificate_the_response_and_what_the_target_does_with_them(
        self, bundle: CertificateFiles, tmp_path: Path
    ) -> None:
        response = tmp_path / "ocsp.der"
        response.write_bytes(b"a response")
        digests = [
            digest(bundle, WEB),
            digest(bundle._replace(key=b"another"), WEB),
            digest(bundle._replace(fullchain=b"another"), WEB),
            digest(bundle._replace(ocsp=str(response)), WEB),
            digest(bundle, WEB._replace(kind="exec")),
            digest(bundle, WEB._replace(options={"directory": "/etc/other"})),
        ]
        assert len(set(digests)) == len(digests)

    def test_does_not_differ_with_how_the_service_is_reloaded(self, bundle: CertificateFiles) -> None:
        assert digest(bundle, WEB._replace(reload=("true",), verify="a:443")) == digest(bundle, WEB)
