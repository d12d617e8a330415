"""dehydrated: the phases that it calls its hook with."""

import json
from collections.abc import Mapping, Sequence

from .call import Call, Certificate, validation_of, wrong_form
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = 'set CHALLENGETYPE="dns-01" in dehydrated\'s config'
CHALLENGE_PHASES = {"deploy_challenge", "clean_challenge", "invalid_challenge"}


def _read(phase: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Call:
    """All versions since letsencrypt.sh: later ones only append arguments."""
    if phase in CHALLENGE_PHASES and environ.get("CHALLENGETYPE", "dns-01") != "dns-01":
        return Call("dehydrated", "foreign", phase)  # one HOOK may serve certificates of several types
    match phase, arguments:
        case "deploy_challenge", _:
            challenges = checked(_triples(phase, arguments), WANTS_DNS01)
            identifiers = tuple(environ.get("altnames", "").lower().split())
            return Call("dehydrated", "publish", phase, challenges, identifiers=identifiers)
        case "clean_challenge", ["", token, key_authorization] if token:
            # until 0.6.1, after an HTTP error: the journal knows the domain
            nameless = Challenge("", token, validation_of(key_authorization))
            return Call("dehydrated", "retract", phase, (nameless,))
        case "clean_challenge", _:
            return Call("dehydrated", "retract", phase, checked(_triples(phase, arguments), WANTS_DNS01))
        case "deploy_cert", [_, _, _, *_]:
            return Call("dehydrated", "deploy", phase, certificate=_certificate(arguments))
        case "unchanged_cert", [_, _, _, *_]:
            return Call("dehydrated", "unchanged", phase, certificate=_certificate(arguments))
        case "sync_cert", [key, cert, fullchain, chain, csr, *_]:
            certificate = Certificate("", key, cert, fullchain, chain, csr=csr)
            return Call("dehydrated", "sync", phase, certificate=certificate)
        case "deploy_ocsp", [domain, ocsp, timestamp, *_]:
            certificate = Certificate(domain, ocsp=ocsp, timestamp=timestamp)
            return Call("dehydrated", "ocsp", phase, certificate=certificate)
        case "invalid_challenge", [_, response, *_]:
            # the domain given is the last of the certificate's, not the one that failed
            token, problem = _failure(response)
            failed = (Challenge("", token, ""),) if token else ()
            return Call("dehydrated", "failed", phase, failed, problem=problem)
        case "request_failure", [status, body, method, *_]:
            problem = f"{method.upper()} was answered with {status}: {_detail(_json(body), body)}"
            return Call("dehydrated", "refused", phase, problem=problem)
        case "startup_hook", _:
            return Call("dehydrated", "start", phase)
        case "exit_hook", _:
            return Call("dehydrated", "exit", phase, problem=" ".join(arguments))
    raise wrong_form(phase, _FORMS[phase], arguments)


_FORMS = {
    "deploy_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN [TIMESTAMP]]]",
    "unchanged_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN]]",
    "sync_cert": "KEY CERT FULLCHAIN CHAIN CSR",
    "deploy_ocsp": "DOMAIN OCSPFILE TIMESTAMP",
    "invalid_challenge": "DOMAIN RESPONSE",
    "request_failure": "STATUS BODY METHOD [HEADERS]",
}


def _triples(phase: str, arguments: Sequence[str]) -> list[Challenge]:
    if not arguments or len(arguments) % 3:
        raise wrong_form(phase, "DOMAIN TOKEN VALUE, once for each challenge", arguments)
    return [Challenge(*arguments[i : i + 3]) for i in range(0, len(arguments), 3)]


def _certificate(arguments: Sequence[str]) -> Certificate:
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
    except (ValueError, RecursionError):
        return None


DEHYDRATED = AcmeClient(
    "dehydrated",
    frozenset({*_FORMS, "deploy_challenge", "clean_challenge", "startup_hook", "exit_hook"}),
    _read,
    programs=frozenset({"dehydrated", "letsencrypt.sh"}),
    publishes="deploy_challenge",
    directory_options=("--ca",),
    has_ca_in_config=True,
    renewal="dehydrated --cron",
    ends_runs=True,
)
