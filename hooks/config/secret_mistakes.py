"""What is pasted beside a secret, or in its place, is told from the secret itself."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import ConfigError


class DisguisedSecret(ConfigError):
    """A secret that has something around it, or something else in its place."""


class Mistake(NamedTuple):
    """How a value looks that cannot be meant as it is, what it then is, and the way out.

    ``remedy``: ``{}`` stands for the variable, the key or the file that holds the value. ``sed``: the script
    that mends such a file, where one can.
    """

    looks: str  # a regular expression for all of it
    what: str
    remedy: str
    sed: str = ""


LONGEST_SECRET = 2048  # characters that are looked at: no key that is longer is one word
_SECRETIVE = r"\w*(?:key|pass|pwd|secret|token)\w*"
_VARIABLE = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_SETTING = r"(?:(?:export|set) +)?([A-Za-z]\w*) *= *[^=\s].*"
MISTAKES: Sequence[Mistake] = (
    Mistake(
        r"[^\n]*\r",
        "ends with a carriage return: the file that it comes from has the line ends of Windows",
        "take the carriage return out of what {} is set from",
        r"s/\r$//",
    ),
    Mistake(
        "\ufeff.*",
        "has a byte order mark (U+FEFF) in front, as some editors write it",
        "write it into {} without the byte order mark",
        r"1s/^\xEF\xBB\xBF//",
    ),
    Mistake(
        rf"(?i:export|set|declare) +\w+\s*=.*|{_VARIABLE}\s*=\s*[^=\s].*"
        rf"|(?i:{_SECRETIVE})(?:\s*=\s*[^=\s]|:\s+\S).*",
        "is a whole line, with the name of a variable and = in front",
        "write into {} what comes after the =, and nothing else",
        r"s/^[^=:]*[=:]\s*//; s/^[\x22\x27]//; s/[\x22\x27];*$//",
    ),
    Mistake(
        r"""(["'“”‘’])[^"'“”‘’]*["'“”‘’]""",  # noqa: RUF001
        "stands in quotation marks, which are taken for a part of it",
        "write it into {} without them: docker's --env-file and the like keep them",
        r"s/^[\x22\x27]//; s/[\x22\x27]$//",
    ),
    Mistake(
        r"(?s)(?![A-Za-z0-9+/\s]+=*\s*$).*\S\s*\n\s*\S.*",  # but base64 may have several
        "has several lines, of which one can be the secret",
        "leave the secret in {}, in one line, and nothing else",
    ),
    Mistake(
        r"<[^<>]*>|\[[^\[\]]*\]|\{\{.*\}\}",
        "stands in brackets, as what is still to be filled in",
        "write into {} the value itself, without brackets",
    ),
    Mistake(
        r"\$\{\w+\}|\$[A-Za-z]\w*_\w+",
        "is the name of a variable, which nobody has replaced by what it holds",
        "write into {} the value itself: only a shell takes it from a variable",
    ),
    Mistake(
        r"(?i)(?:authorization|x-[a-z-]+)\s*:.*|(?:bearer|basic|token|sso-key|apikey):? +\S+",
        "begins with a word of HTTP's, which is sent of its own accord",
        "write into {} what comes after it, and nothing else",
        r"s/^[A-Za-z-]*:\s*//; s/^[A-Za-z-]\+\s\+//",
    ),
    Mistake(
        r"(?i)(your|my|insert|enter|paste|replace|change)[-_ ]?([a-z0-9]+[-_ ])*"
        r"(token|key|secret|password|here|me)"
        r"|x{4,}|\*{3,}|\.{3,}|…|redacted|placeholder|todo|fixme|undefined|api[-_ ]?(token|key)",
        "is a placeholder out of an example",
        "put the value itself into {}, in the place of the placeholder",
    ),
)
# Of settings whose names and values are up to the user, these may be meant.
UNLESS_IN_A_TABLE: Sequence[Mistake] = (
    Mistake(
        r"(?i)https?://\S+",
        "is a web address",
        "write into {} the secret itself, and not where it is got or used",
    ),
    Mistake(
        r'(?s)\s*\{\s*".*\}\s*',
        "is JSON",
        "write into {} the value of the one member that is the secret, without quotes",
    ),
)


def mistake_in(secret: str, *, in_table: bool = False) -> Mistake | None:
    """What is wrong with a secret by its looks; None where nothing is. ``in_table``: it is an entry of an
    option that has many (a variable for another program, say)."""
    if len(secret) > LONGEST_SECRET or not _is_suspect(secret) or "-----BEGIN " in secret:
        return None
    import re  # which most secrets can do without

    known = MISTAKES if in_table else (*UNLESS_IN_A_TABLE, *MISTAKES)
    return next((each for each in known if re.fullmatch(each.looks, secret)), None)


def check_secret(secret: str, place: str, remedy: str, *, in_table: bool = False) -> None:
    """Refuse what is no secret by itself: quotes around it, a header, a placeholder. ``place``: what holds
    it; ``remedy``: how to name a file that does. Raises DisguisedSecret, which does not show the secret."""
    if mistake := mistake_in(secret, in_table=in_table):
        hint = f"{mistake.remedy.format(place)}; if it is right: {remedy}"
        raise DisguisedSecret(f"the value {mistake.what}", hint)
    if secret.startswith("/") and os.path.isfile(secret):
        raise DisguisedSecret("the value is the path of a file, and not what it holds", remedy)


def check_secret_file(text: str, path: str) -> None:
    """Refuse a file of settings, as certbot's plugins, lego's units and acme.sh have it, where one is wanted
    that holds the secret alone. (One line alone might be the secret.) Raises DisguisedSecret, which shows no
    more than a setting's name."""
    if "\n" not in text.strip() or "=" not in text or "-----BEGIN " in text:
        return
    import re  # which most secrets can do without

    lines = [line.strip() for line in text.splitlines()]
    settings = [line for line in lines if line and line[0] not in "#;["]
    names = [match[1] for line in settings if (match := re.fullmatch(_SETTING, line))]
    if len(names) < len(settings):
        return
    secretive = re.compile(rf"(?i:{_SECRETIVE})|{_VARIABLE}")
    telling = next((name for name in names if "_" in name and secretive.fullmatch(name)), "")
    if not telling:
        return
    raise DisguisedSecret(
        f"{path} holds settings ({telling} = …), and not the secret alone",
        f"write what stands behind the = of {telling} into a file of its own, and nothing else",
    )


def _is_suspect(secret: str) -> bool:
    """Whether a closer look is worth while: a key is most often one word that has digits in it."""
    is_word = secret.replace("-", "").replace("_", "").isalpha()
    odd = secret[:1] in "\"'“‘<[{$*.…\ufeff" or "\n" in secret or secret.endswith("\r")  # noqa: RUF001
    return is_word or odd or " " in secret or ":" in secret or "=" in secret.rstrip("=")
