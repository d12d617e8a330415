"""Which CA the certificate is ordered from, and the mail address for it: given, configured or asked for."""

from __future__ import annotations

from functools import partial

from ..... import output
from .....errors import UsageError
from .....options import at
from .....own_program import own_path
from ....caa import issuers
from ....caa.issuers import PRESETS
from ....config.load import DEFAULT_FILE
from ..clients import ClientSetup, SetupRequest, dehydrated
from ..clients.registry import CLIENTS
from ..options import Options
from .questions import Questions, say

EXAMPLES = ("example.com", "example.net", "example.org")  # whose addresses public CAs refuse
RESERVED = ("alt", "example", "internal", "invalid", "local", "localhost", "onion", "test")  # RFC 6761
TEST = "-test"  # at the end of a CA's short name: its test directory


def check(options: Options) -> None:
    """Nothing, where the CA and the address that are given are right. Raises UsageError, ConfigError."""
    word = _ca_word(options, "")
    if options.email:
        with at("--email"):
            _mail_address(options.email, PRESETS.get(word, word))


def choose_order(
    questions: Questions, options: Options, client: ClientSetup, names: tuple[str, ...], file: str
) -> SetupRequest:
    """The CA for these names, and the address for it. ``file``: dns01's own configuration."""
    before, _ = of_dehydrated(client)
    word = _ca(questions, options, before)
    directory = PRESETS.get(word, word)
    email = _email(questions, options, client, directory)
    config = "" if file == DEFAULT_FILE else file
    return SetupRequest(names, directory, word, email, own_path(), config, options.cli_ini)


def of_dehydrated(client: ClientSetup) -> tuple[str, tuple[str, ...]]:
    """dehydrated's CA and the names of its first certificate; of other clients, nothing is known."""
    return dehydrated.configured() if client is CLIENTS["dehydrated"] else ("", ())


def _ca_word(options: Options, before: str) -> str:
    """The CA's short name as dehydrated has it, or a URL. ``before``: what is configured. Raises UsageError,
    ConfigError."""
    wanted = options.ca or before or "letsencrypt"
    with at("--ca"):
        word = issuers.ca({url: word for word, url in PRESETS.items()}.get(wanted, wanted))
    word = word.replace("-staging", TEST)
    if word not in PRESETS and not word.startswith("https://"):
        raise UsageError(f"init: --ca: the directory of {word} is not known here", "give its URL")
    if options.staging and not _has_test(word):
        configured = "" if options.ca else ", to which dehydrated is configured,"
        raise UsageError(
            f"init: --staging: {word}{configured} has no test directory",
            "give its URL, if it has, as --ca; or another CA: --ca letsencrypt --staging",
        )
    return word


def _has_test(word: str) -> bool:
    return word.removesuffix(TEST) + TEST in PRESETS


def _ca(questions: Questions, options: Options, before: str) -> str:
    """The same, of the two directories that a CA may have the one that is given or asked for."""
    word = _ca_word(options, before)
    plain = word.removesuffix(TEST)
    if not _has_test(word):
        return word
    if options.staging is not None:
        return plain + TEST * options.staging
    if options.ca and word != plain:
        return word
    default = "production" if before and word == plain else "staging"
    if questions.asks:
        say("Staging certificates are for trying: no browser trusts them.")
    kind = questions.choice("Certificates", "--staging", ("staging", "production"), default)
    return plain + TEST * (kind == "staging")


def _address(address: str, client: ClientSetup, directory: str) -> str:
    """The mail address, or none where the client does without. Raises UsageError."""
    if address:
        return _mail_address(address, directory)
    if client.wants_email:
        raise UsageError(f"{client.name} wants an address", "for example: hostmaster@your-domain")
    return ""


def _mail_address(address: str, directory: str) -> str:
    """The same, if the CA may take it. Raises UsageError."""
    local, at_sign, domain = address.rpartition("@")
    plain = address.isascii() and address.isprintable() and " " not in address and address[:1] != "-"
    if not (at_sign and local and "." in domain and plain):
        raise UsageError(f"{address!r} is no mail address", "for example: hostmaster@your-domain")
    domain = domain.lower()
    if directory in PRESETS.values() and (domain in EXAMPLES or domain.rpartition(".")[2] in RESERVED):
        raise UsageError(f"CAs take no address at {domain}", "give one that is read")
    return address


def _email(questions: Questions, options: Options, client: ClientSetup, directory: str) -> str:
    check = partial(_address, client=client, directory=directory)
    if options.email is not None:
        with at("--email"):
            return check(options.email)
    if (address := client.address()) is not None:
        output.step(f"e-mail: {address or 'none'}, as {client.name} has it (another: --email)")
        return address
    if client.wants_email:
        return questions.text("E-mail address for the CA", "--email", check)
    return questions.text("E-mail address for the CA (Enter: none)", "--email", check, "")
