"""A certificate in AWS Secrets Manager: one JSON secret, or three where services expect them apart.

API: https://docs.aws.amazon.com/secretsmanager/latest/apireference/. A version is named after what is
in it (SHA-256): whoever writes the same once more, in a retry or on another machine, writes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .... import aws
from ....errors import ConfigError, DeployError
from ....options import Option
from ...clients.call import Certificate
from ._aws import AwsService, RefusedByAws, tags_in
from ._formats import plain_name, texts_of
from .base import CertificateFiles

LARGEST_SECRET = 65536  # bytes of a secret
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
NAME = "dns01/{name}"
ACCOUNT = ("region", "profile", "access_key_id", "role_arn")  # what tells one from another
PARTS = {"privkey": "private_key", "cert": "cert", "chain": "chain"}

MISSING = "ResourceNotFoundException"
EXISTS = "ResourceExistsException"
INVALID = "InvalidRequestException"


class Target:
    """The credentials need secretsmanager:GetSecretValue, PutSecretValue, CreateSecret and RestoreSecret
    on the secret; UpdateSecretVersionStage for the way back; DescribeSecret for a secret that is marked
    for deletion; TagResource for tags; and the use of the KMS key, where it is one of the user's."""

    options = (
        Option(
            "name",
            (),
            "the secret's name; {name} in it stands for the certificate's, {part} for privkey, cert or chain",
            default=NAME,
        ),
        Option("layout", (), "json (one secret with everything) or split (three)", default="json"),
        Option("kms_key", (), "the key of a secret that is created; without it, AWS's own"),
        Option("tags", (), "the tags of a secret that is created", table=True),
        *aws.OPTIONS,
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        account = " ".join(options[key] for key in ACCOUNT if options.get(key))
        return [f"the secret {options.get('name', NAME)}{account and f' of {account}'}"]

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._split = options["layout"] == "split"
        if options["layout"] not in ("json", "split"):
            raise ConfigError(f"layout: {options['layout']!r} is none", "it is json or split")
        self._name = options["name"]
        if self._split and "{part}" not in self._name:
            self._name += "/{part}"
        self._service = AwsService("secretsmanager", options)

    def check(self, bundle: CertificateFiles) -> None:
        """The size is all that Secrets Manager minds."""
        for name, text in self._secrets(bundle).items():
            if (size := len(text.encode())) > LARGEST_SECRET:
                raise DeployError(
                    f"the secret {name} would have {size} bytes, and AWS takes {LARGEST_SECRET}",
                    'write layout = "split", or have the CA send a shorter chain',
                )

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        lines = []
        for name, text in self._secrets(bundle).items():
            present, deleted = self._look(name)
            if deleted:
                lines.append(f"the secret {name} is restored from deletion, and gets a new version")
            elif present != text:
                lines.append(f"the secret {name} {'is created' if present is None else 'gets a new version'}")
        return lines

    def install(self, bundle: CertificateFiles) -> None:
        written: dict[str, str] = {}
        try:
            for name, text in self._secrets(bundle).items():
                present, deleted = self._look(name)
                if present != text:
                    written[name] = text
                    self._write(name, text, present, deleted)
        except BaseException:  # of three secrets, one would have the new key, another the old certificate
            with suppress(DeployError):
                for name, text in written.items():
                    self._go_back(name, text)
            raise

    def undo(self, bundle: CertificateFiles) -> None:
        """Make the version before this one current again; a secret that has none stays as it is, and one
        that another machine has written since. Of three secrets, those stay that the certificate before has
        in common with this one."""
        secrets = self._secrets(bundle)
        for name in self._not_shared(secrets) if self._split else secrets:
            self._go_back(name, secrets[name])

    def _secrets(self, bundle: CertificateFiles) -> Mapping[str, str]:
        """The text of each secret, by its name."""
        own, everything = plain_name(bundle.name), texts_of(bundle)
        if self._split:
            texts = {part: everything[field] for part, field in PARTS.items()}
            named = self._name.replace("{name}", own)
            return {named.replace("{part}", part): text for part, text in texts.items() if text}
        return {self._name.replace("{name}", own): json.dumps(everything)}

    def _not_shared(self, secrets: Mapping[str, str]) -> Sequence[str]:
        """Which of the three are to go back so that they are of one certificate again."""
        privkey, cert, *chain = secrets
        from ..certificate.checks import inspect  # with it comes cryptography

        staged = {name: self._staged(name, PREVIOUS)["SecretString"] for name in secrets}
        before = {name: staged[name] or text for name, text in secrets.items()}
        for go_back in ([cert], [cert, privkey], [cert, *chain], [cert, privkey, *chain]):
            texts = {name: (before if name in go_back else secrets)[name].encode() for name in secrets}
            with suppress(DeployError):
                inspect(Certificate("", privkey, cert, chain=(*chain, "")[0]), read=texts.__getitem__)
                return go_back
        raise DeployError(
            f"the versions before are of no certificate that is good for anything: {', '.join(secrets)}",
            "put the ones that you want there, or have the client issue the certificate once more",
        )

    def _staged(self, name: str, stage: str) -> Mapping[str, str]:
        """The secret's version of that stage; without any text where there is none."""
        try:
            response = self._do("GetSecretValue", name, SecretId=name, VersionStage=stage)
        except RefusedByAws as refused:
            if refused.code == MISSING:
                return {"SecretString": ""}
            raise
        return {"SecretString": "", **response}

    def _go_back(self, name: str, text: str) -> None:
        """Have the version before this text."""
        now, before = self._staged(name, CURRENT), self._staged(name, PREVIOUS)
        if now["SecretString"] == text and before["SecretString"]:
            self._make_current(name, before["VersionId"], now["VersionId"])

    def _look(self, name: str) -> tuple[str | None, bool]:
        """What the secret says, if it is there; and whether it is marked for deletion."""
        try:
            response = self._do("GetSecretValue", name, SecretId=name, VersionStage=CURRENT)
        except RefusedByAws as refused:
            if refused.code == MISSING:
                return None, False
            if refused.code == INVALID and "DeletedDate" in self._do("DescribeSecret", name, SecretId=name):
                return None, True
            raise
        return response.get("SecretString", ""), False

    def _write(self, name: str, text: str, present: str | None, deleted: bool) -> None:
        if deleted:
            self._do("RestoreSecret", name, SecretId=name)
        if present is None and not deleted:
            self._create(name, text)
        else:
            self._put(name, text)

    def _create(self, name: str, text: str) -> None:
        terms: dict[str, Any] = {"Tags": tags_in(self._options)}
        if key := self._options.get("kms_key"):
            terms["KmsKeyId"] = key
        try:
            self._do("CreateSecret", name, Name=name, **_version(text), **terms)
        except RefusedByAws as refused:
            if refused.code != EXISTS:
                raise
            self._put(name, text)  # another machine was quicker

    def _put(self, name: str, text: str) -> None:
        self._do("PutSecretValue", name, SecretId=name, **_version(text))
        current = self._do("GetSecretValue", name, SecretId=name, VersionStage=CURRENT)
        if current["SecretString"] != text:  # an older version says the same, and has stayed where it was
            self._make_current(name, _version(text)["ClientRequestToken"], current["VersionId"])

    def _make_current(self, name: str, version: str, instead_of: str) -> None:
        self._do(
            "UpdateSecretVersionStage",
            name,
            SecretId=name,
            VersionStage=CURRENT,
            MoveToVersionId=version,
            RemoveFromVersionId=instead_of,
        )

    def _do(self, action: str, name: str, **terms: Any) -> Any:
        return self._service.do(action, f"the secret {name}", **terms)


def _version(text: str) -> Mapping[str, str]:
    return {"SecretString": text, "ClientRequestToken": hashlib.sha256(text.encode()).hexdigest()}
