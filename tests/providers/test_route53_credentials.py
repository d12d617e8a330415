"""Route 53: from wherever the AWS credentials come, and what is said where there are none."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contract import ZONES
from fakes.awscredentials import KEY, ROLE, SECRET, TOKEN, CredentialSources
from fakes.awshttp import Refusal, forget_aws
from fakes.route53 import Route53

from dns01.errors import AuthRejected, ConfigError
from dns01.hooks.config.load import load_settings, open_account
from dns01.providers import load

OWN = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
NAME = "_acme-challenge.example.com"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    forget_aws(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws" / "sso" / "cache").mkdir(parents=True)
    return tmp_path


@pytest.fixture(autouse=True)
def aws(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Route53]:
    with Route53(ZONES) as aws:
        aws.keys = {}
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", aws.url)
        yield aws


@pytest.fixture(autouse=True)
def sources(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CredentialSources]:
    with CredentialSources() as sources:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sources.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", sources.url)
        yield sources


class Machine:
    """What a test sets up: the environment, the files in ~/.aws."""

    def __init__(self, home: Path, url: str, setenv: Callable[[str, str], None]) -> None:
        self.url = url
        self.setenv = setenv
        self._aws = home / ".aws"

    def write(self, name: str, text: str) -> str:
        path = self._aws / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)


@pytest.fixture
def machine(home: Path, sources: CredentialSources, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(home, sources.url, monkeypatch.setenv)


def a_profile(machine: Machine) -> None:
    keys = f"aws_access_key_id={KEY}\naws_secret_access_key={SECRET}\naws_session_token={TOKEN}\n"
    machine.write("credentials", f"[web]\n{keys}")
    machine.setenv("AWS_PROFILE", "web")


def a_profile_with_a_role(machine: Machine) -> None:
    machine.write("credentials", "[own]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=secret\n")
    machine.write("config", f"[profile web]\nrole_arn={ROLE}\nsource_profile=own\nregion=us-east-1\n")
    machine.setenv("AWS_PROFILE", "web")


def a_process(machine: Machine) -> None:
    keys = {"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET, "SessionToken": TOKEN}
    path = machine.write("keys.json", json.dumps(keys))
    machine.write("config", f"[default]\ncredential_process=cat {path}\n")


def a_login_at_the_identity_center(machine: Machine) -> None:
    start = "https://example.awsapps.com/start"
    machine.write(
        "config",
        f"[default]\nsso_start_url={start}\nsso_region=us-east-1\n"
        "sso_account_id=123456789012\nsso_role_name=dns01\n",
    )
    token = {"accessToken": CredentialSources.bearer, "expiresAt": "2099-01-01T00:00:00Z"}
    machine.write(f"sso/cache/{hashlib.sha1(start.encode()).hexdigest()}.json", json.dumps(token))


def a_web_identity(machine: Machine) -> None:
    path = machine.write("token", CredentialSources.identity)
    machine.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path)
    machine.setenv("AWS_ROLE_ARN", ROLE)


def a_container(machine: Machine) -> None:
    machine.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{machine.url}/container")


def an_instance(machine: Machine) -> None:
    machine.setenv("AWS_EC2_METADATA_DISABLED", "false")
    machine.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.url)


def provider_from(environ: Any) -> Any:
    """As a call of the hook opens it."""
    settings = load_settings({"DNS01_PROVIDER": "route53", **environ})
    return open_account(settings.accounts_for(NAME)[0])


def asked_by_a_new_process() -> str:
    """What a process of its own finds or says; boto3 looks at HOME only once."""
    script = f"""
from dns01.errors import HookError
from dns01.providers import load
try:
    print(load("route53")({{}}).zone_for("{NAME}").id)
except HookError as error:
    print(type(error).__name__, error, error.hint)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    "source",
    [
        a_profile,
        a_profile_with_a_role,
        a_process,
        a_login_at_the_identity_center,
        a_web_identity,
        a_container,
        an_instance,
    ],
)
def test_every_source_that_boto3_knows_will_do(
    aws: Route53, machine: Machine, source: Callable[[Machine], None]
) -> None:
    aws.keys = {KEY: (SECRET, TOKEN)}
    source(machine)
    assert asked_by_a_new_process() == "Z1EXAMPLE"


class TestVariables:
    def test_a_key_is_enough(self, aws: Route53) -> None:
        aws.keys = {"AKIDEXAMPLE": ("secret", "")}
        assert provider_from({**OWN, "AWS_ENDPOINT_URL": aws.url}).zone_for(NAME).id == "Z1EXAMPLE"

    def test_a_key_with_a_session_token(self, aws: Route53) -> None:
        aws.keys = {"AKIDEXAMPLE": ("secret", "token")}
        variables = {**OWN, "AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_ROUTE_53": aws.url}
        assert provider_from(variables).zone_for(NAME).id == "Z1EXAMPLE"

    def test_a_key_wins_over_a_profile(self, aws: Route53) -> None:
        aws.keys = {"AKIDEXAMPLE": ("secret", "")}
        assert provider_from({**OWN, "AWS_PROFILE": "web"}).zone_for(NAME).id == "Z1EXAMPLE"

    @pytest.mark.parametrize("external_id", ["", "shared with us"])
    def test_a_role_is_assumed_once(self, aws: Route53, sources: CredentialSources, external_id: str) -> None:
        aws.keys = {KEY: (SECRET, TOKEN)}
        sources.external_id = external_id
        variables = {**OWN, "AWS_ASSUME_ROLE_ARN": ROLE, "AWS_EXTERNAL_ID": external_id}
        provider = provider_from(variables)
        provider.zone_for(NAME)
        sources.plan(*[Refusal(403, "AccessDenied", "not once more")] * 9)
        assert provider.zone_for(NAME).id == "Z1EXAMPLE"

    def test_a_role_that_may_not_be_assumed_is_named(self, sources: CredentialSources) -> None:
        sources.external_id = "another"
        variables = {**OWN, "AWS_ASSUME_ROLE_ARN": ROLE, "AWS_EXTERNAL_ID": "wrong"}
        with pytest.raises(AuthRejected, match=f"AKIDEXAMPLE do sts:AssumeRole on {ROLE}"):
            provider_from(variables).zone_for(NAME)


class TestNone:
    def test_no_credentials_anywhere(self) -> None:
        with pytest.raises(ConfigError, match="no credentials") as missing:
            load("route53")({}).zone_for(NAME)
        assert "AWS_ACCESS_KEY_ID" in missing.value.hint

    @pytest.mark.parametrize("half", OWN)
    def test_half_a_key(self, half: str) -> None:
        words = "^account route53: of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set$"
        with pytest.raises(ConfigError, match=words):
            provider_from({half: OWN[half]})

    def test_a_profile_that_is_not_there(self) -> None:
        with pytest.raises(ConfigError, match="nowhere"):
            provider_from({"AWS_PROFILE": "nowhere"})

    def test_a_login_that_has_expired(self, machine: Machine, sources: CredentialSources) -> None:
        a_login_at_the_identity_center(machine)
        sources.bearer = "a newer one"
        said = asked_by_a_new_process()
        assert said.startswith(
            "AuthRejected AWS: route53:ListHostedZonesByName cannot be asked: The SSO session"
        )
        assert "aws sso login" in said

    def test_a_web_identity_that_is_not_trusted(self, machine: Machine, sources: CredentialSources) -> None:
        a_web_identity(machine)
        sources.identity = "another"
        with pytest.raises(AuthRejected, match="AssumeRoleWithWebIdentity is refused"):
            load("route53")({}).zone_for(NAME)

    def test_a_number_of_retries_that_is_none(self) -> None:
        with pytest.raises(ConfigError, match="AWS_MAX_RETRIES: 'many'"):
            provider_from({**OWN, "AWS_MAX_RETRIES": "many"})

    def test_boto3_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "boto3", None)
        with pytest.raises(ConfigError, match="boto3 is not installed") as missing:
            provider_from(OWN)
        assert "dns01-hook[aws]" in missing.value.hint
