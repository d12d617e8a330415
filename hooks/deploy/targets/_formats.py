"""What the files of a certificate hold, and what they are called where nobody says otherwise."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, cast

from ....errors import DeployError
from .base import CertificateFiles

PUBLIC, PRIVATE = 0o644, 0o600


class Format(NamedTuple):
    """A file of one kind: its name in a version, its mode without the user's word, what it holds."""

    name: str
    mode: int
    help: str


FORMATS = {
    "fullchain": Format("fullchain.pem", PUBLIC, "certificate and chain"),
    "privkey": Format("privkey.pem", PRIVATE, "key"),
    "cert": Format("cert.pem", PUBLIC, "certificate alone"),
    "chain": Format("chain.pem", PUBLIC, "chain alone"),
    "combined": Format("combined.pem", PRIVATE, "certificate, chain and key in one file, for HAProxy"),
    "pkcs12": Format("keystore.p12", PRIVATE, "certificate, chain and key as PKCS#12"),
    "ocsp": Format("ocsp.der", PUBLIC, "OCSP response, where the client has fetched one"),
}


SUFFIXES = (".pem", ".crt", ".cer", ".cert", ".key", ".der", ".p12", ".pfx", ".ocsp")

_PEM = re.compile(
    rb"^-----BEGIN (?!OPENSSH)([A-Z0-9]+ )*(CERTIFICATE|PRIVATE KEY|PARAMETERS)-----", re.MULTILINE
)


def may_be_replaced(path: str, content: bytes) -> bool:
    """Whether a file is a certificate's: it is called like one, is empty, or holds PEM or one DER value,
    which PKCS#12 and OCSP responses are (X.690 §8.1.3)."""
    if os.path.splitext(path)[1].lower() in SUFFIXES:
        return True
    return not content.strip() or _PEM.search(content) is not None or _is_der(content)


def _is_der(content: bytes) -> bool:
    """Whether it is one SEQUENCE from its beginning to its end."""
    if len(content) < 2 or content[0] != 0x30:
        return False
    first = content[1]
    if first == 0x80:  # indefinite: some programs write PKCS#12 so
        return content.endswith(b"\0\0")
    octets = first & 0x7F if first & 0x80 else 0
    length = int.from_bytes(content[2 : 2 + octets], "big") if octets else first
    return len(content) == 2 + octets + length


def content_of(kind: str, bundle: CertificateFiles, password: bytes, present: bytes) -> bytes | None:
    """What the file of that kind is to hold; None: there is nothing for it. ``present``: what it
    holds now. Raises DeployError."""
    match kind:
        case "privkey":
            return bundle.key
        case "cert":
            return bundle.cert
        case "chain":
            return bundle.chain
        case "combined":
            return bundle.fullchain + bundle.key
        case "pkcs12":
            return _pkcs12(bundle, password, present)
        case "ocsp":
            return _response(bundle)
    return bundle.fullchain


def texts_of(bundle: CertificateFiles) -> dict[str, str]:
    """The certificate's files by the names that the fields of one secret have, in a store of secrets."""
    return {
        "private_key": bundle.key.decode("ascii"),
        "fullchain": bundle.fullchain.decode("ascii"),
        "cert": bundle.cert.decode("ascii"),
        "chain": bundle.chain.decode("ascii"),
        "csr": bundle.csr.decode("ascii"),
        "not_after": f"{bundle.facts.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "fingerprint": bundle.facts.fingerprint,
    }


def plain_name(name: str) -> str:
    """A wildcard's name without its star, which tags and names of secrets do not take, or not as one."""
    return name.replace("*", "_")


def _pkcs12(bundle: CertificateFiles, password: bytes, present: bytes) -> bytes:
    """It is salted, so that two with the same content differ: that which is there is left if it
    holds what it should."""
    from cryptography import x509  # which the reading of the configuration can do without
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        load_pem_private_key,
        pkcs12,
    )

    key = load_pem_private_key(bundle.key, None)
    certificate, *chain = x509.load_pem_x509_certificates(bundle.fullchain)
    name = bundle.name.encode()
    wanted = pkcs12.PKCS12KeyAndCertificates(
        None,  # the keys are compared by what is public of them
        pkcs12.PKCS12Certificate(certificate, name),
        [pkcs12.PKCS12Certificate(each, None) for each in chain],
    )
    try:
        found = pkcs12.load_pkcs12(present, password)
    except ValueError:
        found = None
    if found and found.key and found.key.public_key() == key.public_key():
        present_store = pkcs12.PKCS12KeyAndCertificates(None, found.cert, found.additional_certs)
        if present_store == wanted:
            return present
    kept = cast("pkcs12.PKCS12PrivateKeyTypes", key)  # no CA certifies a key of another type
    encryption = BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(name, kept, certificate, chain, encryption)


def _response(bundle: CertificateFiles) -> bytes | None:
    """The OCSP response, if it is for this certificate: right after a renewal, the client may still
    have that for the certificate before."""
    if not bundle.ocsp:
        return None
    from cryptography.x509 import load_pem_x509_certificate, ocsp

    from ..certificate.leaf import content

    response = content(bundle.ocsp)
    leaf = load_pem_x509_certificate(bundle.cert)
    try:
        about = ocsp.load_der_ocsp_response(response).serial_number
    except ValueError as error:
        raise DeployError(
            f"{bundle.ocsp} holds no OCSP response: {error}", "have the client fetch it once more"
        ) from None
    return response if about == leaf.serial_number else None
