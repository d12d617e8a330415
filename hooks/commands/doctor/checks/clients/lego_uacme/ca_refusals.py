"""What a CA has against an order of lego's, uacme's or Traefik's: itself, the account, or how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from glob import escape, glob

from ......caa.issuers import host_of
from ......clients.setup.certificate_paths import UACME
from ......clients.setup.schedule.command_line import has_other_files
from ......clients.setup.text_files import is_empty, is_gone, read_text
from ....finding import Examined, Finding, Severity
from ..certificate_authorities import DUPLICATES, EVERY_RUN, ended, wants_eab
from .check import EXEC, LEGO_FOLDERS, TRAEFIK, Command

LIFETIME = 90  # days, of a certificate of Let's Encrypt: one that is renewed with so many left always is
ALWAYS = {"lego": ("--renew-force",), "uacme": ("-f", "--force")}
DAYS = {"lego": ("--days",), "uacme": ("-d", "--days")}
SERVER = {"lego": ("--server", "-s"), "uacme": ("-a", "--acme-url")}
EAB = {"--kid": ("--kid", "--eab.kid", "--eab-kid"), "--hmac": ("--hmac", "--eab.hmac", "--eab-hmac")}
VARIABLES = {"--kid": "LEGO_EAB_KID", "--hmac": "LEGO_EAB_HMAC"}


def check(
    examined: Examined, client: str, commands: Iterable[Command], days: float | None
) -> Iterator[Finding]:
    """``days``: between two runs, as far as that is known."""
    commands = list(commands)
    renews = any("renew" in command.words for command in commands)  # beside a run for the first time
    for command in commands:
        line = command.line
        server = next(iter(command.values(*SERVER[client])), "")
        server = server or (line.environ.get("LEGO_SERVER", "") if client == "lego" else "")
        yield from ended(line.path, server, (f"take {server} ({SERVER[client][0]}) out of {line.path}",))
        if client == "uacme":
            yield from _uacme_account(examined, command, server)
        elif server and wants_eab(server):
            yield from _lego_unbound(examined, command, server)
        if days is None or days * DUPLICATES < 7:
            yield from _always(client, command)
            if client == "lego" and not renews:
                yield from _obtained(command)


def _always(client: str, command: Command) -> Iterator[Finding]:
    forced = next((word for word in command.words if word in ALWAYS[client]), "")
    for days in command.values(*DAYS[client]):
        if days.isdecimal() and int(days) >= LIFETIME:
            forced = f"{DAYS[client][0]} {days}"
    if forced:
        message = f"{client} is run with {forced}, and orders the certificate {EVERY_RUN}"
        step = f"take {forced} out of {command.line.path}"
        yield Finding("renews-every-run", Severity.WARNING, command.line.path, message, (step,))


def _obtained(command: Command) -> Iterator[Finding]:
    """The ``run`` of lego 4, unless it is for the first time alone."""
    if "||" not in command.line.command and _obtains(command.words):
        message = f"lego's command run, behind its options as in version 4, orders a certificate {EVERY_RUN}"
        renew = re.sub(r"(?<=\s)run(?=\s|$)", "renew", command.line.command, count=1)
        step = command.line.instead(renew.replace("--run-hook", "--renew-hook"))
        yield Finding("renews-every-run", Severity.WARNING, command.line.path, message, (step,))


def _obtains(words: Sequence[str]) -> bool:
    """Whether it is the ``run`` of lego 4, whose options stand before it; that of lego 5 renews."""
    options = [place for place, word in enumerate(words) if word.partition("=")[0] in ("-d", "--domains")]
    return "run" in words and bool(options) and words.index("run") > options[-1] + 1


def _lego_unbound(examined: Examined, command: Command, server: str) -> Iterator[Finding]:
    """lego makes its account when it is run for the first time."""
    line = command.line
    lacking = [
        option
        for option, spelt in EAB.items()
        if not command.values(*spelt) and not line.environ.get(VARIABLES[option])
    ]
    if command.values("--kid", "--hmac") and not lacking and "--eab" not in command.words:
        lacking = [] if line.environ.get("LEGO_EAB") else ["--eab"]
    folders = command.values("--path") or [line.environ.get("LEGO_PATH", "")]
    host = escape(host_of(server) or server)
    known = (
        f"{examined.path(folder)}/accounts/*{host}*/*/account.json"
        for folder in (*filter(None, folders), *LEGO_FOLDERS)
    )
    if lacking and line.complete and not any(map(glob, known)):
        steps = (
            "have the CA give you a key identifier and an HMAC key",
            "then run it once by hand with: --eab --kid KID --hmac HMAC  (the account stays)",
        )
        yield _unbound(line.path, "lego", server, lacking, steps)


def _uacme_account(examined: Examined, command: Command, server: str) -> Iterator[Finding]:
    """uacme makes an account by its command ``new`` alone, with the key in its folder ``private``."""
    line, folder = command.line, (command.values("-c", "--confdir") or [UACME])[-1]
    key = f"{folder}/private/key.pem"
    made = re.search(r"\buacme\b.*\snew\b", f"{line.command}\n{read_text(line.path, examined.root) or ''}")
    contained = has_other_files(line.command, "uacme")
    if contained or made or not folder.startswith("/") or "$" in folder:
        return
    if is_empty(key, examined.root):
        message = f"uacme's account has no key: nothing stands in {key}, as after a full disk, and it ends"
        steps: tuple[str, ...] = (
            f"restore it, or make another account: rm {key}",
            f"uacme -c {folder} -y new",
        )
        yield Finding("account-missing", Severity.ERROR, line.path, message, steps)
        return
    if not is_gone(key, examined.root):
        return
    new = f"uacme -c {folder}" + (f" -a {server}" if server else "")
    if server and wants_eab(server) and not command.values("-e", "--eab"):
        steps = ("have the CA give you a key identifier and an HMAC key", f"{new} -e KEYID:KEY new")
        yield _unbound(line.path, "uacme", server, ["-e"], steps)
    else:
        message = f"uacme has no account: {key} is not there, and it ends"
        yield Finding("account-missing", Severity.ERROR, line.path, message, (f"{new} -y new",))


def traefik(examined: Examined) -> Iterator[Finding]:
    """Traefik's static configuration, where dns-01 goes through its provider exec."""
    texts = ((path, read_text(path, examined.root) or "") for path in TRAEFIK)
    path, text = next(((path, text) for path, text in texts if EXEC.search(text)), ("", ""))
    found = re.search(r"""^\s*caServer\s*[:=]\s*["']?([^\s"']+)""", text, re.MULTILINE | re.IGNORECASE)
    server = found[1] if found else ""
    yield from ended(path, server, (f"take caServer out of {path}",))
    has_eab = re.search(r"^\s*(eab\s*:|\[.*\.eab\])", text, re.MULTILINE | re.IGNORECASE)
    if server and wants_eab(server) and not has_eab and not _has_account(examined, text):
        steps = (
            f"write in {path}, below acme: eab: with kid: and hmacEncoded:, as the CA gives them to you",
        )
        yield _unbound(path, "Traefik", server, ["eab"], steps)


def _has_account(examined: Examined, text: str) -> bool:
    """Whether a storage has anything in it."""
    files = re.findall(r"""^\s*storage\s*[:=]\s*["']?(/[^\s"']+)""", text, re.MULTILINE)
    return any(re.search(r'"Registration"\s*:\s*\{', read_text(file, examined.root) or "") for file in files)


def _unbound(path: str, client: str, server: str, lacking: Iterable[str], steps: tuple[str, ...]) -> Finding:
    message = f"{client} has no account at {server}, which makes none without {' and '.join(lacking)}"
    return Finding("account-binding-missing", Severity.ERROR, path, message, steps)
