"""Vault's API of KV version 2 and of its logins (https://developer.hashicorp.com/vault/api-docs).

``secrets`` has the versions of each secret by its path, the first first; None is a deleted one.
``meanwhile``: what somebody else writes just before each of the next writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import Answer, Fake, Refusal, Request, optional, route

PATH = "(?P<path>.+)"
Secret = list[dict[str, Any] | None]


class Vault(Fake):
    """A mount ``secret`` of KV version 2, one ``old`` of version 1, and policies that let the tokens write
    below ``dns01/`` alone. Logins are AppRole and Kubernetes; ``namespace`` is the only one that there is."""

    hosts = ("vault.example.org",)
    role_id, secret_id = "59d6d1ca-47bb-4e7e-a40b-8be3bc5a0ba8", "84896a0c-1347-aa90-a4f6-aca8b7558780"
    role, jwt = "dns01", "eyJhbGciOiJSUzI1NiJ9.c2VydmljZSBhY2NvdW50.c2lnbmF0dXJl"

    def __init__(self, apexes: Sequence[str] = (), tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.secrets: dict[str, Secret] = {}
        self.old: dict[str, Any] = {}
        self.namespace = ""
        self.tells_mounts = True
        self.most_versions = 10
        self.meanwhile: list[dict[str, Any]] = []
        self.logins: list[str] = []

    def admit(self, request: Request) -> None:
        if request.headers.get("X-Vault-Namespace", "") != self.namespace:
            raise Refusal(404, "no handler for route")
        if request.path.endswith("/login"):
            return
        if request.headers.get("X-Vault-Token") not in (self.token, *self.logins):
            raise Refusal(403, "permission denied")

    def error(self, refusal: Refusal) -> Any:
        return {"errors": [refusal.message] if refusal.message else []}

    def _refuse(self, request: Request, refusal: Refusal, headers: Any = None) -> Answer:
        """A 404 may have the metadata of what was deleted."""
        answer = super()._refuse(request, refusal, headers)
        deleted = getattr(refusal, "data", None)
        return answer._replace(body={"data": deleted}) if deleted else answer

    @route("POST", "/v1/auth/approle/login", fields={"role_id": str, "secret_id": optional(str)})
    def approle(self, request: Request) -> Answer:
        if (request.body["role_id"], request.body.get("secret_id")) != (self.role_id, self.secret_id):
            raise Refusal(400, "invalid role or secret ID")
        return self._logged_in()

    @route("POST", "/v1/auth/kubernetes/login", fields={"role": str, "jwt": str})
    def kubernetes(self, request: Request) -> Answer:
        if request.body["role"] != self.role:
            raise Refusal(400, f'invalid role name "{request.body["role"]}"')
        if request.body["jwt"] != self.jwt:
            raise Refusal(403, "permission denied")
        return self._logged_in()

    @route("GET", "/v1/sys/internal/ui/mounts/(?P<mount>.+)")
    def mount(self, request: Request, mount: str) -> Answer:
        versions = {"secret": "2", "old": "1"}
        if mount not in versions or not self.tells_mounts:
            raise Refusal(
                403, f'preflight capability check returned 403, please ensure access to path "{mount}/"'
            )
        return Answer(
            200, {"data": {"type": "kv", "path": f"{mount}/", "options": {"version": versions[mount]}}}
        )

    @route("GET", f"/v1/secret/data/{PATH}", query=["version"])
    def read(self, request: Request, path: str) -> Answer:
        versions = self._allowed(path)
        number = int(request.query.get("version", 0)) or len(versions)
        if not 0 < number <= len(versions):
            raise Refusal(404, "")
        gone = number <= len(versions) - self.most_versions
        data = None if gone else versions[number - 1]
        deleted = "" if data is not None else "2026-01-02T03:04:05Z"
        metadata = {"version": number, "deletion_time": deleted, "destroyed": gone}
        shown = {"data": data, "metadata": metadata}
        if data is None:
            refusal = Refusal(404, "")
            refusal.data = shown  # type: ignore[attr-defined]
            raise refusal
        return Answer(200, {"data": shown})

    @route("POST", f"/v1/secret/data/{PATH}", fields={"data": dict, "options": dict})
    def write(self, request: Request, path: str) -> Answer:
        versions = self._allowed(path)
        options, data = request.body["options"], request.body["data"]
        if set(options) != {"cas"} or not all(isinstance(value, str) for value in data.values()):
            raise Refusal(400, "error parsing options or data")
        if self.meanwhile:
            versions = self.secrets[path] = [*versions, self.meanwhile.pop(0)]
        if options["cas"] != len(versions):
            raise Refusal(400, "check-and-set parameter did not match the current version")
        versions.append(data)
        self.secrets[path] = versions
        return Answer(200, {"data": {"version": len(versions), "deletion_time": "", "destroyed": False}})

    # Version 1, which takes any path, and any object

    @route("GET", f"/v1/old/{PATH}")
    def read_old(self, request: Request, path: str) -> Answer:
        if path not in self.old:
            raise Refusal(404, "")
        return Answer(200, {"data": self.old[path]})

    @route("POST", f"/v1/old/{PATH}", fields={"data": dict, "options": dict})
    def write_old(self, request: Request, path: str) -> Answer:
        self.old[path] = request.body
        return Answer(204, None)

    @route("DELETE", f"/v1/old/{PATH}")
    def delete_old(self, request: Request, path: str) -> Answer:
        self.old.pop(path, None)
        return Answer(204, None)

    def _logged_in(self) -> Answer:
        self.logins.append(f"hvs.l0gged-in-{len(self.logins)}")
        auth = {
            "client_token": self.logins[-1],
            "policies": ["dns01"],
            "lease_duration": 600,
            "renewable": True,
        }
        return Answer(200, {"auth": auth})

    def _allowed(self, path: str) -> Secret:
        if not path.startswith("dns01/"):
            raise Refusal(403, "1 error occurred:\n\t* permission denied\n\n")
        return self.secrets.get(path, [])
