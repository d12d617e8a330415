"""What this look went by, and the hook will not where the clock runs it: variables of this shell alone."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from .......errors import ConfigError
from .......options import Option
from .......providers import load as load_provider
from .......providers.base import WantsKeys
from ......clients.setup.shell.variables import Withheld
from ......clients.setup.text_files import is_gone, read_text
from ......clients.setup.units import drop_in, environment_files
from ......config.environment import OF_ACCOUNTS
from ......config.load import DEFAULT_FILE
from ......config.settings import Account
from ....finding import Examined, Finding, Severity
from . import aws_keys
from .runs import Run

OF_AWS = "AWS_ACCESS_KEY_ID"  # a provider whose keys boto3 looks for elsewhere as well
VOLATILE = ("/run/", "/var/run/", "/tmp/", "/dev/")
# By which a unit sees other files than are here (systemd.exec(5)).
OTHER_FILES = (
    "BindPaths",
    "BindReadOnlyPaths",
    "RootDirectory",
    "RootImage",
    "MountImages",
    "ExtensionImages",
)
FILE = "/etc/dns01/environment"  # of variables, for a unit that has none yet


def check(examined: Examined, run: Run) -> Iterator[Finding]:
    """Whether the hook has an account there, and the one that was looked at here."""
    if missing := _file_missing(examined, run):
        yield missing
    elif not examined.settings.accounts:
        yield from _there_only(examined, run)
    elif not run.complete:
        return
    elif examined.settings.source != "the environment":
        yield from _by_file(examined, run)
    elif "DNS01_CONFIG" not in run.environ and examined.environ.get("DNS01_CONFIG") != "":
        yield from _by_variables(examined, run)


def _file_missing(examined: Examined, run: Run) -> Finding | None:
    """That the file which the hook is to go by there is not there; of dehydrated's own settings, the check of
    the configuration says so."""
    file = run.environ.get("DNS01_CONFIG", "")
    place = _place_of(examined, run, "DNS01_CONFIG")
    of_dehydrated = run.client == "dehydrated" and place in run.read
    if of_dehydrated or _may_be_made(run, file) or not is_gone(file, examined.root):
        return None
    message = f"it has the hook go by {file}, and there is no such file: the hook finds no account"
    here = examined.settings.source
    other = here if here.startswith("/") and here != file else DEFAULT_FILE
    setting = "dns01_config = " if run.client == "certbot" and place in run.read else "DNS01_CONFIG="
    step = f"write in {place}: {setting}{other}"
    if other == DEFAULT_FILE:
        step = f"take {setting}{file} out of {place}: the hook goes by {DEFAULT_FILE} then"
    return Finding("configuration-missing", Severity.ERROR, place, message, (step,))


def _may_be_made(run: Run, file: str) -> bool:
    """Whether a path may lead somewhere in the run alone: by a variable, by systemd, or until the machine
    stops."""
    mounts = run.unit is not None and any(run.unit.every(f"Service.{key}") for key in OTHER_FILES)
    return mounts or not file.startswith("/") or "$" in file or "%" in file or file.startswith(VOLATILE)


def _there_only(examined: Examined, run: Run) -> Iterator[Finding]:
    """The account that this look lacks, and the hook may have."""
    names = [name for name in ("DNS01_CONFIG", "DNS01_PROVIDER") if run.environ.get(name)]
    if not names:
        if each := run.withheld.get("DNS01_PROVIDER") or run.withheld.get("DNS01_CONFIG"):
            yield withheld(run, each)
        return
    name, value = names[0], run.environ[names[0]]
    path = _place_of(examined, run, name)
    message = (
        f"{run.client} gives its hook an account ({name}={value}), which this shell has not: it was not "
        "looked at, nor what it sees"
    )
    server = f"dns01 doctor {shlex.quote(examined.domain)}"
    if name == "DNS01_CONFIG":
        steps = [f"look again: DNS01_CONFIG={shlex.quote(value)} {server}"]
    elif run.unit and path in [file.removeprefix("-") for file in environment_files(run.unit)]:
        steps = [f"look again: systemd-run --wait --pipe -p EnvironmentFile={path} {server}"]
    elif run.unit or path == run.source:
        steps = [f"set the same variables in this shell, and look again: {server}"]
    else:
        steps = [f"look again: (set -a; . {shlex.quote(path)}; {server})"]
    steps.append(f"or have both go by one file: write the account into {DEFAULT_FILE} (chmod 600)")
    severity = Severity.NOTE if path in run.read else Severity.WARNING  # where the client keeps it, for good
    yield Finding("account-not-in-shell", severity, path, message, tuple(steps))


def _place_of(examined: Examined, run: Run, name: str) -> str:
    """The file that sets a variable, as far as it is known."""
    unit = run.unit
    of_unit = (*(file.removeprefix("-") for file in environment_files(unit)), *unit.files) if unit else ()
    for path in (*run.read, *of_unit, run.hook, *run.paths):
        text = read_text(path, examined.root) or "" if path else ""
        if re.search(rf"\b{name}\s*=", text, re.IGNORECASE):  # dns01_config =, in certbot's renewal file
            return path
    return run.source


def _by_variables(examined: Examined, run: Run) -> Iterator[Finding]:
    (account,) = examined.settings.accounts.values()
    provider = run.environ.get("DNS01_PROVIDER")
    if provider not in (None, account.provider):
        yield from _other_provider(run, provider)
        return
    lacking = [option for option in _set_here(examined, account) if not _spelt(option, run.environ)]
    kind = load_provider(account.provider)
    by_machine = isinstance(kind, WantsKeys) and kind.keyless  # which may be let in without any secret
    if any(OF_AWS in option.env for option in kind.options):
        by_machine = aws_keys.may_be_found(examined, run)
    if provider is None or any(option.required or (option.secret and not by_machine) for option in lacking):
        names = [name for option in lacking for name in _spelt(option, examined.environ)]
        names = [*([] if provider else ["DNS01_PROVIDER"]), *names]
        kept = [run.withheld[name] for name in names if name in run.withheld]
        if kept:
            yield withheld(run, kept[0])
        else:
            yield _only_here(run, names, tuple(_steps(examined, run, account, names)))


def _other_provider(run: Run, provider: str) -> Iterator[Finding]:
    """Another account was not looked at, but that there is such a provider at all."""
    try:
        load_provider(provider if "$" not in provider else "memory")
    except ConfigError as error:
        message = f"DNS01_PROVIDER, as {run.source} has it: {error}"
        yield Finding("bad-configuration", Severity.ERROR, run.source, message, (error.hint,))


def _by_file(examined: Examined, run: Run) -> Iterator[Finding]:
    """The file that DNS01_CONFIG names here, or the usual one."""
    source, named = examined.settings.source, run.environ.get("DNS01_CONFIG")
    rivals = [name for name in OF_ACCOUNTS if run.environ.get(name)]
    goes_by = named or DEFAULT_FILE
    if rivals and goes_by == source:
        both = " and ".join(rivals)
        message = f"it sets {both}, and {source} has accounts: the hook ends, as either could be meant"
        place = _place_of(examined, run, rivals[0])
        step = f"take {both} out of {place}"
        yield Finding("two-configurations", Severity.ERROR, place, message, (step,))
    elif not rivals and named is None and source != DEFAULT_FILE and is_gone(DEFAULT_FILE, examined.root):
        steps = (f"mv {source} {DEFAULT_FILE}", "or leave it there:", run.setting("DNS01_CONFIG", source))
        yield _only_here(run, ["DNS01_CONFIG"], steps)


def withheld(run: Run, each: Withheld) -> Finding:
    """What is set for the hook on the way to it, and does not get there."""
    message = f"it {each.why}: the hook, which {run.source} has run, does not get to see it"
    return Finding("not-exported", Severity.ERROR, each.path, message, (each.step,))


def _only_here(run: Run, names: Sequence[str], steps: tuple[str, ...]) -> Finding:
    verb = "are" if len(names) > 1 else "is"
    message = (
        f"{', '.join(names)} {verb} set by this shell only: {run.client}, which {run.source} runs, does not "
        "hand that on to the hook, and the renewal fails"
    )
    return Finding("set-in-shell-only", Severity.ERROR, run.source, message, steps)


def _set_here(examined: Examined, account: Account) -> list[Option]:
    """The provider's options that variables of this shell give."""
    options = load_provider(account.provider).options
    return [option for option in options if not option.table and _spelt(option, examined.environ)]


def _spelt(option: Option, environ: Mapping[str, str]) -> list[str]:
    """The variable by which an option is given, if it is."""
    spelt = (f"{name}{end}" for name in option.env for end in ("", "_FILE"))
    return [name for name in spelt if environ.get(name)][:1]


def _steps(examined: Examined, run: Run, account: Account, names: Sequence[str]) -> Iterator[str]:
    head = f"write into {DEFAULT_FILE} (chmod 600), which every run reads:"
    yield "\n".join((head, *_section(examined, account)))
    if run.unit:
        yield f"or write {', '.join(names)} into {FILE} (chmod 600), and have the unit read that:"
        yield drop_in(run.unit.name, f"EnvironmentFile={FILE}")
    else:
        where = "dehydrated's configuration" if run.client == "dehydrated" else run.source
        export = "export " if run.client == "dehydrated" else ""
        yield f"or write {', '.join(f'{export}{name}=…' for name in names)} into {where}"


def _section(examined: Examined, account: Account) -> Iterator[str]:
    """The account as TOML; of secrets, the place."""
    yield f"[account.{account.provider}]"
    yield f'provider = "{account.provider}"'
    for option in _set_here(examined, account):
        (name,) = _spelt(option, examined.environ)
        value = examined.environ[name]
        if name.endswith("_FILE"):
            yield f'{option.key} = {{ file = "{value}" }}'
        elif option.secret:
            yield f'{option.key} = {{ file = "/etc/dns01/{option.key}" }}'
        else:
            yield f"{option.key} = {json.dumps(value, ensure_ascii=False)}"
