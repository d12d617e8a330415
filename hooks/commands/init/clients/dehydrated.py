"""dehydrated: its config and domains.txt."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from ..... import output
from .....errors import ConfigError
from .....providers import known_as, load, names
from ....clients.setup.dehydrated_config import Dehydrated, lines, read_config
from ....config.environment import OF_ACCOUNTS
from ..written.files import Draft, read
from ..written.lines import assign, without
from . import ClientSetup, SetupRequest, cron, folder, nothing

_PLAIN = re.compile(r"[\w@%+=:,./~-]*")
ASSIGNMENT = r"\s*(export\s+)?{name}="


def drafts(order: SetupRequest) -> list[Draft]:
    """Both files. Lines that others need stay; an account in variables has moved to dns01's own file."""
    config, path = _present()
    before = read(path) or ""
    text = without(before, _of_account(config))
    if not config and os.geteuid() != 0:
        text = assign(text, "BASEDIR", f"BASEDIR={_quoted(os.path.dirname(path))}", ASSIGNMENT)
    for name, value in _settings(order).items():
        _refuse_override(config, name, value)
        if name == "HOOK" and config and (other := config.settings.get(name, "")) not in ("", value):
            output.warning(f"{path} has HOOK={other}: dehydrated will no longer call that one")
        if not _is_set(config, name, value):
            export = "export " * name.startswith("DNS01_")
            text = assign(text, name, f"{export}{name}={_quoted(value)}", ASSIGNMENT)
    domains = config.domains_txt if config else os.path.join(os.path.dirname(path), "domains.txt")
    return [Draft(path, text), Draft(domains, _domains(read(domains) or "", order.names))]


def _present() -> tuple[Dehydrated | None, str]:
    """Its configuration, and the path of its main file, there or to be written. The system's is root's."""
    own = _own_path()
    environ = os.environ if os.geteuid() == 0 else {"CONFIG": os.environ.get("CONFIG", own)}
    config = read_config(environ)
    if config and os.geteuid() != 0 and config.files[0] != environ["CONFIG"]:
        config = None
    return config, config.files[0] if config else own


def _own_path() -> str:
    return folder("/etc/dehydrated/config", "~/.config/dehydrated/config")


def _settings(order: SetupRequest) -> dict[str, str]:
    contact = {"CONTACT_EMAIL": order.email} if order.email else {}
    return {
        "CA": order.word,
        "CHALLENGETYPE": "dns-01",
        "HOOK": order.hook,
        "HOOK_CHAIN": "yes",
        **contact,
        **order.environment,
    }


def _is_set(config: Dehydrated | None, name: str, value: str) -> bool:
    return config is not None and config.settings.get(name) == value and name not in config.uncertain


def _quoted(value: str) -> str:
    """As dehydrated's own configuration has it, unless a shell would find something in it to do."""
    return f'"{value}"' if _PLAIN.fullmatch(value) else shlex.quote(value)


def _refuse_override(config: Dehydrated | None, name: str, value: str) -> None:
    """A file of conf.d is read last, and would win."""
    origin = config.origins.get(name, "") if config else ""
    if config and origin not in ("", config.files[0]) and not _is_set(config, name, value):
        raise ConfigError(
            f"{origin} sets {name}, and goes before {config.files[0]}", f'write in {origin}: {name}="{value}"'
        )


def _of_account(config: Dehydrated | None) -> set[str]:
    """Those that dns01 would not take beside a file of its own."""
    if config is None or not config.settings.get("DNS01_PROVIDER"):
        return set()
    value = config.settings["DNS01_PROVIDER"]
    provider = value if value in names() else known_as(value)
    own = [name for option in load(provider).options for name in option.env] if provider else []
    return {*OF_ACCOUNTS, *own, *(f"{name}_FILE" for name in own)} & set(config.settings)


def _line(wanted: Sequence[str]) -> tuple[list[str], str]:
    """The names in dehydrated's order, and the alias that a wildcard wants that comes first; else empty."""
    names = sorted(wanted, key=lambda name: name.startswith("*."))
    return names, names[0].replace("*", "_") if names[0].startswith("*.") else ""


def _domains(text: str, wanted: Sequence[str]) -> str:
    """With one line for these names: the one that begins a certificate of the same name gives way."""
    names, alias = _line(wanted)
    line = " ".join(names) + (f" > {alias}" if alias else "")
    every = text.splitlines()
    for number, each in enumerate(every):
        words = each.partition("#")[0].partition(">")[0].lower().split()
        if set(words) == set(names):
            return text
        if words and words[0] == names[0]:
            every[number] = line
            return "\n".join(every) + "\n"
    return "\n".join([*every, line]) + "\n"


def first(order: SetupRequest) -> list[list[str]]:
    """The account at the CA, and what is due; if the certificate is there, it alone is ordered anew."""
    names, alias = _line(order.names)
    only = [word for name in names for word in ("--domain", name)] + (["--alias", alias] if alias else [])
    anew = ["--force", *only] if is_there(order) else []
    return [[*_command(), "--register", "--accept-terms"], [*_command(), "--cron", *anew]]


def is_there(order: SetupRequest) -> bool:
    """Whether it has a certificate that begins with the same name."""
    names, alias = _line(order.names)
    return os.path.exists(os.path.join(_certificates(), alias or names[0], "cert.pem"))


def _certificates() -> str:
    """The folder of its certificates."""
    config, path = _present()
    base = os.path.dirname(path)
    settings = config.settings if config else {}
    return settings.get("CERTDIR", os.path.join(settings.get("BASEDIR", base), "certs"))


def _command() -> list[str]:
    return ["dehydrated"] if os.geteuid() == 0 else ["dehydrated", "--config", _present()[1]]


def daily(order: SetupRequest) -> str:
    """The command that renews what is due, for a shell."""
    return f"{shlex.join(_command())} --cron"


def renewal(order: SetupRequest) -> list[str]:
    """What has that run once a day, in lines to paste."""
    return cron("dehydrated", daily(order))


def configured() -> tuple[str, tuple[str, ...]]:
    """The CA that it goes to, and the names of its first certificate; empty where nothing is said."""
    config, _ = _present()
    if config is None:
        return "", ()
    certificates = lines(config)
    return config.settings.get("CA", ""), certificates[0][0] if certificates else ()


def address() -> str | None:
    """dehydrated's CONTACT_EMAIL; empty where it has a hook and no address; None where neither is known."""
    config, _ = _present()
    settings = config.settings if config else {}
    return settings.get("CONTACT_EMAIL") or ("" if settings.get("HOOK") else None)


DEHYDRATED = ClientSetup(
    "dehydrated",
    ("dehydrated",),
    drafts,
    nothing,
    first,
    renewal,
    daily,
    address=address,
    is_there=is_there,
)
