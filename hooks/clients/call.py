"""What the ACME client says, read from its arguments and environment into a ``Call``.

One small reader for each client. Arguments never go through an option parser: tokens and values
may start with ``-``. Only the standard library is imported here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ...errors import UsageError
from ...names import PREFIX
from .challenge import Challenge, checked

__all__ = ["Call", "Certificate", "Challenge", "Phase", "checked", "read"]

Phase = Literal[
    "publish", "retract", "failed", "decline",  # challenges
    "deploy", "unchanged", "sync", "ocsp",  # certificates
    "start", "refused", "exit",  # the run
]  # fmt: skip


class Certificate(NamedTuple):
    """The paths of a certificate and what belongs to it; empty where the client gives none.

    ``names``: what the certificate is for, if the client says so. ``timestamp``: epoch seconds.
    """

    domain: str
    key: str = ""
    cert: str = ""
    fullchain: str = ""
    chain: str = ""
    timestamp: str = ""
    csr: str = ""
    ocsp: str = ""
    names: tuple[str, ...] = ()


class Call(NamedTuple):
    """One call of the hook. ``words``: the client's own for the phase."""

    client: str
    phase: Phase
    words: str
    challenges: tuple[Challenge, ...] = ()
    certificate: Certificate | None = None
    last: bool = True  # no more challenges follow: this is the call to wait in
    run_names: tuple[str, ...] = ()  # all identifiers of the run, one for each of its challenges
    problem: str = ""  # what the client or the CA has to complain about


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Call:
    """The call that ``argv`` (without the program's name) and ``environ`` make.

    Raises UsageError for arguments that make no sense; nothing has been done by then.
    """
    match argv:
        case ["certbot", *words]:
            return _certbot(words, environ)
        case ["present" | "cleanup" as word, *arguments]:
            return _lego(word, arguments)
        case ["begin" | "done" | "failed" as word, *arguments]:
            return _uacme(word, arguments)
        case [word, *arguments]:
            return _dehydrated(word, arguments)
    raise UsageError("no phase was given", "ACME clients call this hook with the phase as first argument")


def _dehydrated(word: str, arguments: list[str]) -> Call:
    """All versions since letsencrypt.sh: later ones only append arguments."""
    match word, arguments:
        case "deploy_challenge", _:
            return Call("dehydrated", "publish", word, checked(_triples(word, arguments), "dehydrated"))
        case "clean_challenge", ["", token, key_authorization] if token:
            # until 0.6.1, after an HTTP error: the journal knows the domain
            nameless = Challenge("", token, _validation(key_authorization))
            return Call("dehydrated", "retract", word, (nameless,))
        case "clean_challenge", _:
            return Call("dehydrated", "retract", word, checked(_triples(word, arguments), "dehydrated"))
        case "deploy_cert", [_, _, _, *_]:
            return Call("dehydrated", "deploy", word, certificate=_certificate(arguments))
        case "unchanged_cert", [_, _, _, *_]:
            return Call("dehydrated", "unchanged", word, certificate=_certificate(arguments))
        case "sync_cert", [key, cert, fullchain, chain, csr, *_]:
            certificate = Certificate("", key, cert, fullchain, chain, csr=csr)
            return Call("dehydrated", "sync", word, certificate=certificate)
        case "deploy_ocsp", [domain, ocsp, timestamp, *_]:
            certificate = Certificate(domain, ocsp=ocsp, timestamp=timestamp)
            return Call("dehydrated", "ocsp", word, certificate=certificate)
        case "invalid_challenge", [_, response, *_]:
            # the domain given is the last of the certificate's, not the one that failed
            token, problem = _failure(response)
            failed = (Challenge("", token, ""),) if token else ()
            return Call("dehydrated", "failed", word, failed, problem=problem)
        case "request_failure", [status, body, method, *_]:
            problem = f"{method.upper()} was answered with {status}: {_detail(_json(body), body)}"
            return Call("dehydrated", "refused", word, problem=problem)
        case "startup_hook", _:
            return Call("dehydrated", "start", word)
        case "exit_hook", _:
            return Call("dehydrated", "exit", word, problem=" ".join(arguments))
    if word in _DEHYDRATED_FORMS:
        raise _wrong_form(word, _DEHYDRATED_FORMS[word], arguments)
    raise UsageError(f"{word!r} is no phase of any client", "dns01 --help lists what it answers to")


_DEHYDRATED_FORMS = {
    "deploy_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN [TIMESTAMP]]]",
    "unchanged_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN]]",
    "sync_cert": "KEY CERT FULLCHAIN CHAIN CSR",
    "deploy_ocsp": "DOMAIN OCSPFILE TIMESTAMP",
    "invalid_challenge": "DOMAIN RESPONSE",
    "request_failure": "STATUS BODY METHOD [HEADERS]",
}


def _triples(word: str, arguments: list[str]) -> list[Challenge]:
    if not arguments or len(arguments) % 3:
        raise _wrong_form(word, "DOMAIN TOKEN VALUE, once for each challenge", arguments)
    return [Challenge(*arguments[i : i + 3]) for i in range(0, len(arguments), 3)]


def _certificate(arguments: list[str]) -> Certificate:
    """letsencrypt.sh gives no timestamp, and in its first versions no chain either."""
    domain, key, cert, fullchain, chain, timestamp = [*arguments, "", "", ""][:6]
    return Certificate(domain, key, cert, fullchain, chain, timestamp)


def _failure(response: str) -> tuple[str, str]:
    """Token and error of a challenge that the CA has refused: JSON.sh's lines since 0.7, the
    CA's own JSON before."""
    if response.lstrip().startswith("{"):
        challenge = _json(response)
    else:
        leaves = dict(line.split("\t", 1) for line in response.splitlines() if "\t" in line)
        challenge = {key: _json(leaves.get(f'["{key}"]', "")) for key in ("token", "error")}
    if not isinstance(challenge, dict):
        return "", response.strip()
    return str(challenge.get("token") or ""), _detail(challenge.get("error"), response)


def _detail(problem: object, otherwise: str) -> str:
    """A problem document (RFC 9457, RFC 8555 §6.7) in one line; ``otherwise`` if it is none."""
    if not isinstance(problem, dict) or "detail" not in problem:
        return otherwise.strip()
    line = f"{problem['detail']} ({problem['type']})" if "type" in problem else str(problem["detail"])
    parts = problem.get("subproblems")
    return "; ".join([line, *map(_subproblem, parts)]) if isinstance(parts, list) else line


def _subproblem(problem: object) -> str:
    """What is wrong with one identifier (RFC 8555 §6.7.1)."""
    identifier = problem.get("identifier") if isinstance(problem, dict) else None
    name = identifier.get("value") if isinstance(identifier, dict) else None
    detail = _detail(problem, str(problem))
    return f"{name}: {detail}" if name else detail


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _certbot(words: Sequence[str], environ: Mapping[str, str]) -> Call:
    """certbot's hooks for the manual plugin, and its deploy hook.

    The phase is what the argument says: certbot's environment still holds the variables of the
    certificate before this one.
    """
    match words:
        case ["auth"]:
            names = environ.get("CERTBOT_ALL_IDENTIFIERS") or environ.get("CERTBOT_ALL_DOMAINS", "")
            return Call(
                "certbot",
                "publish",
                "certbot auth",
                checked([_certbot_challenge("auth", environ)], "certbot"),
                last=environ.get("CERTBOT_REMAINING_CHALLENGES", "") in ("", "0"),
                run_names=tuple(filter(None, names.split(","))),
            )
        case ["cleanup"]:
            challenges = checked([_certbot_challenge("cleanup", environ)], "certbot")
            return Call("certbot", "retract", "certbot cleanup", challenges)
        case ["deploy"]:
            return Call("certbot", "deploy", "certbot deploy", certificate=_certbot_lineage(environ))
    said = " ".join(["certbot", *words])
    raise UsageError(
        f"`dns01 {said}` is no phase of certbot's",
        "write `dns01 certbot` and one of: auth, cleanup, deploy",
    )


def _certbot_challenge(word: str, environ: Mapping[str, str]) -> Challenge:
    domain = environ.get("CERTBOT_IDENTIFIER") or environ.get("CERTBOT_DOMAIN")
    validation = environ.get("CERTBOT_VALIDATION")
    if not domain or not validation:
        missing = "CERTBOT_VALIDATION" if domain else "CERTBOT_DOMAIN"
        raise UsageError(
            f"certbot {word}: {missing} is not set",
            f"certbot sets it for its hooks: certbot … --manual-{word}-hook 'dns01 certbot {word}'",
        )
    return Challenge(domain, environ.get("CERTBOT_TOKEN", ""), validation)


def _certbot_lineage(environ: Mapping[str, str]) -> Certificate:
    lineage = environ.get("RENEWED_LINEAGE")
    if not lineage:
        raise UsageError(
            "certbot deploy: RENEWED_LINEAGE is not set",
            "certbot sets it for its hooks: certbot … --deploy-hook 'dns01 certbot deploy'",
        )
    names = tuple(environ.get("RENEWED_DOMAINS", "").split())
    key, cert, fullchain, chain = (
        os.path.join(lineage, file) for file in ("privkey.pem", "cert.pem", "fullchain.pem", "chain.pem")
    )
    domain = names[0] if names else ""  # the lineage's own name may be anything
    return Certificate(domain, key, cert, fullchain, chain, names=names)


def _lego(word: str, arguments: list[str]) -> Call:
    """lego's exec provider: its default form, with a TTL behind it in old versions, and RAW."""
    match arguments:
        case ["--", domain, token, key_authorization]:
            challenge = Challenge(domain, token, _validation(key_authorization))
        case [fqdn, value] | [fqdn, value, _] if fqdn != "--":
            challenge = Challenge(fqdn.removesuffix(".").removeprefix(PREFIX), "", value, owner=fqdn)
        case _:
            raise _wrong_form(word, "FQDN VALUE, or (EXEC_MODE=RAW) -- DOMAIN TOKEN KEYAUTH", arguments)
    phase: Phase = "publish" if word == "present" else "retract"
    return Call("lego", phase, f"lego {word}", checked([challenge], "lego"))


def _uacme(word: str, arguments: list[str]) -> Call:
    """uacme offers every challenge of an authorization in turn, until one is not declined."""
    match arguments:
        case ["dns-01", domain, token, value]:
            phase: Phase = "publish" if word == "begin" else "retract"
            challenges = checked([Challenge(domain, token, value)], "uacme")
            problem = f"the CA did not accept the challenge for {domain}" if word == "failed" else ""
            return Call("uacme", phase, f"uacme {word}", challenges, problem=problem)
        case [_, _, _, _]:
            return Call("uacme", "decline", f"uacme {word}")
    raise _wrong_form(word, "TYPE IDENT TOKEN AUTH", arguments)


def _wrong_form(word: str, form: str, arguments: Sequence[str]) -> UsageError:
    return UsageError(f"{word}: {len(arguments)} arguments make no sense", f"it takes: {form}")


def _validation(key_authorization: str) -> str:
    """The TXT value of a key authorization (RFC 8555 §8.4)."""
    digest = hashlib.sha256(os.fsencode(key_authorization)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
