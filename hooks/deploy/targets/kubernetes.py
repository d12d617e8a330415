"""A certificate in Kubernetes: a Secret of the type kubernetes.io/tls in each namespace.

API: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/. It is
applied by the server (https://kubernetes.io/docs/reference/using-api/server-side-apply/); the field manager
is ``dns01``.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....errors import ConfigError, DeployError
from ....options import Option
from ....output import printable
from ....providers.rest import Refused, Rest
from ._kubeconfig import POD, Access, from_kubeconfig, in_cluster, token_of
from ._rest import ApiTarget
from .base import CertificateFiles

MANAGER = "dns01"
TYPE = "kubernetes.io/tls"
APPLY = {"Content-Type": "application/apply-patch+yaml"}  # of which JSON is a part
LARGEST_SECRET = 1 << 20  # octets of a Secret (its documentation: 1 MiB)
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")  # RFC 1123
CERT_MANAGER = "cert-manager.io/certificate-name"  # an annotation


class KubernetesApi(Rest):
    """The API of one cluster, as the user of its access."""

    title = "Kubernetes"
    docs = "https://kubernetes.io/docs/reference/using-api/server-side-apply/"
    permission = "a role with get, create and patch on secrets"
    keyless = True
    options = ()

    def __init__(self, access: Access) -> None:
        super().__init__({"base_url": access.server})
        self._access = access
        self.ca_file = access.ca_file
        self.client_certificate = access.client_certificate

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        token = token_of(self._access)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def words(self, body: Any) -> str:
        """The message of a Status, which has other texts beside it."""
        return str(body["message"])


class Target(ApiTarget[KubernetesApi]):
    """There is no way back: what was in the Secret is not kept. All namespaces are tried (``dryRun=All``)
    before the first is changed."""

    options = (
        Option("secret", (), "the Secret's name; {name} stands for the certificate's", default="{name}-tls"),
        Option("namespace", (), "where it is: one or more, with spaces between; else that of the kubeconfig"),
        Option("kubeconfig", (), "the file that says where the cluster is; without it, this is a pod of it"),
        Option("context", (), "a context of the kubeconfig, if not its current one"),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        cluster = f"{options.get('kubeconfig', '')} {options.get('context', '')}".strip()
        namespaces = options.get("namespace", "").replace(",", " ").split() or [""]
        name = options.get("secret", "{name}-tls")
        return [f"the Secret {namespace}/{name}{cluster and f' of {cluster}'}" for namespace in namespaces]

    def __init__(
        self, options: Mapping[str, str], environ: Mapping[str, str] = os.environ, pod: str = POD
    ) -> None:
        """``pod``: where a pod's service account is mounted. Raises ConfigError."""
        kubeconfig, context = options.get("kubeconfig", ""), options.get("context", "")
        if context and not kubeconfig:
            raise ConfigError("context: there is no kubeconfig that has it", 'write kubeconfig = "…" as well')
        access = from_kubeconfig(kubeconfig, context) if kubeconfig else in_cluster(environ, pod)
        self.api = KubernetesApi(access)
        self._secret = options["secret"]
        self._namespaces = options.get("namespace", "").replace(",", " ").split() or [access.namespace]

    def check(self, bundle: CertificateFiles) -> None:
        name = self._named(bundle)
        if not SUBDOMAIN.fullmatch(name) or len(name) > 253:
            raise DeployError(
                f"{name!r} cannot be the name of a Secret",
                'name it otherwise: secret = "…" below the target, of lower-case letters, digits, - and .',
            )
        if (size := len(bundle.fullchain) + len(bundle.key)) > LARGEST_SECRET:
            raise DeployError(
                f"the Secret would have {size} octets, and Kubernetes takes {LARGEST_SECRET}",
                "have the CA send a shorter chain",
            )

    def _changes(self, bundle: CertificateFiles) -> list[str]:
        lines = []
        for namespace, present in self._differing(bundle).items():
            self._apply(namespace, bundle, dryRun="All")
            where = f"the Secret {namespace}/{self._named(bundle)}"
            if present is None:
                lines.append(f"{where} is created")
            else:
                others = _list(_managers(present) - {MANAGER})
                lines.append(f"{where} is replaced{others and f', taken over from {others}'}")
        return lines

    def _install(self, bundle: CertificateFiles) -> None:
        differing = self._differing(bundle)
        for namespace in differing:
            self._apply(namespace, bundle, dryRun="All")
        for namespace in differing:
            self._apply(namespace, bundle)
        if left := self._differing(bundle):
            raise DeployError(
                f"Kubernetes took the Secret {self._named(bundle)}, and shows another one in {_list(left)}",
                f"see who writes it: kubectl -n {next(iter(left))} get secret {self._named(bundle)} "
                "-o yaml --show-managed-fields",
            )

    def _differing(self, bundle: CertificateFiles) -> dict[str, Mapping[str, Any] | None]:
        """The namespaces that have not got it, and what they have."""
        found = {}
        for namespace in self._namespaces:
            present = self.api.get_if_there(*_path(namespace), self._named(bundle))
            if present:
                _check_owner(namespace, self._named(bundle), present)
            if present is None or (present.get("type"), _data(present)) != (TYPE, _wanted(bundle)):
                found[namespace] = present
        return found

    def _apply(self, namespace: str, bundle: CertificateFiles, **more: str) -> None:
        name = self._named(bundle)
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": TYPE,
            "data": _wanted(bundle),
        }
        query = {"fieldManager": MANAGER, "force": "true", **more}
        try:
            self.api.request("PATCH", (*_path(namespace), name), query, secret, headers=APPLY)
        except Refused as refused:
            raise DeployError(f"{namespace}/{name}: {refused}", refused.hint) from None

    def _named(self, bundle: CertificateFiles) -> str:
        return self._secret.replace("{name}", bundle.name.replace("*", "wildcard"))


def _path(namespace: str) -> tuple[str, ...]:
    return "api", "v1", "namespaces", namespace, "secrets"


def _wanted(bundle: CertificateFiles) -> dict[str, str]:
    contents = {"tls.crt": bundle.fullchain, "tls.key": bundle.key}
    return {key: b64encode(content).decode() for key, content in contents.items()}


def _data(secret: Mapping[str, Any]) -> dict[str, Any]:
    """What of it is ours to say."""
    return {key: value for key, value in (secret.get("data") or {}).items() if key in ("tls.crt", "tls.key")}


def _check_owner(namespace: str, name: str, secret: Mapping[str, Any]) -> None:
    """Refuse what would be refused, and what somebody else would write over at once."""
    metadata = secret["metadata"]
    where = f"the Secret {namespace}/{name}"
    if secret.get("type") != TYPE:
        raise DeployError(
            f"{where} has the type {_list([secret.get('type')])}, which cannot be changed; wanted is {TYPE}",
            f"delete it, if nothing else uses it: kubectl -n {namespace} delete secret {name}",
        )
    if secret.get("immutable"):
        raise DeployError(
            f"{where} is immutable",
            f"delete it, or name another one: kubectl -n {namespace} delete secret {name}",
        )
    owners = [f"{owner['kind']} {owner['name']}" for owner in metadata.get("ownerReferences") or ()]
    if certificate := (metadata.get("annotations") or {}).get(CERT_MANAGER):
        owners.append(f"cert-manager's Certificate {certificate}")
    if owners:
        raise DeployError(
            f"{where} belongs to {_list(owners)}, which would write it over again",
            "delete that one first, or name another Secret and have the Ingress use it",
        )


def _managers(secret: Mapping[str, Any]) -> set[str]:
    """Who has written what we are about to write."""
    return {
        str(entry["manager"])
        for entry in secret["metadata"].get("managedFields") or ()
        if {"f:tls.crt", "f:tls.key"} & set((entry.get("fieldsV1") or {}).get("f:data", ()))
    }


def _list(things: Iterable[object]) -> str:
    """Names that the API gives, on one line and harmless on a terminal."""
    return ", ".join(sorted(printable(" ".join(str(thing).split())) for thing in things))
