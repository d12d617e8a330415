"""A certificate in Azure Key Vault: each delivery is a new version of one certificate, with its chain.

API: https://learn.microsoft.com/rest/api/keyvault/certificates/import-certificate.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ....errors import DeployError
from ....options import Option
from ....providers._azure_identity import IDENTITY, AzureIdentity
from ....providers.rest import Refused
from ....secret import hide_private_key
from ._rest import ApiTarget, warn
from .base import CertificateFiles

VERSION = {"api-version": "7.4"}
PEM = {"secret_props": {"contentType": "application/x-pem-file"}, "issuer": {"name": "Unknown"}}
KEY_TYPES = ("RSA 2048", "RSA 3072", "RSA 4096", "EC P-256", "EC P-384", "EC P-521")
NAME = re.compile("[0-9a-zA-Z-]{1,127}")
CLOUDS = ("vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn")
DELETED = "ObjectIsDeletedButRecoverable"


class KeyVaultApi(AzureIdentity):
    """The API of one vault."""

    title = "Azure Key Vault"
    docs = "https://learn.microsoft.com/rest/api/keyvault/certificates"
    permission = "the role Key Vault Certificates Officer on the vault, or the permissions get and import"
    options = (
        *IDENTITY,
        Option(
            "base_url",
            ("AZURE_KEYVAULT_URL",),
            "address of the vault, as https://NAME.vault.azure.net",
            required=True,
        ),
    )

    @property
    def resource(self) -> str:
        """The resource that a token is asked for: all vaults of the cloud."""
        host = urlsplit(self._base).hostname or ""
        return next(
            (f"https://{each}" for each in CLOUDS if host.endswith(f".{each}")), f"https://{CLOUDS[0]}"
        )


class Target(ApiTarget[KeyVaultApi]):
    """There is no way back: a version that is not the last cannot become the last again, but its key and
    certificate stay there as a version."""

    options = (
        *KeyVaultApi.options,
        Option(
            "name",
            (),
            "its name there; {name} stands for the certificate's, with - for each dot",
            default="{name}",
        ),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return [f"the certificate {options.get('name', '{name}')} of {options.get('base_url', '')}"]

    def __init__(self, options: Mapping[str, str]) -> None:
        self.api = KeyVaultApi(options)
        self._name = options["name"]

    def check(self, bundle: CertificateFiles) -> None:
        warn(self.api)
        if not NAME.fullmatch(self._named(bundle)):
            raise DeployError(
                f"{self._named(bundle)!r} cannot be the name of a certificate in Key Vault",
                'name it otherwise: name = "…" below the target, of letters, digits and -',
            )
        if bundle.facts.key_type not in KEY_TYPES:
            raise DeployError(
                f"Key Vault takes keys of {', '.join(KEY_TYPES)}; this one is {bundle.facts.key_type}",
                "have it issued with one of these",
            )

    def _changes(self, bundle: CertificateFiles) -> list[str]:
        present = self._present(bundle)
        if present and _is_same(present, bundle):
            return []
        return [f"the certificate {self._named(bundle)} {'gets a new version' if present else 'is created'}"]

    def _install(self, bundle: CertificateFiles) -> None:
        present = self._present(bundle)
        if present and _is_same(present, bundle):
            return
        body = {"value": _pem(bundle), "policy": PEM, "tags": {"dns01": bundle.name}}
        path = ("certificates", self._named(bundle), "import")
        try:
            self.api.request("POST", path, VERSION, body)
        except Refused as refused:
            if DELETED in str(refused.body):
                raise DeployError(
                    f"the certificate {self._named(bundle)} is deleted, and Key Vault keeps its name",
                    f"az keyvault certificate recover --name {self._named(bundle)} --vault-name …",
                ) from None
            raise
        present = self._present(bundle)
        if not present or not _is_same(present, bundle):
            raise DeployError(
                f"Key Vault took the certificate {self._named(bundle)}, and shows another one",
                f"see who imports it: az keyvault certificate list-versions --name {self._named(bundle)}",
            )

    def _present(self, bundle: CertificateFiles) -> Any:
        """The last version, if there is any."""
        return self.api.get_if_there("certificates", self._named(bundle), **VERSION)

    def _named(self, bundle: CertificateFiles) -> str:
        own = bundle.name.replace("*", "wildcard").replace(".", "-")
        return self._name.replace("{name}", own)


def _is_same(present: Mapping[str, Any], bundle: CertificateFiles) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    return b64decode(present["cer"]) == load_pem_x509_certificate(bundle.cert).public_bytes(Encoding.DER)


def _pem(bundle: CertificateFiles) -> str:
    """Key, certificate and chain; of the forms of a key, Key Vault takes PKCS#8 alone."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(bundle.key, None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    hide_private_key(pem)
    return (pem + bundle.fullchain).decode("ascii")
