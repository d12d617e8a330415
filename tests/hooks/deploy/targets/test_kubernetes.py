"""Kubernetes: Secrets by server-side apply, and who we are to a cluster; against a strict fake over TLS."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import refusals
import trustme
import yaml
from bundles import issued
from fakes import Fault
from fakes.kubernetes import Kubernetes

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets._kubeconfig import in_cluster
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.kubernetes import Target

NAME = "example.org-tls"


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return ca


@pytest.fixture
def cluster(ca: trustme.CA) -> Iterator[Kubernetes]:
    with Kubernetes(tls=ca) as cluster:
        yield cluster


class Kubeconfig:
    """A file with one context, whose user has a token; ``of(user={…})`` says otherwise."""

    def __init__(self, folder: Path, url: str) -> None:
        self.path = folder / "kubeconfig"
        self._folder = folder
        self._url = url

    def of(self, **parts: Any) -> str:
        ca_data = base64.b64encode((self._folder / "ca.crt").read_bytes()).decode()
        cluster = parts.get("cluster", {"server": self._url, "certificate-authority-data": ca_data})
        user = parts.get("user", {"token": Kubernetes.token})
        context = {"cluster": "test", "user": "dns01", **parts.get("context", {})}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": context}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "dns01", "user": user}],
        }
        return self.having(yaml.safe_dump(config))

    def having(self, text: str) -> str:
        self.path.touch(0o600)
        self.path.write_text(text)
        return str(self.path)


@pytest.fixture
def kubeconfig(tmp_path: Path, cluster: Kubernetes) -> Kubeconfig:
    return Kubeconfig(tmp_path, cluster.url)


def opened(path: str, **options: str) -> Target:
    """A target whose pauses are not slept through."""
    target = Target({"secret": "{name}-tls", "kubeconfig": path, **options})
    target.api.timeout, target.api.sleep = 0.5, lambda seconds: None
    return target


@pytest.fixture
def open(kubeconfig: Kubeconfig) -> Callable[..., Target]:
    return lambda **options: opened(kubeconfig.of(), **options)


def data(bundle: CertificateFiles) -> dict[str, str]:
    contents = {"tls.crt": bundle.fullchain, "tls.key": bundle.key}
    return {key: base64.b64encode(content).decode() for key, content in contents.items()}


def present(name: str = NAME, manager: str = "kubectl-create", **more: Any) -> dict[str, Any]:
    """A Secret that somebody else has made."""
    fields = {"f:data": {"f:tls.crt": {}, "f:tls.key": {}}}
    metadata = {
        "name": name,
        "managedFields": [{"manager": manager, "fieldsV1": fields}],
        **more.pop("metadata", {}),
    }
    old = {"tls.crt": "b2xk", "tls.key": "b2xk"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "kubernetes.io/tls",
        "data": old,
        **more,
    }


def error_of(action: Callable[[], object]) -> DeployError:
    return refusals.error_of(action, Kubernetes.token)


# What is written


def test_a_new_secret_is_created_but_not_by_the_look_at_what_would_change(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    assert open().changes(bundle) == ["the Secret default/example.org-tls is created"]
    assert cluster.secrets == {}

    open().install(bundle)

    secret = cluster.secrets["default", NAME]
    assert (secret["type"], secret["data"]) == ("kubernetes.io/tls", data(bundle))
    assert open().changes(bundle) == []


def test_every_namespace_gets_it(cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    open(namespace="default shop").install(bundle)
    assert {place: secret["data"] for place, secret in cluster.secrets.items()} == {
        ("default", NAME): data(bundle),
        ("shop", NAME): data(bundle),
    }


def test_none_is_changed_where_one_may_not_be(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    target = open(namespace="default locked")
    for step in (target.changes, target.install):
        assert "cannot patch resource" in str(error_of(lambda step=step: step(issued(tmp_path))))  # type: ignore
    assert cluster.secrets == {}


def test_what_is_there_already_is_not_written_again(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    open(namespace="default shop").install(bundle)
    cluster.requests.clear()

    open(namespace="default shop").install(bundle)

    assert {request.method for request in cluster.requests} == {"GET"}


def test_a_secret_that_somebody_made_by_hand_is_taken_over_and_that_is_said(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    cluster.secrets["default", NAME] = present(metadata={"labels": {"app": "shop"}})
    bundle = issued(tmp_path)
    assert open().changes(bundle) == [
        "the Secret default/example.org-tls is replaced, taken over from kubectl-create"
    ]

    open().install(bundle)

    secret = cluster.secrets["default", NAME]
    assert secret["data"] == data(bundle)
    assert secret["metadata"]["labels"] == {"app": "shop"}
    assert open().changes(issued(tmp_path)) == ["the Secret default/example.org-tls is replaced"]


def test_what_another_manager_calls_itself_does_nothing_to_a_terminal(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    cluster.secrets["default", NAME] = present(manager="\x1b[2Jkubectl\n")
    (line,) = open().changes(issued(tmp_path))
    assert line.isprintable()


def test_a_wildcard_has_a_name_that_kubernetes_takes(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path, "*.example.org")
    open().check(bundle)
    open().install(bundle)
    assert ("default", "wildcard.example.org-tls") in cluster.secrets


# What is left alone


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (
            present(type="Opaque"),
            "has the type Opaque, which cannot be changed; wanted is kubernetes.io/tls",
        ),
        (present(immutable=True), "is immutable"),
        (
            present(metadata={"annotations": {"cert-manager.io/certificate-name": "web"}}),
            "belongs to cert-manager's Certificate web",
        ),
        (
            present(metadata={"ownerReferences": [{"kind": "ExternalSecret", "name": "tls"}]}),
            "belongs to ExternalSecret tls",
        ),
        (present(type="\x1b[2J\nnothing is wrong"), "has the type \\x1b[2J nothing is wrong, which"),
        (
            present(metadata={"ownerReferences": [{"kind": "\x1b]0;", "name": "a\nb"}]}),
            "belongs to \\x1b]0; a b, which",
        ),
    ],
    ids=["type", "immutable", "cert-manager", "owner", "hostile type", "hostile owner"],
)
def test_a_secret_that_is_somebody_else_s_is_left_to_them(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path, secret: dict[str, Any], message: str
) -> None:
    cluster.secrets["default", NAME] = secret
    for step in (open().changes, open().install):
        assert message in str(error_of(lambda step=step: step(issued(tmp_path))))  # type: ignore[misc]
    assert cluster.secrets["default", NAME]["data"]["tls.crt"] == "b2xk"


@pytest.mark.parametrize("name", ["Example", "a_b", "-a", "a" * 254, "a..b"])
def test_a_name_that_kubernetes_does_not_take_is_refused_before_anything_is_sent(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path, name: str
) -> None:
    error = error_of(lambda: open(secret=name).check(issued(tmp_path)))
    assert str(error) == f"{name!r} cannot be the name of a Secret"
    assert cluster.requests == []


def test_a_secret_that_is_too_large_is_refused_before_anything_is_sent(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path
) -> None:
    bundle = issued(tmp_path)._replace(fullchain=b"x" * (1 << 20))
    error = str(error_of(lambda: open().check(bundle)))
    size = len(bundle.fullchain) + len(bundle.key)
    assert error == f"the Secret would have {size} octets, and Kubernetes takes 1048576"
    assert cluster.requests == []


def test_a_namespace_that_is_not_there_is_said_to_be_missing(
    open: Callable[..., Target], tmp_path: Path
) -> None:
    error = error_of(lambda: open(namespace="default shopp").changes(issued(tmp_path)))
    assert 'namespaces "shopp" not found' in str(error)


# Who we are


def test_a_pod_goes_by_its_service_account_whose_token_is_read_anew(
    ca: trustme.CA, cluster: Kubernetes, tmp_path: Path
) -> None:
    host, port = cluster.address
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
    (tmp_path / "namespace").write_text("shop")
    (tmp_path / "token").write_text("one that has expired")
    target = Target({"secret": NAME}, environ, str(tmp_path))
    error_of(lambda: target.install(issued(tmp_path)))
    (tmp_path / "token").write_text(f"{Kubernetes.token}\n")

    target.install(issued(tmp_path))

    assert list(cluster.secrets) == [("shop", NAME)]


def test_outside_of_a_cluster_a_kubeconfig_is_wanted() -> None:
    with pytest.raises(ConfigError) as caught:
        in_cluster({})
    assert str(caught.value) == (
        "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set), and no kubeconfig is named"
    )
    assert "kubeconfig" in caught.value.hint


@pytest.mark.parametrize("where", ["data", "file"])
def test_a_client_certificate_lets_in_and_its_key_is_on_no_disk(
    ca: trustme.CA, tmp_path: Path, where: str
) -> None:
    users = trustme.CA()
    own = users.issue_cert("dns01@example.org")
    key, certificate = own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes()
    user: dict[str, str] = {}
    for name, content in {"client-key": key, "client-certificate": certificate}.items():
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_bytes(content if where == "file" else b"")
        user |= {name: name} if where == "file" else {f"{name}-data": base64.b64encode(content).decode()}
    with Kubernetes(tls=ca, clients=users) as cluster:
        opened(Kubeconfig(tmp_path, cluster.url).of(user=user)).install(issued(tmp_path / "own"))
        assert list(cluster.secrets) == [("default", NAME)]


def test_a_context_may_be_named_and_has_its_namespace(
    cluster: Kubernetes, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    opened(kubeconfig.of(context={"namespace": "shop"}), context="here").install(issued(tmp_path))
    assert list(cluster.secrets) == [("shop", NAME)]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "logs in by exec, which dns01 does not do"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "logs in by auth-provider"),
        ({"user": {"username": "admin", "password": "x"}}, "logs in by username"),
        ({"user": {"token": "t", "as": "admin"}}, "logs in by as"),
        ({"user": {}}, "has neither a token nor a client certificate"),
        ({"user": {"client-certificate": "a.pem"}}, "only one is there"),
        ({"user": {"client-certificate-data": "?", "client-key-data": "?"}}, "is no base64"),
        ({"context": {"user": "nobody"}}, "has no user 'nobody'"),
        ({"cluster": {"server": "http://127.0.0.1:1"}}, "is no https:// address"),
        ({"cluster": {"server": "https://a", "insecure-skip-tls-verify": True}}, "is not to be verified"),
        ({"cluster": {"server": "https://a", "proxy-url": "http://b"}}, "proxy-url of the cluster test"),
    ],
)
def test_a_kubeconfig_that_does_not_do_is_said_to_and_why(
    kubeconfig: Kubeconfig, parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(kubeconfig.of(**parts))
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["[]", "a: [", "contexts: 5", "!!python/object/apply:os.system [true]", "&a [*a]", "[" * 5000]
)
def test_what_is_no_kubeconfig_is_no_traceback_and_runs_nothing(kubeconfig: Kubeconfig, text: str) -> None:
    with pytest.raises(ConfigError):
        opened(kubeconfig.having(text))


def test_a_kubeconfig_that_others_can_read_is_refused(kubeconfig: Kubeconfig) -> None:
    path = kubeconfig.of()
    os.chmod(path, 0o644)
    with pytest.raises(ConfigError) as refusal:
        opened(path)
    assert refusal.value.hint == f"chmod 600 {path}"


def test_another_context_than_there_is_is_a_fault_of_the_configuration(kubeconfig: Kubeconfig) -> None:
    with pytest.raises(ConfigError, match="has no context 'there'"):
        opened(kubeconfig.of(), context="there")


# What may go wrong


def test_a_server_that_another_ca_vouches_for_gets_no_token(
    cluster: Kubernetes, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")
    assert "SSL_CERT_FILE" in error_of(lambda: opened(kubeconfig.of()).install(issued(tmp_path))).hint
    assert cluster.requests == []


@pytest.mark.parametrize("fault", refusals.PASSING, ids=str)
def test_what_may_pass_does(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path, fault: Fault
) -> None:
    cluster.fail(copy(fault))
    bundle = issued(tmp_path)
    open().install(bundle)
    assert cluster.secrets["default", NAME]["data"] == data(bundle)


@pytest.mark.parametrize("fault", refusals.LASTING, ids=str)
def test_what_does_not_pass_is_said_within_its_time_and_the_old_one_stays(
    cluster: Kubernetes, open: Callable[..., Target], tmp_path: Path, fault: Fault
) -> None:
    old = issued(tmp_path)
    open().install(old)
    cluster.fail(copy(fault))
    target = open()
    target.api.budget = 1.0

    error_of(lambda: target.install(issued(tmp_path)))

    cluster.recover()
    assert cluster.secrets["default", NAME]["data"] == data(old)
