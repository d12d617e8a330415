"""Which certificates are fit to be handed on, and what is shown of them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from dns01.errors import DeployError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.certificate.checks import inspect, lines
from dns01.hooks.deploy.certificate.leaf import LARGEST_FILE

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRY = datetime(2026, 5, 30, 8, 30, tzinfo=UTC)
NAMES = ("example.org", "*.example.org")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Issue = Callable[..., Certificate]


class Authority:
    """A CA: a root with ``parent`` None, else an intermediate. ``key``: of another certificate of its own."""

    def __init__(
        self,
        name: str,
        parent: Authority | None = None,
        *,
        until: datetime | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.certificate = sign(parent or self, self.name, self.key, ca=True, until=until)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def sign(
    issuer: Authority,
    subject: x509.Name,
    key: Key,
    names: Sequence[str] = (),
    *,
    ca: bool = False,
    until: datetime | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer.name)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(until or EXPIRY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=not list(subject))
    return builder.sign(issuer.key, hashes.SHA256())


ROOT = Authority("Test Root")
INTERMEDIATE = Authority("Test Intermediate", ROOT)
NAMELESS = x509.Name([])  # as Let's Encrypt issues them: the names are in the extension alone


@pytest.fixture
def issue(tmp_path: Path) -> Issue:
    """Write a certificate's files as dehydrated does, and give their paths."""

    def issued(
        key: Key | None = None, names: Sequence[str] = NAMES, above: bytes | None = None
    ) -> Certificate:
        key = key or ec.generate_private_key(ec.SECP384R1())
        issuer = ROOT if above == b"" else INTERMEDIATE
        leaf = sign(issuer, NAMELESS, key, names).public_bytes(Encoding.PEM)
        chain = INTERMEDIATE.pem() if above is None else above
        contents = {"privkey": pem(key), "cert": leaf, "fullchain": leaf + chain, "chain": chain}
        for name, content in contents.items():
            (tmp_path / f"{name}.pem").write_bytes(content)
        return Certificate("example.org", *(f"{tmp_path}/{name}.pem" for name in contents))

    return issued


def pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def refusal(certificate: Certificate, now: datetime = NOW) -> str:
    """What is said of a certificate that is not fit; always with what to do about it."""
    with pytest.raises(DeployError) as caught:
        inspect(certificate, now)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "called"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "EC P-256"),
        (ec.generate_private_key(ec.SECP384R1()), "EC P-384"),
        (rsa.generate_private_key(65537, 2048), "RSA 2048"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
    ids=["P-256", "P-384", "RSA", "Ed25519"],
)
def test_what_is_in_order_is_told_as_it_is(issue: Issue, key: Key, called: str) -> None:
    certificate = issue(key)
    facts = inspect(certificate, NOW)
    leaf = x509.load_pem_x509_certificate(Path(certificate.cert).read_bytes())
    assert facts.certificate == certificate
    assert facts.names == NAMES
    assert facts.issuer == "CN=Test Intermediate"
    assert facts.not_after == EXPIRY
    assert facts.key_type == called
    assert facts.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()


def test_a_person_sees_every_path_and_what_the_certificate_says(issue: Issue) -> None:
    certificate = issue()
    facts = inspect(certificate, NOW)
    assert lines(facts, NOW) == [
        f"key:         {certificate.key}",
        f"certificate: {certificate.cert}",
        f"chain:       {certificate.chain}",
        f"full chain:  {certificate.fullchain}",
        "names:       example.org, *.example.org",
        "issuer:      CN=Test Intermediate",
        "key type:    EC P-384",
        "expires:     2026-05-30 08:30 UTC, in 89 days",
        f"SHA-256:     {facts.fingerprint}",
    ]
    assert "in 1 day" in "\n".join(lines(facts, EXPIRY - timedelta(hours=25)))


def test_what_trustme_issues_is_in_order_by_the_real_clock(tmp_path: Path) -> None:
    issued = trustme.CA().create_child_ca().issue_cert("example.org")
    key, fullchain = tmp_path / "key.pem", tmp_path / "fullchain.pem"
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(fullchain, append=True)
    facts = inspect(Certificate("example.org", str(key), str(fullchain), str(fullchain)))
    assert facts.names == ("example.org",)


def test_a_key_with_its_parameters_before_it_as_dehydrated_writes_it_is_read(issue: Issue) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = issue(key)
    traditional = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parameters = b"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
    Path(certificate.key).write_bytes(parameters + traditional)
    assert inspect(certificate, NOW).key_type == "EC P-384"


@pytest.mark.parametrize("without", ["chain", "fullchain"])
def test_letsencrypt_sh_gives_fewer_paths_and_those_are_not_shown(issue: Issue, without: str) -> None:
    certificate = issue()._replace(**{without: ""})
    shown = "\n".join(lines(inspect(certificate, NOW), NOW))
    assert f"/{without}.pem" not in shown
    assert certificate.cert in shown


def test_a_chain_may_be_empty_where_the_root_itself_has_signed(issue: Issue) -> None:
    certificate = issue(above=b"")
    assert inspect(certificate, NOW).issuer == "CN=Test Root"


def test_a_chain_may_end_with_the_root(issue: Issue) -> None:
    certificate = issue(above=INTERMEDIATE.pem() + ROOT.pem())
    assert inspect(certificate, NOW).issuer == "CN=Test Intermediate"


def test_a_key_of_another_certificate_is_refused(issue: Issue) -> None:
    certificate = issue()
    Path(certificate.key).write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    key, cert = f"{certificate.key} (RSA 2048)", f"{certificate.cert} (EC P-384)"
    assert refusal(certificate) == f"the key {key} is not that of the certificate {cert}"


def test_a_key_of_the_same_kind_is_compared_as_well(issue: Issue) -> None:
    certificate = issue()
    Path(certificate.key).write_bytes(pem(ec.generate_private_key(ec.SECP384R1())))
    assert refusal(certificate).startswith(f"the key {certificate.key} (EC P-384) ")


def test_a_full_chain_of_another_issuance_is_refused(issue: Issue) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    before = Path(issue(key).fullchain).read_bytes()
    certificate = issue(key)
    Path(certificate.fullchain).write_bytes(before)
    serial = r"serial [0-9a-f]+"
    assert re.fullmatch(
        f"{certificate.fullchain} starts with the certificate of {serial}, "
        f"but {certificate.cert} is that of {serial}",
        refusal(certificate),
    )


def test_a_chain_that_is_not_the_rest_of_the_full_chain_is_refused(issue: Issue) -> None:
    certificate = issue()
    Path(certificate.chain).write_bytes(INTERMEDIATE.pem() + ROOT.pem())
    chain, fullchain = f"{certificate.chain} (2 certificates)", f"{certificate.fullchain} (1 certificate)"
    assert refusal(certificate) == f"{chain} is not what follows the certificate in {fullchain}"


def test_an_empty_chain_beside_a_full_one_is_refused(issue: Issue) -> None:
    certificate = issue()
    Path(certificate.chain).write_bytes(b"\n")
    assert refusal(certificate).startswith(f"{certificate.chain} (0 certificates) ")


def test_a_chain_that_leads_elsewhere_is_refused(issue: Issue) -> None:
    said = refusal(issue(above=ROOT.pem()))
    assert said.endswith(
        " was issued by CN=Test Intermediate, but CN=Test Root comes next and has not signed it"
    )


def test_a_chain_of_the_right_name_and_the_wrong_key_is_refused(issue: Issue) -> None:
    impostor = Authority("Test Intermediate", ROOT)
    assert "but CN=Test Intermediate comes next" in refusal(issue(above=impostor.pem()))


def test_a_chain_with_a_gap_further_up_is_refused(issue: Issue) -> None:
    said = refusal(issue(above=INTERMEDIATE.pem() + Authority("Other Root").pem()))
    assert re.search("CN=Test Intermediate .* CN=Test Root.* CN=Other Root ", said)


def test_a_chain_alone_is_checked_too(issue: Issue) -> None:
    certificate = issue(above=ROOT.pem())._replace(fullchain="")
    assert certificate.chain in refusal(certificate)


def test_a_self_signed_certificate_is_refused(issue: Issue) -> None:
    certificate = issue()
    snake_oil = Authority("snake oil")
    Path(certificate.key).write_bytes(pem(snake_oil.key))
    Path(certificate.cert).write_bytes(snake_oil.pem())
    assert refusal(certificate) == f"{certificate.cert} is self-signed: no CA has issued it"


def test_an_expired_certificate_is_refused_from_the_second_it_expires(issue: Issue) -> None:
    certificate = issue()
    assert inspect(certificate, EXPIRY)
    said = refusal(certificate, EXPIRY + timedelta(seconds=1))
    assert said == f"{certificate.cert} has expired on 2026-05-30 08:30 UTC"


def test_a_certificate_of_the_future_is_refused(issue: Issue) -> None:
    assert "is not valid before 2026-03-01 11:00 UTC" in refusal(issue(), NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("domain", "names", "missing"),
    [
        ("example.net", (), "example.net"),
        ("example.org", ("example.org", "www.example.org", "example.net"), "www.example.org, example.net"),
    ],
)
def test_a_certificate_for_other_names_is_refused(
    issue: Issue, domain: str, names: tuple[str, ...], missing: str
) -> None:
    said = refusal(issue()._replace(domain=domain, names=names))
    assert said.endswith(f"is for example.org, *.example.org, not for {missing}")


def test_names_are_compared_as_the_dns_does(issue: Issue) -> None:
    certificate = issue(names=["xn--bcher-kva.example", "*.xn--bcher-kva.example"])
    assert inspect(certificate._replace(names=("Bücher.example.", "*.bücher.example")), NOW)


def test_an_encrypted_key_is_refused(issue: Issue) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = issue(key)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    Path(certificate.key).write_bytes(locked)
    assert refusal(certificate).startswith(f"{certificate.key} is encrypted")


@pytest.mark.parametrize("file", ["key", "cert", "fullchain", "chain"])
def test_a_file_that_is_not_there_is_named(issue: Issue, file: str) -> None:
    certificate = issue()
    path = getattr(certificate, file)
    Path(path).unlink()
    assert refusal(certificate) == f"{path} cannot be read: No such file or directory"


@pytest.mark.parametrize("file", ["key", "cert", "fullchain", "chain"])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "regular file"),
        (os.mkdir, "regular file"),
        (lambda path: os.symlink("/dev/zero", path), "regular file"),
        (lambda path: os.symlink(path, path), "a link or a socket"),
        (lambda path: Path(path).write_bytes(b" " * (LARGEST_FILE + 1)), "1048576 octets"),
    ],
    ids=["FIFO", "folder", "endless", "loop", "huge"],
)
def test_what_is_no_file_of_a_certificate_is_refused_at_once(
    issue: Issue, file: str, make: Callable[[str], object], why: str
) -> None:
    certificate = issue()
    path = getattr(certificate, file)
    Path(path).unlink()
    make(path)
    said = refusal(certificate)
    assert said.startswith(f"{path} ")
    assert why in said


@pytest.mark.parametrize("file", ["key", "cert", "fullchain"])
def test_an_empty_file_is_named(issue: Issue, file: str) -> None:
    certificate = issue()
    path = getattr(certificate, file)
    Path(path).write_bytes(b"")
    assert refusal(certificate) == f"{path} is empty"


@pytest.mark.parametrize("file", ["key", "cert", "fullchain", "chain"])
@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff garbage",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"-----BEGIN X-----\nAA==\n-----END X-----\n",
    ],
)
def test_a_file_that_is_something_else_is_named(issue: Issue, file: str, content: bytes) -> None:
    certificate = issue()
    path = getattr(certificate, file)
    Path(path).write_bytes(content)
    assert refusal(certificate).startswith(f"{path} holds no ")


def test_a_key_in_the_place_of_a_certificate_is_named_and_not_shown(issue: Issue) -> None:
    certificate = issue()
    secret = Path(certificate.key).read_text()
    said = refusal(certificate._replace(cert=certificate.key))
    assert said.startswith(f"{certificate.key} holds no certificate")
    assert secret.splitlines()[1] not in said


PAST = NOW - timedelta(minutes=1)


def test_a_ca_whose_own_certificate_has_expired_is_refused(issue: Issue) -> None:
    old = Authority("Test Intermediate", ROOT, until=PAST, key=INTERMEDIATE.key)
    assert re.search("CN=Test Intermediate .* 2026-03-01 11:59 UTC", refusal(issue(above=old.pem())))


def test_what_has_expired_further_up_is_none_of_our_business(issue: Issue) -> None:
    """Another root may know the CA: Let's Encrypt's chain led up to one that had expired, for old devices."""
    crossed = Authority("Test Root", Authority("Old Root", until=PAST), until=PAST, key=ROOT.key)
    assert inspect(issue(above=INTERMEDIATE.pem() + crossed.pem()), NOW).not_after == EXPIRY


def test_where_there_is_no_key_that_is_said(issue: Issue) -> None:
    certificate = issue()._replace(key="")
    words = "as for a request of one's own"
    assert refusal(certificate) == f"there is no key beside {certificate.cert}, {words}"
