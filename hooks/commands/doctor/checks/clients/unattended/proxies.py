"""A proxy that this shell alone knows, where the account's API is not reached without one."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from .......errors import HookError
from .......threads import in_background_once
from ......clients.setup.text_files import read_text
from ......config.settings import Account
from ....finding import Examined, Finding, Severity
from .runs import Run

CONNECT_TIMEOUT = 3.0  # seconds, for each address of the API
WITHIN = 5.0  # seconds for all of them, and for looking them up
OF_LOGINS = "/etc/environment"  # pam_env(8): of logins, and of Debian's cron; not of systemd's services


def check(examined: Examined, run: Run) -> Iterator[Finding]:
    """Of each account of the domain whose API is asked through a proxy here, and cannot be without one."""
    for account in _accounts(examined) if run.complete else ():
        url = urlsplit(account.options.get("base_url", ""))
        host = url.hostname or ""
        variable = _proxy_variable(examined.environ, url.scheme, host)
        if not variable or _proxy_variable(run.environ, url.scheme, ""):
            continue
        if why := _closed(host, url.port or (443 if url.scheme == "https" else 80)):
            yield _only_here(examined, run, account, variable, f"{host}: {why}")


def _accounts(examined: Examined) -> Sequence[Account]:
    settings = examined.settings
    if len(settings.accounts) == 1:
        return tuple(settings.accounts.values())
    name = examined.name
    with suppress(HookError):  # which other checks say
        target = name if settings.nameservers_for(name) else examined.discovery.find(name).target
        return settings.accounts_for(target, name)
    return ()


def _proxy_variable(environ: Mapping[str, str], scheme: str, host: str) -> str:
    """The variable by which requests of that scheme go through a proxy; empty where they do not, or not to
    that host."""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY") if scheme else ()
    variable = next((name for name in names if environ.get(name)), "")
    without = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    ends = [word.strip().partition(":")[0].lstrip(".") for word in without.split(",")]
    is_exempt = any(end == "*" or f".{host}".endswith(f".{end}") for end in ends if end and host)
    return "" if is_exempt else variable


def _closed(host: str, port: int) -> str:
    """Why no connection can be made to it from here; empty where one can."""
    try:
        return _tried(host, port).result(WITHIN)
    except TimeoutError:
        return f"no answer within {WITHIN:.0f} s"


@in_background_once(64)  # one try will do for all domains
def _tried(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT).close()
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", "") or error)
    return ""


def _only_here(examined: Examined, run: Run, account: Account, variable: str, why: str) -> Finding:
    of_logins = read_text(OF_LOGINS, examined.root) or ""
    passed_over = run.unit and re.search(rf"^\s*(?:export\s+)?{variable}\s*=", of_logins, re.MULTILINE)
    unread = f" (systemd does not read {OF_LOGINS})" if passed_over else ""
    message = (
        f"the API of the account {account.name} ({account.provider}) is asked by {variable} of this shell; "
        f"{run.client}, which {run.source} runs, lacks that{unread}, and without a proxy nothing leads "
        f"to {why}"
    )
    value = re.sub(r"//[^/@]*@", "//USER:PASSWORD@", examined.environ[variable])
    step = run.setting(variable, value)
    return Finding("proxy-in-shell-only", Severity.ERROR, run.source, message, (step,))
