"""Kubernetes' API of Secrets, read and applied (https://kubernetes.io/docs/reference/kubernetes-api/).

``secrets`` has them by namespace and name.
"""

from __future__ import annotations

import base64
import copy
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import trustme

from . import Answer, Fake, Refusal, Request, route

Secret = dict[str, Any]
SECRET = "/api/v1/namespaces/{namespace}/secrets/{name}"
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    415: "UnsupportedMediaType",
    422: "Invalid",
}


class Kubernetes(Fake):
    """A cluster with the namespaces default, shop and locked; in the last of them the user may read only.
    ``clients``: the CA of the users' certificates, where these are what lets in."""

    hosts = ("kubernetes.default.svc",)

    def __init__(
        self, apexes: Sequence[str] = (), tls: Any = None, clients: trustme.CA | None = None
    ) -> None:
        super().__init__(apexes, tls)
        self.secrets: dict[tuple[str, str], Secret] = {}
        self._clients = clients

    def tls_context(self) -> ssl.SSLContext | None:
        context = super().tls_context()
        if context and self._clients:
            self._clients.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def admit(self, request: Request) -> None:
        if not self._clients:
            super().admit(request)
        elif "Authorization" in request.headers:
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": refusal.message,
            "reason": REASONS.get(refusal.status, "InternalError"),
            "code": refusal.status,
        }

    @route("GET", SECRET)
    def read(self, request: Request, namespace: str, name: str) -> Answer:
        if (namespace, name) not in self.secrets:
            raise Refusal(404, f'secrets "{name}" not found')
        return Answer(200, self.secrets[namespace, name])

    @route(
        "PATCH",
        SECRET,
        query=["fieldManager", "force", "dryRun"],
        fields={"apiVersion": str, "kind": str, "metadata": dict, "type": str, "data": dict},
    )
    def apply(self, request: Request, namespace: str, name: str) -> Answer:
        body, query = request.body, request.query
        if request.headers.get("Content-Type") != "application/apply-patch+yaml":
            raise Refusal(415, "the body of the request was in an unknown format")
        if namespace not in ("default", "shop", "locked"):
            raise Refusal(404, f'namespaces "{namespace}" not found')
        if namespace == "locked":
            raise Refusal(403, f'secrets "{name}" is forbidden: User "dns01" cannot patch resource "secrets"')
        if (body["apiVersion"], body["kind"], body["metadata"]) != ("v1", "Secret", {"name": name}):
            raise Refusal(400, "the name or the kind of the object does not match the URL")
        if not query.get("fieldManager") or query.get("dryRun", "All") != "All":
            raise Refusal(422, "fieldManager is required for apply patch, and dryRun is All")
        present = self.secrets.get((namespace, name))
        applied = self._applied(present, body, query)
        if "dryRun" not in query:
            self.secrets[namespace, name] = applied
        return Answer(200 if present else 201, applied)

    def _applied(self, present: Secret | None, body: Mapping[str, Any], query: Mapping[str, str]) -> Secret:
        _check_tls(body)
        if present and present.get("immutable"):
            raise Refusal(422, "data: Forbidden: field is immutable when `immutable` is set")
        if present and present["type"] != body["type"]:
            raise Refusal(422, f'type: Invalid value: "{body["type"]}": field is immutable')
        manager = query["fieldManager"]
        fields = {"f:data": {f"f:{key}": {} for key in body["data"]}, "f:type": {}}
        applied = (
            copy.deepcopy(present) if present else {**body, "metadata": dict(body["metadata"]), "data": {}}
        )
        others = [each for each in applied["metadata"].get("managedFields", ()) if each["manager"] != manager]
        for other in others:
            taken = set(other["fieldsV1"].get("f:data", {})) & set(fields["f:data"])
            changed = {key for key in taken if applied["data"].get(key[2:]) != body["data"][key[2:]]}
            if changed and query.get("force") != "true":
                raise Refusal(
                    409, f'Apply failed with {len(changed)} conflict: conflict with "{other["manager"]}"'
                )
            if changed:
                del other["fieldsV1"]["f:data"]
        applied["data"] = {**applied.get("data", {}), **body["data"]}
        entry = {"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
        applied["metadata"] |= {"managedFields": [*others, entry], "resourceVersion": self.new_id()}
        return applied


def _check_tls(body: Mapping[str, Any]) -> None:
    if body["type"] != "kubernetes.io/tls":
        return
    for key in ("tls.crt", "tls.key"):
        if key not in body["data"]:
            raise Refusal(422, f"data[{key}]: Required value")
    for content in body["data"].values():
        try:
            base64.b64decode(content, validate=True)
        except ValueError:
            raise Refusal(400, "illegal base64 data") from None
