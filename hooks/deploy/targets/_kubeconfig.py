"""Where a Kubernetes cluster is and who we are there: of a kubeconfig, or as a pod is told.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ and
https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ....errors import ConfigError, DeployError
from ....secret import hide, read_secret

A_TOKEN = "make a service account, and write its token there: kubectl create token NAME --duration=8760h"
POD = "/var/run/secrets/kubernetes.io/serviceaccount"


class Access(NamedTuple):
    """The address of a cluster, and the credentials for it. ``server``: a URL. ``ca_file``: PEM; empty: the
    CAs of the system. ``token_file`` is read at each login, for Kubernetes replaces it.
    ``client_certificate``: the files of a certificate and its key."""

    server: str
    namespace: str = "default"
    ca_file: str = ""
    token: str = ""
    token_file: str = ""
    client_certificate: tuple[str, str] | None = None


def in_cluster(environ: Mapping[str, str], folder: str = POD) -> Access:
    """The access that a pod is given by its mounted service account. Raises ConfigError."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise ConfigError(
            "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set), and no kubeconfig is named",
            'write kubeconfig = "/etc/dns01/kubeconfig" below the target',
        )
    if ":" in host:
        host = f"[{host}]"
    namespace = _read(os.path.join(folder, "namespace")).decode().strip()
    token_file, ca_file = (os.path.join(folder, name) for name in ("token", "ca.crt"))
    return Access(f"https://{host}:{port}", namespace, ca_file, token_file=token_file)


def from_kubeconfig(path: str, context: str = "") -> Access:
    """What the file says of a context; without one, of its current one. Raises ConfigError."""
    config = _parsed(path)
    name = context or config.get("current-context") or ""
    chosen = _named(config, "contexts", "context", name, path)
    cluster = _named(config, "clusters", "cluster", chosen.get("cluster", ""), path)
    user = _named(config, "users", "user", chosen.get("user", ""), path)
    _check_plain(cluster, user, chosen, path)
    beside = os.path.dirname(os.path.abspath(path))
    certificate = _file(user, "client-certificate", beside)
    key = _file(user, "client-key", beside)
    if bool(certificate) != bool(key):
        raise ConfigError(f"{path}: of client-certificate and client-key only one is there", "write both")
    token_file = user.get("tokenFile", "")
    access = Access(
        str(cluster["server"]),
        str(chosen.get("namespace") or "default"),
        _file(cluster, "certificate-authority", beside),
        str(user.get("token") or ""),
        os.path.join(beside, token_file) if token_file else "",
        (certificate, key) if certificate else None,
    )
    hide(access.token)
    if not (access.token or access.token_file or access.client_certificate):
        raise ConfigError(
            f"{path}: the user {chosen['user']} has neither a token nor a client certificate",
            A_TOKEN,
        )
    return access


def token_of(access: Access) -> str:
    """The bearer token as it is now; empty where there is none. Raises ConfigError."""
    if access.token or not access.token_file:
        return access.token
    token = _read(access.token_file).decode(errors="replace").strip()
    hide(token)
    return token


def _check_plain(
    cluster: Mapping[str, Any], user: Mapping[str, Any], context: Mapping[str, Any], path: str
) -> None:
    """Refuse what we do not do, and what would give the credentials to anybody."""
    for way in ("exec", "auth-provider", "username", "as"):
        if user.get(way):
            raise ConfigError(
                f"{path}: the user {context['user']} logs in by {way}, which dns01 does not do",
                A_TOKEN,
            )
    if cluster.get("insecure-skip-tls-verify"):
        raise ConfigError(
            f"{path}: the cluster {context['cluster']} is not to be verified: anybody could have the key",
            "write its CA as certificate-authority-data, and take insecure-skip-tls-verify out",
        )
    for key in ("tls-server-name", "proxy-url"):
        if cluster.get(key):
            raise ConfigError(
                f"{path}: {key} of the cluster {context['cluster']} is not known to dns01",
                "name the server as its certificate does, and a proxy in HTTPS_PROXY",
            )
    if not str(cluster.get("server", "")).startswith("https://"):
        raise ConfigError(
            f"{path}: the server of the cluster {context['cluster']} is no https:// address",
            "write server: https://HOST:6443",
        )


def _parsed(path: str) -> Mapping[str, Any]:
    """The file has secrets, and is read as such."""
    try:
        import yaml
    except ImportError as error:
        raise ConfigError(
            "PyYAML is not installed, which a kubeconfig wants", "pip install 'dns01-hook[kubernetes]'"
        ) from error
    text = read_secret(path)
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        # its own words quote the file
        raise ConfigError(
            f"{path} is no YAML ({type(error).__name__})", "kubectl config view --kubeconfig shows where"
        ) from None
    if not isinstance(config, dict):
        raise ConfigError(
            f"{path} is no kubeconfig", "kubectl config view --raw --flatten --minify writes one"
        )
    return config


def _named(config: Mapping[str, Any], table: str, kind: str, name: str, path: str) -> Mapping[str, Any]:
    entries = config.get(table)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(kind), dict):
            return entry[kind]  # type: ignore[no-any-return]
    raise ConfigError(
        f"{path} has no {kind} {name!r}",
        'name one with context = "…": kubectl config get-contexts lists them',
    )


def _file(table: Mapping[str, Any], key: str, beside: str) -> str:
    """The path of a file that the table names, or of one that has what it says; empty where it is silent.

    OpenSSL takes keys from files only: what stands in the kubeconfig itself is put into memory that has
    a path, and never on a disk.
    """
    if data := table.get(f"{key}-data"):
        try:
            content = base64.b64decode(data, validate=True)
        except (ValueError, TypeError):
            raise ConfigError(
                f"{key}-data is no base64", "kubectl config view --raw --flatten writes it"
            ) from None
        return _in_memory(key, content)
    return os.path.join(beside, str(table[key])) if table.get(key) else ""


@cache
def _in_memory(name: str, content: bytes) -> str:
    """The path of a file with that content, one for all targets that want the same."""
    descriptor = os.memfd_create(f"dns01-{name}", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return f"/proc/self/fd/{descriptor}"


def _read(path: str) -> bytes:
    from ..certificate.leaf import content

    try:
        return content(path)
    except DeployError as error:
        raise ConfigError(str(error), error.hint) from None
