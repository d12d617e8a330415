"""Secrets: read from files that nobody else can read, and blotted out wherever they would appear."""

from __future__ import annotations

import os
import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from functools import cache

from .errors import ConfigError
from .trusted_file import read_trusted

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from logging import LogRecord

_secrets: set[str] = set()
# Each as PEM has it and in base64, without line ends, and every eighth of its grams; the oldest first.
_private_keys: dict[str, frozenset[str]] = {}

SECRETIVE = re.compile("key|pass|secret|token", re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
HEXADECIMAL = re.compile(r"[0-9A-Fa-f-]{32,}")
SHORTEST = 4  # characters of what is hidden: anything shorter would blot out half of every sentence
SHORTEST_PART = 12  # characters of a line, of what base64 makes of it, or of an end that was left
CUT_OFF = re.compile(r"(?=.*\d)(?!/)[A-Za-z0-9+/_=~-]{20,}")  # whose ends are hidden: no path, no sentence
WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/_=~%\\-"  # may be more of it
WORDS = re.compile(f"[{re.escape(WORD)}]*")
BLOT = "\ufdd0"  # no character (Unicode §23.7): it is in no secret
LONGEST_LINE = 512  # characters: a longer text is hidden as it is, and line by line
KEY_PART = 16  # characters in a row of a private key that are hidden
GRAM = KEY_PART // 2  # characters: each part has at least one whole gram that begins at a multiple of this
MOST_KEYS = 256  # private keys that are known at a time: a process may deliver many thousand certificates
ESCAPES = "\\%&"  # one of them begins whatever else stands for a character other than white space
SPECIAL = {  # what else stands for a character: in a pattern, after the usual ways to write it
    " ": r"|\+|\s+",
    "\n": r"|\\n|\s+",
    "\r": r"|\\r|\s*",
    "\t": r"|\\t|\s+",
    "&": "|&amp;",
    "<": "|&lt;",
    ">": "|&gt;",
    '"': "|&quot;",
    "'": "|&apos;",
}

HINT = "it has to hold the secret and nothing else"


def hide(secret: str) -> None:
    """Replace ``secret``, from now on, wherever it would appear in what is said or recorded, in whatever way
    somebody else may have spelt it: in JSON, in a URL, in HTML, in hexadecimal, in base64; a longer one in
    any letter case, too, and where it was cut off."""
    if len(secret) >= SHORTEST:
        _secrets.add(secret)


def hide_private_key(pem: bytes) -> None:
    """Replace a certificate's key, from now on, wherever ``KEY_PART`` characters of it would appear in a row:
    as PEM has it, or in base64 all of the PEM. A target may say what it was sent, line by line.

    (``hide`` takes a second for a key of 4096 bits, and there may be thousands.)
    """
    body = b"".join(line for line in pem.split() if not line.startswith(b"-"))
    whole = "\n".join([body.decode("ascii", "replace"), *_in_base64(pem)])
    _private_keys.pop(whole, None)
    _private_keys[whole] = frozenset(whole[at : at + GRAM] for at in range(0, len(whole) - GRAM + 1, GRAM))
    while len(_private_keys) > MOST_KEYS:
        _private_keys.pop(next(iter(_private_keys)), None)


def forget() -> None:
    """Replace nothing more of what was hidden, in a process that goes on to somebody else's work."""
    _secrets.clear()
    _private_keys.clear()


def looks_secret(text: str) -> bool:
    """Whether what should be a name, a path or the like looks like a key instead: base64 of all three
    kinds of characters, or hexadecimal."""
    text = "".join(text.split())
    if HEXADECIMAL.fullmatch(text):
        return True
    kinds = (str.isupper, str.islower, str.isdigit)
    mixed = text.endswith("=") or all(any(map(kind, text)) for kind in kinds)
    _, root, inside = text.partition("/")
    is_path = text.startswith("/") and "/" in inside and os.path.isdir(root + inside.partition("/")[0])
    return bool(BASE64.fullmatch(text)) and mixed and not is_path


def shown(text: str) -> str:
    """A setting that is wrong, as an error shows it: in quotes, unless it looks like a secret that
    somebody put into the wrong place. That is hidden from then on."""
    if looks_secret(text):
        hide(text)
        return "what is given there (not shown: it looks like a secret)"
    return repr(text)


def hide_setting(name: str, value: str) -> None:
    """Hide what may be a secret, of a setting that we know but by its name."""
    if len(value) >= 8 or SECRETIVE.search(name):
        hide(value)


def redact(text: str, besides: Iterable[str] = ()) -> str:
    """The text without the secrets, the longest first (one may contain another); ``besides``: those
    that only the caller knows."""
    more = {secret for secret in besides if len(secret) >= SHORTEST}
    for secret in sorted(_secrets | more, key=len, reverse=True):
        if _is_plainly_absent(secret, text):
            continue
        text = _spellings(secret).sub(BLOT, text)
        if CUT_OFF.fullmatch(secret):
            text = _without_ends(text, secret)
    return _without_private_keys(text).replace(BLOT, "[secret]")  # at last: the word may be somebody's secret


def _without_private_keys(text: str) -> str:
    """The text without those of anybody, where they can be told by what PEM has around them, or else without
    parts of those that are known."""
    if "PRIVATE KEY-----" in text:
        around = "-----{} [A-Z0-9 ]*PRIVATE KEY-----"
        begin, end = around.format("BEGIN"), around.format("END")
        text = re.sub(rf"({begin}).*?({end}|\Z)", rf"\1 {BLOT} \2", text, flags=re.DOTALL)
    if not _private_keys:
        return text
    part = rf"[A-Za-z0-9+/=_-]{{{KEY_PART},}}"
    return re.sub(part, lambda word: BLOT if _is_of_a_key(word[0]) else word[0], text)


def _is_of_a_key(word: str) -> bool:
    parts = [word[at : at + KEY_PART] for at in range(len(word) - KEY_PART + 1)]
    grams = {word[at : at + GRAM] for at in range(len(word) - GRAM + 1)}
    known = tuple(_private_keys.items())  # of this moment: another thread may add one
    return any(part in key for key, its in known if not its.isdisjoint(grams) for part in parts)


def redact_record(record: LogRecord) -> bool:
    """A filter for handlers of logging: what is logged, by whomever, has no secret in it."""
    record.msg, record.args = redact(record.getMessage()), ()
    return True


def _is_plainly_absent(secret: str, text: str) -> bool:
    """Whether that can be told without patterns, which take milliseconds to compile, and a tenth of a second
    for a private key: in a text in which nothing is escaped, a secret, its lines or its ends are as they are
    but for their white space, in hexadecimal or in base64."""
    if not (secret.isascii() and text.isascii() and secret.strip()):
        return False
    if any(escape in text for escape in ESCAPES):
        return False
    lowered = text.lower()
    return not any(part in lowered for part in _plain_parts(secret))


@cache
def _plain_parts(secret: str) -> frozenset[str]:
    """Of which a text has one at least where it has the secret."""
    octets = secret.encode()
    if len(secret.split()) > 1:
        lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_PART and line.strip()]
        parts = [max(line.split(), key=len) for line in lines or [secret]]
    else:
        parts = [secret.strip()[:SHORTEST_PART], secret.strip()[-SHORTEST_PART:]]
    return frozenset(map(str.lower, (*parts, octets.hex(), *_in_base64(octets))))


@cache
def _spellings(secret: str) -> re.Pattern[str]:
    """The secret, its lines, and either in hexadecimal or base64."""
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_PART]
    texts = [secret, *(lines if len(lines) > 1 else ())]
    octets = secret.encode(errors="surrogateescape")
    plain = (octets.hex(), octets.hex().upper(), *_in_base64(octets))
    forms = [re.escape(text) if len(text) > LONGEST_LINE else _any_spelling(text) for text in texts]
    case = re.IGNORECASE if len(secret) >= SHORTEST_PART else re.NOFLAG
    return re.compile("|".join([*forms, *map(re.escape, plain)]), case)


def _without_ends(text: str, secret: str) -> str:
    """The text without words that begin as the secret does, or end so: somebody has cut it off."""
    beginning, end = _ends(secret)
    pieces: list[str] = []
    done = 0
    for match in beginning.finditer(text):
        if match.start() >= done:
            pieces.append(text[done : match.start()] + BLOT)
            rest = WORDS.match(text, match.end())
            done = rest.end() if rest else match.end()
    text = "".join([*pieces, text[done:]])
    pieces, done = [], 0
    for match in end.finditer(text):
        pieces.append(text[done : match.start()].rstrip(WORD) + BLOT)
        done = match.end()
    return "".join([*pieces, text[done:]])


@cache
def _ends(secret: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The shortest part at its beginning, and that at its end, however they are spelt."""
    parts = (secret[:SHORTEST_PART], secret[-SHORTEST_PART:])
    beginning, end = (re.compile(_any_spelling(part), re.IGNORECASE) for part in parts)
    return beginning, end


def _any_spelling(text: str) -> str:
    """A pattern: each character as it is, or as JSON, URLs and HTML escape it."""
    return "".join(_any_spelling_of(char) for char in text)


def _any_spelling_of(char: str) -> str:
    code, special = ord(char), SPECIAL.get(char, "")
    if char.isascii() and char.isalnum():
        return rf"(?:{char}|\\u{code:04x}|\\u{code:04X})"
    units = char.encode("utf-16-be", "surrogatepass")
    in_json = "".join(rf"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    in_url = "".join(f"%{octet:02x}" for octet in char.encode(errors="surrogateescape"))
    return rf"(?:\\?{re.escape(char)}|(?i:{in_json}|{in_url}|&\#0*{code};|&\#x0*{code:x};){special})"


def _in_base64(octets: bytes) -> Iterator[str]:
    """As a part of longer texts, where it begins at the first, the second or the third of three octets."""
    for shift in range(3):
        whole = b2a_base64(bytes(shift) + octets, newline=False).decode().rstrip("=")
        inner = whole[(0, 2, 3)[shift] : len(whole) - ((len(octets) + shift) % 3 != 0)]
        if len(inner) >= SHORTEST_PART:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def read_secret(path: str, wanted: str = HINT) -> str:
    """The text of the file, without the newline that ends it. ``wanted``: the hint about one that is empty.

    Raises ConfigError if others than its owner may read it or could have written it, or if there is nothing
    to read. A credential of systemd's is in a folder that keeps others out; its group bits are but the mask
    of an ACL.
    """
    kept = os.path.dirname(path) == os.environ.get("CREDENTIALS_DIRECTORY", "").rstrip("/") != ""
    try:
        content, _ = read_trusted(path, private=not kept)
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Without its cause, which quotes the secret.
        raise ConfigError(f"{path} is not text in UTF-8", wanted) from None
    except (OSError, ValueError) as error:  # ValueError: there is a null in the path
        if looks_secret(path):
            hide(path)
            raise ConfigError(
                "where the path of a file is wanted, something else is given"
                " (not shown: it looks like the secret itself)",
                "put it into a file, and the path of that there",
            ) from None
        raise ConfigError(
            f"{path} cannot be read: {error.strerror if isinstance(error, OSError) else error}",
            f"see that it is there, and that the user who runs the client may read it: ls -l {path}",
        ) from error
    if not secret.strip():
        raise ConfigError(f"{path} is empty", wanted)
    return secret
