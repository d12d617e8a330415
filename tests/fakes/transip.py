"""TransIP's API v6, as far as TXT records go (https://api.transip.nl/rest/docs.html)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import Answer, Record, Refusal, Request, route
from .oauth import TokenFake

ACCOUNT = "me"
AUTH = {"login", "nonce", "read_only", "expiration_time", "label", "global_key"}
ENTRY = {"name": str, "expire": int, "type": str, "content": str}


@cache
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem() -> str:
    return key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class TransIp(TokenFake):
    """A token is granted for a signature of the request for it, and each nonce does once. The entries of
    an RRset have one TTL; they have no ids, and are removed by all that they say. A machine that is not
    ``on_whitelist`` needs a token that is good everywhere."""

    prefix = "/v6"
    hosts = ("api.transip.nl",)
    invalid = 406

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.on_whitelist = True
        self._nonces: set[str] = set()

    def issue(self, request: Request) -> Any:
        if (request.method, request.path) != ("POST", "/v6/auth"):
            return None
        asked = request.body
        if set(asked) - AUTH or asked["login"] != ACCOUNT or len(asked["nonce"]) < 6:
            raise Refusal(400, f"Invalid fields: {sorted(asked)}")
        if asked["nonce"] in self._nonces:
            raise Refusal(401, "The nonce has been used already")
        self._nonces.add(asked["nonce"])
        if not self.on_whitelist and not asked.get("global_key"):
            raise Refusal(401, "Your IP address is not on the whitelist")
        if self.token != type(self).token or not _is_signed(request):
            raise Refusal(401, "Invalid signature")
        return {"token": self.new_token()["access_token"]}

    def error(self, refusal: Refusal) -> Any:
        return {"error": refusal.message}

    @route("GET", "/domains")
    def list_domains(self, request: Request) -> Answer:
        return Answer(200, {"domains": [{"name": apex, "isDnsOnly": False} for apex in self.zones]})

    @route("GET", "/domains/{domain}")
    def domain(self, request: Request, domain: str) -> Answer:
        return Answer(200, {"domain": {"name": self.zone(domain).apex, "authCode": "", "isDnsOnly": False}})

    @route("GET", "/domains/{domain}/dns")
    def entries(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        return Answer(200, {"dnsEntries": [_shown(record, zone.apex) for record in zone.records]})

    @route("POST", "/domains/{domain}/dns", fields={"dnsEntry": dict})
    def add_entry(self, request: Request, domain: str) -> Answer:
        zone, entry = self.zone(domain), self._entry(request)
        name = zone.apex if entry["name"] == "@" else f"{entry['name']}.{zone.apex}"
        there = zone.texts(name)
        if any(record.ttl != entry["expire"] for record in there):
            raise Refusal(406, "the expire of all records in an rrset must be all the same")
        if any(record.value == entry["content"] for record in there):
            raise Refusal(406, "This entry is there already")
        self.add(zone, name, entry["content"], entry["expire"], entry["type"])
        return Answer(201)

    @route("DELETE", "/domains/{domain}/dns", fields={"dnsEntry": dict})
    def remove_entry(self, request: Request, domain: str) -> Answer:
        zone, entry = self.zone(domain), self._entry(request)
        same = [record for record in zone.records if _shown(record, zone.apex) == entry]
        if not same:
            raise Refusal(404, "There is no such entry")
        zone.records.remove(same[0])
        return Answer(204)

    def _entry(self, request: Request) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = request.body["dnsEntry"]
        if {key: type(text) for key, text in entry.items()} != ENTRY:
            raise Refusal(406, f"dnsEntry: {sorted(ENTRY)}")
        return entry


def _is_signed(request: Request) -> bool:
    """Of the two ways to write JSON, one is what was signed."""
    ways = (json.dumps(request.body), json.dumps(request.body, separators=(",", ":")))
    for way in ways:
        try:
            key().public_key().verify(
                b64decode(request.headers["Signature"]), way.encode(), PKCS1v15(), SHA512()
            )
        except InvalidSignature:
            continue
        return True
    return False


def _shown(record: Record, apex: str) -> Mapping[str, Any]:
    name = record.name.removesuffix(apex).rstrip(".") or "@"
    return {"name": name, "expire": record.ttl, "type": record.type, "content": record.value}
