"""Vault's KV version 2: what is written, by whom, and the way back, against a strict fake over TLS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import hvac
import pytest
import refusals
import trustme
from bundles import fields, issued
from fakes import FOREVER, Fault, Json, Reset
from fakes.vault import Vault
from hvac.exceptions import InvalidRequest

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.vault import Target

PATH = "dns01/example.org"


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> Iterator[Vault]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(ca_file)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Vault(tls=ca) as vault:
        yield vault


class Opener:
    """``open()`` is a target whose pauses are taken down rather than slept through."""

    def __init__(self, vault: Vault, ca_file: Path) -> None:
        self._defaults = {
            **{option.key: option.default for option in Target.options if option.default},
            "base_url": vault.url,
            "ca_file": str(ca_file),
            "token": Vault.token,
        }
        self.pauses: list[float] = []

    def __call__(self, **options: str) -> Target:
        target = Target({**self._defaults, **options})
        target.api.timeout, target.api.sleep = 0.5, self.pauses.append
        return target


@pytest.fixture
def open(vault: Vault, ca_file: Path) -> Opener:
    return Opener(vault, ca_file)


@pytest.fixture
def client(vault: Vault, ca_file: Path) -> Any:
    """Somebody else's: a second opinion on the fake."""
    return hvac.Client(vault.url, Vault.token, verify=str(ca_file)).secrets.kv.v2


def shown(client: Any, path: str = PATH) -> Any:
    return client.read_secret_version(path, raise_on_deleted_version=True)["data"]["data"]


def error_of(action: Callable[[], object]) -> DeployError:
    return refusals.error_of(action, Vault.token, Vault.secret_id, Vault.jwt, "hvs.")


# What is written


def test_one_secret_has_it_all_and_others_read_it(
    vault: Vault, open: Opener, client: Any, tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    assert open().changes(bundle) == ["the secret secret/dns01/example.org is created"]

    open().install(bundle)

    assert shown(client) == fields(bundle)
    assert open().changes(bundle) == []
    assert [refusal[1] for refusal in vault.refusals] == [404, 404]  # that there is none yet


def test_a_renewed_one_is_a_new_version(open: Opener, client: Any, tmp_path: Path) -> None:
    open().install(issued(tmp_path))
    renewed = issued(tmp_path)
    assert open().changes(renewed) == ["the secret secret/dns01/example.org gets version 2"]

    open().install(renewed)

    assert shown(client) == fields(renewed)


def test_what_is_there_already_is_not_written_again(vault: Vault, open: Opener, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    open().install(bundle)
    vault.requests.clear()

    open().install(bundle)

    assert {request.method for request in vault.requests} == {"GET"}


def test_a_secret_that_was_deleted_gets_the_next_version(
    vault: Vault, open: Opener, client: Any, tmp_path: Path
) -> None:
    vault.secrets[PATH] = [{"a": "b"}, None]
    bundle = issued(tmp_path)
    assert open().changes(bundle) == ["the secret secret/dns01/example.org gets version 3"]

    open().install(bundle)

    assert shown(client) == fields(bundle)


def test_a_wildcard_has_no_star_which_policies_would_take_for_theirs(
    open: Opener, client: Any, tmp_path: Path
) -> None:
    bundle = issued(tmp_path, "*.example.org")
    open().install(bundle)
    assert shown(client, "dns01/_.example.org") == fields(bundle)


def test_what_another_machine_writes_meanwhile_is_a_version_of_its_own(
    vault: Vault, open: Opener, tmp_path: Path
) -> None:
    vault.meanwhile = [{"fingerprint": "theirs"}]
    bundle = issued(tmp_path)

    open().install(bundle)

    assert [version and version["fingerprint"] for version in vault.secrets[PATH]] == [
        "theirs",
        bundle.facts.fingerprint,
    ]


def test_check_and_set_is_as_strict_as_hvac_knows_it(client: Any) -> None:
    client.create_or_update_secret(PATH, {"a": "b"}, cas=0)
    with pytest.raises(InvalidRequest, match="check-and-set parameter did not match"):
        client.create_or_update_secret(PATH, {"a": "c"}, cas=0)


def test_a_secret_that_others_write_again_and_again_is_left_to_a_person(
    vault: Vault, open: Opener, tmp_path: Path
) -> None:
    vault.meanwhile = [{"fingerprint": f"theirs {number}"} for number in range(9)]
    error = error_of(lambda: open().install(issued(tmp_path)))
    assert str(error) == f"the secret secret/{PATH} is written by somebody else again and again"


# Who writes


def test_a_role_logs_in_once_and_its_token_is_used(
    vault: Vault, open: Opener, client: Any, tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    target = open(login="approle", role_id=Vault.role_id, secret_id=Vault.secret_id, token="")
    target.changes(bundle)
    target.install(bundle)
    assert shown(client) == fields(bundle)
    assert len(vault.logins) == 1


def test_a_pod_logs_in_with_its_service_account(
    vault: Vault, open: Opener, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "jwt").write_text(f"{Vault.jwt}\n")
    bundle = issued(tmp_path)
    open(login="kubernetes", role="dns01", jwt_file=str(tmp_path / "jwt"), token="").install(bundle)
    assert shown(client) == fields(bundle)


def test_a_namespace_is_said_with_every_request(vault: Vault, open: Opener, tmp_path: Path) -> None:
    vault.namespace = "team/web"
    bundle = issued(tmp_path)
    open(login="approle", role_id=Vault.role_id, secret_id=Vault.secret_id, namespace="team/web").install(
        bundle
    )
    assert vault.secrets[PATH] == [fields(bundle)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": "hvs.wrong"}, "permission denied"),
        ({"login": "approle", "role_id": Vault.role_id, "secret_id": "wrong"}, "invalid role or secret ID"),
        ({"path": "elsewhere/{name}"}, "permission denied"),
    ],
)
def test_who_may_not_is_told_which_policy_is_wanted(
    open: Opener, tmp_path: Path, options: dict[str, str], words: str
) -> None:
    error = error_of(lambda: open(**options).install(issued(tmp_path)))
    assert words in str(error)
    assert "a policy with create, update and read on MOUNT/data/PATH" in str(error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"login": "ldap"}, "login: 'ldap' is none"),
        ({"token": ""}, "the login token lacks token"),
        ({"login": "approle"}, "the login approle lacks role_id"),
        ({"login": "kubernetes"}, "the login kubernetes lacks role"),
    ],
)
def test_a_login_that_lacks_something_is_a_fault_of_the_configuration(
    open: Opener, options: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        open(**options)


@pytest.mark.parametrize("options", [{"mount": "secret/data"}, {"path": "data/dns01"}, {"mount": "/"}])
def test_a_path_of_the_api_is_not_taken_for_one_of_a_secret(open: Opener, options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"^mount '.*' and path '.*' are not as `vault kv get` has them$"):
        open(**options)


def test_outside_of_a_pod_the_login_kubernetes_says_that_it_is_for_pods(open: Opener, tmp_path: Path) -> None:
    target = open(login="kubernetes", role="dns01", jwt_file=str(tmp_path / "none"))
    assert error_of(lambda: target.changes(issued(tmp_path))).hint == "the login kubernetes is for pods"


# The way back


def test_undo_writes_the_version_before_once_more(open: Opener, client: Any, tmp_path: Path) -> None:
    old, new = issued(tmp_path), issued(tmp_path)
    open().install(old)
    open().install(new)

    open().undo(new)

    assert shown(client) == fields(old)
    open().install(new)
    assert shown(client) == fields(new)


def test_what_another_machine_has_written_since_is_not_undone(
    open: Opener, client: Any, tmp_path: Path
) -> None:
    ours, theirs = issued(tmp_path), issued(tmp_path)
    for bundle in (issued(tmp_path), ours, theirs):
        open().install(bundle)

    open().undo(ours)

    assert shown(client) == fields(theirs)


@pytest.mark.parametrize("before", [[], [None]], ids=["none", "deleted"])
def test_where_nothing_was_before_it_is_said_that_it_stays(
    vault: Vault, open: Opener, client: Any, tmp_path: Path, before: list[None]
) -> None:
    vault.secrets[PATH] = [*before]
    bundle = issued(tmp_path)
    open().install(bundle)
    error = error_of(lambda: open().undo(bundle))
    assert str(error) == f"the secret secret/{PATH} has no version before this one"
    assert shown(client) == fields(bundle)


# What may go wrong


@pytest.mark.parametrize("tells_mounts", [True, False])
def test_version_1_of_the_engine_is_refused_and_nothing_stays_there(
    vault: Vault, open: Opener, tmp_path: Path, tells_mounts: bool
) -> None:
    vault.tells_mounts = tells_mounts
    step = open(mount="old").changes if tells_mounts else open(mount="old").install
    error = error_of(lambda: step(issued(tmp_path)))
    assert str(error) == ("the engine at old is KV version 1, which has no versions and no check-and-set")
    assert vault.old == {}


def test_a_secret_that_is_too_large_is_refused_before_anything_is_sent(
    vault: Vault, open: Opener, tmp_path: Path
) -> None:
    bundle = issued(tmp_path)._replace(chain=b"x" * (1 << 20))
    error = str(error_of(lambda: open().check(bundle)))
    assert re.fullmatch(r"the secret would have \d+ characters, and Vault takes 1048576", error)
    assert vault.requests == []


def test_a_ca_that_nobody_knows_is_no_reason_to_send_a_token(
    vault: Vault, open: Opener, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    error = error_of(lambda: open(ca_file=str(tmp_path / "other.pem")).install(issued(tmp_path)))
    assert "SSL_CERT_FILE" in error.hint
    assert vault.requests == []


def test_a_ca_of_its_own_holds_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, open: Opener, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    open().install(issued(tmp_path))


@pytest.mark.parametrize("fault", [*refusals.PASSING, Reset()], ids=str)
def test_what_may_pass_leaves_one_version(
    vault: Vault, open: Opener, client: Any, tmp_path: Path, fault: Fault
) -> None:
    vault.fail(copy(fault))
    bundle = issued(tmp_path)

    open().install(bundle)

    assert vault.secrets[PATH] == [fields(bundle)]


@pytest.mark.parametrize("fault", [*refusals.LASTING, Json(body=[], times=FOREVER)], ids=str)
def test_what_does_not_pass_is_said_within_its_time_and_the_old_one_stays(
    vault: Vault, open: Opener, client: Any, tmp_path: Path, fault: Fault
) -> None:
    old = issued(tmp_path)
    open().install(old)
    vault.fail(copy(fault))
    target = open()
    target.api.budget = 1.0

    error_of(lambda: target.install(issued(tmp_path)))

    vault.recover()
    assert shown(client) == fields(old)
