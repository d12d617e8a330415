"""moto, the emulator of AWS, over HTTP: with the same mischief on command as the fakes of AWS."""

from __future__ import annotations

import json
from base64 import b64decode

from cryptography.x509 import load_pem_x509_certificate
from moto.backends import get_backend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from .awshttp import Answer, HttpFake, Refusal, Request


class Moto(HttpFake):
    """One of AWS's services that speak JSON. ``asked`` has the actions, in their order; ``trouble``
    says what the next of an action is refused with."""

    def __init__(self, service: str) -> None:
        super().__init__()
        for account in get_backend(service).values():
            for backend in account.values():
                backend.reset()
        self.asked: list[str] = []
        self.trouble: dict[str, Refusal] = {}
        self._client = Client(DomainDispatcherApplication(create_backend_app))

    def answer(self, request: Request) -> Answer:
        action = request.headers.get("x-amz-target", "").rpartition(".")[2]
        self.asked.append(action)
        if action in self.trouble:
            raise self.trouble.pop(action)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        said = self._client.open(request.path, method=request.method, headers=headers, data=request.body)
        if said.status_code > 399:
            error = json.loads(said.data)
            self.refusals.append((request, said.status_code, f"{error['__type']}: {error.get('message')}"))
        return Answer(said.status_code, said.data, "application/x-amz-json-1.1")

    def refuse(self, refusal: Refusal) -> Answer:
        body = {"__type": refusal.code, "message": str(refusal)}
        return Answer(refusal.status, json.dumps(body).encode(), "application/x-amz-json-1.1")


class Acm(Moto):
    """ACM, with what moto lets pass and AWS does not: a re-import takes no tags and keeps those that there
    are, and the type of the key stays."""

    def __init__(self) -> None:
        super().__init__("acm")

    def answer(self, request: Request) -> Answer:
        action = request.headers.get("x-amz-target", "").rpartition(".")[2]
        terms = json.loads(request.body)
        if action != "ImportCertificate" or "CertificateArn" not in terms or action in self.trouble:
            return super().answer(request)
        _, _, _, region, account, _ = terms["CertificateArn"].split(":")
        backend = get_backend("acm")[account][region]
        before = backend.get_certificate(terms["CertificateArn"])
        if "Tags" in terms:
            raise Refusal(400, "ValidationException", "Tagging is not permitted on re-import.")
        old, new = (
            load_pem_x509_certificate(pem).public_key()
            for pem in (before.cert, b64decode(terms["Certificate"]))
        )
        if type(old) is not type(new) or old.key_size != new.key_size:
            raise Refusal(400, "ValidationException", "New certificate has another key type or size.")
        answer = super().answer(request)
        backend.get_certificate(terms["CertificateArn"]).tags = before.tags
        return answer
