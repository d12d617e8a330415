"""Options of lego's behind its command ``renew`` that belong in front of it, in every version that has that
command (up to 4): it ends there with "flag provided but not defined"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....finding import Finding, Severity
from .check import Command

VALUED = ("domains", "d", "server", "s", "email", "m", "csr", "c", "kid", "hmac", "key-type", "k",
          "filename", "path", "http.port", "http.delay", "http.proxy-header", "http.webroot",
          "http.memcached-host", "http.s3-bucket", "tls.port", "tls.delay", "dns", "dns.resolvers",
          "dns.propagation-wait", "http-timeout", "dns-timeout", "pfx.pass", "pfx.format",
          "cert.timeout", "overall-request-limit", "user-agent")  # fmt: skip
ALONE = ("accept-tos", "a", "eab", "http", "tls", "tls-skip-verify", "dns.disable-cp", "dns.propagation-rns",
         "dns.propagation-disable-ans", "pem", "pfx", "disable-cn")  # fmt: skip

_RENEW = re.compile(r"\blego\b.*?\s(?=renew(?:\s|$))")
# A word of a shell's, quotes and all, and the blanks behind it.
_WORD = re.compile(r"""((?:[^\s'";&|<>]|'[^']*'|"[^"]*")+)\s*""")


def check(command: Command) -> Iterator[Finding]:
    """One call of lego."""
    words = command.words
    if "renew" not in words:
        return
    behind = [_name(word) for word in words[words.index("renew") + 1 :]]
    misplaced = [f"{'--' if len(name) > 1 else '-'}{name}" for name in behind if name in (*VALUED, *ALONE)]
    misplaced = list(dict.fromkeys(misplaced))
    if misplaced:
        line = command.line
        yield Finding(
            "lego-options-misplaced",
            Severity.ERROR,
            line.path,
            f"lego's renew knows no {', '.join(misplaced)}, and ends: these stand in front of it",
            (line.instead(_in_order(line.command)),),
        )


def _name(word: str) -> str:
    """Of an option; empty for any other word."""
    return word.lstrip("-").partition("=")[0] if word.startswith("-") else ""


def _in_order(text: str) -> str:
    """The same with the options in front."""
    found = _RENEW.search(text)
    if not found:
        return text
    place = found.end() + len("renew")
    place += len(text[place:]) - len(text[place:].lstrip())
    before: list[str] = []
    behind: list[str] = []
    following: list[str] | None = None  # where the value goes of the option before it
    while match := _WORD.match(text, place):
        word, name = match[1], _name(match[1].strip("'\""))
        if following is None and re.fullmatch(r"\d", word) and text[match.end(1) : match.end(1) + 1] in "<>":
            break  # the number of a redirection
        into = following if following is not None else before if name in (*VALUED, *ALONE) else behind
        into.append(word)
        takes_value = following is None and name in VALUED and "=" not in word
        following = before if takes_value else None
        place = match.end()
    rest = text[place:]
    words = " ".join((text[: found.end()].rstrip(), *before, "renew", *behind))
    return words + rest if rest[:1] in ("", ";", "'", '"') else f"{words} {rest}"
