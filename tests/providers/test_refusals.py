"""What real APIs have said to people, under whatever status, and what dns01 makes of it: the kind of
error, the next step, and that nothing was changed. ``source`` is where somebody was told so in public."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from contract import ZONES, validation
from contract_http import HttpCase
from fakes import FOREVER, Fake, Text
from fakes.alidns import AliDns
from fakes.autodns import AutoDns
from fakes.azure import CLIENT, SUBSCRIPTION, TENANT, Azure
from fakes.cloudflare import Cloudflare
from fakes.cloudns import USER as CLOUDNS_USER
from fakes.cloudns import ClouDns
from fakes.desec import Desec
from fakes.digitalocean import DigitalOcean
from fakes.dnsimple import DNSimple
from fakes.gandi import Gandi
from fakes.godaddy import GoDaddy
from fakes.google import Google, key_file
from fakes.hetzner import Hetzner
from fakes.infomaniak import Infomaniak
from fakes.inwx import USER as INWX_USER
from fakes.inwx import Inwx
from fakes.ionos import Ionos
from fakes.linode import Linode
from fakes.loopia import Loopia
from fakes.namecheap import Namecheap
from fakes.namesilo import NameSilo
from fakes.netcup import CUSTOMER, KEY, Netcup
from fakes.ovh import CONSUMER, Ovh
from fakes.ovh import KEY as OVH_KEY
from fakes.porkbun import Porkbun
from fakes.powerdns import PowerDNS
from fakes.scaleway import Scaleway
from fakes.tencentcloud import TencentCloud
from fakes.transip import ACCOUNT, TransIp, pem
from fakes.vultr import Vultr

from dns01.errors import AuthRejected, Busy, ProviderError, Unreachable
from dns01.providers.base import TxtRecord
from dns01.providers.rest import Refused

RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))
KEYS: Mapping[str, tuple[type[Fake], Mapping[str, str]]] = {
    "alidns": (AliDns, {"access_key": AliDns.key, "secret_key": AliDns.token}),
    "autodns": (AutoDns, {"user": AutoDns.user, "password": AutoDns.token}),
    "azure": (
        Azure,
        {
            "subscription_id": SUBSCRIPTION,
            "client_id": CLIENT,
            "client_secret": Azure.token,
            "tenant_id": TENANT,
        },
    ),
    "cloudflare": (Cloudflare, {"token": Cloudflare.token}),
    "cloudns": (ClouDns, {"id": CLOUDNS_USER, "password": ClouDns.token}),
    "desec": (Desec, {"token": Desec.token}),
    "digitalocean": (DigitalOcean, {"token": DigitalOcean.token}),
    "dnsimple": (DNSimple, {"token": DNSimple.token}),
    "gandi": (Gandi, {"token": Gandi.token}),
    "gcloud": (Google, {}),
    "godaddy": (GoDaddy, {"key": "the-key", "secret": GoDaddy.token}),
    "hetzner": (Hetzner, {"token": Hetzner.token}),
    "infomaniak": (Infomaniak, {"token": Infomaniak.token}),
    "inwx": (Inwx, {"user": INWX_USER, "password": Inwx.token}),
    "ionos": (Ionos, {"key": f"prefix.{Ionos.token}"}),
    "linode": (Linode, {"token": Linode.token}),
    "loopia": (Loopia, {"user": Loopia.user, "password": Loopia.token}),
    "namecheap": (
        Namecheap,
        {"user": Namecheap.user, "key": Namecheap.token, "client_ip": Namecheap.client_ip},
    ),
    "namesilo": (NameSilo, {"key": NameSilo.token}),
    "netcup": (Netcup, {"customer": CUSTOMER, "key": KEY, "password": Netcup.token}),
    "ovh": (Ovh, {"application_key": OVH_KEY, "secret": Ovh.token, "consumer_key": CONSUMER}),
    "porkbun": (Porkbun, {"key": Porkbun.key, "secret_key": Porkbun.token}),
    "powerdns": (PowerDNS, {"key": PowerDNS.token}),
    "scaleway": (Scaleway, {"secret_key": Scaleway.token}),
    "tencentcloud": (TencentCloud, {"secret_id": TencentCloud.id, "secret_key": TencentCloud.token}),
    "transip": (TransIp, {"account": ACCOUNT, "private_key": pem()}),
    "vultr": (Vultr, {"token": Vultr.token}),
}


class Said(NamedTuple):
    """An answer to a writing request (``reading``: to one that reads), the kind of error, and words of its
    hint, or of the error itself where the hint is a general one."""

    source: str
    provider: str
    status: int
    body: Any
    kind: type[ProviderError]
    step: str
    reading: bool = False


def _cloudflare(code: int, message: str, *chain: Mapping[str, Any]) -> Mapping[str, Any]:
    error = {"code": code, "message": message, **({"error_chain": chain} if chain else {})}
    return {"success": False, "errors": [error], "messages": [], "result": None}


def _inwx(code: int, message: str, reason: str) -> Mapping[str, Any]:
    return {"code": code, "msg": message, "reason": reason, "svTRID": "20220821-966281273", "runtime": 3.0}


def _netcup(action: str, message: str) -> Mapping[str, Any]:
    said = {"statuscode": 4013, "shortmessage": "Validation Error.", "longmessage": message}
    return {"status": "error", "action": action, "serverrequestid": "x", "responsedata": "", **said}


def _namecheap(number: int, message: str) -> str:
    error = f'<Errors><Error Number="{number}">{message}</Error></Errors>'
    return f'<ApiResponse Status="ERROR" xmlns="http://api.namecheap.com/xml.response">{error}</ApiResponse>'


def _namesilo(code: int, detail: str) -> str:
    return f"<namesilo><reply><code>{code}</code><detail>{detail}</detail></reply></namesilo>"


def _alidns(code: str, message: str) -> Mapping[str, Any]:
    return {"RequestId": "6D390228", "HostId": "alidns.aliyuncs.com", "Code": code, "Message": message}


def _tencent(code: str, message: str) -> Mapping[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "3c140219"}}


def _google(reason: str, message: str) -> Mapping[str, Any]:
    return {"error": {"code": 403, "message": message, "errors": [{"reason": reason, "message": message}]}}


ADDRESS, CLOCK, PLAN = "add this machine's address", "this machine's clock", "take a plan"
API, EXPIRED, FACTOR = "switch API access on", "make new credentials", "second factor"
QUOTA, CNAME, ELSEWHERE = "remove records there", "beside a CNAME", "is served elsewhere"
ACCOUNT_STATE, LOCK, TTL, LATER = "log in at", "unlock it at", "DNS01_TTL", "try again later"

REFUSALS = (
    # From where the request comes
    Said(
        "vultr/cert-manager-webhook-vultr#105",
        "vultr",
        401,
        {"error": "Unauthorized IP address: 203.0.113.9", "status": 401},
        AuthRejected,
        ADDRESS,
    ),
    Said(
        "jeessy2/ddns-go#1341",
        "cloudflare",
        403,
        _cloudflare(9109, "Cannot use the access token from location: 203.0.113.9"),
        AuthRejected,
        ADDRESS,
    ),
    Said(
        "linuxserver/docker-swag#197",
        "transip",
        401,
        {"error": "Remote IP is not authorized for this request; called from IP 203.0.113.9"},
        AuthRejected,
        ADDRESS,
    ),
    Said(
        "namecheap/go-namecheap-sdk#4",
        "namecheap",
        200,
        _namecheap(1011150, "Invalid request IP: 203.0.113.9"),
        AuthRejected,
        ADDRESS,
    ),
    Said(
        "namesilo.com/api-reference, code 113",
        "namesilo",
        200,
        _namesilo(113, "This API account cannot be accessed from your IP"),
        AuthRejected,
        ADDRESS,
    ),
    # Credentials
    Said(
        "certbot/certbot#7970, go-acme/lego#210",
        "cloudflare",
        400,
        _cloudflare(
            6003, "Invalid request headers", {"code": 6111, "message": "Invalid format for Authorization"}
        ),
        AuthRejected,
        "CF_DNS_API_TOKEN nothing but the value itself",
    ),
    Said(
        "acmesh-official/acme.sh#5269",
        "ovh",
        400,
        {"class": "Client::BadRequest", "message": "Invalid signature"},
        AuthRejected,
        "OVH_APPLICATION_SECRET",
    ),
    Said(
        "Fotolia/ovh-rest#5",
        "ovh",
        403,
        {
            "errorCode": "INVALID_CREDENTIAL",
            "httpCode": "403 Forbidden",
            "message": "This credential is not valid",
        },
        AuthRejected,
        "make a new consumer key",
    ),
    Said(
        "caddy-dns/gandi#5, obynio/certbot-plugin-gandi#10",
        "gandi",
        403,
        {
            "object": "HTTPForbidden",
            "cause": "Forbidden",
            "code": 403,
            "message": "Access was denied to this resource.",
        },
        AuthRejected,
        "has not expired and may manage example.com",
    ),
    Said(
        "acmesh-official/acme.sh#1898",
        "alidns",
        403,
        _alidns(
            "Forbidden.RAM",
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        ),
        AuthRejected,
        "to the RAM user of ALICLOUD_ACCESS_KEY",
    ),
    Said(
        "jeessy2/ddns-go#207",
        "alidns",
        404,
        _alidns("InvalidAccessKeyId", "Specified access key is not found or invalid."),
        AuthRejected,
        "ALICLOUD_SECRET_KEY is right",
    ),
    Said(
        "acmesh-official/acme.sh#3188",
        "infomaniak",
        404,
        {"result": "error", "error": {"code": "method_not_found", "description": "Method not found"}},
        Refused,
        "make a token with the scopes dns:read",
    ),
    Said(
        "scaleway/cert-manager-webhook-scaleway#62",
        "scaleway",
        403,
        {"message": "domain not found"},
        AuthRejected,
        "in the project of the key",
    ),
    Said(
        "scaleway.com/en/developers: denied_authentication, resource_expired",
        "scaleway",
        410,
        {"type": "resource_expired", "resource": "api_key", "message": "resource is expired"},
        AuthRejected,
        EXPIRED,
    ),
    Said(
        "go-acme/lego: hetznerv1 fixtures; docs.hetzner.cloud, token_readonly",
        "hetzner",
        403,
        {
            "error": {
                "code": "token_readonly",
                "message": "the token is only allowed to perform GET requests",
            }
        },
        AuthRejected,
        "that may write",
    ),
    Said(
        "docs.hetzner.cloud, unauthorized",
        "hetzner",
        401,
        {"error": {"code": "unauthorized", "message": "unable to authenticate"}},
        AuthRejected,
        "dns.hetzner.com",
    ),
    Said(
        "learn.microsoft.com, AADSTS7000222",
        "azure",
        401,
        {
            "error": "invalid_client",
            "error_description": "AADSTS7000222: The provided client secret keys for app '1' are expired.",
        },
        AuthRejected,
        EXPIRED,
    ),
    Said(
        "learn.microsoft.com, AADSTS7000215",
        "azure",
        401,
        {
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent"
            " in the request is the client secret value, not the client secret ID",
        },
        AuthRejected,
        "and not its id",
    ),
    Said(
        "go-acme/lego: ionos fixtures",
        "ionos",
        401,
        [{"code": "UNAUTHORIZED", "message": "The customer is not authorized to do this operation."}],
        AuthRejected,
        "IONOS_API_KEY is right",
    ),
    # The clock, the second factor
    Said(
        "acmesh-official/acme.sh#6258",
        "alidns",
        400,
        _alidns("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
        AuthRejected,
        CLOCK,
    ),
    Said(
        "certimate-go/certimate#663",
        "tencentcloud",
        200,
        _tencent("AuthFailure.SignatureExpire", "Expired signature: 1746504000, server time: 1746507600."),
        AuthRejected,
        CLOCK,
    ),
    Said(
        "inwx/terraform-provider-inwx#6",
        "inwx",
        200,
        _inwx(2200, "Authentication error", "You need to unlock your account with your mobile TAN."),
        AuthRejected,
        FACTOR,
    ),
    Said(
        "oGGy990/certbot-dns-inwx#26, go-acme/lego#1608",
        "inwx",
        200,
        _inwx(2200, "Authentication error", "The confirmation code is invalid."),
        AuthRejected,
        CLOCK,
    ),
    # The API, the plan, the account
    Said(
        "caddy-dns/porkbun#15",
        "porkbun",
        400,
        {"status": "ERROR", "message": "Domain is not opted in to API access."},
        AuthRejected,
        API,
    ),
    Said(
        "acmesh-official/acme.sh#4698",
        "namecheap",
        200,
        _namecheap(1011102, "API Key is invalid or API access has not been enabled"),
        AuthRejected,
        "NAMECHEAP_API_KEY is right, and switch API access on",
    ),
    Said(
        "acmesh-official/acme.sh#6520, #6390",
        "cloudns",
        200,
        {
            "status": "Failed",
            "statusDescription": "You don't have access to the HTTP API. Check your plan.",
        },
        AuthRejected,
        API,
    ),
    Said(
        "cert-manager/cert-manager: Cloud DNS, accessNotConfigured",
        "gcloud",
        403,
        _google(
            "accessNotConfigured",
            "Cloud DNS API has not been used in project 1234 before or it is disabled.",
        ),
        AuthRejected,
        API,
    ),
    Said(
        "acmesh-official/acme.sh#3805",
        "cloudflare",
        403,
        _cloudflare(
            1038,
            "You cannot use this API for domains with a .cf, .ga, .gq, .ml, or .tk TLD (top-level domain). To"
            " configure the DNS settings for this domain, use the Cloudflare Dashboard.",
        ),
        Refused,
        "be a CNAME to a zone elsewhere",
    ),
    Said(
        "developer.dnsimple.com/v2, 402",
        "dnsimple",
        402,
        {"message": "Your account must be subscribed to a plan. Please subscribe to a plan"},
        Refused,
        PLAN,
    ),
    Said(
        "api.ovh.com, Client::Forbidden::ServiceExpired",
        "ovh",
        460,
        {"class": "Client::Forbidden::ServiceExpired", "message": "This service is expired"},
        Refused,
        ACCOUNT_STATE,
    ),
    # What is in the way
    Said(
        "developers.cloudflare.com, 81053",
        "cloudflare",
        400,
        _cloudflare(81053, "An A, AAAA, or CNAME record with that host already exists."),
        Refused,
        CNAME,
    ),
    Said(
        "PowerDNS/pdns#7840",
        "powerdns",
        422,
        {
            "error": "RRset _acme-challenge.example.com. IN TXT: Conflicts with pre-existing RRset",
            "errors": [],
        },
        Refused,
        CNAME,
    ),
    Said(
        "desec.readthedocs.io: a CNAME beside others",
        "desec",
        400,
        [{"non_field_errors": ["RRset with conflicting type present: database (CNAME)."]}],
        Refused,
        CNAME,
    ),
    Said(
        "digitalocean API: CNAME",
        "digitalocean",
        422,
        {
            "id": "unprocessable_entity",
            "message": "CNAME records cannot share a name with other records",
        },
        Refused,
        CNAME,
    ),
    Said(
        "acmesh-official/acme.sh#5108",
        "godaddy",
        404,
        {
            "code": "UNKNOWN_DOMAIN",
            "message": "The given domain is not registered, or does not have a zone file",
        },
        Refused,
        ELSEWHERE,
    ),
    Said(
        "namecheap.com/support/api/error-codes, 2030288",
        "namecheap",
        200,
        _namecheap(2030288, "Cannot complete this command as this domain is not using proper DNS servers"),
        Refused,
        ELSEWHERE,
    ),
    Said(
        "go-acme/lego#618",
        "ovh",
        404,
        {"class": "Client::NotFound", "message": "This service does not exist"},
        Refused,
        "example.com is in this account at OVHcloud",
    ),
    Said(
        "docs.hetzner.cloud, protected",
        "hetzner",
        423,
        {"error": {"code": "protected", "message": "zone is protected"}},
        Refused,
        LOCK,
    ),
    Said(
        "developers.cloudflare.com, 81045",
        "cloudflare",
        400,
        _cloudflare(81045, "Record quota exceeded."),
        Refused,
        QUOTA,
    ),
    Said(
        "go-acme/lego: hetznerv1 fixtures, resource_limit_exceeded",
        "hetzner",
        403,
        {
            "error": {
                "code": "resource_limit_exceeded",
                "message": "project limit exceeded",
                "details": {"limits": [{"name": "project_limit"}]},
            }
        },
        Refused,
        QUOTA,
    ),
    Said(
        "go-acme/lego#1361, acmesh-official/acme.sh#2925",
        "desec",
        400,
        [{"ttl": ["Ensure this value is greater than or equal to 3600."]}],
        Refused,
        TTL,
    ),
    Said(
        "jeessy2/ddns-go#207",
        "alidns",
        400,
        _alidns(
            "QuotaExceeded.TTL",
            "The specified TTL is invalid. A valid TTL must be in the range of 600 to 86400.",
        ),
        Refused,
        TTL,
    ),
    # Reasons that stand in the fields
    Said(
        "rmbolger/Posh-ACME#516, vancluever/terraform-provider-acme#119",
        "godaddy",
        422,
        {
            "code": "INVALID_BODY",
            "message": "Request body doesn't fulfill schema, see details in `fields`",
            "fields": [{"code": "MISMATCH_FORMAT", "message": "is no domain", "path": "records[0].name"}],
        },
        Refused,
        "`fields`, records[0].name: is no domain (422",
    ),
    Said(
        "home-assistant/addons#3972",
        "linode",
        400,
        {"errors": [{"reason": "Invalid hostname", "field": "name"}]},
        Refused,
        "name: Invalid hostname",
    ),
    Said(
        "scaleway.com/en/developers: invalid_arguments",
        "scaleway",
        400,
        {
            "type": "invalid_arguments",
            "message": "invalid argument(s)",
            "details": [{"argument_name": "name", "reason": "constraint", "help_message": "is too long"}],
        },
        Refused,
        "name: is too long",
    ),
    Said(
        "fabmade/cert-manager-webhook-ionos#1",
        "ionos",
        400,
        [
            {
                "code": "INVALID_RECORD",
                "message": "Record is invalid.",
                "parameters": {"invalidFields": ["name"], "errorRecord": {"name": "x", "ttl": 120}},
            }
        ],
        Refused,
        "Record is invalid., name (400",
    ),
    Said(
        "loopia.com/api: a method that the user may not use",
        "loopia",
        200,
        "<?xml version='1.0'?><methodResponse><fault><value><struct>"
        "<member><name>faultCode</name><value><int>623</int></value></member>"
        "<member><name>faultString</name>"
        "<value><string>Access denied for this method</string></value></member>"
        "</struct></value></fault></methodResponse>",
        Refused,
        "its methods are chosen",
    ),
    # What passes, whatever its status
    Said(
        "autodns: another change of the zone",
        "autodns",
        400,
        {
            "messages": [{"text": "The zone is locked by another process", "code": "EF02022"}],
            "status": {"code": "E0202", "text": "Zone could not be changed", "type": "ERROR"},
        },
        Busy,
        LATER,
    ),
    Said(
        "go-acme/lego#912: over 180 requests a minute",
        "netcup",
        200,
        _netcup("updateDnsRecords", "More than 180 requests per minute. Please wait and retry later."),
        Busy,
        LATER,
    ),
    Said(
        "cloudns.net/wiki: API limits",
        "cloudns",
        200,
        {
            "status": "Failed",
            "statusDescription": "You have reached the API request limit. Please try again later.",
        },
        Busy,
        LATER,
    ),
    Said(
        "scaleway.com/en/developers: transient_state",
        "scaleway",
        409,
        {
            "type": "transient_state",
            "resource": "zone",
            "message": "resource is in a transient state",
        },
        Busy,
        LATER,
    ),
    Said(
        "go-acme/lego#912",
        "netcup",
        200,
        _netcup("login", "Too many error messages, please check your commands."),
        Refused,
        "wait an hour",
        reading=True,
    ),
    Said(
        "PowerDNS/pdns: gsqlite3",
        "powerdns",
        500,
        {"error": "Failed to replace RRset: attempt to write a readonly database"},
        Unreachable,
        "write to its database",
    ),
    # Not the API's own words
    Said(
        "go-acme/lego#2496",
        "porkbun",
        403,
        "<html>\n<head><title>403 Forbidden</title></head>\n<body>\n<center>openresty</center></body></html>",
        AuthRejected,
        "may be something in between",
    ),
    Said(
        "developer.hosting.ionos.com: RECORD_INVALID_DATA, with our own TTL in it",
        "ionos",
        400,
        [{"code": "RECORD_INVALID_DATA", "parameters": {"errorRecord": {"ttl": 60}}}],
        Refused,
        "what the API takes is described at",
    ),
)


def _options(provider: str, fake: Fake) -> Mapping[str, str]:
    options = KEYS[provider][1]
    if isinstance(fake, Google):
        return {"service_account": key_file(fake.token_uri)}
    return {**options, "authority": fake.url} if isinstance(fake, Azure) else options


@pytest.fixture(params=REFUSALS, ids=lambda said: f"{said.provider}: {said.source}")
def said(request: pytest.FixtureRequest) -> Said:
    row: Said = request.param
    return row


@pytest.fixture
def case(said: Said, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with KEYS[said.provider][0](ZONES) as fake:
        yield HttpCase(said.provider, fake, _options(said.provider, fake))


def test_a_refusal_is_of_its_kind_with_the_next_step_and_nothing_is_changed(
    case: HttpCase, said: Said
) -> None:
    provider = case.provider()
    case.add_foreign(RECORD.name, "somebody else's", ttl=3600)
    zone = None if said.reading else provider.zone_for(RECORD.name)
    body = said.body if isinstance(said.body, str) else json.dumps(said.body)
    case.fake.fail(Text(said.status, body, times=FOREVER, writing=None if said.reading else True))

    error = case.error_of(
        lambda: provider.publish(zone, [RECORD]) if zone else provider.zone_for(RECORD.name)
    )

    assert type(error) is said.kind or (said.kind is Refused and isinstance(error, Refused))
    assert said.step in f"{error} {error.hint}"
    assert "{" not in error.hint
    case.fake.recover()
    assert case.world_sees(RECORD.name) == {"somebody else's"}
