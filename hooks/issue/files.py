"""``certificates/NAME/``: the files of a certificate, in dehydrated's and certbot's names.

``privkey.pem``, ``cert.pem``, ``chain.pem`` and ``fullchain.pem`` are links into one version of them,
and the rename of one link changes all four: key and certificate belong together at every instant.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...errors import DeployError
from ...regular_file import read_regular
from ..clients.call import Certificate
from ..clients.setup.certificate_paths import find_in
from ..deploy.certificate.leaf import Leaf, leaf_in
from ..deploy.folders import usable
from ..deploy.versioned_files import VersionedFile, Versions
from ..state.folder import check_own, private_folder

MODE = 0o600
LARGEST_KEY = 1 << 16  # octets


def install(folder: str, name: str, key: str, chain: Sequence[str]) -> Certificate:
    """Switch the certificate's paths to these files. ``key``: empty for a CSR of one's own; ``chain``: the
    certificate first. Raises DeployError."""
    beneath = os.path.join(folder, name)
    with usable(beneath):
        private_folder(beneath)
    contents = {
        "fullchain": "".join(chain),
        "privkey": key,
        "cert": chain[0],
        "chain": "".join(chain[1:]),
    }
    files = [
        VersionedFile(
            f"{kind}.pem",
            os.path.join(beneath, f"{kind}.pem"),
            text.encode() if text or kind == "chain" else None,
            MODE,
        )
        for kind, text in contents.items()
    ]
    versions = Versions(files[0].path)
    versions.install(files)
    versions.commit()
    return paths(folder, name)


def check_place(folder: str, name: str) -> None:
    """Raises DeployError where ``install`` could not make the certificate's folder, or not use it."""
    beneath = os.path.join(folder, name)
    for path in (folder, beneath):
        if os.path.lexists(path) and not os.path.isdir(path):
            raise DeployError(
                f"{path} is no folder, and the certificate is to be in it",
                f"move it away: mv {path} {path}.old",
            )
    with usable(beneath):
        if os.path.lexists(beneath):
            check_own(beneath)


def paths(folder: str, name: str) -> Certificate:
    """The paths of a certificate that is there."""
    beneath = os.path.join(folder, name)
    found = find_in(beneath, name)
    return found or Certificate(name, cert=os.path.join(beneath, "cert.pem"))


def current(folder: str, name: str) -> Leaf | None:
    """What the certificate says that is there; None where there is none that can be read."""
    try:
        return leaf_in(os.path.join(folder, name, "cert.pem"))
    except DeployError:
        return None


def current_key(folder: str, name: str) -> str:
    """The private key that is there; empty where there is none."""
    try:
        return read_regular(os.path.join(folder, name, "privkey.pem"), LARGEST_KEY).decode("ascii")
    except (OSError, ValueError):
        return ""
