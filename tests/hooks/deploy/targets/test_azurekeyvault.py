"""Azure Key Vault: versions of a certificate, and who imports them; against a strict fake over TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

import pytest
import refusals
import trustme
from bundles import issued
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from fakes import FOREVER, Fault, Json
from fakes.azure import CLIENT, TENANT
from fakes.azurekeyvault import KeyVault
from trustme import KeyType

from dns01.errors import DeployError
from dns01.hooks.deploy.targets.azurekeyvault import Target
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.secret import redact

NAME = "example-org"
SECRET = {"client_id": CLIENT, "tenant_id": TENANT, "client_secret": KeyVault.token}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KeyVault]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with KeyVault(tls=ca) as vault:
        yield vault


@pytest.fixture
def open(vault: KeyVault) -> Callable[..., Target]:
    """A target whose pauses are not slept through."""

    def opened(**options: str) -> Target:
        target = Target(
            {"base_url": vault.url, "authority": vault.url, "name": "{name}", **SECRET, **options}
        )
        target.api.timeout, target.api.sleep = 0.5, lambda seconds: None
        return target

    return opened


def shown(vault: KeyVault, name: str = NAME) -> list[str]:
    """The fingerprints of its versions."""
    return [each.fingerprint(SHA256()).hex() for each in vault.certificates.get(name, ())]


def error_of(action: Callable[[], object]) -> DeployError:
    return refusals.error_of(action, KeyVault.token)


def in_pkcs1(bundle: CertificateFiles) -> CertificateFiles:
    """With the key in the form that older clients write."""
    key = load_pem_private_key(bundle.key, None)
    return bundle._replace(
        key=key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )


@pytest.mark.parametrize("key", [KeyType.ECDSA, KeyType.RSA])
def test_a_certificate_is_created_with_its_chain_whatever_form_its_key_has(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path, key: KeyType
) -> None:
    bundle = in_pkcs1(issued(tmp_path, key=key))
    assert open().changes(bundle) == ["the certificate example-org is created"]

    open().install(bundle)

    assert shown(vault) == [bundle.facts.fingerprint]
    (value,) = vault.values
    assert value.splitlines()[1] not in redact(value.splitlines()[1])
    assert len(x509.load_pem_x509_certificates(value.encode())) == 2
    assert open().changes(bundle) == []


def test_a_renewed_one_is_a_new_version(vault: KeyVault, open: Callable[..., Target], tmp_path: Path) -> None:
    old, renewed = issued(tmp_path), issued(tmp_path)
    open().install(old)
    assert open().changes(renewed) == ["the certificate example-org gets a new version"]

    open().install(renewed)

    assert shown(vault) == [old.facts.fingerprint, renewed.facts.fingerprint]


def test_what_is_there_already_is_not_imported_again(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    for _ in range(2):
        open().install(bundle)
    assert shown(vault) == [bundle.facts.fingerprint]


def test_a_machine_of_azure_s_needs_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with KeyVault() as vault:  # its metadata service speaks no TLS
        Target({"base_url": vault.url, "metadata": vault.url, "name": "{name}"}).install(issued(tmp_path))
        assert len(shown(vault)) == 1


def test_a_wildcard_has_a_name_that_key_vault_takes(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path, "*.example.org")
    open().check(bundle)
    open().install(bundle)
    assert shown(vault, "wildcard-example-org") == [bundle.facts.fingerprint]


@pytest.mark.parametrize("name", ["a.b", "a_b", "", "a" * 128])
def test_a_name_that_it_does_not_take_is_refused_before_anything_is_sent(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path, name: str
) -> None:
    error = error_of(lambda: open(name=name).check(issued(tmp_path)))
    assert str(error) == f"{name!r} cannot be the name of a certificate in Key Vault"
    assert vault.requests == []


def test_a_key_that_it_does_not_take_is_refused_before_anything_is_sent(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    bundle = bundle._replace(facts=bundle.facts._replace(key_type="Ed25519"))
    assert "this one is Ed25519" in str(error_of(lambda: open().check(bundle)))
    assert vault.requests == []


def test_a_name_that_was_deleted_is_to_be_recovered_by_a_person(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path
) -> None:
    vault.deleted.add(NAME)
    error = error_of(lambda: open().install(issued(tmp_path)))
    assert "is deleted, and Key Vault keeps its name" in str(error)
    assert error.hint.startswith("az keyvault certificate recover --name example-org")


@pytest.mark.parametrize("fault", refusals.PASSING, ids=str)
def test_what_may_pass_leaves_one_version(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path, fault: Fault
) -> None:
    vault.fail(copy(fault))
    bundle = issued(tmp_path)
    open().install(bundle)
    assert shown(vault) == [bundle.facts.fingerprint]


@pytest.mark.parametrize("fault", refusals.LASTING, ids=str)
def test_what_does_not_pass_is_said_within_its_time_and_the_old_one_stays(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path, fault: Fault
) -> None:
    old = issued(tmp_path)
    open().install(old)
    vault.fail(copy(fault))
    target = open()
    target.api.budget = 1.0

    error_of(lambda: target.install(issued(tmp_path)))

    assert shown(vault) == [old.facts.fingerprint]


@pytest.mark.parametrize("cer", ["YQ", 5])
def test_a_certificate_there_that_is_no_base64_is_a_refusal(
    vault: KeyVault, open: Callable[..., Target], tmp_path: Path, cer: object
) -> None:
    vault.fail(Json(body={"cer": cer}, times=FOREVER))
    assert " example.org " in str(error_of(lambda: open().changes(issued(tmp_path))))
