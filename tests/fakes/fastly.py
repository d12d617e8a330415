"""Fastly's API of TLS certificates (https://www.fastly.com/documentation/reference/api/tls/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from . import Answer, Fake, Refusal, Request, route

PAGED = ("page[number]", "page[size]")
BULK = "/tls/bulk/certificates"
Resource = dict[str, Any]


class Fastly(Fake):
    """JSON:API. A certificate wants its key to be there; a key that is in use stays; TLS is switched
    on for a domain by an activation, and a certificate that serves a domain goes on doing so.

    ``keys``, ``certificates``, ``bulk`` and ``activations`` have the resources by their ids.
    """

    hosts = ("api.fastly.com",)

    def __init__(self, apexes: Sequence[str] = (), tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.keys: dict[str, Resource] = {}
        self.certificates: dict[str, Resource] = {}
        self.bulk: dict[str, Resource] = {}
        self.activations: dict[str, Resource] = {}
        self.configurations = {
            "t1": {"id": "t1", "type": "tls_configuration", "attributes": {"name": "old", "default": False}},
            "t2": {"id": "t2", "type": "tls_configuration", "attributes": {"name": "new", "default": True}},
        }

    def admit(self, request: Request) -> None:
        if request.headers.get("Fastly-Key") != self.token:
            raise Refusal(401, "Provided credentials are missing or invalid")
        kind = request.headers.get("Content-Type")
        if request.body is not None and kind != "application/vnd.api+json":
            raise Refusal(415, f"Content-Type {kind} is not application/vnd.api+json")

    def error(self, refusal: Refusal) -> Any:
        return {"errors": [{"title": "Bad request", "detail": refusal.message}]}

    # Keys

    @route("GET", "/tls/private_keys", query=[*PAGED, "filter[in_use]"])
    def list_keys(self, request: Request) -> Answer:
        wanted = request.query.get("filter[in_use]")
        shown = [key for key in self.keys.values() if wanted in (None, str(self._in_use(key)).lower())]
        return self._list([{**key, "public": None} for key in shown], request)

    @route("POST", "/tls/private_keys", fields={"data": dict})
    def upload_key(self, request: Request) -> Answer:
        attributes = _attributes(request, "tls_private_key", {"key", "name"})
        key = load_pem_private_key(attributes["key"].encode(), None)
        match key:
            case rsa.RSAPrivateKey(key_size=2048) | ec.EllipticCurvePrivateKey(key_size=256):
                public = _public(key.public_key())
            case _:
                raise Refusal(400, "Key must be RSA 2048 or ECDSA P-256")
        if any(each["public"] == public for each in self.keys.values()):
            raise Refusal(409, "This key has been uploaded before")
        shown = {"type": "tls_private_key", "attributes": {"name": attributes["name"]}}
        return self._added(self.keys, {**shown, "public": public})

    @route("DELETE", "/tls/private_keys/{id}")
    def delete_key(self, request: Request, id: str) -> Answer:
        if self._in_use(self._one(self.keys, id)):
            raise Refusal(409, "The key is in use")
        del self.keys[id]
        return Answer(204, None)

    # Certificates

    @route("GET", "/tls/certificates", query=[*PAGED, "filter[tls_domains.id]"])
    def list_certificates(self, request: Request) -> Answer:
        return self._listed(self.certificates, request, request.query.get("filter[tls_domains.id]"))

    @route("POST", "/tls/certificates", fields={"data": dict})
    def create(self, request: Request) -> Answer:
        return self._added(self.certificates, self._certificate(request))

    @route("PATCH", "/tls/certificates/{id}", fields={"data": dict})
    def replace(self, request: Request, id: str) -> Answer:
        return self._replaced(self.certificates, id, self._certificate(request, id))

    @route("GET", BULK, query=[*PAGED, "filter[tls_domain.id]"])
    def list_bulk(self, request: Request) -> Answer:
        return self._listed(self.bulk, request, request.query.get("filter[tls_domain.id]"))

    @route("POST", BULK, fields={"data": dict})
    def create_bulk(self, request: Request) -> Answer:
        related = request.body["data"].get("relationships", {})
        (configuration,) = related["tls_configurations"]["data"]
        self._one(self.configurations, configuration["id"])
        return self._added(self.bulk, self._bulk(request))

    @route("PATCH", BULK + "/{id}", fields={"data": dict})
    def replace_bulk(self, request: Request, id: str) -> Answer:
        return self._replaced(self.bulk, id, self._bulk(request, id))

    # Activations

    @route("GET", "/tls/configurations", query=PAGED)
    def list_configurations(self, request: Request) -> Answer:
        return self._list(list(self.configurations.values()), request)

    @route("GET", "/tls/activations", query=[*PAGED, "filter[tls_domain.id]"])
    def list_activations(self, request: Request) -> Answer:
        domain = request.query.get("filter[tls_domain.id]")
        shown = [each for each in self.activations.values() if domain in (None, _related(each, "tls_domain"))]
        return self._list(shown, request)

    @route("POST", "/tls/activations", fields={"data": dict})
    def activate(self, request: Request) -> Answer:
        data = request.body["data"]
        domain = _related(data, "tls_domain")
        certificate = self._one(self.certificates, _related(data, "tls_certificate"))
        self._one(self.configurations, _related(data, "tls_configuration"))
        if domain not in _domains(certificate):
            raise Refusal(400, "Certificate does not cover the domain")
        if any(_related(each, "tls_domain") == domain for each in self.activations.values()):
            raise Refusal(400, "Domain is activated already")
        return self._added(self.activations, data)

    @route("PATCH", "/tls/activations/{id}", fields={"data": dict})
    def switch(self, request: Request, id: str) -> Answer:
        activation, data = self._one(self.activations, id), request.body["data"]
        if (data.get("id"), data.get("type")) != (id, "tls_activation"):
            raise Refusal(400, "id and type have to be the resource's")
        self._one(self.certificates, _related(data, "tls_certificate"))
        activation["relationships"] |= data["relationships"]
        return Answer(200, {"data": activation})

    def serves(self, domain: str) -> str:
        """The serial number, in hex, of the certificate that Fastly serves the domain with; or none."""
        for activation in self.activations.values():
            if _related(activation, "tls_domain") == domain:
                return str(self.certificates[_related(activation, "tls_certificate")]["serial"])
        return next((str(each["serial"]) for each in self.bulk.values() if domain in _domains(each)), "")

    def _certificate(self, request: Request, id: str = "") -> Resource:
        attributes = _attributes(request, "tls_certificate", {"cert_blob", "name"}, id)
        return self._read("tls_certificate", attributes["cert_blob"])

    def _bulk(self, request: Request, id: str = "") -> Resource:
        attributes = _attributes(request, "tls_bulk_certificate", {"cert_blob", "intermediates_blob"}, id)
        if attributes["cert_blob"].count("BEGIN CERTIFICATE") != 1 or not attributes["intermediates_blob"]:
            raise Refusal(400, "cert_blob is the leaf, intermediates_blob the chain")
        return self._read("tls_bulk_certificate", attributes["cert_blob"])

    def _read(self, kind: str, blob: str) -> Resource:
        leaf = x509.load_pem_x509_certificates(blob.encode())[0]
        public = _public(leaf.public_key())
        if not any(key["public"] == public for key in self.keys.values()):
            raise Refusal(400, "No matching private key has been uploaded")
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domains = [{"type": "tls_domain", "id": name} for name in names.get_values_for_type(x509.DNSName)]
        return {
            "type": kind,
            "attributes": {"not_after": f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%S}.000Z"},
            "relationships": {"tls_domains": {"data": domains}},
            "public": public,
            "serial": f"{leaf.serial_number:x}",
        }

    def _replaced(self, kept: dict[str, Resource], id: str, new: Resource) -> Answer:
        self._one(kept, id)
        kept[id] = {**new, "id": id}
        return Answer(200, {"data": _shown(kept[id])})

    def _added(self, kept: dict[str, Resource], resource: Resource) -> Answer:
        id = self.new_id()
        kept[id] = {**resource, "id": id}
        return Answer(201, {"data": _shown(kept[id])})

    def _one(self, kept: Mapping[str, Resource], id: str) -> Resource:
        if id not in kept:
            raise Refusal(404, "Record not found")
        return kept[id]

    def _in_use(self, key: Resource) -> bool:
        return any(
            each["public"] == key["public"] for each in [*self.certificates.values(), *self.bulk.values()]
        )

    def _listed(self, kept: Mapping[str, Resource], request: Request, domain: str | None) -> Answer:
        return self._list(
            [each for each in kept.values() if domain is None or domain in _domains(each)], request
        )

    def _list(self, shown: Sequence[Resource], request: Request) -> Answer:
        size = int(request.query.get("page[size]", 20))
        if not 1 <= size <= 100:
            raise Refusal(400, "page[size] is from 1 to 100")
        page, number, pages = self.page(shown, int(request.query.get("page[number]", 1)), size)
        meta = {"per_page": size, "current_page": number, "record_count": len(shown), "total_pages": pages}
        return Answer(200, {"data": [_shown(each) for each in page], "meta": meta})


def _attributes(request: Request, kind: str, wanted: set[str], id: str = "") -> Mapping[str, Any]:
    data = request.body["data"]
    if data.get("type") != kind or data.get("id", "") != id:
        raise Refusal(400, f"type and id have to be {kind} and {id!r}")
    if set(data.get("attributes", {})) != wanted:
        raise Refusal(400, f"attributes have to be {sorted(wanted)}")
    return data["attributes"]  # type: ignore[no-any-return]


def _related(resource: Resource, kind: str) -> str:
    try:
        data = resource["relationships"][kind]["data"]
    except KeyError:
        raise Refusal(400, f"the relationship {kind} is missing") from None
    if data["type"] != kind:
        raise Refusal(400, f"{data['type']} is no {kind}")
    return str(data["id"])


def _domains(certificate: Resource) -> set[str]:
    return {domain["id"] for domain in certificate["relationships"]["tls_domains"]["data"]}


def _shown(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if key not in ("public", "serial")}


def _public(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
