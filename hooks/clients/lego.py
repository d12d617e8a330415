"""lego, and Traefik, which is built on it: the exec provider, and the hook after a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import UsageError
from ...names import PREFIX
from .call import Call, Certificate, Phase, validation_of, wrong_form
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = "have the client ask for dns-01 alone"


def _read(word: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Call:
    """lego's exec provider: its default form, with a TTL behind it in old versions, and RAW."""
    if word == "lego":
        return _deploy(arguments, environ)
    match list(arguments):
        case ["--", domain, token, key_authorization]:
            challenge = Challenge(domain, token, validation_of(key_authorization))
        case [fqdn, value] | [fqdn, value, _] if fqdn != "--":
            challenge = Challenge(fqdn.removesuffix(".").removeprefix(PREFIX), "", value, owner=fqdn)
        case _:
            raise wrong_form(word, "FQDN VALUE, or (EXEC_MODE=RAW) -- DOMAIN TOKEN KEYAUTH", arguments)
    phase: Phase = "publish" if word == "present" else "retract"
    return Call("lego", phase, f"lego {word}", checked([challenge], WANTS_DNS01))


def _deploy(arguments: Sequence[str], environ: Mapping[str, str]) -> Call:
    """lego's deploy hook (LEGO_HOOK_CERT_PATH …), and before version 5 its run and renew hooks
    (LEGO_CERT_PATH …). The file holds the whole chain."""
    if list(arguments) != ["deploy"]:
        raise UsageError(
            f"`dns01 {' '.join(['lego', *arguments])}` is no phase of lego's",
            "its deploy hook is `dns01 lego deploy`; for challenges lego calls dns01 by EXEC_PATH",
        )
    for prefix in ("LEGO_HOOK_", "LEGO_"):
        fullchain, key = environ.get(f"{prefix}CERT_PATH"), environ.get(f"{prefix}CERT_KEY_PATH")
        if fullchain and key:
            given = environ.get("LEGO_HOOK_CERT_DOMAINS") or environ.get("LEGO_CERT_DOMAIN", "")
            names = tuple(filter(None, (name.strip() for name in given.split(","))))
            certificate = Certificate(names[0] if names else "", key, fullchain, fullchain, names=names)
            return Call("lego", "deploy", "lego deploy", certificate=certificate)
    raise UsageError(
        "lego deploy: LEGO_HOOK_CERT_PATH is not set",
        "lego sets it for its hooks: lego run … --deploy-hook 'dns01 lego deploy'",
    )


LEGO = AcmeClient(
    "lego",
    frozenset({"present", "cleanup", "lego"}),
    _read,
    programs=frozenset({"lego", "traefik"}),
    publishes="lego present",
    directory_options=("--server", "-s"),
    renewal="lego renew",
    daemons=frozenset({"traefik"}),
)
