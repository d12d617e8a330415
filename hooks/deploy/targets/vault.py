"""A certificate in HashiCorp Vault or OpenBao: one secret of the engine KV, version 2, with check-and-set.

API: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2; logins:
https://developer.hashicorp.com/vault/api-docs/auth/approle and …/auth/kubernetes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ....errors import AuthRejected, ConfigError, DeployError
from ....options import Option
from ....providers.rest import NotFound, Refused, Rest, base_url
from ....secret import hide
from ._formats import plain_name, texts_of
from ._rest import ApiTarget, attempt, warn
from .base import CertificateFiles

LOGINS = ("token", "approle", "kubernetes")
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
LARGEST_SECRET = (
    1 << 20
)  # octets of a secret: Vault's own limit for what its storage takes at once, or below it

WRITES = 3  # tries, where another machine writes at the same time
POLLS = 5  # looks at what was written, until a server that lags shows it
POLL_INTERVAL = 1.0  # seconds between them


class Version(NamedTuple):
    """A version of a secret. ``number``: 0 where there is none yet; ``data``: None where it is deleted."""

    number: int
    data: Mapping[str, Any] | None


class VaultApi(Rest):
    """Vault's API, with what one login may do."""

    title = "Vault"
    docs = "https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2"
    permission = "a policy with create, update and read on MOUNT/data/PATH"
    keyless = True  # a service account's token is the machine's
    options = (
        base_url("VAULT_ADDR", "https://127.0.0.1:8200"),
        Option("namespace", ("VAULT_NAMESPACE",), "the namespace, where there are such"),
        Option("ca_file", ("VAULT_CACERT",), "the CAs that are trusted, as PEM; else those of the system"),
        Option("login", (), "token, approle or kubernetes", default="token"),
        Option("login_mount", (), "the path where the login's method is, if it is not its own name"),
        Option("token", ("VAULT_TOKEN",), "the token of the login token", secret=True),
        Option("role_id", ("VAULT_ROLE_ID",), "of the login approle"),
        Option("secret_id", ("VAULT_SECRET_ID",), "of the login approle, if its role wants one", secret=True),
        Option("role", (), "of the login kubernetes"),
        Option("jwt_file", (), "the service account's token for it", default=SERVICE_ACCOUNT),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self.ca_file = options.get("ca_file", "")
        self._method = options["login"]
        if self._method not in LOGINS:
            raise ConfigError(f"login: {self._method!r} is none", f"it is one of {', '.join(LOGINS)}")
        wanted = {"token": "token", "approle": "role_id", "kubernetes": "role"}[self._method]
        if not options.get(wanted):
            raise ConfigError(
                f"the login {self._method} lacks {wanted}",
                f"write {wanted} = … below the target",
            )
        self._token = options["token"] if self._method == "token" else ""

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        headers = {"X-Vault-Request": "true"}
        if self._token:
            headers["X-Vault-Token"] = self._token
        if namespace := self.given.get("namespace"):
            headers["X-Vault-Namespace"] = namespace
        return headers

    def is_rejection(self, status: int, body: Any) -> bool:
        """A login that is refused is a bad request to Vault."""
        words = str(body)
        of_login = status == 400 and ("invalid role" in words or "invalid secret" in words)
        return of_login or super().is_rejection(status, body)

    def open(self) -> None:
        """Log in, once for all requests."""
        if self._token:
            return
        if self._method == "approle":
            fields = {key: self.given[key] for key in ("role_id", "secret_id") if self.given.get(key)}
        else:
            fields = {"role": self.given["role"], "jwt": _service_account(self.given["jwt_file"])}
        mount = self.given.get("login_mount") or self._method
        token = self.post("v1", "auth", *mount.strip("/").split("/"), "login", **fields)["auth"][
            "client_token"
        ]
        hide(token)
        self._token = token

    def read(self, mount: Sequence[str], path: Sequence[str], number: int = 0) -> Version:
        """The secret's version of that number; 0: its last."""
        query = {"version": number} if number else {}
        try:
            found = self.get("v1", *mount, "data", *path, **query)
        except NotFound as missing:
            found = missing.body
        data = (found or {}).get("data") or {}
        return Version(data["metadata"]["version"], data["data"]) if data else Version(0, None)

    def write(
        self, mount: Sequence[str], path: Sequence[str], data: Mapping[str, str], after: int
    ) -> int | None:
        """A new version, if ``after`` is the last; gives its number, or None where it is not."""
        place = ("v1", *mount, "data", *path)
        try:
            written = self.post(*place, options={"cas": after}, data=data)
        except Refused as refused:
            if "check-and-set parameter did not match" in self.words(refused.body):
                return None
            raise
        if written is None:  # KV version 1 takes data/PATH for a path like any other
            with suppress(NotFound):
                self.delete_at(*place)
            raise _wrong_engine(mount)
        return int(written["data"]["version"])


class Target(ApiTarget[VaultApi]):
    """The policy needs ``create``, ``update`` and ``read`` on ``MOUNT/data/PATH``. The way back is the
    version before, written once more, as ``vault kv rollback`` does it."""

    options = (
        *VaultApi.options,
        Option("mount", (), "where the KV engine is", default="secret"),
        Option("path", (), "of the secret; {name} stands for the certificate's name", default="dns01/{name}"),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        mount, path = options.get("mount", "secret"), options.get("path", "dns01/{name}")
        vault = " ".join(options[key] for key in ("base_url", "namespace") if options.get(key))
        return [f"the secret {mount}/{path}{vault and f' of {vault}'}"]

    def __init__(self, options: Mapping[str, str]) -> None:
        self.api = VaultApi(options)
        self._mount = options["mount"].strip("/").split("/")
        self._path = options["path"].strip("/")
        if self._mount[-1] in ("", "data") or self._path.split("/")[0] in ("", "data"):
            raise ConfigError(
                f"mount {options['mount']!r} and path {options['path']!r} are not as `vault kv get` has them",
                'write mount = "secret" and path = "dns01/{name}": the data between them is the API\'s own',
            )

    def check(self, bundle: CertificateFiles) -> None:
        warn(self.api)
        size = sum(map(len, texts_of(bundle).values()))
        if size > LARGEST_SECRET:
            raise DeployError(
                f"the secret would have {size} characters, and Vault takes {LARGEST_SECRET}",
                "have the CA send a shorter chain",
            )

    def undo(self, bundle: CertificateFiles) -> None:
        """Nothing is done where another machine has written since."""
        attempt(self.api, bundle.name, lambda: self._undo(bundle))

    def _changes(self, bundle: CertificateFiles) -> list[str]:
        self.api.open()
        present = self.api.read(self._mount, self._at(bundle))
        if present.data == texts_of(bundle):
            return []
        if not present.number:
            self._check_engine()
        what = f"gets version {present.number + 1}" if present.number else "is created"
        return [f"the secret {self._called(bundle)} {what}"]

    def _install(self, bundle: CertificateFiles) -> None:
        self.api.open()
        path, wanted = self._at(bundle), texts_of(bundle)
        for _ in range(WRITES):
            present = self.api.read(self._mount, path)
            if present.data == wanted:
                return
            if number := self.api.write(self._mount, path, wanted, present.number):
                self._verify(bundle, number)
                return
        raise DeployError(
            f"the secret {self._called(bundle)} is written by somebody else again and again",
            f"see who that is: vault kv metadata get {self._called(bundle)}",
        )

    def _verify(self, bundle: CertificateFiles, number: int) -> None:
        """See that it is there. A server that is not the active one may lag behind."""
        for look in range(POLLS):
            if look:
                self.api.sleep(POLL_INTERVAL)
            present = self.api.read(self._mount, self._at(bundle))
            if present.number > number or present.data == texts_of(bundle):
                return
        raise DeployError(
            f"Vault took version {number} of {self._called(bundle)}, and does not show it",
            f"look again: vault kv get {self._called(bundle)}",
        )

    def _undo(self, bundle: CertificateFiles) -> None:
        self.api.open()
        path = self._at(bundle)
        present = self.api.read(self._mount, path)
        if present.data != texts_of(bundle):
            return
        before = (
            self.api.read(self._mount, path, present.number - 1) if present.number > 1 else Version(0, None)
        )
        if before.data is None:
            raise DeployError(
                f"the secret {self._called(bundle)} has no version before this one",
                "put the one that you want there, or have the client issue the certificate once more",
            )
        self.api.write(self._mount, path, before.data, present.number)

    def _check_engine(self) -> None:
        """Refuse KV version 1, where whoever logs in may know: the question is not open to everybody."""
        with suppress(Refused, AuthRejected):
            found = self.api.get("v1", "sys", "internal", "ui", "mounts", *self._mount)["data"]
            if found.get("type") == "kv" and (found.get("options") or {}).get("version") != "2":
                raise _wrong_engine(self._mount)

    def _at(self, bundle: CertificateFiles) -> list[str]:
        return self._path.replace("{name}", plain_name(bundle.name)).split("/")

    def _called(self, bundle: CertificateFiles) -> str:
        return "/".join([*self._mount, *self._at(bundle)])


def _wrong_engine(mount: Sequence[str]) -> DeployError:
    return DeployError(
        f"the engine at {'/'.join(mount)} is KV version 1, which has no versions and no check-and-set",
        f"turn it into version 2 (vault kv enable-versioning {'/'.join(mount)}), or name another mount",
    )


def _service_account(path: str) -> str:
    """The token that Kubernetes gives a pod. Raises ConfigError."""
    from ..certificate.leaf import content

    try:
        token = content(path).decode().strip()
    except (DeployError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the service account's token: {error}", "the login kubernetes is for pods"
        ) from None
    hide(token)
    return token
