"""Secrets in files: read only if nobody else can."""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dns01.errors import ConfigError
from dns01.secret import KEY_PART, MOST_KEYS, hide_private_key, looks_secret, read_secret, redact, shown


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("content", "secret"),
    [("s3cret\n", "s3cret"), ("s3cret", "s3cret"), ("s3cret\r\n", "s3cret"), (" a \n\n", " a \n")],
)
def test_the_secret_is_the_text_without_the_newline_that_ends_it(
    file: Path, content: str, secret: str
) -> None:
    file.write_text(content, newline="")
    assert read_secret(str(file)) == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_file_that_others_can_open_is_refused_with_the_chmod_to_run(file: Path, mode: int) -> None:
    file.write_text("s3cret")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"{file} .*{mode:04o}") as refusal:
        read_secret(str(file))
    assert refusal.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xffs3cret"], ids=["nothing", "a newline", "not text"])
def test_a_file_without_a_secret_is_refused_by_name(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=str(file)):
        read_secret(str(file))


def test_a_file_that_is_missing_or_none_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            read_secret(str(path))


def test_no_error_shows_the_secret(file: Path) -> None:
    file.write_bytes(b"s3cret \xff")
    with pytest.raises(ConfigError) as refusal:
        read_secret(str(file))
    assert "s3cret" not in repr((refusal.value, refusal.value.__cause__, refusal.value.hint))


TOKENS = [
    "s3cr3t/T0ken+with=all&kinds<of>\"signs'",
    "plain-T0ken_0123456789",
    "päss/wörd §§",
    "two\nlines of a secret",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        json.dumps,
        lambda token: json.dumps(token, ensure_ascii=False),
        lambda token: json.dumps(token).replace("/", "\\/"),
        lambda token: (
            json.dumps(token).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        ),
        lambda token: "".join(c if c.isascii() and c.isalnum() else f"\\u{ord(c):04X}" for c in token),
        lambda token: quote(token, safe=""),
        quote,
        quote_plus,
        lambda token: quote(token, safe="").lower() if token.islower() else quote(token, safe=""),
        html.escape,
        lambda token: token.encode().hex(),
        lambda token: base64.b64encode(token.encode()).decode(),
        lambda token: base64.b64encode(f"user:{token}".encode()).decode(),
        lambda token: base64.urlsafe_b64encode(f"an-user:{token}:and more".encode()).decode(),
        lambda token: base64.b64encode(f"user1:{token}".encode()).decode(),
        lambda token: " ".join(token.split()),
    ],
)
def test_a_secret_is_hidden_however_it_is_spelt(token: str, spell: Callable[[str], str]) -> None:
    said = redact(f"begin {spell(token)} end", [token])
    assert "[secret]" in said
    for part in (token[:9], token[-9:], spell(token)[7:19]):
        assert part not in said.replace("[secret]", "")
    assert said.startswith("begin")


LONGER = ["s3cr3t/T0ken+with-all=kinds", "plain-T0ken_0123456789", "0123456789abcdef0123456789abcdef"]


@pytest.mark.parametrize("token", LONGER)
@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        str.lower,
        lambda token: quote(token, safe="").lower(),
        lambda token: f"{token[:12]}…",
        lambda token: f"{token[:20]}... (truncated)",
        lambda token: f"…{token[-12:]}",
        lambda token: f"...{token[3:]}",
        lambda token: f"{token[:-1]}",
        lambda token: json.dumps(token.upper())[:16],
        lambda token: f"{token[:13]}****{token[-13:]}",
    ],
)
def test_a_longer_secret_is_hidden_in_another_case_and_where_it_is_cut_off(
    token: str, spell: Callable[[str], str]
) -> None:
    said = redact(f"invalid token: {spell(token)} (code 7)", [token])
    assert said.startswith("invalid token: ")
    assert said.endswith("(code 7)")
    for part in (token[2:8], token[6:12], token[-12:-6], token[-7:-2]):
        assert part.lower() not in said.replace("[secret]", "").lower()


LINES = [
    "two\nlines of a secret",
    "-----BEGIN A KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASC==\n-----END A KEY-----\n",
    "  s3cr3t with ends\r\n \r\nand an empty line",
    "a\tb\tc d3",
    "s3cr3t-T0k\n",
]


@pytest.mark.parametrize("token", [*LONGER, *LINES, "s3cr3t-T0k", "a s3cr3t of w0rds"])
def test_what_else_is_in_the_text_makes_no_difference_to_a_secret(token: str) -> None:
    octets = token.encode()
    in_base64 = base64.b64encode(b"user:" + octets).decode()
    spellings = [token, token.upper(), token[:14], token[-14:], octets.hex(), octets.hex().upper(), in_base64]
    spellings += [*token.split(), *token.splitlines(), " ".join(token.split()), token.replace(" ", "+")]
    for spelling in [*spellings, "nothing of it"]:
        said = redact(f"begin {spelling} end", [token])
        for escaped in ("\\n", "100%", "a&b", "…"):  # with which it is looked for in all its spellings
            assert redact(f"begin {spelling} end {escaped}", [token]) == f"{said} {escaped}"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("https://hooks.example.org/services/T0001/abcdef", "https://hooks.example.org does not answer"),
        ("/etc/dns01/secrets/token-of-example-1", "/etc/dns01/secrets is open to others"),
        ("correct horse battery staple 1", "correct horse is no answer"),
        ("f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec is another"),
        ("hetzner-dns-token", "the account hetzner-dns-to is unknown"),
    ],
)
def test_what_only_begins_like_a_secret_is_shown(secret: str, text: str) -> None:
    assert redact(text, [secret]) == text


def test_a_long_text_is_looked_through_in_no_time() -> None:
    token = "0123456789abcdef0123456789abcdef"
    assert redact("0123456789abcde" * 5_000, [token]).count("[secret]") <= 5_000


def a_key() -> str:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    body = base64.encodebytes(key + random.Random(1).randbytes(120)).decode()  # of a few lines
    return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"


KEY = a_key()
SECOND = KEY.splitlines()[2]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        " | ".join(KEY.splitlines()),
        json.dumps({"private_key": KEY}),
        json.dumps(KEY).replace("/", "\\/"),
        f"bad command name {SECOND} (line 3 column 1)",
        f"% Invalid input: {SECOND[:20]}",
        f"…{SECOND[-20:]}",
        quote(KEY),
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(b"a certificate\n" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(b"certificate\n" + KEY.encode()).decode(),
    ],
)
def test_a_private_key_is_hidden_in_whole_and_in_part(text: str) -> None:
    hide_private_key(KEY.encode())
    said = redact(text)
    wholly = [text[at : at + KEY_PART] for at in range(len(text) - KEY_PART)]
    in_base64 = [base64.b64encode(bytes(shift) + KEY.encode()).decode() for shift in range(3)]
    secrets = ["".join(KEY.splitlines()[1:-1]), *(each[4:-4] for each in in_base64)]
    assert "[secret]" in said
    assert not [part for part in wholly if part in said and any(part in secret for secret in secrets)]


def test_a_part_of_a_private_key_is_hidden_wherever_it_begins() -> None:
    hide_private_key(KEY.encode())
    body = "".join(KEY.splitlines()[1:-1])
    for at in range(len(body) - KEY_PART + 1):
        assert redact(f"a {body[at : at + KEY_PART]} b") == "a [secret] b"


@pytest.mark.parametrize("end", [len(KEY), len(KEY) - 1, len(KEY) // 2, 60], ids=str)
def test_anybody_s_private_key_is_hidden_as_far_as_it_is_there(end: int) -> None:
    begin, body = "-----BEGIN PRIVATE KEY-----", a_key()[:end].removeprefix("-----BEGIN PRIVATE KEY-----")
    text = redact(f"cannot parse: {begin}{body}")
    assert text.startswith(f"cannot parse: {begin} [secret]")
    assert body[:30] not in text


def test_of_many_private_keys_the_newest_are_hidden_and_other_words_shown() -> None:
    for number in range(MOST_KEYS):
        hide_private_key(b"%064d" % number)
    hide_private_key(KEY.encode())
    text = f"{SECOND} 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
    assert redact(text) == text.replace(SECOND, "[secret]")


def test_the_word_for_a_secret_may_be_one() -> None:
    assert redact("a secret and another-token", ["secret", "another-token"]) == "a [secret] and [secret]"


@pytest.mark.parametrize("token", ["key", "a", ""])
def test_what_is_too_short_to_be_a_secret_is_no_hole_in_every_sentence(token: str) -> None:
    assert redact("the key is a key", [token]) == "the key is a key"


LIKE_SECRETS = [
    "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw==",
    "0123456789abcdef0123456789abcdef",
    "/9j4AAQSkZJRgABAQAAAQABAADx2Q",
    "A1b2C3d4E5f6G7h8I9j0",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "VGhlIHNlY3JldCBv ZiB0aGUgdGVzdHM=",
]
UNLIKE_SECRETS = [
    "hmac-sha256",
    "hmac-sah256",
    "acme-update-key-1",
    "key.example.org",
    "_acme-challenge.host01.example.org",
    "/etc/dns01/Cloudflare-Token1",
    "/etc/Dns01TokenOfExample",
    "ns1.example.org:5353",
]


@pytest.mark.parametrize("text", LIKE_SECRETS)
def test_what_looks_like_a_secret_is_not_shown(text: str) -> None:
    assert looks_secret(text)
    assert text not in shown(text)
    assert text not in redact(f"and not later either: {text}")


@pytest.mark.parametrize("text", UNLIKE_SECRETS)
def test_what_looks_like_a_name_or_a_path_is_shown(text: str) -> None:
    assert text in shown(text)


@pytest.mark.parametrize("text", LIKE_SECRETS)
def test_a_secret_in_the_place_of_its_file_s_path_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read_secret(text)
    assert text not in repr((refusal.value, refusal.value.__cause__, refusal.value.hint))
    assert "path" in refusal.value.hint


def test_a_path_that_is_none_at_all_is_an_error() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_secret("/etc/a\0b")
