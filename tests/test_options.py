"""How a value of the configuration is refused: in words, with what would be right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from dns01.errors import ConfigError, UsageError
from dns01.options import at, check_known, seconds, text, words

KNOWN = ("nameserver", "tsig_key")


def unknown_key(word: str, elsewhere: dict[str, str] | None = None) -> Callable[[], object]:
    return lambda: check_known("key", [KNOWN[0], word], KNOWN, elsewhere)


@pytest.mark.parametrize(
    ("check", "message", "hint"),
    [
        (
            unknown_key("namesrever"),
            "unknown key 'namesrever'; did you mean 'nameserver'?",
            "those that are known: nameserver, tsig_key",
        ),
        (unknown_key("colour"), "unknown key 'colour'", "those that are known: nameserver, tsig_key"),
        (
            unknown_key("RFC2136_TSIG_KEY", {"RFC2136_TSIG_KEY": "tsig_key"}),
            "unknown key 'RFC2136_TSIG_KEY': here, that is 'tsig_key'",
            "write tsig_key in its place",
        ),
        (lambda: text(7), "7 is not a string with something in it", 'write it as "…"'),
        (lambda: text(""), "'' is not a string with something in it", 'write it as "…"'),
        (
            lambda: words("nginx 't"),
            '"nginx \'t" cannot be split into words: No closing quotation',
            "see to its quotes",
        ),
        (lambda: words([]), "[] is no command", 'write "nginx -t" or ["nginx", "-t"]'),
        (lambda: words(["nginx", 7]), "['nginx', 7] is no command", 'write "nginx -t" or ["nginx", "-t"]'),
        (
            lambda: seconds("10 minutes", "EXEC_TIMEOUT"),
            "'10 minutes' is no time limit",
            "EXEC_TIMEOUT is in seconds, 3000 at most",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    check: Callable[[], object], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        check()
    assert (str(refusal.value), refusal.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("service postfix reload && service dovecot reload", "&&"),
        ("nginx -t || true", "||"),
        ("postfix reload; doveadm reload", "reload;"),
        ("systemctl reload nginx | logger", "|"),
        ("systemctl reload nginx &", "&"),
        ("systemctl reload nginx > /dev/null", ">"),
        ("systemctl reload nginx >/dev/null 2>&1", ">/dev/null"),
        ("systemctl reload nginx 2>&1", "2>&1"),
        ("kill -HUP $(cat /run/x.pid)", "$(cat"),
        ("kill -HUP `cat /run/x.pid`", "`cat"),
        ("$HOME/bin/reload", "$HOME/bin/reload"),
        ("deploy --name=${DNS01_DOMAIN}", "--name=${DNS01_DOMAIN}"),
        ("~/bin/reload", "~/bin/reload"),
        ("LANG=C systemctl reload nginx", "LANG=C"),
    ],
)
def test_a_command_that_only_a_shell_would_understand_is_refused(line: str, found: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        words(line)
    assert str(refusal.value) == f"{line!r}: {found} is for a shell, and no shell is called"
    assert refusal.value.hint.startswith('write "sh -c ')


@pytest.mark.parametrize(
    "command",
    ['mail -s "$DNS01_SUBJECT" root', "logger '${DNS01_BODY}'", ["mail", "-s", "$DNS01_SUBJECT", "root"]],
)
def test_a_variable_of_ours_is_replaced_by_a_shell_alone(command: object) -> None:
    with pytest.raises(ConfigError, match="is for a shell"):
        words(command)
    assert words(["sh", "-c", 'mail -s "$DNS01_SUBJECT" root'])
    assert words("sudo -n /bin/sh -c 'logger $DNS01_BODY'")


def test_what_is_said_in_place_of_a_shells_line_does_the_same() -> None:
    with pytest.raises(ConfigError) as refusal:
        words("echo 'a b' && true")
    written = tomllib.loads(f"reload = {refusal.value.hint.removeprefix('write ').partition(', or')[0]}")
    assert words(written["reload"]) == ("sh", "-c", "echo 'a b' && true")


@pytest.mark.parametrize(
    "line",
    [
        "sh -c 'nginx -t && systemctl reload nginx'",
        'sh -c "mail -s \\"$DNS01_SUBJECT\\" root"',
        "curl https://example.org/?a=1&b=2",
        "curl -d a;b https://example.org/",
        r"echo \&\& \> \$HOME",
        "systemctl reload php*-fpm",
        "logger a>b ~x pa$$word",
    ],
)
def test_characters_that_are_quoted_or_in_the_midst_of_a_word_are_meant_as_they_are(line: str) -> None:
    assert words(line)
    assert words(["echo", "&&", "$HOME"]) == ("echo", "&&", "$HOME")


@pytest.mark.parametrize("limit", ["0", "-1", "3000.1", "nan", "inf", "", "3 s"])
def test_a_time_limit_is_more_than_nothing_and_less_than_the_life_of_an_authorization(limit: str) -> None:
    with pytest.raises(ConfigError):
        seconds(limit, "EXEC_TIMEOUT")
    assert seconds("3000", "EXEC_TIMEOUT") == 3000


@pytest.mark.parametrize("kind", [ConfigError, UsageError])
def test_an_error_from_within_gets_its_place_in_front_and_keeps_its_hint(kind: type[ConfigError]) -> None:
    with pytest.raises(ConfigError) as refusal, at("[account.web]"), at("ttl"):
        raise kind("0 is too little", "write 60")
    assert str(refusal.value) == "[account.web]: ttl: 0 is too little"
    assert refusal.value.hint == "write 60"
