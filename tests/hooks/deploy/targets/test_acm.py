"""AWS Certificate Manager, as moto emulates it; what moto takes and ACM does not is refused by ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from bundles import issued, resigned
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from fakes.awshttp import Refusal, forget_aws
from fakes.moto import Acm
from refusals import error_of
from trustme import KeyType

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.acm import Target
from dns01.hooks.deploy.targets.base import CertificateFiles

GONE = "arn:aws:acm:us-east-1:123456789012:certificate/0f9d7d8e-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Acm]:
    forget_aws(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Acm() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ACM", aws.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield aws


@pytest.fixture
def client(aws: Acm) -> Any:
    """Another one than the target's."""
    return boto3.client("acm")


def target(**options: str) -> Target:
    opened = Target({"max_retries": "0", **options})
    opened.sleep = lambda seconds: None
    return opened


def arns(client: Any) -> list[str]:
    page = client.list_certificates(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]})
    return [summary["CertificateArn"] for summary in page["CertificateSummaryList"]]


def fingerprint_at(client: Any, arn: str) -> str:
    pem = client.get_certificate(CertificateArn=arn)["Certificate"]
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex()


def import_by_hand(client: Any, bundle: CertificateFiles) -> str:
    return str(
        client.import_certificate(
            Certificate=bundle.cert, PrivateKey=bundle.key, CertificateChain=bundle.chain
        )["CertificateArn"]
    )


# What is imported


def test_the_first_certificate_is_imported_and_tagged_with_its_name(client: Any, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    (change,) = target().changes(bundle)
    assert " us-east-1 " in change

    target(**{"tags.team": "web"}).install(bundle)

    (arn,) = arns(client)
    assert fingerprint_at(client, arn) == bundle.facts.fingerprint
    tags = client.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"dns01": "example.org", "team": "web"}
    assert target().changes(bundle) == []


@pytest.mark.parametrize("key", [KeyType.ECDSA, KeyType.RSA])
def test_a_renewed_one_keeps_the_arn_that_services_know(client: Any, tmp_path: Path, key: KeyType) -> None:
    """ListCertificates shows ECDSA certificates only to those who ask for them."""
    target().install(issued(tmp_path, key=key))
    (arn,) = arns(client)
    renewed = issued(tmp_path, key=key)
    assert target().changes(renewed) == [f"{arn} is re-imported"]

    target().install(renewed)

    assert arns(client) == [arn]
    assert fingerprint_at(client, arn) == renewed.facts.fingerprint


def test_what_is_there_already_is_not_imported_again(aws: Acm, tmp_path: Path) -> None:
    bundle = issued(tmp_path)
    target().install(bundle)
    aws.asked.clear()

    target().install(bundle)

    assert "ImportCertificate" not in aws.asked


def test_a_certificate_that_was_imported_by_hand_is_replaced_by_its_arn(client: Any, tmp_path: Path) -> None:
    arn = import_by_hand(client, issued(tmp_path))
    renewed = issued(tmp_path)

    target(arn=arn).install(renewed)

    assert arns(client) == [arn]
    assert fingerprint_at(client, arn) == renewed.facts.fingerprint


def test_of_one_that_was_imported_by_hand_it_is_said_that_it_is_not_replaced(
    client: Any, tmp_path: Path
) -> None:
    arn = import_by_hand(client, issued(tmp_path))
    assert target().changes(issued(tmp_path)) == [
        "it is imported into ACM in us-east-1 as a new certificate; not in place of "
        f"{arn}: for that, write its arn"
    ]


def test_it_is_found_on_any_page_of_the_list(client: Any, tmp_path: Path) -> None:
    for name in ("a.example", "b.example", "c.example") * 2:
        paging = target()
        paging.page = 1
        paging.install(issued(tmp_path / name, name))
    assert len(arns(client)) == 3


def test_certificates_of_other_names_are_left_alone(client: Any, tmp_path: Path) -> None:
    other = issued(tmp_path / "other", "other.example")
    target().install(other)
    (arn,) = arns(client)

    target().install(issued(tmp_path / "own"))

    assert len(arns(client)) == 2
    assert fingerprint_at(client, arn) == other.facts.fingerprint


def test_a_wildcard_is_found_again_though_tags_take_no_star(client: Any, tmp_path: Path) -> None:
    for _ in range(3):
        target().install(issued(tmp_path, "*.example.org"))
    (arn,) = arns(client)
    assert client.list_tags_for_certificate(CertificateArn=arn)["Tags"][0]["Value"] == "_.example.org"


def test_the_arn_says_in_which_region_it_is(
    monkeypatch: pytest.MonkeyPatch, client: Any, tmp_path: Path
) -> None:
    arn = import_by_hand(client, issued(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    renewed = issued(tmp_path)

    target(arn=arn).install(renewed)

    assert fingerprint_at(client, arn) == renewed.facts.fingerprint


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("options", "key_type", "message"),
    [
        ({}, "Ed25519", "ACM takes keys of"),
        ({}, "RSA 8192", "ACM takes keys of"),
        ({"used_by": "cloudfront"}, "EC P-384", "CloudFront takes keys of"),
        ({"used_by": "cloudfront", "region": "eu-west-1"}, "EC P-256", "from us-east-1 alone"),
    ],
)
def test_what_it_could_not_be_used_for_is_said_before(
    aws: Acm, tmp_path: Path, options: dict[str, str], key_type: str, message: str
) -> None:
    bundle = issued(tmp_path)
    bundle = bundle._replace(facts=bundle.facts._replace(key_type=key_type))
    assert message in str(error_of(lambda: target(**options).check(bundle)))
    assert aws.asked == []


def test_what_cloudfront_takes_is_taken(tmp_path: Path) -> None:
    target(used_by="cloudfront").check(issued(tmp_path))


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ({"chain": b""}, "ACM wants the chain"),
        ({"cert": b"x" * 32_769}, "the certificate has 32769 octets, and ACM takes 32768"),
        ({"key": b"x" * 5_121}, "the private key has 5121 octets, and ACM takes 5120"),
    ],
)
def test_parts_that_acm_refuses_are_not_sent(
    aws: Acm, tmp_path: Path, lacking: dict[str, bytes], message: str
) -> None:
    bundle = issued(tmp_path)._replace(**lacking)  # type: ignore[arg-type]
    assert message in str(error_of(lambda: target().check(bundle)))
    assert aws.asked == []


def test_another_type_of_key_is_no_re_import_and_the_old_one_stays(client: Any, tmp_path: Path) -> None:
    old = issued(tmp_path, key=KeyType.RSA)
    target().install(old)
    (arn,) = arns(client)

    for step in (target().changes, target().install):
        error = error_of(lambda step=step: step(issued(tmp_path)))  # type: ignore[misc]
        assert f"{arn} has a key of RSA 2048, which ACM does not let change; this one is EC P-256" in str(
            error
        )
    assert fingerprint_at(client, arn) == old.facts.fingerprint


def test_a_key_usage_less_is_no_re_import(client: Any, tmp_path: Path) -> None:
    old = issued(tmp_path)
    target().install(old)
    (arn,) = arns(client)
    lacking = resigned(old, [ExtendedKeyUsageOID.SERVER_AUTH])  # trustme's have codeSigning, too

    error = error_of(lambda: target().install(lacking))

    assert str(error) == (
        f"{arn} is for the key usage 1.3.6.1.5.5.7.3.3 as well, which ACM does not let go; this one is not"
    )
    assert fingerprint_at(client, arn) == old.facts.fingerprint


def test_client_authentication_is_what_acm_lets_go(client: Any, tmp_path: Path) -> None:
    both = resigned(issued(tmp_path), [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    target().install(both)
    (arn,) = arns(client)
    server_only = resigned(both, [ExtendedKeyUsageOID.SERVER_AUTH])

    target().install(server_only)

    assert fingerprint_at(client, arn) == server_only.facts.fingerprint


def test_two_certificates_with_the_same_tag_are_for_a_person_to_decide(client: Any, tmp_path: Path) -> None:
    target().install(issued(tmp_path))
    twin = import_by_hand(client, issued(tmp_path))
    tag = {"Key": "dns01", "Value": "example.org"}
    client.add_tags_to_certificate(CertificateArn=twin, Tags=[tag])

    error = error_of(lambda: target().install(issued(tmp_path)))

    assert all(arn in str(error) for arn in arns(client))


def test_an_arn_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    error = error_of(lambda: target(arn=GONE).changes(issued(tmp_path)))
    assert str(error) == f"there is no certificate {GONE} in this account"


@pytest.mark.parametrize(
    "arn", ["example.org", "arn:aws:iam::123456789012:server-certificate/web", "arn:aws:acm::1:certificate/2"]
)
def test_what_is_no_arn_of_acm_is_a_fault_of_the_configuration(arn: str) -> None:
    with pytest.raises(ConfigError, match="is not that of a certificate in ACM"):
        target(arn=arn)


def test_an_unknown_user_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="used_by: 'cloudfont' is none"):
        target(used_by="cloudfont")


# What may go wrong


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            Refusal(400, "AccessDeniedException", "no identity-based policy allows it"),
            "acm:ImportCertificate",
        ),
        (Refusal(400, "ThrottlingException", "Rate exceeded"), "AWS_MAX_RETRIES"),
        (Refusal(400, "LimitExceededException", "365 a year"), "365 a year"),
        (Refusal(500, "InternalFailure", "An error occurred"), "An error occurred"),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_what_aws_refuses_is_said_with_its_words_and_the_old_one_stays(
    aws: Acm, client: Any, tmp_path: Path, refusal: Refusal, words: str
) -> None:
    old = issued(tmp_path)
    target().install(old)
    (arn,) = arns(client)
    aws.trouble["ImportCertificate"] = refusal

    error = error_of(lambda: target().install(issued(tmp_path)))

    assert words in f"{error} {error.hint}"
    assert fingerprint_at(client, arn) == old.facts.fingerprint


@pytest.mark.parametrize("mischief", ["reset", "truncated", "html", "lost"])
def test_an_import_whose_answer_is_lost_is_not_done_twice(
    aws: Acm, client: Any, tmp_path: Path, mischief: Any
) -> None:
    bundle = issued(tmp_path)
    answer = aws.answer

    def lost_once(request: Any) -> Any:
        response = answer(request)
        if aws.asked[-1] == "ImportCertificate":
            aws.answer = answer  # type: ignore[method-assign]
            raise Refusal(500, "InternalFailure", "and yet it is imported")
        return response

    aws.answer = lost_once  # type: ignore[method-assign]
    error_of(lambda: target(max_retries="3").install(bundle))  # retries are for what reads
    aws.plan(mischief)  # for the first look of the next try
    with suppress(DeployError):
        target().install(bundle)

    target().install(bundle)

    (arn,) = arns(client)
    assert fingerprint_at(client, arn) == bundle.facts.fingerprint


def test_an_import_that_is_shown_late_is_looked_at_again(aws: Acm, tmp_path: Path) -> None:
    aws.trouble["GetCertificate"] = Refusal(400, "RequestInProgressException", "not yet")
    bundle = issued(tmp_path)

    target().install(bundle)

    assert aws.asked.count("GetCertificate") == 2
