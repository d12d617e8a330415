"""A certificate in AWS Certificate Manager (ACM): imported once, then re-imported under the same ARN.

API: https://docs.aws.amazon.com/acm/latest/APIReference/API_ImportCertificate.html; what a re-import may
change: https://docs.aws.amazon.com/acm/latest/userguide/import-reimport.html.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .... import aws
from ....errors import ConfigError, DeployError
from ....options import Option
from ._aws import AwsService, RefusedByAws, tags_in
from ._formats import plain_name
from .base import CertificateFiles

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

TAG = "dns01"  # its value is the certificate's name
# What ACM imports, by our names and its own; ListCertificates shows RSA keys alone unless it is told them.
KEY_TYPES = {
    "RSA 1024": "RSA_1024",
    "RSA 2048": "RSA_2048",
    "RSA 3072": "RSA_3072",
    "RSA 4096": "RSA_4096",
    "EC P-256": "EC_prime256v1",
    "EC P-384": "EC_secp384r1",
    "EC P-521": "EC_secp521r1",
}
CLOUDFRONT_REGION = "us-east-1"
CLOUDFRONT_KEY_TYPES = ("RSA 2048", "RSA 3072", "RSA 4096", "EC P-256")
LARGEST_PARTS = {"certificate": 32768, "private key": 5120, "chain": 2097152}  # octets

MOST_PAGES = 100  # of the list of certificates
POLLS = 5  # looks at what was imported, until it is there
LOOK_INTERVAL = 1.0  # seconds between them

MISSING = "ResourceNotFoundException"
IN_PROGRESS = "RequestInProgressException"


class _Present(NamedTuple):
    """What ACM has under an ARN; ``certificates`` begin with the leaf."""

    arn: str
    certificates: Sequence[Certificate]


class Target:
    """There is no way back: ACM does not give out the private key that it had. The old certificate stays
    where a new one is refused.

    The credentials need acm:ImportCertificate, GetCertificate, ListCertificates, ListTagsForCertificate and
    AddTagsToCertificate; with ``arn``, the first two.
    """

    options = (
        Option("arn", (), "the certificate to replace; without it, the one with the tag dns01 = its name"),
        Option("used_by", (), "cloudfront: refuse beforehand what CloudFront does not take"),
        Option("tags", (), "further tags of a certificate that is imported for the first time", table=True),
        *aws.OPTIONS,
    )
    sleep: Callable[[float], None] = staticmethod(time.sleep)
    page = 100  # certificates on each page of the list

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return [options["arn"]] if options.get("arn") else []

    def __init__(self, options: Mapping[str, str]) -> None:
        self._arn = options.get("arn", "")
        if self._arn:
            options = {**options, "region": _region_of(self._arn)}
        self._tags = tags_in(options)
        self._for_cloudfront = options.get("used_by", "") == "cloudfront"
        if options.get("used_by") and not self._for_cloudfront:
            raise ConfigError(f"used_by: {options['used_by']!r} is none", "it is cloudfront, or not written")
        self._acm = AwsService("acm", options)
        # An import whose answer is lost has been done all the same: sent again, it makes a second ARN.
        self._importer = AwsService("acm", {**options, "max_retries": "0"})

    def check(self, bundle: CertificateFiles) -> None:
        key_type = bundle.facts.key_type
        if key_type not in KEY_TYPES:
            raise _wrong_key(f"ACM takes keys of {', '.join(KEY_TYPES)}", key_type)
        if self._for_cloudfront:
            if self._acm.region != CLOUDFRONT_REGION:
                raise DeployError(
                    f"CloudFront takes certificates from {CLOUDFRONT_REGION} alone, and this target imports "
                    f"into {self._acm.region}",
                    f'write region = "{CLOUDFRONT_REGION}" below it, whatever region the rest is in',
                )
            if key_type not in CLOUDFRONT_KEY_TYPES:
                raise _wrong_key(f"CloudFront takes keys of {', '.join(CLOUDFRONT_KEY_TYPES)}", key_type)
        if not bundle.chain:
            raise DeployError(
                "ACM wants the chain of a certificate, and the client gives none",
                "have the client write the chain or the full chain (certbot and dehydrated do)",
            )
        parts = zip(LARGEST_PARTS.items(), (bundle.cert, bundle.key, bundle.chain), strict=True)
        for (what, largest), part in parts:
            if len(part) > largest:
                raise DeployError(
                    f"the {what} has {len(part)} octets, and ACM takes {largest}",
                    "have it issued with fewer names or a smaller key",
                )

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        present, unmarked = self._find(bundle)
        if present is None:
            elsewhere = f"; not in place of {unmarked}: for that, write its arn" if unmarked else ""
            return [f"it is imported into ACM in {self._acm.region} as a new certificate{elsewhere}"]
        if _is_same(present, bundle):
            return []
        _check_reimport(present, bundle)
        return [f"{present.arn} is re-imported"]

    def install(self, bundle: CertificateFiles) -> None:
        present, _ = self._find(bundle)
        terms: dict[str, Any] = {
            "Certificate": bundle.cert,
            "PrivateKey": bundle.key,
            "CertificateChain": bundle.chain,
        }
        if present is None:
            own = {"Key": TAG, "Value": plain_name(bundle.name)}
            terms["Tags"] = [own, *(tag for tag in self._tags if tag["Key"] != TAG)]
        elif _is_same(present, bundle):
            return
        else:
            _check_reimport(present, bundle)
            terms["CertificateArn"] = present.arn  # tags are refused with it
        about = present.arn if present else f"the certificate of {bundle.name}"
        imported = self._importer.having("CertificateArn", "ImportCertificate", about, **terms)
        self._verify(imported["CertificateArn"], bundle)

    def _find(self, bundle: CertificateFiles) -> tuple[_Present | None, str]:
        """What is to be replaced; or else the ARN of an imported one of that name that is not marked as
        ours."""
        if self._arn:
            return self._read(self._arn), ""
        ours: list[str] = []
        others: list[str] = []
        name = plain_name(bundle.name)
        for arn in self._imported(bundle.name):
            tags = self._acm.having("Tags", "ListTagsForCertificate", arn, CertificateArn=arn)["Tags"]
            tagged = any((tag["Key"], tag.get("Value")) == (TAG, name) for tag in tags)
            (ours if tagged else others).append(arn)
        if len(ours) > 1:
            raise DeployError(
                f"several certificates in ACM have the tag {TAG} = {name}: {', '.join(ours)}",
                'write the one that services use as arn = "…" below the target, and delete the others',
            )
        return (self._read(ours[0]) if ours else None), ", ".join(others)

    def _imported(self, name: str) -> Iterator[str]:
        """The ARNs of the imported certificates for that name."""
        about = f"the certificates in {self._acm.region}"
        terms: dict[str, Any] = {"Includes": {"keyTypes": list(KEY_TYPES.values())}, "MaxItems": self.page}
        for _ in range(MOST_PAGES):
            page = self._acm.having("CertificateSummaryList", "ListCertificates", about, **terms)
            for summary in page["CertificateSummaryList"]:
                names = {summary.get("DomainName"), *summary.get("SubjectAlternativeNameSummaries", ())}
                if summary.get("Type", "IMPORTED") == "IMPORTED" and name in names:
                    yield summary["CertificateArn"]
            if not page.get("NextToken"):
                return
            terms["NextToken"] = page["NextToken"]
        raise DeployError(
            f"ACM's list of certificates in {self._acm.region} does not end",
            'write the ARN of the one to replace below the target: arn = "…"',
        )

    def _read(self, arn: str) -> _Present:
        from cryptography.x509 import load_pem_x509_certificates

        try:
            found = self._acm.do("GetCertificate", arn, CertificateArn=arn)
        except RefusedByAws as refused:
            if refused.code == MISSING:
                raise DeployError(
                    f"there is no certificate {arn} in this account",
                    "correct its arn below the target, or leave it out to have a new one imported",
                ) from None
            raise
        pem = f"{found.get('Certificate', '')}\n{found.get('CertificateChain', '')}"
        try:
            return _Present(arn, load_pem_x509_certificates(pem.encode()))
        except ValueError as error:
            raise DeployError(
                f"what ACM has at {arn} cannot be read: {error}", "see it in the console"
            ) from None

    def _verify(self, arn: str, bundle: CertificateFiles) -> None:
        """See that ACM has it now. What was imported a moment ago may not be shown yet."""
        for look in range(POLLS):
            if look:
                self.sleep(LOOK_INTERVAL)
            try:
                if _is_same(self._read(arn), bundle):
                    return
            except RefusedByAws as refused:
                if refused.code != IN_PROGRESS:
                    raise
        raise DeployError(
            f"ACM took the certificate, but {arn} still shows another one",
            f"look again in a minute: aws acm get-certificate --certificate-arn {arn}",
        )


def _region_of(arn: str) -> str:
    """The region that an ARN names. Raises ConfigError."""
    match arn.split(":"):
        case ["arn", _, "acm", str(region), _, str(rest)] if region and rest.startswith("certificate/"):
            return region
    raise ConfigError(
        f"arn: {arn!r} is not that of a certificate in ACM",
        "it looks like arn:aws:acm:us-east-1:123456789012:certificate/…",
    )


def _wrong_key(takes: str, key_type: str) -> DeployError:
    return DeployError(
        f"{takes}; this one is {key_type}",
        "issue it anew with another key: KEY_ALGO=prime256v1 in dehydrated's config, "
        "--key-type ecdsa --elliptic-curve secp256r1 for certbot",
    )


def _is_same(present: _Present, bundle: CertificateFiles) -> bool:
    """ACM may show a root behind the chain that it was given."""
    from cryptography.x509 import load_pem_x509_certificates

    wanted = load_pem_x509_certificates(bundle.cert + bundle.chain)
    return list(present.certificates[: len(wanted)]) == wanted


def _check_reimport(present: _Present, bundle: CertificateFiles) -> None:
    """Refuse what ACM refuses under an ARN that is in use: another type or size of key, a key usage less."""
    from cryptography.x509 import load_pem_x509_certificate
    from cryptography.x509.oid import ExtendedKeyUsageOID

    from ..certificate.fields import extended_key_usages, key_type, key_usages

    old, new = present.certificates[0], load_pem_x509_certificate(bundle.cert)
    if (was := key_type(old.public_key())) != bundle.facts.key_type:
        raise DeployError(
            f"{present.arn} has a key of {was}, which ACM does not let change; this one is "
            f"{bundle.facts.key_type}",
            f"have the client issue it with {was} again; or, for a new ARN that services are then switched "
            f"to, take the tag {TAG} off the old one (and the arn out of the configuration)",
        )
    lost = {*key_usages(old)} - {*key_usages(new)}
    # CAs have stopped giving clientAuth; that alone ACM lets go.
    kept = {*extended_key_usages(old)} - {ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string}
    lost |= kept - {*extended_key_usages(new)}
    if lost:
        raise DeployError(
            f"{present.arn} is for the key usage {', '.join(sorted(lost))} as well, which ACM does not let "
            "go; this one is not",
            f"have the CA issue it with that; or, for a new ARN, take the tag {TAG} off the old one",
        )
