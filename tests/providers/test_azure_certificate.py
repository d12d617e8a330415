"""Azure DNS: a certificate of the application, in place of a secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contract import publish
from contract_http import HttpCase
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID
from on_clouds import NAME, RECORD, on_azure

from dns01.errors import AuthRejected, ConfigError


@pytest.fixture
def case() -> Iterator[HttpCase]:
    with on_azure() as case:
        yield case


def certificate(key: Any, name: str = "an application") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, SHA256())


RSA = rsa.generate_private_key(65537, 2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
OF_RSA, OF_ANOTHER = certificate(RSA), certificate(rsa.generate_private_key(65537, 2048))


def in_pem(key: Any, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


class TestCertificate:
    """Of an application, in place of a secret."""

    @pytest.fixture
    def file(self, case: HttpCase, tmp_path: Path) -> Path:
        file = tmp_path / "application.pem"
        file.touch(0o600)
        file.write_bytes(in_pem(RSA) + pem_of(OF_RSA))
        del case.options["client_secret"]
        case.options["client_certificate"] = str(file)
        case.fake.certificate = OF_RSA
        return file

    @pytest.mark.parametrize(
        ("content", "password"),
        [
            (in_pem(RSA) + pem_of(OF_RSA), ""),
            (pem_of(OF_RSA) + b"\nsome words between\n" + in_pem(RSA), ""),
            (pem_of(OF_RSA) + pem_of(OF_ANOTHER) + in_pem(RSA), ""),
            (in_pem(RSA, b"swordfish") + pem_of(OF_RSA), "swordfish"),
            (serialize_key_and_certificates(b"x", RSA, OF_RSA, None, NoEncryption()), ""),
            (
                serialize_key_and_certificates(
                    b"x", RSA, OF_RSA, [OF_ANOTHER], BestAvailableEncryption(b"s3")
                ),
                "s3",
            ),
        ],
        ids=["key first", "certificate first", "a chain", "encrypted", "PKCS #12", "encrypted PKCS #12"],
    )
    def test_it_signs_for_the_application(
        self, case: HttpCase, file: Path, content: bytes, password: str
    ) -> None:
        file.write_bytes(content)
        if password:
            case.options["client_certificate_password"] = password
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_one_that_is_not_registered_is_said_in_azure_s_words(self, case: HttpCase, file: Path) -> None:
        case.fake.certificate = OF_ANOTHER
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, AuthRejected)
        assert "AADSTS700027" in str(error)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "it is no certificate with its key"),
            (b"no PEM", "it is no certificate with its key"),
            (pem_of(OF_RSA), "it is no certificate with its key"),
            (in_pem(RSA), "it is no certificate with its key"),
            (in_pem(RSA, b"swordfish") + pem_of(OF_RSA), "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            (in_pem(ELLIPTIC) + pem_of(certificate(ELLIPTIC)), "its key is not an RSA key"),
            (in_pem(RSA) + pem_of(OF_ANOTHER), "is not that of the first certificate"),
            (in_pem(RSA) + pem_of(OF_RSA)[:100], "it is no certificate with its key"),
        ],
    )
    def test_what_is_none_is_refused_before_anything_is_done(
        self, case: HttpCase, file: Path, content: bytes, words: str
    ) -> None:
        file.write_bytes(content)
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert words in str(error)
        assert str(file) in str(error)
        assert "BEGIN" not in str(error)

    def test_a_wrong_password_is_said_and_not_shown(self, case: HttpCase, file: Path) -> None:
        file.write_bytes(in_pem(RSA, b"swordfish") + pem_of(OF_RSA))
        case.options["client_certificate_password"] = "swordfisch"
        error = case.error_of(case.provider)
        reason = "AZURE_CLIENT_CERTIFICATE_PASSWORD is not its password, or it is no certificate with its key"
        assert str(error) == f"AZURE_CLIENT_CERTIFICATE_PATH: '{file}': {reason}"
        assert "swordfisch" not in str(error)

    def test_a_file_that_others_can_read_is_refused(self, case: HttpCase, file: Path) -> None:
        file.chmod(0o644)
        assert "chmod 600" in case.error_of(case.provider).hint

    def test_a_file_that_is_not_there_is_said(self, case: HttpCase, file: Path) -> None:
        file.unlink()
        error = str(case.error_of(case.provider))
        assert error == f"AZURE_CLIENT_CERTIFICATE_PATH: '{file}' cannot be read: No such file or directory"

    @pytest.mark.parametrize("lacking", ["client_id", "tenant_id"])
    def test_without_whose_it_is_it_is_refused(self, case: HttpCase, file: Path, lacking: str) -> None:
        del case.options[lacking]
        error = case.error_of(case.provider)
        without = "AZURE_CLIENT_ID and AZURE_TENANT_ID"
        assert str(error) == f"AZURE_CLIENT_CERTIFICATE_PATH is of no use without {without}"

    def test_beside_a_secret_it_is_said_to_mean_nothing(self, case: HttpCase, file: Path) -> None:
        case.options["client_secret"] = case.fake.token
        assert case.provider().warnings == (
            "AZURE_CLIENT_CERTIFICATE_PATH means nothing beside AZURE_CLIENT_SECRET",
        )
