"""Where AWS's clients get credentials: STS, IAM Identity Center, containers, instances (IMDSv2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .awshttp import Answer, HttpFake, Refusal, Request, Tree, signer, xml

KEY, SECRET, TOKEN = "ASIATEMPORARY", "temporary secret", "temporary token"
ROLE = "arn:aws:iam::123456789012:role/dns01"
EXPIRY = "2099-01-01T00:00:00Z"


class CredentialSources(HttpFake):
    """All of them at one ``url``; what they give is KEY, SECRET and TOKEN.

    Whoever assumes ROLE signs with a key of ``keys`` and knows the ``external_id``, or shows the
    ``identity`` that a cluster gave to it. ``bearer`` is the token of a person who has logged in.
    """

    keys: Mapping[str, tuple[str, str]] = {"AKIDEXAMPLE": ("secret", "")}
    external_id = ""
    identity = "a web identity"
    bearer = "a bearer token"

    def answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/":
                return self._sts(request)
            case "GET", "/container":
                return _json(AccessKeyId=KEY, SecretAccessKey=SECRET, Token=TOKEN, Expiration=EXPIRY)
            case "PUT", "/latest/api/token":
                return Answer(200, b"metadata token", "text/plain")
            case "GET", "/latest/meta-data/iam/security-credentials/":
                _check_metadata_token(request)
                return Answer(200, b"dns01", "text/plain")
            case "GET", "/latest/meta-data/iam/security-credentials/dns01":
                _check_metadata_token(request)
                keys = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": TOKEN}
                return _json(Code="Success", Expiration=EXPIRY, LastUpdated=EXPIRY, **keys)
            case "GET", "/federation/credentials":
                if request.headers.get("x-amz-sso_bearer_token") != self.bearer:
                    return _json(401, __type="UnauthorizedException", message="Session token not found")
                keys = {"accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN}
                return _json(roleCredentials={**keys, "expiration": 4_000_000_000_000})
        raise Refusal(404, "NotFound", request.path)

    def refuse(self, refusal: Refusal) -> Answer:
        error = [("Type", "Sender"), ("Code", refusal.code), ("Message", str(refusal))]
        tree: Tree = ("ErrorResponse", [("Error", error), ("RequestId", "r")])
        return Answer(refusal.status, xml(tree, "https://sts.amazonaws.com/doc/2011-06-15/"))

    def _sts(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        action = form["Action"]
        if action == "AssumeRole":
            signer(request, "sts", self.keys)
            trusted = form.get("ExternalId", "") == self.external_id
        else:
            trusted = form["WebIdentityToken"] == self.identity
        if (
            form["RoleArn"] != ROLE
            or not trusted
            or not re.fullmatch(r"[\w+=,.@-]+", form["RoleSessionName"])
        ):
            words = f"is not authorized to perform: sts:{action} on resource: {form['RoleArn']}"
            raise Refusal(403, "AccessDenied", f"User: arn:aws:iam::123456789012:user/dns01 {words}")
        keys: list[Tree] = [
            ("AccessKeyId", KEY),
            ("SecretAccessKey", SECRET),
            ("SessionToken", TOKEN),
            ("Expiration", EXPIRY),
        ]
        tree: Tree = (f"{action}Response", [(f"{action}Result", [("Credentials", keys)])])
        return Answer(200, xml(tree, "https://sts.amazonaws.com/doc/2011-06-15/"))


def _check_metadata_token(request: Request) -> None:
    if request.headers.get("x-aws-ec2-metadata-token") != "metadata token":
        raise Refusal(401, "Unauthorized")


def _json(status: int = 200, **content: object) -> Answer:
    return Answer(status, json.dumps(content).encode(), "application/json")
