"""certbot: what its manual plugin and its deploy hook say, in variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ...errors import UsageError
from .call import Call, Certificate
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = "give certbot --preferred-challenges dns"
# certbot sets CERTBOT_AUTH_OUTPUT, if only empty, for every clean-up.
HOOKS = "certbot … --manual-auth-hook 'dns01 certbot auth' --manual-cleanup-hook 'dns01 certbot cleanup'"
SWAPPED = ("certbot runs `dns01 certbot cleanup` as its auth hook: nothing was published", HOOKS)
TWICE = ("certbot runs `dns01 certbot auth` as its cleanup hook: nothing was taken back", HOOKS)


def _read(word: str, words: Sequence[str], environ: Mapping[str, str]) -> Call:
    """The hooks of its manual plugin, and its deploy hook.

    The phase is what the argument says: certbot's environment still holds the variables of the
    certificate before this one.
    """
    last = environ.get("CERTBOT_REMAINING_CHALLENGES", "") in ("", "0")
    match list(words):
        case ["auth"]:
            names = environ.get("CERTBOT_ALL_IDENTIFIERS") or environ.get("CERTBOT_ALL_DOMAINS", "")
            challenges, foreign = _challenges("auth", environ)
            return Call(
                "certbot",
                "publish",
                "certbot auth",
                challenges,
                last=last,
                run_names=tuple(filter(None, names.split(","))),
                foreign=foreign,
                if_known=TWICE if "CERTBOT_AUTH_OUTPUT" in environ else None,
            )
        case ["cleanup"]:
            challenges, foreign = _challenges("cleanup", environ)
            swapped = None if "CERTBOT_AUTH_OUTPUT" in environ or foreign else SWAPPED
            return Call(
                "certbot",
                "retract",
                "certbot cleanup",
                challenges,
                last=last,
                foreign=foreign,
                if_unknown=swapped,
            )
        case ["deploy"]:
            return Call("certbot", "deploy", "certbot deploy", certificate=_lineage(environ))
    if not words:
        deploys = "--deploy-hook 'dns01 certbot deploy'; in renewal-hooks/deploy, a link to dns01 will do"
        raise UsageError("certbot's hook lacks the words that say which one it is", f"{HOOKS} {deploys}")
    given = " ".join([word, *words])
    raise UsageError(
        f"`dns01 {given}` is no phase of certbot's",
        "write `dns01 certbot` and one of: auth, cleanup, deploy",
    )


def _challenges(word: str, environ: Mapping[str, str]) -> tuple[tuple[Challenge, ...], tuple[str, ...]]:
    """The challenge of the call, if it is dns-01's; else the identifier that it is for. For http-01, and
    for nothing else, certbot sets CERTBOT_TOKEN."""
    challenge = _challenge(word, environ)
    if challenge.token:
        return (), (challenge.domain,)
    return checked([challenge], WANTS_DNS01), ()


def _challenge(word: str, environ: Mapping[str, str]) -> Challenge:
    domain = environ.get("CERTBOT_IDENTIFIER") or environ.get("CERTBOT_DOMAIN")
    validation = environ.get("CERTBOT_VALIDATION")
    if not domain or not validation:
        missing = "CERTBOT_VALIDATION" if domain else "CERTBOT_DOMAIN"
        raise UsageError(
            f"certbot {word}: {missing} is not set",
            f"certbot sets it for its hooks: certbot … --manual-{word}-hook 'dns01 certbot {word}'",
        )
    return Challenge(domain, environ.get("CERTBOT_TOKEN", ""), validation)


def _lineage(environ: Mapping[str, str]) -> Certificate:
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


CERTBOT = AcmeClient(
    "certbot",
    frozenset({"certbot"}),
    _read,
    programs=frozenset({"certbot", "letsencrypt"}),
    publishes="certbot auth",
    directory_options=("--server",),
    renewal="certbot -q renew",
    ignores_exit_code=True,
    progress_to_stdout=True,
)
