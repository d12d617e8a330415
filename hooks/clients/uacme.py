"""uacme: begin, done and failed, for every type of challenge that the CA offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .call import Call, Phase, wrong_form
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = "have the client ask for dns-01 alone"


def _read(word: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Call:
    """uacme offers every challenge of an authorization in turn, until one is not declined."""
    match list(arguments):
        case ["dns-01", domain, token, value]:
            phase: Phase = "publish" if word == "begin" else "retract"
            challenges = checked([Challenge(domain, token, value)], WANTS_DNS01)
            problem = f"the CA did not accept the challenge for {domain}" if word == "failed" else ""
            return Call("uacme", phase, f"uacme {word}", challenges, problem=problem)
        case [_, _, _, _]:
            return Call("uacme", "decline", f"uacme {word}")
    raise wrong_form(word, "TYPE IDENT TOKEN AUTH", arguments)


UACME = AcmeClient(
    "uacme",
    frozenset({"begin", "done", "failed"}),
    _read,
    programs=frozenset({"uacme"}),
    publishes="uacme begin",
    renewal="uacme issue",
)
