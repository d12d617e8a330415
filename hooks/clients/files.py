"""Where ACME clients keep a certificate's files, for whoever asks by its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ...errors import DeployError
from .call import Certificate
from .dehydrated import read_config

DEBIAN = "/var/lib/dehydrated/certs"
CERTBOT = "/etc/letsencrypt/live"
FILES = ("privkey.pem", "cert.pem", "fullchain.pem", "chain.pem", "ocsp.der")  # of both of them


def find(name: str, known: Iterable[Certificate], environ: Mapping[str, str]) -> Certificate:
    """The certificate of that name: one that was brought somewhere before (``known``), else one in
    dehydrated's folders or certbot's. Raises DeployError, which says where it was looked for."""
    for certificate in known:
        folder = os.path.basename(os.path.dirname(certificate.cert))
        if name in (certificate.domain, folder) and os.path.exists(certificate.cert):
            return certificate
    looked = [os.path.join(above, name) for above in roots(environ)]
    for folder in looked:
        if found := look_in(folder, name):
            return found
    raise DeployError(
        f"there is no certificate {name}, neither in {' nor in '.join(looked)}",
        "name its folder: dns01 deploy NAME --from /path/of/the/folder",
    )


def look_in(folder: str, name: str) -> Certificate | None:
    """The certificate in the folder, where dehydrated's or certbot's files are in it."""
    paths = (os.path.join(folder, file) for file in FILES)
    key, cert, fullchain, chain, ocsp = (path if os.path.exists(path) else "" for path in paths)
    return Certificate(name, key, cert, fullchain, chain, ocsp=ocsp) if key and cert else None


def roots(environ: Mapping[str, str]) -> list[str]:
    """The folders that hold a folder for each certificate; not all of them need be there."""
    found = [environ.get("CERTDIR", "")]  # as dehydrated exports it to its hook
    if config := read_config(environ):
        found.append(config.settings.get("CERTDIR") or f"{config.settings['BASEDIR']}/certs")
    return list(dict.fromkeys(filter(None, (*found, DEBIAN, CERTBOT))))
