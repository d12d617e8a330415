"""Azure Key Vault's API of certificates (https://learn.microsoft.com/rest/api/keyvault/certificates)."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from . import Answer, Refusal, Request, optional, route
from .azure import VERSION, Azure

NAME = re.compile("[0-9a-zA-Z-]{1,127}")


class KeyVault(Azure):
    """A vault, whose tokens are for all vaults. ``certificates`` has the versions of each by its name;
    ``deleted`` the names of those that were deleted and may be recovered."""

    hosts = ("web.vault.azure.net", "login.microsoftonline.com")
    audience = "https://vault.azure.net"

    def __init__(self, apexes: Any = (), tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.certificates: dict[str, list[x509.Certificate]] = {}
        self.deleted: set[str] = set()
        self.values: list[str] = []

    @route("GET", "/certificates/{name}", query=VERSION)
    def read(self, request: Request, name: str) -> Answer:
        _check_version(request)
        if name not in self.certificates or name in self.deleted:
            raise Refusal(404, f"A certificate with (name/id) {name} was not found in this key vault.")
        return Answer(200, self._shown(name))

    @route(
        "POST",
        "/certificates/{name}/import",
        query=VERSION,
        fields={"value": str, "policy": dict, "tags": optional(dict)},
    )
    def import_certificate(self, request: Request, name: str) -> Answer:
        _check_version(request)
        if not NAME.fullmatch(name):
            raise Refusal(400, f"Invalid certificate name: {name}")
        if name in self.deleted:
            raise Refusal(409, f"ObjectIsDeletedButRecoverable: Certificate {name} is currently deleted")
        if request.body["policy"].get("secret_props") != {"contentType": "application/x-pem-file"}:
            raise Refusal(400, "The specified PKCS#12 X.509 certificate content can not be read.")
        self.certificates.setdefault(name, []).append(_read(request.body["value"]))
        self.values.append(request.body["value"])
        return Answer(200, self._shown(name))

    def _shown(self, name: str) -> dict[str, Any]:
        versions = self.certificates[name]
        cer = b64encode(versions[-1].public_bytes(Encoding.DER)).decode()
        return {
            "id": f"{self.url}/certificates/{name}/{len(versions)}",
            "cer": cer,
            "attributes": {"enabled": True},
        }


def _check_version(request: Request) -> None:
    if request.query.get("api-version") != "7.4":
        raise Refusal(400, "The api-version query parameter is missing or not supported.")


def _read(value: str) -> x509.Certificate:
    if not value.startswith("-----BEGIN PRIVATE KEY-----"):
        raise Refusal(400, "The specified PEM X.509 certificate content is in an unexpected format.")
    leaf, *_ = x509.load_pem_x509_certificates(value.encode())
    if load_pem_private_key(value.encode(), None).public_key() != leaf.public_key():
        raise Refusal(400, "The private key does not match the certificate.")
    return leaf
