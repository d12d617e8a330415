"""The account at the DNS provider: what is given, configured or found of it, and what has to be asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from ..... import output
from .....errors import ConfigError, UsageError
from .....options import Option, at, check_known
from .....providers import load
from .....providers.base import Provider
from .....secret import SECRETIVE, hide, read_secret
from .....trusted_file import LARGEST_FILE
from ....config.options import complete
from ....config.settings import Account
from ...provider_guide import lacking, least, privilege
from ..found import Found
from ..written.configuration import Chosen
from .questions import Questions, complain, missing, say

ENTRY = re.compile(r"[A-Za-z0-9_-]+")  # a name in a table


def given(kind: type[Provider], settings: Sequence[str], secrets: Sequence[str]) -> dict[str, str]:
    """What --set KEY=VALUE and --secret KEY=FILE say. Raises UsageError, ConfigError."""
    values = {}
    for setting in settings:
        key, value = _split(kind, setting, "--set")
        if is_secret(kind, key):
            hide(value)
            raise UsageError(
                f"init: {key} is a secret, and everybody on this machine can read a command line",
                f"put it into a file that only you can read, and give --secret {key}=FILE (-: stdin)",
            )
        values[key] = value
    for secret in secrets:
        key, path = _split(kind, secret, "--secret")
        with at(f"--secret {key}"):
            values[key] = _from_stdin() if path == "-" else read_secret(path)
        hide(values[key])
    return values


def is_secret(kind: type[Provider], key: str) -> bool:
    """Whether the option, or the entry of a table, is not to be shown."""
    option = next(option for option in kind.options if option.key == key.partition(".")[0])
    return option.secret


def choose(
    questions: Questions,
    provider: str,
    name: str,
    configured: Account | None,
    found: Sequence[Found],
    settings: Mapping[str, str],
) -> Chosen:
    """The account with all that its provider wants. ``configured``: what the file has under that name;
    ``settings``: what was given. Raises UsageError, ConfigError."""
    kind = load(provider)
    if install := lacking(kind):
        raise UsageError(f"init: {provider} needs a package that is not there", install)
    before = dict(configured.options) if configured else {}
    taken = _found(questions, found, settings)
    if _problem(kind, {**taken, **settings}) and not _problem(kind, settings):
        taken = {}
    else:
        _tell(kind, {key: value for key, value in taken.items() if key not in settings}, found)
    options = {**taken, **settings}
    is_new = not (configured or taken)
    options |= _asked(questions, provider, {**before, **options}, is_new)
    fresh = {key: value for key, value in options.items() if before.get(key) != value}
    secrets = frozenset(key for key in fresh if is_secret(kind, key))
    origin = next((each for each in found if taken and each.values is taken), None)
    return Chosen(name, provider, fresh, secrets, {**before, **options}, origin)


def _found(questions: Questions, found: Sequence[Found], settings: Mapping[str, str]) -> Mapping[str, str]:
    """The values of the account that fits what was given; of several, the one that is chosen."""
    fitting = [
        each for each in found if all(each.values.get(key, value) == value for key, value in settings.items())
    ]
    fitting = [each for each in fitting if each.is_ours][:1] or fitting
    if len(fitting) < 2:
        return fitting[0].values if fitting else {}
    kind = load(fitting[0].provider)
    labels = [f"{each.source}{_plain(kind, each)}" for each in fitting]
    way = "--from FILE (or a --set that one alone fits)"
    return fitting[questions.numbered("There are several accounts", way, labels)].values


def _plain(kind: type[Provider], found: Found) -> str:
    """By what an account can be told from another."""
    plain = [value for key, value in found.values.items() if not is_secret(kind, key)]
    return f" ({', '.join(plain)})" if plain else ""


def _tell(kind: type[Provider], taken: Mapping[str, str], found: Sequence[Found]) -> None:
    for key, value in taken.items():
        source = next(each.origin(key) for each in found if each.values.get(key) == value)
        output.step(f"{key}: {'(not shown)' if is_secret(kind, key) else value}, from {source}")


def _asked(questions: Questions, provider: str, options: Mapping[str, str], is_new: bool) -> dict[str, str]:
    """What is to be added to the options, until the provider has nothing against them."""
    kind = load(provider)
    problem = _problem(kind, options)
    if problem is None and not (is_new and questions.asks):
        return {}
    while True:
        asked = _ask(questions, provider, options, problem)
        problem = _problem(kind, {**options, **asked})
        if problem is None:
            return asked
        if not asked and not (questions.asks and _wanting(kind, options)):
            raise problem
        complain(problem)


def _ask(
    questions: Questions, provider: str, options: Mapping[str, str], problem: ConfigError | None
) -> dict[str, str]:
    """The options that are usually given and are not yet there. Raises UsageError where nobody can be
    asked for them."""
    kind = load(provider)
    wanting = _wanting(kind, options)
    if not questions.asks and problem and _is_of_what_is_given(kind, options, problem):
        raise problem
    if not questions.asks and wanting:
        option = wanting[0]
        key = f"{option.key}.NAME" if option.table else option.key
        way = f"--secret {key}=FILE" if option.secret else f"--set {key}=VALUE"
        raise missing(way, f"{f'{problem}; ' if problem else ''}{option.key} is {option.help}")
    asked: dict[str, str] = {}
    if any(option.secret for option in wanting):
        questions.tell(privilege(provider, kind))
    for option in wanting:
        if option.table:
            asked |= _entries(questions, option)
        elif value := ask_for(
            questions, option, enter="" if option.required or problem is not None else "none"
        ):
            asked[option.key] = value
    return asked


def _wanting(kind: type[Provider], options: Mapping[str, str]) -> list[Option]:
    """What is usually given, and is not there."""
    return [option for option in least(kind) if not _has(options, option)]


def ask_for(questions: Questions, option: Option, *, enter: str) -> str:
    """The option's value; empty where nothing is answered. ``enter``: what that means, if it may be."""
    say(f"{option.key}: {option.help}{f' (Enter: {enter})' if enter else ''}")

    def check(answer: str) -> str:
        if option.required and not answer and not enter:
            raise ConfigError("it is needed")
        if option.secret:
            hide(answer)
        return answer

    way = "--secret" if option.secret else "--set"
    question = f"{option.key} (not shown)" if option.secret else option.key
    return questions.text(question, f"{way} {option.key}=", check, None, hidden=option.secret)


def _entries(questions: Questions, option: Option) -> dict[str, str]:
    """Entries of a table, until none is named."""
    say(f"{option.key}: {option.help}")
    entries: dict[str, str] = {}
    while name := questions.text("Its name (Enter: no more)", f"--secret {option.key}.NAME=FILE", _entry, ""):
        hidden = bool(SECRETIVE.search(name))
        entries[f"{option.key}.{name}"] = questions.text(
            f"{name} (not shown)" if hidden else name, "", str, None, hidden=hidden
        )
    return entries


def _entry(name: str) -> str:
    if name and not ENTRY.fullmatch(name):
        raise ConfigError(f"{name!r} is no name", "letters, digits, _ and - are all that it may have")
    return name


def _problem(kind: type[Provider], options: Mapping[str, str]) -> ConfigError | None:
    """What the provider has against these options. Nothing is sent anywhere."""
    try:
        built(kind, options)
    except ConfigError as error:
        return error
    return None


def built(kind: type[Provider], options: Mapping[str, str]) -> Provider:
    """The provider with these options. Raises ConfigError."""
    remedy = "give it: --set {key}=VALUE, or --secret {key}=FILE"
    return kind(complete("the account", kind.options, options, "", remedy))


def _is_of_what_is_given(kind: type[Provider], options: Mapping[str, str], problem: ConfigError) -> bool:
    """Whether there would be another problem, or none, without one of the options: it is about that one, and
    nothing that is lacking."""
    without = ({key: value for key, value in options.items() if key != left} for left in options)
    return bool(options) and str(problem) not in [str(_problem(kind, each)) for each in without]


def _has(options: Mapping[str, str], option: Option) -> bool:
    return any(key == option.key or key.startswith(f"{option.key}.") for key in options)


def _split(kind: type[Provider], setting: str, way: str) -> tuple[str, str]:
    """KEY and what follows it; a variable of the provider's stands for its key."""
    word, mark, value = setting.partition("=")
    if not mark or not value:
        shown = word if mark else "what follows it"
        raise UsageError(
            f"init: {way}: {shown} has no value",
            f"write {way} KEY={'FILE' if way == '--secret' else 'VALUE'}",
        )
    key = next((option.key for option in kind.options if word in option.env), word)
    head, dot, entry = key.partition(".")
    try:
        check_known("key", [head], [option.key for option in kind.options])
        if dot:
            _entry(entry)
    except ConfigError as error:
        raise UsageError(f"init: {way}: {error}", error.hint) from None
    return key, value


def _from_stdin() -> str:
    """A secret from standard input, without the newline that ends it."""
    secret = sys.stdin.read(LARGEST_FILE).removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ConfigError("standard input is empty", "it has to hold the secret and nothing else")
    return secret
