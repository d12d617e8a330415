"""AWS Secrets Manager, as moto emulates it: what is written, what is not, and the way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from bundles import fields, issued, resigned
from fakes.awshttp import Refusal, forget_aws
from fakes.moto import Moto

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.secretsmanager import Target

SECRET = "dns01/example.org"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Moto]:
    forget_aws(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Moto("secretsmanager") as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield aws


@pytest.fixture
def client(aws: Moto) -> Any:
    """Another one than the target's."""
    return boto3.client("secretsmanager")


def target(**options: str) -> Target:
    defaults = {option.key: option.default for option in Target.options if option.default}
    return Target({**defaults, "max_retries": "0", **options})


def now_in(client: Any, name: str = SECRET) -> Any:
    # the stage is AWS's default, but not moto's
    return client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"]


# What is written


def test_one_secret_has_it_all(client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    assert target().changes(bundle) == ["the secret dns01/example.org is created"]

    target().install(bundle)

    assert json.loads(now_in(client)) == fields(bundle)
    assert target().changes(bundle) == []


def test_three_secrets_where_services_expect_them_apart(client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)

    target(layout="split", name="tls/{part}/{name}").install(bundle)

    for part, content in {"privkey": bundle.key, "cert": bundle.cert, "chain": bundle.chain}.items():
        assert now_in(client, f"tls/{part}/example.org") == content.decode()


def test_three_secrets_never_share_one_name(client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    target(layout="split").install(bundle)
    assert now_in(client, f"{SECRET}/privkey") == bundle.key.decode()


def test_a_wildcards_name_has_no_star_which_aws_does_not_take(client: Any, tmp_path: Path) -> None:
    target().install(issued(tmp_path, "*.example.org"))
    assert now_in(client, "dns01/_.example.org")


def test_what_is_there_already_is_not_written_again(aws: Moto, client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    target().install(bundle)
    aws.asked.clear()

    target().install(bundle)

    assert aws.asked == ["GetSecretValue"]


def test_a_new_certificate_is_a_new_version_named_after_what_is_in_it(client: Any, tmp_path: Path) -> None:
    target().install(issued(tmp_path))
    renewed = issued(tmp_path)
    assert target().changes(renewed) == ["the secret dns01/example.org gets a new version"]

    target().install(renewed)

    there = client.get_secret_value(SecretId=SECRET, VersionStage="AWSCURRENT")
    assert json.loads(there["SecretString"])["fingerprint"] == renewed.facts.fingerprint
    assert there["VersionId"] == hashlib.sha256(there["SecretString"].encode()).hexdigest()


def test_a_secret_that_is_created_gets_the_key_and_the_tags_of_the_configuration(
    client: Any, tmp_path: Path
) -> None:
    target(**{"kms_key": "alias/tls", "tags.team": "web", "tags.made-by": "dns01"}).install(issued(tmp_path))

    described = client.describe_secret(SecretId=SECRET)
    assert described["KmsKeyId"] == "alias/tls"
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {"team": "web", "made-by": "dns01"}


def test_a_secret_that_is_marked_for_deletion_is_restored(client: Any, tmp_path: Path) -> None:
    target().install(issued(tmp_path))
    client.delete_secret(SecretId=SECRET)
    renewed = issued(tmp_path)
    (change,) = target().changes(renewed)
    assert change == f"the secret {SECRET} is restored from deletion, and gets a new version"
    with pytest.raises(client.exceptions.InvalidRequestException):
        now_in(client)

    target().install(renewed)

    assert json.loads(now_in(client))["fingerprint"] == renewed.facts.fingerprint


def test_a_secret_that_another_machine_creates_meanwhile_gets_a_version(
    aws: Moto, client: Any, tmp_path: Path
) -> None:
    client.create_secret(Name=SECRET, SecretString="of the other machine")
    missing = Refusal(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    aws.trouble["GetSecretValue"] = missing
    bundle = issued(tmp_path)

    target().install(bundle)

    assert json.loads(now_in(client))["fingerprint"] == bundle.facts.fingerprint


# The way back


def test_undo_makes_the_version_before_current_again(client: Any, tmp_path: Path) -> None:
    old = issued(tmp_path)
    target().install(old)
    new = issued(tmp_path)
    target().install(new)

    target().undo(new)

    assert json.loads(now_in(client))["fingerprint"] == old.facts.fingerprint
    assert target().changes(old) == []


def test_what_was_undone_can_be_installed_after_all(client: Any, tmp_path: Path) -> None:
    """Its version is there already, and writing it again would leave the old one current."""
    target().install(issued(tmp_path))
    new = issued(tmp_path)
    target().install(new)
    target().undo(new)
    assert target().changes(new) != []

    target().install(new)

    assert json.loads(now_in(client))["fingerprint"] == new.facts.fingerprint


def test_undo_of_the_very_first_leaves_it(client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    target().install(bundle)
    target().undo(bundle)
    assert json.loads(now_in(client))["fingerprint"] == bundle.facts.fingerprint


def parts_in(client: Any) -> list[bytes]:
    return [now_in(client, f"dns01/example.org/{part}").encode() for part in ("privkey", "cert", "chain")]


def test_of_three_secrets_those_stay_that_the_certificate_before_has_in_common_with_this_one(
    client: Any, tmp_path: Path
) -> None:
    """A chain seldom changes, and a key may be kept: the version before them is of an older certificate."""
    oldest = issued(tmp_path)._replace(chain=b"another chain")
    old, new = issued(tmp_path), issued(tmp_path)
    for bundle in (oldest, old, new):
        target(layout="split").install(bundle)

    target(layout="split").undo(new)

    assert parts_in(client) == [old.key, old.cert, old.chain]


def test_a_key_that_was_kept_stays_with_the_certificate_before(client: Any, tmp_path: Path) -> None:
    oldest, old = issued(tmp_path), issued(tmp_path)
    new = resigned(old)
    for bundle in (oldest, old, new):
        target(layout="split").install(bundle)

    target(layout="split").undo(new)

    assert parts_in(client) == [old.key, old.cert, old.chain]


@pytest.mark.parametrize("layout", ["json", "split"])
def test_what_another_machine_has_written_since_is_not_undone(
    client: Any, tmp_path: Path, layout: str
) -> None:
    old, ours = issued(tmp_path), issued(tmp_path)
    theirs = resigned(ours)
    for bundle in (old, ours, theirs):
        target(layout=layout).install(bundle)

    target(layout=layout).undo(ours)

    assert target(layout=layout).changes(theirs) == []


def test_of_three_secrets_none_is_new_where_one_was_refused(aws: Moto, client: Any, tmp_path: Path) -> None:
    old, new = issued(tmp_path), issued(tmp_path)
    target(layout="split").install(old)
    client.delete_secret(SecretId="dns01/example.org/cert", ForceDeleteWithoutRecovery=True)
    aws.trouble["CreateSecret"] = Refusal(400, "AccessDeniedException", "no identity-based policy allows it")

    with pytest.raises(DeployError, match="CreateSecret"):
        target(layout="split").install(new)

    assert now_in(client, "dns01/example.org/privkey").encode() == old.key


# What may go wrong


def test_a_secret_that_is_too_large_is_refused_before_anything_is_sent(aws: Moto, tmp_path: Path) -> None:
    bundle = issued(tmp_path)._replace(chain=b"x" * 70_000)
    with pytest.raises(DeployError, match=r"dns01/example\.org would have \d+ bytes, and AWS takes 65536"):
        target().check(bundle)
    assert aws.asked == []


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(400, "AccessDeniedException", "no identity-based policy allows it"), "PutSecretValue"),
        (Refusal(429, "ThrottlingException", "Rate exceeded"), "AWS_MAX_RETRIES"),
        (Refusal(400, "DecryptionFailure", "The key is disabled"), "The key is disabled"),
        (Refusal(500, "InternalServiceError", "An error occurred"), "An error occurred"),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_what_aws_refuses_is_said_with_its_words_and_what_to_do(
    aws: Moto, tmp_path: Path, client: Any, refusal: Refusal, words: str
) -> None:
    old = issued(tmp_path)
    target().install(old)
    aws.trouble["PutSecretValue"] = refusal

    with pytest.raises(DeployError) as caught:
        target().install(issued(tmp_path))

    assert words in f"{caught.value} {caught.value.hint}"
    assert SECRET in str(caught.value)
    assert caught.value.hint
    assert "PRIVATE KEY" not in str(caught.value) + caught.value.hint
    assert json.loads(now_in(client))["fingerprint"] == old.facts.fingerprint


@pytest.mark.parametrize("mischief", ["reset", "truncated", "html", "lost"])
def test_an_answer_that_makes_no_sense_is_an_error_and_the_next_try_is_right(
    aws: Moto, client: Any, tmp_path: Path, mischief: Any
) -> None:
    bundle = issued(tmp_path)
    aws.plan(mischief)

    with pytest.raises(DeployError) as caught:
        target().install(bundle)

    assert caught.value.hint
    target().install(bundle)
    assert json.loads(now_in(client))["fingerprint"] == bundle.facts.fingerprint


def test_throttling_within_the_budget_of_retries_is_waited_out(
    aws: Moto, client: Any, tmp_path: Path
) -> None:
    aws.plan(Refusal(400, "ThrottlingException", "Rate exceeded"))
    bundle = issued(tmp_path)
    target(max_retries="2").install(bundle)
    assert json.loads(now_in(client))["fingerprint"] == bundle.facts.fingerprint


def test_a_layout_that_is_none_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="layout: 'both' is none"):
        target(layout="both")
