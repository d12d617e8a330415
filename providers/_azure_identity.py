"""Who asks for a token at Azure: an application, a workload identity, or the machine's own identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import Busy, ConfigError
from ._tokens import CloudTokens, token_in
from .base import Option
from .rest import Refused

if TYPE_CHECKING:
    from ._azure_certificate import ClientCertificate

IMDS_VERSION = "2018-02-01"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2
CLOUDS = {  # who issues tokens, and where the API is
    "public": ("https://login.microsoftonline.com", "https://management.azure.com"),
    "usgovernment": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
    "china": ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
}
PROOFS = {  # of who an application is, the first of several counts, as for Microsoft's own tools
    "client_secret": "AZURE_CLIENT_SECRET",
    "client_certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "federated_token_file": "AZURE_FEDERATED_TOKEN_FILE",
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
        ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_OIDC_TOKEN_FILE_PATH"),
        "in place of the secret: the file of a workload identity's token",
    ),
    Option(
        "client_certificate",
        ("AZURE_CLIENT_CERTIFICATE_PATH",),
        "in place of the secret: the file of a certificate and its key, in PEM or PKCS #12",
    ),
    Option(
        "client_certificate_password",
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
        "that of the certificate's key, if it has one",
        secret=True,
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
    """The base of what asks Azure with the tokens of an identity. Its options are IDENTITY, of which the
    cloud's name may decide ``base_url`` as well."""

    unread: ClassVar[Mapping[str, str]] = {
        "AZURE_USERNAME": "a user's password is no way in for a program: use an application's secret",
        "AZURE_PASSWORD": "a user's password is no way in for a program: use an application's secret",
        "AZURE_OIDC_TOKEN": "name a file that holds it in AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTH_METHOD": "what is given decides: secret, certificate, token file, or the machine itself",
        "IDENTITY_ENDPOINT": "of managed identities only those of virtual machines are known: use a secret",
    }

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a secret without what it belongs to, and for a cloud that is none."""
        super().__init__(_in_cloud(options))
        self._proofs = proofs = [variable for key, variable in PROOFS.items() if options.get(key)]
        if proofs and not (options.get("client_id") and options.get("tenant_id")):
            raise ConfigError(
                f"{proofs[0]} is of no use without AZURE_CLIENT_ID and AZURE_TENANT_ID",
                "the portal shows them in the application's overview",
            )
        self._certificate: ClientCertificate | None = None
        if proofs[:1] == ["AZURE_CLIENT_CERTIFICATE_PATH"]:
            from ._azure_certificate import ClientCertificate  # cryptography, which nothing else here needs

            password = options.get("client_certificate_password", "")
            self._certificate = ClientCertificate(options["client_certificate"], password)

    @property
    def warnings(self) -> tuple[str, ...]:
        first, *others = self._proofs or [""]
        ignored = [f"{other} means nothing beside {first}" for other in others]
        return (*super().warnings, *ignored)

    @property
    def resource(self) -> str:
        """The resource that a token is asked for."""
        return self._base

    def grant(self) -> Any:
        if "client_secret" in self.given:
            proof = {"client_secret": self.given["client_secret"]}
        elif assertion := self._assertion():
            proof = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
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

    def _assertion(self) -> str:
        """Who we are, in the words of our certificate or of another identity provider; "" without either."""
        if self._certificate:
            audience = f"{self.given['authority'].rstrip('/')}/{self.given['tenant_id']}/oauth2/v2.0/token"
            return self._certificate.assertion(self.given["client_id"], audience, int(self.clock()))
        if path := self.given.get("federated_token_file"):
            hint = "the webhook of workload identities puts it into the pod of a labelled service account"
            return token_in(path, "AZURE_FEDERATED_TOKEN_FILE", hint)
        return ""

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
