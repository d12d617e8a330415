"""Oracle Cloud (OCI) DNS, whose changes add and remove single records, with requests that are signed.

Unverified: that an answer about a name without records is an empty list (as lego and dns-lexicon take it
to be).
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from hashlib import md5, sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..errors import Busy, ConfigError
from ._character_strings import quoted
from ._name_servers import ShowsNameServers
from ._private_keys import private_key
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone
from .records import RecordProvider
from .rest import Refused, Rest, listed


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an API signing key of a user."""

    title = "Oracle Cloud"
    docs = "https://docs.oracle.com/en-us/iaas/api/#/en/dns/20180115/"
    permission = (
        "the policy “allow group GROUP to use dns in compartment COMPARTMENT”, which can be limited by"
        " “where target.dns-zone.name = 'ZONE'”"
    )
    options = (
        Option("region", ("OCI_REGION", "OCI_CLI_REGION"), "region: eu-frankfurt-1", required=True),
        Option("tenancy", ("OCI_TENANCY_OCID", "OCI_CLI_TENANCY"), "OCID of the tenancy", required=True),
        Option("user", ("OCI_USER_OCID", "OCI_CLI_USER"), "OCID of the user", required=True),
        Option(
            "private_key", ("OCI_PRIVKEY", "OCI_CLI_KEY"), "the key, in PEM form", required=True, secret=True
        ),
        Option("passphrase", ("OCI_PRIVKEY_PASS", "OCI_PRIVATE_KEY_PASSWORD"), "of the key", secret=True),
        Option(
            "fingerprint", ("OCI_PUBKEY_FINGERPRINT", "OCI_FINGERPRINT"), "of the key, if not as computed"
        ),
        Option("compartment", ("OCI_COMPARTMENT_OCID",), "of the zones, if not the tenancy itself"),
        Option("base_url", ("OCI_DNS_BASE_URL",), "address of the API, if not that of the region"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"authorization failed or": (
            "let the user's group manage dns in the compartment of the zone by a policy, and see that"
            " OCI_REGION is its region"
        ),
    }
    least_ttl = 30
    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for a key that is none, or that the passphrase does not open."""
        url = options.get("base_url") or f"https://dns.{options['region']}.oraclecloud.com/20180115"
        super().__init__({**options, "base_url": url})
        self._key = _key(options["private_key"], options.get("passphrase"))
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = md5(public, usedforsecurity=False).hexdigest()
        fingerprint = ":".join(digest[place : place + 2] for place in range(0, 32, 2))
        who = options["tenancy"], options["user"], options.get("fingerprint") or fingerprint
        self._key_id = "/".join(who)
        self._ttl: int | None = None

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        """A signature of some headers"
        " (https://docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm)."""
        place = urlsplit(url)
        query = f"?{place.query}" if place.query else ""
        sent = {"date": formatdate(self.clock(), usegmt=True)}
        signed = {**sent, "(request-target)": f"{method.lower()} {place.path}{query}", "host": place.netloc}
        if method == "PATCH":
            digest = b64encode(sha256(body.encode()).digest()).decode()
            sent |= {"content-type": "application/json", "x-content-sha256": digest}
            signed |= {"content-length": str(len(body.encode())), **sent}
        text = "\n".join(f"{name}: {value}" for name, value in signed.items())
        signature = b64encode(self._key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
        authorization = (
            f'Signature version="1",keyId="{self._key_id}",algorithm="rsa-sha256",'
            f'headers="{" ".join(signed)}",signature="{signature}"'
        )
        return {**sent, "Authorization": authorization}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        following = self.answer_headers.get("opc-next-page")
        return {"page": following} if following else {}

    def zones(self) -> Iterable[Zone]:
        """The zones of the compartment that the world is served and that are written here."""
        where = {"compartmentId": self.given.get("compartment") or self.given["tenancy"]}
        for page in self.pages("zones", **where, scope="GLOBAL", zoneType="PRIMARY", limit=100):
            yield from (Zone(zone["name"], zone["id"]) for zone in listed(page))

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("zones", apex)
        return Zone(found["name"], found["id"]) if found and found["zoneType"] == "PRIMARY" else None

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id)["name"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [server["hostname"] for server in listed(self.get("zones", zone.id)["nameservers"])]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        found = [*self.items("items", "zones", zone.id, "records", name, rtype="TXT", limit=100)]
        self._ttl = found[0]["ttl"] if found else None
        return [(record["recordHash"], record["rdata"]) for record in found]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        """With the TTL that the RRset has: another one would be that of all its records."""
        ttl = record.ttl if self._ttl is None else self._ttl
        what = {"domain": record.name, "rtype": "TXT", "rdata": quoted(record.value), "ttl": ttl}
        self._change(zone, record.name, operation="ADD", **what)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self._change(zone, name, operation="REMOVE", recordHash=id)

    def _change(self, zone: Zone, name: str, **operation: Any) -> None:
        """Make a change that is success if there is nothing to change."""
        try:
            self.request("PATCH", ("zones", zone.id, "records", name), body={"items": [operation]})
        except Refused as refusal:
            if refusal.status in (409, 412):  # the zone is being changed
                raise Busy(str(refusal), refusal.hint) from refusal
            raise


def _key(text: str, passphrase: str | None) -> RSAPrivateKey:
    try:
        key = private_key(text.encode(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(
            "OCI_PRIVKEY is no RSA key in PEM form, or not one that OCI_PRIVKEY_PASS opens",
            "OCI_PRIVKEY_FILE names the file that the console gave you for the API key",
        )
    return key
