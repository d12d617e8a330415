"""``dns01 issue`` where the CA, or who stands in its place, answers what no CA should."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from issuing import Office
from testbed.acme_front import Asked

Rewrite = Callable[[Asked, bytes], bytes]
DAY = timedelta(days=1)


def rewritten(field: str, **changes: Any) -> Rewrite:
    """Every JSON object that has this field, with these changes."""

    def rewrite(asked: Asked, content: bytes) -> bytes:
        document = _object(content)
        return json.dumps({**document, **changes}).encode() if field in document else content

    return rewrite


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


class ForgingCa:
    """Gives a certificate of its own for the key that was asked for."""

    def __init__(
        self, *names: str, begins: timedelta = -DAY, lasts: timedelta = 90 * DAY, more: int = 1
    ) -> None:
        self._names, self._begins, self._lasts, self._more = names, begins, lasts, more
        self._key = ec.generate_private_key(ec.SECP256R1())

    def __call__(self, asked: Asked, content: bytes) -> bytes:
        if isinstance(asked.payload, dict) and "csr" in asked.payload:
            csr = base64.urlsafe_b64decode(asked.payload["csr"] + "==")
            self._csr = x509.load_der_x509_csr(csr)
        return self._chain() if content.startswith(b"-----BEGIN CERTIFICATE") else content

    def _chain(self) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a CA")])
        begin = datetime.now(UTC) + self._begins
        san = x509.SubjectAlternativeName([x509.DNSName(each) for each in self._names])
        leaf = self._signed(x509.Name([]), name, self._csr.public_key(), begin, begin + self._lasts, san)
        above = self._signed(name, name, self._key.public_key(), begin, begin + 900 * DAY)
        return leaf + self._more * above

    def _signed(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: Any,
        begin: datetime,
        end: datetime,
        san: x509.SubjectAlternativeName | None = None,
    ) -> bytes:
        builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), begin, end)
        builder = builder.add_extension(san, critical=False) if san else builder
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)


def test_nothing_is_published_for_a_name_that_was_not_ordered(office: Office) -> None:
    others = ["victim.example.org", "example.net", "org", "x._acme-challenge.example.org", "a\x1b[2J.org"]
    for other in others:
        office.want("www.example.org")
        office.front.rewrite = rewritten("challenges", identifier={"type": "dns", "value": other})

        said = office.issue("--force", "www.example.org")

        assert said.code == 10
        assert "www.example.org: failed: the CA wants a proof for " in said.stdout
        assert "\x1b" not in said.stdout + said.stderr
        assert office.order("www.example.org")["order"] == ""
    assert [run["published"] for run in office.trail()] == [[]] * len(others)


def test_the_ca_may_write_a_name_in_capitals(office: Office) -> None:
    office.want("www.example.org")
    office.front.rewrite = rewritten("challenges", identifier={"type": "dns", "value": "WWW.Example.ORG"})

    assert office.issue().code == 0


def no_der(asked: Asked, content: bytes) -> bytes:
    pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    return pem if content.startswith(b"-----BEGIN CERTIFICATE") else content


OF_NO_USE: list[tuple[Rewrite, str]] = [
    (ForgingCa("evil.example.net"), " is for evil.example.net, and was ordered for www.example.org"),
    (ForgingCa("www.example.org", "example.org"), " is for example.org, www.example.org, and was ordered"),
    (ForgingCa(), " is for no name, and was ordered for www.example.org"),
    (ForgingCa("www.example.org", begins=-30 * DAY, lasts=DAY), " has expired on "),
    (ForgingCa("www.example.org", begins=30 * DAY), " is not valid before "),
    (ForgingCa("www.example.org", more=4000), " has more than 1 MiB"),
    (no_der, " holds no certificate in PEM form"),
]


def test_a_certificate_of_no_use_does_not_take_the_place_of_the_one_that_is_there(office: Office) -> None:
    office.want("www.example.org")
    assert office.issue().code == 0
    before = office.leaf("www.example.org")
    for forged, reason in OF_NO_USE:
        office.front.rewrite = forged

        said = office.issue("--force", "www.example.org")

        assert said.code == 10
        assert reason in said.stdout
        assert office.leaf("www.example.org") == before
        assert office.order("www.example.org")["order"] == ""


def deep(text: bytes) -> Rewrite:
    return lambda asked, content: text * 100_000 if asked.is_new_order else content


NO_ORDERS: dict[str, tuple[Rewrite, str]] = {
    "none": (rewritten("finalize", authorizations=[]), " has no authorizations"),
    "endless": (rewritten("finalize", authorizations=["https://127.0.0.1:1/"] * 1001), " makes no sense"),
    "file": (rewritten("finalize", authorizations=["file:///etc/passwd"]), " is no https:// URL"),
    "no-tls": (rewritten("finalize", authorizations=["http://127.0.0.1:1/"]), " is no https:// URL"),
    "no-certificate": (rewritten("finalize", status="valid"), " is no https:// URL"),
    "deactivated": (rewritten("challenges", status="deactivated"), " that is 'deactivated'"),
    "deep-list": (deep(b"["), "not as RFC 8555 has it"),
    "deep-object": (deep(b'{"a":'), "not as RFC 8555 has it"),
}


def test_an_order_that_makes_no_sense_fails_at_once_and_alone(office: Office) -> None:
    def each_in_its_way(asked: Asked, content: bytes) -> bytes:
        document = _object(content)
        identifiers = document.get("identifiers") or [document.get("identifier") or {}]
        rewrite, _ = NO_ORDERS.get(str(identifiers[0].get("value")).partition(".")[0], (None, ""))
        return rewrite(asked, content) if rewrite else content

    for host in (*NO_ORDERS, "good"):
        office.want(f"{host}.example.org")
    office.front.rewrite = each_in_its_way

    said = office.issue()

    assert said.code == 10
    lines = dict(line.split(".example.org: ", 1) for line in said.stdout.splitlines()[:-1])
    assert {host: reason in lines[host] for host, (_, reason) in NO_ORDERS.items()} == dict.fromkeys(
        NO_ORDERS, True
    )
    assert office.names_of("good.example.org") == {"good.example.org"}


def test_a_directory_that_is_none_is_said_to_be_none(office: Office) -> None:
    def page(asked: Asked, content: bytes) -> bytes:
        return b"<html>" if asked.path == "/dir" else content

    office.want("www.example.org")
    for rewrite, reason in [
        (rewritten("newOrder", newAccount=["x"]), " has no newAccount"),
        (rewritten("newOrder", newAccount="ftp://127.0.0.1/"), " is no https:// URL"),
        (page, "not as RFC 8555 has it"),
    ]:
        office.front.rewrite = rewrite

        said = office.issue()

        assert said.code == 10
        assert reason in said.stderr


def test_a_chain_that_cannot_be_had_leaves_the_ca_s_own_choice(office: Office) -> None:
    office.ca_more = 'preferred_chain = "of nobody"'
    office.want("www.example.org")
    office.front.headers = [("Link", f'<https://127.0.0.1:1/{n}>;rel="alternate"') for n in range(90)]

    said = office.issue()

    assert said.code == 0
    assert "a chain of the CA's is not to be had: " in said.stderr
