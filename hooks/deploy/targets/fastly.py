"""A certificate at Fastly: custom TLS certificates, and Platform TLS.

API: https://www.fastly.com/documentation/reference/api/tls/. Fastly finds the key of a certificate
by itself, so the key goes first; one that no certificate uses any more is removed, if it is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from ....errors import ConfigError, DeployError
from ....options import Option
from ....providers.rest import Rest, base_url
from ._rest import ApiTarget
from .base import CertificateFiles

KEY_TYPES = ("RSA 2048", "EC P-256")
JSON_API = {"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"}
OURS = "dns01 "  # how the names of the keys begin that were uploaded from here


class FastlyApi(Rest):
    """Fastly's, as JSON:API has it: documents of ``data`` with a type, attributes and relationships."""

    title = "Fastly"
    docs = "https://www.fastly.com/documentation/reference/api/tls/"
    permission = "the scope global, and the role of a TLS administrator"
    options = (
        Option("token", ("FASTLY_API_TOKEN", "FASTLY_API_KEY"), "API token", required=True, secret=True),
        base_url("FASTLY_BASE_URL", "https://api.fastly.com"),
    )

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"Fastly-Key": self.given["token"]}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number = page["meta"]["current_page"]
        return {"page[number]": number + 1} if number < page["meta"]["total_pages"] else {}

    def listed(self, *path: str, **terms: str) -> Iterator[Mapping[str, Any]]:
        """All resources of a list, each once."""
        yield from self.items("data", *path, **{**terms, "page[number]": 1, "page[size]": 100})

    def send(self, method: str, *path: str, **data: Any) -> Mapping[str, Any]:
        """Write a resource; gives what has become of it."""
        response = self.request(method, path, body={"data": data}, headers=JSON_API)
        return response["data"]  # type: ignore[no-any-return]


class Target(ApiTarget[FastlyApi]):
    """``service`` says which of Fastly's two products it is: ``custom`` (a certificate per set of
    domains, activated on them) or ``platform`` (Platform TLS).

    There is no way back: Fastly does not give out the certificate that it had.
    """

    options = (
        *FastlyApi.options,
        Option("service", (), "custom (TLS certificates) or platform (Platform TLS)", default="custom"),
        Option("configuration", (), "the id of the TLS configuration; without it, the account's default"),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        if options["service"] not in ("custom", "platform"):
            raise ConfigError(f"service: {options['service']!r} is none", "it is custom or platform")
        self.api = FastlyApi(options)
        self._platform = options["service"] == "platform"
        self._configured = options.get("configuration", "")
        self._place = ("tls", "bulk", "certificates") if self._platform else ("tls", "certificates")
        self._type = "tls_bulk_certificate" if self._platform else "tls_certificate"

    def check(self, bundle: CertificateFiles) -> None:
        if bundle.facts.key_type not in KEY_TYPES:
            raise DeployError(
                f"Fastly takes keys of {' or '.join(KEY_TYPES)}, and this one is {bundle.facts.key_type}",
                "issue it anew with another key: KEY_ALGO=prime256v1 in dehydrated's config, "
                "--key-type ecdsa --elliptic-curve secp256r1 for certbot",
            )

    def _changes(self, bundle: CertificateFiles) -> list[str]:
        present = self._present(bundle)
        lines = []
        if present is None:
            lines.append(f"a certificate for {', '.join(bundle.facts.names)} is uploaded to Fastly")
        elif not _is_same(present, bundle):
            lines.append(f"Fastly's certificate {present['id']} is replaced")
        served = self._served_by(bundle)
        lines += [f"Fastly's TLS is switched on for {domain}" for domain, at in served.items() if not at]
        return lines

    def _install(self, bundle: CertificateFiles) -> None:
        present = self._present(bundle)
        if present is None or not _is_same(present, bundle):
            _refuse_to_drop(present, bundle)
            self._upload_key(bundle)
            present = self._upload(bundle, present)
        for domain, activation in self._served_by(bundle).items():
            self._activate(domain, activation, present["id"])
        self._remove_unused_keys(bundle)

    def _present(self, bundle: CertificateFiles) -> Mapping[str, Any] | None:
        """The certificate to replace: of those for one of the names, the one that shares most."""
        found = {
            each["id"]: each
            for name in bundle.facts.names
            for each in self.api.listed(*self._place, **{self._filter: name})
        }
        ours = set(bundle.facts.names)
        return max(found.values(), key=lambda each: len(ours & _domains(each)), default=None)

    @property
    def _filter(self) -> str:
        return "filter[tls_domain.id]" if self._platform else "filter[tls_domains.id]"

    def _upload_key(self, bundle: CertificateFiles) -> None:
        """Named after the key itself, so that the same is not uploaded twice."""
        name = _key_name(bundle)
        if not any(key["attributes"]["name"] == name for key in self.api.listed("tls", "private_keys")):
            attributes = {"key": bundle.key.decode("ascii"), "name": name}
            self.api.send("POST", "tls", "private_keys", type="tls_private_key", attributes=attributes)

    def _upload(self, bundle: CertificateFiles, present: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if self._platform:
            blobs = {"cert_blob": bundle.cert.decode(), "intermediates_blob": bundle.chain.decode()}
        else:
            blobs = {"cert_blob": bundle.fullchain.decode(), "name": bundle.name}
        document: dict[str, Any] = {"type": self._type, "attributes": blobs}
        if present is not None:
            return self.api.send("PATCH", *self._place, present["id"], id=present["id"], **document)
        if self._platform:
            configurations = [{"type": "tls_configuration", "id": self._configuration()}]
            document["relationships"] = {"tls_configurations": {"data": configurations}}
        return self.api.send("POST", *self._place, **document)

    def _served_by(self, bundle: CertificateFiles) -> Mapping[str, Mapping[str, Any] | None]:
        """The activation of each name; Platform TLS does without."""
        if self._platform:
            return {}
        return {
            name: next(self.api.listed("tls", "activations", **{"filter[tls_domain.id]": name}), None)
            for name in bundle.facts.names
        }

    def _activate(self, domain: str, activation: Mapping[str, Any] | None, certificate: str) -> None:
        """Have the name served with this certificate."""
        related = {"tls_certificate": certificate}
        if activation is None:
            related |= {"tls_configuration": self._configuration(), "tls_domain": domain}
        elif activation["relationships"]["tls_certificate"]["data"]["id"] == certificate:
            return
        relationships = {kind: {"data": {"type": kind, "id": id}} for kind, id in related.items()}
        document = {"type": "tls_activation", "relationships": relationships}
        if activation is None:
            self.api.send("POST", "tls", "activations", **document)
        else:
            self.api.send("PATCH", "tls", "activations", activation["id"], id=activation["id"], **document)

    def _configuration(self) -> str:
        if self._configured:
            return self._configured
        for configuration in self.api.listed("tls", "configurations"):
            if configuration["attributes"]["default"]:
                return str(configuration["id"])
        raise DeployError(
            "the Fastly account has no default TLS configuration",
            'write configuration = "…" below the target: `fastly tls-config list` shows the ids',
        )

    def _remove_unused_keys(self, bundle: CertificateFiles) -> None:
        """Those of this certificate: another one's may just have been uploaded by another machine."""
        for key in list(self.api.listed("tls", "private_keys", **{"filter[in_use]": "false"})):
            if key["attributes"]["name"].startswith(f"{OURS}{bundle.name} "):
                self.api.delete_at("tls", "private_keys", key["id"])


def _refuse_to_drop(present: Mapping[str, Any] | None, bundle: CertificateFiles) -> None:
    if present and (lost := _domains(present) - set(bundle.facts.names)):
        raise DeployError(
            f"Fastly's certificate {present['id']} serves {', '.join(sorted(lost))} as well, "
            "which the new one is not for: they would lose TLS",
            "have the certificate issued for these names, too, or remove them from Fastly first",
        )


def _is_same(present: Mapping[str, Any], bundle: CertificateFiles) -> bool:
    """Fastly tells no fingerprint; two issuances for the same names do not end in the same second."""
    ends = f"{bundle.facts.not_after:%Y-%m-%dT%H:%M:%S}"
    names = _domains(present)
    return str(present["attributes"]["not_after"]).startswith(ends) and names == set(bundle.facts.names)


def _domains(certificate: Mapping[str, Any]) -> set[str]:
    return {domain["id"] for domain in certificate["relationships"]["tls_domains"]["data"]}


def _key_name(bundle: CertificateFiles) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(bundle.key, password=None).public_key()
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return f"{OURS}{bundle.name} {digest.hexdigest()[:16]}"
