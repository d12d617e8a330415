"""dehydrated: the phases that it calls its hook with, and its configuration, read as text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ...regular_file import read_regular
from .call import Call, Certificate, validation_of, wrong_form
from .challenge import Challenge, checked
from .client import AcmeClient

WANTS_DNS01 = 'set CHALLENGETYPE="dns-01" in dehydrated\'s config'
CHALLENGE_PHASES = {"deploy_challenge", "clean_challenge", "invalid_challenge"}
FOLDERS = ("/etc/dehydrated", "/usr/local/etc/dehydrated")  # the first two where it looks itself

MOST_FILES = 100
LARGEST_TEXT = 16 << 20  # octets of a file that is read as a whole
OVERRIDABLE = (
    *(
        "KEY_ALGO",
        "KEYSIZE",
        "OCSP_MUST_STAPLE",
        "OCSP_FETCH",
        "OCSP_DAYS",
        "CHALLENGETYPE",
        "HOOK",
        "HOOK_CHAIN",
    ),
    *(
        "PRIVATE_KEY_RENEW",
        "PRIVATE_KEY_ROLLOVER",
        "PREFERRED_CHAIN",
        "WELLKNOWN",
        "OPENSSL_CNF",
        "RENEW_DAYS",
    ),
    "ACME_PROFILE",
)

_SOURCE = re.compile(r"^\s*(?:\.|source)\s+(\S+)")
_OPENING = re.compile(r"(?:^|[;&|]|\bthen\b|\bdo\b)\s*(?:if|case|for|while|until)\b|\(\)\s*\{|^\s*\{\s*$")
_CLOSING = re.compile(r"(?:^|[;\s])(?:fi|esac|done)\b|^\s*\}")
_SETTING = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$", re.MULTILINE)
_WORD = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s;#'"]+)""")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def _read(word: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Call:
    """All versions since letsencrypt.sh: later ones only append arguments."""
    if word in CHALLENGE_PHASES and environ.get("CHALLENGETYPE", "dns-01") != "dns-01":
        return Call("dehydrated", "foreign", word)  # one HOOK may serve certificates of several types
    match word, arguments:
        case "deploy_challenge", _:
            return Call("dehydrated", "publish", word, checked(_triples(word, arguments), WANTS_DNS01))
        case "clean_challenge", ["", token, key_authorization] if token:
            # until 0.6.1, after an HTTP error: the journal knows the domain
            nameless = Challenge("", token, validation_of(key_authorization))
            return Call("dehydrated", "retract", word, (nameless,))
        case "clean_challenge", _:
            return Call("dehydrated", "retract", word, checked(_triples(word, arguments), WANTS_DNS01))
        case "deploy_cert", [_, _, _, *_]:
            return Call("dehydrated", "deploy", word, certificate=_certificate(arguments))
        case "unchanged_cert", [_, _, _, *_]:
            return Call("dehydrated", "unchanged", word, certificate=_certificate(arguments))
        case "sync_cert", [key, cert, fullchain, chain, csr, *_]:
            certificate = Certificate("", key, cert, fullchain, chain, csr=csr)
            return Call("dehydrated", "sync", word, certificate=certificate)
        case "deploy_ocsp", [domain, ocsp, timestamp, *_]:
            certificate = Certificate(domain, ocsp=ocsp, timestamp=timestamp)
            return Call("dehydrated", "ocsp", word, certificate=certificate)
        case "invalid_challenge", [_, response, *_]:
            # the domain given is the last of the certificate's, not the one that failed
            token, problem = _failure(response)
            failed = (Challenge("", token, ""),) if token else ()
            return Call("dehydrated", "failed", word, failed, problem=problem)
        case "request_failure", [status, body, method, *_]:
            problem = f"{method.upper()} was answered with {status}: {_detail(_json(body), body)}"
            return Call("dehydrated", "refused", word, problem=problem)
        case "startup_hook", _:
            return Call("dehydrated", "start", word)
        case "exit_hook", _:
            return Call("dehydrated", "exit", word, problem=" ".join(arguments))
    raise wrong_form(word, _FORMS[word], arguments)


_FORMS = {
    "deploy_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN [TIMESTAMP]]]",
    "unchanged_cert": "DOMAIN KEY CERT [FULLCHAIN [CHAIN]]",
    "sync_cert": "KEY CERT FULLCHAIN CHAIN CSR",
    "deploy_ocsp": "DOMAIN OCSPFILE TIMESTAMP",
    "invalid_challenge": "DOMAIN RESPONSE",
    "request_failure": "STATUS BODY METHOD [HEADERS]",
}


def _triples(word: str, arguments: Sequence[str]) -> list[Challenge]:
    if not arguments or len(arguments) % 3:
        raise wrong_form(word, "DOMAIN TOKEN VALUE, once for each challenge", arguments)
    return [Challenge(*arguments[i : i + 3]) for i in range(0, len(arguments), 3)]


def _certificate(arguments: Sequence[str]) -> Certificate:
    """letsencrypt.sh gives no timestamp, and in its first versions no chain either."""
    domain, key, cert, fullchain, chain, timestamp = [*arguments, "", "", ""][:6]
    return Certificate(domain, key, cert, fullchain, chain, timestamp)


def _failure(response: str) -> tuple[str, str]:
    """Token and error of a challenge that the CA has refused: JSON.sh's lines since 0.7, the
    CA's own JSON before."""
    if response.lstrip().startswith("{"):
        challenge = _json(response)
    else:
        leaves = dict(line.split("\t", 1) for line in response.splitlines() if "\t" in line)
        challenge = {key: _json(leaves.get(f'["{key}"]', "")) for key in ("token", "error")}
    if not isinstance(challenge, dict):
        return "", response.strip()
    return str(challenge.get("token") or ""), _detail(challenge.get("error"), response)


def _detail(problem: object, otherwise: str) -> str:
    """A problem document (RFC 9457, RFC 8555 §6.7) in one line; ``otherwise`` if it is none."""
    if not isinstance(problem, dict) or "detail" not in problem:
        return otherwise.strip()
    line = f"{problem['detail']} ({problem['type']})" if "type" in problem else str(problem["detail"])
    parts = problem.get("subproblems")
    return "; ".join([line, *map(_subproblem, parts)]) if isinstance(parts, list) else line


def _subproblem(problem: object) -> str:
    """What is wrong with one identifier (RFC 8555 §6.7.1)."""
    identifier = problem.get("identifier") if isinstance(problem, dict) else None
    name = identifier.get("value") if isinstance(identifier, dict) else None
    detail = _detail(problem, str(problem))
    return f"{name}: {detail}" if name else detail


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


DEHYDRATED = AcmeClient(
    "dehydrated",
    frozenset(
        {*_FORMS, "deploy_challenge", "clean_challenge", "startup_hook", "exit_hook"},
    ),
    _read,
    programs=frozenset({"dehydrated", "letsencrypt.sh"}),
    publishes="deploy_challenge",
    directory_options=("--ca",),
    renewal="dehydrated --cron",
    ends_runs=True,
)


# Its configuration. Nothing of it is ever executed.


class Dehydrated(NamedTuple):
    """What its files say. ``files``: in the order of their reading, the main one first. ``origins``: the
    file that each setting is from. ``uncertain``: what is set within a condition or a function."""

    files: tuple[str, ...]
    settings: Mapping[str, str]
    origins: Mapping[str, str] = {}
    uncertain: frozenset[str] = frozenset()

    @property
    def domains_txt(self) -> str:
        """The path of the file that lists the certificates."""
        return self.settings.get("DOMAINS_TXT") or f"{self.settings['BASEDIR']}/domains.txt"


def read_config(environ: Mapping[str, str], root: str = "/") -> Dehydrated | None:
    """The configuration that $CONFIG names, or that is where dehydrated looks for one; None where
    there is none that can be read. A value that only a shell can tell keeps its ``$``.

    ``root``: the folder that stands for /.
    """
    candidates = [environ.get("CONFIG", ""), *(f"{folder}/config" for folder in FOLDERS)]
    for path in filter(None, candidates):
        if read_text(path, root) is not None:
            reading = _Reading(root, {"BASEDIR": os.path.dirname(path)})
            reading.take(path)
            if folder := reading.settings.get("CONFIG_D", ""):
                from glob import glob

                for file in sorted(glob(f"{_at(folder, root)}/*.sh")):
                    reading.take(f"{folder}/{os.path.basename(file)}")
            return reading.result()
    return None


def config_of(config: Dehydrated, names: Sequence[str], alias: str, root: str = "/") -> Dehydrated:
    """The configuration as it is for one certificate: a file of its own may override some settings."""
    settings = config.settings
    certificates_folder = settings.get("CERTDIR") or f"{settings['BASEDIR']}/certs"
    own = f"{certificates_folder}/{alias}/config"
    if domains := settings.get("DOMAINS_D"):
        own = f"{domains}/{alias}"
    if not names or read_text(own, root) is None:
        return config
    reading = _Reading(root, dict(settings), dict(config.origins), set(config.uncertain), [*config.files])
    reading.take(own, OVERRIDABLE)
    return reading.result()


def lines(config: Dehydrated, root: str = "/") -> list[tuple[tuple[str, ...], str]]:
    """The names and the alias of every certificate in domains.txt."""
    found = []
    for line in (read_text(config.domains_txt, root) or "").splitlines():
        text, _, alias = line.partition("#")[0].lower().partition(">")
        if names := tuple(text.split()):
            found.append((names, alias.strip() or names[0].replace("*.", "_.", 1)))
    return found


def certificates(config: Dehydrated, root: str = "/") -> list[tuple[str, ...]]:
    """The names of each certificate in domains.txt, the aliases left out."""
    return [names for names, _ in lines(config, root)]


def read_text(path: str, root: str = "/") -> str | None:
    """The text of a file, with line feeds as line ends; None where ``read_octets`` has none."""
    octets = read_octets(path, root)
    return None if octets is None else octets.decode(errors="replace").replace("\r\n", "\n")


def read_octets(path: str, root: str = "/") -> bytes | None:
    """The content of a file; None if there is none that this user may read, or if what is there is no file,
    or has more than LARGEST_TEXT octets."""
    try:
        return read_regular(_at(path, root), LARGEST_TEXT)
    except (OSError, ValueError):
        return None


def _at(path: str, root: str) -> str:
    return os.path.join(root, path.lstrip("/"))


class _Reading:
    """Files read one after the other, as a shell would assign; what it would run is not known."""

    def __init__(
        self,
        root: str,
        settings: dict[str, str],
        origins: dict[str, str] | None = None,
        uncertain: set[str] | None = None,
        files: list[str] | None = None,
    ) -> None:
        self.settings = settings
        self._root = root
        self._origins = origins or {}
        self._uncertain = uncertain or set()
        self._files = files or []

    def take(self, path: str, only: Collection[str] = ()) -> None:
        """Read one more file; ``only``: the settings that count in it."""
        if path in self._files or len(self._files) >= MOST_FILES:
            return
        self._files.append(path)
        depth = 0
        for line in (read_text(path, self._root) or "").splitlines():
            depth += len(_OPENING.findall(line))
            self._line(path, line, only, certain=depth == 0)
            depth = max(0, depth - len(_CLOSING.findall(line)))

    def result(self) -> Dehydrated:
        return Dehydrated(tuple(self._files), self.settings, self._origins, frozenset(self._uncertain))

    def _line(self, path: str, line: str, only: Collection[str], *, certain: bool) -> None:
        if (sourced := _SOURCE.match(line)) and certain:
            file = _value(sourced[1], self.settings)
            if file.startswith("/"):
                self.take(file)
        for name, said in _SETTING.findall(line):
            if (only and name not in only) or _is_for_one_command(line, said):
                continue
            self.settings[name] = _value(said, self.settings)
            self._origins[name] = path
            self._uncertain.discard(name)
            if not certain:
                self._uncertain.add(name)


def _is_for_one_command(line: str, said: str) -> bool:
    """Whether another word follows, as behind a value with blanks and no quotes: it is a command, and the
    assignment is over once that has run."""
    position = 0
    while match := _WORD.match(said, position):
        position = match.end()
    rest = said[position:].strip()
    exported = line.lstrip().startswith("export ")
    return bool(rest) and not exported and re.match(r"[#;&|]|\w+=|\}|fi\b|esac\b|done\b", rest) is None


def _value(said: str, settings: Mapping[str, str]) -> str:
    """The word that the shell would assign: quotes removed, variables that are known put in."""
    parts = []
    position = 0
    while match := _WORD.match(said, position):
        single, double, bare = match.groups()
        text = re.sub(r"\\(.)", r"\1", double) if double is not None else bare
        parts.append(single if text is None else _VARIABLE.sub(lambda m: _known(m, settings), text))
        position = match.end()
    return "".join(parts)


def _known(match: re.Match[str], settings: Mapping[str, str]) -> str:
    return settings.get(match[1] or match[2], match[0])
