"""What breaks clients between two certificates, and that a plain renewal says nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dns01.hooks.deploy.certificate.differences import differences, differences_from, recorded, traits_of

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
NOW = datetime.now(UTC)


class Ca(NamedTuple):
    """An intermediate that a root has signed."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    certificate: x509.Certificate


def name(organisation: str, common_name: str) -> x509.Name:
    parts = {NameOID.ORGANIZATION_NAME: organisation, NameOID.COMMON_NAME: common_name}
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items() if value])


def signed(
    subject: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=90))


def ca(common_name: str, organisation: str = "Example Trust", root: str = "Root X1") -> Ca:
    key = ec.generate_private_key(ec.SECP256R1())
    own = name(organisation, common_name)
    return Ca(key, own, signed(own, key.public_key(), name("Roots", root)).sign(key, SHA256()))


EXAMPLE = ca("E7")


def chained(
    *,
    by: Ca = EXAMPLE,
    names: Sequence[str] = ("example.org", "www.example.org"),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    usages: Sequence[x509.ObjectIdentifier] = (SERVER, CLIENT),
    must_staple: bool = False,
) -> bytes:
    """A certificate and its chain."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = signed(x509.Name([]), key.public_key(), by.name)
    builder = builder.add_extension(
        x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=True
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if must_staple:
        feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
        builder = builder.add_extension(feature, critical=False)
    certificates = (builder.sign(by.key, SHA256()), by.certificate)
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


OLD = chained()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "new",
    [
        chained(),
        chained(by=ca("E8")),  # CAs take another intermediate whenever they like
        chained(names=("example.org", "www.example.org", "new.example.org")),
        chained(names=("example.org", "*.example.org")),
        chained(usages=(SERVER, CLIENT, ExtendedKeyUsageOID.EMAIL_PROTECTION)),
    ],
    ids=["renewed", "another intermediate", "a name more", "a wildcard for a name", "a usage more"],
)
def test_a_plain_renewal_says_nothing(new: bytes) -> None:
    assert differences(traits_of(OLD), traits_of(new)) == []


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (chained(key=RSA), "the key is RSA 2048 instead of EC P-256: old clients may not know it"),
        (chained(by=ca("G1", "Other Trust")), "the CA is Other Trust instead of Example Trust"),
        (
            chained(by=ca("E7", root="Root X2")),
            "the chain ends at CN=Root X2,O=Roots instead of CN=Root X1,O=Roots, which clients have to trust",
        ),
        (chained(usages=(SERVER,)), "it is no longer good for clientAuth"),
        (chained(names=("example.org",)), "it is no longer for www.example.org"),
        (
            chained(must_staple=True),
            "it wants an OCSP response stapled to it (must-staple), or clients refuse it",
        ),
    ],
    ids=["key", "CA", "chain", "clientAuth", "name", "must-staple"],
)
def test_what_breaks_clients_is_one_line(new: bytes, line: str) -> None:
    assert differences(traits_of(OLD), traits_of(new)) == [line]


def test_a_wildcard_less_is_a_name_less_though_names_beneath_it_stay() -> None:
    old, new = chained(names=("*.example.org",)), chained(names=("www.example.org",))
    (line,) = differences(traits_of(old), traits_of(new))
    assert line.endswith(" *.example.org")


def test_of_many_names_that_went_some_are_named() -> None:
    old = chained(names=[f"n{number}.example.org" for number in range(10)])
    (line,) = differences(traits_of(old), traits_of(chained(names=("n0.example.org",))))
    assert line.endswith("n5.example.org and 4 more")


def test_what_a_ca_calls_itself_does_nothing_to_a_terminal() -> None:
    new = chained(by=ca("G1", "Evil\x1b[2J\nTrust"))
    (line,) = differences(traits_of(OLD), traits_of(new))
    assert line.isprintable()


def test_a_ca_without_an_organisation_goes_by_its_whole_name() -> None:
    new = chained(by=ca("Own CA", ""))
    (line,) = differences(traits_of(OLD), traits_of(new))
    assert " CN=Own CA " in line


def test_traits_that_an_older_version_has_not_recorded_differ_in_nothing() -> None:
    assert differences_from({}, OLD) == ()
    assert differences_from({"names": 5}, OLD) == ()


def test_traits_come_back_from_json_as_they_were() -> None:
    record = recorded(OLD)
    assert json.loads(json.dumps(record)) == record
    assert differences_from(record, OLD) == ()
    (line,) = differences_from(record, chained(usages=(SERVER,)))
    assert line.endswith(" clientAuth")
