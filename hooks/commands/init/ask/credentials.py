"""Whether the provider can be reached and takes the account's credentials; else they are asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .....deadline import within
from .....errors import AuthRejected, ClockSkew, HookError, Unreachable
from .....options import Option
from .....providers import load
from .....providers.base import Provider
from ...provider_guide import least, privilege
from ..written.configuration import Chosen
from .account import ask_for, built, is_secret
from .questions import Questions, complain

ADDRESSES = ("nameserver",)  # an API's has a default, and what answers there is not told apart here
TIME_LIMIT = 6.0  # seconds for the provider's answer; the doctor says more of one that is late


def accepted(questions: Questions, account: Chosen, names: Sequence[str]) -> Chosen:
    """The account with credentials that its provider does not refuse, as far as that can be told without
    changing anything. Raises AuthRejected where nobody can be asked for others."""
    kind = load(account.provider)
    while refusal := _refusal(kind, account, names[0].removeprefix("*.")):
        is_address = isinstance(refusal, Unreachable)
        others = _addresses(kind, account) if is_address else _credentials(kind, account)
        if not others or (is_address and not questions.asks):  # the doctor says more of it
            return account
        if not questions.asks:
            ways = " ".join(f"--secret {option.key}=FILE" for option in others if option.secret)
            raise AuthRejected(
                f"init: {refusal}",
                f"give others: {ways}; {privilege(account.provider, kind)}. Nothing is written",
            )
        complain(AuthRejected(str(refusal)))  # its advice is to do what is asked for now
        if not is_address:
            questions.tell(privilege(account.provider, kind))
        if (changed := _asked_again(questions, kind, account, others)) is account:
            return account
        account = changed
    return account


def with_another_address(questions: Questions, account: Chosen) -> Chosen:
    """The account, at another server if that is what is answered; the same where it has no address of its
    own, or keeps it."""
    kind = load(account.provider)
    return _asked_again(questions, kind, account, _addresses(kind, account))


def _asked_again(
    questions: Questions, kind: type[Provider], account: Chosen, options: Sequence[Option]
) -> Chosen:
    answers = {option.key: ask_for(questions, option, enter="as it is") for option in options}
    changed = {key: answer for key, answer in answers.items() if answer not in ("", account.every.get(key))}
    if not changed:
        return account
    secrets = account.secrets | {key for key in changed if is_secret(kind, key)}
    return account._replace(
        options={**account.options, **changed}, every={**account.every, **changed}, secrets=secrets
    )


def _refusal(kind: type[Provider], account: Chosen, domain: str) -> AuthRejected | Unreachable | None:
    """What the provider says against the credentials, or why nothing can be said to it; everything else is
    for the doctor."""
    if not (_credentials(kind, account) or _addresses(kind, account)):
        return None
    with suppress(HookError), within(TIME_LIMIT):
        try:
            built(kind, account.every).zone_for(domain)
        except ClockSkew:
            return None
        except (AuthRejected, Unreachable) as error:
            return error
    return None


def _addresses(kind: type[Provider], account: Chosen) -> list[Option]:
    """Where the provider is, if that was given."""
    return [option for option in kind.options if option.key in ADDRESSES and option.key in account.every]


def _credentials(kind: type[Provider], account: Chosen) -> list[Option]:
    """Those that are given, and what usually goes with them; none where no secret is among them."""
    found = [
        option
        for option in kind.options
        if not option.table and (option in least(kind) or (option.secret and option.key in account.every))
    ]
    return found if any(option.secret for option in found) else []
