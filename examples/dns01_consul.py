"""A target of one's own: certificates in Consul's key-value store, where consul-template finds them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from dns01.errors import DeployError, ProviderError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.options import Option
from dns01.providers.rest import Rest, base_url

T = TypeVar("T")


class Consul(Rest):
    title = "Consul"
    docs = "https://developer.hashicorp.com/consul/api-docs/kv"
    permission = 'key_prefix "tls/" { policy = "write" }'
    options = (
        Option("token", ("CONSUL_HTTP_TOKEN",), "ACL token", required=True, secret=True),
        base_url("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500"),
    )


class Target:
    options = (*Consul.options, Option("key", (), "{name} stands for the name", default="tls/{name}"))

    def __init__(self, options: Mapping[str, str]) -> None:
        self.api = Consul(options)
        self._key = options["key"]

    def check(self, bundle: CertificateFiles) -> None:
        if len(self._content(bundle)) > 512 << 10:
            raise DeployError("Consul takes 512 KiB at most", "have the CA send a shorter chain")

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        found = self._try(lambda: self.api.get_if_there(*self._path(bundle)))
        present = b64decode(found[0]["Value"]) if found else b""
        return [] if present == self._content(bundle) else [f"the key of {bundle.name} is written"]

    def install(self, bundle: CertificateFiles) -> None:
        content = self._content(bundle)
        if self._try(lambda: self.api.request("PUT", self._path(bundle), form=content)) is not True:
            raise DeployError("Consul did not write it", "consul kv get -detailed shows who holds its lock")

    def _content(self, bundle: CertificateFiles) -> bytes:
        return json.dumps({"cert": bundle.fullchain.decode(), "key": bundle.key.decode()}).encode()

    def _path(self, bundle: CertificateFiles) -> list[str]:
        return ["v1", "kv", *self._key.replace("{name}", bundle.name).split("/")]

    def _try(self, step: Callable[[], T]) -> T:
        try:
            return self.api.attempt("a certificate", step)
        except ProviderError as error:
            raise DeployError(str(error), error.hint) from None
