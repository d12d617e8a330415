"""Keys that sign requests: what is none is refused as it is read, and what is damaged signs all the same."""

from __future__ import annotations

from base64 import encodebytes

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dns01.providers._private_keys import private_key

KEY = generate_private_key(65537, 2048)
NUMBERS = KEY.private_numbers()
DER = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
RSA = bytes.fromhex("2a864886f70d010101")  # rsaEncryption, RFC 8017 appendix C


def octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def pem(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(der) + b"-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "der",
    [
        b"",
        DER[:-1],
        DER.replace(RSA, RSA[:-1] + b"\x41"),
        DER.replace(octets(NUMBERS.public_numbers.n), bytes(256)),
        DER.replace(octets(NUMBERS.public_numbers.n), bytes(255) + b"\x01"),
    ],
    ids=["nothing", "cut off", "of an unknown kind", "without a modulus", "with a modulus of one bit"],
)
def test_what_no_request_could_be_signed_with_is_refused(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        private_key(pem(der))


@pytest.mark.parametrize(
    "number", [NUMBERS.p, NUMBERS.q, NUMBERS.d, NUMBERS.iqmp], ids=["p", "q", "d", "iqmp"]
)
def test_a_damaged_key_signs_what_the_api_will_refuse(number: int) -> None:
    damaged = DER.replace(octets(number), octets(number ^ 2))
    assert damaged != DER

    key = private_key(pem(damaged))

    assert isinstance(key, RSAPrivateKey)
    assert key.sign(b"a request", PKCS1v15(), SHA512())
