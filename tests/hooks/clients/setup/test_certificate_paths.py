"""Where ACME clients keep the files of a certificate: each client's layout, as it leaves it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import issued

from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.setup.certificate_paths import find_in
from dns01.hooks.deploy.delivery.certificate_files import read

NAMES = ("example.org", "*.example.org")


def made(tmp_path: Path, name: str) -> Certificate:
    return issued(tmp_path / "issued", name).facts.certificate


def lego(tmp_path: Path, name: str) -> Path:
    certificate, folder = made(tmp_path, name), tmp_path / ".lego"
    beginning = folder / "certificates" / name.replace("*", "_")
    beginning.parent.mkdir(parents=True)
    shutil.copy(certificate.fullchain, f"{beginning}.crt")
    shutil.copy(certificate.key, f"{beginning}.key")
    shutil.copy(certificate.chain, f"{beginning}.issuer.crt")
    return folder


def lego_without_bundle(tmp_path: Path, name: str) -> Path:
    folder = lego(tmp_path, name)
    (bundle,) = (path for path in folder.rglob("*.crt") if "issuer" not in path.name)
    shutil.copy(tmp_path / "issued" / "cert.pem", bundle)
    return folder / "certificates"


def acme_sh(tmp_path: Path, name: str, suffix: str = "_ecc") -> Path:
    certificate, folder = made(tmp_path, name), tmp_path / ".acme.sh" / f"{name}{suffix}"
    folder.mkdir(parents=True)
    shutil.copy(certificate.cert, folder / f"{name}.cer")
    shutil.copy(certificate.key, folder / f"{name}.key")
    shutil.copy(certificate.chain, folder / "ca.cer")
    shutil.copy(certificate.fullchain, folder / "fullchain.cer")
    return folder


def acme_sh_rsa(tmp_path: Path, name: str) -> Path:
    return acme_sh(tmp_path, name, "").parent


def uacme(tmp_path: Path, name: str) -> Path:
    certificate, folder = made(tmp_path, name), tmp_path / "uacme"
    own = name.removeprefix("*.")
    (folder / own).mkdir(parents=True)
    (folder / "private" / own).mkdir(parents=True)
    shutil.copy(certificate.fullchain, folder / own / "cert.pem")
    shutil.copy(certificate.key, folder / "private" / own / "key.pem")
    return folder


def uacme_of_one(tmp_path: Path, name: str) -> Path:
    return uacme(tmp_path, name) / name.removeprefix("*.")


def posh_acme(tmp_path: Path, name: str) -> Path:
    certificate, folder = made(tmp_path, name), tmp_path / "LE_PROD" / "123456" / name.replace("*", "!")
    folder.mkdir(parents=True)
    shutil.copy(certificate.cert, folder / "cert.cer")
    shutil.copy(certificate.key, folder / "cert.key")
    shutil.copy(certificate.chain, folder / "chain.cer")
    shutil.copy(certificate.fullchain, folder / "fullchain.cer")
    return folder


def getssl(tmp_path: Path, name: str) -> Path:
    certificate, folder = made(tmp_path, name), tmp_path / ".getssl" / name
    folder.mkdir(parents=True)
    shutil.copy(certificate.cert, folder / f"{name}.crt")
    shutil.copy(certificate.key, folder / f"{name}.key")
    shutil.copy(certificate.chain, folder / "chain.crt")
    shutil.copy(certificate.fullchain, folder / "fullchain.crt")
    return folder


def dehydrated(tmp_path: Path, name: str) -> Path:
    return Path(made(tmp_path, name).cert).parent


LAYOUTS = [
    dehydrated,
    lego,
    lego_without_bundle,
    acme_sh,
    acme_sh_rsa,
    uacme,
    uacme_of_one,
    posh_acme,
    getssl,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_client_leaves_in_its_folder_is_found_and_is_the_whole_certificate(
    tmp_path: Path, layout: Callable[[Path, str], Path], name: str
) -> None:
    found = find_in(str(layout(tmp_path, name)), name)
    assert found
    bundle = read(found)
    original = tmp_path / "issued"
    assert bundle.key == (original / "privkey.pem").read_bytes()
    assert bundle.cert == (original / "cert.pem").read_bytes()
    assert bundle.chain == (original / "chain.pem").read_bytes()
    assert bundle.fullchain == (original / "fullchain.pem").read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_certificate_without_its_key_is_none(tmp_path: Path, layout: Callable[[Path, str], Path]) -> None:
    folder = layout(tmp_path, "example.org")
    for key in [*tmp_path.rglob("*key.pem"), *tmp_path.rglob("*.key")]:
        key.unlink()
    assert find_in(str(folder), "example.org") is None


def test_another_name_is_not_found_in_the_folder_of_all(tmp_path: Path) -> None:
    assert find_in(str(lego(tmp_path, "example.org")), "example.net") is None
