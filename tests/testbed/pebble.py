"""Pebble, the ACME server to test against, with a certificate of our own."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Mapping

import trustme

from .process import TIME_LIMIT, Server, free_port, is_listening

ENVIRONMENT = {
    "PEBBLE_VA_NOSLEEP": "1",
    "PEBBLE_WFE_NONCEREJECT": "0",  # dehydrated does not try again after a bad nonce
    "PEBBLE_AUTHZREUSE": "0",  # else half of the authorizations never get to the hook
}


class Pebble(Server):
    """A CA that validates for real, through the recursive resolver that it is given.

    ``with Pebble(resolver="127.0.0.53:53") as ca: ca.directory, ca.ca_file, ca.roots()``

    ``directory`` is the URL that clients start from, ``ca_file`` the PEM file of the CA behind
    its HTTPS certificate. ``environment``: more or other PEBBLE_* variables.
    ``external_accounts``: the HMAC keys (base64url) without which it makes no account. It issues from a
    new root at each start.
    """

    def __init__(
        self,
        resolver: str = "127.0.0.53:53",
        *,
        address: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        external_accounts: Mapping[str, str] | None = None,
    ) -> None:
        self._resolver = resolver
        self._address = address
        self._external_accounts = dict(external_accounts or {})
        self.environment = {**ENVIRONMENT, **(environment or {})}

    def __repr__(self) -> str:
        return f"Pebble at {self._address}"

    def prepare(self) -> list[str]:
        self._port, self._management = free_port(self._address), free_port(self._address)
        self.directory = f"https://{self._address}:{self._port}/dir"
        self.ca_file = self.folder / "ca.pem"
        ca = trustme.CA()
        ca.cert_pem.write_to_path(self.ca_file)
        certificate = ca.issue_cert(self._address)
        certificate.cert_chain_pems[0].write_to_path(self.folder / "cert.pem")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        settings = {
            "listenAddress": f"{self._address}:{self._port}",
            "managementListenAddress": f"{self._address}:{self._management}",
            "certificate": "cert.pem",
            "privateKey": "key.pem",
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(self._external_accounts),
            "externalAccountMACKeys": self._external_accounts,
        }
        (self.folder / "config.json").write_text(json.dumps({"pebble": settings}))
        return ["pebble", "-strict=false", "-config", "config.json", "-dnsserver", self._resolver]

    def is_ready(self) -> bool:
        return all(is_listening(self._address, port) for port in (self._port, self._management))

    def roots(self, number: int = 0) -> str:
        """The root certificate that it issues from, in PEM; another one's where it has several."""
        trusted = ssl.create_default_context(cafile=str(self.ca_file))
        url = f"https://{self._address}:{self._management}/roots/{number}"
        with urllib.request.urlopen(url, context=trusted, timeout=TIME_LIMIT) as response:
            pem: str = response.read().decode()
            return pem
