"""What a refusal is about, by the API's own words: APIs say the same few things under any status.

The first line of ``CAUSES`` that fits counts, so that what is special stands before what is general.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class CauseKind(Enum):
    """What is raised: AuthRejected, Refused, or Busy, which is tried again."""

    CREDENTIALS = "credentials"
    REFUSAL = "refusal"
    PASSING = "passing"


class RefusalCause(NamedTuple):
    """What a refusal is about. ``remedy``: what to do (empty for what passes); in it stand ``{title}``,
    ``{variables}`` and ``{about}``: the provider, the variables of the credentials, the zone or name."""

    kind: CauseKind
    words: str  # a regular expression, in whatever letter case
    remedy: str


def _any(*words: str) -> str:
    """Not compiled: a process that is not refused anything need not wait for it."""
    return "|".join(words)


ELSEWHERE = "let the challenge's name be a CNAME to a zone elsewhere, and name the account of that zone"
CAUSES = (
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"too many (failed|error|wrong|invalid|login)",
            r"(user|account) (is|has been) (temporarily )?(blocked|locked)",
        ),
        "wait an hour before the next try, since {title} blocks who fails often; meanwhile see that"
        " {variables}"
        " is right",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"clock skew|tooskewed|not within .* (skew|time)|short-lived token",
            r"signature[ _]?expire|(timestamp|time stamp)\W.*expired|expired (signature|date)",
            r"query out of time|request.?(has )?expired|difference between the request time",
            r"(timestamp|request time|date header)\b.*\b(too old|invalid|out of range|in the future)",
        ),
        "set this machine's clock (`timedatectl set-ntp true`): its signatures are good for a few minutes"
        " only",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"access token from location|ip_?(limited|not_allowed)|ipinblacklist",
            r"\bips?\b.*(\bnot\b|n't\b|denied|white ?list|allow ?list|restrict)",
            r"(unauthori[sz]ed|invalid request|not allowed|denied|cannot be accessed)\b.*\bip\b",
        ),
        "add this machine's address to those that {title} allows for {variables}; a machine that has IPv6 may"
        " come from that address",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"\btan\b|two.?(factor|step)|second.factor|\b2fa\b|\bmfa\b",
            r"one.time (code|pass)|confirmation code",
        ),
        "use an API user of {title}'s without a second factor; where its secret can be given here"
        " (`dns01 providers`), see that it is right, and this machine's clock as well",
    ),
    RefusalCause(
        CauseKind.PASSING,
        _any(
            r"rate.?limit|too many requests|throttl|flow control|requests? limit|enhance your calm|slow down",
            r"(requests?|queries|calls) per (sec|min|hour|day)",
            r"try again (later|in|after)|retry later|please wait",
        ),
        "",
    ),
    RefusalCause(
        CauseKind.PASSING,
        _any(
            r"in progress|(being|still|currently) (processed|applied|updated|saved)|transient state",
            r"lastoperation|temporar(y|ily) (un|dis)|pending (update|change)|by another process",
            r"(another|previous|concurrent) (\w+ )?(operation|action|task|update|change)",
        ),
        "",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"service is expired|overdue|suspended|payment required",
            r"(domain|subscription|billing|payment|account|customer)\b.*(expired|disabled|inactive)",
        ),
        "log in at {title}: the account or the domain has to be renewed, paid, confirmed or unlocked there",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"\b(token|key|secret|credential|password|resource)s?\b.*\bexpired",
            r"expired (token|key|secret|credential)",
        ),
        "make new credentials at {title}, and put them in the place of {variables}",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(r"\b(token|key)\b.*(read.?only|only .*\bget\b)"),
        "make credentials at {title} that may write, and put them in the place of {variables}",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"opted in|api access|access to the .*api",
            r"api (is|has been) (disabled|switched off)|or it is disabled",
        ),
        "switch API access on at {title} (some want that for each domain), and see that the account's plan"
        " has it",
    ),
    RefusalCause(
        CauseKind.CREDENTIALS,
        _any(
            r"not (have )?authori[sz](ed|ation) to (perform|use)|(permission|access) (was )?denied (on|to) ",
            r"(missing|lacks?|insufficient) (the )?(required |authentication )?(permission|scope|role)",
        ),
        "grant what is lacking: {variables} is known at {title}, and may not do this",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"\b(secondary|slave|consumer)\b (mode|(dns )?(zone|domain))",
            r"\b(zone|domain)\b (is|in) (an? )?(secondary|slave)\b",
        ),
        "what {title} has of {about} is a copy: name the account of its primary server, or make it the"
        " primary at {title}",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(r"\bttl\b"),
        "have another one asked for: `ttl = …` of the account in config.toml, or DNS01_TTL, in seconds",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"\bcname\b|\bns records?\b.*exist|record ?conflict",
            r"conflict(s|ing)? .*(existing|record|rrset|type)",
        ),
        "see what stands at the challenge's name at {title}: beside a CNAME or a delegation there can be no"
        " TXT"
        " record; where the DNS shows neither (`dns01 doctor`), the world is served another zone than this",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"(proper|using|our|not|correct) (\w+ ){0,3}(dns|name) ?servers|zone file",
            r"not (active|delegated|hosted)\b|(zone|domain) is (inactive|external)",
        ),
        "{about} is served elsewhere, or not yet by {title}: name the account where its zone is, or have its"
        " registrar lead to {title}",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"\b(is|are) (\w+ )?(locked|protected|banned)|recordlocked|islocked|read.?only|prohibits",
            r"disallowed by policy|pending (transfer|delete)|maintenance",
        ),
        "unlock it at {title}, or have it unlocked by whoever keeps it",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(
            r"quota|limit ?exceeded|reached the (limit|maximum)|maximum (number|allowed)|too many records",
            r"(limit|number) of (\d+ )?(\w+ )?records|(project|records?|zone) limit",
        ),
        "remove records there that nobody needs (`dns01 sweep` removes what is left of dns01's own), or have"
        " the limit raised",
    ),
    RefusalCause(
        CauseKind.REFUSAL,
        _any(r"\b(your|the|current|this|a) plan\b|upgrade|not subscribed|subscribe to|membership"),
        "take a plan of {title}'s that has this; or " + ELSEWHERE,
    ),
    RefusalCause(CauseKind.REFUSAL, _any(r"cannot use this api|not supported for (this|your)"), ELSEWHERE),
)


def cause_of(reason: str, about: str, own: Mapping[str, str]) -> tuple[CauseKind | None, str]:
    """What the API's ``reason`` is about (None: its status has to tell), and the remedy, or nothing.

    ``about``: the zone or name, which is no word of the API's; ``own``: the provider's own remedies by a
    regular expression each, which come before the general ones.
    """
    text = re.sub(re.escape(about), " ", reason, flags=re.IGNORECASE) if about else reason
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    general = next((cause for cause in CAUSES if re.search(cause.words, text, re.IGNORECASE)), None)
    special = next((remedy for words, remedy in own.items() if re.search(words, text, re.IGNORECASE)), "")
    return (general.kind, special or general.remedy) if general else (None, special)


def in_words(remedy: str, title: str, variables: str, about: str) -> str:
    """The remedy for this provider, these variables of its credentials, and this zone or name."""
    whose = variables or "this machine's identity"
    return remedy.format(title=title, variables=whose, about=about or "the zone")
