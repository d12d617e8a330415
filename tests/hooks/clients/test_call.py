"""What each ACME client says, and what it is taken for."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns01.errors import UsageError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.detection import CLIENTS, read
from dns01.hooks.dispatch import NEVER_FAIL, PHASES

TOKEN, OTHER_TOKEN = "-Tok_en-1", "--tok-en2"
VALUE, OTHER_VALUE = "-" + "a" * 42, "--" + "B" * 41
DIR = "/var/lib/dehydrated/certs/example.org"
KEY, CERT, FULLCHAIN, CHAIN = (f"{DIR}/{name}.pem" for name in ("privkey", "cert", "fullchain", "chain"))

base64url = st.text("ABCxyz019-_", min_size=43, max_size=43)
names = st.sampled_from(["example.org", "www.example.org", "*.example.net", "xn--bcher-kva.example"])
chains = st.lists(st.tuples(names, base64url, base64url), min_size=1, max_size=6)


def digest(key_authorization: str) -> str:
    """The TXT value of RFC 8555 §8.4."""
    return base64.urlsafe_b64encode(hashlib.sha256(key_authorization.encode()).digest()).decode().rstrip("=")


# dehydrated, and letsencrypt.sh before it


@pytest.mark.parametrize(("word", "phase"), [("deploy_challenge", "publish"), ("clean_challenge", "retract")])
def test_dehydrated_gives_one_challenge(word: str, phase: str) -> None:
    call = read([word, "example.org", TOKEN, VALUE], {})
    assert (call.client, call.phase, call.client_phase, call.last) == ("dehydrated", phase, word, True)
    assert call.challenges == (Challenge("example.org", TOKEN, VALUE),)


def test_dehydrated_alone_says_in_altnames_what_the_certificate_is_for() -> None:
    environ = {"altnames": "example.org *.Example.org"}
    dehydrated = read(["deploy_challenge", "example.org", TOKEN, VALUE], environ)
    assert dehydrated.identifiers == ("example.org", "*.example.org")
    assert read(["begin", "dns-01", "example.org", TOKEN, VALUE], environ).identifiers == ()


@given(chains)
def test_dehydrated_gives_a_chain_of_triples_whatever_their_words_start_with(
    chain: list[tuple[str, str, str]],
) -> None:
    call = read(["deploy_challenge", *(word for triple in chain for word in triple)], {})
    assert call.challenges == tuple(Challenge(*triple) for triple in chain)


@pytest.mark.parametrize("word", ["deploy_challenge", "clean_challenge"])
@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 13])
def test_arguments_that_are_no_triples_are_refused_with_their_count(word: str, count: int) -> None:
    with pytest.raises(UsageError, match=f"{word}: {count} arguments") as caught:
        read([word, *["example.org"] * count], {})
    assert "DOMAIN TOKEN VALUE" in caught.value.hint


def test_one_bad_name_refuses_the_whole_chain_and_is_named() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        read(["deploy_challenge", "example.org", TOKEN, VALUE, "192.0.2.1", OTHER_TOKEN, OTHER_VALUE], {})


def test_dehydrated_set_to_http01_is_told_so() -> None:
    with pytest.raises(UsageError) as caught:
        read(["deploy_challenge", "example.org", TOKEN, f"{TOKEN}.thumbprint"], {})
    assert caught.value.hint == 'set CHALLENGETYPE="dns-01" in dehydrated\'s config'


def test_until_0_6_1_a_cleanup_after_an_http_error_has_no_domain_but_a_key_authorization() -> None:
    call = read(["clean_challenge", "", TOKEN, f"{TOKEN}.thumbprint"], {})
    assert call.phase == "retract"
    assert call.challenges == (Challenge("", TOKEN, digest(f"{TOKEN}.thumbprint")),)


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy_challenge", "", TOKEN, VALUE],
        ["clean_challenge", "", "", VALUE],
        ["clean_challenge", "example.org", TOKEN, VALUE, "", TOKEN, VALUE],
    ],
)
def test_nowhere_else_may_a_domain_be_empty(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="empty"):
        read(arguments, {})


@pytest.mark.parametrize(
    ("paths", "certificate"),
    [
        (
            [KEY, CERT, FULLCHAIN, CHAIN, "1700000000"],
            Certificate("example.org", KEY, CERT, FULLCHAIN, CHAIN, "1700000000"),
        ),
        (
            [KEY, CERT, FULLCHAIN, CHAIN, "1700000000", "what a later version may add"],
            Certificate("example.org", KEY, CERT, FULLCHAIN, CHAIN, "1700000000"),
        ),
        ([KEY, CERT, FULLCHAIN, CHAIN], Certificate("example.org", KEY, CERT, FULLCHAIN, CHAIN)),
        ([KEY, CERT, FULLCHAIN], Certificate("example.org", KEY, CERT, FULLCHAIN)),
    ],
    ids=["today", "tomorrow", "before there was a timestamp", "before there was a chain"],
)
def test_every_form_of_deploy_cert_is_understood(paths: list[str], certificate: Certificate) -> None:
    call = read(["deploy_cert", "example.org", *paths], {})
    assert (call.phase, call.certificate) == ("deploy", certificate)


def test_the_other_certificate_phases_give_their_paths() -> None:
    unchanged = read(["unchanged_cert", "example.org", KEY, CERT, FULLCHAIN, CHAIN], {})
    assert unchanged.phase == "unchanged"
    assert unchanged.certificate == Certificate("example.org", KEY, CERT, FULLCHAIN, CHAIN)
    sync = read(["sync_cert", KEY, CERT, FULLCHAIN, CHAIN, f"{DIR}/cert.csr"], {})
    assert sync.phase == "sync"
    assert sync.certificate == Certificate("", KEY, CERT, FULLCHAIN, CHAIN, csr=f"{DIR}/cert.csr")
    ocsp = read(["deploy_ocsp", "example.org", f"{DIR}/ocsp.der", "1700000000"], {})
    assert ocsp.phase == "ocsp"
    assert ocsp.certificate == Certificate("example.org", ocsp=f"{DIR}/ocsp.der", timestamp="1700000000")


JSON_SH = r"""["type"]	"dns-01"
["status"]	"invalid"
["token"]	"-Tok_en-1"
["error","type"]	"urn:ietf:params:acme:error:unauthorized"
["error","detail"]	"Incorrect TXT record \"x\" found"
["error"]	{"type":"urn:ietf:params:acme:error:unauthorized","detail":"Incorrect TXT record \"x\" found"}
["validationRecord",0,"token"]	"another"
"""
JSON = r"""{"type": "dns-01", "status": "invalid", "token": "-Tok_en-1", "error":
{"type": "urn:ietf:params:acme:error:unauthorized", "detail": "Incorrect TXT record \"x\" found"}}"""


@pytest.mark.parametrize("response", [JSON_SH, JSON], ids=["since 0.7", "before"])
def test_an_invalid_challenge_is_known_by_its_token_since_the_domain_given_is_another(response: str) -> None:
    call = read(["invalid_challenge", "last-of-the-line.example.org", response], {})
    assert call.phase == "failed"
    assert call.challenges == (Challenge("", TOKEN, ""),)
    assert call.problem == 'Incorrect TXT record "x" found (urn:ietf:params:acme:error:unauthorized)'


@pytest.mark.parametrize("response", ["", "what is this", "{", '["token"]\t', "[]", '{"token": null}'])
def test_a_response_without_a_token_is_passed_on_as_it_is(response: str) -> None:
    call = read(["invalid_challenge", "example.org", response], {})
    assert (call.phase, call.challenges, call.problem) == ("failed", (), response.strip())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            '{"type": "urn:x:rateLimited", "detail": "too many", "status": 429}',
            "too many (urn:x:rateLimited)",
        ),
        ('{"detail": "too many"}', "too many"),
        ("<html>Bad Gateway</html>\n", "<html>Bad Gateway</html>"),
        ("[1]", "[1]"),
    ],
)
def test_a_refused_request_tells_what_the_ca_says(body: str, problem: str) -> None:
    for headers in ([], ["HTTP/2 429"]):  # not given before 0.6
        call = read(["request_failure", "429", body, "post", *headers], {})
        assert (call.phase, call.problem) == ("refused", f"POST was answered with 429: {problem}")


@pytest.mark.parametrize(
    ("argv", "phase", "problem"),
    [
        (["startup_hook"], "start", ""),
        (["exit_hook"], "exit", ""),
        (["exit_hook", ""], "exit", ""),
        (["exit_hook", "Challenge is invalid!"], "exit", "Challenge is invalid!"),
    ],
)
def test_a_run_of_dehydrated_has_a_beginning_and_an_end(argv: list[str], phase: str, problem: str) -> None:
    call = read(argv, {})
    assert (call.phase, call.client_phase, call.problem) == (phase, argv[0], problem)


@pytest.mark.parametrize(
    "word",
    ["deploy_cert", "unchanged_cert", "sync_cert", "deploy_ocsp", "invalid_challenge", "request_failure"],
)
def test_a_phase_with_too_few_arguments_says_what_it_takes(word: str) -> None:
    with pytest.raises(UsageError, match=f"{word}: 1 arguments") as caught:
        read([word, "example.org"], {})
    assert caught.value.hint.startswith("it takes: ")


@pytest.mark.parametrize("argv", [[], ["docter"], [""]])
def test_what_is_no_phase_at_all_is_refused(argv: list[str]) -> None:
    with pytest.raises(UsageError, match="no phase"):
        read(argv, {})


# certbot

CERTBOT_2 = {
    "CERTBOT_DOMAIN": "example.org",
    "CERTBOT_VALIDATION": VALUE,
    "CERTBOT_ALL_DOMAINS": "example.org,example.org,www.example.org",
    "CERTBOT_REMAINING_CHALLENGES": "2",
}
CERTBOT_5 = {
    **CERTBOT_2,
    "CERTBOT_IDENTIFIER": "example.org",
    "CERTBOT_ALL_IDENTIFIERS": "example.org,example.org,www.example.org",
}
LEFT_BEHIND = {  # by the certificate before this one
    "CERTBOT_AUTH_OUTPUT": "published",
    "RENEWED_LINEAGE": "/etc/letsencrypt/live/other.example",
    "RENEWED_DOMAINS": "other.example",
}


@pytest.mark.parametrize(
    "environ", [CERTBOT_2, CERTBOT_5, CERTBOT_2 | LEFT_BEHIND], ids=["2", "5", "2nd certificate"]
)
def test_certbots_phase_is_its_argument_whatever_the_environment_holds(environ: dict[str, str]) -> None:
    auth, cleanup = read(["certbot", "auth"], environ), read(["certbot", "cleanup"], environ)
    assert (auth.client, auth.phase, auth.client_phase) == ("certbot", "publish", "certbot auth")
    assert (cleanup.client, cleanup.phase, cleanup.client_phase) == ("certbot", "retract", "certbot cleanup")
    assert auth.challenges == cleanup.challenges == (Challenge("example.org", "", VALUE),)


def test_certbots_run_names_keep_an_apex_twice_that_has_a_wildcard() -> None:
    assert read(["certbot", "auth"], CERTBOT_2).run_names == ("example.org", "example.org", "www.example.org")


@pytest.mark.parametrize(("remaining", "last"), [("2", False), ("1", False), ("0", True), (None, True)])
def test_certbots_last_call_is_the_one_to_wait_in(remaining: str | None, last: bool) -> None:
    environ = {key: value for key, value in CERTBOT_2.items() if key != "CERTBOT_REMAINING_CHALLENGES"}
    if remaining is not None:
        environ["CERTBOT_REMAINING_CHALLENGES"] = remaining
    assert read(["certbot", "auth"], environ).last is last


def test_certbot_5_may_ask_for_an_ip_address_and_is_told_why_not() -> None:
    environ = CERTBOT_5 | {"CERTBOT_IDENTIFIER": "192.0.2.1", "CERTBOT_DOMAIN": "192.0.2.1"}
    with pytest.raises(UsageError, match=r"192\.0\.2\.1.* IP address"):
        read(["certbot", "auth"], environ)


@pytest.mark.parametrize("word", ["auth", "cleanup"])
def test_certbots_challenge_of_http01_in_a_mixed_order_is_not_ours(word: str) -> None:
    http = {"CERTBOT_VALIDATION": f"{TOKEN}.thumbprint", "CERTBOT_TOKEN": TOKEN}
    call = read(["certbot", word], CERTBOT_2 | http)
    assert (call.challenges, call.foreign) == ((), (CERTBOT_2["CERTBOT_DOMAIN"],))


@pytest.mark.parametrize("missing", ["CERTBOT_DOMAIN", "CERTBOT_VALIDATION"])
@pytest.mark.parametrize("word", ["auth", "cleanup"])
def test_certbots_hook_run_by_hand_says_what_certbot_would_have_set(word: str, missing: str) -> None:
    environ = {key: value for key, value in CERTBOT_2.items() if key != missing}
    with pytest.raises(UsageError, match=f"certbot {word}: {missing} is not set") as caught:
        read(["certbot", word], environ)
    assert f"--manual-{word}-hook 'dns01 certbot {word}'" in caught.value.hint


def test_certbot_deploys_a_lineage() -> None:
    live = "/etc/letsencrypt/live/example.org-0001"
    environ = {"RENEWED_LINEAGE": live, "RENEWED_DOMAINS": "example.org *.example.org"}
    call = read(["certbot", "deploy"], CERTBOT_2 | environ)
    paths = [f"{live}/{name}.pem" for name in ("privkey", "cert", "fullchain", "chain")]
    assert call.phase == "deploy"
    assert call.certificate == Certificate("example.org", *paths, names=("example.org", "*.example.org"))


def test_certbot_deploy_without_a_lineage_is_refused() -> None:
    with pytest.raises(UsageError, match="RENEWED_LINEAGE is not set"):
        read(["certbot", "deploy"], CERTBOT_2)


def test_a_hook_of_certbots_without_its_word_is_told_all_three() -> None:
    with pytest.raises(UsageError, match="lacks the words") as caught:
        read(["certbot"], CERTBOT_2)
    for words in ("'dns01 certbot auth'", "'dns01 certbot cleanup'", "'dns01 certbot deploy'"):
        assert words in caught.value.hint


@pytest.mark.parametrize("words", [["renew"], ["auth", "cleanup"]])
def test_another_word_of_certbots_is_answered_with_those_there_are(words: list[str]) -> None:
    with pytest.raises(UsageError, match="no phase") as caught:
        read(["certbot", *words], CERTBOT_2)
    assert "auth, cleanup, deploy" in caught.value.hint


# lego's exec provider, which Traefik has too


@pytest.mark.parametrize(("word", "phase"), [("present", "publish"), ("cleanup", "retract")])
@pytest.mark.parametrize("ttl", [[], ["120"]], ids=["today", "with a TTL, as it once was"])
def test_lego_gives_the_owner_name(word: str, phase: str, ttl: list[str]) -> None:
    call = read([word, "_acme-challenge.example.org.", VALUE, *ttl], {})
    assert (call.client, call.phase, call.client_phase) == ("lego", phase, f"lego {word}")
    assert call.challenges == (Challenge("example.org", "", VALUE, "_acme-challenge.example.org."),)
    assert call.challenges[0].name == "_acme-challenge.example.org"


def test_since_4_10_lego_may_give_the_target_of_a_cname() -> None:
    (challenge,) = read(["present", "Example_org.auth.example.net.", VALUE], {}).challenges
    assert challenge.name == "example_org.auth.example.net"


@pytest.mark.parametrize(("word", "phase"), [("present", "publish"), ("cleanup", "retract")])
def test_lego_in_raw_mode_gives_the_key_authorization(word: str, phase: str) -> None:
    call = read([word, "--", "example.org", TOKEN, f"{TOKEN}.thumbprint"], {})
    assert call.phase == phase
    assert call.challenges == (Challenge("example.org", TOKEN, digest(f"{TOKEN}.thumbprint")),)


@pytest.mark.parametrize("arguments", [[], ["a.example."], ["--", "a.example", TOKEN], ["a", "b", "c", "d"]])
def test_legos_other_forms_are_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=f"present: {len(arguments)} arguments") as caught:
        read(["present", *arguments], {})
    assert "EXEC_MODE=RAW" in caught.value.hint


# uacme


@pytest.mark.parametrize(
    ("word", "phase"), [("begin", "publish"), ("done", "retract"), ("failed", "retract")]
)
def test_uacme_gives_the_digest_already(word: str, phase: str) -> None:
    call = read([word, "dns-01", "example.org", TOKEN, VALUE], {})
    assert (call.client, call.phase, call.client_phase) == ("uacme", phase, f"uacme {word}")
    assert call.challenges == (Challenge("example.org", TOKEN, VALUE),)


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01", "dns-persist-01"])
def test_what_uacme_offers_besides_dns01_is_declined_unchecked(kind: str) -> None:
    call = read(["begin", kind, "192.0.2.1", TOKEN, f"{TOKEN}.thumbprint"], {})
    assert (call.phase, call.challenges) == ("decline", ())


def test_uacmes_arguments_are_counted() -> None:
    with pytest.raises(UsageError, match="begin: 2 arguments"):
        read(["begin", "dns-01", "example.org"], {})


# Challenges that are not ours


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01", "dns-persist-01"])
@pytest.mark.parametrize(
    "argv",
    [
        ["deploy_challenge", "example.org", "token", "token.thumbprint"],
        ["clean_challenge", "example.org", "token", "token.thumbprint"],
        ["invalid_challenge", "example.org", "{}"],
        ["deploy_challenge"],
    ],
)
def test_a_challenge_of_another_type_under_the_same_hook_of_dehydrated_is_not_ours(
    kind: str, argv: list[str]
) -> None:
    assert read(argv, {"CHALLENGETYPE": kind}).phase == "foreign"


def test_a_certificate_is_ours_whatever_its_challenges_were() -> None:
    assert read(["deploy_cert", "d", "k", "c"], {"CHALLENGETYPE": "http-01"}).phase == "deploy"


def test_dns01_said_by_dehydrated_is_ours() -> None:
    argv = ["deploy_challenge", "example.org", "token", VALUE]
    assert read(argv, {"CHALLENGETYPE": "dns-01"}).phase == "publish"


# lego's hook after a certificate


LEGO_5 = {
    "LEGO_HOOK_CERT_PATH": "/l/certificates/_.example.org.crt",
    "LEGO_HOOK_CERT_KEY_PATH": "/l/certificates/_.example.org.key",
    "LEGO_HOOK_CERT_DOMAINS": "*.example.org, example.org",
}
LEGO_4 = {
    "LEGO_CERT_PATH": "/l/certificates/_.example.org.crt",
    "LEGO_CERT_KEY_PATH": "/l/certificates/_.example.org.key",
    "LEGO_CERT_DOMAIN": "*.example.org",
}


@pytest.mark.parametrize(
    ("environ", "names"), [(LEGO_5, ("*.example.org", "example.org")), (LEGO_4, ("*.example.org",))]
)
def test_lego_names_the_files_of_a_new_certificate(environ: dict[str, str], names: tuple[str, ...]) -> None:
    call = read(["lego", "deploy"], environ)
    path = "/l/certificates/_.example.org"
    assert (call.client, call.phase) == ("lego", "deploy")
    assert call.certificate == Certificate(
        "*.example.org", f"{path}.key", f"{path}.crt", f"{path}.crt", names=names
    )


@pytest.mark.parametrize("arguments", [["deploy"], [], ["renew"], ["deploy", "x"]])
def test_lego_deploy_without_its_variables_or_another_word_says_what_to_write(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        read(["lego", *arguments], {})
    assert "dns01 lego deploy" in caught.value.hint


# What the executable knows before it imports anything


def test_the_executable_answers_to_the_words_of_all_clients() -> None:
    assert {word for client in CLIENTS for word in client.words} == PHASES
    assert NEVER_FAIL < PHASES
