"""Who asks for a token at Azure: an application, a workload identity, or the machine's own identity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Busy, ConfigError
from ..secret import hide, shown
from ._tokens import CloudTokens
from .base import Option
from .rest import Refused

IMDS_VERSION = "2018-02-01"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2
CLOUDS = {  # who issues tokens, and where the API is
    "public": ("https://login.microsoftonline.com", "https://management.azure.com"),
    "usgovernment": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
    "china": ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
}
RESTARTING = (404, 410)  # says IMDS; 70 seconds at most


IDENTITY = (
    Option(
        "client_id",
        ("AZURE_CLIENT_ID", "AZUREDNS_APPID"),
        "of the application, or of one identity of several",
    ),
    Option("client_secret", ("AZURE_CLIENT_SECRET", "AZUREDNS_CLIENTSECRET"), "its secret", secret=True),
    Option("tenant_id", ("AZURE_TENANT_ID", "AZUREDNS_TENANTID"), "with the secret: its tenant"),
    Option(
        "federated_token_file",
        ("AZURE_FEDERATED_TOKEN_FILE",),
        "in place of the secret: the file of a workload identity's token",
    ),
    Option("environment", ("AZURE_ENVIRONMENT",), f"{', '.join(CLOUDS)}: which of Azure's clouds"),
    Option(
        "authority",
        ("AZURE_AUTHORITY_HOST",),
        "with the secret: who issues tokens (login.microsoftonline.us, login.chinacloudapi.cn)",
        default="https://login.microsoftonline.com",
    ),
    Option(
        "metadata",
        ("AZURE_METADATA_ENDPOINT",),
        "without the secret: who knows the machine's identity",
        default="http://169.254.169.254",
    ),
)


class AzureIdentity(CloudTokens):
    """Its options are IDENTITY, of which the cloud's name may decide ``base_url`` as well."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a secret without what it belongs to, and for a cloud that is none."""
        super().__init__(_in_cloud(options))
        is_application = {"client_secret", "federated_token_file"} & options.keys()
        if is_application and not (options.get("client_id") and options.get("tenant_id")):
            raise ConfigError(
                "AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE is of no use without AZURE_CLIENT_ID and"
                " AZURE_TENANT_ID",
                "the portal shows them in the application's overview",
            )

    @property
    def resource(self) -> str:
        """What the token is for."""
        return self._base

    def grant(self) -> Any:
        if "client_secret" in self.given:
            proof = {"client_secret": self.given["client_secret"]}
        elif "federated_token_file" in self.given:
            proof = {"client_assertion_type": ASSERTION, "client_assertion": self._federated_token()}
        else:
            return self._own_identity()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.given["client_id"],
            "scope": f"{self.resource}/.default",
            **proof,
        }
        issuer = self.issuer(self.given["authority"])
        return issuer.request("POST", (self.given["tenant_id"], "oauth2", "v2.0", "token"), form=form)

    def _federated_token(self) -> str:
        """It is replaced every hour or so. Raises ConfigError."""
        path = self.given["federated_token_file"]
        try:
            token = Path(path).read_text().strip()
        except (OSError, ValueError):
            raise ConfigError(
                f"AZURE_FEDERATED_TOKEN_FILE: {shown(path)} cannot be read",
                "the webhook of workload identities puts it into the pod of a labelled service account",
            ) from None
        hide(token)
        return token

    def _own_identity(self) -> Any:
        which = {"client_id": self.given["client_id"]} if "client_id" in self.given else {}
        query = {"api-version": IMDS_VERSION, "resource": f"{self.resource}/", **which}
        path = ("metadata", "identity", "oauth2", "token")
        try:
            return self.metadata(self.given["metadata"], path, {"Metadata": "true"}, **query)
        except Refused as refusal:
            if refusal.status not in RESTARTING:
                raise
            raise Busy(str(refusal), "try again in a minute") from None


def _in_cloud(options: Mapping[str, str]) -> Mapping[str, str]:
    """The options, with the addresses of the cloud that they name, unless they have others."""
    if not (name := options.get("environment", "")):
        return options
    wanted = name.lower().removeprefix("azure").removesuffix("cloud") or "public"
    if wanted not in CLOUDS:
        raise ConfigError(f"AZURE_ENVIRONMENT: there is no cloud {name!r}", f"there are {', '.join(CLOUDS)}")
    usual, places = CLOUDS["public"], dict(zip(("authority", "base_url"), CLOUDS[wanted], strict=True))
    return {**options, **{key: url for key, url in places.items() if options.get(key) in (None, *usual)}}
