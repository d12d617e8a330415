"""Where ACME clients keep a certificate's files, for whoever asks by its name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ....errors import DeployError
from ....regular_file import open_regular
from ..call import Certificate
from .dehydrated_config import read_config

DEBIAN = "/var/lib/dehydrated/certs"
CERTBOT = "/etc/letsencrypt/live"
LEGO = "/var/lib/lego"  # where `dns01 init` has root's lego keep them
UACME = "/etc/ssl/uacme"
LARGEST_FILE = 1 << 20  # octets of a certificate's file that are looked at
UACME_KEYS = "private"  # its folder of the keys, beside those of the certificates


class ClientLayout(NamedTuple):
    """What a client calls the files of the certificate {name}, seen from the folder that has ``cert``."""

    key: str
    cert: str
    fullchain: str
    chain: str
    ocsp: str = ""


LAYOUTS = (
    ClientLayout("privkey.pem", "cert.pem", "fullchain.pem", "chain.pem", "ocsp.der"),  # dehydrated, certbot
    ClientLayout("{name}.key", "{name}.crt", "fullchain.crt", "chain.crt"),  # getssl: NAME/
    ClientLayout("{name}.key", "{name}.crt", "{name}.crt", "{name}.issuer.crt"),  # lego: certificates/
    ClientLayout("{name}.key", "{name}.cer", "fullchain.cer", "ca.cer"),  # acme.sh: NAME/, NAME_ecc/
    ClientLayout(f"../{UACME_KEYS}/{{name}}/key.pem", "cert.pem", "cert.pem", ""),  # uacme: NAME/
    ClientLayout("cert.key", "cert.cer", "fullchain.cer", "chain.cer"),  # Posh-ACME: …/ACCOUNT/NAME/
)
FOLDERS = ("", "certificates", "{name}_ecc", "{name}")  # of one certificate, beneath that of all


def find(name: str, known: Iterable[Certificate], environ: Mapping[str, str]) -> Certificate:
    """The certificate of that name: one that was brought somewhere before (``known``), else one in
    dehydrated's folders or certbot's, else in lego's, acme.sh's or uacme's. Raises DeployError, which says
    where it was looked for."""
    for certificate in known:
        folder = os.path.basename(os.path.dirname(certificate.cert))
        if name in (certificate.domain, folder) and os.path.exists(certificate.cert):
            return certificate
    looked = [os.path.join(above, name) for above in roots(environ)]
    for folder in looked:
        if found := find_in(folder, name):
            return found
    for above in others(environ):
        if found := find_in(above, name):
            return found
    raise DeployError(
        f"there is no certificate {name}, neither in {' nor in '.join(looked)}",
        "name its folder: dns01 deploy NAME --from /path/of/the/folder",
    )


def find_in(folder: str, name: str) -> Certificate | None:
    """The certificate whose files are in the folder, or in the one that it has there, in the layout of
    dehydrated, certbot, lego, acme.sh, uacme, Posh-ACME or getssl."""
    without_chain: Certificate | None = None
    for spelt in dict.fromkeys((name, name.replace("*", "_"), name.removeprefix("*."))):
        for inner in FOLDERS:
            beneath = os.path.join(folder, inner.replace("{name}", spelt))
            for layout in LAYOUTS:
                paths = [_path_in(beneath, file.replace("{name}", spelt)) for file in layout]
                key, cert, fullchain, chain, ocsp = (path if os.path.isfile(path) else "" for path in paths)
                if key and cert:
                    if cert == fullchain and chain:  # lego's: with the chain, or (--no-bundle) without
                        fullchain, chain = (fullchain, "") if _has_chain(cert) else ("", chain)
                    found = Certificate(name, key, cert, fullchain, chain, ocsp=ocsp)
                    if fullchain or chain:  # else another client may call the same files so
                        return found
                    without_chain = without_chain or found
    return without_chain


def certificates_among(files: Collection[str]) -> list[str]:
    """Of the names of a folder's files, those of certificates: what dehydrated, certbot, uacme call theirs,
    or any name with the key beside it."""
    plain = [file for file in ("cert.pem", "fullchain.pem") if file in files][:1]
    named = (
        file
        for layout in LAYOUTS
        if layout.cert.startswith("{name}")
        for file in sorted(files)
        if file.endswith(suffix := layout.cert.removeprefix("{name}"))
        if layout.key.replace("{name}", file.removesuffix(suffix)) in files
    )
    return [*plain, *named]


def chains_of(cert: str) -> list[str]:
    """The files beside a certificate's in which a client puts what it was issued with, as far as they are
    there."""
    folder, file = os.path.split(cert)
    name = os.path.splitext(file)[0]
    found = (
        _path_in(folder, each.replace("{name}", name))
        for layout in LAYOUTS
        if file in (layout.cert.replace("{name}", name), layout.fullchain)
        for each in (layout.fullchain, layout.chain)
    )
    return [path for path in dict.fromkeys(found) if path and path != cert and os.path.isfile(path)]


def _path_in(folder: str, file: str) -> str:
    return os.path.normpath(os.path.join(folder, file)) if file else ""


def _has_chain(path: str) -> bool:
    """Whether more than one certificate is in the file."""
    try:
        with open_regular(path) as file:
            return file.read(LARGEST_FILE).count(b"-----BEGIN CERTIFICATE-----") > 1
    except (OSError, ValueError):
        return False


def roots(environ: Mapping[str, str]) -> list[str]:
    """The folders that hold a folder for each certificate; not all of them need be there."""
    found = [environ.get("CERTDIR", "")]  # as dehydrated exports it to its hook
    if config := read_config(environ):
        found.append(config.settings.get("CERTDIR") or f"{config.settings['BASEDIR']}/certs")
    return list(dict.fromkeys(filter(None, (*found, DEBIAN, CERTBOT))))


def others(environ: Mapping[str, str]) -> list[str]:
    """The folders of lego, acme.sh and uacme, as far as they are where these put them."""
    home = environ.get("HOME", "")
    found = (
        environ.get("LEGO_PATH") or f"{home}/.lego",
        LEGO,
        environ.get("LE_CONFIG_HOME") or f"{home}/.acme.sh",
        UACME,
    )
    return [folder for folder in found if os.path.isdir(folder)]
