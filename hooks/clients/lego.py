"""lego, and Traefik, which is built on it: the exec provider, and the hook after a certificate."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import UsageError
from ...names import PREFIX
from .call import Call, Certificate, Phase, validation_of, wrong_form
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = "have the client ask for dns-01 alone"
DEFAULT_PAUSE = 60.0  # seconds between two names, where EXEC_SEQUENCE_INTERVAL is not set
PAUSE_TOLERANCE = (5.0, 60.0)  # seconds that an observed pause may be shorter, or longer


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


def needless_pause(records: Iterable[Mapping[str, Any]], environ: Mapping[str, str], now: float) -> str:
    """What to say where lego has just paused between two names for as long as it does by default; else "".

    ``records``: of the audit trail, each with its ``time``. ``now``: epoch seconds, at the beginning of
    ``lego present``. What lego waits for there, the hook has waited for already.
    """
    if environ.get("EXEC_SEQUENCE_INTERVAL"):
        return ""
    shorter, longer = PAUSE_TOLERANCE
    first, last = _instant(now - DEFAULT_PAUSE - longer), _instant(now - DEFAULT_PAUSE + shorter)
    cleanups = [record["time"] for record in records if record.get("phase") == "lego cleanup"]
    if not cleanups or not first <= max(cleanups) <= last:
        return ""
    return f"lego pauses {DEFAULT_PAUSE:.0f} s between two names: export EXEC_SEQUENCE_INTERVAL=1 saves that"


def _instant(epoch: float) -> str:
    """To be compared with the times of the audit trail."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch))


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
