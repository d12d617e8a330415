"""Fastly: custom certificates and Platform TLS, against a strict fake over TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import refusals
import trustme
from bundles import issued
from fakes import FOREVER, Cut, Fault, Hang, Reset, Shape, Status, Text
from fakes.fastly import Fastly

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.fastly import Target


@pytest.fixture
def fastly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fastly]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Fastly(tls=ca) as fastly:
        yield fastly


@pytest.fixture(params=["custom", "platform"])
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Opener:
    """``open("custom")`` is a target whose pauses are taken down rather than slept through."""

    def __init__(self, fastly: Fastly) -> None:
        self.fastly = fastly
        self.pauses: list[float] = []

    def __call__(self, service: str = "custom", **options: str) -> Target:
        target = Target({"base_url": self.fastly.url, "token": Fastly.token, "service": service, **options})
        target.api.timeout, target.api.sleep = 0.5, self.pauses.append
        return target


@pytest.fixture
def open(fastly: Fastly) -> Opener:
    return Opener(fastly)


def serial(bundle: CertificateFiles) -> str:
    from cryptography import x509

    return f"{x509.load_pem_x509_certificate(bundle.cert).serial_number:x}"


def served(fastly: Fastly, bundle: CertificateFiles) -> bool:
    """Whether Fastly serves all of its names with it."""
    return {fastly.serves(name) for name in bundle.facts.names} == {serial(bundle)}


def error_of(action: Callable[[], object]) -> DeployError:
    return refusals.error_of(action, Fastly.token)


def test_a_new_certificate_is_uploaded_and_served_for_all_of_its_names(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    assert open(service).changes(bundle)[0] == (
        "a certificate for example.org, www.example.org is uploaded to Fastly"
    )

    open(service).install(bundle)

    assert served(fastly, bundle)
    assert open(service).changes(bundle) == []
    assert fastly.refusals == []


def test_a_renewed_one_replaces_the_old_and_the_old_key_goes(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path
) -> None:
    open(service).install(issued(tmp_path))
    renewed = issued(tmp_path / "renewed", days=80)
    (change,) = open(service).changes(renewed)
    assert change.endswith("is replaced")

    open(service).install(renewed)

    assert served(fastly, renewed)
    assert len(fastly.certificates) + len(fastly.bulk) == 1
    assert len(fastly.keys) == 1
    assert fastly.refusals == []


def test_what_is_served_already_is_not_sent_again(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path
) -> None:
    bundle = issued(tmp_path)
    open(service).install(bundle)
    fastly.requests.clear()

    open(service).install(bundle)

    assert {request.method for request in fastly.requests} == {"GET"}


def test_unused_keys_of_others_stay(fastly: Fastly, open: Opener, tmp_path: Path) -> None:
    other = {"id": "k1", "type": "tls_private_key", "attributes": {"name": "by hand"}, "public": b""}
    neighbour = {**other, "id": "k2", "attributes": {"name": "dns01 example.net 0123456789abcdef"}}
    fastly.keys |= {"k1": other, "k2": neighbour}

    open().install(issued(tmp_path))

    assert {"k1", "k2"} < set(fastly.keys)


def test_a_name_that_another_certificate_serves_is_switched_over(
    fastly: Fastly, open: Opener, tmp_path: Path
) -> None:
    open().install(issued(tmp_path / "one", "www.example.org"))
    open().install(issued(tmp_path / "two", "example.org"))
    both = issued(tmp_path / "both", days=80)

    open().install(both)

    assert served(fastly, both)


def test_a_name_that_would_lose_tls_stops_it_before_anything_is_written(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path
) -> None:
    old = issued(tmp_path)
    open(service).install(old)
    fastly.requests.clear()

    error = error_of(lambda: open(service).install(issued(tmp_path / "new", "example.org")))

    assert "serves www.example.org as well" in str(error)
    assert served(fastly, old)
    assert {request.method for request in fastly.requests} == {"GET"}


@pytest.mark.parametrize(
    ("key_type", "taken"),
    [("RSA 2048", True), ("EC P-256", True), ("EC P-384", False), ("RSA 4096", False)],
)
def test_a_key_that_fastly_does_not_take_is_refused_before_anything_is_sent(
    fastly: Fastly, open: Opener, tmp_path: Path, key_type: str, taken: bool
) -> None:
    bundle = issued(tmp_path)
    bundle = bundle._replace(facts=bundle.facts._replace(key_type=key_type))
    if taken:
        open().check(bundle)
    else:
        error = error_of(lambda: open().check(bundle))
        assert key_type in str(error)
        assert "KEY_ALGO=prime256v1" in error.hint
    assert fastly.requests == []


def test_the_accounts_default_configuration_is_used_unless_another_is_named(
    fastly: Fastly, open: Opener, tmp_path: Path
) -> None:
    open().install(issued(tmp_path, "example.org"))
    open(configuration="t1").install(issued(tmp_path, "example.net"))
    used = [each["relationships"]["tls_configuration"]["data"]["id"] for each in fastly.activations.values()]
    assert used == ["t2", "t1"]


def test_an_account_without_a_default_configuration_is_said(
    fastly: Fastly, open: Opener, tmp_path: Path
) -> None:
    del fastly.configurations["t2"]
    error = error_of(lambda: open().install(issued(tmp_path)))
    assert str(error) == "the Fastly account has no default TLS configuration"
    assert "configuration =" in error.hint


def test_lists_of_many_pages_are_read_to_their_end(fastly: Fastly, open: Opener, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    open().install(bundle)
    foreign = {"type": "tls_private_key", "attributes": {"name": "by hand"}, "public": b""}
    fastly.keys = {**{f"k{n}": {**foreign, "id": f"k{n}"} for n in range(250)}, **fastly.keys}

    open().install(issued(tmp_path / "renewed", days=80))

    assert len(fastly.keys) == 251


# What may go wrong


PASSING = [Status(429), Status(500), Status(500, done=True), Hang(), Hang(done=True), Reset(done=True)]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_what_may_pass_leaves_one_certificate_served(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path, fault: Fault
) -> None:
    bundle = issued(tmp_path)
    fastly.fail(type(fault)(**{**vars(fault), "writing": True}))

    open(service).install(bundle)

    assert served(fastly, bundle)
    assert len(fastly.keys) == len(fastly.certificates) + len(fastly.bulk) == 1
    assert open.pauses


@pytest.mark.parametrize("fault", [Cut(), Text(), Shape(), Status(400), Status(401)], ids=repr)
def test_what_does_not_pass_is_said_and_the_old_certificate_is_served_on(
    fastly: Fastly, open: Opener, service: str, tmp_path: Path, fault: Fault
) -> None:
    old = issued(tmp_path)
    open(service).install(old)
    fastly.fail(type(fault)(**{**vars(fault), "times": FOREVER}))

    error_of(lambda: open(service).install(issued(tmp_path / "renewed", days=80)))

    assert served(fastly, old)


def test_a_wrong_token_is_said_with_its_variable_and_what_it_needs(
    fastly: Fastly, open: Opener, tmp_path: Path
) -> None:
    error = error_of(lambda: open(token="another").changes(issued(tmp_path)))
    assert "FASTLY_API_TOKEN" in error.hint
    assert "the scope global" in str(error)


def test_a_service_that_is_none_is_a_fault_of_the_configuration(open: Opener) -> None:
    with pytest.raises(ConfigError, match="service: 'cdn' is none"):
        open("cdn")
